//! Basic: the slow hash runs once for each credential, and lock-out cannot be used against others.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use protocol::secrets;

use super::desk::{PASSWORD, TestDesk, basic};
use crate::wire::{Reply, Wire};
use node::desk::{now, rng};

impl TestDesk {
    /// A request with a name and a password, from another address of this machine.
    async fn asking_from(&self, last: u8, name: &str, password: &str) -> Reply {
        let mut wire = Wire::open_from([127, 0, 0, last], self.address).await;
        let credentials = basic(name, password);
        let request =
            format!("GET /taxii2/ HTTP/1.1\r\nHost: d\r\n{credentials}Connection: close\r\n\r\n");
        wire.send(request.as_bytes()).await;
        wire.reply(false).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_hash_runs_once_for_each_credential() {
    let desk = TestDesk::start().await;
    let before = desk.desk.auth.hashed();
    // At once and one after another: the first pays for all of them.
    let at_once = (0..12).map(|_| desk.get_as("ada", "/taxii2/"));
    for reply in futures_util::future::join_all(at_once).await {
        assert_eq!(reply.status, 200);
    }
    for _ in 0..30 {
        assert_eq!(desk.get_as("ada", "/local/collections/").await.status, 200);
    }
    assert_eq!(desk.desk.auth.hashed() - before, 1);
    assert_eq!(desk.get_as("rita", "/taxii2/").await.status, 200);
    assert_eq!(desk.desk.auth.hashed() - before, 2, "another account, another credential");
    let hash = secrets::hash_password("another long and dull one", &mut rng()).unwrap();
    let (name, by) = ("ada".to_owned(), "test".to_owned());
    desk.service.store().set_password(name, hash, by, now()).await.unwrap();
    assert_eq!(
        desk.get_as("ada", "/taxii2/").await.status,
        401,
        "the old one is forgotten at once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_out_cannot_be_used_to_lock_others_out() {
    let desk = TestDesk::start().await;
    // Longer than any password: wrong without the slow hash, so that all fall into one minute.
    let guess = "x".repeat(2_000);
    let mut tries = 0;
    loop {
        let reply = desk.asking_from(2, "ada", &guess).await;
        tries += 1;
        assert!(tries < 400, "whoever guesses is stopped");
        let wait = reply.field("retry-after").map(|text| text.parse::<u64>().unwrap());
        match (reply.status, wait) {
            (401, None) => {}
            // The minute is young enough for what follows.
            (429, Some(wait)) if wait > 20 => break,
            (429, Some(wait)) => tokio::time::sleep(Duration::from_secs(wait)).await,
            other => panic!("{other:?}"),
        }
    }
    assert!(tries > 60);
    let refused = desk.asking_from(2, "ada", &guess).await.json();
    assert_eq!(refused["error_code"], "AUTH-4");
    let title = "60 wrong passwords for this name came from this address within a minute";
    assert_eq!(refused["title"], title);
    let lines = desk.service.store().journal_before(i64::MAX, 100).await.unwrap();
    let told: Vec<_> = lines.iter().filter(|line| line.event == "auth.locked").collect();
    assert!((1..=7).contains(&told.len()), "once for each minute: {told:?}");
    assert!(told[0].detail.starts_with("60 wrong passwords for `ada` from 127.0.0.2 within"));
    assert_eq!(desk.asking_from(2, "ada", PASSWORD).await.status, 429, "even when it is right");
    assert_eq!(desk.asking_from(3, "ada", PASSWORD).await.status, 200, "the owner comes in");
    // Once known, the owner is let in even from the address of whoever guesses.
    assert_eq!(desk.asking_from(2, "ada", PASSWORD).await.status, 200);
    assert_eq!(desk.asking_from(2, "rita", PASSWORD).await.status, 200, "another account");
}

#[tokio::test]
async fn name_that_no_account_has_is_not_repeated_where_a_lock_out_is_written_down() {
    let desk = TestDesk::start().await;
    let secret = "typed into the wrong field";
    let credentials = format!(
        "Authorization: Basic {}\r\n",
        STANDARD.encode(format!("{secret}:{}", "x".repeat(2_000)))
    );
    for _ in 0..200 {
        let reply = desk
            .raw(&format!(
                "GET /taxii2/ HTTP/1.1\r\nHost: d\r\n{credentials}Connection: close\r\n\r\n"
            ))
            .await;
        if reply.status == 429 {
            break;
        }
        assert_eq!(reply.status, 401);
    }
    let lines = desk.service.store().journal_before(i64::MAX, 100).await.unwrap();
    let told = lines.iter().find(|line| line.event == "auth.locked").unwrap();
    assert!(told.detail.starts_with("60 wrong passwords for a name that no account has from"));
    assert!(!told.detail.contains("wrong field"));
}

#[tokio::test]
async fn request_beyond_a_limit_is_told_whose_limit_it_is_and_when_to_come_again() {
    for (limit, title) in [
        ("account", "this account has made its 2 requests of this minute"),
        ("address", "this address has made its 2 requests of this minute"),
    ] {
        let desk = TestDesk::with(&format!("\nlimits = {{ {limit} = 2 }}\n")).await;
        let mut reply = desk.get("/taxii2/").await;
        // A minute may end in between.
        for _ in 0..10 {
            if reply.status == 429 {
                break;
            }
            reply = desk.get("/taxii2/").await;
        }
        let wait: u64 = reply.field("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
        let told = reply.json();
        assert_eq!((&told["error_code"], &told["title"]), (&"AUTH-5".into(), &title.into()));
        let description = told["description"].as_str().unwrap();
        assert!(description.contains(&format!("limits.{limit}")), "{description}");
    }
}
