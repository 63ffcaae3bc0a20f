//! Courier files at the command line: whole, half, twice, for another, and no courier file at all.

use std::fs;

use crate::{
    doors::{partners, release, said, until},
    process::Machine,
};

/// One line with the rule and a remedy, and the exit status of what is malformed.
fn refused(machine: &Machine, file: &str, rule: &str) {
    let output = machine.run(&["courier", "import", file]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains(rule), "{rule}: {said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    assert!(said.contains("nothing of the file was taken in"), "{said}");
}

fn served(machine: &Machine) -> usize {
    let rows = machine.json(&["statements"]);
    let rows = rows["statements"].as_array().unwrap();
    rows.iter().filter(|row| row["kind"] == "release" && row["out"] == false).count()
}

#[test]
fn courier_file_is_taken_whole_or_not_at_all_at_the_command_line() {
    let [a, mut b] = partners();
    // Brevia is away: what Aldermoor releases goes by disk.
    b.kill();
    release(&a, 1);
    release(&a, 2);
    let disk = a.path("disk.tar");
    let waiting = || {
        let partner = a.json(&["partner", "show", "brevia.example/channel"]);
        partner["waiting_for_link"].as_u64().unwrap()
    };
    until("two sealed releases", || waiting() == 2);
    said(&a, &["courier", "export", "brevia.example/channel", &disk]);
    b.start();
    let whole = fs::read(&disk).unwrap();
    let part = a.path("part.tar");
    for (bytes, rule) in [
        (&whole[..whole.len() / 2], "CUR-5"),
        (&whole[..600], "CUR-1"),
        (&b"no tar at all"[..], "CUR-1"),
    ] {
        fs::write(&part, bytes).unwrap();
        refused(&b, &part, rule);
    }
    refused(&a, &disk, "CUR-");
    let missing = b.run(&["courier", "import", "nowhere.tar"]);
    assert_eq!(missing.status.code(), Some(8), "{missing:?}");
    // Whole, and once more: the second time changes nothing, however the link is by now.
    let first = b.json(&["courier", "import", &disk]);
    assert_eq!(first["listed"], 2, "{first}");
    until("both releases", || served(&b) == 2);
    let again = b.json(&["courier", "import", &disk]);
    assert_eq!((&again["new"], &again["known"]), (&0.into(), &2.into()), "{again}");
    assert_eq!(served(&b), 2);
}
