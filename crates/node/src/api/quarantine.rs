//! What stands apart until a person decides.

use axum::extract::State;
use exchange::intake::{self, HeldObject};
use protocol::terms::{Role, StatementId};
use serde_json::{Value, json};

use super::{Answer, Endpoint, ROWS_MAX, done, extract::Path, list, parse};
use crate::{
    auth::Caller,
    desk::{Shared, now, rng},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/quarantine", quarantine)
            .gives("Statements that wait for a person, oldest first", "QuarantineList"),
        Endpoint::get("/quarantine/{id}", one)
            .gives("What stands apart, opened: its objects and what was found in them", "Held"),
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

async fn one(State(desk): State<Shared>, caller: Caller, Path(id): Path<String>) -> Answer {
    let id: StatementId = parse(&id, "id")?;
    let held = intake::look_at_quarantined(&desk.service, &id, &caller.account).await?;
    let view = |one: &HeldObject| match &one.object {
        Ok(object) => json!({
            "index": one.index,
            "id": object.id,
            "tlp": object.tlp.map(|tlp| tlp.to_string()),
            "findings": findings(object.findings.as_deref()),
            "refused": null,
        }),
        Err((rule, place)) => json!({
            "index": one.index, "id": null, "tlp": null, "findings": [],
            "refused": { "rule": rule, "place": place },
        }),
    };
    let objects: Vec<_> = held.objects.iter().map(view).collect();
    done(json!({ "held": held.row, "objects": objects, "hidden": held.hidden }))
}

fn findings(json: Option<&str>) -> Value {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_else(|| json!([]))
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
