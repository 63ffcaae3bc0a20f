//! What stands apart is taken in after all, or refused for good: a person decides, and the sender
//! gets a second receipt.

use std::sync::Arc;

use protocol::{
    statement::{self, Opened},
    terms::{Outcome, StatementId, Timestamp},
};
use rand_core::CryptoRng;
use store::{Accepted, QuarantineDecision};

use super::{
    ReceiptEntry, effect,
    receipt::{self, Answered},
    verify,
};
use crate::{Failure, Service};

/// Takes a statement in that stood apart. Our agreement decides once more, as of now.
///
/// *Errors*: unknown where nothing waits by that id; the rule where it may not enter any more.
pub async fn accept<R: CryptoRng>(
    service: &Service,
    id: &StatementId,
    account: &str,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let opened = open(service, id).await?;
    let objects = effect::Objects::of(service, &opened).await?;
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
    decide(service, decision, answered, account, now, rng).await
}

/// Refuses a statement for good that stood apart.
pub async fn refuse<R: CryptoRng>(
    service: &Service,
    id: &StatementId,
    account: &str,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let opened = open(service, id).await?;
    let (outcome, code) = (Outcome::Refused, Some("quarantine-refused".to_owned()));
    let entry = ReceiptEntry { id: *id, outcome, code: code.clone(), items: Vec::new() };
    let decision = QuarantineDecision { id: *id, outcome, code, accepted: None };
    decide(service, decision, answer(&opened, entry), account, now, rng).await
}

/// The sealed bytes were kept, so they are verified and opened as on their first day.
async fn open(service: &Service, id: &StatementId) -> Result<Opened, Failure> {
    let envelope = service.store().quarantined_envelope(id).await?;
    let envelope = envelope.ok_or(Failure::Unknown("statement in quarantine"))?;
    let gone = |refusal: statement::Refusal| {
        Failure::forbidden(refusal.code.code(), "the statement no longer verifies", "refuse it")
    };
    let verified = verify(service, &envelope).await?.map_err(gone)?;
    statement::open(verified, service.keys().seal_identities()).map_err(gone)
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
    account: &str,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let receipts = receipt::compose(service, vec![answered], now, rng).await?;
    let (signer, actor) = (service.signer(now, rng), account.to_owned());
    Ok(service.store().decide_quarantine(decision, receipts, signer, now, actor).await?)
}
