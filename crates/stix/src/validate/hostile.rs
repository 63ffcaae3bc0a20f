//! Hostile documents: each a clear finding, in bounded time and memory.
//!
//! A pure room reads no clock, so nothing is timed here: texts of this size would take a quadratic
//! reader hours, and that the tests end at all is the proof that none is.

use super::{Options, Report, validate};
use crate::{Finding, limits};

fn run(document: &[u8]) -> (Report, Vec<Finding>) {
    let mut found = Vec::new();
    let report = validate(document, &Options::default(), &mut |finding| {
        found.push(finding.clone());
    });
    for finding in &found {
        assert!(finding.found.len() <= 80 * 10, "{}", finding.found.len());
    }
    (report, found)
}

/// An object with a property that is this text, between two that are sound.
fn among_sound(value: &str) -> String {
    let sound =
        r#"{"type":"mutex","id":"mutex--dea28eb4-a075-58f6-8638-34649dbea5ee","name":"lamp"}"#;
    let id = "mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a926";
    format!(
        r#"{{"type":"bundle","id":"bundle--44af6c39-c09b-49c5-9de2-394224b04982","objects":[{sound},
        {{"type":"mutex","id":"{id}","name":"a","x_lamp":{value}}},{sound}]}}"#
    )
}

/// The rules and places of the errors: all of them in the object in the middle.
fn errors(value: &str) -> Vec<(&'static str, String)> {
    let (report, found) = run(among_sound(value).as_bytes());
    assert_eq!(report.objects, 3);
    let errors = found.into_iter().filter(|finding| finding.level == crate::Level::Error);
    let errors: Vec<_> = errors.map(|finding| (finding.rule, finding.pointer)).collect();
    assert!(errors.iter().all(|(_, pointer)| pointer.starts_with("/objects/1")), "{errors:?}");
    errors
}

fn one(rule: &'static str, place: &str) -> Vec<(&'static str, String)> {
    vec![(rule, format!("/objects/1{place}"))]
}

#[test]
fn each_kind_of_damage_is_one_finding_at_its_place() {
    assert_eq!(errors("1e400"), one("JSON-6", "/x_lamp"));
    assert_eq!(errors(r#""\ud800""#), one("JSON-4", "/x_lamp"));
    assert_eq!(errors(r#"{"abc":1,"abc":2}"#), one("JSON-2", "/x_lamp/abc"));
    let (_, found) = run(br#"{"type":"mutex","name":"\u0000"}"#);
    assert!(
        found.iter().any(|finding| (finding.rule, finding.pointer.as_str()) == ("JSON-7", "/name"))
    );
    let (_, found) = run(b"{\"type\":\"mutex\",\"name\":\"\xff\"}");
    assert_eq!((found[0].rule, found[0].offset), ("JSON-3", 24));
}

#[test]
fn nesting_of_100_000_spoils_only_its_object() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(errors(&deep)[0].0, "LIMIT-3");
    // Not closed, it is no JSON at all, and the whole document with it.
    let (_, found) = run(among_sound(&"[".repeat(100_000)).as_bytes());
    assert_eq!((found[0].rule, found.len()), ("JSON-1", 1));
}

/// A number of 1 GB lies beyond the limit of a document, which is known by its length; the longest
/// that is read at all fills an object.
#[test]
fn numbers_of_any_length_are_one_finding() {
    for digits in [1_001, 1_000_000, 15_000_000] {
        assert_eq!(errors(&"9".repeat(digits)), one("LIMIT-5", "/x_lamp"));
    }
    assert_eq!(errors(&"9".repeat(limits::OBJECT_LEN_MAX)), one("LIMIT-2", ""));
    let (report, found) = run("9".repeat(limits::DOCUMENT_LEN_MAX + 1).as_bytes());
    assert_eq!((found[0].rule, found.len(), report.is_valid()), ("LIMIT-1", 1, false));
}

#[test]
fn strings_and_lists_beyond_their_limits_are_one_finding() {
    let text = format!("\"{}\"", "a".repeat(limits::STRING_LEN_MAX));
    assert_eq!(errors(&text), one("LIMIT-6", "/x_lamp"));
    let list = format!("[{}0]", "0,".repeat(limits::MEMBERS_MAX));
    assert_eq!(errors(&list)[0].0, "LIMIT-4");
}

#[test]
fn doubled_keys_without_number_are_counted_and_not_kept() {
    let many = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(1_000_000));
    let (report, found) = run(among_sound(&many).as_bytes());
    assert!(report.errors > 1_000 && found.len() <= 1_010, "{report:?}, {}", found.len());
    let object = format!("{{{}\"a\":1}}", "\"a\":1,".repeat(60));
    let (report, found) = run(among_sound(&format!(
        "[{}{object}]",
        (object.clone() + ",").repeat(30_000)
    ))
    .as_bytes());
    assert!(report.errors > 1_000 && found.len() <= 1_010, "{report:?}, {}", found.len());
}

#[test]
fn findings_at_the_end_of_a_long_list_are_found_at_once() {
    let list = format!("[{}{}0]", "0,".repeat(1_000_000), "null,".repeat(2_000));
    let (_, found) = run(among_sound(&list).as_bytes());
    assert!(found.iter().any(|finding| finding.pointer == "/objects/1/x_lamp/1000500"));
}
