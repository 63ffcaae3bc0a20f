//! Which markings a client may see, aggregates, retention, and markings that become known late, as
//! clients meet them.

use exchange::{
    collections::{self, Older},
    sweep,
};
use node::desk::now;
use protocol::terms::Role;
use serde_json::{Value, json};
use stix::Tlp;
use store::{Collection, CollectionChange, NewCollection, Rights, Sight};
use uuid::Uuid;

use super::desk::{LAMPS, TestDesk, lamp, lamp_id, lamps};

const STATEMENT: &str = "marking-definition--22222222-2222-4222-8222-222222222222";
const LATE: &str = "marking-definition--33333333-3333-4333-8333-333333333333";

impl TestDesk {
    pub(super) async fn named(&self, alias: &str) -> Collection {
        let all = self.service.store().collections().await.unwrap();
        all.into_iter().find(|one| one.alias == alias).unwrap()
    }

    async fn see(&self, name: &str, sight: Sight) {
        let (name, by) = (name.to_owned(), "test".to_owned());
        self.service.store().set_sight(name, sight, by, now()).await.unwrap();
    }

    async fn aggregate(&self) -> Collection {
        let new = NewCollection {
            sources: vec![self.named("lamps").await],
            ..NewCollection::local(Uuid::new_v4(), "everything", "everything")
        };
        collections::create(&self.service, new, "test", now()).await.unwrap();
        self.named("everything").await
    }

    /// Steps until nothing is left to do.
    async fn settle(&self) {
        while collections::step(&self.service, now()).await.unwrap() != exchange::Step::Idle {}
    }
}

fn ids(page: &Value) -> Vec<String> {
    let objects = page["objects"].as_array().cloned().unwrap_or_default();
    objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn root_of_the_services_own_keeps_its_title_whatever_a_collection_says_of_itself() {
    let desk = TestDesk::start().await;
    let before = desk.get("/local/").await.json();
    let description = Some("Every lamp of the house".to_owned());
    let change = CollectionChange { description, ..CollectionChange::default() };
    let place = desk.named("lamps").await;
    collections::change(&desk.service, place, (change, None), Older::Ask, "test", now())
        .await
        .unwrap();
    let lamps = desk.get(&lamps("")).await.json();
    assert_eq!(lamps["description"], "Every lamp of the house");
    assert_eq!(desk.get("/local/").await.json(), before);
}

#[tokio::test]
async fn markings_say_what_the_caller_may_see() {
    let desk = TestDesk::start().await;
    let all = desk.get("/local/markings/").await;
    assert_eq!((all.status, all.field("content-type")), (200, Some(super::desk::TAXII)));
    let all = all.json();
    assert_eq!((&all["ceiling"], &all["every_community"]), (&json!("TLP:RED"), &json!(true)));
    assert_eq!(all["markings"].as_array().unwrap().len(), 9, "every published label");
    let mine = Some([STATEMENT.to_owned()].into());
    desk.see("rita", Sight::new(Tlp::Green, mine)).await;
    let hers = desk.get_as("rita", "/local/markings").await.json();
    let wanted = [
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        STATEMENT,
    ];
    assert_eq!(
        hers,
        json!({ "ceiling": "TLP:GREEN", "markings": wanted, "every_community": false })
    );
    assert_eq!(desk.get_as("olaf", "/local/markings/").await.status, 404, "he sees no root");
    assert_eq!(desk.get("/nowhere/markings/").await.status, 404);
    let posted = desk.ask("POST", "/local/markings/", "").await;
    assert_eq!((posted.status, posted.field("allow")), (405, Some("GET, HEAD, OPTIONS")));
}

#[tokio::test]
async fn aggregates_are_read_only_and_name_what_feeds_them() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0), lamp(2, 0)]).await;
    let all = desk.aggregate().await;
    desk.settle().await;
    let path = format!("/local/collections/{}/", all.id);
    let resource = desk.get(&path).await.json();
    assert_eq!((&resource["can_read"], &resource["can_write"]), (&json!(true), &json!(false)));
    assert_eq!(resource["x_detente_aggregates"], json!([LAMPS]));
    assert_eq!(desk.get(&lamps("")).await.json().get("x_detente_aggregates"), None);
    let page = desk.get(&format!("{path}objects/")).await.json();
    assert_eq!(ids(&page), [lamp_id(1), lamp_id(2)]);
    let fields = format!("Content-Type: {}\r\n", super::desk::TAXII);
    let reply = desk.post(&format!("{path}objects/"), &fields, b"{\"objects\":[]}").await;
    assert_eq!(reply.status, 403);
    let object = format!("{path}objects/{}/", lamp_id(1));
    assert_eq!(desk.ask("DELETE", &object, "").await.status, 403);
    // What its source loses is gone from it at once, from every endpoint.
    let source = lamps(&format!("objects/{}/", lamp_id(1)));
    assert_eq!(desk.ask("DELETE", &source, "").await.status, 200);
    assert_eq!(desk.get(&object).await.status, 404);
    assert_eq!(desk.get(&format!("{object}versions/")).await.status, 404);
    for endpoint in ["objects/?match[version]=all", "manifest/?match[version]=all"] {
        assert_eq!(ids(&desk.get(&format!("{path}{endpoint}")).await.json()), [lamp_id(2)]);
    }
}

#[tokio::test]
async fn aggregates_show_nothing_of_sources_that_the_reader_may_not_read() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    let all = desk.aggregate().await;
    desk.settle().await;
    desk.account("guest", &[Role::Reader]).await;
    let (store, by) = (desk.service.store(), || "test".to_owned());
    store.grant("guest".to_owned(), None, Rights::NONE, by(), now()).await.unwrap();
    let place = Some(all.clone());
    store.grant("guest".to_owned(), place, Rights::READ, by(), now()).await.unwrap();
    let path = format!("/local/collections/{}/", all.id);
    let page = desk.get_as("guest", &format!("{path}objects/")).await;
    assert_eq!((page.status, page.json()), (200, json!({})));
    assert_eq!(desk.get_as("guest", &path).await.json().get("x_detente_aggregates"), None);
    let place = Some(desk.named("lamps").await);
    store.grant("guest".to_owned(), place, Rights::READ, by(), now()).await.unwrap();
    let page = desk.get_as("guest", &format!("{path}objects/")).await.json();
    assert_eq!(ids(&page), [lamp_id(1)]);
}

#[tokio::test]
async fn what_was_kept_long_enough_is_gone_from_everything() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 1), lamp(1, 2), lamp(2, 1)]).await;
    let change = CollectionChange { retention_days: Some(Some(3)), ..CollectionChange::default() };
    let place = desk.named("lamps").await;
    let service = &desk.service;
    let (keeps, later_now) = ((change.clone(), None), now().plus_ms(4 * 86_400_000));
    let asked = collections::change(service, place.clone(), keeps, Older::Ask, "test", later_now);
    let refused = asked.await.unwrap_err();
    let exchange::Failure::Forbidden(article) = refused else { panic!("{refused}") };
    assert_eq!(article.rule, "COL-13");
    assert!(article.message.starts_with("3 objects are older than 3 days"), "{}", article.message);
    assert_eq!(desk.named("lamps").await.retention_days, None, "nothing was changed");
    let told = (change.clone(), None);
    let deleted =
        collections::change(service, place.clone(), told, Older::Delete, "test", later_now);
    deleted.await.unwrap();
    let nothing = (change, None);
    collections::change(service, place, nothing, Older::Ask, "test", now()).await.unwrap();
    let later = |days: i64| now().plus_ms(days * 86_400_000);
    sweep::step(&desk.service, later(2), &mut node::desk::rng()).await.unwrap();
    assert_eq!(ids(&desk.get(&lamps("objects/")).await.json()).len(), 2);
    sweep::step(&desk.service, later(4), &mut node::desk::rng()).await.unwrap();
    for endpoint in ["objects/?match[version]=all", "manifest/?match[version]=all"] {
        assert_eq!(desk.get(&lamps(endpoint)).await.json(), json!({}), "{endpoint}");
    }
    for rest in ["", "versions/"] {
        let path = lamps(&format!("objects/{}/{rest}", lamp_id(1)));
        assert_eq!(desk.get(&path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn pollers_that_went_by_meet_what_turns_out_to_be_theirs() {
    let desk = TestDesk::start().await;
    desk.see("rita", Sight::new(Tlp::Green, Some([].into()))).await;
    let marked =
        lamp(1, 0).replace("\"name\":", &format!("\"object_marking_refs\":[\"{LATE}\"],\"name\":"));
    desk.add(&[marked, lamp(2, 0)]).await;
    let first = desk.get_as("rita", &lamps("objects/")).await;
    assert_eq!(ids(&first.json()), [lamp_id(2)], "what does not resolve is the strictest");
    let after = first.field("x-taxii-date-added-last").unwrap().to_owned();
    let poll = lamps(&format!("objects/?added_after={after}"));
    desk.settle().await;
    assert_eq!(desk.get_as("rita", &poll).await.json(), json!({}));
    let definition = format!(
        "{{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"{LATE}\",\
         \"created\":\"2031-01-01T00:00:00.000Z\",\"definition_type\":\"statement\",\
         \"definition\":{{\"statement\":\"An invented notice\"}}}}"
    );
    desk.add(&[definition]).await;
    desk.settle().await;
    let met = desk.get_as("rita", &poll).await.json();
    assert_eq!(ids(&met), [LATE.to_owned(), lamp_id(1)], "a statement restricts nothing");
    assert_eq!(ids(&desk.get_as("rita", &lamps("objects/")).await.json()).len(), 3, "once");
}
