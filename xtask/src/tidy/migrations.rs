//! A migration that has landed never changes: nodes in the field have run it as it was.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

/// Digests of landed migrations, one a line, as `sha256sum` writes them; lines are only ever added.
const LANDED: &str = "crates/store/migrations/landed.sha256";

/// Holds every migration against its digest.
pub(super) fn check(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let landed = fs::read_to_string(root.join(LANDED)).context(LANDED)?;
    let mut landed: BTreeMap<&str, &str> = landed
        .lines()
        .filter_map(|line| line.split_once("  ").map(|(digest, path)| (path, digest)))
        .collect();
    for back_end in ["postgres", "sqlite"] {
        for entry in fs::read_dir(root.join("crates/store/migrations").join(back_end))? {
            let file = entry?;
            let path = format!("{back_end}/{}", file.file_name().to_string_lossy());
            let digest = hex(&Sha256::digest(fs::read(file.path())?));
            match landed.remove(path.as_str()) {
                Some(kept) if kept == digest => {}
                Some(_) => wrong.push(format!("{path}: landed, so it never changes; add another")),
                None => wrong.push(format!("{LANDED}: add the line `{digest}  {path}`")),
            }
        }
    }
    wrong.extend(landed.keys().map(|path| format!("{path}: landed, and it is gone")));
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
