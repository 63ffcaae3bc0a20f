//! Adding objects, statuses, bodies in every form, and bodies that are none (4.3, 5.5).

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use super::desk::{PASSWORD, TAXII, TestDesk, basic, lamp, lamp_id, lamps};
use crate::wire::Wire;

fn envelope(objects: &[String]) -> String {
    format!("{{\"objects\":[{}]}}", objects.join(","))
}

fn content_type() -> String {
    format!("Content-Type: {TAXII}\r\n")
}

#[tokio::test]
async fn statuses_tell_each_object_and_are_their_accounts_alone() {
    let desk = TestDesk::start().await;
    let broken = "{\"type\":\"tool\",\"id\":\"tool--broken\"}".to_owned();
    let status = desk.add(&[lamp(1, 0), broken, lamp(1, 0), lamp(2, 0)]).await;
    assert_eq!(status["status"], "complete");
    assert_eq!((&status["total_count"], &status["success_count"]), (&4.into(), &3.into()));
    assert_eq!((&status["failure_count"], &status["pending_count"]), (&1.into(), &0.into()));
    let successes = status["successes"].as_array().unwrap();
    assert_eq!((successes.len(), status["failures"].as_array().unwrap().len()), (3, 1));
    assert_eq!(successes[0]["id"], lamp_id(1));
    assert_eq!(successes[0]["version"], "2031-01-01T00:00:00.000Z");
    assert!(status["failures"][0]["message"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(status.get("pendings").is_none(), "empty lists are left out");
    let stamp = status["request_timestamp"].as_str().unwrap();
    assert_eq!(stamp.len(), "2031-01-01T00:00:00.000000Z".len());
    let path = format!("/local/status/{}/", status["id"].as_str().unwrap());
    assert_eq!(desk.get(&path).await.json(), status);
    assert_eq!(desk.get_as("ada", &path).await.status, 200);
    assert_eq!(desk.get_as("rita", &path).await.status, 404);
    let page = desk.get(&lamps("objects/")).await.json();
    assert_eq!(page["objects"].as_array().unwrap().len(), 2, "complete is readable");
}

#[tokio::test]
async fn duplicates_are_successes_and_conflicts_are_kept_apart() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    let before = desk.get(&lamps("objects/")).await;
    let again = desk.add(&[lamp(1, 0)]).await;
    assert_eq!(again["success_count"], 1);
    assert!(again["successes"][0].get("message").is_none());
    let other = lamp(1, 0).replace("Lamp 1", "Another lamp");
    let conflict = desk.add(&[other]).await;
    assert_eq!(conflict["success_count"], 1);
    let message = conflict["successes"][0]["message"].as_str().unwrap();
    assert!(message.contains("the first is served"), "{message}");
    let after = desk.get(&lamps("objects/")).await;
    assert_eq!(after.body, before.body);
    let name = "x-taxii-date-added-last";
    assert_eq!(after.field(name), before.field(name), "the date is kept");
}

#[tokio::test]
async fn envelopes_bundles_and_empty_ones_are_taken() {
    let desk = TestDesk::start().await;
    let bundle = format!(
        "\u{feff}{{\"type\":\"bundle\",\"id\":\"bundle--{}\",\"x_own\":[1],\"objects\":[{}]}}",
        "00000000-0000-4000-8000-000000000000",
        lamp(1, 0)
    );
    let reply = desk.post(&lamps("objects/"), &content_type(), bundle.as_bytes()).await;
    assert_eq!((reply.status, &reply.json()["success_count"]), (202, &1.into()));
    for empty in ["{}", "{\"objects\":[]}", "{\"more\":false}"] {
        let reply = desk.post(&lamps("objects/"), &content_type(), empty.as_bytes()).await;
        let status = reply.json();
        assert_eq!((reply.status, &status["total_count"]), (202, &0.into()), "{empty}");
        assert_eq!(status["status"], "complete");
        assert!(status.get("successes").is_none());
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_are_400_and_no_envelopes_422() {
    let desk = TestDesk::start().await;
    let deep = format!("{{\"objects\":[{}{}]}}", "[".repeat(1_100), "]".repeat(1_100));
    let cut = envelope(&[lamp(1, 0)]);
    let cut = &cut.as_bytes()[..cut.len() - 2];
    let not_json: [&[u8]; 8] = [
        b"",
        b"{",
        b"{\"objects\":[NaN]}",
        b"{} {}",
        deep.as_bytes(),
        cut,
        b"{\"objects\":[],\"objects\":[]}",
        b"{\"objects\":[\"\xff\"]}",
    ];
    for body in not_json {
        let reply = desk.post(&lamps("objects/"), &content_type(), body).await;
        assert_eq!(reply.status, 400, "{}", String::from_utf8_lossy(body));
    }
    for body in [lamp(1, 0).as_str(), "[]", "\"x\"", "{\"objects\":{}}", "1"] {
        let reply = desk.post(&lamps("objects/"), &content_type(), body.as_bytes()).await;
        assert_eq!(reply.status, 422, "{body}");
    }
    assert_eq!(desk.get(&lamps("objects/")).await.text(), "{}", "nothing was stored");
}

#[tokio::test]
async fn foreign_content_is_415() {
    let desk = TestDesk::start().await;
    let body = envelope(&[lamp(1, 0)]);
    for fields in [
        "",
        "Content-Type: application/json\r\n",
        "Content-Type: application/taxii+json;version=2.0\r\n",
        "Content-Type: application/stix+json;version=3.0\r\n",
    ] {
        let reply = desk.post(&lamps("objects/"), fields, body.as_bytes()).await;
        assert_eq!(reply.status, 415, "{fields}");
    }
    let fields = format!("{}Content-Encoding: br\r\n", content_type());
    let reply = desk.post(&lamps("objects/"), &fields, body.as_bytes()).await;
    assert_eq!((reply.status, reply.field("accept-encoding")), (415, Some("gzip, zstd")));
}

#[tokio::test]
async fn encoded_bodies_are_taken_and_given() {
    let desk = TestDesk::start().await;
    let all: Vec<_> = (0..30).map(|number| lamp(number, 0)).collect();
    let (gzipped, squeezed) = (gzip(envelope(&all[..15]).as_bytes()), {
        zstd::bulk::compress(envelope(&all[15..]).as_bytes(), 1).unwrap()
    });
    for (encoding, body) in [("gzip", gzipped), ("zstd", squeezed)] {
        let fields = format!("{}Content-Encoding: {encoding}\r\n", content_type());
        let reply = desk.post(&lamps("objects/"), &fields, &body).await;
        assert_eq!((reply.status, &reply.json()["success_count"]), (202, &15.into()));
        let broken = desk.post(&lamps("objects/"), &fields, &body[..body.len() / 2]).await;
        assert_eq!(broken.status, 400, "{encoding} that breaks off");
        let none = desk.post(&lamps("objects/"), &fields, b"{\"objects\":[]}").await;
        assert_eq!(none.status, 400, "{encoding} that is none");
    }
    let plain = desk.get(&lamps("objects/")).await;
    assert_eq!(plain.field("content-encoding"), None);
    for encoding in ["gzip", "zstd"] {
        let fields = format!("Accept-Encoding: br, {encoding};q=0.5\r\n");
        let reply = desk.ask("GET", &lamps("objects/"), &fields).await;
        assert_eq!(reply.field("content-encoding"), Some(encoding));
        assert!(reply.body.len() < plain.body.len() / 3);
        let decoded = match encoding {
            "gzip" => gunzip(&reply.body),
            _ => zstd::stream::decode_all(&reply.body[..]).unwrap(),
        };
        assert_eq!(decoded, plain.body);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = flate2::write::GzDecoder::new(Vec::new());
    decoder.write_all(bytes).unwrap();
    decoder.finish().unwrap()
}

#[tokio::test]
async fn max_content_length_is_reached_to_the_byte() {
    let desk = TestDesk::start().await;
    let max = node::taxii::CONTENT_LEN_MAX;
    let mut body = envelope(&[lamp(1, 0)]).into_bytes();
    body.resize(max, b' ');
    let reply = desk.post(&lamps("objects/"), &content_type(), &body).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let reply = desk.post(&lamps("objects/"), &content_type(), &[b' '].repeat(max + 1)).await;
    assert_eq!(reply.status, 413, "by Content-Length, before it is read");
    assert!(reply.json()["title"].as_str().unwrap().contains("max_content_length"));
    body.push(b' ');
    let fields = format!("{}Content-Encoding: gzip\r\n", content_type());
    let reply = desk.post(&lamps("objects/"), &fields, &gzip(&body)).await;
    assert_eq!(reply.status, 413, "while decoding");
    body.truncate(max);
    let reply = desk.post(&lamps("objects/"), &fields, &gzip(&body)).await;
    assert_eq!(reply.status, 202, "decoded to the byte");
}

#[tokio::test]
async fn expected_and_chunked_bodies_are_read() {
    let desk = TestDesk::start().await;
    let head = |fields: &str| {
        format!(
            "POST {} HTTP/1.1\r\nHost: d\r\n{}{}{fields}\r\n",
            lamps("objects/"),
            basic("ada", PASSWORD),
            content_type()
        )
    };
    let body = envelope(&[lamp(1, 0)]);
    let mut wire = Wire::open(desk.address).await;
    let fields = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len());
    wire.send(head(&fields).as_bytes()).await;
    assert_eq!(wire.reply(false).await.status, 100);
    wire.send(body.as_bytes()).await;
    assert_eq!(wire.reply(false).await.status, 202);
    let mut chunked = head("Transfer-Encoding: chunked\r\n").into_bytes();
    for piece in body.as_bytes().chunks(10) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    wire.send(&chunked).await;
    assert_eq!(wire.reply(false).await.status, 202);
    // What is refused is refused before the body is asked for.
    let huge = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", 1u64 << 40);
    wire.send(head(&huge).as_bytes()).await;
    assert_eq!(wire.reply(false).await.status, 413);
}
