//! From a partner's envelope to objects on the desk and a signed receipt (steps 9 to 11).
//!
//! [`accept`] is the door's part: bounded, verified, kept, answered. [`step`] is the worker's:
//! open, decide, check, keep, receipt.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{
    agreement::Permit,
    envelope::Envelope,
    manifest::Manifest,
    slip::Slip,
    statement::{self, Refusal, RefusalCode, Verified},
    terms::{AgreementId, NodeName, Outcome, Timestamp},
};
use rand_core::CryptoRng;
use store::{InEffect, InboxRow, Lane, NewStatement, Put, Received, Route, TakeIn};

use crate::{Failure, Service, Step};

mod effect;
mod quarantine;
mod receipt;

pub(crate) use quarantine::{
    Choice, conclude_recalled, decide as decide_statement, open as open_quarantined,
};
pub use receipt::{ItemEntry, ReceiptBody, ReceiptEntry, receipts_of};

/// Statements taken in by one step, and so by one receipt and one transaction.
const ROWS_PER_STEP: u32 = 64;
/// Sealed bytes taken in by one step: bounds its memory.
const BYTES_PER_STEP: usize = 4 * 1024 * 1024;
/// Items after which a step takes no further statement: bounds its transaction, behind which a
/// FLASH may have to wait. What is sealed tells nothing of them, since it is compressed.
const ITEMS_PER_STEP: usize = 1_000;

/// Why the door did not take an envelope.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// One of the checks 1 to 6 of the statement format's section 2.7.
    #[error("not accepted: {}", .0.code.code())]
    Refused(Refusal),
    /// It is not from the partner at whose door it was handed in.
    #[error("not accepted: the sender is not the partner on this link")]
    WrongPeer,
    /// The rest.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Takes an envelope from the wire or a courier: checks 1 to 7, then the inbox.
///
/// *Atomicity*: one transaction; the same statement again is [`Put::SameAgain`] and changes
/// nothing.
pub async fn accept(
    service: &Service,
    envelope: Bytes,
    route: Route,
    peer: Option<&NodeName>,
    now: Timestamp,
) -> Result<Put, AcceptError> {
    let verified = match verify(service, &envelope).await? {
        Ok(verified) => verified,
        Err(refusal) => return Err(AcceptError::Refused(refusal)),
    };
    if peer.is_some_and(|peer| peer != verified.from()) {
        return Err(AcceptError::WrongPeer);
    }
    let put = service
        .store()
        .put_inbox(verified.id(), verified.from().clone(), envelope, route, now)
        .await;
    let put = put.map_err(Failure::from)?;
    if route == Route::Link {
        crate::relay::partner_heard(service, verified.from(), now).await?;
    }
    Ok(put)
}

/// Checks 1 to 6, with what the store knows of the sender.
async fn verify(service: &Service, envelope: &Bytes) -> Result<Result<Verified, Refusal>, Failure> {
    let parts = match Envelope::parse(envelope) {
        Ok(parts) => parts,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let manifest = match Manifest::parse(&parts.manifest) {
        Ok(manifest) => manifest,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let store = service.store();
    let known = store.partner(&manifest.from).await?.is_some();
    let held = service.key_statements(&manifest.from).await?;
    let keys = held.iter().find(|statement| statement.epoch() == manifest.keys);
    // A statement shows no position in its sender's ledger, so what comes after a revocation is
    // refused even if it was signed before it: the owner signs it again with keys that hold.
    let revoked = store.revocations(&manifest.from).await?;
    let revoked = revoked.iter().any(|revocation| revocation.epoch == manifest.keys);
    let agreement = Slip::parse(&parts.slip).map(|slip| slip.address.agreement);
    let in_force = match agreement {
        Ok(AgreementId::FOUNDING) => true,
        // Receipts and recalls outlive their agreement; whether a release still passes is decided
        // once it is opened.
        Ok(agreement) => store.was_in_force(&agreement).await?,
        Err(_) => false,
    };
    let key_statement = |_: &NodeName, _: u32| match keys {
        _ if !known => Err(RefusalCode::SenderUnknown),
        _ if revoked => Err(RefusalCode::KeysRevoked),
        Some(keys) => Ok(keys.as_ref()),
        None => Err(RefusalCode::KeysUnknown),
    };
    Ok(statement::verify(&parts, service.name(), key_statement, |_| in_force))
}

/// Takes in what waits in one lane: one transaction for the batch and its receipts.
///
/// A lane is a matter of size, because precedence is under the seal; two workers, one for each,
/// keep what is small from waiting until what is large was opened and checked.
///
/// *Atomicity*: effects, receipts, their leaves and the end of the inbox rows are one transaction;
/// it may run twice, the second time on nothing.
pub async fn step<R: CryptoRng>(
    service: &Service,
    lane: Lane,
    now: Timestamp,
    rng: &mut R,
) -> Result<Step, Failure> {
    let rows = service.store().lease_inbox(lane, ROWS_PER_STEP, BYTES_PER_STEP).await?;
    if rows.is_empty() {
        return Ok(Step::Idle);
    }
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let result = take_in(service, rows, now, rng).await;
    for id in &ids {
        service.store().free_inbox(id);
    }
    result.map(Step::of)
}

/// How many rows it took in; the others are left for the next step.
async fn take_in<R: CryptoRng>(
    service: &Service,
    rows: Vec<InboxRow>,
    now: Timestamp,
    rng: &mut R,
) -> Result<usize, Failure> {
    let mut taken = Vec::with_capacity(rows.len());
    let mut answered = Vec::with_capacity(rows.len());
    let mut items = 0;
    for row in rows {
        if items >= ITEMS_PER_STEP {
            break;
        }
        let read = read(service, &row, now).await?;
        items += read.received.as_ref().map_or(0, |received| received.commitments.len());
        answered.extend(read.answer(&row));
        taken.push(read.into_take_in(row));
    }
    let count = taken.len();
    let receipts: Vec<NewStatement> = receipt::compose(service, answered, now, rng).await?;
    let signer = service.signer(now, rng);
    service.store().take_in(taken, receipts, signer, now).await?;
    Ok(count)
}

/// What a reading of one inbox row came to.
struct Reading {
    received: Option<Received>,
    agreement: AgreementId,
    permit: Option<Arc<Permit>>,
    outcome: Outcome,
    code: Option<String>,
    items: Vec<receipt::ItemEntry>,
    effect: InEffect,
    precedence: protocol::terms::Precedence,
    /// Receipts are not receipted.
    receipted: bool,
}

async fn read(service: &Service, row: &InboxRow, now: Timestamp) -> Result<Reading, Failure> {
    let verified = match verify(service, &row.envelope).await? {
        Ok(verified) => verified,
        // It was accepted at the door, so what it rested on is gone since: the agreement ended or
        // the keys were revoked. The sender is told.
        Err(refusal) => return Ok(Reading::refused(None, refusal)),
    };
    let unopened = effect::unopened(&verified);
    match statement::open(verified, service.keys().seal_identities()) {
        Err(refusal) => Ok(Reading::refused(Some(unopened), refusal)),
        Ok(opened) => effect::read_opened(service, opened, &row.envelope, now).await,
    }
}

impl Reading {
    fn refused(received: Option<Received>, refusal: Refusal) -> Self {
        Self {
            agreement: received.as_ref().map_or(AgreementId::FOUNDING, |r| r.agreement),
            received,
            permit: None,
            outcome: Outcome::Refused,
            code: Some(refusal.code.code().to_owned()),
            items: Vec::new(),
            effect: InEffect::None,
            precedence: protocol::terms::Precedence::Routine,
            receipted: true,
        }
    }

    fn answer(&self, row: &InboxRow) -> Option<receipt::Answered> {
        self.receipted.then(|| receipt::Answered {
            partner: row.partner.clone(),
            agreement: self.agreement,
            precedence: self.precedence,
            entry: ReceiptEntry {
                id: row.id,
                outcome: self.outcome,
                code: self.code.clone(),
                items: self.items.clone(),
                more: 0,
            },
        })
    }

    fn into_take_in(self, row: InboxRow) -> TakeIn {
        TakeIn {
            permit: self.permit,
            id: row.id,
            partner: row.partner,
            received: self.received,
            outcome: self.outcome,
            code: self.code,
            effect: self.effect,
        }
    }
}
