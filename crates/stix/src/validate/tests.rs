use super::*;
use crate::Level;

const MUTEX: &str =
    r#"{"type":"mutex","id":"mutex--dea28eb4-a075-58f6-8638-34649dbea5ee","name":"lamp"}"#;

fn run(document: &[u8], options: &Options<'_>) -> (Report, Vec<Finding>) {
    let mut found = Vec::new();
    let report = validate(document, options, &mut |finding| {
        found.push(finding.clone());
    });
    // That a deterministic id differs is noted everywhere here, where ids are invented.
    found.retain(|finding| (finding.rule, finding.level) != ("103", Level::Note));
    (report, found)
}

fn rules(document: &str) -> Vec<(&'static str, String)> {
    let (_, found) = run(document.as_bytes(), &Options::default());
    found.into_iter().map(|finding| (finding.rule, finding.pointer)).collect()
}

fn bundle(objects: &str) -> String {
    format!(
        r#"{{"type":"bundle","id":"bundle--44af6c39-c09b-49c5-9de2-394224b04982","objects":[{objects}]}}"#
    )
}

#[test]
fn valid_object_bundle_envelope_and_list_have_no_finding() {
    for document in [
        MUTEX.to_owned(),
        bundle(MUTEX),
        format!("{{\"more\":false,\"objects\":[{MUTEX}]}}"),
        format!("[{MUTEX}, {}]", bundle(MUTEX)),
    ] {
        assert_eq!(rules(&document), [], "{document}");
    }
}

#[test]
fn findings_stand_in_order_with_pointer_and_offset_from_the_documents_root() {
    let bad = r#"{"type":"mutex","id":"mutex--dea28eb4-a075-58f6-8638-34649dbea5ee","name":7}"#;
    let document =
        format!("{}\n", bundle(&format!("{MUTEX},\n {bad}")).replace("\"type\":\"bundle\",", ""));
    let document =
        document.replacen("]}", "],\"type\":\"lamp\"}", 1).replace("lamp\"}\n", "bundle\"}\n");
    let (report, found) = run(document.as_bytes(), &Options::default());
    assert_eq!((report.objects, report.errors, report.is_valid()), (2, 1, false));
    assert_eq!(found[0].pointer, "/objects/1/name");
    assert_eq!(document.as_bytes()[found[0].offset], b'7');
    assert_eq!(found[0].object, "mutex--dea28eb4-a075-58f6-8638-34649dbea5ee");
    assert_eq!((found[0].rule, found[0].clause), ("STIX-12.1-03", "2.15"));
}

#[test]
fn findings_behind_the_objects_of_a_bundle_keep_their_place() {
    let document = bundle(MUTEX).replace("]}", "],\"x_lit\":null}");
    let (_, found) = run(document.as_bytes(), &Options::default());
    let null = found.iter().find(|finding| finding.found == "null").unwrap();
    assert_eq!(null.pointer, "/x_lit");
    assert_eq!(document.get(null.offset..null.offset + 4), Some("null"));
}

#[test]
fn one_bad_object_never_spoils_its_neighbours() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = "9".repeat(1_000_000);
    let objects = [
        format!(r#"{{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a922","name":{deep}}}"#),
        format!(r#"{{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a923","name":{long}}}"#),
        r#"{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a924","name":"\ud800"}"#.to_owned(),
        r#"{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a925","name":"a","name":"b"}"#.to_owned(),
        r#"{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a926","name":1e400}"#.to_owned(),
        "17".to_owned(),
        "{}".to_owned(),
        MUTEX.to_owned(),
    ];
    let document = bundle(&objects.join(","));
    let (report, found) = run(document.as_bytes(), &Options::default());
    assert_eq!(report.objects, 8);
    let rules: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
    assert_eq!(
        rules,
        [
            "LIMIT-3",
            "LIMIT-5",
            "STIX-12.1-03",
            "JSON-4",
            "JSON-2",
            "JSON-6",
            "STIX-12.1-03",
            "STIX-8.1-02",
            "STIX-3.1-14",
        ]
    );
}

#[test]
fn findings_of_json_and_limits_name_their_object() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    for (name, rule) in [(deep.as_str(), "LIMIT-3"), ("1e400", "JSON-6"), (r#""\ud800""#, "JSON-4")]
    {
        let id = "mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a922";
        let object = format!(r#"{{"type":"mutex","x_lamp":{name},"id":"{id}"}}"#);
        let (_, found) = run(bundle(&object).as_bytes(), &Options::default());
        let fault = found.iter().find(|finding| finding.rule == rule).unwrap();
        assert_eq!(fault.object, id, "{rule}");
        if rule == "LIMIT-3" {
            assert!(fault.message().contains("nested more than 256 deep"), "{}", fault.message());
        }
    }
    let (_, found) = run(br#"{"id":"mutex--1"}"#, &Options::default());
    assert_eq!((found[0].rule, found[0].object.as_str()), ("STIX-3.1-14", "mutex--1"));
}

#[test]
fn what_is_no_json_is_a_finding_with_its_place() {
    for (document, rule, offset) in [
        (&b"{\"type\":\"mutex\",\"id\":NaN}"[..], "JSON-1", 21),
        (b"{} {}", "JSON-1", 3),
        (b"\"\xff\"", "JSON-3", 1),
        (b"", "JSON-1", 0),
        (b"17", "STIX-8.1-02", 0),
    ] {
        let (report, found) = run(document, &Options::default());
        assert_eq!((found[0].rule, found[0].offset), (rule, offset));
        assert_eq!(report.errors, 1);
    }
    let (_, found) = run("\u{feff}{}".as_bytes(), &Options::default());
    assert_eq!(found[0].rule, "JSON-5");
}

#[test]
fn findings_of_one_object_are_cut_at_a_thousand_and_the_rest_is_counted() {
    let labels = vec!["7"; 5_000].join(",");
    let document = format!(
        r#"{{"type":"x-lamp","id":"x-lamp--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921","spec_version":"2.1",
        "created":"2031-05-04T10:00:00.000Z","modified":"2031-05-04T10:00:00.000Z","hue":"red",
        "labels":[{labels}]}}"#
    );
    let (report, found) = run(document.as_bytes(), &Options::default());
    assert_eq!(report.errors, 5_000);
    assert_eq!(found.len(), FINDINGS_PER_OBJECT_MAX + 1);
    assert_eq!(found.last().map(|finding| finding.rule), Some("LIMIT-8"));
    assert_eq!(report.uncounted + FINDINGS_PER_OBJECT_MAX, report.errors + report.warnings);
}

#[test]
fn strict_turns_warnings_into_errors() {
    let document = MUTEX.replace("-58f6-", "-48f6-");
    let (report, _) = run(document.as_bytes(), &Options::default());
    assert_eq!((report.errors, report.warnings), (0, 1));
    let (report, found) = run(document.as_bytes(), &Options { strict: true, ..Options::default() });
    assert_eq!((report.errors, found[0].level), (1, Level::Error));
}

#[test]
fn editions_follow_bundle_object_and_option() {
    let old = r#"{"type":"tool","id":"tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921",
        "created":"2031-05-04T10:00:00.000Z","modified":"2031-05-04T10:00:00.000Z",
        "labels":["unknown"],"name":"lamp"}"#;
    assert_eq!(rules(&bundle(old)), []);
    assert_eq!(rules(old), [("STIX-3.1-14", String::new())]);
    let unlabelled = bundle(&old.replace(r#""labels":["unknown"],"#, ""));
    assert_eq!(rules(&unlabelled), [("STIX-3.1-14", "/objects/0".to_owned())]);
    let told = bundle(MUTEX).replacen("\"bundle\"", "\"bundle\",\"spec_version\":\"2.0\"", 1);
    let (report, _) = run(told.as_bytes(), &Options::default());
    assert!(!report.is_valid());
    let mismatch = MUTEX.replacen("\"mutex\"", "\"mutex\",\"spec_version\":\"2.0\"", 1);
    let options = Options { version: Some(crate::Spec::V21), ..Options::default() };
    let (report, found) = run(bundle(&mismatch).as_bytes(), &options);
    assert_eq!((report.errors, found[0].rule), (0, "spec-version"));
}

/// In 2.0 nothing asks for a description of an indicator (303), `spec_version` is the bundle's own
/// (401), and is a custom property anywhere else (101).
#[test]
fn an_object_has_the_checks_of_its_edition() {
    let old = r#"{"type":"indicator","id":"indicator--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921",
        "created":"2031-05-04T10:00:00.000Z","modified":"2031-05-04T10:00:00.000Z",
        "labels":["benign"],"pattern":"[file:name = 'lamp']","valid_from":"2031-05-04T10:00:00Z"}"#;
    let framed = bundle(old).replacen("\"bundle\"", "\"bundle\",\"spec_version\":\"2.0\"", 1);
    assert_eq!(rules(&framed), []);
    let told = old.replacen("\"labels\"", "\"spec_version\":\"2.0\",\"labels\"", 1);
    assert_eq!(rules(&told), [("101", "/spec_version".to_owned())]);
}

#[test]
fn bundle_asked_to_be_2_0_says_so() {
    let options = Options { version: Some(crate::Spec::V20), ..Options::default() };
    let text = bundle("").replace("\"objects\":[]", "\"spec_version\":\"2.7\"");
    let (_, found) = run(text.as_bytes(), &options);
    assert!(found.iter().any(|finding| finding.rule == "STIX20-1-5.1-01"), "{found:?}");
    let (_, found) = run(text.replace("2.7", "2.0").as_bytes(), &options);
    assert_eq!(found, []);
}

#[test]
fn references_are_enforced_only_when_asked() {
    let relationship = r#"{"type":"relationship","spec_version":"2.1",
        "id":"relationship--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921",
        "created":"2031-05-04T10:00:00.000Z","modified":"2031-05-04T10:00:00.000Z",
        "relationship_type":"related-to","source_ref":"mutex--dea28eb4-a075-58f6-8638-34649dbea5ee",
        "target_ref":"tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a922"}"#;
    let document = bundle(&format!("{relationship},{MUTEX}"));
    assert_eq!(rules(&document), []);
    let options = Options { enforce_refs: true, ..Options::default() };
    let (report, found) = run(document.as_bytes(), &options);
    assert_eq!((report.warnings, found[0].rule), (1, "enforce-refs"));
    assert_eq!(found[0].pointer, "/objects/0/target_ref");
}

#[test]
fn users_schemas_are_asked_by_type_and_extension() {
    struct Lamps;
    impl Schemas for Lamps {
        fn violations(&self, name: &str, object: crate::tree::Value<'_>) -> Vec<Violation> {
            let dark = name == "mutex" && object.get("lit").is_none();
            let violation = Violation { pointer: "/name".to_owned(), problem: "`lit`".to_owned() };
            dark.then_some(violation).into_iter().collect()
        }
    }
    let options = Options { schemas: Some(&Lamps), ..Options::default() };
    let (_, found) = run(MUTEX.as_bytes(), &options);
    assert_eq!((found[0].rule, found[0].pointer.as_str()), ("SCHEMA", "/name"));
}

/// One row a rule: an object or bundle that breaks it, and the nearest one that does not.
const NEIGHBOURS: &str = include_str!("../../tests/rules.jsonl");

#[test]
fn each_rule_finds_its_violation_and_lets_the_neighbour_pass() {
    let mut wrong = Vec::new();
    for line in NEIGHBOURS.lines() {
        let tree = crate::tree::Tree::read(line.as_bytes()).unwrap();
        let member = |name| tree.root().get(name).unwrap();
        let rule = member("rule").as_str().unwrap();
        let found = |document: &str| -> Vec<&'static str> {
            let (_, found) = run(document.as_bytes(), &Options::default());
            let errors = found.iter().filter(|finding| finding.level == Level::Error);
            errors.map(|finding| finding.rule).collect()
        };
        let (bad, good) = (found(member("bad").source()), found(member("good").source()));
        if !bad.contains(&rule) || !good.is_empty() {
            wrong.push(format!("{rule}: bad {bad:?}, good {good:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(NEIGHBOURS.lines().count() > 200);
}
