//! Adding objects, and the status of a request that did (4.3, 5.5).

use axum::{body::Body, http::StatusCode};
use exchange::submit::{self, Submission};
use protocol::terms::{Status as Meaning, Timestamp};
use serde::Serialize;
use store::{Collection, Line};
use uuid::Uuid;

use super::{Fault, Visit, answer::Answer, body, query};
use crate::{desk::now, problem::Problem, rights::Root};

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
    message: Option<&'a str>,
}

impl<'a> Detail<'a> {
    /// An object without a version of its own has the time of the request for one.
    fn of(line: &'a Line, at: &'a str) -> Self {
        let version = if line.version.is_empty() { at } else { &line.version };
        Self { id: &line.id, version, message: line.message.as_deref() }
    }
}

fn complete(code: StatusCode, id: Uuid, at: Timestamp, lines: &[Line]) -> Result<Answer, Fault> {
    let at = query::date(at.as_ms().saturating_mul(1_000));
    let of = |ok: bool| lines.iter().filter(move |line| line.ok == ok);
    let successes: Vec<_> = of(true).map(|line| Detail::of(line, &at)).collect();
    let failures: Vec<_> = of(false).map(|line| Detail::of(line, &at)).collect();
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

/// 5.5
pub(super) async fn add(
    visit: &Visit<'_>,
    collection: &Collection,
    body: Body,
) -> Result<Answer, Fault> {
    let received = body::receive(visit.parts, body, &visit.desk.budget).await?;
    let submission = Submission {
        collection: collection.clone(),
        account: visit.account.name.clone(),
        body: received.bytes.clone(),
        precedence: None,
        status: Meaning::Actual,
        note: None,
        status_id: Uuid::new_v4(),
    };
    let time = now();
    let added = submit::submit(&visit.desk.service, submission, time).await;
    let added = added.map_err(Problem::from)?;
    complete(StatusCode::ACCEPTED, added.status_id, time, &added.lines)
}

/// 4.3
pub(super) async fn show(visit: &Visit<'_>, root: &Root, id: &str) -> Result<Answer, Fault> {
    let missing = || Fault::not_found("status");
    let id: Uuid = id.parse().map_err(|_| missing())?;
    let found = visit.desk.service.store().status(&root.name, id, &visit.account.name).await?;
    let found = found.ok_or_else(missing)?;
    complete(StatusCode::OK, found.id, found.at, &found.lines)
}
