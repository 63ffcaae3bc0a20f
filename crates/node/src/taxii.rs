//! The TAXII 2.1 door of the desk: every path that neither the API nor the console has.
//!
//! One handler goes through the checks in one order, so that no early answer gives anything away:
//! form of the request, credentials, path and rights, method, Accept, query, body. Bodies are
//! served as they were received, by concatenating bytes. *Source*: TAXII 2.1 (OASIS Standard,
//! 10 June 2021); numbers such as 3.4 are its sections.

use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, Version, header, request::Parts, uri::Authority},
    response::Response,
};
use exchange::rights::{Root, Usable, View};
use store::{Account, Collection, Rights};

use crate::desk::Desk;

mod answer;
mod body;
mod budget;
mod cursor;
mod endpoint;
mod fault;
mod negotiate;
mod objects;
mod query;
mod server;
mod status;

use answer::Answer;
pub use budget::Budget;
pub use cursor::CursorKeys;
use endpoint::{Content, Endpoint};
use fault::Fault;

/// The media type of every answer (1.6.8.1).
pub const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// Bytes of a request's body, as `max_content_length` tells them (4.2.1).
pub const CONTENT_LEN_MAX: usize = stix::limits::DOCUMENT_LEN_MAX;
/// Names that no API root may have: other doors' paths begin with them.
pub const RESERVED_ROOTS: [&str; 24] = [
    "taxii2",
    "api",
    "assets",
    "desk",
    "login",
    "logout",
    "healthz",
    "metrics",
    "readyz",
    "accounts",
    "agreements",
    "collections",
    "compose",
    "findings",
    "objects",
    "oversight",
    "partners",
    "quarantine",
    "releases",
    "search",
    "settings",
    "statements",
    "ledger",
    "events",
];
/// Octets of a request's target; RFC 9112 section 3 asks for 8,000 at least.
const TARGET_LEN_MAX: usize = 16 * 1024;
/// Octets of a request's header fields.
const FIELDS_LEN_MAX: usize = 64 * 1024;
/// Number of a request's header fields; HTTP itself refuses more than 100 of them, without a word.
const FIELDS_MAX: usize = 90;

/// Answers one request.
pub async fn door(desk: &Desk, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    let answer = serve(desk, &parts, &mut body).await;
    let answer = answer.and_then(|answer| conditioned(answer, &parts));
    let is_done = answer.is_ok() && parts.method == Method::POST;
    let mut answer = answer.unwrap_or_else(|fault| fault.answer(&parts.headers));
    // A body that was not read is in the way of the next request: the connection ends, and says so
    // (RFC 9112, 9.6). Streams of HTTP/2 end alone.
    if !is_done && !body.is_end_stream() && parts.version <= Version::HTTP_11 {
        answer.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer.finish(&parts.headers, &desk.budget)
}

/// Whether somebody with a browser looks for a page, rather than a client for TAXII: nothing of
/// TAXII in Accept, no credentials, and not a path as TAXII spells them. Which roots there are does
/// not matter, so nobody learns it (0026).
pub fn is_for_people(request: &Request) -> bool {
    let headers = request.headers();
    negotiate::asks_html(headers)
        && !headers.contains_key(header::AUTHORIZATION)
        && !Endpoint::is_spelt(request.uri().path())
}

/// Preconditions of safe methods come last: what is no success stays what it is (RFC 9110,
/// 13.2.1). What changes something asks before it does.
fn conditioned(answer: Answer, parts: &Parts) -> Result<Answer, Fault> {
    if parts.method.is_safe() && answer.status == StatusCode::OK {
        negotiate::check_conditions(&parts.method, &parts.headers)?;
    }
    Ok(answer)
}

/// Who asks for what, and what of the node that account sees.
struct Visit<'a> {
    desk: &'a Desk,
    parts: &'a Parts,
    account: &'a Account,
    view: &'a View,
}

async fn serve(desk: &Desk, parts: &Parts, body: &mut Body) -> Result<Answer, Fault> {
    check_form(parts)?;
    let account = desk.auth.tool(desk, parts).await?;
    let view = desk.register.view(desk.service.store(), &account).await?;
    let visit = Visit { desk, parts, account: &account, view: &view };
    let endpoint = Endpoint::parse(parts.uri.path()).ok_or_else(Fault::outside)?;
    match &endpoint {
        Endpoint::Discovery => visit.check(&endpoint, || server::discovery(&visit)),
        Endpoint::Root { name } => {
            let root = visit.root(name)?;
            visit.check(&endpoint, || server::root(root))
        }
        Endpoint::Markings { root } => {
            visit.root(root)?;
            visit.check(&endpoint, || server::markings(&view.sight))
        }
        Endpoint::Collections { root } => {
            let root = visit.root(root)?;
            visit.check(&endpoint, || server::collections(root))
        }
        Endpoint::Collection { root, id } => {
            let usable = visit.usable(root, id)?;
            visit.check(&endpoint, || server::collection(usable))
        }
        Endpoint::Status { root, id } => {
            let root = visit.root(root)?;
            match visit.checked(&endpoint)? {
                Some(options) => Ok(options),
                None => status::show(&visit, root, id).await,
            }
        }
        Endpoint::Content { root, id, content } => {
            let usable = visit.usable(root, id)?;
            check_rights(&parts.method, content, usable.may)?;
            match visit.checked(&endpoint)? {
                Some(options) => Ok(options),
                None => visit.content(&usable.collection, content, body).await,
            }
        }
    }
}

impl Visit<'_> {
    fn root(&self, name: &str) -> Result<&Root, Fault> {
        self.view.root(name).ok_or_else(Fault::outside)
    }

    /// A collection of a root, by id or alias, that this account may use.
    fn usable(&self, root: &str, id: &str) -> Result<&Usable, Fault> {
        let mut space = uuid::Uuid::encode_buffer();
        // RFC 9562 section 4: an identifier is read in either case.
        let mut all =
            self.root(root)?.collections.iter().map(|usable| (&usable.collection, usable));
        let found = all.find(|(found, _)| {
            found.alias == id
                || found.id.hyphenated().encode_lower(&mut space).eq_ignore_ascii_case(id)
        });
        found.map(|(_, usable)| usable).ok_or_else(|| Fault::not_found("collection"))
    }

    /// Method and Accept; the answer to OPTIONS.
    fn checked(&self, endpoint: &Endpoint) -> Result<Option<Answer>, Fault> {
        let allow = endpoint.allow();
        let method = self.parts.method.as_str();
        if self.parts.method == Method::OPTIONS {
            let mut answer = Answer::new(StatusCode::NO_CONTENT, Vec::new());
            answer.headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            return Ok(Some(answer));
        }
        if !allow.split(", ").any(|allowed| allowed == method) {
            return Err(Fault::method(allow));
        }
        negotiate::check_accept(&self.parts.headers, endpoint.named())?;
        Ok(None)
    }

    fn check(
        &self,
        endpoint: &Endpoint,
        resource: impl FnOnce() -> Result<Answer, Fault>,
    ) -> Result<Answer, Fault> {
        self.checked(endpoint)?.map_or_else(resource, Ok)
    }

    async fn content(
        &self,
        collection: &Collection,
        content: &Content,
        body: &mut Body,
    ) -> Result<Answer, Fault> {
        match (&self.parts.method, content) {
            (&Method::POST, _) => status::add(self, collection, body).await,
            (&Method::DELETE, Content::Object(id)) => objects::delete(self, collection, id).await,
            (_, Content::Objects) => objects::list(self, collection).await,
            (_, Content::Manifest) => objects::manifest(self, collection).await,
            (_, Content::Object(id)) => objects::one(self, collection, id).await,
            (_, Content::Versions(id)) => objects::versions(self, collection, id).await,
        }
    }
}

/// Read only: POST and DELETE are forbidden; write only: GET and DELETE are (5.3 to 5.8).
fn check_rights(method: &Method, content: &Content, may: Rights) -> Result<(), Fault> {
    let fits = match (method.as_str(), content) {
        ("GET" | "HEAD", _) => may.read,
        ("POST", Content::Objects) => may.write,
        ("DELETE", Content::Object(_)) => may.read && may.write,
        _ => true,
    };
    if fits { Ok(()) } else { Err(Fault::forbidden()) }
}

/// A host with or without a port; empty where the target has no authority.
fn is_host(value: &HeaderValue) -> bool {
    let is_authority = |text: &str| !text.contains('@') && text.parse::<Authority>().is_ok();
    value.is_empty() || value.to_str().is_ok_and(is_authority)
}

fn check_form(parts: &Parts) -> Result<(), Fault> {
    // RFC 9112 section 3.2: a request of HTTP/1.1 names its host, once; what is none is refused.
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if parts.version != Version::HTTP_11 => {}
        (Some(host), None) if is_host(host) => {}
        _ => return Err(Fault::host()),
    }
    // Section 6.1: a coding that is not understood must not be taken for the content.
    let codings = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    if codings.into_iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(Fault::transfer_coding());
    }
    let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_LEN_MAX {
        return Err(Fault::target_too_long());
    }
    let fields: usize =
        parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if fields > FIELDS_LEN_MAX || parts.headers.len() > FIELDS_MAX {
        return Err(Fault::fields_too_large());
    }
    Ok(())
}
