//! Deciding on what stands apart: objects that a partner's statement brought, or a request of the
//! service's own people. What nobody decides on is refused when its collection's retention is over.

use std::collections::BTreeSet;

use bytes::Bytes;
use protocol::{
    findings::FindingsPolicy,
    statement::{Item, ItemKind},
    terms::{AgreementId, Role, Timestamp},
};
use rand_core::CryptoRng;
use store::{Account, HeldObject, Line, NewObject, QuarantineRow, Source, SubmissionDecision};
use uuid::Uuid;

use crate::{
    Failure, Service,
    examine::{Examine, Examined, Markings},
    intake, rights,
    submit::{self, Submission, SubmitError},
};

/// Objects of one statement or request that are looked at, and decided on, at once.
pub const OBJECTS_MAX: u32 = 100_000;

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They come into the collection, with their findings.
    Accept,
    /// They are refused for good.
    Refuse,
}

/// Characters of a reason.
pub const REASON_LEN_MAX: usize = 500;

/// Who decides, when and why.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The officer.
    pub officer: &'a Account,
    /// Why, in the officer's words: for our own journal, and for whoever of our own people brought
    /// it. A partner is not told.
    pub reason: &'a str,
    /// When.
    pub now: Timestamp,
}

/// Decides on what one statement or request brought: on some objects by their places, or on all
/// that still wait. A person may let in what the policy would refuse, though never what cannot be
/// kept.
///
/// *Atomicity*: one transaction; each object is decided on once.
///
/// *Errors*: `ROLE-1`, `ROLE-2` and `ROLE-3` where it is not this officer's to decide (what may not
/// be seen may still be refused); `HLD-1` where the reason is too long; unknown where nothing waits
/// there, or not all that is named.
pub async fn decide<R: CryptoRng>(
    service: &Service,
    source: Source,
    places: Option<&[u32]>,
    decision: Decision,
    by: By<'_>,
    rng: &mut R,
) -> Result<(), Failure> {
    let officer = by.officer;
    rights::check_role(officer, &[Role::Releaser])?;
    if by.reason.chars().count() > REASON_LEN_MAX {
        let remedy = "say it in 500 characters";
        return Err(Failure::forbidden("HLD-1", "the reason is too long", remedy));
    }
    let row = service.store().quarantined_from(source).await?;
    let row = row.ok_or(Failure::Unknown("statement or request in quarantine"))?;
    let sight = rights::check_collection(service, officer, &row.collection).await?;
    let held = service.store().held_objects(source, 0, OBJECTS_MAX).await?;
    let mut left: BTreeSet<u32> = held.iter().map(|object| object.place).collect();
    let places: Vec<u32> = match places {
        None => left.iter().copied().collect(),
        Some(places) => places.iter().copied().collect::<BTreeSet<_>>().into_iter().collect(),
    };
    if places.is_empty() || !places.iter().all(|place| left.remove(place)) {
        return Err(Failure::Unknown("object in quarantine"));
    }
    if decision == Decision::Accept {
        let chosen = held.iter().filter(|object| places.contains(&object.place));
        rights::check_sight(&sight, chosen.map(|object| &object.audience))?;
    }
    let word = Word {
        decision,
        actor: &officer.name,
        reason: by.reason,
        rule: "quarantine-refused",
        now: by.now,
    };
    carry_out(service, row, (places, held), word, rng).await
}

/// What was decided, by a person or by time itself.
#[derive(Clone, Copy)]
pub(crate) struct Word<'a> {
    pub(crate) decision: Decision,
    pub(crate) actor: &'a str,
    pub(crate) reason: &'a str,
    /// The rule by which what is refused is refused.
    pub(crate) rule: &'static str,
    pub(crate) now: Timestamp,
}

impl Word<'_> {
    /// What whoever brought it is told, where it is refused.
    fn refusal(&self) -> String {
        match (self.rule, self.reason) {
            ("quarantine-refused", "") => "a person decided not to take it".to_owned(),
            ("quarantine-refused", reason) => format!("a person decided not to take it: {reason}"),
            (rule, reason) => format!("{rule}: {reason}"),
        }
    }
}

async fn carry_out<R: CryptoRng>(
    service: &Service,
    row: QuarantineRow,
    (places, held): (Vec<u32>, Vec<HeldObject>),
    word: Word<'_>,
    rng: &mut R,
) -> Result<(), Failure> {
    let (chosen, left): (Vec<_>, Vec<_>) =
        held.into_iter().partition(|object| places.contains(&object.place));
    match row.id {
        Source::Statement(id) => {
            let choice = intake::Choice {
                id,
                partner: row.partner.ok_or(Failure::Unknown("partner"))?,
                agreement: row.agreement.unwrap_or(AgreementId::FOUNDING),
                precedence: row.precedence,
                places,
                left,
            };
            intake::decide_statement(service, choice, word, rng).await
        }
        Source::Submission(id) => decide_submission(service, (id, row), chosen, word, rng).await,
    }
}

/// Statements and requests whose waiting one step ends.
const EXPIRED_MAX: u32 = 64;

/// Ends the waiting of what nobody has decided on for as long as its collection keeps things: it is
/// refused by the rule `quarantine-expired`, and whoever brought it is told.
///
/// *Atomicity*: a transaction for each statement or request; may run twice.
pub(crate) async fn expire<R: CryptoRng>(
    service: &Service,
    now: Timestamp,
    rng: &mut R,
) -> Result<usize, Failure> {
    let expired = service.store().held_expired(now, EXPIRED_MAX).await?;
    let count = expired.len();
    for (source, days) in expired {
        let Some(row) = service.store().quarantined_from(source).await? else { continue };
        let held = service.store().held_objects(source, 0, OBJECTS_MAX).await?;
        let reason = format!("nobody decided on it within {days} days");
        let word = Word {
            decision: Decision::Refuse,
            actor: "node",
            reason: &reason,
            rule: "quarantine-expired",
            now,
        };
        let places = held.iter().map(|object| object.place).collect();
        carry_out(service, row, (places, held), word, rng).await?;
    }
    Ok(count)
}

/// Concludes the statements of which recalls took the last that waited: nobody decides on them any
/// more, and their senders are told.
///
/// *Atomicity*: a transaction for each statement; may run twice.
pub(crate) async fn conclude_recalled<R: CryptoRng>(
    service: &Service,
    now: Timestamp,
    rng: &mut R,
) -> Result<usize, Failure> {
    let empty = service.store().held_in_name_only(EXPIRED_MAX).await?;
    for id in &empty {
        intake::conclude_recalled(service, id, now, rng).await?;
    }
    Ok(empty.len())
}

async fn decide_submission<R: CryptoRng>(
    service: &Service,
    (status_id, row): (Uuid, QuarantineRow),
    chosen: Vec<HeldObject>,
    word: Word<'_>,
    rng: &mut R,
) -> Result<(), Failure> {
    let bodies: Vec<Bytes> = chosen.iter().filter_map(|held| held.body.clone()).collect();
    let slices: Vec<&[u8]> = bodies.iter().map(AsRef::as_ref).collect();
    let markings = Markings::known(service).await?.with(&slices);
    let (accepted, refused) = match word.decision {
        Decision::Accept => let_in(&chosen, &markings),
        Decision::Refuse => {
            let line = |held| submit::turned_down(held, word.refusal());
            (Vec::new(), chosen.iter().map(line).collect())
        }
    };
    let account = row.account.unwrap_or_default();
    let release = match accepted.is_empty() {
        true => None,
        false => draft(service, &row.collection, &account, rng).await?,
    };
    let decision = SubmissionDecision {
        status_id,
        collection: row.collection,
        account,
        accepted,
        refused,
        release,
        actor: word.actor.to_owned(),
        reason: word.reason.to_owned(),
        now: word.now,
    };
    service.store().decide_submission(decision).await?;
    Ok(())
}

/// The objects as a person lets them in: what is found stays beside them.
fn let_in(chosen: &[HeldObject], markings: &Markings) -> (Vec<(u32, NewObject)>, Vec<Line>) {
    let (policy, options) = (FindingsPolicy::at_submit(), stix::Options::default());
    let mut examine = Examine::new(&options, markings, &policy);
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for held in chosen {
        let Some(body) = &held.body else { continue };
        match examine.object(body, body) {
            Examined::Taken(object) | Examined::Held(object) => accepted.push((held.place, object)),
            Examined::Refused(why) => refused.push(submit::refused_line(held.place, body, why)),
        }
    }
    (accepted, refused)
}

/// The draft that accepted objects become, where their collection is an outgoing one: a release of
/// its own, since the rest of the request may have left long ago.
async fn draft<R: CryptoRng>(
    service: &Service,
    collection: &store::Collection,
    account: &str,
    rng: &mut R,
) -> Result<Option<store::ReleaseDraft>, Failure> {
    let mut random = [0; 16];
    rng.fill_bytes(&mut random);
    let submission = Submission {
        collection: collection.clone(),
        account: account.to_owned(),
        body: Bytes::new(),
        precedence: None,
        status: protocol::terms::Status::Actual,
        note: None,
        status_id: uuid::Builder::from_random_bytes(random).into_uuid(),
    };
    submit::draft(service, &submission).await.map_err(|error| match error {
        SubmitError::Failure(failure) => failure,
        SubmitError::Split(_) | SubmitError::NotWritable => Failure::Unknown("collection"),
    })
}

/// What stands apart, for the eyes of whoever decides.
#[derive(Debug)]
pub struct Held {
    /// What is known of it from outside.
    pub row: QuarantineRow,
    /// Its objects in order, those that the officer may see.
    pub objects: Vec<HeldObject>,
    /// How many more there are.
    pub hidden: usize,
}

/// What waits of one statement or request.
///
/// *Errors*: unknown where nothing waits there; `ROLE-2` for who does not read its collection.
pub async fn look(service: &Service, source: Source, officer: &Account) -> Result<Held, Failure> {
    let row = service.store().quarantined_from(source).await?;
    let row = row.ok_or(Failure::Unknown("statement or request in quarantine"))?;
    let sight = rights::check_collection(service, officer, &row.collection).await?;
    let mut objects = service.store().held_objects(source, 0, OBJECTS_MAX).await?;
    objects.retain(|object| sight.is_in(&object.audience));
    let hidden = (row.objects as usize).saturating_sub(objects.len());
    Ok(Held { row, objects, hidden })
}

/// Reads the bytes of objects that a statement brought: they are kept sealed.
///
/// *Errors*: the refusal's code where the statement no longer verifies.
pub async fn unseal(service: &Service, held: &mut Held) -> Result<(), Failure> {
    let Source::Statement(id) = held.row.id else { return Ok(()) };
    let opened = intake::open_quarantined(service, &id).await?;
    for object in &mut held.objects {
        if let Some(Item::Data { kind: ItemKind::Stix, data }) =
            opened.items().get(object.place as usize)
        {
            object.body = Some(data.clone());
        }
    }
    Ok(())
}
