//! Recall: the originator demands that use stops, and the recipient answers for every copy.

use protocol::terms::{
    Precedence, RecallAnswer, RecallReason, Role, StatementId, StatementType, Timestamp,
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use store::{Account, OutEffect, Recall, RecallTask, ReleaseState};
use uuid::Uuid;

use crate::{
    Failure, Service, Step,
    message::{self, Message},
    quarantine,
    rights::{self, Work},
};

/// The parameters of a recall, in its header's `body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallBody {
    /// The release that is recalled.
    pub release: StatementId,
    /// The items recalled, by index; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<u32>>,
    /// Why.
    pub reason: RecallReason,
}

/// The parameters of a recall's answer, in its header's `body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerBody {
    /// The recall that is answered.
    pub recall: StatementId,
    /// What was done.
    pub answer: RecallAnswer,
    /// How many entries were deleted.
    pub deleted: u32,
    /// Copies that stay, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptCopy>,
}

/// A copy that stays after a recall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCopy {
    /// Id of the object.
    pub object: String,
    /// Why it stays.
    pub reason: String,
}

/// Decides to recall a release, or items of it; a worker seals the statement.
///
/// *Errors*: `ROLE-1` without the releaser's role, `ROLE-2` without access to the topic, `RCL-1`
/// when the release never left, `RCL-2` when an item index is not one of its. What an officer may
/// not see may still be recalled: stopping is never the greater harm.
pub async fn issue(
    service: &Service,
    release: Uuid,
    items: Option<Vec<u32>>,
    reason: RecallReason,
    officer: &Account,
    now: Timestamp,
) -> Result<Uuid, Failure> {
    rights::check_role(officer, &[Role::Releaser])?;
    let row = service.store().release(release).await?.ok_or(Failure::Unknown("release"))?;
    let place = (&row.agreement, &row.topic);
    rights::check_topic(service, officer, Work::Send, place).await?;
    if row.statement.is_none() || row.state == ReleaseState::RefusedByPartner {
        return Err(Failure::forbidden(
            "RCL-1",
            format!("this release is {}: the partner holds nothing of it", row.state),
            "return or leave the draft; there is nothing to recall",
        ));
    }
    if items.as_ref().is_some_and(|items| items.iter().any(|index| *index >= row.items)) {
        return Err(Failure::forbidden(
            "RCL-2",
            format!("the release has {} items, counted from 0", row.items),
            "name items of this release, or none to recall all of it",
        ));
    }
    let (id, actor) = (recall_id(release, now), officer.name.clone());
    service.store().draft_recall(id, release, items, reason, actor, now).await?;
    Ok(id)
}

/// A recall's id follows from its release and its moment.
fn recall_id(release: Uuid, now: Timestamp) -> Uuid {
    let seed = protocol::secrets::sha256(format!("recall/{release}/{now}").as_bytes());
    let bytes = seed.0.first_chunk::<16>().copied().unwrap_or_default();
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// Seals recalls that people decided on, and answers those that partners sent.
pub async fn step<R: CryptoRng>(
    service: &Service,
    now: Timestamp,
    rng: &mut R,
) -> Result<Step, Failure> {
    let mut done = quarantine::conclude_recalled(service, now, rng).await?;
    for recall in service.store().recalls_to_issue().await? {
        done += usize::from(seal(service, &recall, now, rng).await?);
    }
    for task in service.store().recall_tasks().await? {
        done += usize::from(answer(service, &task, now, rng).await?);
    }
    Ok(Step::of(done))
}

async fn seal<R: CryptoRng>(
    service: &Service,
    recall: &Recall,
    now: Timestamp,
    rng: &mut R,
) -> Result<bool, Failure> {
    let Some((agreement, _)) = service.agreement(&recall.agreement).await? else {
        return Ok(false);
    };
    let body =
        RecallBody { release: recall.target, items: recall.items.clone(), reason: recall.reason };
    let precedence = match recall.reason {
        RecallReason::SourceDanger => Precedence::Flash,
        _ => Precedence::Priority,
    };
    let (to, effect) = (agreement.others(service.name()), OutEffect::Recall { recall: recall.id });
    let message = Message {
        precedence,
        re: vec![recall.target],
        body: serde_json::to_value(body).ok(),
        ..Message::new(StatementType::Recall, recall.agreement, to, effect)
    };
    send(service, message, now, rng).await
}

async fn answer<R: CryptoRng>(
    service: &Service,
    task: &RecallTask,
    now: Timestamp,
    rng: &mut R,
) -> Result<bool, Failure> {
    let answer = match (task.held, task.kept.is_empty()) {
        (false, true) => RecallAnswer::NotHeld,
        (true, true) => RecallAnswer::DeletedEverywhere,
        (_, false) => RecallAnswer::DeletedExcept,
    };
    let kept = task.kept.iter().map(|object| KeptCopy {
        object: object.clone(),
        reason: "held before it was received from you".to_owned(),
    });
    let body =
        AnswerBody { recall: task.recall, answer, deleted: task.deleted, kept: kept.collect() };
    let effect = OutEffect::RecallAnswer { recall: task.recall, answer };
    let to = vec![task.partner.clone()];
    let message = Message {
        precedence: Precedence::Immediate,
        re: vec![task.recall],
        body: serde_json::to_value(body).ok(),
        ..Message::new(StatementType::RecallAnswer, task.agreement, to, effect)
    };
    send(service, message, now, rng).await
}

/// Sends a message in the node's own name; `false` where no article permits it.
async fn send<R: CryptoRng>(
    service: &Service,
    message: Message,
    now: Timestamp,
    rng: &mut R,
) -> Result<bool, Failure> {
    let composed = message::compose(service, message, now, rng).await?;
    let Some(statement) = composed else { return Ok(false) };
    message::commit(service, statement, "node", now, rng).await?;
    Ok(true)
}
