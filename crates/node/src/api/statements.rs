//! Statements, courier files, and this side's account for a comparison of ledgers.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use exchange::{courier, oversight};
use protocol::terms::{NodeName, Role, StatementId, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::{
    Answer, Endpoint, ROWS, ROWS_MAX, done,
    extract::{Path, Query, Whole},
    found, list, parse, parse_opt,
};
use crate::{
    auth::Caller,
    desk::{Shared, now},
    problem::Problem,
};

const TAR: &str = "application/x-tar";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/statements", statements)
            .gives("What left and what came, newest first", "StatementList")
            .with("before", "Time", "only statements before this moment")
            .with("limit", "Count", "statements at most, up to 200"),
        Endpoint::get("/statements/{id}", one).gives("One statement", "Statement"),
        Endpoint::get("/ledger/account", account)
            .gives(
                "This side's account of what it sent to a partner; never an item",
                "LedgerAccount",
            )
            .needs("partner", "NodeName", "the partner"),
        Endpoint::get("/courier/export", export)
            .by(&[Role::Releaser])
            .gives_bytes("What a partner has not receipted, as a courier file", TAR)
            .needs("partner", "NodeName", "the partner"),
        Endpoint::post("/courier/import", import)
            .by(&[Role::Releaser])
            .takes_bytes(TAR)
            .gives("Take a courier file in, whole or not at all", "ImportReport"),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Before {
    before: Option<String>,
    limit: Option<u32>,
}

async fn statements(State(desk): State<Shared>, Query(page): Query<Before>) -> Answer {
    let before: Option<Timestamp> = parse_opt(page.before.as_deref(), "before")?;
    let before = before.unwrap_or(Timestamp::from_ms(i64::MAX));
    let limit = page.limit.unwrap_or(ROWS).clamp(1, ROWS_MAX);
    done(list("statements", desk.service.store().statements_before(before, limit).await?))
}

async fn one(State(desk): State<Shared>, Path(id): Path<String>) -> Answer {
    let id: StatementId = parse(&id, "id")?;
    done(json!(found(desk.service.store().statement(&id).await?)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    partner: String,
}

async fn account(State(desk): State<Shared>, Query(of): Query<Of>) -> Answer {
    let partner: NodeName = parse(&of.partner, "partner")?;
    found(desk.service.store().partner(&partner).await?)?;
    done(json!(oversight::account(&desk.service, &partner, now()).await?))
}

async fn export(
    State(desk): State<Shared>,
    caller: Caller,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    let partner: NodeName = parse(&of.partner, "partner")?;
    let time = now();
    let file = courier::export(&desk.service, &partner, time).await?;
    let actor = caller.account.name;
    desk.service.store().log(time, actor, "courier.exported", partner.to_string()).await?;
    Ok(([(header::CONTENT_TYPE, TAR)], file).into_response())
}

async fn import(State(desk): State<Shared>, Whole(file): Whole) -> Answer {
    done(json!(courier::import(&desk.service, &file, now()).await?))
}
