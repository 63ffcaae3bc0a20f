//! Statements, courier files, and this side's account for a comparison of ledgers.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use exchange::{acknowledgement, courier, oversight};
use protocol::terms::{NodeName, Role, StatementId};
use serde::Deserialize;
use serde_json::json;

use super::{
    Answer, Endpoint, done,
    extract::{Path, Query, Whole},
    found,
    page::{self, PageQuery, Place},
    parse,
};
use crate::{
    auth::Caller,
    desk::{Shared, now, rng},
    problem::Problem,
};

const TAR: &str = "application/x-tar";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/statements", statements)
            .gives("What left and what came, newest first", "StatementList")
            .with("after", "Text", "`next` of the page before")
            .with("limit", "Count", "statements at most, up to 200"),
        Endpoint::get("/statements/{id}", one).gives("One statement", "Statement"),
        Endpoint::post("/statements/{id}/acknowledge", acknowledge)
            .by(&[Role::Releaser, Role::Reader])
            .gives("Say that a person has seen a release that came in", "Acknowledged"),
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

async fn statements(State(desk): State<Shared>, Query(page): Query<PageQuery>) -> Answer {
    let (after, limit) = page.read()?;
    let rows = desk.service.store().statements_page(after, limit).await?;
    let next = page::next(&rows, limit, |row| Place(row.at, row.id));
    done(json!({ "statements": rows, "next": next }))
}

async fn one(State(desk): State<Shared>, Path(id): Path<String>) -> Answer {
    let id: StatementId = parse(&id, "id")?;
    done(json!(found(desk.service.store().statement(&id).await?)?))
}

async fn acknowledge(State(desk): State<Shared>, caller: Caller, Path(id): Path<String>) -> Answer {
    let id: StatementId = parse(&id, "id")?;
    acknowledgement::give(&desk.service, &id, &caller.account, now(), &mut rng()).await?;
    done(json!({ "acknowledged": id }))
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
    done(json!(courier::import(&desk.service, &file, now(), &mut rng()).await?))
}
