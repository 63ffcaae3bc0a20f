//! What people have seen: here, and at the partners.

use protocol::terms::{AgreementId, NodeName, Precedence, StatementId, Timestamp, Topic};
use uuid::Uuid;

use crate::{
    Error, Store, journal, params, rows,
    tx::{Row, Tx},
};

/// A person at a partner has seen a statement of ours.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Acknowledged {
    /// The officer, as the partner names it to us.
    pub officer: String,
    /// When it was signed there.
    pub at: Timestamp,
    /// The partner's statement that says so.
    pub told: StatementId,
}

/// Reads the columns of `acknowledged`, which stand beside a delivery where it has any.
pub(crate) fn read(row: &Row<'_>) -> Result<Option<Acknowledged>, Error> {
    let Some(told) = rows::term_opt(row, "told")? else { return Ok(None) };
    Ok(Some(Acknowledged { officer: row.get("officer")?, at: rows::time(row, "seen_at")?, told }))
}

/// A loud release of ours that arrived at a partner, where nobody has said that it was seen.
#[derive(Debug, Clone)]
pub struct Unseen {
    /// Which release.
    pub release: Uuid,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Under which topic.
    pub topic: Topic,
    /// How fast.
    pub precedence: Precedence,
    /// Where.
    pub partner: NodeName,
    /// When it arrived there.
    pub delivered: Timestamp,
}

impl Store {
    /// Loud releases of ours, drafted since a moment, that arrived and that no person at the
    /// partner has acknowledged; loudest first, then by when they arrived. What was recalled or
    /// refused asks for nobody.
    pub async fn unseen_there(&self, since: Timestamp, limit: u32) -> Result<Vec<Unseen>, Error> {
        self.read(|tx| {
            let sql = "/* unseen_there */ SELECT r.id, r.agreement, r.topic, r.precedence,
                       d.partner, d.delivered FROM release r
                       JOIN delivery d ON d.statement = r.statement
                       WHERE r.state IN ('sealed', 'delivered', 'taken-in',
                                         'taken-in-with-findings', 'quarantined')
                       AND r.precedence IN (0, 1) AND r.created >= ?
                       AND d.delivered IS NOT NULL AND coalesce(d.outcome, '') <> 'refused'
                       AND NOT EXISTS (SELECT 1 FROM acknowledged a
                                       WHERE a.statement = d.statement AND a.partner = d.partner)
                       ORDER BY r.precedence, d.delivered, r.id, d.partner LIMIT ?";
            tx.query(sql, params![since.as_ms(), limit], |row| {
                Ok(Unseen {
                    release: rows::term_opt(row, "id")?.ok_or(Error::Corrupt("a release"))?,
                    agreement: rows::term(row, "agreement")?,
                    topic: rows::term(row, "topic")?,
                    precedence: rows::precedence(row, "precedence")?,
                    partner: rows::term(row, "partner")?,
                    delivered: rows::time(row, "delivered")?,
                })
            })
        })
    }

    /// A person has seen it. Only the first counts.
    ///
    /// *Atomicity*: acknowledgement and journal line in one transaction; may run twice.
    pub async fn acknowledge(
        &self,
        statement: StatementId,
        account: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| seen_here(tx, &statement, &account, now).map(drop)).await
    }

    /// Who acknowledged a statement, and when.
    pub async fn acknowledged(
        &self,
        statement: &StatementId,
    ) -> Result<Option<(String, Timestamp)>, Error> {
        self.read(|tx| {
            let sql =
                "/* acknowledged */ SELECT account, at FROM acknowledgement WHERE statement = ?";
            tx.query_opt(sql, params![statement.to_string()], |row| {
                Ok((row.get("account")?, rows::time(row, "at")?))
            })
        })
    }
}

/// A person here has seen a statement; `false` where another one was first.
pub(crate) fn seen_here(
    tx: &Tx<'_>,
    statement: &StatementId,
    account: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let key = statement.to_string();
    let sql = "/* seen_here */ SELECT 1 FROM statement WHERE id = ? AND out = 0";
    if !tx.exists(sql, params![key])? {
        return Err(Error::NotFound);
    }
    let sql = "/* seen_here */ INSERT INTO acknowledgement VALUES (?, ?, ?)
               ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![key, account, now.as_ms()])? == 0 {
        return Ok(false);
    }
    let line = journal::Line {
        statement: Some(*statement),
        ..journal::Line::new(now, account, "statement.acknowledged")
    };
    journal::write(tx, &line)?;
    Ok(true)
}

/// A person at the partner has seen a statement of ours. Only the first counts.
pub(crate) fn seen_there(
    tx: &Tx<'_>,
    statement: &StatementId,
    partner: &NodeName,
    acknowledged: &Acknowledged,
    now: Timestamp,
) -> Result<(), Error> {
    let Acknowledged { officer, at, told } = acknowledged;
    let sql = "/* seen_there */ INSERT INTO acknowledged VALUES (?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING";
    let key = statement.to_string();
    let added =
        tx.execute(sql, params![key, partner.as_str(), officer, at.as_ms(), told.to_string()])?;
    if added == 0 {
        return Ok(());
    }
    let line = journal::Line {
        partner: Some(partner),
        statement: Some(*statement),
        ..journal::Line::new(now, partner.as_str(), "acknowledgement.received")
    };
    journal::write(tx, &line)
}
