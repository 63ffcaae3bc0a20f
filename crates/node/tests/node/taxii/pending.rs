//! What is large is kept whole and pending, then complete, also over a restart (4.3, 5.5).

use exchange::submit;
use node::desk::now;
use store::Kept;
use uuid::Uuid;

use super::desk::{LAMPS, TAXII, TestDesk, lamp, lamps};

fn large(count: u32) -> String {
    let filler = "x".repeat(4_000);
    let object = |number| lamp(number, 0).replace("\"Lamp", &format!("\"{filler} Lamp"));
    format!("{{\"objects\":[{}]}}", (0..count).map(object).collect::<Vec<_>>().join(","))
}

#[tokio::test]
async fn large_envelopes_are_pending_then_complete() {
    let desk = TestDesk::start().await;
    let body = large(1_200);
    assert!(body.len() > 4 * 1024 * 1024);
    let fields = format!("Content-Type: {TAXII}\r\n");
    let reply = desk.post(&lamps("objects/"), &fields, body.as_bytes()).await;
    let status = reply.json();
    assert_eq!((reply.status, &status["status"]), (202, &"pending".into()), "{status}");
    assert_eq!((&status["total_count"], &status["pending_count"]), (&1_200.into(), &1_200.into()));
    let path = format!("/local/status/{}/", status["id"].as_str().unwrap());
    assert_eq!(desk.get_as("rita", &path).await.status, 404, "it is its account's alone");
    let mut asked = 0;
    let done = loop {
        let status = desk.get(&path).await.json();
        if status["status"] == "complete" {
            break status;
        }
        asked += 1;
        assert!(asked < 1_000, "{status}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((&done["success_count"], &done["pending_count"]), (&1_200.into(), &0.into()));
    assert_eq!(done["request_timestamp"], status["request_timestamp"]);
    let page = desk.get(&lamps("manifest/?limit=2000")).await.json();
    assert_eq!(page["objects"].as_array().unwrap().len(), 1_200);
}

#[tokio::test]
async fn large_bodies_that_are_no_envelope_are_refused_at_once() {
    let desk = TestDesk::start().await;
    let fields = format!("Content-Type: {TAXII}\r\n");
    let body = large(1_200);
    let cut = &body.as_bytes()[..body.len() - 3];
    assert_eq!(desk.post(&lamps("objects/"), &fields, cut).await.status, 400);
    let list = format!("[{}1]", "1,".repeat(3 * 1024 * 1024));
    assert_eq!(desk.post(&lamps("objects/"), &fields, list.as_bytes()).await.status, 422);
}

#[tokio::test]
async fn requests_kept_before_a_crash_are_taken_in_after_it() {
    let desk = TestDesk::start().await;
    let store = desk.service.store();
    let all = store.collections().await.unwrap();
    let collection = all.into_iter().find(|one| one.id.to_string() == LAMPS).unwrap();
    let (status_id, account, at) = (Uuid::new_v4(), "ada".to_owned(), now());
    let body = large(3).into();
    let kept = Kept { status_id, collection, account, body, total: 3, at };
    store.keep_submission(kept).await.unwrap();
    let path = format!("/local/status/{status_id}/");
    assert_eq!(desk.get(&path).await.json()["status"], "pending");
    // A process that died with it leased: leases end with the process.
    store.lease_submission().await.unwrap().unwrap();
    store.forget_leases();
    submit::step(&desk.service).await.unwrap();
    assert_eq!(desk.get(&path).await.json()["success_count"], 3);
    assert_eq!(submit::step(&desk.service).await.unwrap(), exchange::Step::Idle);
}
