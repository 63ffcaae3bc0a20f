//! Holds `docs/stix-rules.md` true: every MUST has its row, and every row says what is so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

/// How the rules begin that the table has besides those of STIX 2.1: STIX 2.0, marking schemes.
const OTHERS: [&str; 5] = ["STIX20-", "ACS-", "IEP-", "CUI", "TLP-2"];

/// MUSTs and MUST NOTs of each chapter of STIX 2.1 with Errata 01, as counted.
const MUSTS: [(&str, usize); 13] = [
    ("2", 45),
    ("3", 51),
    ("4", 60),
    ("5", 12),
    ("6", 170),
    ("7", 49),
    ("8", 3),
    ("9", 97),
    ("10", 8),
    ("11", 30),
    ("12", 22),
    ("B", 1),
    ("G", 1),
];

/// One row: where a rule is checked, and what shows it.
struct Row<'a> {
    checked: &'a str,
    shown: &'a str,
}

/// Adds what is wrong with the table.
pub(super) fn check(root: &Path, files: &[PathBuf], wrong: &mut Vec<String>) -> Result<()> {
    let mut sources = Vec::new();
    for file in files {
        let place = file.strip_prefix(root).unwrap_or(file).display().to_string();
        if place.starts_with("crates/stix/src") {
            sources.push((place, fs::read_to_string(file)?));
        }
    }
    let table = fs::read_to_string(root.join("docs/stix-rules.md"))?;
    let neighbours = fs::read_to_string(root.join("crates/stix/tests/rules.jsonl"))?;
    let rows = rows(&table, wrong);
    check_count(&rows, wrong);
    for (rule, row) in &rows {
        check_row(rule, row, &rows, &sources, &neighbours, wrong);
    }
    let told: BTreeSet<String> = sources.iter().flat_map(|(_, text)| musts(text)).collect();
    for rule in told.iter().filter(|rule| !rows.contains_key(rule.as_str())) {
        wrong.push(format!("docs/stix-rules.md: no row for {rule}, which the code reports"));
    }
    Ok(())
}

fn rows<'a>(table: &'a str, wrong: &mut Vec<String>) -> BTreeMap<&'a str, Row<'a>> {
    let mut rows = BTreeMap::new();
    let is_rule = |line: &&str| {
        let rule = line.strip_prefix("| ").unwrap_or_default();
        rule.starts_with("STIX-") || OTHERS.iter().any(|other| rule.starts_with(other))
    };
    for line in table.lines().filter(is_rule) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [rule, _, checked, shown] = cells[..] else {
            wrong.push(format!("docs/stix-rules.md: not four cells: {line}"));
            continue;
        };
        if rows.insert(rule, Row { checked, shown }).is_some() {
            wrong.push(format!("docs/stix-rules.md: {rule} stands twice"));
        }
    }
    rows
}

/// The chapters have their counts, and the numbers of a section leave no gap.
fn check_count(rows: &BTreeMap<&str, Row<'_>>, wrong: &mut Vec<String>) {
    let mut chapters: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sections: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for rule in rows.keys().filter_map(|rule| rule.strip_prefix("STIX-")) {
        let Some((section, number)) = rule.rsplit_once('-') else { continue };
        *chapters.entry(section.split('.').next().unwrap_or(section)).or_default() += 1;
        sections.entry(section).or_default().push(number.parse().unwrap_or_default());
    }
    for (chapter, count) in MUSTS {
        let found = chapters.get(chapter).copied().unwrap_or_default();
        if found != count {
            wrong
                .push(format!("docs/stix-rules.md: chapter {chapter} has {found} rows of {count}"));
        }
    }
    for (section, mut numbers) in sections {
        numbers.sort_unstable();
        if numbers.iter().enumerate().any(|(place, number)| *number != place + 1) {
            wrong.push(format!("docs/stix-rules.md: the numbers of section {section} have a gap"));
        }
    }
}

fn check_row(
    rule: &str,
    row: &Row<'_>,
    rows: &BTreeMap<&str, Row<'_>>,
    sources: &[(String, String)],
    neighbours: &str,
    wrong: &mut Vec<String>,
) {
    let mut say = |problem: String| wrong.push(format!("docs/stix-rules.md: {rule}: {problem}"));
    if row.checked.strip_prefix("no program: ").is_some_and(|reason| reason.len() > 10) {
        return;
    }
    if let Some(other) = row.checked.strip_prefix("as STIX-") {
        let covered = rows.get(format!("STIX-{other}").as_str());
        if !covered.is_some_and(|other| other.checked.starts_with('`')) {
            say(format!("STIX-{other} is checked nowhere"));
        }
        return;
    }
    let Some(path) = row.checked.split('`').nth(1) else {
        return say("neither a file, nor another rule, nor `no program:` and why".to_owned());
    };
    let name = format!("crates/stix/src/{path}");
    let Some((_, text)) = sources.iter().find(|(place, _)| *place == name) else {
        return say(format!("{name} is not there"));
    };
    match row.shown.trim_matches('`') {
        "rules.jsonl" => {
            if !text.contains(&format!("\"{rule}\"")) {
                say(format!("{name} does not report it"));
            }
            if !neighbours.contains(&format!("\"rule\": \"{rule}\"")) {
                say("no row in crates/stix/tests/rules.jsonl".to_owned());
            }
        }
        test => {
            let function = format!("fn {test}(");
            if !sources.iter().any(|(_, text)| text.contains(&function)) {
                say(format!("no test `{test}`"));
            }
        }
    }
}

/// The MUSTs that a source names, of either edition.
fn musts(text: &str) -> impl Iterator<Item = String> {
    let ids = text.split("\"STIX").skip(1).filter_map(|rest| rest.split('"').next());
    let number = |id: &&str| {
        id.rsplit_once('-').is_some_and(|(section, number)| {
            section.len() > 1 && number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit())
        })
    };
    ids.filter(number).map(|id| format!("STIX{id}"))
}
