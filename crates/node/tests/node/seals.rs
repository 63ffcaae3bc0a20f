//! Retired seal keys: kept as long as something sealed to them may be under way, then deleted, and
//! what still comes under them is refused by name.

use std::fs;

use node::keyring::{Keyring, Order};
use serde_json::Value;
use testkit::tool;

use crate::desk::desks;

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// The longest outage that is planned for, as `node.toml` says where nothing is said.
const OUTAGE_MS: i64 = 180 * DAY_MS;

#[tokio::test]
async fn retired_seal_key_is_deleted_after_its_time_and_an_old_envelope_names_the_error() {
    let desks = desks(71).await.work(|world| {
        world.network.partition(true);
        world.post(true, "lamps", &[tool(1, 0)]);
        world.step(true);
    });
    let desks = desks.await;
    let (b, now) = (desks.world.b.service.clone(), desks.world.now);
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("keys");
    let keyring = Keyring::make(&dir, "an invented passphrase").unwrap();
    keyring.keep(&b.keys()).unwrap();
    let order = Order { days: Order::DAYS, compromised_after: None };
    keyring.rotate(&b, order, "b", now).await.unwrap();
    // To the last moment of the planned outage, what was sealed to it can still be opened.
    keyring.expire(&b, OUTAGE_MS, now.plus_ms(OUTAGE_MS)).await.unwrap();
    assert_eq!(b.keys().retired_seals(), [0]);
    assert!(fs::exists(dir.join("seal-0.age")).unwrap());
    keyring.expire(&b, OUTAGE_MS, now.plus_ms(OUTAGE_MS + 1)).await.unwrap();
    assert!(b.keys().retired_seals().is_empty());
    assert!(!fs::exists(dir.join("seal-0.age")).unwrap(), "the secret is gone from the disk");
    assert!(keyring.load(1).unwrap().retired_seals().is_empty(), "and from the next start");
    let journal = b.store().journal_before(i64::MAX, 5).await.unwrap();
    assert!(journal.iter().any(|line| line.event == "keys.seal-deleted"), "{journal:?}");

    let desks = desks.work(testkit::World::settle).await;
    assert!(desks.world.b.served("lamps").is_empty());
    let list = desks.a.get("/api/releases").await.json();
    let refused = &list["releases"][0];
    assert_eq!(
        (&refused["state"], &refused["message"]),
        (&said("refused-by-partner"), &said("not-sealed-to-me"))
    );
    // What helps: the same once more, sealed to the keys that hold.
    let again = format!("/api/releases/{}/again", refused["id"].as_str().unwrap());
    assert_eq!(desks.a.post(&again, &Value::Null).await.status, 200);
    let desks = desks.work(testkit::World::settle).await;
    assert_eq!(desks.world.b.served("lamps"), [tool(1, 0)]);
    assert!(desks.world.compare().agree);
}

fn said(word: &str) -> Value {
    Value::String(word.to_owned())
}
