//! `detente serve`: listeners, workers' loops, a graceful stop.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use axum::{Extension, Router};
use exchange::{Failure, Service, Step, intake, oversight, recall, relay, release, sweep};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use protocol::terms::Digest;
use rand_core::Rng;
use rustls::ServerConfig;
use store::Lane;
use tokio::{net::TcpListener, sync::watch};
use tokio_rustls::TlsAcceptor;

use crate::{
    api,
    auth::Auth,
    console,
    desk::{Desk, Shared, now, rng},
    init::{self, Opened},
    link::Links,
    partner_door::{self, Peer},
    taxii, tls,
};

/// How long a worker sleeps when nothing changes.
const IDLE: Duration = Duration::from_millis(500);

/// Runs a node until it is told to stop.
///
/// *Errors*: what `init::open` says; a port in use; a desk that would speak plain HTTP away from
/// loopback.
pub async fn serve(dir: &Path, passphrase: &str) -> Result<()> {
    let Opened { service, config, link } = init::open(dir, passphrase)?;
    let link = Arc::new(link);
    let (stop, stopped) = watch::channel(false);
    let desk_listener = bind(config.desk, "desk").await?;
    let partner_listener = bind(config.partner, "partner").await?;
    let desk_tls = match config.desk.ip().is_loopback() || config.behind_proxy {
        true => None,
        false => Some(link.desk_door()?),
    };
    oversight::publish(&service, now()).await?;
    let mut key = [0; 32];
    rng().fill_bytes(&mut key);
    let cursor_key = cursor_key(&service).await?;
    let auth = Auth::new(key);
    let desk = Arc::new(Desk { service: service.clone(), auth, config, cursor_key });
    let pinned_by = service.clone();
    let door_tls = link.partner_door(Arc::new(move |pin| is_pinned(&pinned_by, pin)))?;
    let doors = [
        tokio::spawn(listen(desk_listener, desk_tls, desk_router(desk), stopped.clone())),
        tokio::spawn(listen(
            partner_listener,
            Some(door_tls),
            partner_door::router(service.clone()),
            stopped.clone(),
        )),
    ];
    let links = Arc::new(Links::new(link, service.store().clone()));
    let workers = start_workers(&service, &links, &stopped);
    tracing::info!(event = "node.started", name = %service.name());
    told_to_stop().await?;
    tracing::info!(event = "node.stopping");
    stop.send_replace(true);
    for task in doors.into_iter().chain(workers) {
        let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
    }
    service.store().close();
    Ok(())
}

async fn bind(address: SocketAddr, door: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("the {door} door cannot listen on {address}; free the port or change node.toml")
    })
}

/// The key of TAXII cursors lives as long as the store, so that cursors never expire.
async fn cursor_key(service: &Service) -> Result<[u8; 32]> {
    if let Some(kept) = service.store().meta("taxii.cursor_key").await?
        && let Ok(key) = kept.try_into()
    {
        return Ok(key);
    }
    let mut key = [0; 32];
    rng().fill_bytes(&mut key);
    service.store().set_meta("taxii.cursor_key", key.to_vec()).await?;
    Ok(key)
}

/// Reads are made on the caller's thread, so the future is ready at its first poll.
fn is_pinned(service: &Service, pin: &Digest) -> bool {
    use futures_util::FutureExt;
    partner_door::partner_of(service, pin).now_or_never().flatten().is_some()
}

fn desk_router(desk: Shared) -> Router {
    Router::new()
        .nest("/api", api::router(&desk))
        .merge(console::router())
        .merge(taxii::router())
        .with_state(desk)
}

async fn told_to_stop() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Accepts connections until told to stop; what is under way is finished.
async fn listen(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = told(&mut stopped) => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let (acceptor, router, stopped) = (acceptor.clone(), router.clone(), stopped.clone());
        tokio::spawn(async move {
            match acceptor {
                None => talk(TokioIo::new(stream), router, stopped).await,
                Some(acceptor) => {
                    let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
                    let Ok(Ok(stream)) = shaken else { return };
                    let pin = stream
                        .get_ref()
                        .1
                        .peer_certificates()
                        .and_then(|chain| chain.first())
                        .and_then(|certificate| tls::pin(certificate).ok());
                    let router = match pin {
                        Some(pin) => router.layer(Extension(Peer(pin))),
                        None => router,
                    };
                    talk(TokioIo::new(stream), router, stopped).await;
                }
            }
        });
    }
}

/// Ends when the node is told to stop.
async fn told(stopped: &mut watch::Receiver<bool>) {
    // The sender outlives every task; its loss means the same.
    let _ = stopped.wait_for(|stopped| *stopped).await.map(drop);
}

const HANDSHAKE: Duration = Duration::from_secs(10);

async fn talk<I>(io: I, router: Router, mut stopped: watch::Receiver<bool>)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection_with_upgrades(io, TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = told(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(Duration::from_secs(3), connection).await;
        }
    }
}

type Tasks = Vec<tokio::task::JoinHandle<()>>;

fn start_workers(service: &Service, links: &Arc<Links>, stopped: &watch::Receiver<bool>) -> Tasks {
    let start = |name, worker: Worker| {
        let (service, links, stopped) = (service.clone(), Arc::clone(links), stopped.clone());
        tokio::spawn(run(name, worker, service, links, stopped))
    };
    vec![
        start("release", Worker::Release),
        start("recall", Worker::Recall),
        start("relay.urgent", Worker::Relay(Lane::Urgent)),
        start("relay.bulk", Worker::Relay(Lane::Bulk)),
        start("intake", Worker::Intake),
        start("checkpoint", Worker::Checkpoint),
        start("sweep", Worker::Sweep),
    ]
}

#[derive(Clone, Copy)]
enum Worker {
    Release,
    Recall,
    Relay(Lane),
    Intake,
    Checkpoint,
    Sweep,
}

impl Worker {
    async fn step(self, service: &Service, links: &Links) -> Result<Step, Failure> {
        let time = now();
        match self {
            Self::Release => release::step(service, time, &mut rng()).await,
            Self::Recall => recall::step(service, time, &mut rng()).await,
            Self::Relay(lane) => relay::step(service, links, lane, time).await,
            Self::Intake => intake::step(service, time, &mut rng()).await,
            Self::Sweep => sweep::step(service, time).await,
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

    /// Whether a commit wakes it, or only the clock.
    fn waits_for_changes(self) -> bool {
        !matches!(self, Self::Checkpoint | Self::Sweep)
    }
}

/// Steps until told to stop; sleeps until something changes or the clock asks.
async fn run(
    name: &'static str,
    worker: Worker,
    service: Service,
    links: Arc<Links>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut changes = service.store().changes();
    while !*stopped.borrow() {
        changes.mark_unchanged();
        match worker.step(&service, &links).await {
            Ok(Step::Worked(_)) => continue,
            Ok(Step::Idle) => {}
            Err(failure) => {
                tracing::error!(event = "worker.failed", worker = name, error = %failure);
                tokio::time::sleep(IDLE).await;
            }
        }
        let pause = if worker.waits_for_changes() { IDLE } else { IDLE * 2 };
        tokio::select! {
            _ = tokio::time::sleep(pause) => {}
            () = told(&mut stopped) => return,
            changed = changes.changed(), if worker.waits_for_changes() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
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
