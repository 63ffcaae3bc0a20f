//! The HTTP API of the desk: whatever the console and the command line can do.
//!
//! Each endpoint is declared once, as an [`Endpoint`]: its route, who may ask, what it takes and
//! gives. The router, the guard in front of each handler and the OpenAPI document all come from
//! that declaration, so none can say what another does not. Handlers parse, call one use case,
//! encode.

use axum::{
    Json as JsonAnswer, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{Method, StatusCode, Uri},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use protocol::secrets;
use serde_json::{Value, json};

use crate::{auth::Caller, desk::Shared, problem::Problem};

pub(crate) mod accounts;
mod agreements;
pub(crate) mod certificates;
mod collections;
mod endpoint;
mod extract;
mod findings;
mod node;
mod openapi;
mod page;
pub(crate) mod partners;
mod quarantine;
mod releases;
mod statements;
mod tokens;

pub use endpoint::{Access, Content, Endpoint};

/// What a handler gives.
type Answer = Result<JsonAnswer<Value>, Problem>;

/// Bytes of a body: a bulk release or a courier file.
const BODY_LEN_MAX: usize = 80 * 1024 * 1024;
/// Rows of one page at most.
const ROWS_MAX: u32 = 200;
/// Rows of one page where none are asked for.
const ROWS: u32 = 50;

/// Every endpoint, in the order of the document.
pub fn endpoints() -> Vec<Endpoint> {
    [
        node::endpoints(),
        partners::endpoints(),
        agreements::endpoints(),
        releases::endpoints(),
        statements::endpoints(),
        quarantine::endpoints(),
        accounts::endpoints(),
        tokens::endpoints(),
        collections::endpoints(),
        certificates::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The API's routes, below `/api`.
pub fn router(desk: &Shared) -> Router<Shared> {
    let guarded = endpoints().into_iter().fold(Router::new(), |router, endpoint| {
        let gate = (desk.clone(), endpoint.access);
        router.route(
            endpoint.path,
            endpoint.handler.route_layer(middleware::from_fn_with_state(gate, guard)),
        )
    });
    guarded
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
}

/// The document that describes this API.
pub fn document() -> Value {
    openapi::document(&endpoints())
}

/// Lets in whom the endpoint is for; the handler finds who it is among the extensions.
async fn guard(
    State((desk, access)): State<(Shared, Access)>,
    request: Request,
    next: Next,
) -> Response {
    if access == Access::Anyone {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let caller = match desk.auth.identify(&desk, &parts).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    let mut request = Request::from_parts(parts, body);
    if let Err(problem) = check(&caller, access, &request) {
        return problem.into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn check(caller: &Caller, access: Access, request: &Request) -> Result<(), Problem> {
    if let Access::OneOf(roles) = access
        && !roles.iter().any(|role| caller.account.roles.contains(role))
    {
        let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "ROLE-1",
            &format!("this asks for the role {}", words.join(" or ")),
            "ask an administrator for the role",
        ));
    }
    // A cookie is sent by a browser whether its person means it or not; the token is not.
    if let Some(csrf) = &caller.csrf
        && !request.method().is_safe()
    {
        let sent = request.headers().get("x-csrf-token").map(|value| value.as_bytes());
        if !secrets::is_equal(sent.unwrap_or_default(), csrf.as_bytes()) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "AUTH-2",
                "a console session must send its form token here",
                "send `X-CSRF-Token`, or use an account's token",
            ));
        }
    }
    Ok(())
}

async fn unknown(uri: Uri) -> Problem {
    let known: Vec<_> = endpoints().into_iter().map(|endpoint| endpoint.path).collect();
    let nearest = known.into_iter().find(|path| uri.path().starts_with(path));
    let remedy = match nearest {
        Some(path) => format!("did you mean /api{path}? see /api/openapi.json"),
        None => "see /api/openapi.json".to_owned(),
    };
    Problem::new(StatusCode::NOT_FOUND, "API-404", "there is no such endpoint", &remedy)
}

async fn not_allowed(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "API-405",
        &format!("this endpoint does not know the method {method}"),
        "see the header `Allow`, or /api/openapi.json",
    )
}

fn malformed(rule: &str, message: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, rule, message, "see /api/openapi.json for the form")
}

fn parse<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| malformed("API-400", &format!("`{what}`: {error}")))
}

/// A word that the caller may leave out.
fn parse_opt<T: std::str::FromStr>(text: Option<&str>, what: &str) -> Result<Option<T>, Problem>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| parse(text, what)).transpose()
}

fn done(value: Value) -> Answer {
    Ok(JsonAnswer(value))
}

/// One row that must be there.
fn found<T>(row: Option<T>) -> Result<T, Problem> {
    row.ok_or_else(|| store::Error::NotFound.into())
}

/// What was named is not there.
fn absent(message: &str, remedy: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "API-404", message, remedy)
}

fn list(name: &str, rows: impl serde::Serialize) -> Value {
    json!({ name: rows })
}
