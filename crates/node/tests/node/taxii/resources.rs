//! Every resource of the standard: required properties, their types, no empty lists (2, 3.8).

use serde_json::Value;

use super::desk::{TestDesk, lamp, lamp_id, lamps};
use crate::wire::Reply;

fn is_timestamp(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = text.split(['-', 'T', ':', '.']).collect();
    parts.len() == 7
        && parts.iter().take(6).all(|part| digits(part))
        && parts[6].len() == 7
        && parts[6].strip_suffix('Z').is_some_and(digits)
}

fn is_version_4(value: &Value) -> bool {
    let id = value.as_str().and_then(|text| uuid::Uuid::parse_str(text).ok());
    id.is_some_and(|id| id.get_version_num() == 4)
}

async fn status(desk: &TestDesk) -> Value {
    desk.add(&[lamp(1, 0), lamp(1, 1), "{\"type\":\"tool\"}".to_owned()]).await
}

#[tokio::test]
async fn required_properties_are_there() {
    let desk = TestDesk::start().await;
    let status = status(&desk).await;
    let object = lamps(&format!("objects/{}/", lamp_id(1)));
    let root = desk.get("/local/").await.json();
    let collection = desk.get(&lamps("")).await.json();
    let manifest = desk.get(&lamps("manifest/")).await.json();
    let required: [(&Value, &[&str]); 7] = [
        (&desk.get("/taxii2/").await.json(), &["title"]),
        (&root, &["title", "versions", "max_content_length"]),
        (&collection, &["id", "title", "can_read", "can_write"]),
        (
            &status,
            &["id", "status", "total_count", "success_count", "failure_count", "pending_count"],
        ),
        (&status["successes"][0], &["id", "version"]),
        (&status["failures"][0], &["id", "version"]),
        (&manifest["objects"][0], &["id", "date_added", "version"]),
    ];
    for (resource, names) in required {
        for name in names {
            assert!(resource.get(name).is_some(), "{name}: {resource}");
        }
    }
    assert!(["complete", "pending"].map(Value::from).contains(&status["status"]));
    let kinds = serde_json::json!([
        "application/stix+json;version=2.1",
        "application/stix+json;version=2.0"
    ]);
    assert_eq!(collection["media_types"], kinds);
    assert!(desk.get(&object).await.json()["objects"].is_array());
    assert!(desk.get(&format!("{object}versions/")).await.json()["versions"].is_array());
}

#[tokio::test]
async fn properties_have_the_types_of_section_2() {
    let desk = TestDesk::start().await;
    let status = status(&desk).await;
    let collection = desk.get(&lamps("")).await.json();
    assert!(is_version_4(&collection["id"]) && is_version_4(&status["id"]));
    assert!(collection["can_read"].is_boolean() && collection["can_write"].is_boolean());
    assert!(is_timestamp(&status["request_timestamp"]), "{status}");
    for name in ["total_count", "success_count", "failure_count", "pending_count"] {
        assert!(status[name].as_u64().is_some_and(|count| count < 1 << 53), "{name}");
    }
    let root = desk.get("/local/").await.json();
    assert!(root["max_content_length"].as_u64().is_some_and(|max| max > 0 && max < 1 << 53));
    assert!(root["versions"].as_array().unwrap().iter().all(Value::is_string));
    let reply = desk.get(&lamps("manifest/?match[version]=all")).await;
    for record in reply.json()["objects"].as_array().unwrap() {
        assert!(is_timestamp(&record["date_added"]), "{record}");
    }
    for name in ["x-taxii-date-added-first", "x-taxii-date-added-last"] {
        assert!(is_timestamp(&reply.field(name).unwrap().into()), "{name}");
    }
}

fn no_empty_list(value: &Value) {
    match value {
        Value::Array(items) => {
            assert!(!items.is_empty(), "an empty list");
            items.iter().for_each(no_empty_list);
        }
        Value::Object(fields) => fields.values().for_each(no_empty_list),
        _ => {}
    }
}

#[tokio::test]
async fn empty_lists_are_left_out() {
    let desk = TestDesk::start().await;
    let nothing = "?match[type]=no-such-type";
    for path in [
        "/taxii2/".to_owned(),
        "/local/".to_owned(),
        "/local/collections/".to_owned(),
        lamps("objects/"),
        lamps("manifest/"),
        lamps(&format!("objects/{nothing}")),
    ] {
        no_empty_list(&desk.get(&path).await.json());
    }
    assert_eq!(desk.get(&lamps("manifest/")).await.text(), "{}");
    desk.add(&[lamp(1, 0)]).await;
    let late = "?added_after=2199-01-01T00:00:00Z";
    let versions = lamps(&format!("objects/{}/versions/{late}", lamp_id(1)));
    assert_eq!(desk.get(&versions).await.text(), "{}");
    no_empty_list(&desk.add(&[]).await);
    no_empty_list(&desk.get_as("olaf", "/taxii2/").await.json());
}

#[tokio::test]
async fn dates_are_on_every_page() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0), lamp(2, 0)]).await;
    let object = lamps(&format!("objects/{}/", lamp_id(1)));
    let dates = |reply: &Reply| {
        let field = |name| reply.field(name).map(str::to_owned);
        (field("x-taxii-date-added-first"), field("x-taxii-date-added-last"))
    };
    let manifest = desk.get(&lamps("manifest/")).await;
    let added =
        |place: usize| manifest.json()["objects"][place]["date_added"].as_str().map(str::to_owned);
    for path in [lamps("objects/"), lamps("manifest/")] {
        assert_eq!(dates(&desk.get(&path).await), (added(0), added(1)), "{path}");
    }
    for path in [object.clone(), format!("{object}versions/")] {
        assert_eq!(dates(&desk.get(&path).await), (added(0), added(0)), "{path}");
        let late = "2199-01-01T00:00:00.000000Z".to_owned();
        let empty = desk.get(&format!("{path}?added_after={late}")).await;
        assert_eq!(dates(&empty), (Some(late.clone()), Some(late)), "{path}");
    }
}

#[tokio::test]
async fn collections_keep_their_order() {
    let desk = TestDesk::start().await;
    for number in 0..5u32 {
        let id = uuid::Uuid::new_v4();
        let alias = format!("shelf-{number}");
        let (new, by) = (store::NewCollection::local(id, &alias, &alias), "test".to_owned());
        desk.service.store().create_collection(new, by, node::desk::now()).await.unwrap();
    }
    let first = desk.get("/local/collections/").await;
    assert_eq!(first.json()["collections"].as_array().unwrap().len(), 6);
    desk.add(&[lamp(1, 0)]).await;
    assert_eq!(desk.get("/local/collections/").await.body, first.body);
}
