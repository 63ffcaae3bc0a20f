//! Dirty data at the door: each object of an envelope ends as its collection's policy says, and
//! whoever posted it can read why; markings of communities keep objects to those who belong.

use exchange::{
    collections::{self, Older},
    sweep,
};
use node::desk::{now, rng};
use protocol::terms::Role;
use serde_json::{Value, json};
use stix::Tlp;
use store::{CollectionChange, Sight};

use super::desk::{LAMPS, TestDesk, lamp, lamp_id, lamps};

fn with(number: u32, property: &str) -> String {
    lamp(number, 0).replace("\"name\"", &format!("{property},\"name\""))
}

/// A MUST broken, a SHOULD broken, another SHOULD.
const CONFIDENCE: &str = "\"confidence\":400";
const CUSTOM: &str = "\"x_lamp\":1";
const NO_TYPE: &str = "\"tool_types\":[\"a lamp\"]";

impl TestDesk {
    async fn policy(&self, change: &str) {
        let store = self.service.store();
        let all = store.collections().await.unwrap();
        let lamps = all.into_iter().find(|one| one.id.to_string() == LAMPS).unwrap();
        let policy = Some(Some(change.parse().unwrap()));
        let change = CollectionChange { policy, ..CollectionChange::default() };
        store.change_collection(lamps, change, "test".to_owned(), now()).await.unwrap();
    }

    async fn api(&self, token: &str, method: &str, path: &str, body: &Value) -> crate::wire::Reply {
        let body = body.to_string();
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
        .await
    }
}

fn message<'v>(status: &'v Value, list: &str, id: &str) -> &'v str {
    let rows = status[list].as_array().unwrap_or_else(|| panic!("no {list}: {status}"));
    let row = rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{id}: {status}"));
    row["message"].as_str().unwrap_or("")
}

fn ids(page: &Value) -> Vec<&str> {
    let objects = page["objects"].as_array().map(Vec::as_slice).unwrap_or_default();
    objects.iter().map(|object| object["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_object_of_an_envelope_ends_as_the_policy_says() {
    let desk = TestDesk::start().await;
    desk.policy("error=quarantine tool-types=refuse").await;
    let objects = [
        lamp(1, 0),
        with(2, CUSTOM),
        with(3, CONFIDENCE),
        with(4, NO_TYPE),
        "{\"type\":\"tool\"}".to_owned(),
    ];
    let status = desk.add(&objects).await;
    let count = |name: &str| status[name].as_u64().unwrap();
    assert_eq!((count("success_count"), count("failure_count")), (2, 3), "{status}");
    assert_eq!(message(&status, "successes", &lamp_id(1)), "");
    assert_eq!(message(&status, "successes", &lamp_id(2)), "findings: 401 at /x_lamp");
    assert_eq!(
        message(&status, "failures", &lamp_id(3)),
        "it stands apart until a person decides; findings: STIX-3.2-10 at /confidence"
    );
    let refused = message(&status, "failures", &lamp_id(4));
    assert!(refused.starts_with("refused by the policy for findings, 222 at"), "{refused}");
    assert!(message(&status, "failures", "unknown--4").starts_with("STIX-2.9-01 at `/id`"));
    let page = desk.get(&lamps("objects/")).await.json();
    assert_eq!(ids(&page), [lamp_id(1), lamp_id(2)]);
    let manifest = desk.get(&lamps("manifest/")).await.json();
    assert_eq!(ids(&manifest), [lamp_id(1), lamp_id(2)]);
    let held = desk.get(&lamps(&format!("objects/{}/", lamp_id(3)))).await;
    assert_eq!(held.status, 404, "what stands apart is in no collection");

    // A releaser decides; the status of the request says so afterwards.
    let releaser = desk.account("marten", &[Role::Releaser]).await;
    let waiting = desk.api(&releaser, "GET", "/api/quarantine", &json!({})).await.json();
    let row = &waiting["quarantine"][0];
    assert_eq!((&row["account"], &row["objects"]), (&json!("ada"), &json!(1)));
    assert_eq!(row["id"], status["id"]);
    let url = format!("/api/quarantine/{}/accept", row["id"].as_str().unwrap());
    let denied = desk.api(&desk.token, "POST", &url, &json!({})).await;
    assert_eq!(denied.status, 403, "it asks for the role releaser");
    let decided = desk.api(&releaser, "POST", &url, &json!({ "objects": [2] })).await;
    assert_eq!(decided.status, 200);
    assert_eq!(desk.api(&releaser, "POST", &url, &json!({})).await.status, 404, "decided once");
    let path = format!("/local/status/{}/", status["id"].as_str().unwrap());
    let status = desk.get(&path).await.json();
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(3), &json!(2)));
    assert_eq!(message(&status, "successes", &lamp_id(3)), "findings: STIX-3.2-10 at /confidence");
    let page = desk.get(&lamps("objects/")).await.json();
    assert_eq!(ids(&page), [lamp_id(1), lamp_id(2), lamp_id(3)]);
}

#[tokio::test]
async fn what_nobody_decides_on_is_refused_when_its_retention_is_over_and_its_status_says_so() {
    let desk = TestDesk::start().await;
    desk.policy("error=quarantine").await;
    let change = CollectionChange { retention_days: Some(Some(3)), ..CollectionChange::default() };
    let place = desk.named("lamps").await;
    collections::change(&desk.service, place, (change, None), Older::Ask, "test", now())
        .await
        .unwrap();
    let status = desk.add(&[with(1, CONFIDENCE)]).await;
    let later = |days: i64| now().plus_ms(days * 86_400_000);
    let path = format!("/local/status/{}/", status["id"].as_str().unwrap());
    for (days, said) in [
        (2, "it stands apart until a person decides; findings: STIX-3.2-10 at /confidence"),
        (
            4,
            "quarantine-expired: nobody decided on it within 3 days; findings: STIX-3.2-10 at /confidence",
        ),
    ] {
        sweep::step(&desk.service, later(days), &mut rng()).await.unwrap();
        let status = desk.get(&path).await.json();
        assert_eq!(message(&status, "failures", &lamp_id(1)), said, "after {days} days");
    }
    assert!(desk.service.store().quarantined(1).await.unwrap().is_empty());
    assert_eq!(desk.get(&lamps("objects/")).await.json(), json!({}));
}

#[tokio::test]
async fn default_at_the_desk_takes_everything_that_can_be_kept_and_says_what_was_found() {
    let desk = TestDesk::start().await;
    let status = desk.add(&[with(1, CONFIDENCE), with(2, NO_TYPE), lamp(3, 0)]).await;
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(3), &json!(0)));
    let said = message(&status, "successes", &lamp_id(1));
    assert_eq!(said, "findings: STIX-3.2-10 at /confidence");
    // The same again, and the same in another spelling, is a success without a conflict.
    let other = lamp(3, 0).replace(",  \"id\"", ",\n\"id\"").replace("Lamp", "\\u004camp");
    let again = desk.add(&[lamp(3, 0), other]).await;
    assert_eq!(again["success_count"], 2, "{again}");
    assert!(again["successes"].as_array().unwrap().iter().all(|row| row["message"].is_null()));
    let page = desk.get(&lamps("objects/")).await;
    let text = String::from_utf8(page.body.clone()).unwrap();
    assert!(text.contains(&lamp(3, 0)), "the first is served, byte for byte");
    let conflict = desk.add(&[lamp(3, 0).replace("Lamp", "Kettle")]).await;
    assert!(message(&conflict, "successes", &lamp_id(3)).contains("both are kept"), "{conflict}");
}

const OURS: &str = "marking-definition--11111111-1111-4111-8111-111111111111";
const SAYS: &str = "marking-definition--22222222-2222-4222-8222-222222222222";

fn definition(id: &str, kind: &str) -> String {
    format!(
        r#"{{"type":"marking-definition","id":"{id}","spec_version":"2.1",
        "created":"2031-01-01T00:00:00.000Z",{kind}}}"#
    )
}

#[tokio::test]
async fn object_kept_to_a_community_is_there_for_who_belongs_to_it_alone() {
    let desk = TestDesk::start().await;
    let iep = r#""extensions":{"extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a":
        {"extension_type":"property-extension","id":"x"}}"#;
    let says = r#""definition_type":"statement","definition":{"statement":"Made of tin"}"#;
    let marked = |number, id: &str| with(number, &format!("\"object_marking_refs\":[\"{id}\"]"));
    let objects = [definition(OURS, iep), definition(SAYS, says), marked(1, OURS), marked(2, SAYS)];
    desk.add(&objects).await;
    let account = async |name: &str, communities: &[&str]| {
        let token = desk.account(name, &[Role::Reader]).await;
        let communities = communities.iter().map(|id| (*id).to_owned()).collect();
        let sight = Sight::new(Tlp::Red, Some(communities));
        let (name, by) = (name.to_owned(), "test".to_owned());
        desk.service.store().set_sight(name, sight, by, now()).await.unwrap();
        token
    };
    let (member, stranger) = (account("wren", &[OURS]).await, account("shrike", &[]).await);
    let get = async |token: &str, path: &str| {
        let path = lamps(path);
        desk.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {token}\r\n\
             Connection: close\r\n\r\n"
        ))
        .await
    };
    let one = format!("objects/{}/", lamp_id(1));
    for list in ["objects/", "manifest/", "objects/?match[type]=tool", "manifest/?match[type]=tool"]
    {
        let seen = get(&member, list).await.json();
        assert!(ids(&seen).contains(&lamp_id(1).as_str()), "{list}");
        let seen = get(&stranger, list).await;
        let body = seen.json();
        assert!(!ids(&body).contains(&lamp_id(1).as_str()), "{list}: {body}");
        assert!(ids(&body).contains(&lamp_id(2).as_str()), "a statement restricts nothing: {body}");
        assert!(body["more"].is_null(), "what is hidden is not counted");
    }
    // One that may see both is told of more; one that may not cannot tell.
    let first = "manifest/?limit=1&match[type]=tool";
    assert_eq!(get(&member, first).await.json()["more"], true);
    let alone = get(&stranger, first).await.json();
    assert_eq!((ids(&alone), &alone["more"]), (vec![lamp_id(2).as_str()], &Value::Null));
    for path in [one.clone(), format!("{one}versions/")] {
        assert_eq!(get(&member, &path).await.status, 200, "{path}");
        assert_eq!(get(&stranger, &path).await.status, 404, "{path}");
    }
}
