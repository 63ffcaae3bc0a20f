//! Real documents of `../shared/data` beside the project, unpacked; absent ones are skipped by name.

use std::{fs, io::Read as _, path::Path};

use anyhow::{Context as _, Result};

/// All of ATT&CK Enterprise: one bundle of 24,771 objects.
pub(crate) const ATTACK: &str = "attack-enterprise-18.1.json.xz";

/// Distinct real patterns, one JSON object a line.
const PATTERNS: &str = "patterns.jsonl.xz";

/// A file's bytes, unpacked when it is an `.xz`; none where it is not there.
pub(crate) fn read(name: &str) -> Result<Option<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = root.join(name);
    if !path.exists() {
        return Ok(None);
    }
    let packed = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    if !name.ends_with(".xz") {
        return Ok(Some(packed));
    }
    let mut bytes = Vec::new();
    liblzma::read::XzDecoder::new(packed.as_slice())
        .read_to_end(&mut bytes)
        .with_context(|| format!("{} cannot be unpacked", path.display()))?;
    Ok(Some(bytes))
}

/// The real patterns; none where they are not there.
pub(crate) fn patterns() -> Result<Option<Vec<String>>> {
    let Some(lines) = read(PATTERNS)? else { return Ok(None) };
    let mut patterns = Vec::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: serde_json::Value = serde_json::from_slice(line)?;
        let pattern = line.get("pattern").and_then(serde_json::Value::as_str);
        patterns.extend(pattern.map(str::to_owned));
    }
    Ok(Some(patterns))
}
