//! What an agreement forbids, courier files that are not ours to take, a clock that jumped: each
//! with its rule at the API, and nothing half-done.

use axum::{
    body::Body,
    http::{Request, header},
};
use exchange::{Service, courier};
use protocol::secrets;
use serde_json::{Value, json};
use store::Lane;
use testkit::{World, tool};

use crate::desk::{Client, Desks, Reply, desks, desks_of_three, envelope};

async fn settled(desks: Desks) -> Desks {
    desks.work(World::settle).await
}

/// Ledger entries, rows of the inbox, statements that wait for the partner.
async fn held(service: &Service, partner: &Service) -> (u64, usize, (u64, u64)) {
    let store = service.store();
    let mut rows = 0;
    for lane in [Lane::Urgent, Lane::Bulk] {
        for row in store.lease_inbox(lane, 1_000, usize::MAX).await.unwrap() {
            store.free_inbox(&row.id);
            rows += 1;
        }
    }
    let waiting = store.outbox_counts(partner.name()).await.unwrap();
    (store.ledger_tree().await.unwrap().0, rows, waiting)
}

#[tokio::test]
async fn agreement_signed_by_one_side_only_releases_nothing() {
    let desks = desks(21).await;
    let list = desks.a.get("/api/agreements").await.json();
    let id = list["agreements"][0]["id"].as_str().unwrap().to_owned();
    let one = desks.a.get(&format!("/api/agreements/{id}")).await.json();
    let text = one["text"].as_str().unwrap().replace("Lamps and tea", "Lamps, tea and jam");
    let drafted = desks.a.ask("POST", "/api/agreements", "text/markdown", text).await.json();
    let id = drafted["id"].as_str().unwrap().to_owned();
    let signed = desks.a.post(&format!("/api/agreements/{id}/sign"), &json!({})).await;
    assert_eq!(signed.status, 200, "{signed:?}");
    let desks = settled(desks).await;
    let url = format!("/api/releases?topic=lamps&agreement={id}");
    let (a, b) = (desks.world.a.service.clone(), desks.world.b.service.clone());
    for (client, me, other) in [(&desks.a, &a, &b), (&desks.b, &b, &a)] {
        let seen = client.get(&format!("/api/agreements/{id}")).await.json();
        assert_eq!(seen["signatures"].as_array().map(Vec::len), Some(1), "{seen}");
        let before = held(me, other).await;
        let reply = client.ask("POST", &url, "application/json", envelope(&[tool(1, 0)])).await;
        assert_eq!((reply.status, reply.rule().as_str()), (422, "ART-2"), "{reply:?}");
        assert_eq!(held(me, other).await, before);
        assert_eq!(client.get("/api/releases").await.json()["releases"], json!([]));
    }
    let desks = settled(desks).await;
    assert!(desks.world.a.served("lamps").is_empty() && desks.world.b.served("lamps").is_empty());
}

#[tokio::test]
async fn marking_above_the_ceiling_is_refused_by_its_article_and_nothing_leaves() {
    let desks = desks(22).await;
    // TLP:RED, where the agreement's ceiling is TLP:AMBER; its neighbour is unmarked.
    let red = tool(2, 0).replace(
        "\"name\"",
        "\"object_marking_refs\":[\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"],\
         \"name\"",
    );
    let (a, b) = (desks.world.a.service.clone(), desks.world.b.service.clone());
    let before = (held(&a, &b).await, held(&b, &a).await);
    let body = envelope(&[tool(1, 0), red]);
    let reply =
        desks.a.ask("POST", "/api/releases?topic=lamps", "application/json", body).await.json();
    let url = format!("/api/releases/{}", reply["release"].as_str().unwrap());
    let desks = settled(desks).await;
    let seen = desks.a.get(&url).await.json();
    let release = &seen["release"];
    assert_eq!((&release["state"], &release["rule"]), (&json!("refused"), &json!("ART-4")));
    let message = release["message"].as_str().unwrap();
    assert!(message.contains("item 1 is marked TLP:RED"), "{message}");
    assert!(seen["next"].as_str().is_some_and(|next| next.contains("mend")), "{seen}");
    assert_eq!((&seen["statement"], &release["statement"]), (&Value::Null, &Value::Null));
    assert_eq!((held(&a, &b).await, held(&b, &a).await), before);
    assert!(desks.world.b.served("lamps").is_empty());
    let reply = desks.a.post(&format!("{url}/recall"), &json!({ "reason": "wrong" })).await;
    assert!((400..500).contains(&reply.status), "nothing left that could be recalled: {reply:?}");
    reply.rule();
}

async fn import(client: &Client, file: &[u8]) -> Reply {
    client.ask("POST", "/api/courier/import", "application/x-tar", file.to_vec()).await
}

/// Two releases of Aldermoor's that wait for a link, and the courier file with them for another.
async fn carried(desks: Desks, to: usize) -> (Desks, Vec<u8>) {
    let post = |world: &mut World| {
        world.network.partition(true);
        world.post(true, "lamps", &[tool(1, 0), tool(2, 0)]);
        world.post(true, "lamps", &[tool(3, 0)]);
        world.step(true);
        world.step(true);
    };
    let desks = desks.work(post).await;
    let to = desks.world.nodes().nth(to).unwrap().service.name().clone();
    let file = courier::export(&desks.world.a.service, &to, desks.world.now).await.unwrap();
    (desks, file)
}

#[tokio::test]
async fn courier_file_from_elsewhere_or_for_another_is_refused_whole() {
    let (three, for_corvane) = carried(desks_of_three(23).await, 2).await;
    let (a, b) = (three.world.a.service.clone(), three.world.b.service.clone());
    let before = held(&b, &a).await;
    let reply = import(&three.b, &for_corvane).await;
    assert_eq!((reply.status, reply.rule().as_str()), (400, "CUR-4"), "{reply:?}");
    assert_eq!(held(&b, &a).await, before);
    // In a world of two, Corvane is nobody, and Aldermoor is who it says by its keys alone.
    let two = desks(24).await;
    let here = (two.world.b.service.clone(), two.world.a.service.clone());
    let before = held(&here.0, &here.1).await;
    let corvane = &three.world.others[0].service;
    let strange = courier::export(corvane, b.name(), three.world.now).await.unwrap();
    let (_other, false_name) = carried(desks_of_three(25).await, 1).await;
    for file in [strange, false_name] {
        let reply = import(&two.b, &file).await;
        assert_eq!((reply.status, reply.rule().as_str()), (400, "CUR-3"), "{reply:?}");
        assert_eq!(held(&here.0, &here.1).await, before);
    }
    assert!(two.world.b.served("lamps").is_empty());
}

#[tokio::test]
async fn half_a_courier_file_is_refused_whole_and_all_of_it_is_taken_once() {
    let (desks, file) = carried(desks(26).await, 1).await;
    let (a, b) = (desks.world.a.service.clone(), desks.world.b.service.clone());
    let before = held(&b, &a).await;
    let half = file.len() / 2;
    let end = file.len() - 1_024;
    for (part, rule) in [
        (&b"no tar at all"[..], "CUR-1"),
        (&file[..300], "CUR-1"),
        (&file[..600], "CUR-1"),
        (&file[..half], "CUR-5"),
        (&file[..half / 512 * 512], "CUR-5"),
        (&file[..end - 512], "CUR-5"),
    ] {
        let reply = import(&desks.b, part).await;
        let found = (reply.status, reply.rule());
        assert_eq!(found, (400, rule.to_owned()), "{} of {} bytes", part.len(), file.len());
        assert_eq!(held(&b, &a).await, before, "nothing of {} bytes is kept", part.len());
    }
    let whole = import(&desks.b, &file).await.json();
    assert_eq!((&whole["listed"], &whole["new"]), (&json!(2), &json!(2)), "{whole}");
    let again = import(&desks.b, &file).await.json();
    assert_eq!((&again["new"], &again["known"]), (&json!(0), &json!(2)), "{again}");
    let desks = settled(desks).await;
    assert_eq!(desks.world.b.served("lamps"), [tool(1, 0), tool(2, 0), tool(3, 0)]);
    assert!(desks.world.compare().agree);
}

#[tokio::test]
async fn session_and_token_hold_as_the_clock_says_whichever_way_it_jumped() {
    let desks = desks(27).await;
    let (store, now) = (desks.world.a.service.store(), node::desk::now());
    let (hour, day) = (3_600_000, 86_400_000);
    // Opened before the clock went back an hour; a moment ago; before it went forward a day.
    for (jump, status) in [(hour, 200), (0, 200), (-day, 401)] {
        let (token, digest) = secrets::token(&mut node::desk::rng());
        let (who, form) = ("everyone".to_owned(), "an invented form token".to_owned());
        store.add_session(digest, who, form, now.plus_ms(jump)).await.unwrap();
        let cookie = format!("{}={}", node::auth::COOKIE, token.as_str());
        let request = Request::get("/api/me").header(header::COOKIE, cookie);
        let reply = desks.a.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, status, "a session that is {jump} ms ahead: {reply:?}");
    }
    for (left, status) in [(hour, 200), (-hour, 401)] {
        let (token, digest) = secrets::token(&mut node::desk::rng());
        let (who, label) = ("everyone".to_owned(), "test".to_owned());
        store.add_token(digest, who, label, Some(now.plus_ms(left)), now).await.unwrap();
        let reply = desks.a.with(token.as_str()).get("/api/me").await;
        assert_eq!(reply.status, status, "a token with {left} ms left: {reply:?}");
    }
}
