//! What stands apart until a person decides.

use axum::extract::State;
use exchange::intake;
use protocol::terms::{Role, StatementId};
use serde_json::json;

use super::{Answer, Endpoint, ROWS_MAX, done, extract::Path, list, parse};
use crate::{
    auth::Caller,
    desk::{Shared, now, rng},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/quarantine", quarantine)
            .gives("Statements that wait for a person, oldest first", "QuarantineList"),
        Endpoint::post("/quarantine/{id}/accept", accept)
            .by(&[Role::Releaser])
            .gives("Take a statement in after all; its sender gets a second receipt", "Decided"),
        Endpoint::post("/quarantine/{id}/refuse", refuse)
            .by(&[Role::Releaser])
            .gives("Refuse a statement for good; its sender gets a second receipt", "Decided"),
    ]
}

async fn quarantine(State(desk): State<Shared>) -> Answer {
    done(list("quarantine", desk.service.store().quarantined(ROWS_MAX).await?))
}

async fn accept(State(desk): State<Shared>, caller: Caller, Path(id): Path<String>) -> Answer {
    let id: StatementId = parse(&id, "id")?;
    intake::accept_quarantined(&desk.service, &id, &caller.account, now(), &mut rng()).await?;
    done(json!({ "decided": id }))
}

async fn refuse(State(desk): State<Shared>, caller: Caller, Path(id): Path<String>) -> Answer {
    let id: StatementId = parse(&id, "id")?;
    intake::refuse_quarantined(&desk.service, &id, &caller.account, now(), &mut rng()).await?;
    done(json!({ "decided": id }))
}
