//! Partners, key statements, and the checkpoints that were seen of other ledgers.

use bytes::Bytes;
use protocol::terms::{Digest, NodeName, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::{Error, SeenCheckpoint, Store, journal, ledger, rows};

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
    })
}

impl Store {
    /// Every partner, by name.
    pub async fn partners(&self) -> Result<Vec<Partner>, Error> {
        self.read(|tx| {
            let mut query =
                tx.prepare_cached("/* partners */ SELECT * FROM partner ORDER BY name")?;
            query.query_and_then([], read)?.collect()
        })
    }

    /// One partner.
    pub async fn partner(&self, name: &NodeName) -> Result<Option<Partner>, Error> {
        self.read(|tx| {
            let mut query =
                tx.prepare_cached("/* partner */ SELECT * FROM partner WHERE name = ?")?;
            query.query_and_then([name.as_str()], read)?.next().transpose()
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
            tx.prepare_cached(
                "/* add_partner */ INSERT INTO partner VALUES (?1, ?2, 'met', ?3, ?4, NULL, NULL)
                 ON CONFLICT (name) DO UPDATE SET url = coalesce(?2, url)",
            )?
            .execute(params![name.as_str(), url, fingerprint.0, now.as_ms()])?;
            put_key_statement(tx, &name, epoch, &note)?;
            let line = journal::Line {
                partner: Some(&name),
                ..journal::Line::new(now, "node", "partner.met")
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
                [name.as_str()],
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
            let before: Option<Option<String>> = tx
                .query_row(
                    "/* partner_contact */ SELECT last_error FROM partner WHERE name = ?",
                    [name.as_str()],
                    |row| row.get(0),
                )
                .map(Some)
                .or_else(|error| {
                    if error == rusqlite::Error::QueryReturnedNoRows {
                        Ok(None)
                    } else {
                        Err(error)
                    }
                })?;
            tx.prepare_cached(
                "/* partner_contact */ UPDATE partner SET last_error = ?2,
                 last_contact = CASE WHEN ?2 IS NULL THEN ?3 ELSE last_contact END WHERE name = ?1",
            )?
            .execute(params![name.as_str(), error, now.as_ms()])?;
            if before.is_some_and(|before| before.is_some() != error.is_some()) {
                let detail = error.unwrap_or_default();
                let line = journal::Line {
                    partner: Some(&name),
                    detail: &detail,
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
            let sql =
                "/* key_statements */ SELECT epoch, note FROM key_statement WHERE node = ? ORDER BY epoch";
            let mut query = tx.prepare_cached(sql)?;
            let rows = query.query_and_then([node.as_str()], |row| {
                Ok((row.get(0)?, Bytes::from(row.get::<_, Vec<u8>>(1)?)))
            })?;
            rows.collect()
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
            tx.prepare_cached(
                "/* put_seen_checkpoint */ INSERT OR IGNORE INTO seen_checkpoint VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![node.as_str(), seen.size, seen.root.0, &seen.note[..], seen.at.as_ms()])?;
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
            let mut query = tx.prepare_cached(sql)?;
            let mut rows = query.query_and_then([node.as_str()], ledger::read_seen)?;
            rows.next().transpose()
        })
    }
}

/// `false` when that epoch is here already.
pub(crate) fn put_key_statement(
    tx: &Connection,
    node: &NodeName,
    epoch: u32,
    note: &[u8],
) -> Result<bool, Error> {
    let sql = "/* put_key_statement */ INSERT OR IGNORE INTO key_statement VALUES (?, ?, ?)";
    Ok(tx.prepare_cached(sql)?.execute(params![node.as_str(), epoch, note])? > 0)
}
