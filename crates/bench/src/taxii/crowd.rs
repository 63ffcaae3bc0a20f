//! 500 clients that poll while 16 writers post: nothing lost, nothing doubled, nobody waits long,
//! and memory stays what it was.
//!
//! A writer posts an envelope of ten objects and pauses; a poller asks for what is newer than the
//! last date it saw and pauses. Each object has a number, so that every poller can tell whether it
//! met all of them, once.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use futures_util::future::try_join_all;
use reqwest::Client;

use super::{
    load::{Load, Page, fresh_lamps},
    plan::Plan,
    row,
    server::{Kept, Server},
    target::Target,
};
use crate::{
    figure::{Bar, Report},
    nodes::{envelope, lamp},
};

const POLLERS: usize = 500;
const WRITERS: usize = 16;
/// Objects of a writer's envelope.
const BATCH: u32 = 10;
/// Between two envelopes of a writer.
const WRITER_PAUSE: Duration = Duration::from_millis(500);
/// Between two polls of a poller.
const POLLER_PAUSE: Duration = Duration::from_secs(1);
/// Memory is read so many times; the first fifth is that of warming up.
const SAMPLES: u32 = 50;

/// Measures the rows of one store, which holds the corpus.
pub(super) async fn measure(
    report: &mut Report,
    name: &str,
    objects: &[Vec<u8>],
    plan: &Plan,
) -> Result<()> {
    let server = Server::start(&Kept::new(name)?, false).await?;
    let load = Load::new(&server.target)?;
    load.envelopes(objects, 1_000, 4).await?;
    let time = Duration::from_secs_f64(plan.minutes * 60.0);
    let (mut crowd, mut memory) = (None, Vec::new());
    let cost = load
        .cost(async || {
            let (came, held) = tokio::join!(gather(&server.target, time), watch(&server, time));
            let came = came?;
            memory = held?;
            let polls = came.waits_ms.len();
            crowd = Some(came);
            Ok(polls)
        })
        .await?;
    let Some(crowd) = crowd else { return Ok(()) };
    let title = format!("{POLLERS} pollers, {WRITERS} writers, {} min", plan.minutes);
    let (none, wrong) = (Bar::AtMost(0.0), (crowd.lost + crowd.doubled) as f64);
    report.add(&row(name, &title), wrong, "lost or doubled", none);
    report.add(
        &row(name, "their objects, each to every poller"),
        crowd.posted as f64,
        "",
        Bar::None,
    );
    report.add(&row(name, "their polls"), cost.rate(), "polls/s", Bar::None);
    let p50 = percentile(&crowd.waits_ms, 50);
    report.add(&row(name, "their polls, p50"), p50, "ms", Bar::None);
    let p99 = percentile(&crowd.waits_ms, 99);
    report.add(&row(name, "their polls, p99"), p99, "ms", Bar::AtMost(250.0));
    report.add(
        &row(name, "cores that they kept busy"),
        cost.cpu_ms / 1e3 / cost.seconds,
        "",
        Bar::None,
    );
    let (early, late) = (most(memory.get(..10)), most(memory.get(40..)));
    report.add(&row(name, "memory in the last fifth"), late / 1e6, "MB", Bar::None);
    let title = "memory in the last fifth against the first";
    report.add(&row(name, title), late / early, "x", Bar::AtMost(1.1));
    Ok(())
}

fn most(samples: Option<&[f64]>) -> f64 {
    samples.unwrap_or_default().iter().copied().fold(f64::NAN, f64::max)
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).copied().unwrap_or(f64::NAN)
}

/// Memory of the node while the crowd is there.
async fn watch(server: &Server, time: Duration) -> Result<Vec<f64>> {
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        tokio::time::sleep(time / SAMPLES).await;
        samples.push(server.memory_bytes()?);
    }
    Ok(samples)
}

/// What became of a crowd.
struct Crowd {
    posted: usize,
    lost: usize,
    doubled: usize,
    /// How long each poll took, the shortest first.
    waits_ms: Vec<f64>,
}

async fn gather(target: &Target, time: Duration) -> Result<Crowd> {
    let load = Load::new(target)?;
    let (start, first) = (load.newest().await?, fresh_lamps(1).start);
    let end = Instant::now() + time;
    let done = Arc::new(AtomicBool::new(false));
    let waits = Arc::new(Mutex::new(Vec::new()));
    let mut polling = Vec::new();
    for place in 0..POLLERS {
        let poller = Poller {
            http: target.client()?,
            url: target.url("objects/?limit=1000&added_after="),
            after: start.clone(),
            first,
            waits: Arc::clone(&waits),
            done: Arc::clone(&done),
        };
        // They come one after another over the first pause, as clients with clocks of their own.
        let delay = POLLER_PAUSE * u32::try_from(place)? / u32::try_from(POLLERS)?;
        polling.push(tokio::spawn(poller.run(delay)));
    }
    let http = target.client()?;
    let writers = (0..WRITERS).map(|_| write(&http, target.url("objects/"), end));
    let mut posted = Seen::default();
    for number in try_join_all(writers).await?.into_iter().flatten() {
        posted.note(number - first);
    }
    done.store(true, Ordering::Release);
    let (mut lost, mut doubled) = (0, 0);
    for poller in polling {
        let (seen, twice) = poller.await??;
        lost += posted.missing_in(&seen);
        doubled += twice;
    }
    let mut waits_ms = std::mem::take(&mut *waits.lock().unwrap_or_else(PoisonError::into_inner));
    waits_ms.sort_by(f64::total_cmp);
    Ok(Crowd { posted: posted.count(), lost, doubled, waits_ms })
}

/// Posts until the end; the numbers of what was taken in.
async fn write(http: &Client, url: String, end: Instant) -> Result<Vec<u32>> {
    let mut posted = Vec::new();
    while Instant::now() < end {
        let numbers = fresh_lamps(BATCH);
        let lamps: Vec<_> = numbers.clone().map(lamp).collect();
        let body = envelope(lamps.iter().map(String::as_bytes));
        http.post(&url).body(body).send().await?.error_for_status()?;
        posted.extend(numbers);
        tokio::time::sleep(WRITER_PAUSE).await;
    }
    Ok(posted)
}

/// A set of numbers, one bit each.
#[derive(Default)]
struct Seen(Vec<u64>);

impl Seen {
    /// Notes a number; whether it is new.
    fn note(&mut self, number: u32) -> bool {
        let (place, bit) = (number as usize / 64, 1u64 << (number % 64));
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        let Some(word) = self.0.get_mut(place) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many of these numbers another set lacks.
    fn missing_in(&self, other: &Self) -> usize {
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        self.0.iter().zip(others).map(|(mine, other)| (mine & !other).count_ones() as usize).sum()
    }
}

struct Poller {
    http: Client,
    url: String,
    after: String,
    first: u32,
    waits: Arc<Mutex<Vec<f64>>>,
    done: Arc<AtomicBool>,
}

impl Poller {
    /// Polls until the writers are done and nothing more comes; what it saw, and how much of it
    /// came again.
    async fn run(mut self, delay: Duration) -> Result<(Seen, usize)> {
        let (mut seen, mut doubled) = (Seen::default(), 0);
        tokio::time::sleep(delay).await;
        loop {
            let was_done = self.done.load(Ordering::Acquire);
            let begun = Instant::now();
            let answer = self.http.get(format!("{}{}", self.url, self.after)).send().await?;
            let page = Page::of(answer).await?;
            let waited = begun.elapsed().as_secs_f64() * 1e3;
            self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(waited);
            if let Some(last) = page.last {
                self.after = last;
            }
            let numbers = numbers_in(&page.body);
            if numbers.is_empty() && was_done {
                return Ok((seen, doubled));
            }
            for number in numbers {
                doubled += usize::from(!seen.note(number - self.first.min(number)));
            }
            tokio::time::sleep(POLLER_PAUSE).await;
        }
    }
}

/// Invented lamps of an envelope, by the number in their id.
fn numbers_in(body: &[u8]) -> Vec<u32> {
    let text = String::from_utf8_lossy(body);
    text.split("\"id\":\"tool--0dd1a4b5-0000-4000-8000-")
        .skip(1)
        .filter_map(|rest| rest.get(..12)?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Seen, numbers_in};
    use crate::nodes::{envelope, lamp};

    #[test]
    fn set_tells_what_is_new_and_what_another_lacks() {
        let (mut mine, mut other) = (Seen::default(), Seen::default());
        assert!(mine.note(3) && mine.note(700) && !mine.note(3));
        other.note(3);
        assert_eq!((mine.count(), mine.missing_in(&other), other.missing_in(&mine)), (2, 1, 0));
    }

    #[test]
    fn numbers_of_lamps_are_read_from_an_envelope() {
        let lamps = [lamp(7), lamp(123_456)];
        assert_eq!(numbers_in(&envelope(lamps.iter().map(String::as_bytes))), [7, 123_456]);
    }
}
