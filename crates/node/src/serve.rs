//! `detente serve`: listeners, workers' loops, a graceful stop.

use std::{
    error::Error as _,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use exchange::{
    Failure, Service, Step, collections, gaps, intake, oversight, recall, relay, release, submit,
    sweep,
};
use protocol::terms::Digest;
use store::{Lane, Work};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    api,
    config::{Config, Pace},
    console,
    desk::{Desk, Shared, now, rng},
    init::{self, Opened},
    link::Links,
    listen::{Door, listen, told},
    metrics::{self, Metrics},
    partner_door, taxii, tls,
};

/// How long a worker sleeps when nothing changes.
const IDLE: Duration = Duration::from_millis(500);

/// Runs a node until it is told to stop.
///
/// *Errors*: what `init::open` says; a port in use; files of `tls` that cannot be used.
pub async fn serve(dir: &Path, passphrase: &str) -> Result<()> {
    let Opened { service, config, keyring, link } = init::open(dir, passphrase).await?;
    let link = Arc::new(link);
    let (stop, stopped) = watch::channel(false);
    let desk_listener = bind(config.desk, "desk").await?;
    let partner_listener = bind(config.partner, "partner").await?;
    let doors_at = (desk_listener.local_addr()?, partner_listener.local_addr()?);
    let desk_tls = match config.speaks_tls() {
        true => Some(tls::desk::server(&config.tls.clone().unwrap_or_default(), dir, &link)?),
        false => None,
    };
    warn_of_proxy(&config);
    oversight::publish(&service, now()).await?;
    let is_shared = config.behind_proxy;
    let desk = Arc::new(Desk::open(service.clone(), config, keyring).await?);
    let metrics = Arc::clone(&desk.metrics);
    let pinned_by = service.clone();
    let door_tls = link.partner_door(Arc::new(move |pin| is_pinned(&pinned_by, pin)))?;
    let desk_door = Door {
        listener: desk_listener,
        tls: desk_tls,
        router: desk_router(Arc::clone(&desk)),
        is_shared,
        pace: desk.config.pace,
    };
    let partner_door = Door {
        listener: partner_listener,
        tls: Some(door_tls),
        router: partner_door::router(service.clone(), Arc::clone(&metrics)),
        is_shared: false,
        pace: Pace::default(),
    };
    let doors = [desk_door, partner_door].map(|door| tokio::spawn(listen(door, stopped.clone())));
    let links = Arc::new(Links::new(link, service.clone()));
    let outage = Arc::default();
    let node = Node { service: service.clone(), links, desk, metrics, outage };
    let workers = start_workers(&node, &stopped);
    let (desk_at, partner_at) = doors_at;
    tracing::info!(
        event = "node.started", name = %service.name(), desk = %desk_at, partner_door = %partner_at
    );
    told_to_stop().await?;
    tracing::info!(event = "node.stopping");
    stop.send_replace(true);
    for task in doors.into_iter().chain(workers) {
        let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
    }
    service.store().close();
    Ok(())
}

/// Behind a proxy the desk trusts whoever reaches it: that should be the proxy alone.
fn warn_of_proxy(config: &Config) {
    if config.behind_proxy && !config.desk.ip().is_loopback() {
        tracing::warn!(
            event = "desk.behind-proxy", desk = %config.desk,
            "whoever reaches this address without the proxy can give any address as its own in \
             X-Forwarded-For; listen on loopback, or let only the proxy reach it"
        );
    }
}

async fn bind(address: SocketAddr, door: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("the {door} door cannot listen on {address}; free the port or change node.toml")
    })
}

/// Reads are made on the caller's thread, so the future is ready at its first poll.
fn is_pinned(service: &Service, pin: &Digest) -> bool {
    use futures_util::FutureExt;
    partner_door::partner_of(service, pin).now_or_never().flatten().is_some()
}

/// What answers at the desk: the API, the console, and TAXII on every other path that no person
/// looks for.
pub fn desk_router(desk: Shared) -> Router {
    Router::new()
        .nest("/api", api::router(&desk))
        .merge(metrics::router())
        .merge(console::router(&desk))
        .fallback(elsewhere)
        .with_state(desk)
}

async fn elsewhere(State(desk): State<Shared>, request: Request) -> Response {
    match taxii::is_for_people(&request) {
        true => console::nowhere(&desk, request).await,
        false => taxii::door(&desk, request).await,
    }
}

async fn told_to_stop() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

type Tasks = Vec<tokio::task::JoinHandle<()>>;

/// What every worker needs.
#[derive(Clone)]
struct Node {
    service: Service,
    links: Arc<Links>,
    desk: Shared,
    metrics: Arc<Metrics>,
    outage: Arc<Outage>,
}

fn start_workers(node: &Node, stopped: &watch::Receiver<bool>) -> Tasks {
    // Each on a thread of its own: what chews on a thousand objects must not keep a door, or the
    // way of a FLASH, from its turn.
    let start = |name, worker: Worker| {
        let work = run(name, worker, node.clone(), stopped.clone());
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || runtime.block_on(work))
    };
    vec![
        start("release.urgent", Worker::Release(Lane::Urgent)),
        start("release.bulk", Worker::Release(Lane::Bulk)),
        start("recall", Worker::Recall),
        start("relay.urgent", Worker::Relay(Lane::Urgent)),
        start("relay.bulk", Worker::Relay(Lane::Bulk)),
        start("intake.urgent", Worker::Intake(Lane::Urgent)),
        start("intake.bulk", Worker::Intake(Lane::Bulk)),
        start("submissions", Worker::Submissions),
        start("collections", Worker::Collections),
        start("gaps", Worker::Gaps),
        start("checkpoint", Worker::Checkpoint),
        start("sweep", Worker::Sweep),
    ]
}

/// Whether the database answers: told when that changes, not by each of the workers that ask.
#[derive(Default)]
struct Outage(Mutex<Option<Instant>>);

impl Outage {
    fn began(&self, error: &store::Error, now: Instant) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_none() {
            *since = Some(now);
            let causes = std::iter::successors(error.source(), |cause| (*cause).source());
            let cause = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            tracing::error!(
                event = "store.away",
                cause,
                "the database that `store` in node.toml names does not answer; requests get 503 \
                 until it does, and the node goes on by itself"
            );
        }
    }

    /// Something was read. Just after the database went, another worker may have been quicker.
    fn ended(&self, now: Instant) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lasted = since.map(|began| now.saturating_duration_since(began));
        let lasted = lasted.filter(|lasted| *lasted >= IDLE);
        if let Some(lasted) = lasted {
            *since = None;
            tracing::info!(event = "store.back", away_s = lasted.as_secs());
        }
    }
}

#[derive(Clone, Copy)]
enum Worker {
    Release(Lane),
    Recall,
    Relay(Lane),
    Intake(Lane),
    Submissions,
    Collections,
    Gaps,
    Checkpoint,
    Sweep,
}

impl Worker {
    async fn step(self, node: &Node) -> Result<Step, Failure> {
        let (service, links, time) = (&node.service, &*node.links, now());
        match self {
            Self::Release(lane) => release::step(service, lane, time, &mut rng()).await,
            Self::Recall => recall::step(service, time, &mut rng()).await,
            Self::Relay(lane) => relay::step(service, links, lane, time).await,
            Self::Intake(lane) => intake::step(service, lane, time, &mut rng()).await,
            Self::Submissions => submit::step(service).await,
            Self::Collections => collections::step(service, time).await,
            Self::Gaps => gaps::step(service, links, time).await,
            Self::Sweep => {
                expire_keys(node).await;
                sweep::step(service, time, &mut rng()).await
            }
            Self::Checkpoint => {
                let step = oversight::publish(service, time).await?;
                if step != Step::Idle {
                    for partner in service.store().partners().await? {
                        oversight::exchange(service, links, &partner, time).await?;
                    }
                }
                Ok(Step::Idle)
            }
        }
    }

    /// The work that wakes it; what has none is woken by the clock alone.
    fn work(self) -> Option<Work> {
        match self {
            Self::Release(_) => Some(Work::Drafts),
            Self::Recall => Some(Work::Recalls),
            Self::Relay(_) => Some(Work::Outbox),
            Self::Intake(_) => Some(Work::Inbox),
            Self::Submissions => Some(Work::Submissions),
            Self::Collections => Some(Work::Collections),
            Self::Gaps | Self::Checkpoint | Self::Sweep => None,
        }
    }
}

/// Retired seal keys go once nothing sealed to them can be under way; a directory that cannot be
/// written is said and tried again.
async fn expire_keys(node: &Node) {
    let outage_max_ms = i64::from(node.desk.config.outage_max_days) * 86_400_000;
    let expired = node.desk.keyring.expire(&node.service, outage_max_ms, now()).await;
    if let Err(error) = expired {
        tracing::error!(event = "keys.not-expired", error = %error);
    }
}

/// Steps until told to stop; sleeps until there is work or the clock asks.
async fn run(name: &'static str, worker: Worker, node: Node, mut stopped: watch::Receiver<bool>) {
    let work = worker.work();
    let mut calls = work.map(|work| node.service.store().calls(work));
    while !*stopped.borrow() {
        if let Some(calls) = &mut calls {
            calls.mark_unchanged();
        }
        match worker.step(&node).await {
            Ok(Step::Worked(_)) => {
                node.outage.ended(Instant::now());
                node.metrics.worked(name);
                continue;
            }
            Ok(Step::Idle) => node.outage.ended(Instant::now()),
            Err(failure) => {
                node.metrics.failed(name);
                match &failure {
                    Failure::Store(error @ store::Error::Away(_)) => {
                        node.outage.began(error, Instant::now());
                    }
                    _ => tracing::error!(event = "worker.failed", worker = name, error = %failure),
                }
                tokio::time::sleep(IDLE).await;
            }
        }
        tokio::select! {
            _ = tokio::time::sleep(if work.is_some() { IDLE } else { IDLE * 2 }) => {}
            () = told(&mut stopped) => return,
            () = called(&mut calls) => {}
        }
    }
}

/// Until a commit leaves work; never, for a worker that only the clock wakes.
async fn called(calls: &mut Option<watch::Receiver<u64>>) {
    if let Some(calls) = calls
        && calls.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// Reads a passphrase: a systemd credential, a file, or a prompt. Never the environment.
pub fn passphrase(file: Option<&Path>) -> Result<zeroize::Zeroizing<String>> {
    use std::io::IsTerminal as _;
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY")
        .map(|dir| Path::new(&dir).join("detente-passphrase"))
        .filter(|path| path.exists());
    if let Some(path) = credential.as_deref().or(file) {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        return Ok(zeroize::Zeroizing::new(text.trim_end_matches('\n').to_owned()));
    }
    if !std::io::stdin().is_terminal() {
        bail!("no passphrase: give --passphrase-file, or run it at a terminal");
    }
    Ok(zeroize::Zeroizing::new(rpassword::prompt_password("Passphrase of the node's keys: ")?))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// What the log tells while something is done.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn outage_is_told_once_when_it_begins_and_once_when_it_is_over() {
        let told = Told::default();
        let writer = told.clone();
        let log = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        let (outage, start) = (Outage::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        tracing::subscriber::with_default(log, || {
            outage.ended(at(0));
            outage.began(&store::Error::Away(None), at(0));
            // Twelve workers meet it, and one read just before it went.
            outage.ended(at(1));
            outage.began(&store::Error::Away(None), at(2));
            outage.began(&store::Error::Away(None), at(3_000));
            outage.ended(at(7_100));
            outage.ended(at(7_101));
            outage.began(&store::Error::Away(None), at(9_000));
        });
        let text = String::from_utf8(told.0.lock().unwrap().clone()).unwrap();
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let told: Vec<_> = text.lines().map(|text| line(text)["fields"].clone()).collect();
        let events: Vec<_> = told.iter().map(|told| told["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["store.away", "store.back", "store.away"]);
        assert!(told[0]["message"].as_str().unwrap().contains("the node goes on by itself"));
        assert_eq!(told[1]["away_s"], 7);
    }
}
