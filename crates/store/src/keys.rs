//! Our own next keys with the statements that tell of them, and keys that were revoked.

use bytes::Bytes;
use protocol::terms::{NodeName, Timestamp};

use crate::{
    Error, NewStatement, Signer, Store, journal, ledger, params, partners, statements, tx::Tx,
};

/// The next epoch of this node's keys.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// This node.
    pub node: NodeName,
    /// The epoch.
    pub epoch: u32,
    /// Its key statement.
    pub note: Bytes,
    /// The revocation of the epoch before, when that may be in other hands.
    pub revocation: Option<Revocation>,
}

/// Keys that are worth nothing from a position of their node's ledger on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The epoch that is revoked.
    pub epoch: u32,
    /// Entries of the ledger below this size were still made by its owner.
    pub size: u64,
    /// The note that the root signed.
    pub note: Bytes,
}

impl Store {
    /// Announces the next keys: statements to the partners first, which the present keys sign, then
    /// the key statement and the revocation as entries of the ledger.
    ///
    /// *Atomicity*: one transaction; an epoch that is announced already changes nothing.
    pub async fn rotate_keys(
        &self,
        rotation: Rotation,
        told: Vec<NewStatement>,
        signer: Signer,
        now: Timestamp,
        actor: String,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let Rotation { node, epoch, note, revocation } = &rotation;
            if !partners::put_key_statement(tx, node, *epoch, note)? {
                return Ok(());
            }
            for statement in &told {
                statements::commit(tx, statement, &signer, now, &actor)?;
            }
            ledger::append(tx, note, None)?;
            let detail = format!("epoch {epoch}");
            let line = journal::Line {
                detail: &detail,
                ..journal::Line::new(now, &actor, "keys.announced")
            };
            journal::write(tx, &line)?;
            if let Some(revocation) = revocation {
                ledger::append(tx, &revocation.note, None)?;
                put_revocation(tx, node, revocation, &actor, now)?;
            }
            Ok(())
        })
        .await
    }

    /// The keys of a node that are revoked.
    pub async fn revocations(&self, node: &NodeName) -> Result<Vec<Revocation>, Error> {
        self.read(|tx| {
            let sql = "/* revocations */ SELECT * FROM revocation WHERE node = ? ORDER BY epoch";
            tx.query(sql, params![node.as_str()], |row| {
                Ok(Revocation {
                    epoch: row.get("epoch")?,
                    size: row.get("size")?,
                    note: row.get("note")?,
                })
            })
        })
    }
}

pub(crate) fn put_revocation(
    tx: &Tx<'_>,
    node: &NodeName,
    revocation: &Revocation,
    actor: &str,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "/* put_revocation */ INSERT INTO revocation VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        params![node.as_str(), revocation.epoch, revocation.size, revocation.note, now.as_ms()],
    )?;
    let detail = format!("epoch {} from entry {} on", revocation.epoch, revocation.size);
    let line = journal::Line {
        detail: &detail,
        partner: Some(node),
        ..journal::Line::new(now, actor, "keys.revoked")
    };
    journal::write(tx, &line)
}
