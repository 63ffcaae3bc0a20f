//! Rules of the house that are code: walls between crates, licences, sizes, module docs, landed
//! migrations, what documents say of the repository.

mod documents;
mod migrations;
mod stix_rules;
mod taxii_conformance;
mod walls;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// Lines of a file above which it must be two.
const FILE_LINES_MAX: usize = 1_000;
/// Bytes of a line.
const LINE_WIDTH_MAX: usize = 160;

/// What no room says that is run in worlds: time and chance come from outside.
const CHANCE: [&str; 5] = ["SystemTime", "Instant::now", "getrandom", "OsRng", "new_v4()"];

/// What the pure rooms never say besides.
const PURE: [&str; 7] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::Tcp",
    "std::net::Udp",
    "async fn",
];

/// Holds every rule; all violations are listed before it fails.
pub(crate) fn run() -> Result<()> {
    let root = root()?;
    let (mut wrong, mut all) = (Vec::new(), String::new());
    let sources = sources(&root)?;
    for file in &sources {
        all.push_str(&check_source(&root, file, &mut wrong)?);
    }
    walls::check(&root, &mut wrong)?;
    migrations::check(&root, &mut wrong)?;
    documents::check(&root, &all, &mut wrong)?;
    taxii_conformance::check(&root, &sources, &mut wrong)?;
    stix_rules::check(&root, &sources, &mut wrong)?;
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

fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = ["crates", "fuzz", "xtask"].map(|folder| root.join(folder)).to_vec();
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

/// The text of a source file that was checked.
fn check_source(root: &Path, path: &Path, wrong: &mut Vec<String>) -> Result<String> {
    let text = fs::read_to_string(path)?;
    let place = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let is_test = place.contains("/tests")
        || ["tests.rs", "vectors.rs", "fuzzing.rs"].iter().any(|name| place.ends_with(name));
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
    let lies_in = |rooms: &[&str]| rooms.iter().any(|room| place.starts_with(room));
    let words = if is_test {
        Vec::new()
    } else if lies_in(&["crates/stix/src", "crates/protocol/src"]) {
        [&CHANCE[..], &PURE].concat()
    } else if lies_in(&["crates/exchange/src", "crates/store/src"]) {
        CHANCE.to_vec()
    } else {
        Vec::new()
    };
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    for word in words.into_iter().filter(|word| shipped.contains(word)) {
        wrong.push(format!("{place}: `{word}` has no place in this room"));
    }
    Ok(text)
}
