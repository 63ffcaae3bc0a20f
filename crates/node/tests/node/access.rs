//! Topics are compartments: who does not work on one decides on nothing under it, at no door.

use exchange::Service;
use protocol::terms::{Role, Topic};
use serde_json::json;
use stix::Tlp;
use store::{Collection, Flow, Rights, Sight};
use testkit::tool;
use uuid::Uuid;

use crate::{
    desk::{Client, Desks, desks, envelope},
    doors,
};

/// TLP:AMBER of TLP 1.0.
const AMBER: &str = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82";

/// The marking of a community.
const OURS: &str = "marking-definition--11111111-1111-4111-8111-111111111111";

fn definition() -> String {
    format!(
        r#"{{"type":"marking-definition","id":"{OURS}","spec_version":"2.1",
        "created":"2031-01-01T00:00:00.000Z","definition_type":"x-lamps",
        "definition":{{"a":1}}}}"#
    )
}

async fn collection(service: &Service, topic: &str, flow: Flow) -> Collection {
    let (topic, all): (Topic, _) = (topic.parse().unwrap(), service.store().collections().await);
    let fits = |one: &Collection| one.topic.as_ref() == Some(&topic) && one.flow == flow;
    all.unwrap().into_iter().find(fits).unwrap()
}

async fn grant(service: &Service, name: &str, to: Option<Collection>, rights: Rights) {
    let (name, by) = (name.to_owned(), "test".to_owned());
    service.store().grant(name, to, rights, by, node::desk::now()).await.unwrap();
}

/// Somebody with every role who works on lamps, and not on tea.
async fn elsewhere(client: &Client, service: &Service, name: &str) -> Client {
    let token = client.account(name, Role::ALL).await;
    grant(service, name, None, Rights::NONE).await;
    let lamps = collection(service, "lamps", Flow::Outgoing).await;
    grant(service, name, Some(lamps), Rights::ALL).await;
    client.with(&token)
}

/// Two desks, and a release of tea at A that waits for a second person.
async fn tea_waits(seed: u64) -> (Desks, Uuid) {
    let marked = format!("\"object_marking_refs\":[\"{AMBER}\"],\"name\"");
    let object = tool(1, 0).replace("\"name\"", &marked);
    let desks = desks(seed).await.work(move |world| {
        world.post(true, "tea", &[object]);
        world.settle();
    });
    let desks = desks.await;
    let waiting = desks.world.a.service.store().awaiting_release(10).await.unwrap();
    let id = waiting[0].id;
    (desks, id)
}

async fn refused(client: &Client, path: &str, rule: &str) {
    let reply = client.post(path, &json!({ "reason": "wrong" })).await;
    assert_eq!((reply.status, reply.rule().as_str()), (403, rule), "{path}");
}

#[tokio::test]
async fn role_2_topic_of_others_is_decided_on_by_nobody_else_at_the_api() {
    let (desks, id) = tea_waits(81).await;
    let a = &desks.world.a.service;
    let stranger = elsewhere(&desks.a, a, "stranger").await;
    for verb in ["approve", "return", "again", "recall"] {
        refused(&stranger, &format!("/api/releases/{id}/{verb}"), "ROLE-2").await;
    }
    refused(&stranger, "/api/releases?topic=tea", "ROLE-2").await;
    let items = stranger.get(&format!("/api/releases/{id}/items")).await;
    assert_eq!((items.status, items.rule().as_str()), (403, "ROLE-2"));
    // What people wrote stays in the compartment.
    let url = "/api/releases?topic=tea&note=words";
    let drafted = desks.a.ask("POST", url, "application/json", envelope(&[tool(2, 0)])).await;
    let noted = format!("/api/releases/{}", drafted.json()["release"].as_str().unwrap());
    for (client, note) in [(&desks.a, json!("words")), (&stranger, json!(null))] {
        assert_eq!(client.get(&noted).await.json()["release"]["note"], note);
        assert_eq!(client.get("/api/releases").await.json()["releases"][0]["note"], note);
    }
    // Reading what goes out is what a releaser needs; drafting needs writing.
    let tea = collection(a, "tea", Flow::Outgoing).await;
    grant(a, "stranger", Some(tea), Rights::READ).await;
    refused(&stranger, "/api/releases?topic=tea", "ROLE-2").await;
    let sight = Sight::new(Tlp::Green, None);
    let (name, by, now) = ("stranger".to_owned(), "test".to_owned(), node::desk::now());
    a.store().set_sight(name.clone(), sight, by.clone(), now).await.unwrap();
    refused(&stranger, &format!("/api/releases/{id}/approve"), "ROLE-3").await;
    let items = stranger.get(&format!("/api/releases/{id}/items")).await.json();
    assert_eq!(items["items"], json!([]), "what is not seen is not listed");
    a.store().set_sight(name, Sight::default(), by, now).await.unwrap();
    let approved = stranger.post(&format!("/api/releases/{id}/approve"), &json!({})).await;
    assert_eq!(approved.status, 200, "{approved:?}");
}

#[tokio::test]
async fn role_3_items_of_a_release_are_for_their_communities() {
    let kept =
        tool(2, 0).replace("\"name\"", &format!("\"object_marking_refs\":[\"{OURS}\"],\"name\""));
    let desks = desks(84).await.work(|world| {
        world.post(true, "lamps", &[definition()]);
        world.settle();
    });
    let desks = desks.await.work(move |world| {
        world.post(true, "tea", &[tool(1, 0), kept]);
        world.settle();
    });
    let desks = desks.await;
    let a = &desks.world.a.service;
    let id = a.store().awaiting_release(10).await.unwrap()[0].id;
    let stranger = elsewhere(&desks.a, a, "stranger").await;
    let tea = collection(a, "tea", Flow::Outgoing).await;
    grant(a, "stranger", Some(tea), Rights::ALL).await;
    let belongs = async |to: &[&str]| {
        let communities = to.iter().map(|id| (*id).to_owned()).collect();
        let sight = Sight::new(Tlp::Red, Some(communities));
        let by = "test".to_owned();
        a.store().set_sight("stranger".to_owned(), sight, by, node::desk::now()).await.unwrap();
    };
    let listed = async || {
        let items = stranger.get(&format!("/api/releases/{id}/items")).await.json();
        items["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["index"].clone())
            .collect::<Vec<_>>()
    };

    belongs(&[]).await;
    assert_eq!(listed().await, [json!(0)], "the other is of a community");
    refused(&stranger, &format!("/api/releases/{id}/approve"), "ROLE-3").await;
    let (cookie, _) = desks.a.session("stranger").await;
    let page = desks.a.page(&format!("/releases/{id}"), &cookie).await;
    assert!(page.contains("Lamp 1") && !page.contains("Lamp 2"), "{page}");
    assert!(page.contains("Items that this account may not see are left out."), "{page}");
    assert!(page.contains("you can only return it"), "{page}");
    assert!(!page.contains("value=\"release\""), "a button that would be refused");
    let page = desks.a.page(&format!("/compose?from={id}"), &cookie).await;
    assert!(!page.contains("Lamp 2"), "the text of what is not seen: {page}");

    belongs(&[OURS]).await;
    assert_eq!(listed().await, [json!(0), json!(1)]);
    let page = desks.a.page(&format!("/compose?from={id}"), &cookie).await;
    assert!(page.contains("Lamp 2"), "{page}");
    let url = format!("/api/releases/{id}/return");
    let returned = stranger.post(&url, &json!({ "reason": "wrong" })).await;
    assert_eq!(returned.status, 200, "{returned:?}");
    belongs(&[]).await;
    refused(&stranger, &format!("/api/releases/{id}/again"), "ROLE-3").await;
    belongs(&[OURS]).await;
    let again = stranger.post(&format!("/api/releases/{id}/again"), &json!({})).await.json();
    let again = again["release"].as_str().unwrap().to_owned();
    belongs(&[]).await;
    let items = stranger.get(&format!("/api/releases/{again}/items")).await.json();
    assert_eq!(items["items"].as_array().unwrap().len(), 1, "drafted again, it is kept as before");
}

#[tokio::test]
async fn role_2_what_is_held_apart_is_decided_on_by_who_works_on_its_topic() {
    let doubtful = |number, property: &str| {
        let property = format!("\"confidence\":400,{property}\"name\"");
        tool(number, 0).replace("\"name\"", &property)
    };
    let kept = doubtful(2, &format!("\"object_marking_refs\":[\"{OURS}\"],"));
    let desks = desks(82).await;
    // Both nodes hold the definition before what is marked with it comes.
    let desks = desks.work(move |world| {
        world.post(true, "lamps", &[definition()]);
        world.settle();
    });
    let desks = desks.await.work(move |world| {
        world.post(true, "lamps", &[doubtful(1, ""), kept]);
        world.settle();
    });
    let desks = desks.await;
    let b = &desks.world.b.service;
    let id = b.store().quarantined(10).await.unwrap()[0].id;
    // Works on what goes out under lamps, not on what comes in.
    let stranger = elsewhere(&desks.b, b, "stranger").await;
    for verb in ["accept", "refuse"] {
        let reply = stranger.post(&format!("/api/quarantine/{id}/{verb}"), &json!({})).await;
        assert_eq!((reply.status, reply.rule().as_str()), (403, "ROLE-2"), "{verb}");
    }
    let lamps = collection(b, "lamps", Flow::Incoming).await;
    grant(b, "stranger", Some(lamps), Rights::READ).await;
    let (name, by, now) = ("stranger".to_owned(), "test".to_owned(), node::desk::now());
    let sight = Sight::new(Tlp::Red, Some(std::collections::BTreeSet::new()));
    b.store().set_sight(name.clone(), sight, by.clone(), now).await.unwrap();
    let shown = stranger.get(&format!("/api/quarantine/{id}")).await.json();
    let places: Vec<_> =
        shown["objects"].as_array().unwrap().iter().map(|one| &one["place"]).collect();
    assert_eq!((places, &shown["hidden"]), (vec![&json!(0)], &json!(1)), "{shown}");
    let reply = stranger.post(&format!("/api/quarantine/{id}/accept"), &json!({})).await;
    assert_eq!((reply.status, reply.rule().as_str()), (403, "ROLE-3"));
    let url = format!("/api/quarantine/{id}/accept");
    let accepted = stranger.post(&url, &json!({ "objects": [0] })).await;
    assert_eq!(accepted.status, 200, "it is kept to no community: {accepted:?}");
    b.store().set_sight(name, Sight::default(), by, now).await.unwrap();
    let accepted = stranger.post(&format!("/api/quarantine/{id}/accept"), &json!({})).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
}

#[tokio::test]
async fn role_2_holds_for_the_forms_of_the_console_and_its_buttons_are_not_there() {
    let (desks, id) = tea_waits(83).await;
    elsewhere(&desks.a, &desks.world.a.service, "stranger").await;
    let (cookie, csrf) = desks.a.session("stranger").await;
    let decision = format!("csrf={csrf}&decision=release").replace(' ', "+");
    let (status, page) = desks.a.form(&format!("/releases/{id}/decide"), &cookie, decision).await;
    assert_eq!(status, 403);
    assert!(page.contains("ROLE-2") && page.contains("ask an administrator"), "{page}");
    assert!(page.contains("it asks for access to its topic"), "{page}");
    assert!(!page.contains("value=\"release\""), "a button that would be refused");
    assert!(!page.contains("Lamp 1"), "the items stay hidden");
    let recall = format!("csrf={csrf}&reason=wrong&scope=all").replace(' ', "+");
    let (status, page) = desks.a.form(&format!("/releases/{id}/recall"), &cookie, recall).await;
    assert!(status == 403 && page.contains("ROLE-2"), "{status} {page}");
}

#[test]
fn role_2_is_one_line_and_an_exit_status_at_the_command_line() {
    let [a, _b] = doors::partners();
    doors::release(&a, 1);
    let id = a.json(&["releases"])["releases"][0]["id"].as_str().unwrap().to_owned();
    doors::said(&a, &["account", "add", "shrike", "--role", "releaser", "--role", "drafter"]);
    doors::said(&a, &["collection", "revoke", "--every", "shrike"]);
    let token = a.json(&["token", "create", "--label", "test", "--account", "shrike"]);
    let file = a.path("shrike.token");
    std::fs::write(&file, token["token"].as_str().unwrap()).unwrap();
    let bundle = a.path("bundle.json");
    let verbs: [&[&str]; 3] = [
        &["recall", &id],
        &["return", &id, "--reason", "not ours"],
        &["release", &bundle, "--topic", "lamps"],
    ];
    for verb in verbs {
        let output = a.run(&[&["--token-file", &file], verb].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(6), "{verb:?}: {said}");
        assert!(said.contains("ROLE-2") && said.contains("ask an administrator"), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
}
