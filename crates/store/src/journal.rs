//! The journal: one line per change of state, for people and for the live page.

use protocol::terms::{NodeName, StatementId, Timestamp};

use uuid::Uuid;

use crate::{
    Error, Store, params, rows,
    tx::{Row, Tx},
};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Journal {
    /// Its place; rises.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: an account, `node`, or a partner's name.
    pub actor: String,
    /// What, such as `release.sealed`.
    pub event: String,
    /// The partner it concerns.
    pub partner: Option<NodeName>,
    /// The statement it concerns.
    pub statement: Option<StatementId>,
    /// The release it concerns.
    pub release: Option<Uuid>,
    /// More, in our words only.
    pub detail: String,
}

/// A line that is about to be written.
pub(crate) struct Line<'a> {
    pub(crate) at: Timestamp,
    pub(crate) actor: &'a str,
    pub(crate) event: &'a str,
    pub(crate) partner: Option<&'a NodeName>,
    pub(crate) statement: Option<StatementId>,
    pub(crate) release: Option<&'a str>,
    pub(crate) detail: &'a str,
}

impl<'a> Line<'a> {
    pub(crate) fn new(at: Timestamp, actor: &'a str, event: &'a str) -> Self {
        Self { at, actor, event, partner: None, statement: None, release: None, detail: "" }
    }
}

pub(crate) fn write(tx: &Tx<'_>, line: &Line<'_>) -> Result<(), Error> {
    tx.execute(
        "/* journal::write */ INSERT INTO journal
         (at, actor, event, partner, statement, release, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            line.at.as_ms(),
            line.actor,
            line.event,
            line.partner.map(NodeName::as_str),
            line.statement.map(|id| id.to_string()),
            line.release,
            line.detail
        ],
    )?;
    Ok(())
}

impl Store {
    /// Lines after a place, oldest first.
    pub async fn journal_after(&self, seq: i64, limit: u32) -> Result<Vec<Journal>, Error> {
        self.read(|tx| {
            let sql =
                "/* journal_after */ SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?";
            tx.query(sql, params![seq, limit], read)
        })
    }

    /// The last lines before a place, newest first; all of them before [`i64::MAX`].
    pub async fn journal_before(&self, seq: i64, limit: u32) -> Result<Vec<Journal>, Error> {
        self.read(|tx| {
            let sql = "/* journal_before */ SELECT * FROM journal WHERE seq < ?
                    ORDER BY seq DESC LIMIT ?";
            tx.query(sql, params![seq, limit], read)
        })
    }

    /// Writes a line for what no other transaction does: logins, exports.
    pub async fn log(
        &self,
        at: Timestamp,
        actor: String,
        event: &'static str,
        detail: String,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let line = Line { detail: &detail, ..Line::new(at, &actor, event) };
            write(tx, &line)
        })
        .await
    }

    /// A value that the node keeps beside everything else.
    pub async fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.read(|tx| meta(tx, key))
    }

    /// Keeps a value.
    pub async fn set_meta(&self, key: &'static str, value: Vec<u8>) -> Result<(), Error> {
        self.write(move |tx| set_meta(tx, key, &value)).await
    }
}

pub(crate) fn meta(tx: &Tx<'_>, key: &str) -> Result<Option<Vec<u8>>, Error> {
    let sql = "/* meta */ SELECT value FROM meta WHERE key = ?";
    tx.query_opt(sql, params![key], |row| row.get(0))
}

pub(crate) fn set_meta(tx: &Tx<'_>, key: &str, value: &[u8]) -> Result<(), Error> {
    let sql = "/* set_meta */ INSERT OR FAIL INTO meta VALUES (?1, ?2)
               ON CONFLICT (key) DO UPDATE SET value = ?2";
    tx.execute(sql, params![key, value])?;
    Ok(())
}

pub(crate) fn read(row: &Row<'_>) -> Result<Journal, Error> {
    Ok(Journal {
        seq: row.get("seq")?,
        at: rows::time(row, "at")?,
        actor: row.get("actor")?,
        event: row.get("event")?,
        partner: rows::term_opt(row, "partner")?,
        statement: rows::term_opt(row, "statement")?,
        release: rows::term_opt(row, "release")?,
        detail: row.get("detail")?,
    })
}
