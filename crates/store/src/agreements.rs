//! Agreements: texts, signatures, and the collections that appear when one comes into force.

use bytes::Bytes;
use protocol::terms::{AgreementId, NodeName, StatementId, Timestamp, Topic};
use rusqlite::{Connection, Row, params};

use crate::{Error, Store, journal, objects, rows};

rows::words!(
    /// How far an agreement has come.
    AgreementState {
        /// A text; nobody has signed.
        Drafted = "drafted",
        /// At least one party has signed, not all.
        Signed = "signed",
        /// Every party has signed.
        InForce = "in-force",
        /// Over.
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
        text: Bytes::from(row.get::<_, Vec<u8>>("text")?),
        state: rows::term(row, "state")?,
        parties: parties.map_err(|_| Error::Corrupt("parties"))?,
        created: rows::time(row, "created")?,
        in_force_since: rows::time_opt(row, "in_force_since")?,
        signatures: Vec::new(),
    })
}

fn with_signatures(tx: &Connection, mut row: AgreementRow) -> Result<AgreementRow, Error> {
    let sql =
        "/* with_signatures */ SELECT * FROM agreement_signature WHERE agreement = ? ORDER BY at";
    let mut query = tx.prepare_cached(sql)?;
    let signatures = query.query_and_then([row.id.to_string()], |row| {
        Ok((rows::term(row, "node")?, rows::term(row, "statement")?, rows::time(row, "at")?))
    })?;
    row.signatures = signatures.collect::<Result<_, Error>>()?;
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
            let mut query = tx.prepare_cached(sql)?;
            let row = query.query_and_then([id.to_string()], read)?.next().transpose()?;
            row.map(|row| with_signatures(tx, row)).transpose()
        })
    }

    /// Every agreement, newest first.
    pub async fn agreements(&self) -> Result<Vec<AgreementRow>, Error> {
        self.read(|tx| {
            let sql = "/* agreements */ SELECT * FROM agreement ORDER BY created DESC, id";
            let mut query = tx.prepare_cached(sql)?;
            let rows: Vec<_> = query.query_and_then([], read)?.collect::<Result<_, Error>>()?;
            rows.into_iter().map(|row| with_signatures(tx, row)).collect()
        })
    }

    /// Whether an agreement is in force.
    pub async fn is_in_force(&self, id: &AgreementId) -> Result<bool, Error> {
        self.read(|tx| {
            let sql =
                "/* is_in_force */ SELECT 1 FROM agreement WHERE id = ? AND state = 'in-force'";
            Ok(tx.prepare_cached(sql)?.exists([id.to_string()])?)
        })
    }
}

/// `false` when the text is here already.
pub(crate) fn put_text(tx: &Connection, text: &Text<'_>, now: Timestamp) -> Result<bool, Error> {
    let parties: Vec<_> = text.parties.iter().map(NodeName::as_str).collect();
    let sql =
        "/* put_text */ INSERT OR IGNORE INTO agreement VALUES (?, ?, ?, 'drafted', ?, ?, NULL)";
    let added = tx.prepare_cached(sql)?.execute(params![
        text.id.to_string(),
        text.title,
        text.text,
        parties.join(" "),
        now.as_ms()
    ])?;
    Ok(added > 0)
}

/// A party signed; the last signature brings the agreement into force with its collections.
pub(crate) fn sign(
    tx: &Connection,
    id: AgreementId,
    by: &NodeName,
    statement: StatementId,
    topics: &[TopicSpec],
    now: Timestamp,
) -> Result<(), Error> {
    let key = id.to_string();
    tx.prepare_cached(
        "/* agreements::sign */ INSERT OR IGNORE INTO agreement_signature VALUES (?, ?, ?, ?)",
    )?
    .execute(params![key, by.as_str(), statement.to_string(), now.as_ms()])?;
    let (parties, title): (String, String) = tx.query_row(
        "/* agreements::sign */ SELECT parties, title FROM agreement WHERE id = ?",
        [&key],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let signed: usize = tx.query_row(
        "/* agreements::sign */ SELECT count(*) FROM agreement_signature WHERE agreement = ?",
        [&key],
        |row| row.get(0),
    )?;
    let all = signed >= parties.split(' ').count();
    tx.execute(
        "/* agreements::sign */ UPDATE agreement SET state = ?2,
         in_force_since = coalesce(in_force_since, ?3) WHERE id = ?1 AND state <> 'ended'",
        params![key, if all { "in-force" } else { "signed" }, all.then_some(now.as_ms())],
    )?;
    if all {
        objects::open_topics(tx, id, &title, topics, now)?;
    }
    let event = if all { "agreement.in-force" } else { "agreement.signed" };
    let line = journal::Line {
        detail: &title,
        partner: Some(by),
        ..journal::Line::new(now, "node", event)
    };
    journal::write(tx, &line)
}
