//! Rules of the house that are code: walls between crates, sizes, module docs, migrations.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

mod taxii_conformance;

/// Lines of a file above which it must be two.
const FILE_LINES_MAX: usize = 1_000;
/// Bytes of a line.
const LINE_WIDTH_MAX: usize = 160;

/// Crates that may stand only in these manifests.
const WALLS: [(&str, &[&str]); 12] = [
    ("rusqlite", &["store"]),
    ("axum", &["node"]),
    ("askama", &["node"]),
    ("aws-lc-rs", &["protocol"]),
    ("hpke", &["protocol"]),
    ("chacha20poly1305", &["protocol"]),
    ("curve25519-dalek", &["protocol"]),
    ("argon2", &["protocol"]),
    ("scrypt", &["protocol"]),
    ("hmac", &["protocol"]),
    ("hkdf", &["protocol"]),
    ("sha2", &["protocol", "stix"]),
];

/// What the pure rooms never say.
const PURE: [&str; 4] = ["std::fs", "std::net", "SystemTime", "Instant::now"];

/// Holds every rule; all violations are listed before it fails.
pub(crate) fn run() -> Result<()> {
    let root = root()?;
    let mut wrong = Vec::new();
    for name in ["stix", "protocol", "store", "exchange", "node", "testkit"] {
        check_manifest(&root, name, &mut wrong)?;
    }
    let sources = sources(&root)?;
    for file in &sources {
        check_source(&root, file, &mut wrong)?;
    }
    taxii_conformance::check(&root, &sources, &mut wrong)?;
    if wrong.is_empty() {
        return Ok(());
    }
    for line in &wrong {
        eprintln!("tidy: {line}");
    }
    bail!("{} rules are broken", wrong.len())
}

fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_owned).context("xtask lies in no workspace")
}

fn check_manifest(root: &Path, name: &str, wrong: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(root.join("crates").join(name).join("Cargo.toml"))?;
    let shipped = text.split("[dev-dependencies]").next().unwrap_or_default();
    for (dependency, rooms) in WALLS {
        let stands = shipped.lines().any(|line| {
            line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        });
        if stands && !rooms.contains(&name) {
            wrong.push(format!("crates/{name}: `{dependency}` belongs only in {rooms:?}"));
        }
    }
    Ok(())
}

fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.join("crates"), root.join("xtask")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn check_source(root: &Path, path: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let place = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let is_test = place.contains("/tests") || place.ends_with("tests.rs");
    if text.lines().count() > FILE_LINES_MAX {
        wrong.push(format!("{place}: more than {FILE_LINES_MAX} lines"));
    }
    if !is_test && !text.starts_with("//!") {
        wrong.push(format!("{place}: no module doc on its first line"));
    }
    for (number, line) in text.lines().enumerate() {
        if line.len() > LINE_WIDTH_MAX {
            wrong.push(format!("{place}:{}: wider than {LINE_WIDTH_MAX} bytes", number + 1));
        }
    }
    let pure =
        ["crates/stix/src", "crates/protocol/src"].iter().any(|room| place.starts_with(room));
    if pure && !is_test {
        let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in PURE {
            if shipped.contains(word) {
                wrong.push(format!("{place}: `{word}` has no place in a pure room"));
            }
        }
    }
    Ok(())
}
