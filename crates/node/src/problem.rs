//! One mapping from what went wrong to a problem document (RFC 9457). Nothing a partner wrote and
//! nothing internal is in it.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use exchange::{Failure, courier::ImportError, submit::SubmitError};
use serde_json::json;

use crate::{
    auth::{Refusal, TooMany},
    keyring,
};

/// A problem: status, rule, what is wrong, what can be done.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    rule: String,
    message: String,
    remedy: String,
    /// Seconds until it is worth another try, where waiting helps.
    retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem of these parts.
    pub fn new(status: StatusCode, rule: &str, message: &str, remedy: &str) -> Self {
        Self {
            status,
            rule: rule.to_owned(),
            message: message.to_owned(),
            remedy: remedy.to_owned(),
            retry_after_s: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(5),
        }
    }

    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Seconds until it is worth another try, where waiting helps.
    pub fn retry_after_s(&self) -> Option<u64> {
        self.retry_after_s
    }

    /// The rule.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What is wrong.
    pub fn title(&self) -> &str {
        &self.message
    }

    /// What can be done.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// What is wrong, with the rule.
    pub fn message(&self) -> String {
        format!("{}: {}", self.rule, self.message)
    }

    /// Its rule, what is wrong, and the remedy.
    pub fn into_texts(self) -> (String, String, String) {
        (self.rule, self.message, self.remedy)
    }

    fn ours(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, source = ?error.source().map(ToString::to_string), "failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "NODE-1", "the node failed", "see its log")
    }
}

/// Characters of a reader's own words that are repeated.
const WORDS_MAX: usize = 200;

/// A reader's own words about what was sent, which they may quote at any length.
pub(crate) fn clipped(words: &str) -> String {
    words.chars().take(WORDS_MAX).collect()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": format!("urn:detente:rule:{}", self.rule),
            "title": self.message,
            "status": self.status.as_u16(),
            "rule": self.rule,
            "remedy": self.remedy,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body.to_string()).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => Self::new(
                StatusCode::UNAUTHORIZED,
                "AUTH-1",
                "credentials are missing or wrong",
                "send an account's password or token",
            ),
            Refusal::TooMany(too_many) => too_many.into(),
            Refusal::Store(error) => error.into(),
        }
    }
}

impl From<TooMany> for Problem {
    fn from(too_many: TooMany) -> Self {
        let (title, remedy) = (too_many.title(), too_many.remedy());
        let status = StatusCode::TOO_MANY_REQUESTS;
        let retry_after_s = Some(too_many.retry_after_s);
        Self { retry_after_s, ..Self::new(status, too_many.rule(), &title, &remedy) }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match &error {
            store::Error::NotFound => {
                Self::new(StatusCode::NOT_FOUND, "API-404", "not found", "see the list")
            }
            store::Error::State(why, remedy) => {
                Self::new(StatusCode::CONFLICT, "STATE-1", why, remedy)
            }
            store::Error::Full => {
                tracing::error!(event = "store.full", "the disk is full; nothing is kept");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "STORE-1",
                    "the disk is full; nothing was kept",
                    "make room, then try again",
                )
            }
            // The log tells once that it went, not for each that asks.
            store::Error::Away(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "STORE-2",
                "the database is away; whether a change that was asked for is kept is not known",
                "try the same again in a few seconds",
            ),
            _ => Self::ours(&error),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Forbidden(article) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                &article.rule,
                &article.message,
                &article.remedy,
            ),
            Failure::Denied(article) => {
                Self::new(StatusCode::FORBIDDEN, &article.rule, &article.message, &article.remedy)
            }
            Failure::Unknown(what) => Self::new(
                StatusCode::NOT_FOUND,
                "API-404",
                &format!("no {what} by that name"),
                "see the list",
            ),
            Failure::Malformed { rule, message } => {
                Self::new(StatusCode::BAD_REQUEST, rule, &message, "correct it and try again")
            }
            Failure::Store(error) => error.into(),
            Failure::Statement(error) => Self::ours(error.as_ref()),
        }
    }
}

impl From<keyring::Error> for Problem {
    fn from(error: keyring::Error) -> Self {
        match error {
            keyring::Error::RootAway => Self::new(
                StatusCode::CONFLICT,
                "KEY-6",
                "the root key is away, and only it makes new keys",
                "put keys/root.age back for the rotation, then take it away again",
            ),
            keyring::Error::Days | keyring::Error::LastGood(_) => Self::new(
                StatusCode::BAD_REQUEST,
                "KEY-9",
                &error.to_string(),
                "give 1 to 3650 days, and a size that the ledger has had",
            ),
            keyring::Error::Disk(error) => {
                tracing::error!(event = "keys.disk", error = %format!("{error:#}"));
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "KEY-8",
                    "the keys' directory cannot be read or written; nobody was told of new keys",
                    "see the node's log, mend the directory, then rotate again",
                )
            }
            keyring::Error::Failure(failure) => failure.into(),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Split(split) => {
                let status = match &split {
                    stix::SplitError::NotJson { .. } => StatusCode::BAD_REQUEST,
                    stix::SplitError::NotEnvelope { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                    stix::SplitError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                };
                let text = split.to_string();
                let (rule, message) = text.split_once(": ").unwrap_or(("JSON-1", &text));
                Self::new(status, rule, message, "correct the document and send it again")
            }
            SubmitError::NotWritable => Self::new(
                StatusCode::FORBIDDEN,
                "TAXII-5.5",
                "objects cannot be added to this collection",
                "post to the topic's outgoing collection, or to a local one",
            ),
            SubmitError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        if let ImportError::Failure(failure) = error {
            return failure.into();
        }
        let text = error.to_string();
        let (rule, message) = text.split_once(": ").unwrap_or(("CUR-1", &text));
        let remedy = "ask the partner to export again; nothing of the file was taken in";
        Self::new(StatusCode::BAD_REQUEST, rule, message, remedy)
    }
}
