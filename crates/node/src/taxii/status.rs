//! Adding objects, and the status of a request that did (4.3, 5.5).

use std::time::Duration;

use axum::{body::Body, http::StatusCode};
use exchange::{
    Service,
    rights::Root,
    submit::{self, Submission, SubmitError},
};
use protocol::{
    findings,
    terms::{Status as Meaning, Timestamp},
};
use serde::Serialize;
use store::{Collection, Kept, Line};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Fault, Visit, answer::Answer, body, negotiate, query};
use crate::{desk::now, problem::Problem};

/// 4.3.1
#[derive(Serialize)]
struct Status<'a> {
    id: Uuid,
    status: &'static str,
    request_timestamp: &'a str,
    total_count: usize,
    success_count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    successes: Vec<Detail<'a>>,
    failure_count: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Detail<'a>>,
    pending_count: usize,
}

/// The type status-details of 4.3.1.
#[derive(Serialize)]
struct Detail<'a> {
    id: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl<'a> Detail<'a> {
    /// An object without a version of its own has the time of the request for one.
    fn of(line: &'a Line, at: &'a str) -> Self {
        let version = if line.version.is_empty() { at } else { &line.version };
        Self { id: &line.id, version, message: message(line) }
    }
}

/// What is to be said about an object, and what was found in it.
fn message(line: &Line) -> Option<String> {
    let said = match line.held {
        true => Some("it stands apart until a person decides"),
        false => line.message.as_deref(),
    };
    let found = findings::told(&line.findings);
    match (said, found.is_empty()) {
        (said, true) => said.map(str::to_owned),
        (None, false) => Some(format!("findings: {found}")),
        (Some(said), false) => Some(format!("{said}; findings: {found}")),
    }
}

fn complete(code: StatusCode, id: Uuid, at: Timestamp, lines: &[Line]) -> Result<Answer, Fault> {
    let stamp = at.to_string();
    let at = query::date(at.as_ms().saturating_mul(1_000));
    let of = |ok: bool| lines.iter().filter(move |line| line.ok == ok);
    let successes: Vec<_> = of(true).map(|line| Detail::of(line, &stamp)).collect();
    let failures: Vec<_> = of(false).map(|line| Detail::of(line, &stamp)).collect();
    let status = Status {
        id,
        status: "complete",
        request_timestamp: &at,
        total_count: lines.len(),
        success_count: successes.len(),
        successes,
        failure_count: failures.len(),
        failures,
        pending_count: 0,
    };
    Answer::json(code, &status)
}

fn pending(code: StatusCode, id: Uuid, at: Timestamp, total: usize) -> Result<Answer, Fault> {
    let at = query::date(at.as_ms().saturating_mul(1_000));
    let status = Status {
        id,
        status: "pending",
        request_timestamp: &at,
        total_count: total,
        success_count: 0,
        successes: Vec::new(),
        failure_count: 0,
        failures: Vec::new(),
        pending_count: total,
    };
    Answer::json(code, &status)
}

/// 5.5: `complete` is durable and readable by the next GET; what is large or takes long is kept
/// whole, and answered as `pending`.
pub(super) async fn add(
    visit: &Visit<'_>,
    collection: &Collection,
    body: &mut Body,
) -> Result<Answer, Fault> {
    let received =
        body::receive(visit.parts, body, (&visit.desk.budget, visit.desk.config.pace)).await?;
    negotiate::check_conditions(&visit.parts.method, &visit.parts.headers)?;
    let time = now();
    let submission = Submission {
        collection: collection.clone(),
        account: visit.account.name.clone(),
        body: received.bytes.clone(),
        precedence: None,
        status: Meaning::Actual,
        note: None,
        status_id: store::status_id(time, Uuid::new_v4()),
    };
    let (kept, service) = (Waiting::of(&submission, time), visit.desk.service.clone());
    if received.bytes.len() > AT_ONCE_LEN_MAX {
        return kept.keep(service).await;
    }
    let at_once = service.clone();
    let mut adding = Box::pin(async move { submit::submit(&at_once, submission, time).await });
    let added = match timeout(AT_ONCE, &mut adding).await {
        Ok(added) => added.map_err(Problem::from)?,
        Err(_) => {
            // What was begun goes on; it and the step that takes the kept request in end alike.
            tokio::spawn(adding);
            return kept.keep(service).await;
        }
    };
    complete(StatusCode::ACCEPTED, added.status_id, time, &added.lines)
}

/// Bytes of a body whose objects are kept before it is answered.
const AT_ONCE_LEN_MAX: usize = 4 * 1024 * 1024;
/// How long a request waits for its objects.
const AT_ONCE: Duration = Duration::from_millis(500);

/// A request on its way to being kept whole.
struct Waiting {
    kept: Kept,
}

impl Waiting {
    fn of(submission: &Submission, at: Timestamp) -> Self {
        Self {
            kept: Kept {
                status_id: submission.status_id,
                collection: submission.collection.clone(),
                account: submission.account.clone(),
                body: submission.body.clone(),
                total: 0,
                at,
            },
        }
    }

    /// Makes the body durable, lets its objects be taken in, and says that they are pending.
    async fn keep(mut self, service: Service) -> Result<Answer, Fault> {
        let body = self.kept.body.clone();
        // A large document is split off the threads that serve others.
        let split = tokio::task::spawn_blocking(move || stix::split(&body).map(|all| all.len()));
        let split = split.await.map_err(|_| store::Error::Closed)?;
        self.kept.total = split.map_err(|error| Problem::from(SubmitError::from(error)))?;
        let (id, at, total) = (self.kept.status_id, self.kept.at, self.kept.total);
        service.store().keep_submission(self.kept).await?;
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = runtime.block_on(submit::step(&service)) {
                tracing::warn!(event = "submission.waits", %error);
            }
        });
        pending(StatusCode::ACCEPTED, id, at, total)
    }
}

/// 4.3
pub(super) async fn show(visit: &Visit<'_>, root: &Root, id: &str) -> Result<Answer, Fault> {
    let missing = || Fault::not_found("status");
    let id: Uuid = id.parse().map_err(|_| missing())?;
    let (store, account) = (visit.desk.service.store(), &visit.account.name);
    if let Some(found) = store.status(&root.name, id, account).await? {
        return complete(StatusCode::OK, found.id, found.at, &found.lines);
    }
    if let Some((at, total)) = store.submission(&root.name, id, account).await? {
        return pending(StatusCode::OK, id, at, total);
    }
    // It may have been taken in between the two questions.
    let found = store.status(&root.name, id, account).await?.ok_or_else(missing)?;
    complete(StatusCode::OK, found.id, found.at, &found.lines)
}
