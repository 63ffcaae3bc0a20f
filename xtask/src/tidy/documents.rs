//! What documents say of the repository is true: links lead somewhere, places and tests that they
//! name exist, decisions are numbered without a gap.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

/// Underscores from which a word in code marks is taken for a test's name.
const TEST_UNDERSCORES_MIN: usize = 4;
/// Folders whose paths documents name from the root.
const FOLDERS: [&str; 6] = ["crates/", "docs/", "fuzz/", "tests/", "xtask/", ".ci/"];

/// Checks every document; `sources` is all of our source code.
pub(super) fn check(root: &Path, sources: &str, wrong: &mut Vec<String>) -> Result<()> {
    for path in documents(root)? {
        let text = fs::read_to_string(&path)?;
        let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        for (number, line) in text.lines().enumerate() {
            let mut tell = |what: String| wrong.push(format!("{place}:{}: {what}", number + 1));
            for link in links(line) {
                if !leads_somewhere(&path, link) {
                    tell(format!("the link `{link}` leads nowhere"));
                }
            }
            for code in line.split('`').skip(1).step_by(2) {
                if names_a_place(code) && !root.join(code.trim_end_matches('/')).exists() {
                    tell(format!("`{code}` is not there"));
                }
                if names_a_test(code) && !sources.contains(&format!("fn {code}(")) {
                    tell(format!("there is no test `{code}`"));
                }
            }
        }
    }
    check_decisions(root, wrong)
}

fn documents(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in [root.to_owned(), root.join("docs"), root.join("docs/decisions")] {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
}

fn leads_somewhere(document: &Path, link: &str) -> bool {
    let elsewhere = ["http://", "https://", "mailto:", "#"];
    if elsewhere.iter().any(|prefix| link.starts_with(prefix)) {
        return true;
    }
    let target = link.split('#').next().unwrap_or_default();
    document.parent().is_some_and(|folder| folder.join(target).exists())
}

fn names_a_place(code: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    FOLDERS.iter().any(|folder| code.starts_with(folder)) && code.bytes().all(plain)
}

fn names_a_test(code: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    code.bytes().all(plain) && code.matches('_').count() >= TEST_UNDERSCORES_MIN
}

/// `NNNN-name.md`, from 0001 without a gap, each with its number in front of its title.
fn check_decisions(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("docs/decisions"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    for (name, expected) in names.iter().zip(1..) {
        let number = format!("{expected:04}");
        let title = fs::read_to_string(root.join("docs/decisions").join(name))?;
        if !name.starts_with(&format!("{number}-")) || !title.starts_with(&format!("# {number}. "))
        {
            wrong.push(format!("docs/decisions/{name}: number {number} is next; name and title"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_names_are_found_in_a_line() {
        let line = "see [a](b.md#c) and [d](https://e), `crates/stix/src`, `one_is_not_a_test`";
        assert_eq!(links(line).collect::<Vec<_>>(), ["b.md#c", "https://e"]);
        assert!(names_a_place("crates/stix/src") && !names_a_place("crates/*/src"));
        assert!(names_a_test("one_is_not_a_test") && !names_a_test("spec_version"));
    }
}
