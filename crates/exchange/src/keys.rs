//! This node's own keys: the first key statement, rotation, and telling the partners.

use bytes::Bytes;
use protocol::{
    keys::{self, NodeKeys},
    statement::Item,
    terms::{AgreementId, Precedence, StatementType, Timestamp},
};
use rand_core::CryptoRng;
use store::{NewStatement, OutEffect, Revocation, Rotation};

use crate::{
    Failure, Service,
    message::{self, Message},
};

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

/// Announces the next epoch: every verified partner is told by a founding statement under the
/// present keys, then the next ones are in force here.
///
/// The caller keeps the next keys on disk *before* it calls this; after a crash it may call it
/// again with what it finds there. `last_good`: the present keys may be in other hands, and only
/// what stands in the ledger below that size was surely made here.
///
/// *Atomicity*: announcement, statements and revocation are one transaction; a second call with
/// the same epoch changes nothing.
pub async fn announce_next<R: CryptoRng>(
    service: &Service,
    next: NodeKeys,
    last_good: Option<u64>,
    account: &str,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let made = |error: keys::Error| Failure::Statement(Box::new(error));
    let present = service.keys();
    next.statement().check_successor(present.statement()).map_err(made)?;
    let note = Bytes::copy_from_slice(next.statement().note());
    let revocation = match last_good {
        None => None,
        Some(size) => Some(Revocation {
            epoch: present.statement().epoch(),
            size,
            note: Bytes::from(present.revoke(size, now).map_err(made)?),
        }),
    };
    let mut items = vec![Item::text(note.clone())];
    items.extend(revocation.iter().map(|revocation| Item::text(revocation.note.clone())));
    let told = tell(service, &items, now, rng).await?;
    // Signed with the keys that partners hold: the new ones are in force once this is committed.
    let signer = service.signer(now, rng);
    let (node, epoch) = (service.name().clone(), next.statement().epoch());
    let rotation = Rotation { node, epoch, note, revocation };
    service.store().rotate_keys(rotation, told, signer, now, account.to_owned()).await?;
    service.replace_keys(next);
    Ok(())
}

/// Forgets retired seal keys: what was sealed to them opens no more. The caller has removed their
/// files; the deletion is written down.
pub async fn forget_seals(
    service: &Service,
    epochs: &[u32],
    now: Timestamp,
) -> Result<(), Failure> {
    let rest = service.keys().without_seals(epochs);
    service.replace_keys(rest.map_err(|error| Failure::Statement(Box::new(error)))?);
    let words: Vec<_> = epochs.iter().map(u32::to_string).collect();
    let detail = format!("epoch {}", words.join(", "));
    Ok(service.store().log(now, "node".to_owned(), "keys.seal-deleted", detail).await?)
}

async fn tell<R: CryptoRng>(
    service: &Service,
    items: &[Item],
    now: Timestamp,
    rng: &mut R,
) -> Result<Vec<NewStatement>, Failure> {
    let mut told = Vec::new();
    for partner in service.store().partners().await? {
        let kind = StatementType::Keys;
        let message = Message {
            precedence: Precedence::Flash,
            items: items.to_vec(),
            ..Message::new(kind, AgreementId::FOUNDING, vec![partner.name], OutEffect::Keys)
        };
        told.extend(message::compose(service, message, now, rng).await?);
    }
    Ok(told)
}
