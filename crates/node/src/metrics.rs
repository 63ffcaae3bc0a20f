//! What a watching program asks: `/metrics` in Prometheus' text format, `/readyz`.
//!
//! Counters are kept here as things happen; what the store knows is read when it is asked for.
//! Labels are names of partners, workers and codes of ours, never a word that a partner wrote.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use exchange::Service;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{
    auth::Caller,
    desk::{Shared, now},
    problem::Problem,
};

/// What `/metrics` says it is.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPartner {
    partner: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfWorker {
    worker: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLimit {
    of: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCode {
    code: &'static str,
}

/// Counters of this process.
#[derive(Default)]
pub struct Metrics {
    steps: Family<OfWorker, Counter>,
    failures: Family<OfWorker, Counter>,
    accepted: Counter,
    refused: Family<OfCode, Counter>,
    wrong: Counter,
    locked: Counter,
    limited: Family<OfLimit, Counter>,
}

impl Metrics {
    /// A worker did something.
    pub fn worked(&self, worker: &'static str) {
        self.steps.get_or_create(&OfWorker { worker }).inc();
    }

    /// A worker could not do its part.
    pub fn failed(&self, worker: &'static str) {
        self.failures.get_or_create(&OfWorker { worker }).inc();
    }

    /// The partner door took an envelope.
    pub fn accepted(&self) {
        self.accepted.inc();
    }

    /// The partner door turned a request away.
    pub fn refused(&self, code: &'static str) {
        self.refused.get_or_create(&OfCode { code }).inc();
    }

    /// A password or token was wrong.
    pub(crate) fn wrong_credential(&self) {
        self.wrong.inc();
    }

    /// An address was locked out for the rest of a minute.
    pub(crate) fn locked(&self) {
        self.locked.inc();
    }

    /// A request went beyond the limit of an account or an address.
    pub(crate) fn limited(&self, of: &'static str) {
        self.limited.get_or_create(&OfLimit { of }).inc();
    }

    /// Everything, as text.
    async fn text(&self, service: &Service) -> Result<String, store::Error> {
        let mut registry = Registry::with_prefix("detente");
        registry.register("worker_steps", "Steps that did something", self.steps.clone());
        registry.register("worker_failures", "Steps that failed", self.failures.clone());
        registry.register(
            "door_accepted",
            "Envelopes that partners handed in",
            self.accepted.clone(),
        );
        registry.register("door_refused", "Requests turned away, by code", self.refused.clone());
        registry.register("credentials_wrong", "Wrong passwords and tokens", self.wrong.clone());
        registry.register("lock_outs", "Addresses kept out for guessing", self.locked.clone());
        let limited = self.limited.clone();
        registry.register("requests_limited", "Requests beyond a limit", limited);
        node(&mut registry, service).await?;
        partners(&mut registry, service).await?;
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut out, &registry);
        Ok(out)
    }
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register(name, help, gauge);
}

async fn node(registry: &mut Registry, service: &Service) -> Result<(), store::Error> {
    let store = service.store();
    let keys = service.keys();
    let until = keys.statement().until().since_ms(now()) / 1_000;
    gauge(registry, "ledger_entries", "Entries of the ledger", store.ledger_tree().await?.0);
    gauge(registry, "commits", "Commits since the store was opened", store.commits());
    gauge(registry, "key_epoch", "Epoch of the keys", u64::from(keys.statement().epoch()));
    gauge(registry, "key_seconds_left", "Until the keys are meant to be rotated", until);
    let waiting = store.quarantined_count(QUARANTINED_MAX).await?;
    gauge(registry, "quarantined", "Statements that wait for a person", waiting);
    Ok(())
}

/// Rows that are counted; beyond it the number stands still.
const QUARANTINED_MAX: u32 = 1_000;

async fn partners(registry: &mut Registry, service: &Service) -> Result<(), store::Error> {
    let families: [Family<OfPartner, Gauge>; 4] = Default::default();
    let [waiting, open, missing, silent] = &families;
    for partner in service.store().partners().await? {
        let label = OfPartner { partner: partner.name.to_string() };
        let (for_link, for_receipt) = service.store().outbox_counts(&partner.name).await?;
        let heard = partner.last_contact.map_or(u64::MAX, |heard| now().since_ms(heard) / 1_000);
        let lacks = service.store().missing(&partner.name).await?;
        for (family, value) in
            [(waiting, for_link), (open, for_receipt), (missing, lacks), (silent, heard)]
        {
            family.get_or_create(&label).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
    let [waiting, open, missing, silent] = families;
    registry.register("waiting_for_link", "Statements that wait for a link", waiting);
    registry.register("waiting_for_receipt", "Statements that wait for a receipt", open);
    registry.register("numbers_missing", "Numbers of the partner that are missing here", missing);
    registry.register("partner_silent_seconds", "Since the partner was last heard", silent);
    Ok(())
}

/// The routes; `/healthz` is the console's.
pub fn router() -> Router<Shared> {
    Router::new().route("/metrics", get(show)).route("/readyz", get(ready))
}

async fn show(State(desk): State<Shared>, _: Caller) -> Result<Response, Problem> {
    let text = desk.metrics.text(&desk.service).await?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}

/// Whether the node can do its work now: its store answers.
async fn ready(State(desk): State<Shared>) -> Response {
    match desk.service.store().ledger_tree().await {
        Ok(_) => "ready".into_response(),
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "STORE-2",
            "the store does not answer",
            "see the node's log",
        )
        .into_response(),
    }
}
