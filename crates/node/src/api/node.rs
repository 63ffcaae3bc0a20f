//! The node itself: its state, its keys, its document, its journal.

use axum::{
    Json as JsonAnswer,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use exchange::waiting;
use protocol::{keys, terms::Role};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answer, Endpoint, ROWS, ROWS_MAX, document, done,
    extract::{Json, Query},
};
use crate::{
    auth::Caller,
    desk::{Shared, now},
    keyring::Order,
    problem::Problem,
};

/// Days of clocks where nothing is said, and at most.
const CLOCK_DAYS: u32 = 30;
const CLOCK_DAYS_MAX: u32 = 3_650;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/openapi.json", openapi).open().gives("This document", "Document"),
        Endpoint::get("/node", node).gives("State of the node", "Node"),
        Endpoint::get("/me", me).gives("The account that asks", "Account"),
        Endpoint::get("/keys", key_statement)
            .gives("This node's present key statement and its fingerprint", "Keys"),
        Endpoint::post("/keys/rotate", rotate)
            .by(&[Role::Administrator])
            .takes("Rotate")
            .gives("Make the next epoch's keys, keep them, and tell every partner", "Keys"),
        Endpoint::get("/clocks", clocks)
            .gives("How the clocks were kept: counts, never content", "Clocks")
            .with("days", "Count", "of the last so many days, up to 3650; 30 otherwise"),
        Endpoint::get("/journal", journal)
            .gives(
                "What changed, oldest first from `after` on, or newest first below `before`",
                "JournalPage",
            )
            .with("after", "Count", "place after which to begin; 0 for the first line")
            .with("before", "Count", "place below which to begin, newest first")
            .with("limit", "Count", "lines at most, up to 200"),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    days: Option<u32>,
}

async fn clocks(State(desk): State<Shared>, Query(asked): Query<Days>) -> Answer {
    let (days, time) = (asked.days.unwrap_or(CLOCK_DAYS).min(CLOCK_DAYS_MAX), now());
    let since = time.plus_ms(-i64::from(days) * 86_400_000);
    done(json!(waiting::kept(&desk.service, since, time).await?))
}

async fn openapi() -> Response {
    ([(header::CACHE_CONTROL, "max-age=300")], JsonAnswer(document())).into_response()
}

async fn node(State(desk): State<Shared>) -> Answer {
    let store = desk.service.store();
    let (size, root) = store.ledger_tree().await?;
    let keys = desk.service.keys();
    done(json!({
        "name": desk.config.name,
        "version": env!("CARGO_PKG_VERSION"),
        "epoch": keys.statement().epoch(),
        "fingerprint": keys.statement().fingerprint().hex(),
        "ledger": { "size": size, "root": root.base64() },
        "commits": store.commits(),
        "partner_door": desk.config.partner.to_string(),
    }))
}

async fn me(caller: Caller) -> Answer {
    done(json!(caller.account))
}

async fn key_statement(State(desk): State<Shared>) -> Answer {
    done(keys_view(&desk).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    days: Option<u32>,
    compromised_after: Option<u64>,
}

async fn rotate(State(desk): State<Shared>, caller: Caller, Json(body): Json<Rotate>) -> Answer {
    let order =
        Order { days: body.days.unwrap_or(Order::DAYS), compromised_after: body.compromised_after };
    desk.keyring.rotate(&desk.service, order, &caller.account.name, now()).await?;
    done(keys_view(&desk).await?)
}

async fn keys_view(desk: &Shared) -> Result<Value, Problem> {
    let keys = desk.service.keys();
    let statement = keys.statement();
    let revoked = desk.service.store().revocations(desk.service.name()).await?;
    Ok(json!({
        "statement": String::from_utf8_lossy(statement.note()),
        "epoch": statement.epoch(),
        "from": statement.from(),
        "until": statement.until(),
        "fingerprint": statement.fingerprint().hex(),
        "spoken": keys::spoken(&statement.fingerprint()),
        "retired_seals": keys.retired_seals(),
        "revoked": revoked.iter().map(|revoked| revoked.epoch).collect::<Vec<_>>(),
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    after: Option<i64>,
    before: Option<i64>,
    limit: Option<u32>,
}

async fn journal(State(desk): State<Shared>, Query(place): Query<Place>) -> Answer {
    let store = desk.service.store();
    let limit = place.limit.unwrap_or(ROWS).clamp(1, ROWS_MAX);
    let rows = match place.before {
        Some(before) => store.journal_before(before, limit).await?,
        None => store.journal_after(place.after.unwrap_or_default(), limit).await?,
    };
    let last = rows.last().map(|row| row.seq);
    let more = rows.len() >= limit as usize;
    done(json!({ "journal": rows, "next": last.filter(|_| more) }))
}
