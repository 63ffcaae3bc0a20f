//! Bulk: ATT&CK posted at A in envelopes of 1,000, read back at B, compared byte for byte.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;

use super::percentile;
use crate::{
    corpus,
    figure::{Bar, Report},
    nodes::{Pair, envelope},
};

/// Objects of one envelope.
const ENVELOPE: usize = 1_000;
/// Fresh pairs of nodes; the figure is the middle one.
const ROUNDS: usize = 3;

/// One crossing of the whole bundle.
struct Crossing {
    objects: usize,
    seconds: f64,
    cpu_seconds: (f64, f64),
    memory_bytes: f64,
    commits: u64,
}

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let Some(bundle) = corpus::read(corpus::ATTACK)? else {
        report.skip("end to end", "../shared/data is not here");
        return Ok(());
    };
    let objects = in_order(&bundle)?;
    let mut crossings = Vec::new();
    for _ in 0..ROUNDS {
        crossings.push(cross(&Pair::start().await?, &objects).await?);
    }
    let middle = |of: fn(&Crossing) -> f64| {
        percentile(&mut crossings.iter().map(of).collect::<Vec<_>>(), 0.5)
    };
    let per_second = |crossing: &Crossing| crossing.objects as f64 / crossing.seconds;
    let cpu_ms = |crossing: &Crossing| {
        (crossing.cpu_seconds.0 + crossing.cpu_seconds.1) * 1e3 / crossing.objects as f64
    };
    let peak = crossings.iter().map(|crossing| crossing.memory_bytes).fold(0.0, f64::max);
    let (of_a, of_b) = (
        middle(|crossing| crossing.cpu_seconds.0 / crossing.seconds),
        middle(|crossing| crossing.cpu_seconds.1 / crossing.seconds),
    );
    report.add("end to end", middle(per_second), "objects/s", Bar::AtLeast(5_000.0));
    report.add("CPU of both nodes", middle(cpu_ms), "ms/object", Bar::AtMost(0.35));
    report.add("peak memory of a node", peak / 1e6, "MB", Bar::AtMost(200.0));
    report.add("CPU of A while it lasts", of_a, "cores", Bar::None);
    report.add("CPU of B while it lasts", of_b, "cores", Bar::None);
    let commits = middle(|crossing| crossing.commits as f64);
    report.add("durable commits of both nodes", commits, "", Bar::None);
    Ok(())
}

/// A definition goes before what it marks, so that no marking is unresolved on the way.
fn in_order(bundle: &[u8]) -> Result<Vec<&[u8]>> {
    let marks = |object: &&[u8]| {
        stix::Head::parse(object).is_ok_and(|head| head.type_ == "marking-definition")
    };
    let (first, rest): (Vec<_>, Vec<_>) = stix::split(bundle)?.into_iter().partition(marks);
    Ok([first, rest].concat())
}

async fn cross(pair: &Pair, objects: &[&[u8]]) -> Result<Crossing> {
    let envelopes: Vec<_> =
        objects.chunks(ENVELOPE).map(|chunk| envelope(chunk.iter().copied())).collect();
    let before = (pair.a.cpu_seconds()?, pair.b.cpu_seconds()?);
    let commits = pair.a.commits().await? + pair.b.commits().await?;
    let begun = Instant::now();
    let (posted, read) = tokio::join!(post(pair, envelopes), read_back(pair, objects.len()));
    let seconds = begun.elapsed().as_secs_f64();
    let after = (pair.a.cpu_seconds()?, pair.b.cpu_seconds()?);
    posted?;
    check(objects, &read?)?;
    Ok(Crossing {
        objects: objects.len(),
        seconds,
        cpu_seconds: (after.0 - before.0, after.1 - before.1),
        memory_bytes: pair.a.peak_memory_bytes()?.max(pair.b.peak_memory_bytes()?),
        commits: pair.a.commits().await? + pair.b.commits().await? - commits,
    })
}

async fn post(pair: &Pair, envelopes: Vec<Vec<u8>>) -> Result<()> {
    for body in envelopes {
        let status = pair.a.desk.post_envelope(&pair.outgoing, body).await?;
        let refused = status.get("failure_count").and_then(serde_json::Value::as_u64);
        ensure!(refused == Some(0), "A refused objects: {status}");
    }
    Ok(())
}

/// Reads B's collection on and on, each object once, until all have come.
async fn read_back(pair: &Pair, count: usize) -> Result<Vec<Bytes>> {
    let (mut pages, mut seen, mut after) = (Vec::new(), 0, String::new());
    while seen < count {
        let (page, last) = pair.b.desk.page(&pair.incoming, &after).await?;
        if last.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        seen += stix::split(&page)?.len();
        after = last;
        pages.push(page);
    }
    Ok(pages)
}

/// What B serves is what A posted, byte for byte, each object once.
fn check(objects: &[&[u8]], pages: &[Bytes]) -> Result<()> {
    let mut posted = objects.to_vec();
    let mut read = Vec::with_capacity(posted.len());
    for page in pages {
        read.extend(stix::split(page)?);
    }
    posted.sort_unstable();
    read.sort_unstable();
    ensure!(posted == read, "what B serves is not what A posted");
    Ok(())
}
