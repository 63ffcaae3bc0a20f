//! What stands apart until a person decides.

use axum::extract::State;
use exchange::quarantine::{self, By, Decision};
use protocol::terms::Role;
use serde::Deserialize;
use serde_json::json;
use store::Source;

use super::{
    Answer, Endpoint, ROWS_MAX, done,
    extract::{Json, Path},
    list, parse,
};
use crate::{
    auth::Caller,
    desk::{Shared, now, rng},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/quarantine", waiting).gives(
            "Statements and requests of which objects wait for a person, oldest first",
            "QuarantineList",
        ),
        Endpoint::get("/quarantine/{id}", one)
            .gives("The objects of one that wait, with what was found", "Held"),
        Endpoint::post("/quarantine/{id}/accept", accept)
            .by(&[Role::Releaser])
            .takes("QuarantineChoice")
            .gives("Take objects in after all; a partner gets another receipt", "Decided"),
        Endpoint::post("/quarantine/{id}/refuse", refuse)
            .by(&[Role::Releaser])
            .takes("QuarantineChoice")
            .gives("Refuse objects for good; a partner gets another receipt", "Decided"),
    ]
}

async fn waiting(State(desk): State<Shared>, caller: Caller) -> Answer {
    let view = desk.register.view(desk.service.store(), &caller.account).await?;
    let mut rows = desk.service.store().quarantined(ROWS_MAX).await?;
    rows.retain(|row| view.reads(&row.collection));
    done(list("quarantine", rows))
}

async fn one(State(desk): State<Shared>, caller: Caller, Path(id): Path<String>) -> Answer {
    let held = quarantine::look(&desk.service, parse(&id, "id")?, &caller.account).await?;
    let (row, objects) = (held.row, held.objects);
    done(json!({ "held": row, "objects": objects, "hidden": held.hidden }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    /// Places of the objects; all that wait where none are named.
    objects: Option<Vec<u32>>,
    /// Why, for the journal here; up to 500 characters.
    #[serde(default)]
    reason: String,
}

async fn accept(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Json(choice): Json<Choice>,
) -> Answer {
    decide(&desk, &caller, &id, &choice, Decision::Accept).await
}

async fn refuse(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Json(choice): Json<Choice>,
) -> Answer {
    decide(&desk, &caller, &id, &choice, Decision::Refuse).await
}

async fn decide(
    desk: &Shared,
    caller: &Caller,
    id: &str,
    choice: &Choice,
    decision: Decision,
) -> Answer {
    let source: Source = parse(id, "id")?;
    let by = By { officer: &caller.account, reason: choice.reason.trim(), now: now() };
    let places = choice.objects.as_deref();
    quarantine::decide(&desk.service, source, places, decision, by, &mut rng()).await?;
    done(json!({ "decided": source }))
}
