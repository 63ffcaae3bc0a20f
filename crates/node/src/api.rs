//! The HTTP API of the desk: whatever the console and the command line can do.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use exchange::{accord, courier, oversight, partner, recall, release};
use protocol::{
    keys,
    terms::{
        AgreementId, Digest, NodeName, Precedence, RecallReason, Role, StatementId, Status,
        Timestamp, Topic,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{AgreementRow, Partner};
use uuid::Uuid;

use crate::{
    auth::Caller,
    desk::{Shared, now, rng},
    init,
    problem::Problem,
};

type Answer = Result<Json<Value>, Problem>;

const BODY_LEN_MAX: usize = 80 * 1024 * 1024;
const ROWS_MAX: u32 = 200;

/// The API's routes, below `/api`.
pub fn router() -> Router<Shared> {
    Router::new()
        .route("/node", get(node))
        .route("/keys", get(key_statement))
        .route("/partners", get(partners).post(meet))
        .route("/partners/verify", post(verify))
        .route("/agreements", get(agreements).post(draft_agreement))
        .route("/agreements/{id}", get(agreement_text))
        .route("/agreements/{id}/sign", post(sign))
        .route("/releases", get(releases).post(draft))
        .route("/releases/{id}", get(one_release))
        .route("/releases/{id}/approve", post(approve))
        .route("/releases/{id}/return", post(send_back))
        .route("/releases/{id}/recall", post(recall_release))
        .route("/recalls", get(recalls))
        .route("/statements", get(statements))
        .route("/statements/{id}", get(one_statement))
        .route("/journal", get(journal))
        .route("/ledger/account", get(account))
        .route("/courier/export", get(export))
        .route("/courier/import", post(import))
        .route("/accounts", get(accounts).post(create_account))
        .route("/login-link", post(login_link))
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
}

fn malformed(rule: &str, message: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, rule, message, "see `detente help` for the form")
}

fn parse<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| malformed("API-400", &format!("`{what}` is malformed")))
}

async fn node(State(desk): State<Shared>, _: Caller) -> Answer {
    let store = desk.service.store();
    let (size, root) = store.ledger_tree().await?;
    let keys = desk.service.keys();
    Ok(Json(json!({
        "name": desk.config.name,
        "version": env!("CARGO_PKG_VERSION"),
        "epoch": keys.statement().epoch(),
        "fingerprint": keys.statement().fingerprint().hex(),
        "ledger": { "size": size, "root": root.base64() },
        "commits": store.commits(),
        "partner_door": desk.config.partner.to_string(),
    })))
}

async fn key_statement(State(desk): State<Shared>, _: Caller) -> Answer {
    let keys = desk.service.keys();
    let statement = keys.statement();
    Ok(Json(json!({
        "statement": String::from_utf8_lossy(statement.note()),
        "fingerprint": statement.fingerprint().hex(),
        "spoken": keys::spoken(&statement.fingerprint()),
    })))
}

async fn partner_json(desk: &Shared, partner: Partner) -> Result<Value, Problem> {
    let store = desk.service.store();
    let (waiting, open) = store.outbox_counts(&partner.name).await?;
    let missing = store.missing(&partner.name).await?;
    let seen = store.last_seen_checkpoint(&partner.name).await?;
    Ok(json!({
        "partner": partner,
        "spoken": keys::spoken(&partner.fingerprint),
        "waiting_for_link": waiting,
        "waiting_for_receipt": open,
        "missing": missing,
        "ledger_seen": seen.map(|seen| seen.size),
    }))
}

async fn partners(State(desk): State<Shared>, _: Caller) -> Answer {
    let mut all = Vec::new();
    for partner in desk.service.store().partners().await? {
        all.push(partner_json(&desk, partner).await?);
    }
    Ok(Json(json!({ "partners": all })))
}

#[derive(Deserialize)]
struct Meet {
    statement: String,
    url: Option<String>,
}

async fn meet(State(desk): State<Shared>, caller: Caller, Json(meet): Json<Meet>) -> Answer {
    caller.must_be(Role::Administrator)?;
    let note = Bytes::from(meet.statement);
    let met = partner::meet(&desk.service, note, meet.url, now()).await?;
    Ok(Json(partner_json(&desk, met).await?))
}

#[derive(Deserialize)]
struct Verify {
    name: String,
    fingerprint: String,
}

async fn verify(State(desk): State<Shared>, caller: Caller, Json(verify): Json<Verify>) -> Answer {
    caller.must_be(Role::Administrator)?;
    let name: NodeName = parse(&verify.name, "name")?;
    let hex = verify.fingerprint.replace([' ', '-'], "").to_ascii_lowercase();
    let fingerprint = Digest::from_hex(&hex)
        .map_err(|_| malformed("KEY-5", "a fingerprint has 64 hexadecimal digits"))?;
    partner::verify(&desk.service, &name, fingerprint, &caller.account.name, now()).await?;
    Ok(Json(json!({ "verified": name })))
}

fn agreement_json(row: &AgreementRow) -> Value {
    let signed = |(by, statement, at): &(NodeName, StatementId, Timestamp)| json!({ "by": by, "statement": statement, "at": at });
    json!({
        "id": row.id,
        "title": row.title,
        "state": row.state,
        "parties": row.parties,
        "in_force_since": row.in_force_since,
        "signatures": row.signatures.iter().map(signed).collect::<Vec<_>>(),
    })
}

async fn agreements(State(desk): State<Shared>, _: Caller) -> Answer {
    let all = desk.service.store().agreements().await?;
    Ok(Json(json!({ "agreements": all.iter().map(agreement_json).collect::<Vec<_>>() })))
}

async fn draft_agreement(State(desk): State<Shared>, caller: Caller, text: Bytes) -> Answer {
    caller.must_be(Role::Administrator)?;
    let drafted = accord::draft(&desk.service, text, &caller.account.name, now()).await?;
    Ok(Json(json!({ "id": drafted.id(), "title": drafted.title() })))
}

async fn agreement_text(State(desk): State<Shared>, _: Caller, Path(id): Path<String>) -> Answer {
    let id: AgreementId = parse(&id, "id")?;
    let row = desk.service.store().agreement(&id).await?.ok_or(store::Error::NotFound)?;
    let mut body = agreement_json(&row);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("text".to_owned(), json!(String::from_utf8_lossy(&row.text)));
    }
    Ok(Json(body))
}

async fn sign(State(desk): State<Shared>, caller: Caller, Path(id): Path<String>) -> Answer {
    caller.must_be(Role::Administrator)?;
    let id: AgreementId = parse(&id, "id")?;
    let actor = caller.account.name;
    accord::sign(&desk.service, &id, &actor, now(), &mut rng()).await?;
    let row = desk.service.store().agreement(&id).await?.ok_or(store::Error::NotFound)?;
    Ok(Json(agreement_json(&row)))
}

#[derive(Deserialize)]
struct Draft {
    agreement: Option<String>,
    topic: String,
    precedence: Option<String>,
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
    found.dedup();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
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
    body: Bytes,
) -> Answer {
    caller.must_be(Role::Drafter)?;
    let topic: Topic = parse(&draft.topic, "topic")?;
    let precedence: Option<Precedence> =
        draft.precedence.as_deref().map(|word| parse(word, "precedence")).transpose()?;
    let request = release::DraftRequest {
        agreement: meant(&desk, &draft, &topic).await?,
        topic,
        precedence,
        status: Status::Actual,
        body,
        note: draft.note,
        status_id: Uuid::new_v4(),
    };
    let added = release::draft(&desk.service, request, &caller.account.name, now()).await?;
    Ok(Json(json!({ "release": added.release, "objects": added.lines })))
}

#[derive(Deserialize)]
struct Before {
    before: Option<String>,
    limit: Option<u32>,
}

impl Before {
    fn read(&self) -> Result<(Timestamp, u32), Problem> {
        let before = match &self.before {
            Some(text) => parse(text, "before")?,
            None => Timestamp::from_ms(i64::MAX),
        };
        Ok((before, self.limit.unwrap_or(50).min(ROWS_MAX)))
    }
}

async fn releases(State(desk): State<Shared>, _: Caller, Query(page): Query<Before>) -> Answer {
    let (before, limit) = page.read()?;
    let rows = desk.service.store().releases_before(before, limit).await?;
    Ok(Json(json!({ "releases": rows })))
}

async fn one_release(State(desk): State<Shared>, _: Caller, Path(id): Path<Uuid>) -> Answer {
    let store = desk.service.store();
    let row = store.release(id).await?.ok_or(store::Error::NotFound)?;
    let statement = match &row.statement {
        Some(id) => store.statement(id).await?,
        None => None,
    };
    Ok(Json(json!({ "release": row, "statement": statement })))
}

#[derive(Deserialize, Default)]
struct Approve {
    precedence: Option<String>,
}

async fn approve(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(approve): Query<Approve>,
) -> Answer {
    let precedence: Option<Precedence> =
        approve.precedence.as_deref().map(|word| parse(word, "precedence")).transpose()?;
    release::approve(&desk.service, id, &caller.account, precedence, now()).await?;
    Ok(Json(json!({ "approved": id })))
}

#[derive(Deserialize)]
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
    Ok(Json(json!({ "returned": id })))
}

#[derive(Deserialize)]
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
    caller.must_be(Role::Releaser)?;
    let reason: RecallReason = parse(&body.reason, "reason")?;
    let actor = caller.account.name;
    let recall = recall::issue(&desk.service, id, body.items, reason, &actor, now()).await?;
    Ok(Json(json!({ "recall": recall })))
}

async fn recalls(State(desk): State<Shared>, _: Caller) -> Answer {
    Ok(Json(json!({ "recalls": desk.service.store().recalls(ROWS_MAX).await? })))
}

async fn statements(State(desk): State<Shared>, _: Caller, Query(page): Query<Before>) -> Answer {
    let (before, limit) = page.read()?;
    let rows = desk.service.store().statements_before(before, limit).await?;
    Ok(Json(json!({ "statements": rows })))
}

async fn one_statement(State(desk): State<Shared>, _: Caller, Path(id): Path<String>) -> Answer {
    let id: StatementId = parse(&id, "id")?;
    let row = desk.service.store().statement(&id).await?.ok_or(store::Error::NotFound)?;
    Ok(Json(json!(row)))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: i64,
}

async fn journal(State(desk): State<Shared>, _: Caller, Query(page): Query<After>) -> Answer {
    let rows = desk.service.store().journal_after(page.after, ROWS_MAX).await?;
    Ok(Json(json!({ "journal": rows })))
}

#[derive(Deserialize)]
struct Of {
    partner: String,
}

async fn account(State(desk): State<Shared>, _: Caller, Query(of): Query<Of>) -> Answer {
    let partner: NodeName = parse(&of.partner, "partner")?;
    let account = oversight::account(&desk.service, &partner, now()).await?;
    Ok(Json(json!(account)))
}

async fn export(
    State(desk): State<Shared>,
    caller: Caller,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    caller.must_be(Role::Releaser)?;
    let partner: NodeName = parse(&of.partner, "partner")?;
    let time = now();
    let file = courier::export(&desk.service, &partner, time).await?;
    let actor = caller.account.name;
    desk.service.store().log(time, actor, "courier.exported", partner.to_string()).await?;
    Ok(([(header::CONTENT_TYPE, "application/x-tar")], file).into_response())
}

async fn import(State(desk): State<Shared>, caller: Caller, file: Bytes) -> Answer {
    caller.must_be(Role::Releaser)?;
    let report = courier::import(&desk.service, &file, now()).await?;
    Ok(Json(json!(report)))
}

async fn accounts(State(desk): State<Shared>, caller: Caller) -> Answer {
    caller.must_be(Role::Administrator)?;
    Ok(Json(json!({ "accounts": desk.service.store().accounts().await? })))
}

#[derive(Deserialize)]
struct NewAccount {
    name: String,
    roles: Vec<Role>,
    password: Option<String>,
}

async fn create_account(
    State(desk): State<Shared>,
    caller: Caller,
    Json(new): Json<NewAccount>,
) -> Answer {
    caller.must_be(Role::Administrator)?;
    let plain = !new.name.is_empty()
        && new.name.len() <= 64
        && new.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._@".contains(&b));
    if !plain {
        return Err(malformed("ACC-1", "a name has 1 to 64 letters, digits and -._@"));
    }
    if new.password.as_ref().is_some_and(|password| password.len() < 12) {
        return Err(malformed("ACC-2", "a password has at least 12 characters"));
    }
    let hash = match new.password {
        Some(password) => protocol::secrets::hash_password(&password, &mut rng()),
        None => None,
    };
    let (actor, name) = (caller.account.name, new.name.clone());
    desk.service.store().create_account(name, new.roles, hash, actor, now()).await?;
    Ok(Json(json!({ "created": new.name })))
}

async fn login_link(State(desk): State<Shared>, caller: Caller, headers: HeaderMap) -> Answer {
    let path = init::login_link(desk.service.store(), &caller.account.name, now())
        .await
        .map_err(|_| Problem::from(store::Error::Closed))?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    Ok(Json(json!({ "path": path, "url": format!("http://{host}{path}") })))
}
