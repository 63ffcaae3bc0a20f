//! Dirty data as people see it: in the draft before it is released, apart at the partner, in the
//! partner's receipt.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::json;
use testkit::tool;

use crate::desk::{Client, Desks, desks};

async fn page(client: &Client, path: &str) -> String {
    let (cookie, _) = client.session("everyone").await;
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty());
    let reply = client.send(request.unwrap()).await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    String::from_utf8(reply.bytes).unwrap()
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
