//! The story that the demo tells, each step checked on the running nodes.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use protocol::{
    comparison::{Account, compare},
    terms::{NodeName, Topic},
    words::plural,
};
use rand_core::Rng;
use serde_json::{Value, json};

use super::{Steps, node::Node, until};
use crate::{
    cli::{Client, agreement_text},
    desk::rng,
};

const A: &str = "aldermoor.example/channel";
const B: &str = "brevia.example/channel";
const TOPIC: &str = "counter-terrorism";
/// Objects of one envelope.
const ENVELOPE: usize = 1_000;
/// The first invented object of the bulk that a FLASH overtakes; those of other steps lie below.
const BULK_FROM: u32 = 10_001;
/// How long a step may wait, in seconds.
const PATIENCE: u64 = 120;

/// What is left at the end.
pub(super) struct Ending {
    pub(super) nodes: Vec<Value>,
    pub(super) objects: usize,
    /// Keeps the processes until the demo ends.
    _running: (Node, Node),
}

fn text(value: &Value, path: &str) -> Result<String> {
    let found = value.pointer(path).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("the answer has no {path}"))
}

/// An invented object.
fn lamp(number: u32) -> String {
    format!(
        "{{\"type\":\"tool\",  \"id\":\"tool--0dd1a4b5-0000-4000-8000-{number:012}\", \"spec_version\":\"2.1\",\
         \"created\":\"2031-05-04T10:00:00.000Z\",\"modified\":\"2031-05-04T10:00:00.000Z\",\
         \"name\":\"Invented lamp {number}\" }}"
    )
}

fn envelope<'a>(objects: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let objects: Vec<&[u8]> = objects.into_iter().collect();
    [b"{\"objects\":[", objects.join(&b","[..]).as_slice(), b"]}"].concat()
}

/// The world of the story, once both nodes are up.
struct Pair {
    a: Client,
    b: Client,
    out: String,
    inn: String,
}

impl Pair {
    /// Every release of Aldermoor.
    async fn releases(&self) -> Result<Vec<Value>> {
        let mut all = self.a.list("/api/releases?", "releases", u32::MAX).await?;
        match all.get_mut("releases").map(Value::take) {
            Some(Value::Array(rows)) => Ok(rows),
            _ => bail!("the answer has no releases"),
        }
    }
}

/// Tells the story; a step that fails ends it.
pub(super) async fn tell(
    (dir, store): (&Path, Option<&str>),
    bundle: &[u8],
    kill_rounds: u32,
    steps: &mut Steps,
) -> Result<Ending> {
    let mut a = Node::make(dir, A, store).await?;
    let mut b = Node::make(dir, B, store).await?;
    let up = steps.step("two services come up", async {
        a.start().await?;
        b.start().await?;
        Ok("two processes, each with its own keys, directory, ports and accounts".to_owned())
    });
    hold(up.await)?;
    let (client_a, client_b) = (a.client()?, b.client()?);
    hold(steps.step("they meet", meet((&client_a, &a), (&client_b, &b))).await)?;
    hold(steps.step("they sign an agreement", agree(&client_a, &client_b)).await)?;
    let pair = pair(client_a, client_b).await?;
    let objects = stix::split(bundle)?;
    hold(steps.step("objects cross", cross(&pair, &objects)).await)?;
    hold(steps.step("receipts return", receipts(&pair)).await)?;
    hold(steps.step("Brevia is switched off and nothing is lost", outage(&pair, &mut b)).await)?;
    hold(steps.step("a FLASH overtakes bulk", flash(&pair)).await)?;
    if kill_rounds > 0 {
        let killed = kills(&pair, (&mut a, &mut b), kill_rounds);
        hold(steps.step("nodes are killed and nothing is lost or doubled", killed).await)?;
    }
    hold(steps.step("a recall is obeyed and answered", recall(&pair)).await)?;
    hold(
        steps.step("a courier carries what the link cannot", by_courier(&pair, dir, &mut b)).await,
    )?;
    hold(steps.step("the two ledgers agree", ledgers(&pair)).await)?;
    let nodes = vec![describe(&a, &pair.a).await?, describe(&b, &pair.b).await?];
    Ok(Ending { nodes, objects: objects.len(), _running: (a, b) })
}

fn hold(held: bool) -> Result<()> {
    ensure!(held, "a step did not hold");
    Ok(())
}

/// Where a node is found, and what has crossed its doors.
async fn describe(node: &Node, client: &Client) -> Result<Value> {
    let link = client.post("/api/login-link", &json!({})).await?;
    let statements = client.list("/api/statements?", "statements", u32::MAX).await?;
    let statements = statements.get("statements").and_then(Value::as_array);
    let count = |out: bool| {
        let goes = |row: &&Value| row.get("out").and_then(Value::as_bool) == Some(out);
        statements.map_or(0, |rows| rows.iter().filter(goes).count())
    };
    let bytes = |row: &Value| row.get("bytes").and_then(Value::as_u64);
    let about = client.get("/api/node").await?;
    Ok(json!({
        "sent": count(true),
        "received": count(false),
        "bytes": statements.map_or(0, |rows| rows.iter().filter_map(bytes).sum()),
        "ledger": about.pointer("/ledger/size"),
        "name": node.name,
        "desk": format!("{}/desk", client.base()),
        "taxii": format!("{}/taxii2/", client.base()),
        "login": format!("{}{}", client.base(), text(&link, "/path")?),
    }))
}

async fn meet(a: (&Client, &Node), b: (&Client, &Node)) -> Result<String> {
    for ((one, _), (other, node)) in [(a, b), (b, a)] {
        let keys = other.get("/api/keys").await?;
        let url = format!("https://127.0.0.1:{}", node.partner_port);
        let body = json!({ "statement": text(&keys, "/statement")?, "url": url });
        let met = one.post("/api/partners", &body).await?;
        ensure!(text(&met, "/spoken")? == text(&keys, "/spoken")?, "the fingerprints differ");
        let body = json!({ "name": node.name, "fingerprint": text(&keys, "/fingerprint")? });
        one.post("/api/partners/verify", &body).await?;
        // Whatever bundle the reader brings crosses: real data is dirty, and nobody is here to decide.
        let path = format!("/api/partners/{}", node.name.replace('/', "%2F"));
        let policy = json!({ "findings": { "error": "accept-with-findings" } });
        one.patch(&path, &policy).await?;
    }
    Ok("key statements exchanged, fingerprints compared, both ways".to_owned())
}

async fn agree(a: &Client, b: &Client) -> Result<String> {
    let parties: Vec<NodeName> = vec![A.parse()?, B.parse()?];
    let topics: Vec<Topic> = vec![TOPIC.parse()?];
    let agreement = agreement_text("Invented agreement", &parties, topics, true, stix::Tlp::Amber);
    let mut id = String::new();
    for client in [a, b] {
        let drafted = client.post_bytes("/api/agreements", agreement.clone().into_bytes()).await?;
        id = text(&drafted, "/id")?;
        client.post(&format!("/api/agreements/{id}/sign"), &json!({})).await?;
    }
    for client in [a, b] {
        until("the agreement's coming into force", PATIENCE, || async {
            let row = client.get(&format!("/api/agreements/{id}")).await?;
            Ok((text(&row, "/state")? == "in-force").then_some(()))
        })
        .await?;
    }
    Ok(format!("{}… is in force on both sides", id.get(..12).unwrap_or_default()))
}

async fn pair(a: Client, b: Client) -> Result<Pair> {
    let agreements = a.get("/api/agreements").await?;
    let id = text(&agreements, "/agreements/0/id")?;
    let root = format!("/agreement-{}/collections", id.get(..12).unwrap_or_default());
    let (out, inn) =
        (format!("{root}/{TOPIC}-outgoing/objects/"), format!("{root}/{TOPIC}-incoming/objects/"));
    Ok(Pair { a, b, out, inn })
}

/// Every object that a node serves, page by page, as bytes.
async fn served(client: &Client, path: &str) -> Result<Vec<Vec<u8>>> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = client.get_bytes(&format!("{path}?limit=1000&match[version]=all{next}")).await?;
        found.extend(stix::split(&page)?.into_iter().map(<[u8]>::to_vec));
        let head: Value = serde_json::from_slice(&page)?;
        match head.get("next").and_then(Value::as_str) {
            Some(cursor) => next = format!("&next={cursor}"),
            None => return Ok(found),
        }
    }
}

async fn cross(pair: &Pair, objects: &[&[u8]]) -> Result<String> {
    // A definition goes before what it marks, so that no marking is unresolved on the way.
    let marks = |object: &&[u8]| {
        stix::Head::parse(object).is_ok_and(|head| head.type_ == "marking-definition")
    };
    let (first, rest): (Vec<&[u8]>, Vec<&[u8]>) = objects.iter().copied().partition(marks);
    let ordered = [first, rest].concat();
    let mut refused = 0;
    for chunk in ordered.chunks(ENVELOPE) {
        let status = pair.a.taxii_post(&pair.out, envelope(chunk.iter().copied())).await?;
        refused += status.get("failure_count").and_then(Value::as_u64).unwrap_or_default();
    }
    let mut expected: Vec<Vec<u8>> = served(&pair.a, &pair.out).await?;
    expected.sort();
    let count = expected.len();
    let mut arrived = until("arrival of every object", PATIENCE, || async {
        let arrived = served(&pair.b, &pair.inn).await?;
        Ok((arrived.len() >= count).then_some(arrived))
    })
    .await?;
    arrived.sort();
    let mut posted: Vec<&[u8]> = ordered;
    posted.sort_unstable();
    posted.dedup();
    ensure!(arrived == expected, "what Brevia serves is not what Aldermoor posted");
    let same = arrived.iter().filter(|body| posted.binary_search(&body.as_slice()).is_ok()).count();
    ensure!(same == count, "{} objects are not byte for byte what was posted", count - same);
    let objects = plural(count as u64, "object", "objects");
    Ok(format!("{objects}, byte for byte as posted; {refused} refused by the checks"))
}

async fn receipts(pair: &Pair) -> Result<String> {
    let releases = until("the receipt of every release", PATIENCE, || async {
        let all = pair.releases().await?;
        Ok(all.iter().all(is_taken_in).then_some(all.len()))
    })
    .await?;
    Ok(format!("Brevia's signed receipt of {}", plural(releases as u64, "release", "releases")))
}

async fn post_lamps(pair: &Pair, from: u32, count: u32) -> Result<()> {
    for number in from..from + count {
        let body = envelope([lamp(number).as_bytes()]);
        pair.a.taxii_post(&pair.out, body).await?;
    }
    Ok(())
}

async fn has(client: &Client, path: &str, number: u32) -> Result<bool> {
    let id = format!("tool--0dd1a4b5-0000-4000-8000-{number:012}");
    let page = client.get_bytes(&format!("{path}?match[id]={id}")).await?;
    Ok(!stix::split(&page)?.is_empty())
}

async fn arrive(pair: &Pair, from: u32, count: u32) -> Result<()> {
    for number in from..from + count {
        until("arrival", PATIENCE, || async {
            Ok(has(&pair.b, &pair.inn, number).await?.then_some(()))
        })
        .await?;
    }
    Ok(())
}

async fn outage(pair: &Pair, b: &mut Node) -> Result<String> {
    b.kill().await?;
    post_lamps(pair, 0, 5).await?;
    b.start().await?;
    arrive(pair, 0, 5).await?;
    Ok("5 releases waited and arrived once Brevia was back".to_owned())
}

/// Bulk goes in, then a FLASH: its receipt is back while bulk still waits for its own.
async fn flash(pair: &Pair) -> Result<String> {
    let mut first = BULK_FROM;
    // All at once, and more each time: a fast machine is done with little bulk before the FLASH is
    // even posted.
    for count in [4_000, 8_000, 16_000, 32_000] {
        let bulk: Vec<String> = (first..first + count).map(lamp).collect();
        let post = |chunk: &[String]| {
            pair.a.taxii_post(&pair.out, envelope(chunk.iter().map(String::as_bytes)))
        };
        try_join_all(bulk.chunks(ENVELOPE).map(post)).await?;
        let (ms, behind) = flash_receipt(pair, first - 1).await?;
        first += count + 1;
        arrive(pair, first - 2, 1).await?;
        if behind > 0 {
            let releases = plural(behind as u64, "release", "releases");
            return Ok(format!("its receipt was back after {ms} ms, before that of {releases}"));
        }
    }
    bail!("the FLASH overtook nothing")
}

/// After how long a FLASH has its receipt, and how many releases that were there before it have
/// none then.
async fn flash_receipt(pair: &Pair, number: u32) -> Result<(u128, usize)> {
    let path = format!("/api/releases?topic={TOPIC}&precedence=FLASH");
    let sent = std::time::Instant::now();
    let flash = pair.a.post_bytes(&path, envelope([lamp(number).as_bytes()])).await?;
    let id = text(&flash, "/release")?;
    until("the FLASH's receipt", PATIENCE, || async {
        let row = pair.a.get(&format!("/api/releases/{id}")).await?;
        Ok((text(&row, "/release/state")? == "taken-in").then_some(()))
    })
    .await?;
    let ms = sent.elapsed().as_millis();
    Ok((ms, pair.releases().await?.iter().filter(|row| !is_taken_in(row)).count()))
}

fn is_taken_in(release: &Value) -> bool {
    let state = release.get("state").and_then(Value::as_str);
    state.is_some_and(|state| state.starts_with("taken-in"))
}

/// Kills a node at a random moment after each bulk was accepted.
async fn kills(pair: &Pair, (a, b): (&mut Node, &mut Node), rounds: u32) -> Result<String> {
    let mut dice = rng();
    for round in 0..rounds {
        let first = 100_000 + round * 1_000;
        let bulk: Vec<String> = (first..first + 1_000).map(lamp).collect();
        let body = envelope(bulk.iter().map(String::as_bytes));
        pair.a.taxii_post(&pair.out, body).await?;
        tokio::time::sleep(Duration::from_millis(dice.next_u64() % 80)).await;
        let victim = if dice.next_u64().is_multiple_of(2) { &mut *a } else { &mut *b };
        victim.kill().await?;
        victim.start().await?;
    }
    let mut posted = served(&pair.a, &pair.out).await?;
    posted.sort();
    let arrived = until("arrival of everything", PATIENCE, || async {
        let mut arrived = served(&pair.b, &pair.inn).await?;
        arrived.sort();
        ensure!(arrived.len() <= posted.len(), "something arrived twice");
        Ok((arrived == posted).then_some(arrived.len()))
    })
    .await?;
    Ok(format!("{rounds} kills at random moments; {arrived} objects at Brevia, as at Aldermoor"))
}

async fn recall(pair: &Pair) -> Result<String> {
    let body = envelope([lamp(600).as_bytes(), lamp(601).as_bytes()]);
    let path = format!("/api/releases?topic={TOPIC}");
    let release = text(&pair.a.post_bytes(&path, body).await?, "/release")?;
    arrive(pair, 600, 2).await?;
    receipts(pair).await?;
    let request = json!({ "reason": "source-danger", "items": [0] });
    pair.a.post(&format!("/api/releases/{release}/recall"), &request).await?;
    let answer = until("the answer to the recall", PATIENCE, || async {
        let all = pair.a.get("/api/recalls").await?;
        Ok(all.pointer("/recalls/0/answer").and_then(Value::as_str).map(str::to_owned))
    })
    .await?;
    ensure!(!has(&pair.b, &pair.inn, 600).await?, "the recalled object is still served");
    ensure!(has(&pair.b, &pair.inn, 601).await?, "an object that was not recalled is gone");
    Ok(format!("no longer served at Brevia; signed answer: {answer}"))
}

async fn by_courier(pair: &Pair, dir: &Path, b: &mut Node) -> Result<String> {
    b.kill().await?;
    post_lamps(pair, 700, 3).await?;
    until("sealing", PATIENCE, || async {
        let partners = pair.a.get("/api/partners").await?;
        let waiting = partners.pointer("/partners/0/waiting_for_link").and_then(Value::as_u64);
        Ok((waiting.unwrap_or_default() >= 3).then_some(()))
    })
    .await?;
    let file = pair.a.get_bytes(&format!("/api/courier/export?partner={B}")).await?;
    std::fs::write(dir.join("courier.tar"), &file)?;
    b.start().await?;
    let half = file.get(..file.len() / 2).unwrap_or_default().to_vec();
    if pair.b.post_bytes("/api/courier/import", half).await.is_ok() {
        bail!("half a courier file was taken in");
    }
    let report = pair.b.post_bytes("/api/courier/import", file).await?;
    arrive(pair, 700, 3).await?;
    let listed = report.get("listed").and_then(Value::as_u64).unwrap_or_default();
    Ok(format!("{listed} statements on the disk, each taken in once; half a disk was refused"))
}

async fn ledgers(pair: &Pair) -> Result<String> {
    let comparison = until("a comparison without open ends", PATIENCE, || async {
        let of = |client: &Client, partner: &str| {
            let (client, path) = (client.clone(), format!("/api/ledger/account?partner={partner}"));
            async move {
                Ok::<Account, anyhow::Error>(serde_json::from_value(client.get(&path).await?)?)
            }
        };
        let comparison = compare(&of(&pair.a, B).await?, &of(&pair.b, A).await?);
        ensure!(comparison.agree, "the ledgers contradict: {:?}", comparison.contradictions);
        Ok(comparison.open.is_empty().then_some(comparison))
    })
    .await?;
    Ok(format!(
        "{} statements compared, {} receipted, none open",
        comparison.statements, comparison.receipted
    ))
}
