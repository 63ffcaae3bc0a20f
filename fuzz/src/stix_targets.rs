//! Readers of STIX: what is taken is JSON also to another reader, and comes back as it was.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::de::IgnoredAny;
use stix::{Marking, Spec, pattern, tree::Tree};

/// Beyond this many open brackets the other reader gives up.
const OTHER_DEPTH_MAX: usize = 120;

fn is_deep(data: &[u8]) -> bool {
    data.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() > OTHER_DEPTH_MAX
}

/// What splits is JSON to `serde_json`, and so is each slice; slices come in the document's order.
pub(crate) fn bundle(data: &[u8]) {
    let Ok(objects) = stix::split(data) else { return };
    if is_deep(data) {
        return;
    }
    let body = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    assert!(serde_json::from_slice::<IgnoredAny>(body).is_ok(), "no JSON to another reader");
    let mut last = 0;
    for object in objects {
        assert!(serde_json::from_slice::<IgnoredAny>(object).is_ok());
        let start = object.as_ptr().addr() - data.as_ptr().addr();
        assert!(start >= last, "a slice lies before the one before it");
        last = start + object.len();
    }
}

/// A checked object is JSON, its head is what the checks saw, and findings repeat.
pub(crate) fn object(data: &[u8]) {
    let resolve = |_: &str| Marking::Unknown;
    let Ok(checked) = stix::check(data, &resolve) else { return };
    assert!(!checked.head.type_.is_empty() && !checked.head.id.is_empty());
    let again = stix::check(data, &resolve).expect("checked before");
    assert_eq!(checked.findings, again.findings);
    if !is_deep(data) {
        assert!(serde_json::from_slice::<IgnoredAny>(data).is_ok());
    }
}

/// What the tree reads without a fault, `serde_json` reads too; every offset lies in the text.
pub(crate) fn tree(data: &[u8]) {
    let Ok(tree) = Tree::read(data) else { return };
    assert!(tree.root().offset() < data.len());
    assert!(data.windows(tree.root().raw().len()).any(|window| window == tree.root().raw()));
    if tree.faults().is_empty() && !is_deep(data) {
        let body = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
        assert!(serde_json::from_slice::<IgnoredAny>(body).is_ok(), "no JSON to another reader");
    }
}

/// The canonical form is its own canonical form, and means the same to `serde_json`.
pub(crate) fn canonical(data: &[u8]) {
    let Ok(once) = stix::canonicalize(data) else { return };
    assert_eq!(stix::canonicalize(once.as_bytes()).expect("canonical text is sound"), once);
    if is_deep(data) {
        return;
    }
    let value: serde_json::Value = serde_json::from_str(&once).expect("canonical text is JSON");
    // A byte order mark is skipped here and is no JSON to the other reader.
    let before = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let before: serde_json::Value = serde_json::from_slice(before).expect("it was JSON before");
    assert_eq!(keys(&value), keys(&before));
}

/// How many members there are in all: numbers are spelled anew, so they are not compared.
fn keys(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => items.iter().map(keys).sum::<usize>() + items.len(),
        serde_json::Value::Object(fields) => {
            fields.values().map(keys).sum::<usize>() + fields.len()
        }
        _ => 1,
    }
}

/// Comparing timestamps is an order, and keys sort as the timestamps do.
pub(crate) fn timestamp(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let times: Vec<&str> =
        text.split('\n').filter(|text| stix::is_timestamp(text)).take(3).collect();
    for a in &times {
        assert_eq!(stix::compare_timestamps(a, a), Ordering::Equal);
        for b in &times {
            let order = stix::compare_timestamps(a, b);
            assert_eq!(stix::compare_timestamps(b, a), order.reverse());
            assert_eq!(stix::version_key(a).cmp(&stix::version_key(b)), order, "{a} and {b}");
        }
    }
}

/// A pattern's print reads as a pattern with the same print, in the same edition.
pub(crate) fn pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for spec in [Spec::V20, Spec::V21] {
        let Ok(parsed) = pattern::parse(text, spec) else { continue };
        let printed = parsed.to_string();
        let again = pattern::parse(&printed, spec).expect("what is printed can be read");
        assert_eq!(again.to_string(), printed);
        let _ = parsed.matcher();
        let _ = pattern::findings(&parsed, pattern::CustomCheck::default());
        if let Ok(same) = pattern::equivalent(&parsed, &again) {
            assert!(same, "a pattern is equivalent to its print");
        }
    }
}

/// Whatever is asked, the answer is one line of JSON, and an object. What it repeats stays as it was
/// written: a number may be larger than a reader takes that makes something of it.
pub(crate) fn lines(data: &[u8]) {
    let answer = stix::lines::answer(data, &|| "2031-05-04T10:00:00.000Z".to_owned());
    let answer = answer.strip_suffix(b"\n").unwrap_or(&answer);
    assert!(!answer.contains(&b'\n'));
    assert!(serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(answer).is_ok());
}
