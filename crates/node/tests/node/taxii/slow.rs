//! Time limits, waited out: whoever is slow is cut, and everybody else is served meanwhile.

use std::time::Duration;

use tokio::time::Instant;

use super::desk::{PASSWORD, TAXII, TestDesk, basic, lamp, lamps};
use crate::wire::Wire;

/// Short, so that the test can wait for all of them.
const PACE: &str = "\npace = { handshake_ms = 400, head_ms = 400, still_ms = 1200, \
                    body_still_ms = 400, body_ms = 900 }\n";
/// Far above every limit, far below the usual ones.
const SOON: Duration = Duration::from_secs(8);

fn head(length: usize) -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: d\r\n{}Content-Type: {TAXII}\r\nContent-Length: {length}\r\n\r\n",
        lamps("objects/"),
        basic("ada", PASSWORD)
    )
}

/// Sends a byte at a time, forever; when the other end had enough.
async fn dribble(mut wire: Wire, byte: &[u8]) -> Duration {
    let start = Instant::now();
    while wire.try_send(byte).await && start.elapsed() < SOON {
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    start.elapsed()
}

#[tokio::test]
async fn heads_that_never_end_are_cut() {
    let desk = TestDesk::with(PACE).await;
    for sent in ["", "GET /taxii2/ HTTP/1.1\r\nHost: d\r\nX-Slow: "] {
        let mut wire = Wire::open(desk.address).await;
        wire.send(sent.as_bytes()).await;
        let start = Instant::now();
        assert!(wire.is_closed().await, "{sent:?}");
        let waited = start.elapsed();
        assert!(waited > Duration::from_millis(300) && waited < SOON, "{sent:?}: {waited:?}");
    }
    // Bytes that keep coming do not help: it is the head as a whole that has its time.
    let mut wire = Wire::open(desk.address).await;
    wire.send(b"GET /taxii2/ HTTP/1.1\r\nX-Slow: ").await;
    let waited = dribble(wire, b"x").await;
    assert!(waited < SOON, "{waited:?}");
    assert_eq!(desk.get("/taxii2/").await.status, 200);
}

#[tokio::test]
async fn connections_that_are_kept_and_not_used_are_cut() {
    let desk = TestDesk::with(PACE).await;
    let mut wire = Wire::open(desk.address).await;
    let request =
        format!("GET /taxii2/ HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {}\r\n\r\n", desk.token);
    for _ in 0..3 {
        wire.send(request.as_bytes()).await;
        assert_eq!(wire.reply(false).await.status, 200);
    }
    let start = Instant::now();
    assert!(wire.is_closed().await);
    assert!(start.elapsed() < SOON);
}

#[tokio::test]
async fn bodies_that_stand_still_or_dribble_are_told_and_cut() {
    let desk = TestDesk::with(PACE).await;
    let mut still = Wire::open(desk.address).await;
    still.send(head(1_000_000).as_bytes()).await;
    still.send(b"{\"objects\":[").await;
    let reply = still.reply(false).await;
    assert_eq!(reply.status, 408, "{}", reply.text());
    let mut slow = Wire::open(desk.address).await;
    slow.send(head(1_000_000).as_bytes()).await;
    let (start, mut others) = (Instant::now(), 0);
    while slow.try_send(b" ").await && start.elapsed() < SOON {
        assert_eq!(desk.add(&[lamp(1, 0)]).await["success_count"], 1, "others are served");
        others += 1;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert!(start.elapsed() < SOON && others > 2, "{others} in {:?}", start.elapsed());
}

#[tokio::test]
async fn answers_that_nobody_takes_are_given_up() {
    let desk = TestDesk::with(PACE).await;
    let filler = "x".repeat(4_000);
    let all: Vec<_> = (0..500).map(|n| lamp(n, 0).replace("Lamp", &filler)).collect();
    desk.add(&all).await;
    let mut wire = Wire::open(desk.address).await;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {}\r\n\r\n",
        lamps("objects/"),
        desk.token
    );
    // Two megabytes each: far more than sockets hold on the way.
    let count = 40;
    wire.send(request.repeat(count).as_bytes()).await;
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let taken = wire.drain().await;
    assert!(taken < count * 2_000_000, "{taken} bytes: all of it was kept for a client that slept");
    assert_eq!(desk.get("/taxii2/").await.status, 200);
}

#[tokio::test]
async fn handshakes_that_never_begin_are_cut() {
    let dir = tempfile::TempDir::new().unwrap();
    let config = super::secure::server(&dir, None);
    let desk = TestDesk::secured(PACE, dir, Some(config)).await;
    let mut wire = Wire::open(desk.address).await;
    let start = Instant::now();
    assert!(wire.is_closed().await);
    assert!(start.elapsed() < SOON);
}
