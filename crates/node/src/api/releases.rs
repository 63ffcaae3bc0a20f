//! Releases and recalls.

use axum::extract::State;
use exchange::{
    intake::{self, ReceiptEntry},
    recall, release,
    rights::{self, Work},
};
use protocol::terms::{AgreementId, NodeName, Precedence, RecallReason, Role, Status, Topic};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::ReleaseState;
use uuid::Uuid;

use super::{
    Answer, Endpoint, done,
    extract::{Json, Path, Query, Whole},
    found, list, malformed,
    page::{self, PageQuery, Place},
    parse, parse_opt,
};
use crate::{
    auth::Caller,
    desk::{Shared, now},
    problem::Problem,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/releases", releases)
            .gives("Releases, newest first", "ReleaseList")
            .with("after", "Text", "`next` of the page before")
            .with("state", "ReleaseState", "only releases in this state")
            .with("limit", "Count", "releases at most, up to 200"),
        Endpoint::post("/releases", draft)
            .by(&[Role::Drafter])
            .takes_bytes("application/json")
            .gives("Draft a release of the objects of a bundle or envelope", "Drafted")
            .needs("topic", "Topic", "the topic")
            .with("agreement", "Digest", "the agreement, where several name the topic")
            .with("precedence", "Precedence", "how fast; the agreement's default otherwise")
            .with("status", "Status", "whether it is meant; `actual` otherwise")
            .with("note", "Text", "words to the releaser"),
        Endpoint::get("/releases/{id}", one).gives("One release and its statement", "ReleaseView"),
        Endpoint::get("/releases/{id}/items", items)
            .gives("The items of a release with what was found in them", "ItemList"),
        Endpoint::post("/releases/{id}/again", again)
            .by(&[Role::Drafter])
            .gives("Draft the same items once more, after a refusal or a return", "Again"),
        Endpoint::post("/releases/{id}/approve", approve)
            .by(&[Role::Releaser])
            .gives("Release, as second person, what another drafted", "Approved")
            .with("precedence", "Precedence", "another precedence than the draft's"),
        Endpoint::post("/releases/{id}/return", send_back)
            .by(&[Role::Releaser])
            .takes("Reason")
            .gives("Give a draft back to its drafter, with the reason", "Returned"),
        Endpoint::post("/releases/{id}/recall", recall_release)
            .by(&[Role::Releaser])
            .takes("RecallRequest")
            .gives("Recall a release, or items of it", "RecallDecided"),
        Endpoint::get("/recalls", recalls)
            .gives("Our recalls and their answers, newest first", "RecallList")
            .with("after", "Text", "`next` of the page before")
            .with("limit", "Count", "recalls at most, up to 200"),
        Endpoint::get("/recalls/received", received_recalls)
            .gives("Partners' recalls and what was done here, newest first", "ReceivedRecallList")
            .with("after", "Text", "`next` of the page before")
            .with("limit", "Count", "recalls at most, up to 200"),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    agreement: Option<String>,
    topic: String,
    precedence: Option<String>,
    status: Option<String>,
    note: Option<String>,
}

/// The agreement in force that a draft means when it names none: the only one with the topic.
async fn meant(desk: &Shared, draft: &Draft, topic: &Topic) -> Result<AgreementId, Problem> {
    if let Some(id) = &draft.agreement {
        return parse(id, "agreement");
    }
    let all = desk.service.store().collections().await?;
    let mut found: Vec<_> = all
        .iter()
        .filter(|collection| collection.topic.as_ref() == Some(topic))
        .filter_map(|collection| collection.agreement)
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Problem::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            "ART-3",
            "no agreement in force names this topic",
            "see `detente agreement list`",
        )),
        _ => Err(malformed("API-400", "several agreements name this topic; name one")),
    }
}

async fn draft(
    State(desk): State<Shared>,
    caller: Caller,
    Query(draft): Query<Draft>,
    Whole(body): Whole,
) -> Answer {
    let topic: Topic = parse(&draft.topic, "topic")?;
    let request = release::DraftRequest {
        agreement: meant(&desk, &draft, &topic).await?,
        topic,
        precedence: parse_opt::<Precedence>(draft.precedence.as_deref(), "precedence")?,
        status: parse_opt(draft.status.as_deref(), "status")?.unwrap_or(Status::Actual),
        body,
        note: draft.note,
        status_id: store::status_id(now(), Uuid::new_v4()),
    };
    let added = release::draft(&desk.service, request, &caller.account, now()).await?;
    done(json!({ "release": added.release, "objects": added.lines }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseQuery {
    after: Option<String>,
    limit: Option<u32>,
    state: Option<String>,
}

async fn releases(
    State(desk): State<Shared>,
    caller: Caller,
    Query(asked): Query<ReleaseQuery>,
) -> Answer {
    let state = parse_opt(asked.state.as_deref(), "state")?;
    let (after, limit) = PageQuery { after: asked.after, limit: asked.limit }.read()?;
    let mut rows = desk.service.store().releases_page(after, state, limit).await?;
    let view = desk.register.view(desk.service.store(), &caller.account).await?;
    rows.iter_mut().for_each(|row| view.redact(row));
    let next = page::next(&rows, limit, |row| Place(row.created, row.id));
    done(json!({ "releases": rows, "next": next }))
}

async fn items(State(desk): State<Shared>, caller: Caller, Path(id): Path<Uuid>) -> Answer {
    let store = desk.service.store();
    let release = found(store.release(id).await?)?;
    let place = (&release.agreement, &release.topic);
    let sight = rights::check_topic(&desk.service, &caller.account, Work::Send, place).await?;
    let rows = store.item_rows(id).await?;
    let view = |row: &store::ItemRow| {
        json!({
            "index": row.index,
            "id": row.id,
            "version": row.version,
            "tlp": row.audience.tlp.map(|tlp| tlp.to_string()),
            "recalled": row.recalled,
            "findings": row.findings,
        })
    };
    let seen = |row: &&store::ItemRow| sight.is_in(&row.audience);
    done(list("items", rows.iter().filter(seen).map(view).collect::<Vec<_>>()))
}

async fn again(State(desk): State<Shared>, caller: Caller, Path(id): Path<Uuid>) -> Answer {
    let new = Uuid::new_v4();
    release::again(&desk.service, id, new, &caller.account, now()).await?;
    done(json!({ "release": new, "again_of": id }))
}

/// What a recipient said of a release, item by item where they differ.
#[derive(Serialize)]
struct Receipt<'a> {
    by: &'a NodeName,
    #[serde(flatten)]
    told: &'a ReceiptEntry,
}

/// What happens next with a release, and who must act.
fn next_step(state: ReleaseState) -> &'static str {
    match state {
        ReleaseState::Drafted => "the agreement decides within a moment",
        ReleaseState::AwaitingRelease => "a releaser who did not draft it approves or returns it",
        ReleaseState::Refused => "mend what the rule names, then draft it again",
        ReleaseState::Returned => "mend what the reason names, then draft it again",
        ReleaseState::Sealed => "it leaves as soon as the partner's link is there",
        ReleaseState::Delivered => "the partner's receipt comes",
        ReleaseState::TakenIn | ReleaseState::TakenInWithFindings => "nothing; it can be recalled",
        ReleaseState::Quarantined => "a person at the partner decides",
        ReleaseState::RefusedByPartner => {
            "see the partner's code; draft it again with `detente release again`"
        }
        ReleaseState::Recalled => "the partner's answer comes under recalls",
    }
}

async fn one(State(desk): State<Shared>, caller: Caller, Path(id): Path<Uuid>) -> Answer {
    let store = desk.service.store();
    let mut row = found(store.release(id).await?)?;
    desk.register.view(store, &caller.account).await?.redact(&mut row);
    let statement = match &row.statement {
        Some(id) => store.statement(id).await?,
        None => None,
    };
    let receipts = match &row.statement {
        Some(id) => intake::receipts_of(&desk.service, id).await?,
        None => Vec::new(),
    };
    let receipts: Vec<_> = receipts.iter().map(|(by, told)| Receipt { by, told }).collect();
    let recalls = store.recalls_of(id).await?;
    let next = match recalls.first() {
        Some(recall) if recall.answer.is_none() => next_step(ReleaseState::Recalled),
        _ => next_step(row.state),
    };
    done(json!({
        "release": row,
        "statement": statement,
        "receipts": receipts,
        "recalls": recalls,
        "next": next,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    precedence: Option<String>,
}

async fn approve(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(approve): Query<Approve>,
) -> Answer {
    let precedence = parse_opt(approve.precedence.as_deref(), "precedence")?;
    release::approve(&desk.service, id, &caller.account, precedence, now()).await?;
    done(json!({ "approved": id }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Return {
    reason: String,
}

async fn send_back(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<Return>,
) -> Answer {
    release::send_back(&desk.service, id, &caller.account, &body.reason, now()).await?;
    done(json!({ "returned": id }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecallRequest {
    reason: String,
    items: Option<Vec<u32>>,
}

async fn recall_release(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<RecallRequest>,
) -> Answer {
    let reason: RecallReason = parse(&body.reason, "reason")?;
    let (service, officer) = (&desk.service, &caller.account);
    let recall = recall::issue(service, id, body.items, reason, officer, now()).await?;
    done(json!({ "recall": recall }))
}

async fn recalls(State(desk): State<Shared>, Query(page): Query<PageQuery>) -> Answer {
    let (after, limit) = page.read()?;
    let rows = desk.service.store().recalls_page(after, limit).await?;
    let next = page::next(&rows, limit, |row| Place(row.at, row.id));
    done(json!({ "recalls": rows, "next": next }))
}

async fn received_recalls(State(desk): State<Shared>, Query(page): Query<PageQuery>) -> Answer {
    let (after, limit) = page.read()?;
    let rows = desk.service.store().received_recalls(after, limit).await?;
    let next = page::next(&rows, limit, |row| Place(row.at, row.recall));
    done(json!({ "recalls": rows, "next": next }))
}
