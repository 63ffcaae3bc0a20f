//! Dirty data as people see it: in the draft before it is released, apart at the partner, in the
//! partner's receipt.

use protocol::terms::Role;
use serde_json::json;
use testkit::tool;

use crate::desk::{Client, Desks, desks};

async fn page(client: &Client, path: &str) -> String {
    let (cookie, _) = client.session("everyone").await;
    client.page(path, &cookie).await
}

#[tokio::test]
async fn findings_are_seen_before_the_release_at_the_partner_and_in_the_receipt() {
    let dirty = |number, property: &str| {
        tool(number, 0).replace("\"name\"", &format!("{property},\"name\""))
    };
    let objects = [tool(1, 0), dirty(2, "\"confidence\":400"), dirty(3, "\"x_lamp\":1")];
    // Tea asks for a second person.
    let desks = desks(91).await.work(move |world| {
        world.post(true, "tea", &objects);
        world.settle();
    });
    let desks: Desks = desks.await;
    let waiting = desks.world.a.service.store().awaiting_release(10).await.unwrap();
    let id = waiting[0].id;
    let shown = page(&desks.a, &format!("/releases/{id}")).await;
    assert!(shown.contains("1 object breaks a MUST, 1 object breaks only a SHOULD"), "{shown}");
    assert!(shown.contains("STIX-3.2-10 at /confidence") && shown.contains("401 at /x_lamp"));
    let items = desks.a.get(&format!("/api/releases/{id}/items")).await.json();
    let rules: Vec<_> = (0..3).map(|n| &items["items"][n]["findings"][0]["rule"]).collect();
    assert_eq!(rules, [&json!(null), &json!("STIX-3.2-10"), &json!("401")]);

    let approve = format!("/api/releases/{id}/approve");
    assert_eq!(desks.a.post(&approve, &json!({})).await.status, 200);
    let desks = desks.work(testkit::World::settle).await.work(testkit::World::settle).await;
    // The receiver sees what came in with its findings, and what stands apart.
    let waits = desks.b.get("/api/quarantine").await.json();
    let statement = waits["quarantine"][0]["id"].as_str().unwrap().to_owned();
    let shown = page(&desks.b, &format!("/statements/{statement}")).await;
    assert!(shown.contains("Held apart: 1 object") && shown.contains("Lamp 2"), "{shown}");
    assert!(shown.contains("/confidence") && shown.contains("0 to 100"), "told in full");
    assert!(shown.contains("401 at /x_lamp"), "beside what was taken in");
    let object = page(&desks.b, "/objects/tool--00000000-0000-4000-8000-000000000003").await;
    assert!(object.contains("/x_lamp") && object.contains("section 7.3"), "{object}");
    // The sender is told of the MUST, by rule and place.
    let told = desks.a.get(&format!("/api/releases/{id}")).await.json();
    let receipt = &told["receipts"][0];
    assert_eq!(receipt["outcome"], "quarantined");
    let item = json!({ "index": 1, "outcome": "quarantined", "code": "STIX-3.2-10",
                       "place": "/confidence" });
    assert_eq!(receipt["items"], json!([item]));
    let shown = page(&desks.a, &format!("/releases/{id}")).await;
    assert!(shown.contains("item 1:") && shown.contains("STIX-3.2-10"), "{shown}");
}

/// Brevia's desk, where one statement waits: two doubtful objects beside a sound one.
async fn two_held_apart(seed: u64) -> (Desks, String) {
    let doubtful = |number| tool(number, 0).replace("\"name\"", "\"confidence\":400,\"name\"");
    let objects = [doubtful(1), tool(2, 0), doubtful(3)];
    let desks = desks(seed).await.work(move |world| {
        world.post(true, "lamps", &objects);
        world.settle();
        world.settle();
    });
    let desks = desks.await;
    let waits = desks.b.get("/api/quarantine").await.json();
    let id = waits["quarantine"][0]["id"].as_str().unwrap().to_owned();
    (desks, id)
}

#[tokio::test]
async fn console_decides_on_the_objects_that_are_ticked_with_the_reason() {
    let (desks, id) = two_held_apart(92).await;
    let b = &desks.b;
    let _token = b.account("wren", &[Role::Releaser, Role::Reader]).await;
    let (cookie, csrf) = b.session("wren").await;
    let csrf = csrf.replace(' ', "+");
    let path = format!("/statements/{id}/decide");
    let nothing = format!("csrf={csrf}&decision=refuse&reason=a+blown+bulb");
    let (status, shown) = b.form(&path, &cookie, nothing).await;
    assert!(status == 422 && shown.contains("HLD-2"), "{status} {shown}");
    assert!(shown.contains("a blown bulb"), "what was typed stays");
    assert!(!shown.contains("form=\"held-form\" checked"), "nothing is ticked behind one's back");
    let long = format!("csrf={csrf}&decision=refuse&object=2&reason={}", "x".repeat(501));
    let (status, shown) = b.form(&path, &cookie, long).await;
    assert!(status == 422 && shown.contains("HLD-1"), "{status}");
    let none = format!("csrf={csrf}&decision=burn&object=2");
    assert_eq!(b.form(&path, &cookie, none).await.0, 422);
    let refuse = format!("csrf={csrf}&decision=refuse&object=2&reason=a+blown+bulb");
    assert_eq!(b.form(&path, &cookie, refuse).await.0, 303);
    let held = b.get(&format!("/api/quarantine/{id}")).await.json();
    let places: Vec<_> =
        held["objects"].as_array().unwrap().iter().map(|one| one["place"].clone()).collect();
    assert_eq!(places, [0], "the other one goes on waiting");
    let shown = page(b, &format!("/statements/{id}")).await;
    assert!(shown.contains("0 of 1 objects taken in: a blown bulb"), "{shown}");
    let accept = format!("csrf={csrf}&decision=accept&object=0&reason=");
    assert_eq!(b.form(&path, &cookie, accept).await.0, 303);
    assert_eq!(b.get("/api/quarantine").await.json()["quarantine"], json!([]));
    let desks = desks.work(testkit::World::settle).await.work(testkit::World::settle).await;
    let served = desks.world.b.served("lamps");
    assert!(served.len() == 2 && !served.iter().any(|one| one.contains("Lamp 3")), "{served:?}");
}

#[tokio::test]
async fn administrator_says_at_the_console_what_becomes_of_findings() {
    let desks = desks(93).await;
    let b = &desks.b;
    let _tokens = (
        b.account("otter", &[Role::Administrator]).await,
        b.account("wren", &[Role::Releaser]).await,
    );
    let (cookie, csrf) = b.session("otter").await;
    let csrf = csrf.replace(' ', "+");
    let partner = "aldermoor.example/channel";
    let path = format!("/findings/{partner}");
    let wrong = format!("csrf={csrf}&error=refuse&warning=&note=&rules=104%3Daccept");
    let (status, shown) = b.form(&path, &cookie, wrong).await;
    assert!(status == 422 && shown.contains("FND-1") && shown.contains("104=accept"), "{status}");
    let change = "error=refuse&warning=&note=&rules=uuid-check%3Daccept%0D%0A401%3Dquarantine";
    let (status, _) = b.form(&path, &cookie, format!("csrf={csrf}&{change}")).await;
    assert_eq!(status, 303);
    let held = async || {
        let name = partner.parse().unwrap();
        let held = desks.world.b.service.store().partner(&name).await.unwrap().unwrap();
        held.policy
    };
    assert_eq!(held().await, Some("error=refuse 103=accept 401=quarantine".parse().unwrap()));
    let (other, csrf_other) = b.session("wren").await;
    let body = format!("csrf={}&error=accept", csrf_other.replace(' ', "+"));
    assert_eq!(b.form(&path, &other, body).await.0, 403, "no administrator");
    let (status, _) = b.form(&path, &cookie, format!("csrf={csrf}&error=&rules=")).await;
    assert_eq!((status, held().await), (303, None), "the node's own again");
    // A collection that people submit to has one; one that a partner fills has not.
    let all = desks.world.b.service.store().collections().await.unwrap();
    let id = |flow| all.iter().find(|one| one.flow == flow).unwrap().id;
    let (outgoing, incoming) = (id(store::Flow::Outgoing), id(store::Flow::Incoming));
    let body = format!("csrf={csrf}&error=quarantine");
    let (status, _) =
        b.form(&format!("/collections/{outgoing}/findings"), &cookie, body.clone()).await;
    assert_eq!(status, 303);
    let all = desks.world.b.service.store().collections().await.unwrap();
    let kept = all.into_iter().find(|one| one.id == outgoing).unwrap().policy;
    assert_eq!(kept, Some("error=quarantine".parse().unwrap()));
    let (status, shown) = b.form(&format!("/collections/{incoming}/findings"), &cookie, body).await;
    assert!(status == 422 && shown.contains("COL-10"), "{status} {shown}");
}
