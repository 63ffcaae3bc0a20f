//! The node itself: its state, its keys, its document, its journal.

use axum::{
    Json as JsonAnswer,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use protocol::{keys, terms::Role};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Answer, Endpoint, ROWS, ROWS_MAX, document, done,
    extract::{Json, Query},
    malformed,
};
use crate::{
    auth::Caller,
    desk::{Shared, now},
    problem::Problem,
};

/// How long new keys are meant to hold where nothing is said.
const KEYS_HOLD_DAYS: u32 = 365;
/// The longest that may be said.
const KEYS_HOLD_DAYS_MAX: u32 = 3_650;

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
    let days = body.days.unwrap_or(KEYS_HOLD_DAYS);
    if !(1..=KEYS_HOLD_DAYS_MAX).contains(&days) {
        return Err(malformed("KEY-9", "`days` is 1 to 3650"));
    }
    let size = desk.service.store().ledger_tree().await?.0;
    if body.compromised_after.is_some_and(|last_good| last_good > size) {
        let message = format!("the ledger has {size} entries; the last good size is not beyond it");
        return Err(malformed("KEY-9", &message));
    }
    let (time, actor) = (now(), caller.account.name);
    let until = time.plus_ms(i64::from(days) * 86_400_000);
    desk.keyring.rotate(&desk.service, until, body.compromised_after, &actor, time).await?;
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
