//! Listeners: connections taken in, counted, secured and paced, and cut when they stand still.
//!
//! What a stranger can make a node hold is bounded here: connections in all and for each address,
//! heads, idle time. Who is on the other end goes with each request as a [`Remote`].

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use protocol::terms::{Digest, Timestamp};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceBuilder;

use crate::{
    config::Pace,
    desk::now,
    partner_door::Peer,
    tls::{self, Secured},
    window::Window,
};

mod guarded;

use guarded::Guarded;

/// Who is on the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Remote {
    /// The address; that of the proxy where one is in front.
    pub address: IpAddr,
    /// Digest of the key of the certificate that it showed and proved.
    pub certificate: Option<Digest>,
}

/// Where connections come in, and what answers them.
pub struct Door {
    /// The socket.
    pub listener: TcpListener,
    /// How it is secured; plain where it is not.
    pub tls: Option<Secured>,
    /// What answers.
    pub router: Router,
    /// One address may take every connection: a proxy in front is one.
    pub is_shared: bool,
    /// How long it waits for the other end.
    pub pace: Pace,
}

/// Connections at once.
const CONNECTIONS_MAX: usize = 8_192;
/// Connections at once of one address.
const OF_ADDRESS_MAX: usize = 1_024;
/// For what is under way when the node stops.
const FAREWELL: Duration = Duration::from_secs(3);
/// Bytes of a head that are held; the TAXII door refuses smaller ones in its own words.
const HEAD_LEN_MAX: usize = 192 * 1024;
/// Requests at once on an HTTP/2 connection.
const STREAMS_MAX: u32 = 64;

/// Accepts connections until told to stop; what is under way is finished.
pub async fn listen(door: Door, mut stopped: watch::Receiver<bool>) {
    let per_address = if door.is_shared { CONNECTIONS_MAX } else { OF_ADDRESS_MAX };
    let connections = Arc::new(Connections::new(per_address));
    loop {
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            () = told(&mut stopped) => return,
        };
        let Ok((stream, from)) = accepted else {
            // Out of file descriptors: those that end give some back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let address = from.ip().to_canonical();
        let Some(place) = Connections::take(&connections, address) else { continue };
        let _ = stream.set_nodelay(true);
        let (tls, router, stopped) = (door.tls.clone(), door.router.clone(), stopped.clone());
        tokio::spawn(welcome((stream, place), (tls, door.pace), router, stopped));
    }
}

async fn welcome(
    (stream, place): (TcpStream, Place),
    (tls, pace): (Option<Secured>, Pace),
    router: Router,
    stopped: watch::Receiver<bool>,
) {
    let address = place.address;
    let still = Duration::from_millis(pace.still_ms);
    let Some(tls) = tls else {
        let remote = Remote { address, certificate: None };
        let stream = Guarded::new(stream, place, still);
        return talk(stream, (remote, pace), router, stopped).await;
    };
    let handshake = Duration::from_millis(pace.handshake_ms);
    let acceptor = TlsAcceptor::from(tls());
    let stream = match tokio::time::timeout(handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return place.connections.unshaken(address, &error, now()),
        Err(_) => return,
    };
    if tls::desk::is_challenge(stream.get_ref().1.alpn_protocol()) {
        return;
    }
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first())
        .and_then(|certificate| tls::pin(certificate).ok());
    let remote = Remote { address, certificate };
    talk(Guarded::new(stream, place, still), (remote, pace), router, stopped).await;
}

/// Ends when the node is told to stop.
pub async fn told(stopped: &mut watch::Receiver<bool>) {
    // The sender outlives every task; its loss means the same.
    let _ = stopped.wait_for(|stopped| *stopped).await.map(drop);
}

async fn talk<S>(
    stream: S,
    (remote, pace): (Remote, Pace),
    router: Router,
    mut stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let introduce = move |mut request: Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(remote);
        if let Some(pin) = remote.certificate {
            request.extensions_mut().insert(Peer(pin));
        }
        request
    };
    let service = ServiceBuilder::new().map_request(introduce).service(router);
    let builder = builder(pace);
    let (io, service) = (TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = builder.serve_connection_with_upgrades(io, service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = told(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(FAREWELL, connection).await;
        }
    }
}

fn builder(pace: Pace) -> auto::Builder<TokioExecutor> {
    let head = Duration::from_millis(pace.head_ms);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        // Its own bound of 100 fields stays: for more of them it allocates with each request.
        .max_buf_size(HEAD_LEN_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(head)
        .keep_alive_timeout(head)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_LEN_MAX).unwrap_or(u32::MAX));
    builder
}

/// Connections that are open, by address.
struct Connections {
    per_address: usize,
    held: Mutex<Held>,
    unshaken: Window<IpAddr>,
}

#[derive(Default)]
struct Held {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// A place among the connections, given back when dropped.
struct Place {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    fn new(per_address: usize) -> Self {
        Self { per_address, held: Mutex::default(), unshaken: Window::new() }
    }

    /// Says why TLS did not come about, once a minute for an address: a client certificate that is
    /// not taken is found out about here alone. Who just hangs up says nothing of that kind.
    fn unshaken(&self, address: IpAddr, error: &io::Error, now: Timestamp) {
        let is_of_tls = error.kind() == io::ErrorKind::InvalidData;
        if is_of_tls && self.unshaken.count(one_host(address), 1, now) == 1 {
            tracing::warn!(event = "tls.refused", %address, %error);
        }
    }

    fn take(this: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let host = one_host(address);
        let mut held = this.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.all >= CONNECTIONS_MAX {
            return None;
        }
        let of = held.of.entry(host).or_default();
        if *of >= this.per_address {
            return None;
        }
        *of += 1;
        held.all += 1;
        Some(Place { connections: Arc::clone(this), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.connections.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all -= 1;
        let host = one_host(self.address);
        if let Some(of) = held.of.get_mut(&host) {
            *of -= 1;
            if *of == 0 {
                held.of.remove(&host);
            }
        }
    }
}

/// One host, for counting: an IPv6 address stands for its /64, which one host has whole.
pub fn one_host(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_connection() {
        let connections = Arc::new(Connections::new(2));
        let greedy: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        let first = Connections::take(&connections, greedy).unwrap();
        let _second = Connections::take(&connections, neighbour).unwrap();
        assert!(Connections::take(&connections, greedy).is_none());
        assert!(Connections::take(&connections, other).is_some());
        drop(first);
        assert!(Connections::take(&connections, greedy).is_some());
    }
}
