//! Error resources (3.6.1): what is wrong, the rule, the remedy, an id to find it again.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

use super::{answer::Answer, negotiate};
use crate::{
    auth::{CHALLENGE, Refusal},
    problem::Problem,
};

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    rule: Cow<'static, str>,
    title: Cow<'static, str>,
    remedy: Cow<'static, str>,
    extra: Extra,
    /// The path is in no root: the form of the answer is free.
    is_outside: bool,
}

/// A field that goes with some statuses.
#[derive(Debug)]
enum Extra {
    None,
    Allow(&'static str),
    RetryAfter(u64),
    Challenge,
    AcceptEncoding,
}

impl Extra {
    fn field(self) -> Option<(HeaderName, HeaderValue)> {
        Some(match self {
            Self::None => return None,
            Self::Allow(methods) => (header::ALLOW, HeaderValue::from_static(methods)),
            Self::RetryAfter(seconds) => (header::RETRY_AFTER, seconds.into()),
            Self::Challenge => (header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE)),
            Self::AcceptEncoding => {
                (header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))
            }
        })
    }
}

impl Fault {
    pub(super) fn new(
        status: StatusCode,
        rule: &'static str,
        title: impl Into<Cow<'static, str>>,
        remedy: &'static str,
    ) -> Self {
        Self {
            status,
            rule: rule.into(),
            title: title.into(),
            remedy: remedy.into(),
            extra: Extra::None,
            is_outside: false,
        }
    }

    fn with(self, extra: Extra) -> Self {
        Self { extra, ..self }
    }

    pub(super) fn outside() -> Self {
        let title = "nothing is here for this account";
        let remedy = "see the roots that GET /taxii2/ names";
        let fault = Self::new(StatusCode::NOT_FOUND, "TAXII-4.2", title, remedy);
        Self { is_outside: true, ..fault }
    }

    pub(super) fn not_found(what: &str) -> Self {
        let remedy = "see what the collection's root lists";
        Self::new(StatusCode::NOT_FOUND, "TAXII-3.6", format!("no such {what}"), remedy)
    }

    pub(super) fn forbidden() -> Self {
        let title = "this account may not do that in this collection";
        let remedy = "see can_read and can_write of the collection; ask an administrator";
        Self::new(StatusCode::FORBIDDEN, "TAXII-5.7", title, remedy)
    }

    pub(super) fn method(allow: &'static str) -> Self {
        let title = "this path does not know the method";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "TAXII-3.1", title, "use one that Allow names").with(Extra::Allow(allow))
    }

    /// A parameter of the query (3.4).
    pub(super) fn parameter(name: &str, problem: &str) -> Self {
        let title = format!("the parameter `{name}` {problem}");
        Self::new(StatusCode::BAD_REQUEST, "TAXII-3.4", title, "correct it, or leave it out")
    }

    pub(super) fn host() -> Self {
        let title = "a request names its host, once";
        Self::new(StatusCode::BAD_REQUEST, "HTTP-9112-3.2", title, "send one Host field")
    }

    pub(super) fn condition() -> Self {
        let title = "a precondition of the request does not hold";
        let remedy = "leave it out: tags are weak here, and If-Match compares strongly";
        Self::new(StatusCode::PRECONDITION_FAILED, "HTTP-9110-13.1", title, remedy)
    }

    pub(super) fn transfer_coding() -> Self {
        let title = "a transfer coding other than chunked";
        let remedy = "compress with Content-Encoding instead";
        Self::new(StatusCode::NOT_IMPLEMENTED, "HTTP-9112-6.1", title, remedy)
    }

    pub(super) fn target_too_long() -> Self {
        let title = "the request's target is longer than 16384 octets";
        Self::new(StatusCode::URI_TOO_LONG, "HTTP-9112-3", title, "ask for fewer ids at once")
    }

    pub(super) fn fields_too_large() -> Self {
        let title = "the header fields are more than 200 or larger than 65536 octets";
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        Self::new(status, "HTTP-9110-5.4", title, "send fewer fields")
    }

    pub(super) fn busy() -> Self {
        let title = "too many bodies are under way";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "LIMIT-2", title, "try again in a second")
            .with(Extra::RetryAfter(1))
    }

    pub(super) fn unsupported_encoding() -> Self {
        let title = "the content has an encoding other than gzip or zstd";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "TAXII-5.5", title, "send it plain")
            .with(Extra::AcceptEncoding)
    }

    /// The error resource, or another form where the path is in no root and Accept asks for it.
    pub(super) fn answer(self, headers: &HeaderMap) -> Answer {
        let id = Uuid::new_v4();
        // 501 is about the request; the others are ours.
        if self.status.is_server_error() && self.status != StatusCode::NOT_IMPLEMENTED {
            tracing::error!(event = "taxii.failed", error_id = %id, rule = %self.rule);
        }
        let wants_text = self.is_outside && negotiate::prefers_text(headers);
        let mut answer = if wants_text {
            let text = format!("{}: {}; {}\n", self.rule, self.title, self.remedy);
            let mut answer = Answer::new(self.status, text.into_bytes());
            answer.kind = "text/plain; charset=utf-8";
            answer
        } else {
            let body = json!({
                "title": self.title,
                "description": format!("{}: {}; {}", self.rule, self.title, self.remedy),
                "error_id": id,
                "error_code": self.rule,
                "http_status": self.status.as_u16().to_string(),
            });
            Answer::new(self.status, body.to_string().into_bytes())
        };
        answer.headers.extend(self.extra.field());
        answer
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        let status = problem.status();
        let extra = problem.retry_after_s().map_or(Extra::None, Extra::RetryAfter);
        let (rule, title, remedy) = problem.into_texts();
        let (rule, title, remedy) = (rule.into(), title.into(), remedy.into());
        Self { status, rule, title, remedy, extra, is_outside: false }
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Problem::from(error).into()
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => {
                let title = "credentials are missing or wrong";
                let remedy = "send an account's password as Basic, or its token as Bearer";
                Self::new(StatusCode::UNAUTHORIZED, "TAXII-1.6.9", title, remedy)
                    .with(Extra::Challenge)
            }
            other => Problem::from(other).into(),
        }
    }
}
