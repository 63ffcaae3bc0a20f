//! Load on one server, and what it cost there.

use std::{
    collections::HashSet,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use reqwest::Client;
use serde_json::Value;

use super::server::Server;
use crate::nodes::{envelope, lamp};

/// Requests after which the CPU of one kind of request is known well enough.
const GETS: usize = 6_000;
const LAST: &str = "x-taxii-date-added-last";

/// A client of a server.
pub(super) struct Load<'s> {
    server: &'s Server,
    http: Client,
    singles: AtomicU32,
}

/// What some work cost.
pub(super) struct Cost {
    pub(super) cpu_ms: f64,
    pub(super) seconds: f64,
    pub(super) count: usize,
}

/// What became of a crowd.
pub(super) struct Crowd {
    pub(super) lost: usize,
    pub(super) p99_ms: f64,
}

impl<'s> Load<'s> {
    pub(super) fn new(server: &'s Server) -> Result<Self> {
        let singles = AtomicU32::new(1_000_000);
        Ok(Self { server, http: server.client()?, singles })
    }

    async fn measure(&self, work: impl AsyncFnOnce() -> Result<usize>) -> Result<Cost> {
        let (cpu, begun) = (self.server.cpu_seconds()?, Instant::now());
        let count = work().await?;
        let seconds = begun.elapsed().as_secs_f64();
        Ok(Cost { cpu_ms: (self.server.cpu_seconds()? - cpu) * 1e3, seconds, count })
    }

    /// Posts objects in envelopes of `size` over so many connections.
    pub(super) async fn envelopes(
        &self,
        objects: &[Vec<u8>],
        size: usize,
        connections: usize,
    ) -> Result<Cost> {
        let bodies: Vec<Vec<u8>> =
            objects.chunks(size).map(|chunk| envelope(chunk.iter().map(Vec::as_slice))).collect();
        self.post(&bodies, connections).await
    }

    /// Posts single objects over so many connections.
    pub(super) async fn singles(&self, connections: usize, count: u32) -> Result<Cost> {
        let first = self.singles.fetch_add(count, Ordering::Relaxed);
        let one = |n| envelope([lamp(n).as_bytes()]);
        let bodies: Vec<Vec<u8>> = (first..first + count).map(one).collect();
        self.post(&bodies, connections).await
    }

    async fn post(&self, bodies: &[Vec<u8>], connections: usize) -> Result<Cost> {
        let url = self.server.local("objects/");
        let next = AtomicUsize::new(0);
        self.measure(async || {
            let worker = async || -> Result<()> {
                loop {
                    let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        return Ok(());
                    };
                    let answer = self.http.post(&url).body(body.clone()).send().await?;
                    let status: Value = answer.error_for_status()?.json().await?;
                    let done = status.get("status").is_some_and(|word| word == "complete");
                    let failed = status.get("failure_count").is_some_and(|count| count != 0);
                    ensure!(done && !failed, "{status}");
                }
            };
            try_join_all((0..connections).map(|_| worker())).await?;
            Ok(bodies.len())
        })
        .await
    }

    /// Pages through everything by the header; how many objects there were.
    pub(super) async fn poll(&self, limit: usize) -> Result<Cost> {
        self.measure(async || {
            let (mut after, mut count) = (String::new(), 0);
            loop {
                let (body, last) = self.page(limit, &after).await?;
                count += objects_in(&body);
                if !body.starts_with(b"{\"more\":true") {
                    return Ok(count);
                }
                after = last;
            }
        })
        .await
    }

    async fn page(&self, limit: usize, after: &str) -> Result<(Bytes, String)> {
        let after = if after.is_empty() { String::new() } else { format!("&added_after={after}") };
        let url = self.server.local(&format!("objects/?limit={limit}{after}"));
        let answer = self.http.get(url).send().await?.error_for_status()?;
        let last = answer.headers().get(LAST).and_then(|date| date.to_str().ok());
        let last = last.unwrap_or_default().to_owned();
        Ok((answer.bytes().await?, last))
    }

    /// The dates at the ends of the first pages, a tenth of the whole apart.
    pub(super) async fn dates(&self, count: usize, limit: usize) -> Result<Vec<String>> {
        let (mut dates, mut after) = (Vec::new(), String::new());
        for _ in 0..count {
            for _ in 0..10 {
                after = self.page(limit, &after).await?.1;
            }
            dates.push(after.clone());
        }
        Ok(dates)
    }

    /// CPU of one request of these, each asked so many times.
    pub(super) async fn cpu_ms_of(&self, paths: &[String], times: usize) -> Result<f64> {
        let urls: Vec<_> = paths.iter().map(|path| self.server.local(path)).collect();
        let ask = async |url: &String| -> Result<()> {
            let answer = self.http.get(url).send().await?.error_for_status()?;
            ensure!(answer.bytes().await?.len() > 2, "{url}: an empty page");
            Ok(())
        };
        for url in &urls {
            ask(url).await?;
        }
        let cost = self
            .measure(async || {
                for _ in 0..times {
                    for url in &urls {
                        ask(url).await?;
                    }
                }
                Ok(times * urls.len())
            })
            .await?;
        Ok(cost.cpu_ms / cost.count as f64)
    }

    /// CPU of a poll that finds nothing new.
    pub(super) async fn nothing_new(&self) -> Result<f64> {
        let url = self.server.local("objects/?added_after=2999-01-01T00:00:00.000000Z");
        let cost = self
            .measure(async || {
                for _ in 0..GETS / 4 {
                    let answer = self.http.get(&url).send().await?.error_for_status()?;
                    ensure!(answer.bytes().await?.len() == 2, "something is there");
                }
                Ok(GETS / 4)
            })
            .await?;
        Ok(cost.cpu_ms / cost.count as f64)
    }

    /// A client that comes with a token.
    pub(super) fn bearer(&self) -> Result<Client> {
        self.server.client()
    }

    /// A client that comes with a password; none where the program gives no account one.
    pub(super) async fn basic(&self) -> Result<Option<Client>> {
        const PASSWORD: &str = "an invented password";
        let set = Command::new(crate::nodes::program())
            .args(["account", "password", "operator", "--password-file", "/dev/stdin", "--dir"])
            .arg(&self.server.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut set = set;
        std::io::Write::write_all(
            &mut set.stdin.take().context("no standard input")?,
            PASSWORD.as_bytes(),
        )
        .ok();
        if !set.wait()?.success() {
            return Ok(None);
        }
        let credentials = base64(format!("operator:{PASSWORD}").as_bytes());
        self.server.client_as(&format!("Basic {credentials}")).map(Some)
    }

    /// CPU of getting one object, over 8 connections.
    pub(super) async fn get_object(&self, objects: &[Vec<u8>], http: Client) -> Result<f64> {
        let ids: Vec<String> = objects
            .iter()
            .step_by(7)
            .filter_map(|object| Some(stix::Head::parse(object).ok()?.id.into_owned()))
            .collect();
        let url = |n: usize| {
            let id = ids.get(n % ids.len()).map(String::as_str).unwrap_or_default();
            self.server.local(&format!("objects/{id}/"))
        };
        // The first one with a password pays for its hash.
        http.get(url(0)).send().await?.error_for_status()?;
        let next = AtomicUsize::new(0);
        let cost = self
            .measure(async || {
                let worker = async || -> Result<()> {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= GETS {
                            return Ok(());
                        }
                        http.get(url(n)).send().await?.error_for_status()?.bytes().await?;
                    }
                };
                try_join_all((0..8).map(|_| worker())).await?;
                Ok(GETS)
            })
            .await?;
        Ok(cost.cpu_ms / cost.count as f64)
    }

    /// Pages of 1,000 per second, over so many connections, for so many seconds.
    pub(super) async fn poll_for(&self, connections: usize, seconds: u64) -> Result<f64> {
        let end = Instant::now() + Duration::from_secs(seconds);
        let count = AtomicUsize::new(0);
        let worker = async || -> Result<()> {
            let mut after = String::new();
            while Instant::now() < end {
                let (body, last) = self.page(1_000, &after).await?;
                after = if body.starts_with(b"{\"more\":true") { last } else { String::new() };
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        try_join_all((0..connections).map(|_| worker())).await?;
        Ok(count.into_inner() as f64 / seconds as f64)
    }

    /// So many clients poll from now on while writers post; each must see each object once.
    pub(super) async fn crowd(&self, pollers: u32, writers: u32, seconds: u64) -> Result<Crowd> {
        let start = self.newest().await?;
        let end = Instant::now() + Duration::from_secs(seconds);
        let done = Arc::new(AtomicBool::new(false));
        let waits = Arc::new(Mutex::new(Vec::new()));
        let mut polling = Vec::new();
        for _ in 0..pollers {
            let poller = Poller {
                http: self.server.client()?,
                url: self.server.local("objects/?limit=1000&added_after="),
                after: start.clone(),
                waits: Arc::clone(&waits),
                done: Arc::clone(&done),
            };
            polling.push(tokio::spawn(poller.run()));
        }
        let url = self.server.local("objects/");
        let writer = async || -> Result<usize> {
            let mut count = 0;
            while Instant::now() < end {
                let first = self.singles.fetch_add(10, Ordering::Relaxed);
                let lamps: Vec<_> = (first..first + 10).map(lamp).collect();
                let body = envelope(lamps.iter().map(String::as_bytes));
                self.http.post(&url).body(body).send().await?.error_for_status()?;
                count += 10;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok(count)
        };
        let posted: usize = try_join_all((0..writers).map(|_| writer())).await?.into_iter().sum();
        done.store(true, Ordering::Release);
        let mut lost = 0;
        for poller in polling {
            let (seen, distinct) = poller.await??;
            lost += posted.abs_diff(seen) + seen.abs_diff(distinct);
        }
        let mut waits = waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.sort_by(f64::total_cmp);
        let p99 = waits.get(waits.len() * 99 / 100).copied().unwrap_or(f64::NAN);
        Ok(Crowd { lost, p99_ms: p99 })
    }

    /// The date of the newest object: a single one is posted to know it.
    async fn newest(&self) -> Result<String> {
        let n = self.singles.fetch_add(1, Ordering::Relaxed);
        let object = lamp(n);
        let id = stix::Head::parse(object.as_bytes())?.id.into_owned();
        self.post(&[envelope([object.as_bytes()])], 1).await?;
        let url = self.server.local(&format!("objects/{id}/"));
        let answer = self.http.get(url).send().await?.error_for_status()?;
        let last = answer.headers().get(LAST).and_then(|date| date.to_str().ok());
        Ok(last.context("no date")?.to_owned())
    }
}

struct Poller {
    http: Client,
    url: String,
    after: String,
    waits: Arc<Mutex<Vec<f64>>>,
    done: Arc<AtomicBool>,
}

impl Poller {
    /// Polls until the writers are done and nothing more comes; how many ids it saw, and how many
    /// of them differ.
    async fn run(mut self) -> Result<(usize, usize)> {
        let (mut seen, mut distinct) = (0, HashSet::new());
        loop {
            let last = self.done.load(Ordering::Acquire);
            let begun = Instant::now();
            let url = format!("{}{}", self.url, self.after);
            let answer = self.http.get(url).send().await?.error_for_status()?;
            if let Some(date) = answer.headers().get(LAST).and_then(|date| date.to_str().ok()) {
                self.after = date.to_owned();
            }
            let body = answer.bytes().await?;
            let waited = begun.elapsed().as_secs_f64() * 1e3;
            self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(waited);
            let ids = ids_in(&body);
            if ids.is_empty() && last {
                return Ok((seen, distinct.len()));
            }
            seen += ids.len();
            distinct.extend(ids);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Invented lamps of an envelope, by the number in their id.
fn ids_in(body: &[u8]) -> Vec<u32> {
    let text = String::from_utf8_lossy(body);
    text.split("\"id\":\"tool--0dd1a4b5-0000-4000-8000-")
        .skip(1)
        .filter_map(|rest| rest.get(..12)?.parse().ok())
        .collect()
}

fn objects_in(body: &[u8]) -> usize {
    let envelope: Value = serde_json::from_slice(body).unwrap_or_default();
    envelope.get("objects").and_then(Value::as_array).map_or(0, Vec::len)
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
