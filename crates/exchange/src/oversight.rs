//! Oversight: our checkpoint, the partner's, and whether two ledgers agree.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use protocol::{
    commitment::Seed,
    comparison::{Account, Sent},
    ledger::Checkpoint,
    merkle,
    terms::{Digest, NodeName, Timestamp},
};
use store::{Partner, SeenCheckpoint};

use crate::{
    Failure, Service, Step,
    relay::{CheckpointAnswer, Link},
};

/// Signs a checkpoint when leaves have arrived since the last one. It is kept before it is served.
pub async fn publish(service: &Service, now: Timestamp) -> Result<Step, Failure> {
    let store = service.store();
    let (size, root) = store.ledger_tree().await?;
    let last = store.last_checkpoint().await?;
    if size == 0 || last.is_some_and(|last| last.size >= size) {
        return Ok(Step::Idle);
    }
    let note = Checkpoint { size, root }
        .sign(&service.keys(), now)
        .map_err(|error| Failure::Statement(Box::new(error)))?;
    store.put_checkpoint(SeenCheckpoint { size, root, note: Bytes::from(note), at: now }).await?;
    Ok(Step::Worked(1))
}

/// Our last checkpoint, proven against the tree of size `since`.
pub async fn checkpoint(service: &Service, since: u64) -> Result<CheckpointAnswer, Failure> {
    let store = service.store();
    let last = store.last_checkpoint().await?.ok_or(Failure::Unknown("checkpoint"))?;
    let leaves = store.leaf_hashes(last.size).await?;
    let since = usize::try_from(since).unwrap_or(usize::MAX);
    let proof = merkle::consistency_proof(&leaves, since).ok_or_else(|| {
        Failure::forbidden(
            "LED-1",
            "this ledger has never been that large",
            "compare ledgers: one of the two was rolled back",
        )
    })?;
    Ok(CheckpointAnswer {
        note: String::from_utf8_lossy(&last.note).into_owned(),
        consistency: proof.iter().map(Digest::base64).collect(),
    })
}

/// Fetches a partner's checkpoint and keeps it when it continues the one held; `false` where the
/// two do not belong to one ledger, which is evidence and is written down.
pub async fn exchange(
    service: &Service,
    link: &impl Link,
    partner: &Partner,
    now: Timestamp,
) -> Result<bool, Failure> {
    let store = service.store();
    let held = store.last_seen_checkpoint(&partner.name).await?;
    let since = held.as_ref().map_or(0, |held| held.size);
    let Ok(answer) = link.checkpoint(partner, since).await else { return Ok(true) };
    let Some(keys) = service.key_statement(&partner.name).await? else { return Ok(true) };
    let continued = Checkpoint::parse(answer.note.as_bytes(), &keys).ok().filter(|fresh| {
        let hash = |text: &String| Digest::from_slice(&STANDARD.decode(text).ok()?).ok();
        let proof: Option<Vec<Digest>> = answer.consistency.iter().map(hash).collect();
        let old = held.as_ref().map_or((0, Digest::ZERO), |held| (held.size, held.root));
        proof.is_some_and(|proof| merkle::is_consistent(old, (fresh.size, fresh.root), &proof))
    });
    let Some(fresh) = continued else {
        let detail = format!("the checkpoint does not continue the tree of {since} entries");
        store.log(now, partner.name.to_string(), "ledger.inconsistent", detail).await?;
        return Ok(false);
    };
    if fresh.size > since {
        let note = Bytes::from(answer.note);
        let seen = SeenCheckpoint { size: fresh.size, root: fresh.root, note, at: now };
        store.put_seen_checkpoint(partner.name.clone(), seen).await?;
    }
    Ok(true)
}

/// What a comparison needs of this side: ledger, headers and salts of what went to a partner.
/// Never an item.
pub async fn account(
    service: &Service,
    partner: &NodeName,
    now: Timestamp,
) -> Result<Account, Failure> {
    publish(service, now).await?;
    let store = service.store();
    let last = store.last_checkpoint().await?.ok_or(Failure::Unknown("checkpoint"))?;
    let leaves = store.leaf_hashes(last.size).await?;
    let seen = store.last_seen_checkpoint(partner).await?;
    let keys = service.keys();
    let sent = store.sent_accounts(partner).await?;
    let in_tree = sent.into_iter().filter(|statement| statement.index < last.size);
    Ok(Account {
        node: service.name().clone(),
        partner: partner.clone(),
        keys: String::from_utf8_lossy(keys.statement().note()).into_owned(),
        checkpoint: String::from_utf8_lossy(&last.note).into_owned(),
        leaves: leaves.iter().map(Digest::base64).collect(),
        seen: seen.map(|seen| String::from_utf8_lossy(&seen.note).into_owned()),
        sent: in_tree
            .map(|statement| Sent {
                id: statement.id,
                index: statement.index,
                number: statement.number,
                manifest: String::from_utf8_lossy(&statement.manifest).into_owned(),
                header: STANDARD.encode(&statement.header),
                header_salt: Seed::new(statement.seed).salt("header").base64(),
            })
            .collect(),
    })
}
