//! What is one pattern in two spellings, and what is not.

use super::super::parse;
use super::{EquivalenceError, equivalent};
use crate::Spec;

fn same(a: &str, b: &str) -> bool {
    let read = |text| parse(text, Spec::V21).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    let (one, two) = (read(a), read(b));
    let found = equivalent(&one, &two);
    assert_eq!(found, equivalent(&two, &one), "symmetric: {a} | {b}");
    assert_eq!(equivalent(&one, &one), Ok(true), "reflexive: {a}");
    found.unwrap_or_else(|error| panic!("{a} | {b}: {error}"))
}

#[test]
fn equivalence_ignores_order_doubles_and_parentheses_inside_brackets() {
    assert!(same("[a:b=1 OR a:c=2 OR a:b=1]", "[(a:c=2) OR a:b=1]"));
    assert!(same("[a:b=1 AND (a:c=2 AND a:d=3)]", "[a:d=3 AND a:b=1 AND a:c=2]"));
    assert!(same("[a:b=1 OR (a:b=1 AND a:c=2)]", "[a:b=1]"));
    assert!(same("[a:b=1 AND (a:b=1 OR a:c=2)]", "[a:b=1]"));
    assert!(same("[a:b=1 AND (a:c=2 OR a:d=3)]", "[a:b=1 AND a:d=3 OR a:b=1 AND a:c=2]"));
    assert!(!same("[a:b=1 AND a:c=2]", "[a:b=1 OR a:c=2]"));
    assert!(!same("[a:b=1]", "[a:b=2]"));
}

#[test]
fn equivalence_drops_terms_that_join_object_types() {
    assert!(same("[a:b=1 AND (a:c=2 OR x:d=3)]", "[a:b=1 AND a:c=2]"));
    let mixed = parse("[a:b=1 AND a:c=2 AND x:d=3]", Spec::V21).unwrap();
    assert_eq!(equivalent(&mixed, &mixed), Err(EquivalenceError::MixedTypes { offset: 1 }));
}

#[test]
fn equivalence_between_observations_keeps_doubles_of_and_and_order_of_followedby() {
    assert!(same("[a:b=1] AND [a:c=2]", "[a:c=2] AND [a:b=1]"));
    assert!(!same("[a:b=1] AND [a:b=1]", "[a:b=1]"));
    assert!(same("[a:b=1] OR [a:b=1]", "[a:b=1]"));
    assert!(!same("[a:b=1] FOLLOWEDBY [a:c=2]", "[a:c=2] FOLLOWEDBY [a:b=1]"));
    let (left, right) = ("([a:b=1] FOLLOWEDBY [a:c=2])", "[a:d=3]");
    assert!(same(
        &format!("{left} FOLLOWEDBY {right}"),
        "[a:b=1] FOLLOWEDBY ([a:c=2] FOLLOWEDBY [a:d=3])"
    ));
    assert!(
        same(
            "([a:b=1] OR [a:c=2]) FOLLOWEDBY [a:d=3]",
            "[a:b=1] FOLLOWEDBY [a:d=3] OR ([a:c=2] FOLLOWEDBY [a:d=3])"
        ) == same(
            "([a:b=1] OR [a:c=2]) FOLLOWEDBY [a:d=3]",
            "[a:b=1] FOLLOWEDBY ([a:d=3] OR [a:c=2]) FOLLOWEDBY [a:d=3]"
        )
    );
    assert!(same(
        "([a:b=1] OR [a:c=2]) FOLLOWEDBY [a:d=3]",
        "([a:b=1] FOLLOWEDBY [a:d=3]) OR ([a:c=2] FOLLOWEDBY [a:d=3])"
    ));
    assert!(same("[a:b=1] OR ([a:b=1] FOLLOWEDBY [a:c=2])", "[a:b=1]"));
    assert!(same("[a:b=1] OR ([a:c=2] AND [a:b=1])", "[a:b=1]"));
    assert!(!same(
        "[a:b=1] WITHIN 5 SECONDS OR ([a:b=1] WITHIN 5 SECONDS AND [a:c=1])",
        "[a:b=1] WITHIN 5 SECONDS"
    ));
}

#[test]
fn equivalence_compares_qualifiers_by_value_and_in_order() {
    assert!(same("[a:b=1] WITHIN 5.0 SECONDS", "([a:b=1]) WITHIN 5 SECONDS"));
    assert!(!same("[a:b=1] WITHIN 5 SECONDS", "[a:b=1] WITHIN 6 SECONDS"));
    assert!(!same("[a:b=1] REPEATS 2 TIMES", "[a:b=1]"));
    assert!(!same(
        "[a:b=1] REPEATS 2 TIMES WITHIN 5 SECONDS",
        "[a:b=1] WITHIN 5 SECONDS REPEATS 2 TIMES"
    ));
    assert!(same(
        "[a:b=1] START t'2031-01-01T00:00:00.0Z' STOP t'2031-01-02T00:00:00Z'",
        "[a:b=1] START t'2031-01-01T00:00:00Z' STOP t'2031-01-02T00:00:00.00Z'"
    ));
    assert!(same("([a:b=1] OR [a:c=2]) REPEATS 2 TIMES", "([a:c=2] OR [a:b=1]) REPEATS 2 TIMES"));
}

#[test]
fn equivalence_compares_constants_by_value() {
    for (a, b) in [
        ("= 1", "= 1.0"),
        ("!= 'x'", "NOT = 'x'"),
        ("NOT != 'x'", "= 'x'"),
        ("= h'fF'", "= h'Ff'"),
        ("= t'2031-01-01T00:00:00.50Z'", "= t'2031-01-01T00:00:00.5Z'"),
        ("IN (1, 2)", "IN (2.0, 1)"),
    ] {
        assert!(same(&format!("[a:b {a}]"), &format!("[a:b {b}]")), "{a} | {b}");
    }
    for (a, b) in [("= 'x'", "= 'X'"), ("= 1", "= '1'"), ("NOT IN (1)", "IN (1)"), ("> 5", ">= 6")]
    {
        assert!(!same(&format!("[a:b {a}]"), &format!("[a:b {b}]")), "{a} | {b}");
    }
    assert!(same("[file:hashes.'MD5' = 'x']", "[file:'hashes'.MD5 = 'x']"));
}

#[test]
fn equivalence_takes_addresses_by_network_and_registry_keys_without_case() {
    assert!(same("[ipv4-addr:value = '10.1.2.3/8']", "[ipv4-addr:value = '10.0.0.0/8']"));
    assert!(same("[ipv4-addr:value = '10.1.2.3/32']", "[ipv4-addr:value = '10.1.2.3']"));
    assert!(same("[ipv4-addr:value = '10.1.2.010']", "[ipv4-addr:value = '10.1.2.8']"));
    assert!(same("[ipv4-addr:value IN ('10.1.2.3/8')]", "[ipv4-addr:value IN ('10.0.0.0/8')]"));
    assert!(!same("[ipv4-addr:value = '10.1.2.3/33']", "[ipv4-addr:value = '10.1.2.3']"));
    assert!(same("[ipv6-addr:value = '2001:DB8::1/32']", "[ipv6-addr:value = '2001:db8::/32']"));
    assert!(!same("[a:value = '10.1.2.3/8']", "[a:value = '10.0.0.0/8']"));
    let key = "windows-registry-key:key";
    assert!(same(&format!("[{key} = 'HKEY\\\\A']"), &format!("[{key} = 'hkey\\\\a']")));
    assert!(!same(&format!("[{key} MATCHES '\\\\D']"), &format!("[{key} MATCHES '\\\\d']")));
    let name = "windows-registry-key:values[*].name";
    assert!(same(&format!("[{name} = 'Run']"), &format!("[{name} = 'run']")));
}

#[test]
fn equivalence_of_a_form_that_explodes_is_a_limit_and_a_long_one_is_not() {
    let two = |place: usize| format!("(a:b={place} OR a:c={place})");
    let explodes = format!("[{}]", (0..40).map(two).collect::<Vec<_>>().join(" AND "));
    let pattern = parse(&explodes, Spec::V21).unwrap();
    assert_eq!(equivalent(&pattern, &pattern), Err(EquivalenceError::TooLarge));
    let one = |place: usize| format!("a:b={place}");
    let long = (0..20_000).map(one).collect::<Vec<_>>().join(" OR ");
    assert!(same(&format!("[{long}]"), &format!("[{long} OR a:b=7]")));
    let chained = format!("[a:b=1]{}", " REPEATS 1 TIMES".repeat(60_000));
    assert!(same(&chained, &chained));
    let deep = |inner: &str| {
        format!("{}{inner}{}", "([a:x=1] FOLLOWEDBY ".repeat(256), " AND [a:y=2])".repeat(256))
    };
    assert!(same(&deep("[a:b=1]"), &deep("[a:b=1]")));
}
