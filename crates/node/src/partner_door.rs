//! The partner door: statements in; statements, key statement and checkpoints out. A stranger
//! learns nothing but `not accepted`.
//!
//! Each partner has a share of its own: so many requests under way, so many a second. Whoever asks
//! for more is told to wait, and no other partner notices.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Extension, Path, Query, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use exchange::{Failure, Service, gaps, intake, oversight};
use protocol::terms::{AgreementId, Digest, NodeName, limits};
use serde::Deserialize;
use store::Route;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{desk::now, link, metrics::Metrics, problem::Problem};

/// Requests of one partner under way at once: both lanes of its relay, and questions beside them.
const UNDER_WAY_MAX: usize = 32;
/// Requests a second of one partner, on average.
const RATE: f64 = 1_000.0;
/// Requests that may come at once after a pause.
const BURST: f64 = 4_000.0;

/// Who is on the other end: the digest of its link key.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub Digest);

/// What the door's handlers share.
struct PartnerDoor {
    service: Service,
    metrics: Arc<Metrics>,
    shares: Mutex<HashMap<NodeName, Share>>,
}

/// What one partner has used of its share.
struct Share {
    under_way: Arc<Semaphore>,
    left: f64,
    at: Instant,
}

impl Share {
    fn new(now: Instant) -> Self {
        Self { under_way: Arc::new(Semaphore::new(UNDER_WAY_MAX)), left: BURST, at: now }
    }

    /// A place for one more request, if the partner's share has one.
    fn take(&mut self, now: Instant) -> Option<OwnedSemaphorePermit> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * RATE).min(BURST);
        self.at = now;
        let permit = Arc::clone(&self.under_way).try_acquire_owned().ok()?;
        if self.left < 1.0 {
            return None;
        }
        self.left -= 1.0;
        Some(permit)
    }
}

/// The door's routes.
pub fn router(service: Service, metrics: Arc<Metrics>) -> Router {
    let door = Arc::new(PartnerDoor { service, metrics, shares: Mutex::default() });
    Router::new()
        .route("/statements", post(statements))
        .route("/statements/{agreement}", get(missing))
        .route("/checkpoint", get(checkpoint))
        .route("/keys", get(keys))
        .fallback(|| async { not_accepted() })
        .layer(DefaultBodyLimit::max(limits::ENVELOPE_LEN_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&door), guard))
        .with_state(door)
}

/// The partner whose key statements name a link key.
pub async fn partner_of(service: &Service, pin: &Digest) -> Option<NodeName> {
    for partner in service.store().partners().await.ok()? {
        if link::pins(service, &partner.name).await.contains(pin) {
            return Some(partner.name);
        }
    }
    None
}

fn not_accepted() -> Response {
    Problem::new(StatusCode::FORBIDDEN, "LINK-1", "not accepted", "ask the partner").into_response()
}

fn wait() -> Response {
    let problem = Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "LINK-3",
        "more than this partner's share",
        "try again in a second",
    );
    ([(header::RETRY_AFTER, "1")], problem).into_response()
}

/// Finds out which partner it is and keeps it within its share, before any body is read.
async fn guard(
    State(door): State<Arc<PartnerDoor>>,
    peer: Option<Extension<Peer>>,
    mut request: Request,
    next: Next,
) -> Response {
    let partner = match peer {
        Some(Extension(peer)) => partner_of(&door.service, &peer.0).await,
        None => None,
    };
    let Some(partner) = partner else {
        door.metrics.refused("unknown-peer");
        return not_accepted();
    };
    let place = {
        let time = Instant::now();
        let mut shares = door.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.entry(partner.clone()).or_insert_with(|| Share::new(time)).take(time)
    };
    let Some(_place) = place else {
        door.metrics.refused("over-share");
        return wait();
    };
    request.extensions_mut().insert(partner);
    next.run(request).await
}

async fn statements(
    State(door): State<Arc<PartnerDoor>>,
    Extension(partner): Extension<NodeName>,
    envelope: Bytes,
) -> Response {
    let taken = intake::accept(&door.service, envelope, Route::Link, Some(&partner), now()).await;
    let code = match taken {
        Ok(_) => {
            door.metrics.accepted();
            return (StatusCode::ACCEPTED, Body::empty()).into_response();
        }
        Err(intake::AcceptError::Refused(refusal)) => refusal.code.code(),
        Err(intake::AcceptError::WrongPeer) => "wrong-peer",
        Err(intake::AcceptError::Failure(failure)) => {
            tracing::error!(event = "statement.failed", error = %failure);
            let status = match failure {
                Failure::Store(store::Error::Full) => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            return (status, Body::empty()).into_response();
        }
    };
    door.metrics.refused(code);
    tracing::warn!(event = "statement.not-accepted", partner = %partner, code);
    not_accepted()
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

/// What went to this partner after a number and is still here (statement format, 2.3).
async fn missing(
    State(door): State<Arc<PartnerDoor>>,
    Extension(partner): Extension<NodeName>,
    Path(agreement): Path<String>,
    Query(after): Query<After>,
) -> Response {
    let Ok(agreement) = agreement.parse::<AgreementId>() else { return not_accepted() };
    match gaps::answer(&door.service, &partner, &agreement, after.after).await {
        Ok(answer) => ([(header::CONTENT_TYPE, gaps::MEDIA_TYPE)], answer).into_response(),
        Err(failure) => Problem::from(failure).into_response(),
    }
}

async fn keys(State(door): State<Arc<PartnerDoor>>) -> Response {
    let keys = door.service.keys();
    let note = keys.statement().note().to_vec();
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response()
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn checkpoint(State(door): State<Arc<PartnerDoor>>, Query(since): Query<Since>) -> Response {
    match oversight::checkpoint(&door.service, since.since).await {
        Ok(answer) => Json(answer).into_response(),
        Err(failure) => Problem::from(failure).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn share_bounds_what_is_under_way_and_comes_back() {
        let start = Instant::now();
        let mut share = Share::new(start);
        let held: Vec<_> = (0..UNDER_WAY_MAX).map(|_| share.take(start).unwrap()).collect();
        assert!(share.take(start).is_none(), "all places are taken");
        drop(held);
        assert!(share.take(start).is_some());
    }

    #[test]
    fn share_bounds_the_rate_over_time() {
        let start = Instant::now();
        let mut share = Share::new(start);
        let taken = (0..10_000).filter(|_| share.take(start).is_some()).count();
        assert_eq!(taken, BURST as usize);
        let later = start + Duration::from_millis(500);
        let taken = (0..10_000).filter(|_| share.take(later).is_some()).count();
        assert_eq!(taken, (RATE / 2.0) as usize);
    }
}
