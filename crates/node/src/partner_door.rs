//! The partner door: statements in, checkpoints out. A stranger learns nothing but `not accepted`.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Extension, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use exchange::{Failure, Service, intake, oversight};
use protocol::terms::{Digest, NodeName, limits};
use serde::Deserialize;
use store::Route;

use crate::{desk::now, link, problem::Problem};

/// Who is on the other end: the digest of its link key.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub Digest);

/// The door's routes.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/statements", post(statements))
        .route("/checkpoint", get(checkpoint))
        .layer(DefaultBodyLimit::max(limits::ENVELOPE_LEN_MAX))
        .with_state(Arc::new(service))
}

/// The partner whose key statements name a link key.
pub async fn partner_of(service: &Service, pin: &Digest) -> Option<NodeName> {
    for partner in service.store().partners().await.ok()? {
        if link::pins(service.store(), &partner.name).await.contains(pin) {
            return Some(partner.name);
        }
    }
    None
}

fn not_accepted() -> Response {
    Problem::new(StatusCode::FORBIDDEN, "LINK-1", "not accepted", "ask the partner").into_response()
}

async fn statements(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    envelope: Bytes,
) -> Response {
    let Some(partner) = partner_of(&service, &peer.0).await else { return not_accepted() };
    match intake::accept(&service, envelope, Route::Link, Some(&partner), now()).await {
        Ok(_) => (StatusCode::ACCEPTED, Body::empty()).into_response(),
        Err(intake::AcceptError::Refused(refusal)) => {
            let code = refusal.code.code();
            tracing::warn!(event = "statement.not-accepted", partner = %partner, code);
            not_accepted()
        }
        Err(intake::AcceptError::WrongPeer) => {
            tracing::warn!(event = "statement.not-accepted", partner = %partner, code = "wrong-peer");
            not_accepted()
        }
        Err(intake::AcceptError::Failure(failure)) => {
            tracing::error!(event = "statement.failed", error = %failure);
            let status = match failure {
                Failure::Store(store::Error::Full) => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, Body::empty()).into_response()
        }
    }
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn checkpoint(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    Query(since): Query<Since>,
) -> Response {
    if partner_of(&service, &peer.0).await.is_none() {
        return not_accepted();
    }
    match oversight::checkpoint(&service, since.since).await {
        Ok(answer) => Json(answer).into_response(),
        Err(failure) => Problem::from(failure).into_response(),
    }
}
