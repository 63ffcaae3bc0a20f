//! Holds `docs/taxii-conformance.md` true: ids rise within their section, stand once, and every
//! test that a row names exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

const TABLE: &str = "docs/taxii-conformance.md";

/// Adds what is wrong with the table.
pub(super) fn check(root: &Path, sources: &[PathBuf], wrong: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(root.join(TABLE)).with_context(|| format!("{TABLE} is gone"))?;
    let tests = tests(root, sources)?;
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    for row in
        rows.filter(|row| row.starts_with(|first: char| first.is_ascii_digit() || first == 'B'))
    {
        let cells: Vec<&str> = row.trim_end_matches([' ', '|']).split(" | ").collect();
        let [id, says, shown] = cells.as_slice() else {
            wrong.push(format!("{TABLE}: a row has three cells: {row}"));
            continue;
        };
        count += 1;
        if !seen.insert(*id) || says.is_empty() {
            wrong.push(format!("{TABLE}: {id} stands twice or says nothing"));
        }
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        let has_reason =
            ["– ", "*client*", "this table"].iter().any(|word| shown.starts_with(word));
        if named.is_empty() && !has_reason {
            wrong.push(format!("{TABLE}: {id} names neither a test nor a reason"));
        }
        for test in named.into_iter().filter(|test| !tests.contains(*test)) {
            wrong.push(format!("{TABLE}: {id} names `{test}`, which is no test"));
        }
    }
    if count < 150 {
        wrong.push(format!("{TABLE}: only {count} rows read; the table has another shape"));
    }
    Ok(())
}

/// Every test of the TAXII door, as `module::name`.
fn tests(root: &Path, sources: &[PathBuf]) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for path in sources {
        let place = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        if !place.contains("/taxii/") {
            continue;
        }
        let module = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path)?;
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            let name = line.trim_start_matches("async ").strip_prefix("fn ");
            if let (true, Some((name, _))) = (is_test, name.and_then(|rest| rest.split_once('('))) {
                found.insert(format!("{module}::{name}"));
            }
            is_test = matches!(line, "#[test]" | "#[tokio::test]");
        }
    }
    Ok(found)
}
