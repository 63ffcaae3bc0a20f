//! Small releases, one at a time: from submit to the partner's receipt back at A.

use std::{
    os::unix::fs::FileExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use anyhow::Result;

use super::percentile;
use crate::{
    corpus,
    figure::{Bar, Report},
    nodes::{Pair, TOPIC, envelope, lamp, text, until},
};

/// Small releases in calm.
const CALM: u32 = 300;
/// FLASH releases while bulk is under way.
const LOUD: u32 = 200;
/// Objects of one envelope of the bulk.
const ENVELOPE: u32 = 1_000;
/// Durable commits that one receipt waits for: submit and statement at A; inbox and intake, with
/// the receipt, at B; inbox and intake at A. Marking rows as delivered goes beside it.
const COMMITS: f64 = 6.0;

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let pair = Pair::start().await?;
    let sync_ms = fdatasync_ms(pair.folder.path())?;
    let before = pair.a.commits().await? + pair.b.commits().await?;
    let mut calm = Vec::new();
    for number in 0..CALM {
        calm.push(round_trip_ms(&pair, number, "ROUTINE").await?);
    }
    let commits = pair.a.commits().await? + pair.b.commits().await? - before;
    let (p50, p99) = (percentile(&mut calm, 0.5), percentile(&mut calm, 0.99));
    report.add("one fdatasync", sync_ms, "ms", Bar::None);
    report.add(
        "commits of both nodes for one release",
        commits as f64 / f64::from(CALM),
        "",
        Bar::None,
    );
    report.add("submit to receipt, p50", p50, "ms", Bar::AtMost(8.0 + COMMITS * sync_ms));
    report.add("submit to receipt, p99", p99, "ms", Bar::AtMost(5.0 * p50));
    let mut loud = flashes(&pair).await?;
    report.add("FLASH within bulk, p50", percentile(&mut loud, 0.5), "ms", Bar::None);
    report.add("FLASH within bulk, p99", percentile(&mut loud, 0.99), "ms", Bar::AtMost(250.0));
    Ok(())
}

/// Milliseconds from the submission of one object to its receipt, as a client at A sees it.
async fn round_trip_ms(pair: &Pair, number: u32, precedence: &str) -> Result<f64> {
    let body = envelope([lamp(number).as_bytes()]);
    let path = format!("/api/releases?topic={TOPIC}&precedence={precedence}");
    let begun = Instant::now();
    let drafted = pair.a.desk.post_bytes(&path, body).await?;
    let path = format!("/api/releases/{}", text(&drafted, "/release")?);
    until("the receipt", async || {
        let row = pair.a.desk.get(&path).await?;
        Ok((text(&row, "/release/state")? == "taken-in").then_some(()))
    })
    .await?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

/// FLASH releases one after another while envelopes are posted without a pause.
async fn flashes(pair: &Pair) -> Result<Vec<f64>> {
    let done = AtomicBool::new(false);
    let attack = corpus::read(corpus::ATTACK)?.unwrap_or_default();
    let models = stix::split(&attack)?;
    let bulk = async {
        let mut number = 1_000_000;
        while !done.load(Ordering::Relaxed) {
            let objects: Vec<_> = (number..number + ENVELOPE).map(|n| fresh(&models, n)).collect();
            let body = envelope(objects.iter().map(Vec::as_slice));
            pair.a.desk.post_envelope(&pair.outgoing, body).await?;
            number += ENVELOPE;
        }
        anyhow::Ok(())
    };
    let loud = async {
        let mut taken = Vec::new();
        for number in 500_000..500_000 + LOUD {
            taken.push(round_trip_ms(pair, number, "FLASH").await);
        }
        done.store(true, Ordering::Relaxed);
        taken.into_iter().collect::<Result<Vec<_>>>()
    };
    let (bulk, loud) = tokio::join!(bulk, loud);
    bulk?;
    loud
}

/// An object of its own: a real one under an id that nobody has used, or a lamp where there is none.
fn fresh(models: &[&[u8]], number: u32) -> Vec<u8> {
    let model = models.get(number as usize % models.len().max(1)).copied();
    let renamed = model.and_then(|model| {
        let text = std::str::from_utf8(model).ok()?;
        let head =
            stix::Head::parse(model).ok().filter(|head| head.type_ != "marking-definition")?;
        let id = format!("{}--0dd1a4b5-0000-4000-8000-{number:012}", head.type_);
        Some(text.replace(&*head.id, &id).into_bytes())
    });
    renamed.unwrap_or_else(|| lamp(number).into_bytes())
}

/// The middle of 200 times of overwriting 16 KiB of a file and syncing them: the least that a commit
/// costs on this disk, since the store's log is overwritten too once it has its size.
fn fdatasync_ms(folder: &Path) -> Result<f64> {
    let file = std::fs::File::create(folder.join("synced"))?;
    let block = [7; 16 * 1_024];
    let mut taken = Vec::new();
    for round in 0..400u64 {
        let begun = Instant::now();
        file.write_all_at(&block, round % 200 * block.len() as u64)?;
        file.sync_data()?;
        taken.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(percentile(&mut taken.split_off(200), 0.5))
}
