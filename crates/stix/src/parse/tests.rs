use super::*;
use crate::tree::Tree;

fn read(text: &str, allow_custom: bool) -> Result<bool, String> {
    let tree = Tree::read(text.as_bytes()).unwrap();
    parse(tree.root(), Options { allow_custom, version: None }).map_err(|error| error.pointer)
}

const MUTEX: &str = r#""type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921""#;
const TOOL: &str = r#""type":"tool","spec_version":"2.1","name":"lamp""#;

fn tool(more: &str) -> Result<bool, String> {
    read(&format!("{{{TOOL},{more}}}"), false)
}

#[test]
fn object_is_read_though_its_id_and_times_are_absent() {
    assert_eq!(read(&format!("{{{TOOL}}}"), false), Ok(false));
    assert_eq!(read(&format!(r#"{{{MUTEX},"name":"lamp"}}"#), false), Ok(false));
    assert_eq!(read(&format!("{{{MUTEX}}}"), false), Err(String::new()));
    assert_eq!(read(r#"{"name":"lamp"}"#, true), Err(String::new()));
    assert_eq!(read("[]", true), Err(String::new()));
}

#[test]
fn value_is_read_as_its_type_where_it_can_be() {
    for more in [
        r#""confidence":"50""#,
        r#""confidence":50.0"#,
        r#""revoked":"TRUE""#,
        r#""labels":"one""#,
        r#""labels":[]"#,
        r#""lang":null"#,
        r#""description":5"#,
        r#""created":"2031-05-04T10:00:00.123456789Z""#,
    ] {
        assert_eq!(tool(more), Ok(false), "{more}");
    }
    for (more, place) in [
        (r#""confidence":"high""#, "/confidence"),
        (r#""confidence":101"#, "/confidence"),
        (r#""revoked":2"#, "/revoked"),
        (r#""labels":5"#, "/labels"),
        (r#""created":"2031-05-04""#, "/created"),
        (r#""id":"malware--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921""#, "/id"),
        (r#""created_by_ref":"tool--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921""#, "/created_by_ref"),
        (r#""external_references":[{"source_name":"a"}]"#, "/external_references/0"),
        (
            r#""granular_markings":[{"selectors":["none"],"lang":"en"}]"#,
            "/granular_markings/0/selectors/0",
        ),
        (r#""x_lamp":1"#, "/x_lamp"),
    ] {
        assert_eq!(tool(more), Err(place.to_owned()), "{more}");
    }
}

#[test]
fn custom_content_passes_where_it_is_allowed_or_announced() {
    let lamp = r#"{"type":"x-lamp","hue":"red"}"#;
    assert_eq!(read(lamp, false), Err(String::new()));
    assert_eq!(read(lamp, true), Ok(true));
    let id = "extension-definition--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";
    let announced =
        |kind: &str| format!(r#""extensions":{{"{id}":{{"extension_type":"{kind}"}}}}"#);
    let lamp = |kind: &str| read(&format!(r#"{{"type":"lamp",{}}}"#, announced(kind)), false);
    assert_eq!(lamp("new-sdo"), Ok(false));
    assert_eq!(lamp("property-extension"), Err(String::new()));
    let top = announced("toplevel-property-extension");
    assert_eq!(tool(&format!(r#""hue":"red",{top}"#)), Ok(false));
    assert!(tool(&format!(r#""hue":"red",{}"#, announced("property-extension"))).is_err());
    assert_eq!(tool(r#""extensions":{"lamp-ext":{}}"#), Err("/extensions/lamp-ext".to_owned()));
}

#[test]
fn published_tlp_is_read_and_no_other_body_of_it() {
    let white = |id: &str, colour: &str| {
        format!(
            r#"{{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--{id}",
            "created":"2017-01-20T00:00:00Z","definition_type":"tlp","definition":{{"tlp":"{colour}"}}}}"#
        )
    };
    let id = "613f2e26-407d-48c7-9eca-b8e91df99dc9";
    assert_eq!(read(&white(id, "white"), false), Ok(false));
    assert!(read(&white(id, "green"), true).is_err());
    assert!(read(&white(id, "purple"), true).is_err());
    let strict = r#"{"type":"marking-definition","spec_version":"2.1","name":"TLP:RED","extensions":
        {"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":
        {"extension_type":"property-extension","tlp_2_0":"red"}}}"#;
    assert_eq!(read(strict, false), Ok(false));
}

#[test]
fn bundle_is_read_with_all_its_objects() {
    let bundle = |objects: &str| {
        let id = "bundle--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";
        read(&format!(r#"{{"type":"bundle","id":"{id}","objects":[{objects}]}}"#), false)
    };
    assert_eq!(bundle(&format!("{{{TOOL}}}")), Ok(false));
    assert_eq!(bundle(&format!(r#"{{{TOOL},"x_a":1}}"#)), Err("/objects/0/x_a".to_owned()));
    assert_eq!(bundle(r#"{"type":"bundle"}"#), Err("/objects/0".to_owned()));
}
