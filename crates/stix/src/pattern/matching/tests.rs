//! Matching: comparisons on objects, and what stands between observations, by hand and against a
//! matcher that tries every binding.

use super::super::parse;
use super::{MatchError, ObservationError, Observations};
use crate::Spec;
use crate::tree::Tree;

fn first(pattern: &str, observations: &str) -> Result<Option<Vec<usize>>, MatchError> {
    let pattern = parse(pattern, Spec::V21).unwrap_or_else(|error| panic!("`{pattern}`: {error}"));
    let tree = Tree::read(observations.as_bytes()).unwrap();
    let observations = Observations::read(tree.root().items()).unwrap();
    pattern.matcher()?.first(&observations)
}

/// Whether a comparison holds for one observed-data with these objects.
fn holds(comparison: &str, objects: &str) -> bool {
    let observed = observed(objects, 0, 0, 1);
    let pattern = format!("[{comparison}]");
    match first(&pattern, &format!("[{observed}]")) {
        Ok(found) => found.is_some(),
        Err(error) => panic!("{comparison}: {error}"),
    }
}

fn time(second: u32) -> String {
    format!("2031-05-04T10:{:02}:{:02}Z", second / 60, second % 60)
}

fn observed(objects: &str, from: u32, to: u32, number: u64) -> String {
    format!(
        r#"{{"type":"observed-data","first_observed":"{}","last_observed":"{}",
        "number_observed":{number},"objects":{objects}}}"#,
        time(from),
        time(to)
    )
}

/// Observations of mutexes: name, from, to, number.
fn mutexes(all: &[(&str, u32, u32, u64)]) -> String {
    let one = |(name, from, to, number): &(&str, u32, u32, u64)| {
        let objects = format!(r#"{{"0":{{"type":"mutex","name":"{name}"}}}}"#);
        observed(&objects, *from, *to, *number)
    };
    format!("[{}]", all.iter().map(one).collect::<Vec<_>>().join(","))
}

/// The places found, for patterns where `a` stands for `[mutex:name = 'a']`.
fn found(pattern: &str, all: &[(&str, u32, u32, u64)]) -> Option<Vec<usize>> {
    first(&spelled(pattern), &mutexes(all)).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

/// Single small letters are mutexes by name; `x` those named with any letter.
fn spelled(pattern: &str) -> String {
    let word = |word: &str| {
        let letters = word.trim_matches(['(', ')']);
        let test = match letters {
            "x" => "[mutex:name LIKE '%']".to_owned(),
            "y" => "[mutex:name IN ('a', 'b')]".to_owned(),
            "a" | "b" | "c" => format!("[mutex:name = '{letters}']"),
            _ => return word.to_owned(),
        };
        word.replace(letters, &test)
    };
    pattern.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

const FILE: &str = r#"{"0":{"type":"file","name":"o\u0300","size":50.0,"is_x":true,
    "magic_number_hex":"ffC3","created":"2031-05-04T10:00:00.500Z",
    "hashes":{"MD5":"0b","SHA-256":"0c"},"extensions":{"x-ext":{"list":[1,[2,3],{"k":"v"}]}},
    "parent_directory_ref":"1","contains_refs":["9","1"],"gone_ref":"7"},
    "1":{"type":"directory","path":"C:\\Windows\\it"}}"#;

#[test]
fn match_9_2_comparable_types_compare_and_others_do_not() {
    for yes in [
        "file:size = 50",
        "file:size = 50.0",
        "file:size < 50.5",
        "file:size != 'x'",
        "file:size NOT = '50'",
        "file:size NOT > '50'",
        "file:is_x = true",
        "file:is_x != false",
        "file:is_x != 1",
        "file:created = t'2031-05-04T10:00:00.5Z'",
        "file:created < t'2031-05-04T10:00:00.5000000000001Z'",
        "file:size IN (1, 50)",
        "file:name NOT IN ('x')",
        "file:size NOT IN ()",
    ] {
        assert!(holds(yes, FILE), "{yes}");
    }
    for no in [
        "file:size = 51",
        "file:size = '50'",
        "file:size > '5'",
        "file:is_x = 1",
        "file:is_x IN (1)",
        "file:size IN ()",
        "file:size = t'2031-05-04T10:00:00Z'",
    ] {
        assert!(!holds(no, FILE), "{no}");
    }
}

#[test]
fn match_9_5_04_to_08_comparisons_start_from_one_object() {
    let traffic = r#"{"0":{"type":"network-traffic","src_ref":"1"},
        "1":{"type":"ipv4-addr","value":"203.0.113.10"},
        "2":{"type":"network-traffic","dst_ref":"3"},
        "3":{"type":"ipv4-addr","value":"198.51.100.58"}}"#;
    let (source, target) = (
        "network-traffic:src_ref.value = '203.0.113.10'",
        "network-traffic:dst_ref.value = '198.51.100.58'",
    );
    assert!(holds(source, traffic) && holds(target, traffic));
    assert!(!holds(&format!("{source} AND {target}"), traffic));
    assert!(holds(&format!("{source} OR {target}"), traffic));
    let joined = traffic.replace(r#""2":{"type":"network-traffic","#, r#""2":{"type":"x","#);
    let joined = joined.replace(r#""src_ref":"1""#, r#""src_ref":"1","dst_ref":"3""#);
    assert!(holds(&format!("{source} AND {target}"), &joined));
    assert!(!holds("file:name = 'x' AND ipv4-addr:value LIKE '%'", traffic));
}

#[test]
fn match_9_6_05_absent_path_is_false_with_not_too_and_not_exists_asks_for_it() {
    for no in [
        "file:gone = 1",
        "file:gone != 1",
        "file:gone NOT = 1",
        "file:gone NOT IN (1)",
        "file:gone NOT LIKE 'x'",
        "EXISTS file:gone",
        "NOT EXISTS file:name",
        "NOT EXISTS mutex:name",
    ] {
        assert!(!holds(no, FILE), "{no}");
    }
    for yes in ["EXISTS file:name", "NOT EXISTS file:gone", "EXISTS file:hashes.MD5"] {
        assert!(holds(yes, FILE), "{yes}");
    }
}

#[test]
fn match_9_6_1_22_and_23_like_takes_all_of_the_value_after_nfc() {
    let directory = r#"{"0":{"type":"directory","path":"C:\\Windows\\a.b\nfoo"}}"#;
    for yes in [
        r"directory:path LIKE 'C:\\Windows\\%foo'",
        r"directory:path LIKE '%a_b%'",
        r"directory:path LIKE '%'",
        r"directory:path NOT LIKE 'Windows'",
    ] {
        assert!(holds(yes, directory), "{yes}");
    }
    for no in [r"directory:path LIKE 'C:'", r"directory:path LIKE '%a+b%'"] {
        assert!(!holds(no, directory), "{no}");
    }
    assert!(holds("file:name LIKE 'ò'", FILE) && holds("file:name LIKE '_'", FILE));
}

#[test]
fn match_9_6_1_25_to_30_matches_searches_after_nfc_and_octets_without_unicode() {
    for yes in [
        "file:name MATCHES 'ò'",
        "file:name MATCHES '^.$'",
        "file:magic_number_hex MATCHES '^\\\\xff'",
        "file:hashes.MD5 MATCHES 'b'",
        "file:size NOT MATCHES '5'",
    ] {
        assert!(holds(yes, FILE), "{yes}");
    }
    for no in ["file:size MATCHES '5'", "file:magic_number_hex MATCHES 'Ç'"] {
        assert!(!holds(no, FILE), "{no}");
    }
    let observed = format!("[{}]", observed(FILE, 0, 0, 1));
    let error = first("[file:name MATCHES '(?=x)']", &observed);
    assert_eq!(error, Err(MatchError::Regex { offset: 19 }));
}

#[test]
fn match_9_6_1_31_to_34_networks_hold_each_other() {
    let address = |value: &str| format!(r#"{{"0":{{"type":"ipv4-addr","value":"{value}"}}}}"#);
    let test = |comparison: &str, value: &str| {
        holds(&format!("ipv4-addr:value {comparison}"), &address(value))
    };
    assert!(test("ISSUBSET '198.51.100.0/24'", "198.51.100.0/27"));
    assert!(!test("ISSUBSET '198.51.100.0/27'", "198.51.100.0/24"));
    assert!(test("ISSUPERSET '198.51.100.0/27'", "198.51.100.0/24"));
    assert!(test("ISSUPERSET '198.51.100.7'", "198.51.100.7/32"));
    assert!(test("NOT ISSUBSET '198.51.100.0/24'", "10.0.0.1"));
    assert!(test("NOT ISSUBSET '198.51.100.0/24'", "lamp"));
    assert!(!test("ISSUBSET 'lamp'", "10.0.0.1"));
    assert!(!test("NOT ISSUBSET 'lamp'", "10.0.0.1"), "9.4: an invalid constant never matches");
}

#[test]
fn match_9_6_2_strings_compare_by_code_points_without_normalisation() {
    let name = |name: &str| format!(r#"{{"0":{{"type":"mutex","name":"{name}"}}}}"#);
    let rising = ["o", "oz", "o\u{300}", "z", "\u{f2}", "\u{ffff}", "\u{10000}"];
    for pair in rising.windows(2) {
        assert!(holds(&format!("mutex:name > '{}'", pair[0]), &name(pair[1])), "{pair:?}");
        assert!(!holds(&format!("mutex:name = '{}'", pair[0]), &name(pair[1])), "{pair:?}");
    }
}

#[test]
fn match_9_6_4_octets_compare_in_their_native_format() {
    let artifact = r#"{"0":{"type":"artifact","payload_bin":"dGhpcyBpcyBhIHRlc3Q="},
        "1":{"type":"x","y_bin":"/w==","z_bin":"?"}}"#;
    for yes in [
        "artifact:payload_bin = 'this is a test'",
        "artifact:payload_bin = b'dGhpcyBpcyBhIHRlc3Q='",
        "artifact:payload_bin = h'7468697320697320612074657374'",
        "artifact:payload_bin > 'this'",
        "artifact:payload_bin LIKE 'this%'",
        "artifact:payload_bin IN ('x', 'this is a test')",
        "artifact:payload_bin != '\u{20ac}'",
        "x:y_bin = 'ÿ'",
        "x:y_bin = h'ff'",
    ] {
        assert!(holds(yes, artifact), "{yes}");
    }
    for no in [
        "artifact:payload_bin = 'dGhpcyBpcyBhIHRlc3Q='",
        "artifact:payload_bin = '\u{20ac}'",
        "artifact:payload_bin < '\u{20ac}'",
        "x:z_bin = '?'",
    ] {
        assert!(!holds(no, artifact), "{no}");
    }
}

#[test]
fn match_9_7_paths_lead_through_lists_dictionaries_and_references() {
    for yes in [
        "file:hashes.'SHA-256' = '0c'",
        "file:extensions.'x-ext'.list[0] = 1",
        "file:extensions.'x-ext'.list[1][1] = 3",
        "file:extensions.'x-ext'.list[*].k = 'v'",
        "file:extensions.'x-ext'.list[*] != 1",
        "file:parent_directory_ref.path = 'C:\\\\Windows\\\\it'",
        "file:parent_directory_ref.type = 'directory'",
        "file:contains_refs[1].path LIKE 'C%'",
        "file:contains_refs[*].path LIKE 'C%'",
        "EXISTS file:gone_ref",
    ] {
        assert!(holds(yes, FILE), "{yes}");
    }
    for no in [
        "file:extensions.'x-ext'.list[3] != 1",
        "file:extensions.'x-ext'.list[99999999999999999999] != 1",
        "file:hashes[*] != 1",
        "file:contains_refs[0].path LIKE 'C%'",
        "file:gone_ref.path != 1",
        "EXISTS file:gone_ref.path",
        "file:parent_directory_ref = '1'",
    ] {
        assert!(!holds(no, FILE), "{no}");
    }
}

#[test]
fn match_9_7_4_only_objects_named_in_object_refs_are_followed() {
    let bundle = |refs: &str| {
        format!(
            r#"[{{"type":"bundle","objects":[{{"type":"observed-data","id":"observed-data--1",
            "first_observed":"2031-05-04T10:00:00Z","last_observed":"2031-05-04T10:00:00Z",
            "number_observed":1,"object_refs":{refs}}},
            {{"type":"directory","id":"directory--1","path":"p"}},
            {{"type":"file","id":"file--1","parent_directory_ref":"directory--1"}}]}}]"#
        )
    };
    let pattern = "[file:parent_directory_ref.path = 'p']";
    let both = bundle(r#"["file--1","directory--1"]"#);
    assert_eq!(first(pattern, &both), Ok(Some(vec![0])));
    assert_eq!(first(pattern, &bundle(r#"["file--1"]"#)), Ok(None));
    assert_eq!(first("[file:parent_directory_ref.path = 'p']", &bundle("[]")), Ok(None));
}

#[test]
fn observations_that_cannot_be_matched_are_refused() {
    let read = |text: &str| {
        let tree = Tree::read(text.as_bytes()).unwrap();
        Observations::read(tree.root().items()).err()
    };
    let sound = mutexes(&[("a", 0, 0, 1)]);
    assert_eq!(read(&sound), None);
    let property = "first_observed";
    assert_eq!(
        read(&sound.replace("first_observed", "x")),
        Some(ObservationError::Time { place: 0, property })
    );
    let zero = sound.replace(r#""number_observed":1"#, r#""number_observed":0"#);
    assert_eq!(read(&zero), Some(ObservationError::Number { place: 0 }));
    let both = sound.replace(r#""number_observed""#, r#""object_refs":[],"number_observed""#);
    assert_eq!(read(&both), Some(ObservationError::BothForms { place: 0 }));
    assert_eq!(read("[7]"), Some(ObservationError::NotObject { place: 0 }));
}

#[test]
fn match_of_an_impossible_pattern_is_an_error() {
    let one = mutexes(&[("a", 0, 0, 1)]);
    let error = |pattern: &str| first(pattern, &one).unwrap_err();
    assert_eq!(error("[mutex:name IN (1, 'a')]"), MatchError::MixedSet { offset: 15 });
    assert_eq!(error("[mutex:name = 'a'] REPEATS 0 TIMES"), MatchError::Repeats);
    assert_eq!(error("[mutex:name = 'a'] WITHIN 0.0 SECONDS"), MatchError::Within);
    let moment = "[mutex:name = t'2031-05-04T10:00:00Z']";
    assert_eq!(error(moment), MatchError::NoTimestamp);
    assert_eq!(error(&format!("[mutex:name = 'a'] OR {moment}")), MatchError::NoTimestamp);
    assert!(first("[mutex:name IN (1, 2.5)]", &one).is_ok());
}

#[test]
fn match_9_5_02_and_9_5_2_operators_ask_for_different_observations() {
    let (a, b) = (("a", 0, 0, 1), ("b", 5, 5, 1));
    assert_eq!(found("a AND b", &[a, b]), Some(vec![0, 1]));
    assert_eq!(found("a AND a", &[a, b]), None);
    assert_eq!(found("a AND a", &[a, b, a]), Some(vec![0, 2]));
    assert_eq!(found("a AND a", &[("a", 0, 0, 2)]), Some(vec![0]));
    assert_eq!(found("x AND a", &[a, b]), Some(vec![0, 1]));
    assert_eq!(found("a OR b", &[b]), Some(vec![0]));
    assert_eq!(found("a OR c", &[b]), None);
    assert_eq!(found("a FOLLOWEDBY b", &[a, b]), Some(vec![0, 1]));
    assert_eq!(found("b FOLLOWEDBY a", &[a, b]), None);
    assert_eq!(found("x FOLLOWEDBY x", &[a]), None);
    assert_eq!(found("a FOLLOWEDBY b FOLLOWEDBY a", &[a, b, ("a", 9, 9, 1)]), Some(vec![0, 1, 2]));
    assert_eq!(found("b FOLLOWEDBY a", &[("b", 5, 5, 1), ("a", 5, 5, 1)]), Some(vec![0, 1]));
    assert_eq!(found("b FOLLOWEDBY a", &[("b", 5, 9, 1), ("a", 0, 5, 1)]), Some(vec![0, 1]));
    assert_eq!(found("b FOLLOWEDBY a", &[("b", 6, 9, 1), ("a", 0, 5, 1)]), None);
}

#[test]
fn match_9_5_1_02_and_03_repeats_counts_different_observations() {
    let times = |count: u32| (0..count).map(|at| ("a", at, at, 1)).collect::<Vec<_>>();
    assert_eq!(found("a REPEATS 3 TIMES", &times(3)), Some(vec![0, 1, 2]));
    assert_eq!(found("a REPEATS 4 TIMES", &times(3)), None);
    assert_eq!(found("a REPEATS 4 TIMES", &[("a", 0, 0, 3), ("a", 1, 1, 1)]), Some(vec![0, 1]));
    assert_eq!(found("a REPEATS 99999999999999999999999 TIMES", &times(3)), None);
    let pairs = [("a", 0, 0, 1), ("b", 1, 1, 1), ("a", 2, 2, 1), ("b", 3, 3, 1)];
    assert_eq!(found("(a AND b) REPEATS 2 TIMES", &pairs), Some(vec![0, 1, 2, 3]));
    assert_eq!(found("(a FOLLOWEDBY b) REPEATS 2 TIMES", &pairs), Some(vec![0, 1, 2, 3]));
    assert_eq!(found("(b FOLLOWEDBY a) REPEATS 2 TIMES", &pairs), None);
    assert_eq!(found("(a OR b) REPEATS 4 TIMES", &pairs), Some(vec![0, 1, 2, 3]));
    assert_eq!(found("(a OR b) REPEATS 5 TIMES", &pairs), None);
    assert_eq!(found("(a AND b) REPEATS 1000000 TIMES", &pairs), None);
}

#[test]
fn match_9_5_1_06_to_08_within_excludes_the_moment_itself() {
    let (a, b) = (("a", 0, 0, 1), ("b", 5, 5, 1));
    assert_eq!(found("(a AND b) WITHIN 5 SECONDS", &[a, b]), None);
    assert_eq!(found("(a AND b) WITHIN 5.1 SECONDS", &[a, b]), Some(vec![0, 1]));
    assert_eq!(found("a WITHIN 0.001 SECONDS", &[a]), Some(vec![0]));
    let later = [a, ("b", 20, 20, 1), ("a", 22, 22, 1)];
    assert_eq!(found("(a AND b) WITHIN 5 SECONDS", &later), Some(vec![1, 2]));
    let spread = [("a", 0, 0, 1), ("a", 9, 9, 1), ("a", 12, 12, 1), ("a", 14, 14, 1)];
    assert_eq!(found("a REPEATS 3 TIMES WITHIN 6 SECONDS", &spread), Some(vec![1, 2, 3]));
    assert_eq!(found("a REPEATS 3 TIMES WITHIN 5 SECONDS", &spread), None);
    assert_eq!(found("(x FOLLOWEDBY x) WITHIN 5 SECONDS", &[a, b]), None);
    let wide = [("a", 0, 30, 1), ("b", 20, 20, 1)];
    assert_eq!(found("(a AND b) WITHIN 1 SECONDS", &wide), Some(vec![0, 1]));
}

#[test]
fn match_9_5_1_10_start_is_inside_and_stop_is_not() {
    let window = |from, to| format!("a START t'{}' STOP t'{}'", time(from), time(to));
    let a = [("a", 5, 5, 1)];
    assert_eq!(found(&window(5, 6), &a), Some(vec![0]));
    assert_eq!(found(&window(4, 5), &a), None);
    assert_eq!(found(&window(6, 9), &a), None);
    assert_eq!(found(&window(5, 5), &a), None);
    assert_eq!(found(&window(9, 2), &a), None);
    assert_eq!(found(&window(7, 8), &[("a", 0, 9, 1)]), Some(vec![0]));
    let group = window(0, 7).replace("a ", "(a FOLLOWEDBY b) ");
    assert_eq!(found(&group, &[a[0], ("b", 6, 6, 1)]), Some(vec![0, 1]));
    assert_eq!(found(&group, &[a[0], ("b", 7, 7, 1)]), None);
}

#[test]
fn match_of_nothing_is_none() {
    assert_eq!(found("a", &[]), None);
    assert_eq!(found("(a AND b) WITHIN 5 SECONDS OR a REPEATS 5 TIMES", &[]), None);
}

#[test]
fn match_among_competitors_is_decided_by_assignment() {
    let same: Vec<_> = (0..99).map(|at| ("a", at, at, 1)).collect();
    assert_eq!(found("a REPEATS 50 TIMES AND y REPEATS 50 TIMES", &same), None);
    assert!(found("a REPEATS 50 TIMES AND y REPEATS 49 TIMES", &same).is_some());
    assert_eq!(found("a REPEATS 50 TIMES FOLLOWEDBY y REPEATS 50 TIMES", &same), None);
    assert!(found("a REPEATS 50 TIMES FOLLOWEDBY y REPEATS 49 TIMES", &same).is_some());
    let apart: Vec<_> = (0..99).map(|at| ("a", at * 10, at * 10, 1)).collect();
    assert_eq!(found("(a FOLLOWEDBY y) WITHIN 10 SECONDS", &apart), None);
    assert!(found("(a FOLLOWEDBY y) WITHIN 11 SECONDS", &apart).is_some());
}

mod naive {
    //! A matcher that tries every binding, for small cases.

    use super::found;

    pub(super) type Timed = (&'static str, u32, u32, u64);

    /// A pattern as a tree, to be spelled and to be tried.
    #[derive(Debug, Clone)]
    pub(super) enum Node {
        Leaf(&'static str),
        And(Box<Node>, Box<Node>),
        Or(Box<Node>, Box<Node>),
        Then(Box<Node>, Box<Node>),
        Within(Box<Node>, u32),
        Repeats(Box<Node>, u32),
        Window(Box<Node>, u32, u32),
    }

    impl Node {
        pub(super) fn spelled(&self) -> String {
            let two = |a: &Node, operator: &str, b: &Node| {
                format!("({} {operator} {})", a.spelled(), b.spelled())
            };
            match self {
                Node::Leaf(name) => (*name).to_owned(),
                Node::And(a, b) => two(a, "AND", b),
                Node::Or(a, b) => two(a, "OR", b),
                Node::Then(a, b) => two(a, "FOLLOWEDBY", b),
                Node::Within(inner, span) => format!("({} WITHIN {span} SECONDS)", inner.spelled()),
                Node::Repeats(inner, count) => {
                    format!("({} REPEATS {count} TIMES)", inner.spelled())
                }
                Node::Window(inner, from, to) => {
                    let (from, to) = (super::time(*from), super::time(*to));
                    format!("({} START t'{from}' STOP t'{to}')", inner.spelled())
                }
            }
        }

        /// Every binding: places of observations, as often as they are used.
        fn bindings(&self, all: &[Timed]) -> Vec<Vec<usize>> {
            let first = |binding: &[usize]| binding.iter().map(|at| all[*at].1).max().unwrap();
            let last = |binding: &[usize]| binding.iter().map(|at| all[*at].2).min().unwrap();
            match self {
                Node::Leaf(name) => (0..all.len())
                    .filter(|at| match *name {
                        "x" => true,
                        "y" => ["a", "b"].contains(&all[*at].0),
                        name => all[*at].0 == name,
                    })
                    .map(|at| vec![at])
                    .collect(),
                Node::Or(a, b) => [a.bindings(all), b.bindings(all)].concat(),
                Node::And(a, b) => pairs(&a.bindings(all), &b.bindings(all), all, |_, _| true),
                Node::Then(a, b) => {
                    pairs(&a.bindings(all), &b.bindings(all), all, |a, b| first(a) <= last(b))
                }
                Node::Within(inner, span) => {
                    let near = |binding: &Vec<usize>| first(binding) < last(binding) + span;
                    inner.bindings(all).into_iter().filter(near).collect()
                }
                Node::Window(inner, from, to) => {
                    let inside = |at: &usize| from < to && all[*at].1 < *to && all[*at].2 >= *from;
                    let inside = |binding: &Vec<usize>| binding.iter().all(inside);
                    inner.bindings(all).into_iter().filter(inside).collect()
                }
                Node::Repeats(inner, count) => {
                    let once = inner.bindings(all);
                    let more = |found: Vec<Vec<usize>>| pairs(&found, &once, all, |_, _| true);
                    (1..*count).fold(once.clone(), |found, _| more(found))
                }
            }
        }

        pub(super) fn matches(&self, all: &[Timed]) -> bool {
            !self.bindings(all).is_empty()
        }
    }

    fn pairs(
        left: &[Vec<usize>],
        right: &[Vec<usize>],
        all: &[Timed],
        holds: impl Fn(&[usize], &[usize]) -> bool,
    ) -> Vec<Vec<usize>> {
        let mut out = Vec::new();
        for a in left {
            for b in right.iter().filter(|b| holds(a, b)) {
                let mut both = [a.as_slice(), b].concat();
                both.sort_unstable();
                let used = |at: usize| both.iter().filter(|other| **other == at).count() as u64;
                if both.iter().all(|at| used(*at) <= all[*at].3) && !out.contains(&both) {
                    out.push(both);
                }
            }
        }
        out
    }

    /// A small generator, seeded: the same cases in every run.
    pub(super) struct Seeded(pub(super) u64);

    impl Seeded {
        pub(super) fn below(&mut self, limit: u32) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 32) as u32 % limit
        }

        pub(super) fn node(&mut self, depth: u32) -> Node {
            let kind = if depth == 0 { 0 } else { self.below(9) };
            let inner = |seeded: &mut Self| Box::new(seeded.node(depth - 1));
            match kind {
                0 | 1 => Node::Leaf(["a", "b", "x", "y"][self.below(4) as usize]),
                2 => Node::Or(inner(self), inner(self)),
                3 => Node::And(inner(self), inner(self)),
                4 | 5 => Node::Then(inner(self), inner(self)),
                6 => Node::Within(inner(self), self.below(4) + 1),
                7 => Node::Repeats(inner(self), self.below(2) + 1),
                _ => {
                    let from = self.below(6);
                    Node::Window(inner(self), from, from + self.below(6))
                }
            }
        }

        pub(super) fn observed(&mut self) -> Vec<Timed> {
            let count = self.below(5) + 1;
            let one = |seeded: &mut Self| {
                let from = seeded.below(7);
                let wide = if seeded.below(3) == 0 { seeded.below(4) } else { 0 };
                let number = if seeded.below(5) == 0 { 2 } else { 1 };
                (["a", "b", "c"][seeded.below(3) as usize], from, from + wide, number)
            };
            (0..count).map(|_| one(self)).collect()
        }
    }

    #[test]
    fn match_agrees_with_trying_every_binding() {
        let mut seeded = Seeded(0x2545_f491_4f6c_dd1d);
        let mut matches = 0;
        for case in 0..4_000 {
            let (node, all) = (seeded.node(1 + case % 4), seeded.observed());
            let expected = node.matches(&all);
            let fast = found(&node.spelled(), &all);
            assert_eq!(fast.is_some(), expected, "case {case}: {} | {all:?}", node.spelled());
            matches += u32::from(expected);
        }
        assert!((1_000..3_500).contains(&matches), "{matches} of 4,000 match");
    }
}
