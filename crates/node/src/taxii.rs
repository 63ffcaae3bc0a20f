//! The TAXII 2.1 door of the desk: discovery, API roots, collections, objects, manifest, status.
//!
//! One API root for each agreement and one called `local`. Bodies are served as they were
//! received, by concatenating bytes. Source: TAXII 2.1 (OASIS Standard, 10 June 2021).

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use exchange::submit::{self, Submission};
use protocol::terms::{Role, Status};
use serde_json::{Value, json};
use store::{Collection, Flow, Pages};
use uuid::Uuid;

use crate::{
    auth::Caller,
    desk::{Shared, now},
    problem::Problem,
};

mod query;

/// The media type of every answer.
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
const CONTENT_LEN_MAX: usize = 64 * 1024 * 1024;

/// The door's routes.
pub fn router() -> Router<Shared> {
    let both = |path: &str| [path.to_owned(), format!("{path}/")];
    let mut router = Router::new();
    for path in both("/taxii2") {
        router = router.route(&path, get(discovery));
    }
    for path in both("/{root}") {
        router = router.route(&path, get(api_root));
    }
    for path in both("/{root}/collections") {
        router = router.route(&path, get(collections));
    }
    for path in both("/{root}/collections/{id}") {
        router = router.route(&path, get(collection));
    }
    for path in both("/{root}/collections/{id}/objects") {
        router = router.route(&path, get(objects).post(add_objects));
    }
    for path in both("/{root}/collections/{id}/objects/{object}") {
        router = router.route(&path, get(object));
    }
    for path in both("/{root}/collections/{id}/manifest") {
        router = router.route(&path, get(manifest));
    }
    for path in both("/{root}/status/{id}") {
        router = router.route(&path, get(status));
    }
    router.layer(DefaultBodyLimit::max(CONTENT_LEN_MAX))
}

/// An error resource (section 3.6.1).
struct Fault(StatusCode, String);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({
            "title": self.1,
            "http_status": self.0.as_u16().to_string(),
        });
        answer(self.0, body.to_string().into_bytes(), None)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self(problem.status(), problem.message())
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Problem::from(error).into()
    }
}

fn fault(status: StatusCode, title: &str) -> Fault {
    Fault(status, title.to_owned())
}

fn answer(status: StatusCode, body: Vec<u8>, dates: Option<(String, String)>) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers
        .insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding, Authorization"));
    if let Some((first, last)) = dates {
        for (name, value) in
            [("x-taxii-date-added-first", first), ("x-taxii-date-added-last", last)]
        {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
    response
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    answer(status, body.to_string().into_bytes(), None)
}

/// Whether a media range of `Accept`, or a `Content-Type`, means TAXII 2.1.
fn means_taxii(range: &str, wildcards: bool) -> bool {
    let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    let mut rest = parts.map(|part| part.replace([' ', '"'], ""));
    let taxii = kind == "application/taxii+json";
    let any = wildcards && (kind == "*/*" || kind == "application/*" || kind == "application/json");
    (taxii || any)
        && rest.all(|part| !part.starts_with("version=") || part == "version=2.1")
        && !range.replace(' ', "").to_ascii_lowercase().ends_with(";q=0")
}

fn check_accept(headers: &HeaderMap) -> Result<(), Fault> {
    let mut ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut any = false;
    let ok = ranges.any(|value| {
        any |= !value.trim().is_empty();
        value.split(',').any(|range| means_taxii(range, true))
    });
    if ok || !any {
        return Ok(());
    }
    Err(fault(StatusCode::NOT_ACCEPTABLE, "only application/taxii+json;version=2.1 is spoken here"))
}

async fn discovery(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let _ = &caller;
    check_accept(&headers)?;
    let mut roots: Vec<String> = Vec::new();
    for collection in desk.service.store().collections().await? {
        let root = format!("/{}/", collection.root);
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    let body = json!({
        "title": desk.config.name.short(),
        "default": roots.first(),
        "api_roots": roots,
    });
    Ok(json_answer(StatusCode::OK, &body))
}

/// The collections of a root, 404 where there are none.
async fn of_root(desk: &Shared, root: &str) -> Result<Vec<Collection>, Fault> {
    let mut all = desk.service.store().collections().await?;
    all.retain(|collection| collection.root == root);
    if all.is_empty() { Err(fault(StatusCode::NOT_FOUND, "no such API root")) } else { Ok(all) }
}

async fn one(desk: &Shared, root: &str, id: &str) -> Result<Collection, Fault> {
    let all = of_root(desk, root).await?;
    let found = all.into_iter().find(|found| found.alias == id || found.id.to_string() == id);
    found.ok_or_else(|| fault(StatusCode::NOT_FOUND, "no such collection"))
}

fn can_read(caller: &Caller) -> bool {
    let roles = &caller.account.roles;
    [Role::Reader, Role::Drafter, Role::Releaser].iter().any(|role| roles.contains(role))
}

fn can_write(caller: &Caller, collection: &Collection) -> bool {
    collection.flow != Flow::Incoming && caller.account.roles.contains(&Role::Drafter)
}

fn describe(caller: &Caller, collection: &Collection) -> Value {
    json!({
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "alias": collection.alias,
        "can_read": can_read(caller),
        "can_write": can_write(caller, collection),
        "media_types": ["application/stix+json;version=2.1", "application/stix+json;version=2.0"],
    })
}

async fn api_root(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Path(root): Path<String>,
) -> Result<Response, Fault> {
    let _ = &caller;
    check_accept(&headers)?;
    let all = of_root(&desk, &root).await?;
    let title = all.iter().map(|found| found.description.clone()).find(|text| !text.is_empty());
    let body = json!({
        "title": title.unwrap_or_else(|| root.clone()),
        "versions": [MEDIA_TYPE],
        "max_content_length": CONTENT_LEN_MAX,
    });
    Ok(json_answer(StatusCode::OK, &body))
}

async fn collections(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Path(root): Path<String>,
) -> Result<Response, Fault> {
    check_accept(&headers)?;
    let all = of_root(&desk, &root).await?;
    let shown: Vec<_> = all
        .iter()
        .filter(|found| can_read(&caller) || can_write(&caller, found))
        .map(|found| describe(&caller, found))
        .collect();
    let body = if shown.is_empty() { json!({}) } else { json!({ "collections": shown }) };
    Ok(json_answer(StatusCode::OK, &body))
}

async fn collection(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Path((root, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    check_accept(&headers)?;
    let found = one(&desk, &root, &id).await?;
    Ok(json_answer(StatusCode::OK, &describe(&caller, &found)))
}

/// A collection that the caller may read.
async fn readable(
    desk: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    (root, id): (&str, &str),
) -> Result<Collection, Fault> {
    let found = one(desk, root, id).await?;
    if !can_read(caller) {
        return Err(fault(StatusCode::FORBIDDEN, "this account does not read this collection"));
    }
    check_accept(headers)?;
    Ok(found)
}

async fn objects(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Path((root, id)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Fault> {
    let found = readable(&desk, &caller, &headers, (&root, &id)).await?;
    let asked = query::parse(raw.as_deref(), &desk.cursor_key, &found)?;
    let mut page = asked.page.clone();
    page.with_bodies = true;
    let pages = desk.service.store().page(&found, &page).await?;
    Ok(envelope(&desk, &found, &asked, &pages))
}

async fn object(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Path((root, id, object)): Path<(String, String, String)>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Fault> {
    let found = readable(&desk, &caller, &headers, (&root, &id)).await?;
    let mut asked = query::parse(raw.as_deref(), &desk.cursor_key, &found)?;
    asked.page.ids = vec![object];
    asked.page.with_bodies = true;
    let pages = desk.service.store().page(&found, &asked.page).await?;
    if pages.entries.is_empty() {
        return Err(fault(StatusCode::NOT_FOUND, "no such object"));
    }
    Ok(envelope(&desk, &found, &asked, &pages))
}

/// `{"more":…,"next":…,"objects":[…]}` in one buffer, bodies as received.
fn envelope(
    desk: &Shared,
    collection: &Collection,
    asked: &query::Asked,
    pages: &Pages,
) -> Response {
    let bodies: usize = pages.entries.iter().filter_map(|e| e.body.as_ref()).map(Bytes::len).sum();
    let mut out = Vec::with_capacity(bodies + pages.entries.len() + 256);
    out.push(b'{');
    out.extend_from_slice(more(desk, collection, asked, pages).as_bytes());
    if !pages.entries.is_empty() {
        if pages.more {
            out.push(b',');
        }
        out.extend_from_slice(b"\"objects\":[");
        for (place, body) in pages.entries.iter().filter_map(|e| e.body.as_ref()).enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(body);
        }
        out.push(b']');
    }
    out.push(b'}');
    answer(StatusCode::OK, out, dates(asked, pages))
}

fn more(desk: &Shared, collection: &Collection, asked: &query::Asked, pages: &Pages) -> String {
    match (pages.more, pages.entries.last()) {
        (true, Some(last)) => {
            let next = query::cursor(&desk.cursor_key, collection, asked, last.date_added);
            format!("\"more\":true,\"next\":\"{next}\"")
        }
        _ => String::new(),
    }
}

fn dates(asked: &query::Asked, pages: &Pages) -> Option<(String, String)> {
    match (pages.entries.first(), pages.entries.last()) {
        (Some(first), Some(last)) => {
            Some((query::date(first.date_added), query::date(last.date_added)))
        }
        _ => asked.page.after.map(|after| (query::date(after), query::date(after))),
    }
}

async fn manifest(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Path((root, id)): Path<(String, String)>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Fault> {
    let found = readable(&desk, &caller, &headers, (&root, &id)).await?;
    let asked = query::parse(raw.as_deref(), &desk.cursor_key, &found)?;
    let pages = desk.service.store().page(&found, &asked.page).await?;
    let record = |entry: &store::Entry| {
        let added = query::date(entry.date_added);
        json!({
            "id": entry.id,
            "date_added": added,
            "version": entry.version.clone().unwrap_or_else(|| added.clone()),
            "media_type": format!("application/stix+json;version={}", entry.spec),
        })
    };
    let records: Vec<_> = pages.entries.iter().map(record).collect();
    let mut body = json!({});
    if let (Some(fields), false) = (body.as_object_mut(), records.is_empty()) {
        fields.insert("objects".to_owned(), json!(records));
        if let (true, Some(last)) = (pages.more, pages.entries.last()) {
            let next = query::cursor(&desk.cursor_key, &found, &asked, last.date_added);
            fields.insert("more".to_owned(), json!(true));
            fields.insert("next".to_owned(), json!(next));
        }
    }
    Ok(answer(StatusCode::OK, body.to_string().into_bytes(), dates(&asked, &pages)))
}

async fn add_objects(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Path((root, id)): Path<(String, String)>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, Fault> {
    let found = one(&desk, &root, &id).await?;
    if !can_write(&caller, &found) {
        return Err(fault(StatusCode::FORBIDDEN, "this account does not write to this collection"));
    }
    check_accept(&headers)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| means_taxii(kind, false)) {
        let title = "the content must be application/taxii+json;version=2.1";
        return Err(fault(StatusCode::UNSUPPORTED_MEDIA_TYPE, title));
    }
    let body = body.map_err(|_| {
        fault(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than max_content_length")
    })?;
    let submission = Submission {
        collection: found,
        account: caller.account.name.clone(),
        body,
        precedence: None,
        status: Status::Actual,
        note: None,
        status_id: Uuid::new_v4(),
    };
    let time = now();
    let added = submit::submit(&desk.service, submission, time).await.map_err(Problem::from)?;
    let body = status_resource(added.status_id, &time.to_string(), &added.lines);
    Ok(json_answer(StatusCode::ACCEPTED, &body))
}

async fn status(
    State(desk): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
    Path((root, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    check_accept(&headers)?;
    let missing = || fault(StatusCode::NOT_FOUND, "no such status");
    let id: Uuid = id.parse().map_err(|_| missing())?;
    let found = desk.service.store().status(&root, id, &caller.account.name).await?;
    let found = found.ok_or_else(missing)?;
    let body = status_resource(found.id, &found.at.to_string(), &found.lines);
    Ok(json_answer(StatusCode::OK, &body))
}

fn status_resource(id: Uuid, at: &str, lines: &[store::Line]) -> Value {
    let detail = |line: &store::Line| {
        let version = if line.version.is_empty() { at } else { &line.version };
        let mut detail = json!({ "id": line.id, "version": version });
        if let (Some(fields), Some(message)) = (detail.as_object_mut(), &line.message) {
            fields.insert("message".to_owned(), json!(message));
        }
        detail
    };
    let of = |ok: bool| -> Vec<Value> {
        lines.iter().filter(|line| line.ok == ok).map(detail).collect()
    };
    let (successes, failures) = (of(true), of(false));
    let mut body = json!({
        "id": id,
        "status": "complete",
        "request_timestamp": at,
        "total_count": lines.len(),
        "success_count": successes.len(),
        "failure_count": failures.len(),
        "pending_count": 0,
    });
    if let Some(fields) = body.as_object_mut() {
        for (name, list) in [("successes", successes), ("failures", failures)] {
            if !list.is_empty() {
                fields.insert(name.to_owned(), json!(list));
            }
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_in_every_allowed_spelling_means_taxii() {
        for range in [
            "application/taxii+json",
            "application/taxii+json;version=2.1",
            "Application/TAXII+JSON ; Version=\"2.1\"",
            "application/taxii+json; version=2.1; charset=utf-8",
            "*/*",
            "application/*",
        ] {
            assert!(means_taxii(range, true), "{range}");
        }
        for range in ["application/taxii+json;version=2.0", "text/html", "*/*;q=0"] {
            assert!(!means_taxii(range, true), "{range}");
        }
        assert!(!means_taxii("*/*", false));
    }
}
