//! Load on one collection, and what it cost there.

use std::{
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{TryStreamExt as _, future::try_join_all, stream::FuturesUnordered};
use reqwest::{Client, Response};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{target::Target, wire::Wire};
use crate::nodes::{envelope, lamp};

/// The date that a client goes on from.
pub(super) const LAST: &str = "x-taxii-date-added-last";
/// Numbers of invented lamps: each run of a server begins with fresh ones.
static LAMPS: AtomicU32 = AtomicU32::new(1_000_000);

/// A server that takes less than a fiftieth of a core for so long rests.
const REST: Duration = Duration::from_millis(200);
/// Times that it is looked at.
const RESTS_MAX: usize = 300;

/// A client of a collection.
pub(super) struct Load<'t> {
    target: &'t Target,
    http: Client,
}

/// What some work cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// CPU of the processes that answered.
    pub(super) cpu_ms: f64,
    /// How long it took.
    pub(super) seconds: f64,
    /// How much of it there was.
    pub(super) count: usize,
}

impl Cost {
    /// CPU milliseconds of one.
    pub(super) fn each_ms(&self) -> f64 {
        self.cpu_ms / self.count as f64
    }

    /// How many a second.
    pub(super) fn rate(&self) -> f64 {
        self.count as f64 / self.seconds
    }
}

/// Numbers of lamps that nobody has posted yet.
pub(super) fn fresh_lamps(count: u32) -> std::ops::Range<u32> {
    let first = LAMPS.fetch_add(count, Ordering::Relaxed);
    first..first + count
}

/// An envelope, or a part of one.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(default)]
    pub(super) more: bool,
    #[serde(default)]
    pub(super) next: Option<String>,
    #[serde(default, borrow)]
    pub(super) objects: Vec<&'a RawValue>,
}

/// A page as it came.
pub(super) struct Page {
    pub(super) body: Bytes,
    /// `X-TAXII-Date-Added-Last`.
    pub(super) last: Option<String>,
}

impl Page {
    /// Reads the answer to the end.
    pub(super) async fn of(answer: Response) -> Result<Self> {
        let answer = answer.error_for_status()?;
        let last = answer.headers().get(LAST).and_then(|date| date.to_str().ok());
        let last = last.map(str::to_owned);
        Ok(Self { body: answer.bytes().await?, last })
    }

    /// What it holds.
    pub(super) fn envelope(&self) -> Result<Envelope<'_>> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl<'t> Load<'t> {
    /// A client with the target's own credentials.
    pub(super) fn new(target: &'t Target) -> Result<Self> {
        Ok(Self { target, http: target.client()? })
    }

    /// What `work` costs; it tells how much of it there was.
    pub(super) async fn cost(&self, work: impl AsyncFnOnce() -> Result<usize>) -> Result<Cost> {
        let (cpu, begun) = (self.target.processes.cpu_seconds()?, Instant::now());
        let count = work().await?;
        let seconds = begun.elapsed().as_secs_f64();
        let cpu_ms = (self.target.processes.cpu_seconds()? - cpu) * 1e3;
        Ok(Cost { cpu_ms, seconds, count })
    }

    /// Posts objects in envelopes of `size` over so many connections; the count is of objects.
    pub(super) async fn envelopes(
        &self,
        objects: &[Vec<u8>],
        size: usize,
        connections: usize,
    ) -> Result<Cost> {
        let bodies: Vec<Vec<u8>> =
            objects.chunks(size).map(|chunk| envelope(chunk.iter().map(Vec::as_slice))).collect();
        Ok(Cost { count: objects.len(), ..self.post(&bodies, connections).await? })
    }

    /// The same with what the server goes on with behind the answers, until it rests: the cost of
    /// what follows is its own then.
    pub(super) async fn envelopes_to_rest(
        &self,
        objects: &[Vec<u8>],
        size: usize,
        connections: usize,
    ) -> Result<Cost> {
        let cpu = || self.target.processes.cpu_seconds();
        let before = cpu()?;
        let added = self.envelopes(objects, size, connections).await?;
        let mut so_far = cpu()?;
        for _ in 0..RESTS_MAX {
            tokio::time::sleep(REST).await;
            let now = cpu()?;
            if now - so_far < REST.as_secs_f64() / 50.0 {
                return Ok(Cost { cpu_ms: (now - before) * 1e3, ..added });
            }
            so_far = now;
        }
        anyhow::bail!("the server does not come to rest")
    }

    /// Posts single objects over so many connections.
    pub(super) async fn singles(&self, connections: usize, count: u32) -> Result<Cost> {
        let one = |n| envelope([lamp(n).as_bytes()]);
        let bodies: Vec<Vec<u8>> = fresh_lamps(count).map(one).collect();
        self.at_once(connections, bodies, async |wire, body| {
            let answer = wire.post("objects/", body).await?;
            let status: OfOne<'_> = serde_json::from_slice(answer)?;
            let is_added = status.status == "complete" && status.success_count == 1;
            ensure!(is_added, "{}", String::from_utf8_lossy(answer));
            Ok(())
        })
        .await
    }

    async fn post(&self, bodies: &[Vec<u8>], connections: usize) -> Result<Cost> {
        let url = self.target.url("objects/");
        let next = AtomicUsize::new(0);
        self.cost(async || {
            let worker = async || -> Result<()> {
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = self.http.post(&url).body(body.clone()).send().await?;
                    self.until_complete(answer.error_for_status()?.json().await?).await?;
                }
                Ok(())
            };
            try_join_all((0..connections).map(|_| worker())).await?;
            Ok(bodies.len())
        })
        .await
    }

    /// Asks for the status of a request until it is complete; nothing of it may have failed.
    async fn until_complete(&self, mut status: Value) -> Result<()> {
        while status.get("status").is_some_and(|word| word == "pending") {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let id = status.get("id").and_then(Value::as_str).context("a status without id")?;
            let answer = self.http.get(self.target.status_url(id)).send().await?;
            status = answer.error_for_status()?.json().await?;
        }
        let done = status.get("status").is_some_and(|word| word == "complete");
        let failed = status.get("failure_count").is_some_and(|count| count != 0);
        ensure!(done && !failed, "{status}");
        Ok(())
    }

    /// Pages through everything, as a client does: by `next` where it is given, else by the
    /// header; how many objects there were.
    pub(super) async fn poll(&self, limit: usize) -> Result<Cost> {
        self.cost(async || {
            let (mut from, mut count) = (String::new(), 0);
            loop {
                let page = self.page(&format!("objects/?limit={limit}{from}")).await?;
                let envelope = page.envelope()?;
                count += envelope.objects.len();
                if !envelope.more {
                    return Ok(count);
                }
                from = match (envelope.next, &page.last) {
                    (Some(next), _) => format!("&next={next}"),
                    (None, Some(last)) => format!("&added_after={last}"),
                    (None, None) => anyhow::bail!("more is there, and no way to it"),
                };
            }
        })
        .await
    }

    /// One page.
    pub(super) async fn page(&self, rest: &str) -> Result<Page> {
        Page::of(self.http.get(self.target.url(rest)).send().await?).await
    }

    /// CPU of each of these requests, asked one after another so many times over.
    pub(super) async fn gets(&self, paths: &[String], times: usize) -> Result<Cost> {
        self.cost(async || {
            for _ in 0..times {
                for path in paths {
                    self.page(path).await?;
                }
            }
            Ok(times * paths.len())
        })
        .await
    }

    /// Gets so many objects one by one over so many connections.
    pub(super) async fn get_objects(
        &self,
        ids: &[String],
        count: usize,
        connections: usize,
    ) -> Result<Cost> {
        ensure!(!ids.is_empty(), "no ids");
        let path = |id: &String| format!("objects/{id}/");
        let paths: Vec<_> = ids.iter().cycle().take(count).map(path).collect();
        // The first one with a password pays for its hash.
        self.gets_at_once(1, paths.iter().take(1).cloned().collect(), |body| body.len() > 2)
            .await?;
        self.gets_at_once(connections, paths, |body| body.len() > 2).await
    }

    /// Asks whether anything came since a date, so many times over so many connections: nothing did.
    pub(super) async fn nothings(
        &self,
        after: &str,
        count: usize,
        connections: usize,
    ) -> Result<Cost> {
        let paths = vec![format!("objects/?added_after={after}"); count];
        self.gets_at_once(connections, paths, |body| body == b"{}").await
    }

    /// Asks for each of these over so many connections; every answer is one that `judge` takes.
    async fn gets_at_once(
        &self,
        connections: usize,
        paths: Vec<String>,
        judge: impl Fn(&[u8]) -> bool + Send + 'static,
    ) -> Result<Cost> {
        self.at_once(connections, paths, async move |wire, path| {
            let answer = wire.get(path).await?;
            ensure!(judge(answer), "{path}: {}", String::from_utf8_lossy(answer));
            Ok(())
        })
        .await
    }

    /// Does each part of some work over one of so many lean connections, which one thread drives:
    /// the next as soon as the one before is answered.
    async fn at_once<W: Send + 'static>(
        &self,
        connections: usize,
        work: Vec<W>,
        part: impl AsyncFn(&mut Wire, &W) -> Result<()> + Send + 'static,
    ) -> Result<Cost> {
        let wires: Vec<_> =
            (0..connections).map(|_| Wire::new(self.target)).collect::<Result<_>>()?;
        let count = work.len();
        self.cost(async || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let all = move || runtime.block_on(on_this_thread(wires, &work, part));
            tokio::task::spawn_blocking(all).await??;
            Ok(count)
        })
        .await
    }

    /// Pages of 1,000 over so many connections, for so many seconds, from the start again and
    /// again; the count is of pages.
    pub(super) async fn poll_for(&self, connections: usize, seconds: u64) -> Result<Cost> {
        let end = Instant::now() + Duration::from_secs(seconds);
        let count = AtomicUsize::new(0);
        self.cost(async || {
            let worker = async || -> Result<()> {
                let mut from = String::new();
                while Instant::now() < end {
                    let page = self.page(&format!("objects/?limit=1000{from}")).await?;
                    let more = page.body.starts_with(b"{\"more\":true");
                    let last = page.last.filter(|_| more);
                    from = last.map_or_else(String::new, |last| format!("&added_after={last}"));
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            };
            try_join_all((0..connections).map(|_| worker())).await?;
            Ok(count.load(Ordering::Relaxed))
        })
        .await
    }

    /// The date of the newest object: a single one is posted to know it.
    pub(super) async fn newest(&self) -> Result<String> {
        let object = fresh_lamps(1).map(lamp).next().unwrap_or_default();
        let id = stix::Head::parse(object.as_bytes())?.id.into_owned();
        self.post(&[envelope([object.as_bytes()])], 1).await?;
        let page = self.page(&format!("objects/{id}/")).await?;
        page.last.context("no date")
    }
}

async fn on_this_thread<W>(
    wires: Vec<Wire>,
    work: &[W],
    part: impl AsyncFn(&mut Wire, &W) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let of_wire = async |mut wire: Wire| -> Result<()> {
        while let Some(work) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            part(&mut wire, work).await?;
        }
        Ok(())
    };
    let mut wires: FuturesUnordered<_> = wires.into_iter().map(of_wire).collect();
    while wires.try_next().await?.is_some() {}
    Ok(())
}

/// What is asked of the status of one object.
#[derive(Deserialize)]
struct OfOne<'a> {
    #[serde(borrow)]
    status: &'a str,
    success_count: u32,
}
