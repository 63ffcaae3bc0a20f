//! What stands apart is taken in after all, or refused for good: a person decides, and the sender
//! gets a second receipt.

use std::sync::Arc;

use protocol::{
    statement::{self, Opened},
    terms::{Outcome, Role, StatementId, Timestamp},
};
use rand_core::CryptoRng;
use store::{Accepted, Account, NewObject, QuarantineDecision, QuarantineRow, Sight};

use super::{
    ReceiptEntry, effect,
    receipt::{self, Answered},
    verify,
};
use crate::{
    Failure, Service,
    rights::{self, Work},
};

/// What stands apart, opened for the eyes of whoever decides.
#[derive(Debug)]
pub struct Held {
    /// What is known of it from outside.
    pub row: QuarantineRow,
    /// Its objects in order, those that the officer may see.
    pub objects: Vec<HeldObject>,
    /// How many more there are.
    pub hidden: usize,
}

/// One object that stands apart.
#[derive(Debug)]
pub struct HeldObject {
    /// Its index in the statement.
    pub index: u32,
    /// The object with its findings, or the rule and the place for which it would not be kept.
    pub object: Result<NewObject, (String, String)>,
}

/// Opens what stands apart, so that a person sees what was sent and what was found in it.
///
/// *Errors*: unknown where nothing waits by that id, `ROLE-2` without access to its topic.
pub async fn look(service: &Service, id: &StatementId, officer: &Account) -> Result<Held, Failure> {
    let row = service.store().quarantined_one(id).await?;
    let row = row.ok_or(Failure::Unknown("statement in quarantine"))?;
    let (opened, sight) = open(service, id, officer).await?;
    let objects = effect::Objects::of(service, &opened).await?;
    let kept = objects.kept.len();
    let seen = objects
        .kept
        .into_iter()
        .filter(|(_, object)| object.tlp.is_none_or(|tlp| tlp <= sight.ceiling));
    let seen = seen.map(|(index, object)| HeldObject { index, object: Ok(object) });
    let mut all: Vec<_> = seen.collect();
    let hidden = kept - all.len();
    all.extend(
        objects
            .refused
            .into_iter()
            .map(|entry| HeldObject { index: entry.index, object: Err((entry.code, entry.place)) }),
    );
    all.sort_by_key(|held| held.index);
    Ok(Held { row, objects: all, hidden })
}

/// Takes a statement in that stood apart. Our agreement decides once more, as of now.
///
/// *Errors*: `ROLE-1`, `ROLE-2` and `ROLE-3` where it is not this officer's to decide; unknown where
/// nothing waits by that id; the rule where it may not enter any more.
pub async fn accept<R: CryptoRng>(
    service: &Service,
    id: &StatementId,
    officer: &Account,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    rights::check_role(officer, &[Role::Releaser])?;
    let (opened, sight) = open(service, id, officer).await?;
    let objects = effect::Objects::of(service, &opened).await?;
    rights::check_sight(&sight, objects.highest())?;
    let permit = effect::permit(service, &opened, &objects, now).await?;
    let permit = permit.map_err(|rule| {
        Failure::forbidden(&rule, "the agreement no longer permits it", "refuse it")
    })?;
    let topic = opened.header().topic.clone().ok_or(Failure::Unknown("topic"))?;
    let outcome = objects.outcome();
    let code = (!objects.refused.is_empty()).then(|| "item-refused".to_owned());
    let answered = answer(
        &opened,
        ReceiptEntry { id: *id, outcome, code: code.clone(), items: objects.refused },
    );
    let accepted = Accepted { permit: Arc::new(permit), topic, objects: objects.kept };
    let decision = QuarantineDecision { id: *id, outcome, code, accepted: Some(accepted) };
    decide(service, decision, answered, officer, now, rng).await
}

/// Refuses a statement for good that stood apart.
///
/// *Errors*: as [`accept`]; what the officer may not see may still be refused.
pub async fn refuse<R: CryptoRng>(
    service: &Service,
    id: &StatementId,
    officer: &Account,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    rights::check_role(officer, &[Role::Releaser])?;
    // What no longer verifies can still be refused, so nothing is opened here.
    let row = service.store().quarantined_one(id).await?;
    let row = row.ok_or(Failure::Unknown("statement in quarantine"))?;
    rights::check_topic(service, officer, Work::Receive, (&row.agreement, &row.topic)).await?;
    let (outcome, code) = (Outcome::Refused, Some("quarantine-refused".to_owned()));
    let entry = ReceiptEntry { id: *id, outcome, code: code.clone(), items: Vec::new() };
    let decision = QuarantineDecision { id: *id, outcome, code, accepted: None };
    let answered = Answered {
        partner: row.partner,
        agreement: row.agreement,
        precedence: row.precedence,
        entry,
    };
    decide(service, decision, answered, officer, now, rng).await
}

/// The sealed bytes were kept, so they are verified and opened as on their first day.
async fn open(
    service: &Service,
    id: &StatementId,
    officer: &Account,
) -> Result<(Opened, Sight), Failure> {
    let envelope = service.store().quarantined_envelope(id).await?;
    let envelope = envelope.ok_or(Failure::Unknown("statement in quarantine"))?;
    let gone = |refusal: statement::Refusal| {
        Failure::forbidden(refusal.code.code(), "the statement no longer verifies", "refuse it")
    };
    let verified = verify(service, &envelope).await?.map_err(gone)?;
    let opened = statement::open(verified, service.keys().seal_identities()).map_err(gone)?;
    let agreement = opened.verified().address().agreement;
    let topic = opened.header().topic.clone().ok_or(Failure::Unknown("topic"))?;
    let sight = rights::check_topic(service, officer, Work::Receive, (&agreement, &topic)).await?;
    Ok((opened, sight))
}

fn answer(opened: &Opened, entry: ReceiptEntry) -> Answered {
    Answered {
        partner: opened.verified().from().clone(),
        agreement: opened.verified().address().agreement,
        precedence: opened.header().precedence,
        entry,
    }
}

async fn decide<R: CryptoRng>(
    service: &Service,
    decision: QuarantineDecision,
    answered: Answered,
    officer: &Account,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let receipts = receipt::compose(service, vec![answered], now, rng).await?;
    let (signer, actor) = (service.signer(now, rng), officer.name.clone());
    Ok(service.store().decide_quarantine(decision, receipts, signer, now, actor).await?)
}
