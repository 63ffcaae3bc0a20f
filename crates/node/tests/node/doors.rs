//! Two real processes: what a watching program reads at the desk door, and what a partner asks at
//! the partner door over mutual TLS.

use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use exchange::gaps;
use node::{keyring::Keyring, tls::LinkKey};
use protocol::{
    envelope::{Envelope, MEDIA_TYPE},
    manifest::Manifest,
};
use reqwest::{Client, StatusCode};
use serde_json::Value;

use crate::{
    process::{Machine, PASSPHRASE},
    wire::{Reply, Wire},
};

const NAMES: [&str; 2] = ["aldermoor.example/channel", "brevia.example/channel"];

/// An address of `node.toml`.
pub(crate) fn address(machine: &Machine, door: &str) -> SocketAddr {
    let config = fs::read_to_string(machine.dir().join("node.toml")).unwrap();
    let line = config.lines().find_map(|line| line.strip_prefix(&format!("{door} = "))).unwrap();
    line.trim_matches('"').parse().unwrap()
}

pub(crate) fn said(machine: &Machine, arguments: &[&str]) -> Vec<u8> {
    let output = machine.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    output.stdout
}

/// Two nodes that have met; each signs the same text, and it is in force at both.
pub(crate) fn partners() -> [Machine; 2] {
    let mut machines = NAMES.map(Machine::new);
    machines.iter_mut().for_each(Machine::start);
    for (place, me) in machines.iter().enumerate() {
        let (other, name) = (&machines[1 - place], NAMES[1 - place]);
        let keys = me.path("partner.keys");
        fs::write(&keys, said(other, &["keys", "--statement"])).unwrap();
        let url = format!("https://{}", address(other, "partner"));
        said(me, &["partner", "add", &keys, "--url", &url]);
        let spoken = other.json(&["keys"])["spoken"].as_str().unwrap().to_owned();
        said(me, &["partner", "verify", name, &spoken]);
    }
    let [a, _] = &machines;
    let draft = ["agreement", "draft", "--title", "Lamps", "--topic", "lamps", "--on-submit"];
    let parties = ["--party", NAMES[0], "--party", NAMES[1]];
    let text = said(a, &[&draft[..], &parties].concat());
    for machine in &machines {
        let file = machine.path("agreement.md");
        fs::write(&file, &text).unwrap();
        said(machine, &["agreement", "sign", &file]);
    }
    for machine in &machines {
        until("the agreement", || {
            let list = machine.json(&["agreement", "list"]);
            list["agreements"][0]["state"] == "in-force"
        });
    }
    machines
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn release(machine: &Machine, number: u32) {
    let file = machine.path("bundle.json");
    fs::write(&file, format!("{{\"objects\":[{}]}}", testkit::tool(number, 0))).unwrap();
    said(machine, &["release", &file, "--topic", "lamps"]);
}

pub(crate) fn states(machine: &Machine) -> Vec<String> {
    let releases = machine.json(&["releases"]);
    let rows = releases["releases"].as_array().unwrap();
    rows.iter().map(|row| row["state"].as_str().unwrap().to_owned()).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What the desk answers to a GET, with the operator's token or without.
fn desk(machine: &Machine, path: &str, is_known: bool) -> Reply {
    let token = fs::read_to_string(machine.dir().join("keys/desk.token")).unwrap();
    let who = if is_known { format!("authorization: Bearer {token}\r\n") } else { String::new() };
    let request = format!("GET {path} HTTP/1.1\r\nhost: desk.example\r\n{who}\r\n");
    runtime().block_on(async {
        let mut wire = Wire::open(address(machine, "desk")).await;
        wire.send(request.as_bytes()).await;
        wire.reply(false).await
    })
}

/// Every sample of `/metrics`, after its grammar was checked line by line.
fn metrics(machine: &Machine) -> Vec<(String, f64)> {
    let reply = desk(machine, "/metrics", true);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.field("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = reply.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut typed = Vec::new();
    let mut samples = Vec::new();
    for line in text.trim_end_matches("# EOF\n").lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let words: Vec<_> = comment.splitn(3, ' ').collect();
            let [kind, name, _] = words[..] else { panic!("{line}") };
            assert!(["HELP", "TYPE", "UNIT"].contains(&kind), "{line}");
            if kind == "TYPE" {
                typed.push(name.to_owned());
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        assert!(name.starts_with("detente_"), "{line}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
        let family = name.trim_end_matches("_total");
        assert!(typed.iter().any(|known| known == family), "{line} has no TYPE before it");
        let labels = &series[name.len()..];
        let is_whole = labels.starts_with("{") && labels.ends_with("\"}") && labels.contains("=\"");
        assert!(labels.is_empty() || is_whole, "{line}");
        assert!(!samples.iter().any(|(known, _)| known == series), "{line} comes twice");
        samples.push((series.to_owned(), value.parse().unwrap()));
    }
    samples
}

/// The value of a series; a counter that never counted is not there yet.
fn value(samples: &[(String, f64)], series: &str) -> f64 {
    samples.iter().find(|(name, _)| name == series).map_or(0.0, |(_, value)| *value)
}

#[test]
fn metrics_grow_with_a_release_and_health_asks_nobody_who_he_is() {
    let [a, b] = &partners();
    for machine in [a, b] {
        for (path, word) in [("/healthz", "ok"), ("/readyz", "ready")] {
            let reply = desk(machine, path, false);
            assert_eq!((reply.status, reply.text().as_str()), (200, word), "{path}");
        }
        let stranger = desk(machine, "/metrics", false);
        assert_eq!((stranger.status, stranger.json()["rule"].as_str()), (401, Some("AUTH-1")));
    }
    let before = [metrics(a), metrics(b)];
    release(a, 1);
    until("the receipt", || states(a) == ["taken-in"]);
    let after = [metrics(a), metrics(b)];
    let grown =
        |place: usize, series: &str| value(&after[place], series) - value(&before[place], series);
    let by = |worker: &str| format!("detente_worker_steps_total{{worker=\"{worker}\"}}");
    let sealed = grown(0, &by("release.urgent")) + grown(0, &by("release.bulk"));
    assert!(sealed >= 1.0, "{after:?}");
    assert!(grown(0, &by("relay.urgent")) + grown(0, &by("relay.bulk")) >= 1.0, "{after:?}");
    assert!(grown(1, &by("intake.urgent")) + grown(1, &by("intake.bulk")) >= 1.0, "{after:?}");
    for place in [0, 1] {
        assert!(grown(place, "detente_door_accepted_total") >= 1.0, "{place}: {after:?}");
        let entries = grown(place, "detente_ledger_entries");
        assert_eq!(entries, 1.0, "the release is one leaf of each ledger: {after:?}");
        assert!(grown(place, "detente_commits") >= 1.0, "{place}: {after:?}");
        let waiting = format!("detente_waiting_for_receipt{{partner=\"{}\"}}", NAMES[1 - place]);
        assert_eq!(value(&after[place], &waiting), 0.0, "{after:?}");
    }
}

/// A client that holds a node's link key and takes no other node than the one it pins.
fn link(me: &Machine, other: &Machine) -> Client {
    let key = |machine: &Machine| {
        let keyring = Keyring::open(&machine.dir().join("keys"), PASSPHRASE).unwrap();
        LinkKey::read(&keyring.secret("tls").unwrap().unwrap()).unwrap()
    };
    let pin = key(other).pin();
    let tls = key(me).link(Arc::new(move |shown| *shown == pin)).unwrap();
    Client::builder().tls_backend_preconfigured(tls).build().unwrap()
}

async fn get(client: &Client, url: &str) -> (StatusCode, Bytes) {
    let answer = client.get(url).send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap())
}

async fn hand_in(client: &Client, url: &str, envelope: &[u8]) -> (StatusCode, Bytes) {
    let request = client.post(format!("{url}/statements")).header("content-type", MEDIA_TYPE);
    let answer = request.body(envelope.to_vec()).send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap())
}

fn is_not_accepted((status, body): (StatusCode, Bytes)) -> bool {
    let problem: Value = serde_json::from_slice(&body).unwrap();
    status == StatusCode::FORBIDDEN && problem["rule"] == "LINK-1"
}

#[test]
fn partner_door_hands_out_keys_and_what_is_missing_and_takes_nothing_twice() {
    let [mut a, mut b] = partners();
    let agreements = a.json(&["agreement", "list"]);
    let agreement = agreements["agreements"][0]["id"].as_str().unwrap().to_owned();
    release(&a, 1);
    until("the receipt", || states(&a) == ["taken-in"]);
    b.kill();
    release(&a, 2);
    until("the seal", || states(&a)[0] == "sealed");
    let url = format!("https://{}", address(&a, "partner"));
    let asked = format!("{url}/statements/{agreement}");
    let runtime = runtime();
    let as_b = link(&b, &a);
    let envelope = runtime.block_on(async {
        let (status, keys) = get(&as_b, &format!("{url}/keys")).await;
        assert_eq!((status, &keys[..]), (StatusCode::OK, &said(&a, &["keys", "--statement"])[..]));
        let (status, answer) = get(&as_b, &format!("{asked}?after=0")).await;
        assert_eq!(status, StatusCode::OK);
        let [envelope] = gaps::parse(&answer).unwrap().try_into().unwrap();
        assert_eq!(get(&as_b, &format!("{asked}?after=1000")).await.1, Bytes::new());
        assert!(is_not_accepted(get(&as_b, &format!("{url}/statements/none")).await));
        // Its own statement, handed back by the partner that it is for.
        assert!(is_not_accepted(hand_in(&as_b, &url, &envelope).await));
        envelope
    });
    let parts = Envelope::parse(&envelope).unwrap();
    assert_eq!(Manifest::parse(&parts.manifest).unwrap().from.as_str(), NAMES[0]);
    assert_eq!(value(&metrics(&a), "detente_door_refused_total{code=\"sender-unknown\"}"), 1.0);
    b.start();
    until("the receipt", || states(&a) == ["taken-in", "taken-in"]);
    let before = metrics(&b);
    let url = format!("https://{}", address(&b, "partner"));
    let as_a = link(&a, &b);
    runtime.block_on(async {
        assert_eq!(hand_in(&as_a, &url, &envelope).await.0, StatusCode::ACCEPTED, "the same again");
        let mut altered = envelope.to_vec();
        let last = altered.len() - 2;
        altered[last] ^= 1;
        assert!(is_not_accepted(hand_in(&as_a, &url, &altered).await));
        let half = &envelope[..envelope.len() / 2];
        assert!(is_not_accepted(hand_in(&as_a, &url, half).await));
    });
    let after = metrics(&b);
    for code in ["payload-altered", "envelope-malformed"] {
        let series = format!("detente_door_refused_total{{code=\"{code}\"}}");
        assert_eq!((value(&before, &series), value(&after, &series)), (0.0, 1.0), "{code}");
    }
    let entries = [&before, &after].map(|samples| value(samples, "detente_ledger_entries"));
    assert_eq!(entries[0], entries[1], "no second effect, and none of what was refused");
    a.kill();
}
