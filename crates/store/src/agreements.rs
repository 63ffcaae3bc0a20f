//! Agreements: texts, signatures, and the collections that appear when one comes into force.

use bytes::Bytes;
use protocol::terms::{AgreementId, NodeName, StatementId, Timestamp, Topic};

use crate::{
    Error, StandingRow, Store, journal, objects, params, rows, standing,
    tx::{Row, Tx},
};

rows::words!(
    /// How far an agreement has come.
    AgreementState {
        /// A text; nobody has signed.
        Drafted = "drafted",
        /// At least one party has signed, not all.
        Signed = "signed",
        /// Every party has signed.
        InForce = "in-force",
        /// A party has suspended it: releases stop, duties go on.
        Suspended = "suspended",
        /// Another agreement of the same parties has taken its place.
        Superseded = "superseded",
        /// A party has ended it.
        Ended = "ended",
    }
);

/// An agreement as it is kept.
#[derive(Debug, Clone)]
pub struct AgreementRow {
    /// Its id.
    pub id: AgreementId,
    /// Its title.
    pub title: String,
    /// The bytes that are signed.
    pub text: Bytes,
    /// How far it has come.
    pub state: AgreementState,
    /// Its parties.
    pub parties: Vec<NodeName>,
    /// Since when it is here.
    pub created: Timestamp,
    /// Since when it is in force.
    pub in_force_since: Option<Timestamp>,
    /// Who signed, by which statement, when.
    pub signatures: Vec<(NodeName, StatementId, Timestamp)>,
    /// The parties that have suspended or ended it.
    pub standing: Vec<StandingRow>,
    /// Since when another has taken its place.
    pub superseded_at: Option<Timestamp>,
}

/// Which collections a topic needs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// The topic.
    pub topic: Topic,
    /// Objects go out under it.
    pub outgoing: bool,
    /// Objects come in under it.
    pub incoming: bool,
    /// Days that what came in is kept.
    pub retention_days: Option<u32>,
}

/// A text, with what the store must know of it.
#[derive(Debug, Clone)]
pub(crate) struct Text<'a> {
    pub(crate) id: AgreementId,
    pub(crate) title: &'a str,
    pub(crate) text: &'a [u8],
    pub(crate) parties: &'a [NodeName],
}

fn read(row: &Row<'_>) -> Result<AgreementRow, Error> {
    let parties: String = row.get("parties")?;
    let parties = parties.split(' ').map(str::parse).collect::<Result<_, _>>();
    Ok(AgreementRow {
        id: rows::term(row, "id")?,
        title: row.get("title")?,
        text: row.get::<Bytes>("text")?,
        state: rows::term(row, "state")?,
        parties: parties.map_err(|_| Error::Corrupt("parties"))?,
        created: rows::time(row, "created")?,
        in_force_since: rows::time_opt(row, "in_force_since")?,
        signatures: Vec::new(),
        standing: Vec::new(),
        superseded_at: rows::time_opt(row, "superseded_at")?,
    })
}

fn with_signatures(tx: &Tx<'_>, mut row: AgreementRow) -> Result<AgreementRow, Error> {
    let sql =
        "/* with_signatures */ SELECT * FROM agreement_signature WHERE agreement = ? ORDER BY at";
    row.signatures = tx.query(sql, params![row.id.to_string()], |row| {
        Ok((rows::term(row, "node")?, rows::term(row, "statement")?, rows::time(row, "at")?))
    })?;
    row.standing = standing::of(tx, &row.id.to_string())?;
    Ok(row)
}

impl Store {
    /// Keeps a text as a draft; one that is here already stays as it is.
    pub async fn draft_agreement(
        &self,
        id: AgreementId,
        title: String,
        text: Bytes,
        parties: Vec<NodeName>,
        now: Timestamp,
        actor: String,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let text = Text { id, title: &title, text: &text, parties: &parties };
            if put_text(tx, &text, now)? {
                let line = journal::Line {
                    detail: &title,
                    ..journal::Line::new(now, &actor, "agreement.drafted")
                };
                journal::write(tx, &line)?;
            }
            Ok(())
        })
        .await
    }

    /// One agreement.
    pub async fn agreement(&self, id: &AgreementId) -> Result<Option<AgreementRow>, Error> {
        self.read(|tx| {
            let sql = "/* agreement */ SELECT * FROM agreement WHERE id = ?";
            let row = tx.query_opt(sql, params![id.to_string()], read)?;
            row.map(|row| with_signatures(tx, row)).transpose()
        })
    }

    /// Every agreement, newest first.
    pub async fn agreements(&self) -> Result<Vec<AgreementRow>, Error> {
        self.read(|tx| {
            let sql = "/* agreements */ SELECT * FROM agreement ORDER BY created DESC, id";
            let rows: Vec<_> = tx.query(sql, &[], read)?;
            rows.into_iter().map(|row| with_signatures(tx, row)).collect()
        })
    }

    /// Whether an agreement was ever in force: receipts and recalls still pass under it.
    pub async fn was_in_force(&self, id: &AgreementId) -> Result<bool, Error> {
        self.read(|tx| {
            let sql = "/* was_in_force */ SELECT 1 FROM agreement
                       WHERE id = ? AND state NOT IN ('drafted', 'signed')";
            tx.exists(sql, params![id.to_string()])
        })
    }
}

/// `false` when the text is here already.
pub(crate) fn put_text(tx: &Tx<'_>, text: &Text<'_>, now: Timestamp) -> Result<bool, Error> {
    let parties: Vec<_> = text.parties.iter().map(NodeName::as_str).collect();
    let sql = "/* put_text */ INSERT INTO agreement
               (id, title, text, state, parties, created) VALUES (?, ?, ?, 'drafted', ?, ?)
               ON CONFLICT DO NOTHING";
    let added = tx.execute(
        sql,
        params![text.id.to_string(), text.title, text.text, parties.join(" "), now.as_ms()],
    )?;
    Ok(added > 0)
}

/// A party's signature under an agreement.
pub(crate) struct Signature<'a> {
    pub(crate) by: &'a NodeName,
    pub(crate) statement: StatementId,
    pub(crate) topics: &'a [TopicSpec],
    pub(crate) supersedes: Option<AgreementId>,
}

/// A party signed; the last signature brings the agreement into force with its collections, and
/// puts it in the place of the one that it supersedes.
pub(crate) fn sign(
    tx: &Tx<'_>,
    id: AgreementId,
    signature: &Signature<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let key = id.to_string();
    tx.execute(
        "/* agreements::sign */ INSERT INTO agreement_signature VALUES (?, ?, ?, ?)
            ON CONFLICT DO NOTHING",
        params![key, signature.by.as_str(), signature.statement.to_string(), now.as_ms()],
    )?;
    let (parties, title): (String, String) = tx.query_one(
        "/* agreements::sign */ SELECT parties, title FROM agreement WHERE id = ?",
        params![&key],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let signed: usize = tx.query_one(
        "/* agreements::sign */ SELECT count(*) FROM agreement_signature WHERE agreement = ?",
        params![&key],
        |row| row.get(0),
    )?;
    let all = signed >= parties.split(' ').count();
    tx.execute(
        "/* agreements::sign */ UPDATE agreement SET state = ?2,
         in_force_since = coalesce(in_force_since, ?3)
         WHERE id = ?1 AND state IN ('drafted', 'signed')",
        params![key, if all { "in-force" } else { "signed" }, all.then_some(now.as_ms())],
    )?;
    if all {
        objects::open_topics(tx, id, &title, signature.topics, now)?;
        supersede(tx, signature.supersedes, &parties, now)?;
    }
    let event = if all { "agreement.in-force" } else { "agreement.signed" };
    let line = journal::Line {
        detail: &title,
        partner: Some(signature.by),
        ..journal::Line::new(now, "node", event)
    };
    journal::write(tx, &line)
}

/// The agreement before leaves its place, when it is one of the same parties.
fn supersede(
    tx: &Tx<'_>,
    before: Option<AgreementId>,
    parties: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(before) = before else { return Ok(()) };
    tx.execute(
        "/* supersede */ UPDATE agreement SET state = 'superseded', superseded_at = ?3
         WHERE id = ?1 AND parties = ?2 AND state IN ('in-force', 'suspended')",
        params![before.to_string(), parties, now.as_ms()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Work};

    #[test]
    fn last_signature_brings_the_collections_that_requests_ask_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("node.db"), Options::default()).unwrap();
        let mut bell = store.calls(Work::Register);
        let now = Timestamp::from_ms(1_790_000_000_000);
        let id: AgreementId = "ab".repeat(32).parse().unwrap();
        let parties = ["alba.example/channel", "brevia.example/channel"];
        let parties: Vec<NodeName> = parties.map(|name| name.parse().unwrap()).to_vec();
        let topic = "ransomware".parse().unwrap();
        let topics =
            vec![TopicSpec { topic, outgoing: true, incoming: true, retention_days: None }];
        for (n, by) in parties.clone().into_iter().enumerate() {
            let (parties, topics) = (parties.clone(), topics.clone());
            let statement: StatementId = format!("{n}").repeat(64).parse().unwrap();
            let signed = store.write(move |tx| {
                let text = Text { id, title: "Ours", text: b"text", parties: &parties };
                put_text(tx, &text, now)?;
                let signature = Signature { by: &by, statement, topics: &topics, supersedes: None };
                sign(tx, id, &signature, now)
            });
            pollster::block_on(signed).unwrap();
            assert_eq!(bell.has_changed().unwrap(), n == 1, "signature {n}");
            bell.mark_unchanged();
        }
        assert_eq!(pollster::block_on(store.collections()).unwrap().len(), 2);
    }
}
