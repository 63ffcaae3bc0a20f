//! This node's own keys: the first key statement, rotation, and telling the partners.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{
    agreement::{self, Decision},
    keys::NodeKeys,
    statement::Item,
    terms::{Digest, Precedence, StatementType, Timestamp},
};
use rand_core::CryptoRng;
use store::{NewStatement, OutEffect, PartnerState};

use crate::{Failure, Service, release};

/// Records this node's first key statement, as a ledger entry of its own.
///
/// *Atomicity*: one transaction; a second call with the same epoch changes nothing.
pub async fn found(service: &Service, now: Timestamp) -> Result<(), Failure> {
    let keys = service.keys();
    let statement = keys.statement();
    let (epoch, note) = (statement.epoch(), Bytes::copy_from_slice(statement.note()));
    if service.store().key_statements(service.name()).await?.iter().any(|(held, _)| *held == epoch)
    {
        return Ok(());
    }
    Ok(service.store().announce_keys(service.name().clone(), epoch, note, now).await?)
}

/// Makes the next epoch: a new seal key, signed by the present keys and the root; every verified
/// partner is told by a founding statement under the present keys.
///
/// The caller keeps the returned keys on disk *before* it calls this again.
pub async fn rotate<R: CryptoRng>(
    service: &Service,
    until: Timestamp,
    tls: &[Digest],
    account: &str,
    now: Timestamp,
    rng: &mut R,
) -> Result<Arc<NodeKeys>, Failure> {
    let next = service
        .keys()
        .rotated(tls, now, until, rng)
        .map_err(|error| Failure::Statement(Box::new(error)))?;
    let statement = next.statement();
    let (epoch, note) = (statement.epoch(), Bytes::copy_from_slice(statement.note()));
    let told = tell(service, &note, rng).await?;
    // Signed with the keys that partners hold: the new ones are in force once this is committed.
    let signer = service.signer(now, rng);
    let store = service.store();
    store.announce_keys(service.name().clone(), epoch, note, now).await?;
    store.commit_statements(told, signer, now, account.to_owned()).await?;
    service.replace_keys(next);
    Ok(service.keys())
}

async fn tell<R: CryptoRng>(
    service: &Service,
    note: &Bytes,
    rng: &mut R,
) -> Result<Vec<NewStatement>, Failure> {
    let mut told = Vec::new();
    for partner in service.store().partners().await? {
        let verified = partner.state == PartnerState::Verified;
        let Decision::Permit(permit) = agreement::decide_founding(StatementType::Keys, verified)
        else {
            continue;
        };
        let to = vec![partner.name];
        let mut header = release::header(service, StatementType::Keys, &permit, &to).await?;
        header.precedence = Precedence::Flash;
        let items = vec![Item::text(note.clone())];
        let sealed = release::compose(service, header, items, &to, rng).await?;
        told.push(NewStatement {
            permit: Arc::new(permit),
            sealed: Arc::new(sealed),
            type_: StatementType::Keys,
            topic: None,
            to,
            precedence: Precedence::Flash,
            re: Vec::new(),
            effect: OutEffect::Keys,
        });
    }
    Ok(told)
}
