//! What a statement brought and stands apart is taken in after all, or refused for good: a person
//! decides, and the sender gets another receipt.

use std::{collections::BTreeSet, sync::Arc};

use protocol::{
    statement::{self, Opened},
    terms::{AgreementId, NodeName, Outcome, Precedence, StatementId, Timestamp},
};
use rand_core::CryptoRng;
use store::{Accepted, HeldObject, QuarantineDecision};

use super::{
    ItemEntry, ReceiptEntry,
    effect::{self, Objects},
    receipt::{self, Answered},
    verify,
};
use crate::{
    Failure, Service,
    quarantine::{Decision, Word},
};

/// The objects of a statement that a person decides on.
pub(crate) struct Choice {
    pub(crate) id: StatementId,
    pub(crate) partner: NodeName,
    pub(crate) agreement: AgreementId,
    pub(crate) precedence: Precedence,
    /// Their indexes.
    pub(crate) places: Vec<u32>,
    /// What still waits afterwards.
    pub(crate) left: Vec<HeldObject>,
}

/// Decides on objects of a statement. To let them in our agreement decides once more, as of now; a
/// statement that no longer verifies can still be refused, so nothing is opened for that.
///
/// *Errors*: the rule where it may not enter any more.
pub(crate) async fn decide<R: CryptoRng>(
    service: &Service,
    choice: Choice,
    word: Word<'_>,
    rng: &mut R,
) -> Result<(), Failure> {
    let now = word.now;
    let Choice { id, places, left, .. } = choice;
    let (accepted, mut items) = match word.decision {
        Decision::Accept => {
            let (accepted, items) = accept(service, &id, &places, now).await?;
            (Some(accepted), items)
        }
        Decision::Refuse => {
            let refused = |place: &u32| refused(*place, word.rule);
            (None, places.iter().map(refused).collect())
        }
    };
    let more = tell_all(&mut items, last_told(service, &id).await?, &places, &left);
    let took = accepted.as_ref().is_some_and(|accepted| !accepted.objects.is_empty())
        || service.store().took_objects(&id).await?;
    let (outcome, code) = match (left.is_empty(), took) {
        (false, _) => (Outcome::Quarantined, Some("item-quarantined")),
        (true, false) => (Outcome::Refused, Some(word.rule)),
        // A recall took away what waited, and nothing else is to be told.
        (true, true) if places.is_empty() && items.is_empty() && more == 0 => {
            (Outcome::TakenIn, None)
        }
        (true, true) => {
            let some_refused = items.iter().any(|item| item.outcome == Outcome::Refused);
            (Outcome::TakenInWithFindings, some_refused.then_some("item-refused"))
        }
    };
    let code = code.map(str::to_owned);
    let entry = ReceiptEntry { id, outcome, code: code.clone(), items, more };
    let answered = Answered {
        partner: choice.partner,
        agreement: choice.agreement,
        precedence: choice.precedence,
        entry,
    };
    let left = left.len();
    let reason = word.reason.to_owned();
    let decision = QuarantineDecision { id, places, outcome, code, accepted, left, reason };
    let receipts = receipt::compose(service, vec![answered], now, rng).await?;
    let (signer, actor) = (service.signer(now, rng), word.actor.to_owned());
    Ok(service.store().decide_quarantine(decision, receipts, signer, now, actor).await?)
}

/// A recall took away the last of what waited: nobody decides on it any more, and the sender is told
/// what became of the rest.
pub(crate) async fn conclude_recalled<R: CryptoRng>(
    service: &Service,
    id: &StatementId,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let store = service.store();
    let Some(statement) = store.statement(id).await? else { return Ok(()) };
    let Some(partner) = statement.partner else { return Ok(()) };
    let choice = Choice {
        id: *id,
        partner,
        agreement: statement.agreement,
        precedence: statement.precedence,
        places: Vec::new(),
        left: Vec::new(),
    };
    let word = Word {
        decision: Decision::Refuse,
        actor: "node",
        reason: "what waited was recalled",
        rule: "recalled",
        now,
    };
    decide(service, choice, word, rng).await
}

/// What the sender was last told of a statement.
async fn last_told(service: &Service, id: &StatementId) -> Result<Option<ReceiptEntry>, Failure> {
    let header = service.store().quarantine_told(id).await?;
    Ok(header.and_then(|header| receipt::entry_of(&header, id)))
}

/// The receipt takes the place of the last, so it tells the whole state: besides what is decided
/// now, what was told before of other items, and what still waits. How many items more there are,
/// which none of the receipts lists.
fn tell_all(
    items: &mut Vec<ItemEntry>,
    last: Option<ReceiptEntry>,
    places: &[u32],
    left: &[HeldObject],
) -> usize {
    let (told, more) = last.map_or((Vec::new(), 0), |last| (last.items, last.more));
    let (waited, settled): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|item| item.outcome == Outcome::Quarantined);
    let waited: BTreeSet<u32> = waited.into_iter().map(|item| item.index).collect();
    let known = places.iter().copied().chain(left.iter().map(|object| object.place));
    let more = more.saturating_sub(known.filter(|place| !waited.contains(place)).count());
    items.extend(settled);
    items.extend(left.iter().filter_map(waiting));
    items.sort_by_key(|item| item.index);
    more
}

/// The objects as a person lets them in, and what the sender is told of them.
async fn accept(
    service: &Service,
    id: &StatementId,
    places: &[u32],
    now: Timestamp,
) -> Result<(Accepted, Vec<ItemEntry>), Failure> {
    let opened = open(service, id).await?;
    let mut objects = Objects::by_hand(service, &opened).await?;
    objects.kept.retain(|(place, _)| places.contains(place));
    objects.items.retain(|item| places.contains(&item.index));
    let permit = effect::permit(service, &opened, &objects, now).await?;
    let permit = permit.map_err(|rule| {
        Failure::forbidden(&rule, "the agreement no longer permits it", "refuse it")
    })?;
    let topic = opened.header().topic.clone().ok_or(Failure::Unknown("topic"))?;
    Ok((Accepted { permit: Arc::new(permit), topic, objects: objects.kept }, objects.items))
}

fn refused(index: u32, rule: &str) -> ItemEntry {
    let (code, place) = (rule.to_owned(), String::new());
    ItemEntry { index, outcome: Outcome::Refused, code, place }
}

fn waiting(object: &HeldObject) -> Option<ItemEntry> {
    let found = object.findings.iter().max_by_key(|found| found.level)?;
    Some(effect::told(object.place, found, Outcome::Quarantined))
}

/// The sealed bytes were kept, so they are verified and opened as on their first day.
pub(crate) async fn open(service: &Service, id: &StatementId) -> Result<Opened, Failure> {
    let envelope = service.store().quarantined_envelope(id).await?;
    let envelope = envelope.ok_or(Failure::Unknown("statement in quarantine"))?;
    let gone = |refusal: statement::Refusal| {
        Failure::forbidden(refusal.code.code(), "the statement no longer verifies", "refuse it")
    };
    let verified = verify(service, &envelope).await?.map_err(gone)?;
    statement::open(verified, service.keys().seal_identities()).map_err(gone)
}
