//! Partners, key statements, and the checkpoints that were seen of other ledgers.

use bytes::Bytes;
use protocol::{
    findings::FindingsChange,
    terms::{Digest, NodeName, Timestamp},
};

use crate::{
    Error, SeenCheckpoint, Store, journal, ledger, params, rows,
    tx::{Row, Tx},
};

rows::words!(
    /// How far a partner is trusted.
    PartnerState {
        /// Its key statement is here; nobody has compared the fingerprint.
        Met = "met",
        /// Two people have compared the fingerprint.
        Verified = "verified",
        /// Suspended by this node.
        Suspended = "suspended",
    }
);

/// A partner.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Partner {
    /// Its name.
    pub name: NodeName,
    /// Address of its partner door; none where only the courier goes.
    pub url: Option<String>,
    /// How far it is trusted.
    pub state: PartnerState,
    /// Fingerprint of its first key statement.
    #[serde(serialize_with = "hex")]
    pub fingerprint: Digest,
    /// Since when it is known.
    pub added: Timestamp,
    /// When it last answered.
    pub last_contact: Option<Timestamp>,
    /// Why it did not, since then.
    pub last_error: Option<String>,
    /// In what the policy for its objects differs from the node's own.
    #[serde(skip)]
    pub policy: Option<FindingsChange>,
}

fn hex<S: serde::Serializer>(digest: &Digest, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&digest.hex())
}

fn read(row: &Row<'_>) -> Result<Partner, Error> {
    Ok(Partner {
        name: rows::term(row, "name")?,
        url: row.get("url")?,
        state: rows::term(row, "state")?,
        fingerprint: rows::digest(row, "fingerprint")?,
        added: rows::time(row, "added")?,
        last_contact: rows::time_opt(row, "last_contact")?,
        last_error: row.get("last_error")?,
        policy: rows::policy(row)?,
    })
}

impl Store {
    /// Every partner, by name.
    pub async fn partners(&self) -> Result<Vec<Partner>, Error> {
        self.read(|tx| tx.query("/* partners */ SELECT * FROM partner ORDER BY name", &[], read))
    }

    /// One partner.
    pub async fn partner(&self, name: &NodeName) -> Result<Option<Partner>, Error> {
        self.read(|tx| {
            tx.query_opt(
                "/* partner */ SELECT * FROM partner WHERE name = ?",
                params![name.as_str()],
                read,
            )
        })
    }

    /// Keeps a partner with its first key statement; a new address replaces the old.
    ///
    /// *Atomicity*: partner and key statement in one transaction; may run twice.
    pub async fn add_partner(
        &self,
        name: NodeName,
        url: Option<String>,
        epoch: u32,
        note: Bytes,
        fingerprint: Digest,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* add_partner */ INSERT INTO partner (name, url, state, fingerprint, added)
                 VALUES (?1, ?2, 'met', ?3, ?4)
                 ON CONFLICT (name) DO UPDATE SET url = coalesce(?2, partner.url)",
                params![name.as_str(), url, fingerprint.0, now.as_ms()],
            )?;
            put_key_statement(tx, &name, epoch, &note)?;
            let line = journal::Line {
                partner: Some(&name),
                ..journal::Line::new(now, "node", "partner.met")
            };
            journal::write(tx, &line)
        })
        .await
    }

    /// Changes where a partner's door is, or the policy for its objects; nothing where `None`.
    pub async fn change_partner(
        &self,
        name: NodeName,
        url: Option<Option<String>>,
        policy: Option<Option<FindingsChange>>,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let key = name.as_str();
            if let Some(url) = &url {
                let sql = "/* change_partner */ UPDATE partner SET url = ? WHERE name = ?";
                tx.execute(sql, params![url, key])?;
            }
            if let Some(policy) = &policy {
                let policy = rows::policy_column(policy.as_ref());
                let sql = "/* change_partner */ UPDATE partner SET policy = ? WHERE name = ?";
                tx.execute(sql, params![policy, key])?;
            }
            let line = journal::Line {
                partner: Some(&name),
                ..journal::Line::new(now, &actor, "partner.changed")
            };
            journal::write(tx, &line)
        })
        .await
    }

    /// Two people have compared the fingerprint.
    pub async fn verify_partner(
        &self,
        name: NodeName,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* verify_partner */ UPDATE partner SET state = 'verified' WHERE name = ?",
                params![name.as_str()],
            )?;
            let line = journal::Line {
                partner: Some(&name),
                ..journal::Line::new(now, &actor, "partner.verified")
            };
            journal::write(tx, &line)
        })
        .await
    }

    /// Notes that a partner answered, or why it did not.
    pub async fn partner_contact(
        &self,
        name: NodeName,
        error: Option<String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let event = if error.is_none() { "link.up" } else { "link.down" };
            let before: Option<Option<String>> = tx.query_opt(
                "/* partner_contact */ SELECT last_error FROM partner WHERE name = ?",
                params![name.as_str()],
                |row| row.get(0),
            )?;
            tx.execute(
                "/* partner_contact */ UPDATE partner SET last_error = ?2,
                 last_contact = coalesce(?3, last_contact) WHERE name = ?1",
                params![name.as_str(), error, error.is_none().then_some(now.as_ms())],
            )?;
            if before.is_some_and(|before| before.is_some() != error.is_some()) {
                let detail = error.as_deref().unwrap_or_default();
                let line = journal::Line {
                    partner: Some(&name),
                    detail,
                    ..journal::Line::new(now, "node", event)
                };
                journal::write(tx, &line)?;
            }
            Ok(())
        })
        .await
    }

    /// The key statements of a node, by epoch.
    pub async fn key_statements(&self, node: &NodeName) -> Result<Vec<(u32, Bytes)>, Error> {
        self.read(|tx| {
            let sql = "/* key_statements */ SELECT epoch, note FROM key_statement WHERE node = ?
                    ORDER BY epoch";
            tx.query(sql, params![node.as_str()], |row| Ok((row.get(0)?, row.get::<Bytes>(1)?)))
        })
    }

    /// Keeps our own key statement and enters it into the ledger.
    ///
    /// *Atomicity*: one transaction; an epoch that is here already changes nothing.
    pub async fn announce_keys(
        &self,
        node: NodeName,
        epoch: u32,
        note: Bytes,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            if put_key_statement(tx, &node, epoch, &note)? {
                ledger::append(tx, &note, None)?;
                let detail = format!("epoch {epoch}");
                let line = journal::Line {
                    detail: &detail,
                    ..journal::Line::new(now, "node", "keys.announced")
                };
                journal::write(tx, &line)?;
            }
            Ok(())
        })
        .await
    }

    /// Keeps a checkpoint of another ledger.
    pub async fn put_seen_checkpoint(
        &self,
        node: NodeName,
        seen: SeenCheckpoint,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* put_seen_checkpoint */ INSERT INTO seen_checkpoint VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT DO NOTHING",
                params![node.as_str(), seen.size, seen.root.0, &seen.note[..], seen.at.as_ms()],
            )?;
            Ok(())
        })
        .await
    }

    /// The largest checkpoint seen of another ledger.
    pub async fn last_seen_checkpoint(
        &self,
        node: &NodeName,
    ) -> Result<Option<SeenCheckpoint>, Error> {
        self.read(|tx| {
            let sql = "/* last_seen_checkpoint */ SELECT * FROM seen_checkpoint WHERE node = ?
                       ORDER BY size DESC LIMIT 1";
            tx.query_opt(sql, params![node.as_str()], ledger::read_seen)
        })
    }
}

/// `false` when that epoch is here already.
pub(crate) fn put_key_statement(
    tx: &Tx<'_>,
    node: &NodeName,
    epoch: u32,
    note: &[u8],
) -> Result<bool, Error> {
    let sql =
        "/* put_key_statement */ INSERT INTO key_statement VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![node.as_str(), epoch, note])? > 0)
}
