use super::*;
use crate::tree::Tree;

const NOW: &str = "2031-05-04T11:00:00.123Z";
const TOOL: &str = r#""type":"tool","spec_version":"2.1","created":"2031-05-04T10:00:00.000Z","#;

fn version(object: &str, changes: &[(&str, &str)]) -> Result<String, Error> {
    let tree = Tree::read(object.as_bytes()).unwrap();
    new_version(tree.root(), changes, NOW)
}

#[test]
fn new_version_keeps_what_is_not_changed_as_written() {
    let object = format!("{{{TOOL}\"x_size\": 1.50,\"name\":\"\\u006c\",\"labels\":[\"a\"]}}");
    let new = version(&object, &[("labels", "null"), ("lang", "\"en\"")]).unwrap();
    let kept = format!("{{{TOOL}\"x_size\":1.50,\"name\":\"\\u006c\",");
    assert_eq!(new, format!("{kept}\"lang\":\"en\",\"modified\":\"{NOW}\"}}"));
}

#[test]
fn modified_moves_past_the_objects_own() {
    let object = format!("{{{TOOL}\"modified\":\"2040-01-01T00:00:00.999999Z\"}}");
    assert!(version(&object, &[]).unwrap().contains("\"modified\":\"2040-01-01T00:00:01.000Z\""));
    let old = object.replace("\"spec_version\":\"2.1\",", "").replace("tool", "x-lamp");
    assert!(version(&old, &[]).unwrap().contains("\"modified\":\"2040-01-01T00:00:01.000Z\""));
}

#[test]
fn modified_of_the_changes_must_be_later_at_the_editions_precision() {
    let object = format!("{{{TOOL}\"modified\":\"2031-05-04T10:00:00.5001Z\"}}");
    let to = |text: &str| version(&object, &[("modified", text)]);
    assert!(to("\"2031-05-04T10:00:00.5002Z\"").is_ok());
    assert!(to("\"2031-05-04T10:00:00.50010000001Z\"").is_ok());
    assert_eq!(to("\"2031-05-04T10:00:00.50010Z\""), Err(Error::NotLater));
    assert_eq!(to("\"2031-05-04\""), Err(Error::Timestamp("modified")));
    assert_eq!(to("null"), Err(Error::Timestamp("modified")));
    let old = object.replace("\"spec_version\":\"2.1\",", "");
    let change = [("modified", "\"2031-05-04T10:00:00.5009Z\"")];
    assert_eq!(version(&old, &change), Err(Error::NotLater));
}

#[test]
fn what_all_versions_share_does_not_change() {
    let object = format!("{{{TOOL}\"id\":\"tool--1\"}}");
    for name in ["id", "type", "created", "created_by_ref"] {
        assert_eq!(version(&object, &[(name, "null")]), Err(Error::Constant(name.to_owned())));
    }
    let versions =
        r#""created":"2031-05-04T10:00:00Z","modified":"2031-05-04T10:00:00Z","revoked":false"#;
    let mutex = |uuid: &str| {
        format!("{{\"type\":\"mutex\",\"id\":\"mutex--{uuid}\",\"name\":\"a\",{versions}}}")
    };
    let v5 = mutex("5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921");
    assert_eq!(version(&v5, &[("name", "\"b\"")]), Err(Error::Constant("name".to_owned())));
    let v4 = mutex("5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921");
    assert!(version(&v4, &[("name", "\"b\"")]).is_ok());
    assert_eq!(version(&mutex("1"), &[]), Err(Error::Id));
}

#[test]
fn object_without_versions_is_refused() {
    assert_eq!(version("[]", &[]), Err(Error::NotObject));
    assert_eq!(version("{}", &[]), Err(Error::NotObject));
    assert_eq!(version(r#"{"type":"x-lamp"}"#, &[]), Err(Error::NotCreated));
    for type_ in ["mutex", "marking-definition", "bundle"] {
        let object = format!(r#"{{"type":"{type_}","id":"x","created":"2031-05-04T10:00:00Z"}}"#);
        assert_eq!(version(&object, &[]), Err(Error::Unversioned(type_.to_owned())));
    }
    let revoked = format!("{{{TOOL}\"revoked\":true}}");
    assert_eq!(version(&revoked, &[]), Err(Error::Revoked));
}

#[test]
fn revocation_is_final() {
    let object = format!("{{{TOOL}\"revoked\":false}}");
    let tree = Tree::read(object.as_bytes()).unwrap();
    let revoked = revoke(tree.root(), NOW).unwrap();
    assert!(revoked.contains("\"revoked\":true"));
    let tree = Tree::read(revoked.as_bytes()).unwrap();
    assert_eq!(revoke(tree.root(), NOW), Err(Error::Revoked));
}

#[test]
fn custom_properties_go_and_custom_objects_go_whole() {
    let remove = |text: &str| {
        let tree = Tree::read(text.as_bytes()).unwrap();
        remove_custom(tree.root(), NOW)
    };
    assert_eq!(remove(r#"{"type":"x-lamp"}"#), Ok(None));
    assert_eq!(remove(r#"{"type":"url"}"#), Ok(Some(r#"{"type":"url"}"#.to_owned())));
    let new = remove(&format!("{{{TOOL}\"x_a\":1,\"x_b\":2}}")).unwrap().unwrap();
    assert!(!new.contains("x_") && new.contains(NOW));
    assert_eq!(remove(r#"{"x_a":1}"#), Err(Error::NotObject));
}
