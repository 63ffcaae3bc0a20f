//! Slow, half, flooding and greedy clients: they are bounded, and others are served.

use super::desk::{PASSWORD, TAXII, TestDesk, basic, lamp, lamps};
use crate::wire::Wire;

#[tokio::test]
async fn half_requests_do_not_keep_others_waiting() {
    let desk = TestDesk::start().await;
    let mut held = Vec::new();
    for place in 0..300 {
        let mut wire = Wire::open(desk.address).await;
        let piece = match place % 3 {
            0 => String::new(),
            1 => "GET /taxii2/ HTTP/1.1\r\nHost: d\r\nX-Slow: ".to_owned(),
            _ => format!(
                "POST {} HTTP/1.1\r\nHost: d\r\n{}Content-Type: {TAXII}\r\n\
                 Content-Length: 67108864\r\n\r\n{{\"objects\":[",
                lamps("objects/"),
                basic("ada", PASSWORD)
            ),
        };
        wire.send(piece.as_bytes()).await;
        held.push(wire);
    }
    for _ in 0..20 {
        assert_eq!(desk.get("/taxii2/").await.status, 200);
        assert_eq!(desk.add(&[lamp(1, 0)]).await["success_count"], 1);
    }
    drop(held);
    assert_eq!(desk.get("/taxii2/").await.status, 200);
}

#[tokio::test]
async fn bodies_that_break_off_store_nothing() {
    let desk = TestDesk::start().await;
    let body = format!("{{\"objects\":[{}]}}", lamp(1, 0));
    for length in [1, body.len() / 2, body.len() - 1] {
        let mut wire = Wire::open(desk.address).await;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: d\r\n{}Content-Type: {TAXII}\r\nContent-Length: {}\r\n\r\n",
            lamps("objects/"),
            basic("ada", PASSWORD),
            body.len()
        );
        wire.send(head.as_bytes()).await;
        wire.send(&body.as_bytes()[..length]).await;
        drop(wire);
    }
    assert_eq!(desk.get(&lamps("objects/")).await.text(), "{}");
}

#[tokio::test]
async fn malformed_chunks_end_the_connection_with_400() {
    let desk = TestDesk::start().await;
    let mut wire = Wire::open(desk.address).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: d\r\n{}Content-Type: {TAXII}\r\n\
         Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        lamps("objects/"),
        basic("ada", PASSWORD)
    );
    wire.send(head.as_bytes()).await;
    assert_eq!(wire.reply(false).await.status, 400);
    assert!(wire.is_closed().await);
}

#[tokio::test]
async fn refused_bodies_do_not_lose_their_answer() {
    let desk = TestDesk::start().await;
    // The client sends on after the node has answered: the answer must still arrive.
    let body = vec![b' '; 4 * 1024 * 1024];
    let reply = desk.post("/nowhere/collections/x/objects/", "", &body).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn small_bodies_that_decode_to_huge_ones_are_stopped() {
    let desk = TestDesk::start().await;
    let bomb = zstd::bulk::compress(&vec![b' '; 200 * 1024 * 1024], 1).unwrap();
    assert!(bomb.len() < 64 * 1024);
    let fields = format!("Content-Type: {TAXII}\r\nContent-Encoding: zstd\r\n");
    let reply = desk.post(&lamps("objects/"), &fields, &bomb).await;
    assert_eq!(reply.status, 413);
    assert!(peak_mib() < 2_000, "{} MiB", peak_mib());
}

/// The most memory that this process ever held.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

#[tokio::test]
async fn answers_that_nobody_takes_do_not_stop_others() {
    let desk = TestDesk::start().await;
    let all: Vec<_> = (0..1_000).map(|number| lamp(number, 0)).collect();
    desk.add(&all).await;
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut wire = Wire::open(desk.address).await;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {}\r\n\r\n",
            lamps("objects/?limit=1000"),
            desk.token
        );
        wire.send(request.repeat(5).as_bytes()).await;
        held.push(wire);
    }
    for _ in 0..10 {
        assert_eq!(desk.get("/taxii2/").await.status, 200);
    }
    drop(held);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let desk = TestDesk::start().await;
    let known = format!("Host: d\r\nAuthorization: Bearer {}\r\n", desk.token);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\n{known}\r\n");
    let (mut requests, mut wanted) = (String::new(), Vec::new());
    for number in 0..20 {
        let body = format!("{{\"objects\":[{}]}}", lamp(number, 0));
        requests += &get("/taxii2/");
        requests += &format!(
            "POST {} HTTP/1.1\r\n{known}Content-Type: {TAXII}\r\nContent-Length: {}\r\n\r\n{body}",
            lamps("objects/"),
            body.len()
        );
        requests += &get("/nowhere/");
        wanted.extend([200, 202, 404]);
    }
    let mut wire = Wire::open(desk.address).await;
    wire.send(requests.as_bytes()).await;
    for (place, status) in wanted.into_iter().enumerate() {
        assert_eq!(wire.reply(false).await.status, status, "answer {place}");
    }
    let page = desk.get(&lamps("objects/")).await.json();
    assert_eq!(page["objects"].as_array().unwrap().len(), 20);
}
