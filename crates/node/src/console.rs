//! The console: what people see. Rendered here, readable without scripts.

use askama::Template;
use axum::{
    Form, Router,
    extract::{FromRequestParts, Path, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use exchange::release;
use protocol::{
    secrets,
    terms::{Role, Timestamp},
};
use serde::Deserialize;
use store::Statement;
use uuid::Uuid;

use crate::{
    auth::{COOKIE, Caller},
    desk::{Shared, now, rng},
    problem::Problem,
};

const ROWS: u32 = 50;
/// A password given this recently need not be given again.
const CONFIRMED_MS: u64 = 5 * 60 * 1_000;

/// The console's routes.
pub fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/desk") }))
        .route("/desk", get(desk_page))
        .route("/login", get(login_page).post(login))
        .route("/login/{token}", get(login_by_link))
        .route("/logout", post(logout))
        .route("/releases/{id}/approve", post(approve))
        .route("/assets/detente.css", get(css))
        .route("/healthz", get(|| async { "ok" }))
}

/// Somebody with a console session; others are sent to the login page.
struct Person(Caller);

impl FromRequestParts<Shared> for Person {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, desk: &Shared) -> Result<Self, Redirect> {
        match Caller::from_request_parts(parts, desk).await {
            Ok(caller) if caller.csrf.is_some() => Ok(Self(caller)),
            _ => Err(Redirect::to("/login")),
        }
    }
}

#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage {
    node: String,
    officer: String,
    csrf: String,
    waiting: Vec<WaitingRow>,
    partners: Vec<PartnerRow>,
    rows: Vec<StatementRow>,
}

struct WaitingRow {
    id: Uuid,
    precedence: String,
    items: u32,
    topic: String,
    by: String,
    at: String,
    note: Option<String>,
    may_decide: bool,
}

struct PartnerRow {
    name: String,
    state: String,
    up: bool,
    waiting: u64,
    open: u64,
    missing: u64,
}

struct StatementRow {
    at: String,
    way: String,
    precedence: String,
    what: String,
    state: String,
    id: String,
    short: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    node: String,
    wrong: bool,
}

fn page(template: &impl Template) -> Response {
    let mut response = match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(event = "page.failed", %error);
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    let policy = "default-src 'none'; style-src 'self'; form-action 'self'; \
                  frame-ancestors 'none'; base-uri 'none'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn css() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css")];
    (kind, include_str!("../assets/detente.css")).into_response()
}

async fn desk_page(
    State(desk): State<Shared>,
    Person(caller): Person,
) -> Result<Response, Problem> {
    let store = desk.service.store();
    let mut partners = Vec::new();
    for partner in store.partners().await? {
        let (waiting, open) = store.outbox_counts(&partner.name).await?;
        partners.push(PartnerRow {
            name: partner.name.short(),
            state: link_state(&partner),
            up: partner.last_contact.is_some() && partner.last_error.is_none(),
            waiting,
            open,
            missing: store.missing(&partner.name).await?,
        });
    }
    let is_releaser = caller.account.roles.contains(&Role::Releaser);
    let waiting = store.awaiting_release(ROWS).await?.into_iter().map(|row| WaitingRow {
        id: row.id,
        precedence: row.precedence.to_string(),
        items: row.items,
        topic: row.topic.to_string(),
        at: row.created.to_string(),
        note: row.note,
        may_decide: is_releaser && row.drafted_by != caller.account.name,
        by: row.drafted_by,
    });
    let statements = store.statements_before(Timestamp::from_ms(i64::MAX), ROWS).await?;
    Ok(page(&DeskPage {
        node: desk.config.name.short(),
        officer: caller.account.pseudonym,
        csrf: caller.csrf.unwrap_or_default(),
        waiting: waiting.collect(),
        partners,
        rows: statements.iter().map(statement_row).collect(),
    }))
}

fn link_state(partner: &store::Partner) -> String {
    match (&partner.last_error, partner.last_contact) {
        (Some(error), _) => format!("{}, link {error}", partner.state),
        (None, Some(at)) => format!("{}, heard {at}", partner.state),
        (None, None) => format!("{}, not heard yet", partner.state),
    }
}

fn statement_row(statement: &Statement) -> StatementRow {
    let id = statement.id.to_string();
    let kind = statement.kind.map_or("unopened", protocol::terms::StatementType::word);
    let topic = statement.topic.as_ref().map(|topic| format!(", {topic}")).unwrap_or_default();
    let to: Vec<_> = statement.deliveries.iter().map(|delivery| delivery.partner.short()).collect();
    let way = match &statement.partner {
        Some(partner) => format!("← {}", partner.short()),
        None => format!("→ {}", to.join(", ")),
    };
    let outcome = |delivery: &store::Delivery| match delivery.outcome {
        Some(outcome) => outcome.to_string(),
        None => delivery.state.to_string(),
    };
    let state = match statement.outcome {
        Some(outcome) => outcome.to_string(),
        None => statement.deliveries.iter().map(outcome).collect::<Vec<_>>().join(", "),
    };
    StatementRow {
        at: statement.at.to_string(),
        way,
        precedence: statement.precedence.to_string(),
        what: format!("{kind}{topic}, {} bytes", statement.bytes),
        state,
        short: format!("{}…", id.get(..8).unwrap_or_default()),
        id,
    }
}

async fn login_page(State(desk): State<Shared>) -> Response {
    page(&LoginPage { node: desk.config.name.short(), wrong: false })
}

#[derive(Deserialize)]
struct Login {
    name: String,
    password: String,
}

async fn login(State(desk): State<Shared>, Form(login): Form<Login>) -> Result<Response, Problem> {
    let found = desk.service.store().account(&login.name).await?;
    let account = found.filter(|account| !account.disabled);
    if let Some(account) = account
        && desk.auth.is_password(&account, &login.password).await
    {
        return open_session(&desk, account.name).await;
    }
    let wrong = LoginPage { node: desk.config.name.short(), wrong: true };
    Ok((StatusCode::UNAUTHORIZED, page(&wrong)).into_response())
}

async fn login_by_link(
    State(desk): State<Shared>,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let digest = secrets::token_digest(&token);
    match desk.service.store().use_login_link(digest, now()).await? {
        Some(account) => open_session(&desk, account).await,
        None => Ok(Redirect::to("/login").into_response()),
    }
}

async fn open_session(desk: &Shared, account: String) -> Result<Response, Problem> {
    let (token, digest) = secrets::token(&mut rng());
    let (csrf, _) = secrets::token(&mut rng());
    desk.service.store().add_session(digest, account, csrf.to_string(), now()).await?;
    let secure = if desk.config.desk.ip().is_loopback() { "" } else { "; Secure" };
    let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}", token.as_str());
    // A page of our own in between: a strict cookie is not sent on the redirect from another site.
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/desk")).into_response())
}

#[derive(Deserialize)]
struct Signed {
    csrf: String,
    #[serde(default)]
    password: String,
}

fn check_form(caller: &Caller, form: &Signed) -> Result<(), Problem> {
    let csrf = caller.csrf.as_deref().unwrap_or_default();
    if secrets::is_equal(csrf.as_bytes(), form.csrf.as_bytes()) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "AUTH-2", "the form is stale", "load the page again"))
}

async fn logout(
    State(desk): State<Shared>,
    Person(caller): Person,
    Form(form): Form<Signed>,
) -> Result<Redirect, Problem> {
    check_form(&caller, &form)?;
    if let Some(session) = caller.session {
        desk.service.store().end_session(session).await?;
    }
    Ok(Redirect::to("/login"))
}

async fn approve(
    State(desk): State<Shared>,
    Person(caller): Person,
    Path(id): Path<Uuid>,
    Form(form): Form<Signed>,
) -> Result<Redirect, Problem> {
    check_form(&caller, &form)?;
    let recent = caller.confirmed.is_some_and(|at| now().since_ms(at) < CONFIRMED_MS);
    if !recent && !desk.auth.is_password(&caller.account, &form.password).await {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "AUTH-3",
            "a release by a second person asks for the password again",
            "give your password beside the button",
        ));
    }
    release::approve(&desk.service, id, &caller.account, None, now()).await?;
    Ok(Redirect::to("/desk"))
}
