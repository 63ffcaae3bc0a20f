//! Agreements: drafted, signed, shown.

use axum::extract::State;
use exchange::accord;
use protocol::terms::{AgreementId, NodeName, PartyStanding, Role, StatementId, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use store::AgreementRow;

use super::{
    Answer, Endpoint, done,
    extract::{Json, Path, Whole},
    found, list, parse,
};
use crate::{
    auth::Caller,
    desk::{Shared, now, rng},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/agreements", agreements)
            .gives("Every agreement, newest first", "AgreementList"),
        Endpoint::post("/agreements", draft)
            .by(&[Role::Administrator])
            .takes_bytes("text/markdown")
            .gives("Keep an agreement's text as a draft", "AgreementDrafted"),
        Endpoint::get("/agreements/{id}", agreement)
            .gives("One agreement with its text", "AgreementText"),
        Endpoint::post("/agreements/{id}/sign", sign)
            .by(&[Role::Administrator])
            .gives("Sign an agreement; its text goes to every other party", "Agreement"),
        Endpoint::post("/agreements/{id}/suspend", suspend)
            .by(&[Role::Administrator])
            .takes("Reason")
            .gives(
                "Stop releases both ways until it is resumed; the parties are told",
                "Agreement",
            ),
        Endpoint::post("/agreements/{id}/resume", resume)
            .by(&[Role::Administrator])
            .takes("Reason")
            .gives("Let releases flow again after a suspension by this side", "Agreement"),
        Endpoint::post("/agreements/{id}/end", end)
            .by(&[Role::Administrator])
            .takes("Reason")
            .gives("End an agreement for good; duties for what was received stay", "Agreement"),
    ]
}

fn view(row: &AgreementRow) -> Value {
    let signed = |(by, statement, at): &(NodeName, StatementId, Timestamp)| json!({ "by": by, "statement": statement, "at": at });
    json!({
        "id": row.id,
        "title": row.title,
        "state": row.state,
        "parties": row.parties,
        "in_force_since": row.in_force_since,
        "signatures": row.signatures.iter().map(signed).collect::<Vec<_>>(),
        "standing": row.standing,
        "superseded_at": row.superseded_at,
    })
}

async fn agreements(State(desk): State<Shared>) -> Answer {
    let all = desk.service.store().agreements().await?;
    done(list("agreements", all.iter().map(view).collect::<Vec<_>>()))
}

async fn draft(State(desk): State<Shared>, caller: Caller, Whole(text): Whole) -> Answer {
    let drafted = accord::draft(&desk.service, text, &caller.account.name, now()).await?;
    done(json!({ "id": drafted.id(), "title": drafted.title() }))
}

async fn agreement(State(desk): State<Shared>, Path(id): Path<String>) -> Answer {
    let id: AgreementId = parse(&id, "id")?;
    let row = found(desk.service.store().agreement(&id).await?)?;
    let mut body = view(&row);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("text".to_owned(), json!(String::from_utf8_lossy(&row.text)));
    }
    done(body)
}

async fn sign(State(desk): State<Shared>, caller: Caller, Path(id): Path<String>) -> Answer {
    let id: AgreementId = parse(&id, "id")?;
    let actor = caller.account.name;
    accord::sign(&desk.service, &id, &actor, now(), &mut rng()).await?;
    done(view(&found(desk.service.store().agreement(&id).await?)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

/// What a handler of a standing takes.
type Asked = (State<Shared>, Caller, Path<String>, Json<Reason>);

async fn suspend(
    state: State<Shared>,
    caller: Caller,
    id: Path<String>,
    body: Json<Reason>,
) -> Answer {
    stand(PartyStanding::Suspended, (state, caller, id, body)).await
}

async fn resume(
    state: State<Shared>,
    caller: Caller,
    id: Path<String>,
    body: Json<Reason>,
) -> Answer {
    stand(PartyStanding::InForce, (state, caller, id, body)).await
}

async fn end(state: State<Shared>, caller: Caller, id: Path<String>, body: Json<Reason>) -> Answer {
    stand(PartyStanding::Ended, (state, caller, id, body)).await
}

async fn stand(
    standing: PartyStanding,
    (State(desk), caller, Path(id), Json(body)): Asked,
) -> Answer {
    let id: AgreementId = parse(&id, "id")?;
    let said = (standing, body.reason.as_str());
    accord::stand(&desk.service, &id, said, &caller.account.name, now(), &mut rng()).await?;
    done(view(&found(desk.service.store().agreement(&id).await?)?))
}
