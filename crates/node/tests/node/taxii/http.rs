//! What RFC 9110 and 9112 ask beyond the standard: preconditions, codings, forms of the target.

use std::io::Read as _;

use super::{
    desk::{TAXII, TestDesk, lamp, lamp_id, lamps},
    form::is_error,
};
use crate::wire::Wire;

fn one() -> String {
    lamps(&format!("objects/{}/", lamp_id(1)))
}

#[tokio::test]
async fn preconditions_that_do_not_hold_are_412_and_change_nothing() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    let tag = desk.get(&one()).await.field("etag").unwrap().to_owned();
    // Our tags are weak, and If-Match compares strongly: the very tag does not match either.
    for fields in [format!("If-Match: {tag}\r\n"), "If-Match: \"x\", \"y\"\r\n".to_owned()] {
        for method in ["GET", "HEAD", "DELETE"] {
            let reply = desk.ask(method, &one(), &fields).await;
            assert_eq!(reply.status, 412, "{method} {fields}");
        }
        is_error(&desk.ask("GET", &lamps("manifest/"), &fields).await, 412);
    }
    is_error(&desk.ask("DELETE", &one(), "If-None-Match: *\r\n").await, 412);
    let fields = format!("Content-Type: {TAXII}\r\nIf-None-Match: *\r\n");
    let body = format!("{{\"objects\":[{}]}}", lamp(2, 0));
    is_error(&desk.post(&lamps("objects/"), &fields, body.as_bytes()).await, 412);
    let page = desk.ask("GET", &lamps("objects/"), "If-Match: *\r\n").await;
    assert_eq!((page.status, page.json()["objects"].as_array().unwrap().len()), (200, 1));
    assert_eq!(desk.ask("DELETE", &one(), "If-Match: *\r\n").await.status, 200);
}

/// Section 13.2.1: what fails without its preconditions fails in the same way with them.
#[tokio::test]
async fn preconditions_hide_no_other_failure() {
    let desk = TestDesk::start().await;
    let fields = "If-Match: \"x\"\r\n";
    for method in ["GET", "DELETE"] {
        is_error(&desk.ask(method, &one(), fields).await, 404);
    }
    is_error(&desk.ask("GET", &lamps("objects/?limit=0"), fields).await, 400);
    is_error(&desk.ask("PATCH", &one(), fields).await, 405);
    is_error(&desk.post(&lamps("objects/"), fields, b"{}").await, 415);
}

#[tokio::test]
async fn dates_of_change_and_ranges_are_no_conditions_here() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    let plain = desk.get(&one()).await;
    for field in [
        "If-Modified-Since: Fri, 01 Jan 2199 00:00:00 GMT",
        "If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT",
        "Range: bytes=0-3",
        "Range: items 0-3",
        "If-Range: \"x\"",
        "Expect: something-else",
    ] {
        let reply = desk.ask("GET", &one(), &format!("{field}\r\n")).await;
        assert_eq!((reply.status, &reply.body), (200, &plain.body), "{field}");
    }
}

#[tokio::test]
async fn plain_content_is_not_sent_to_whom_it_is_not_acceptable() {
    let desk = TestDesk::start().await;
    let plain = desk.get("/taxii2/").await;
    assert!(plain.body.len() < 1_024, "small bodies are else sent plain");
    for (accepted, coding) in [
        ("gzip, identity;q=0", "gzip"),
        ("zstd;q=0.1, *;q=0", "zstd"),
        ("identity;q=0, *;q=0.5", "gzip"),
    ] {
        let fields = format!("Accept-Encoding: {accepted}\r\n");
        let reply = desk.ask("GET", "/taxii2/", &fields).await;
        assert_eq!(reply.field("content-encoding"), Some(coding), "{accepted}");
        let mut decoded = Vec::new();
        match coding {
            "gzip" => {
                flate2::read::GzDecoder::new(&reply.body[..]).read_to_end(&mut decoded).unwrap();
            }
            _ => decoded = zstd::stream::decode_all(&reply.body[..]).unwrap(),
        }
        assert_eq!(decoded, plain.body);
    }
    // Nothing that is spoken here is acceptable: the answer is plain (section 12.5.3).
    for accepted in ["identity;q=0", "*;q=0", "br, gzip;q=0", "*", "gzip;q=0.0"] {
        let fields = format!("Accept-Encoding: {accepted}\r\n");
        let reply = desk.ask("GET", "/taxii2/", &fields).await;
        assert_eq!(reply.field("content-encoding"), None, "{accepted}");
        assert_eq!(reply.body, plain.body, "{accepted}");
    }
}

#[tokio::test]
async fn codings_of_content_that_are_no_text_are_415() {
    let desk = TestDesk::start().await;
    for coding in ["gz\u{e9}p", "identity, gzip", "compress"] {
        let fields = format!("Content-Type: {TAXII}\r\nContent-Encoding: {coding}\r\n");
        let reply = desk.post(&lamps("objects/"), &fields, b"{}").await;
        is_error(&reply, 415);
        assert_eq!(reply.field("accept-encoding"), Some("gzip, zstd"), "{coding}");
    }
    let fields = format!("Content-Type: {TAXII}\r\nContent-Encoding: identity\r\n");
    assert_eq!(desk.post(&lamps("objects/"), &fields, b"{}").await.status, 202);
}

/// RFC 9112, 9.6: who is refused before the body was read is told that the connection ends.
#[tokio::test]
async fn bodies_that_are_not_read_end_the_connection_and_say_so() {
    let desk = TestDesk::start().await;
    let body = b"{\"objects\":[]}";
    let head = |method: &str, path: &str, kind: &str, body: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {kind}\r\n{body}\r\n",
            desk.token
        )
    };
    let objects = lamps("objects/");
    let length = format!("Content-Length: {}\r\n", body.len());
    for (method, path, kind, status) in [
        ("POST", objects.as_str(), "text/plain", 415),
        ("POST", &lamps("manifest/"), TAXII, 405),
        ("PUT", &objects, TAXII, 405),
        ("GET", &objects, TAXII, 200),
    ] {
        let mut wire = Wire::open(desk.address).await;
        wire.send(head(method, path, kind, &length).as_bytes()).await;
        let reply = wire.reply(false).await;
        assert_eq!((reply.status, reply.field("connection")), (status, Some("close")), "{method}");
        wire.try_send(body).await;
        assert!(wire.is_closed().await, "{method}");
    }
    // Whoever sends none, or one that is read, goes on.
    let mut wire = Wire::open(desk.address).await;
    for (method, kind, length, body, status) in [
        ("PUT", TAXII, "Content-Length: 0\r\n", &b""[..], 405),
        ("DELETE", TAXII, "", b"", 405),
        ("POST", TAXII, length.as_str(), body, 202),
        ("POST", TAXII, "Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n", 202),
        ("POST", TAXII, "Content-Length: 2\r\n", b"[]", 422),
        ("GET", TAXII, "", b"", 200),
    ] {
        wire.send(head(method, &objects, kind, length).as_bytes()).await;
        wire.send(body).await;
        let reply = wire.reply(false).await;
        assert_eq!((reply.status, reply.field("connection")), (status, None), "{method}");
    }
}

/// RFC 9112, 3.2.
#[tokio::test]
async fn requests_name_one_host_that_is_one() {
    let desk = TestDesk::start().await;
    let status = async |hosts: &str| {
        let known = format!("Authorization: Bearer {}\r\nConnection: close", desk.token);
        desk.raw(&format!("GET /taxii2/ HTTP/1.1\r\n{hosts}{known}\r\n\r\n")).await.status
    };
    for host in ["desk", "desk.example:8420", "[::1]:8420", "192.0.2.1", "a_b", ""] {
        assert_eq!(status(&format!("Host: {host}\r\n")).await, 200, "{host}");
    }
    for host in ["a b", "a/b", "me@desk", "http://desk"] {
        assert_eq!(status(&format!("Host: {host}\r\n")).await, 400, "{host}");
    }
    assert_eq!(status("").await, 400);
    assert_eq!(status("Host: a\r\nHost: b\r\n").await, 400);
}

/// RFC 9112, 3.2.2: a whole address is as good as a path; 6.3: what follows a body is the next
/// request.
#[tokio::test]
async fn forms_of_targets_and_ends_of_bodies_are_told() {
    let desk = TestDesk::start().await;
    let reply = desk.ask("GET", "http://other.example/taxii2/", "").await;
    assert_eq!((reply.status, reply.body), (200, desk.get("/taxii2/").await.body));
    let mut wire = Wire::open(desk.address).await;
    let head = |length: usize| {
        format!(
            "POST {} HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {}\r\nContent-Type: {TAXII}\r\n\
             Content-Length: {length}\r\n\r\n",
            lamps("objects/"),
            desk.token
        )
    };
    wire.send(format!("{}{{}}{}{{}}GARBAGE / x\r\n\r\n", head(2), head(2)).as_bytes()).await;
    for status in [202, 202, 400] {
        assert_eq!(wire.reply(false).await.status, status);
    }
    assert!(wire.is_closed().await, "what is no request ends the connection");
}
