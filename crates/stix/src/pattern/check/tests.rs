//! What is found in patterns that can be read, and what is not.

use super::super::parse;
use super::{CustomCheck, findings, has_brackets};
use crate::{Level, Spec};

fn all(text: &str, spec: Spec, custom: CustomCheck) -> Vec<(Level, &'static str)> {
    let pattern = parse(text, spec).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    findings(&pattern, custom).into_iter().map(|found| (found.level, found.rule)).collect()
}

fn found(text: &str) -> Vec<(Level, &'static str)> {
    all(text, Spec::V21, CustomCheck::ExtensionsUse)
}

fn clean(text: &str) {
    assert_eq!(found(text), [], "{text}");
}

fn error(text: &str, rule: &'static str) {
    assert_eq!(found(text), [(Level::Error, rule)], "{text}");
}

fn warning(text: &str, rule: &'static str) {
    assert_eq!(found(text), [(Level::Warning, rule)], "{text}");
}

#[test]
fn finding_has_place_and_what_stood_there() {
    let text = "[mutex:name = 'é' OR\n file:size IN (1, 'x')]";
    let pattern = parse(text, Spec::V21).unwrap();
    let found = findings(&pattern, CustomCheck::Off);
    assert_eq!(found.len(), 1, "an unlike set is told once");
    assert_eq!((found[0].line, found[0].column, found[0].rule), (2, 15, "STIX-9.6.1-19"));
    assert_eq!(
        found[0].to_string(),
        "line 2, column 15: expected constants of one type in a set, found `(1` (STIX-9.6.1-19)"
    );
}

#[test]
fn pattern_2_10_01_integer_within_53_bits() {
    clean("[file:size = 9007199254740991]");
    clean("[file:size > -9007199254740991]");
    error("[file:size = 9007199254740992]", "STIX-2.10-01");
    error("[file:size IN (1, 99999999999999999999)]", "STIX-2.10-01");
    error(&format!("[file:size = {}.5]", "9".repeat(400)), "STIX-12.1-03");
    error("[domain-name:resolves_to_refs[9007199254740992].value = 'x']", "STIX-9.7.2-02");
}

#[test]
fn pattern_9_5_01_nothing_stands_before_the_first_bracket() {
    clean(" ( [mutex:name = 'a'])");
    error("// one\n[mutex:name = 'a']", "STIX-9.5-01");
    for (text, expected) in [(" ( [lamp", true), ("lamp [", false), ("", false), ("((", false)] {
        assert_eq!(has_brackets(text), expected, "{text}");
    }
}

#[test]
fn pattern_9_5_07_and_08_and_joins_one_object_type() {
    clean("[mutex:name = 'a' OR file:name = 'b']");
    clean("[(mutex:name = 'a' OR file:name = 'b') AND file:size = 1]");
    warning("[mutex:name = 'a' AND file:name = 'b']", "STIX-9.5-08");
    warning("[mutex:name = 'a' AND mutex:name = 'c' AND file:name = 'b']", "STIX-9.5-08");
}

#[test]
fn pattern_9_5_1_01_qualifier_of_a_kind_stands_once() {
    clean("[mutex:name = 'a'] REPEATS 2 TIMES WITHIN 5 SECONDS");
    clean("([mutex:name = 'a'] REPEATS 2 TIMES) REPEATS 2 TIMES");
    let rule = "STIX-9.5.1-01";
    error("[mutex:name = 'a'] WITHIN 5 SECONDS REPEATS 2 TIMES WITHIN 6 SECONDS", rule);
    warning("([mutex:name = 'a']) WITHIN 5 SECONDS WITHIN 6 SECONDS", rule);
    let text = "[mutex:name = 'WITHIN'] WITHIN 5 SECONDS REPEATS 2 TIMES WITHIN 6 SECONDS";
    let marked = findings(&parse(text, Spec::V21).unwrap(), CustomCheck::Off);
    assert_eq!((marked[0].column, marked[0].found.as_str()), (58, "WITHIN"));
    let moments = "START t'2031-01-01T00:00:00Z' STOP t'2031-01-02T00:00:00Z'";
    error(&format!("[mutex:name = 'a'] {moments} {moments}"), rule);
    let doubled = "[mutex:name = 'a'] WITHIN 5 SECONDS WITHIN 6 SECONDS";
    let of_2_0 = all(doubled, Spec::V20, CustomCheck::ExtensionsUse);
    assert_eq!(of_2_0, [(Level::Warning, rule)]);
}

#[test]
fn pattern_9_5_1_04_and_07_counts_and_spans_are_positive() {
    clean("[mutex:name = 'a'] REPEATS 1 TIMES WITHIN 0.5 SECONDS");
    error("[mutex:name = 'a'] REPEATS 0 TIMES", "STIX-9.5.1-04");
    error("[mutex:name = 'a'] WITHIN 0 SECONDS", "STIX-9.5.1-07");
    error("[mutex:name = 'a'] WITHIN 0.00 SECONDS", "STIX-9.5.1-07");
}

#[test]
fn pattern_9_6_1_05_to_20_constants_are_of_the_propertys_type() {
    for sound in [
        "[file:name = 'a' AND file:size > 1 AND file:size < 2.5]",
        "[file:ctime = t'2031-01-01T00:00:00Z' AND file:magic_number_hex = h'ff']",
        "[network-traffic:is_active = true AND network-traffic:src_port IN (80, 443)]",
        "[file:name LIKE '%' AND file:size NOT MATCHES 'x']",
    ] {
        clean(sound);
    }
    for (test, rule) in [
        ("file:name = 5", "STIX-9.6.1-05"),
        ("file:size != 'x'", "STIX-9.6.1-08"),
        ("file:size > 'x'", "STIX-9.6.1-10"),
        ("file:size < 'x'", "STIX-9.6.1-12"),
        ("file:size <= 'x'", "STIX-9.6.1-14"),
        ("file:size >= 'x'", "STIX-9.6.1-16"),
        ("file:ctime = '2031-01-01T00:00:00Z'", "STIX-9.6.1-05"),
        ("network-traffic:is_active = 1", "STIX-9.6.1-05"),
        ("network-traffic:src_port IN ('80')", "STIX-9.6.1-20"),
    ] {
        warning(&format!("[{test}]"), rule);
    }
}

#[test]
fn pattern_9_6_1_05_digest_has_the_length_of_its_algorithm() {
    let (md5, sha) = ("0".repeat(32), "aB".repeat(32));
    clean(&format!("[file:hashes.MD5 = '{md5}' OR file:hashes.'SHA-256' = '{sha}']"));
    clean(&format!("[file:hashes.MD5 IN ('{md5}')]"));
    clean("[file:hashes.MD5 LIKE '0%' OR file:hashes.MD5 MATCHES '^0']");
    clean("[file:hashes.x = 'y']");
    clean("[file:hashes.ssdeep = '96:s4Ud1Lj96tHH:sF1LjEtHH']");
    clean(&format!("[file:hashes.MD6 = '{md5}']"));
    error("[file:hashes.MD5 = 'f00']", "STIX-9.6.1-05");
    error(&format!("[file:hashes.'SHA-256' != '{md5}']"), "STIX-9.6.1-08");
    error(&format!("[file:hashes.MD5 IN ('{md5}', '')]"), "STIX-9.6.1-20");
    error("[file:hashes.ssdeep = 'a b']", "STIX-9.6.1-05");
    let own = found("[x-lamp:hashes.md5 = 'x']");
    assert!(own.contains(&(Level::Error, "STIX-9.6.1-05")), "{own:?}");
}

#[test]
fn pattern_9_6_1_19_set_has_one_type() {
    clean("[file:size IN (1, 2.5)]");
    let mixed = all("[x-lamp:hue IN (1, 'a')]", Spec::V21, CustomCheck::Off);
    assert_eq!(mixed, [(Level::Error, "STIX-9.6.1-19")]);
}

#[test]
fn pattern_9_6_1_27_expression_can_be_searched() {
    clean("[file:name MATCHES '^(a|b)+\\\\.exe$']");
    for regex in ["(?!x)y", "(?<=x)y", "(x)\\\\1", "(x"] {
        warning(&format!("[file:name MATCHES '{regex}']"), "STIX-9.6.1-27");
    }
}

#[test]
fn pattern_9_6_1_31_to_34_networks_are_compared_with_networks() {
    clean("[ipv4-addr:value ISSUBSET '198.51.100.0/24']");
    clean("[ipv6-addr:value ISSUPERSET '2001:db8::1']");
    clean("[network-traffic:src_ref.value ISSUBSET '198.51.100.0/24']");
    error("[ipv4-addr:value ISSUBSET 'lamp']", "STIX-9.6.1-32");
    error("[ipv4-addr:value ISSUPERSET '198.51.100.0/33']", "STIX-9.6.1-34");
    warning("[file:name ISSUBSET '198.51.100.0/24']", "STIX-9.6.1-31");
    warning("[file:name ISSUPERSET '198.51.100.0/24']", "STIX-9.6.1-33");
}

#[test]
fn pattern_9_7_01_and_02_types_and_properties_are_those_of_the_model() {
    for sound in [
        "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
        "[email-message:body_multipart[*].body_raw_ref.name MATCHES 'x']",
        "[email-message:from_ref.value = 'a@b.example']",
        "[file:hashes.ssdeep LIKE '%' OR EXISTS windows-registry-key:values]",
        "[network-traffic:dst_ref.type = 'domain-name']",
        "[domain-name:resolves_to_refs[*].value = '198.51.100.1']",
        "[process:environment_variables.PATH = 'x']",
    ] {
        clean(sound);
    }
    warning("[x-lamp:hue = 'red']", "401");
    warning("[file:lamp = 'x']", "401");
    warning("[email-message:from_ref.lamp = 'x']", "401");
    warning("[a:b = 1]", "STIX-9.7-01");
    warning("[file:'La mp' = 1]", "STIX-9.7-02");
    warning("[email-message:from_ref.'La mp' = 'x']", "STIX-9.7.4-02");
    warning("[file:name[0] = 'x']", "STIX-9.7.2-01");
    warning("[network-traffic:protocols = 'tcp']", "STIX-9.7.2-01");
    warning("[file:name.lamp = 'x']", "STIX-9.7.3-01");
}

#[test]
fn pattern_checks_101_and_102_run_where_401_does_not() {
    let with = |text, custom| all(text, Spec::V21, custom);
    let (lamp, own) = ("[lamp:hue = 1]", "[x-lamp:hue = 1]");
    let with_source = "[x-example-lamp:hue = 1 OR file:x_example_hue = 1]";
    assert_eq!(with(lamp, CustomCheck::Prefix), [(Level::Warning, "101")]);
    assert_eq!(with(own, CustomCheck::Prefix), [(Level::Warning, "101")]);
    assert_eq!(with(with_source, CustomCheck::Prefix), []);
    assert_eq!(with(lamp, CustomCheck::PrefixLax), [(Level::Warning, "102")]);
    assert_eq!(with(own, CustomCheck::PrefixLax), []);
    assert_eq!(with(lamp, CustomCheck::Off), []);
}
