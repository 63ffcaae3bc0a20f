//! The outbox: what waits for a link, loudest first; and what a courier would carry.

use bytes::Bytes;
use protocol::terms::{
    AgreementId, NodeName, Outcome, Precedence, StatementId, StatementType, Timestamp,
};

use crate::{
    Error, Store, Work, journal, params, releases, rows,
    tx::{Row, Tx},
};

rows::words!(
    /// Two lanes to each partner, so that what is urgent never waits behind what is large.
    Lane {
        /// FLASH and IMMEDIATE.
        Urgent = "urgent",
        /// The rest.
        Bulk = "bulk",
    }
);

/// A row of the outbox. Only the transaction that sealed the statement can have made it.
#[derive(Debug, Clone)]
pub struct OutboxRow {
    /// Which statement.
    pub statement: StatementId,
    /// For whom.
    pub partner: NodeName,
    /// The signed manifest.
    pub manifest: Bytes,
    /// The recipient's slip.
    pub slip: Bytes,
    /// The sealed payload.
    pub payload: Bytes,
    /// Tries so far.
    pub attempts: u32,
    /// How fast.
    pub precedence: Precedence,
    /// Its type.
    pub type_: StatementType,
}

fn read(row: &Row<'_>) -> Result<OutboxRow, Error> {
    let bytes = |column: &str| row.get::<Bytes>(column);
    Ok(OutboxRow {
        statement: rows::term(row, "statement")?,
        partner: rows::term(row, "partner")?,
        manifest: bytes("manifest")?,
        slip: bytes("slip")?,
        payload: bytes("body")?,
        attempts: row.get("attempts")?,
        precedence: rows::precedence(row, "precedence")?,
        type_: rows::term(row, "type")?,
    })
}

fn lease(statement: &StatementId, partner: &NodeName) -> String {
    format!("outbox/{statement}/{partner}")
}

/// Ranks below this are urgent.
const BULK_RANK: i64 = 2;

/// A retry is never put off for so long: a row that is due later was put off by a clock that ran
/// ahead and has been set right since, so it is due now.
const PUT_OFF_MAX_MS: i64 = 10 * 60 * 1_000;

impl Lane {
    /// The ranks of precedence that go in it: from the first, below the second.
    pub(crate) fn ranks(self) -> (i64, i64) {
        match self {
            Self::Urgent => (0, BULK_RANK),
            Self::Bulk => (BULK_RANK, i64::MAX),
        }
    }
}

impl Store {
    /// Leases rows that are due in a lane, loudest first, then oldest. A lease ends with
    /// the process, and no commit stands between a statement and its link.
    pub async fn lease_outbox(
        &self,
        now: Timestamp,
        lane: Lane,
        limit: u32,
    ) -> Result<Vec<OutboxRow>, Error> {
        let (from, below) = lane.ranks();
        let due = self.read(|tx| {
            let sql = "/* lease_outbox */ SELECT statement, partner FROM delivery
                       WHERE state = 'waiting' AND precedence >= ?1 AND precedence < ?2
                       AND (due <= ?3 OR due > ?4)
                       ORDER BY precedence, due, number LIMIT ?5";
            let (now, rows) = (now.as_ms(), limit.saturating_mul(4));
            let beyond = now.saturating_add(PUT_OFF_MAX_MS);
            tx.query(sql, params![from, below, now, beyond, rows], |row| {
                let statement: StatementId = rows::term(row, "statement")?;
                let partner: NodeName = rows::term(row, "partner")?;
                Ok((statement, partner))
            })
        })?;
        let mut leased = Vec::new();
        for (statement, partner) in due {
            if leased.len() >= limit as usize {
                break;
            }
            leased.extend(self.lease_then(lease(&statement, &partner), |tx| {
                let waits = "/* lease_outbox */ SELECT 1 FROM delivery
                             WHERE statement = ? AND partner = ? AND state = 'waiting'";
                if tx.exists(waits, params![statement.to_string(), partner.as_str()])? {
                    load(tx, &statement, &partner)
                } else {
                    Ok(None)
                }
            })?);
        }
        Ok(leased)
    }

    /// The partner's node has it.
    ///
    /// *Atomicity*: one transaction; a receipt that came first stays.
    pub async fn outbox_delivered(
        &self,
        statement: StatementId,
        partner: NodeName,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key = lease(&statement, &partner);
        let result = self
            .write(move |tx| {
                let changed = tx.execute(
                    "/* outbox_delivered */ UPDATE delivery SET state = 'delivered',
                         delivered = ?3, last_error = NULL
                         WHERE statement = ?1 AND partner = ?2 AND state = 'waiting'",
                    params![statement.to_string(), partner.as_str(), now.as_ms()],
                )?;
                if changed > 0 {
                    releases::delivered(tx, statement, now)?;
                    settle_receipts(tx, statement, &partner)?;
                }
                Ok(())
            })
            .await;
        self.free(&key);
        result
    }

    /// It did not get through; it is due again later.
    pub async fn outbox_failed(
        &self,
        statement: StatementId,
        partner: NodeName,
        code: String,
        retry_at: Timestamp,
    ) -> Result<(), Error> {
        let key = lease(&statement, &partner);
        let result = self
            .write(move |tx| {
                tx.execute(
                    "/* outbox_failed */ UPDATE delivery SET attempts = attempts + 1, due = ?3,
                     last_error = ?4 WHERE statement = ?1 AND partner = ?2 AND state = 'waiting'",
                    params![statement.to_string(), partner.as_str(), retry_at.as_ms(), code],
                )?;
                Ok(())
            })
            .await;
        self.free(&key);
        result
    }

    /// The partner is there again: everything that waits for it is due at once.
    pub async fn outbox_due(&self, partner: NodeName, now: Timestamp) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* outbox_due */ UPDATE delivery SET due = ?2
                 WHERE partner = ?1 AND state = 'waiting' AND due > ?2",
                params![partner.as_str(), now.as_ms()],
            )?;
            tx.leave(Work::Outbox);
            Ok(())
        })
        .await
    }

    /// What a partner has not receipted, oldest number first: what a courier would carry.
    pub async fn pending_for(&self, partner: &NodeName) -> Result<Vec<OutboxRow>, Error> {
        self.read(|tx| {
            let sql = "/* pending_for */ SELECT statement FROM delivery
                       WHERE partner = ? AND state <> 'receipted' ORDER BY agreement, number";
            let ids: Vec<StatementId> =
                tx.query(sql, params![partner.as_str()], |row| rows::term(row, "statement"))?;
            let mut pending = Vec::new();
            for id in ids {
                pending.extend(load(tx, &id, partner)?);
            }
            Ok(pending)
        })
    }

    /// How many statements wait for a link, and how many for a receipt.
    pub async fn outbox_counts(&self, partner: &NodeName) -> Result<(u64, u64), Error> {
        self.read(|tx| {
            let sql = "/* outbox_counts */ SELECT count(*) FILTER (WHERE state = 'waiting'),
                       count(*) FILTER (WHERE state = 'delivered')
                       FROM delivery WHERE partner = ? AND state <> 'receipted'";
            tx.query_one(sql, params![partner.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }
}

pub(crate) fn load(
    tx: &Tx<'_>,
    statement: &StatementId,
    partner: &NodeName,
) -> Result<Option<OutboxRow>, Error> {
    let sql = "/* outbox::load */ SELECT d.*, s.manifest, p.body FROM delivery d
               JOIN statement s ON s.id = d.statement JOIN payload p ON p.statement = d.statement
               WHERE d.statement = ? AND d.partner = ?";
    tx.query_opt(sql, params![statement.to_string(), partner.as_str()], read)
}

/// Receipts are not receipted: one that was delivered is done.
fn settle_receipts(tx: &Tx<'_>, statement: StatementId, partner: &NodeName) -> Result<(), Error> {
    let key = statement.to_string();
    let settled = tx.execute(
        "/* settle_receipts */ UPDATE delivery SET state = 'receipted'
             WHERE statement = ? AND partner = ? AND type = 'receipt'",
        params![key, partner.as_str()],
    )?;
    if settled > 0 {
        drop_payload(tx, &key)?;
    }
    Ok(())
}

/// The sealed bytes go once every recipient has them for good.
fn drop_payload(tx: &Tx<'_>, statement: &str) -> Result<(), Error> {
    tx.execute(
        "/* drop_payload */ DELETE FROM payload WHERE statement = ?1 AND NOT EXISTS
         (SELECT 1 FROM delivery WHERE statement = ?1 AND state <> 'receipted')",
        params![statement],
    )?;
    Ok(())
}

impl Store {
    /// The headers of the last receipts for a statement of ours, by recipient.
    pub async fn receipt_headers(
        &self,
        statement: &StatementId,
    ) -> Result<Vec<(NodeName, Bytes)>, Error> {
        self.read(|tx| {
            let sql = "/* receipt_headers */ SELECT d.partner, s.header FROM delivery d
                       JOIN statement s ON s.id = d.receipt
                       WHERE d.statement = ? ORDER BY d.partner";
            tx.query(sql, params![statement.to_string()], |row| {
                Ok((rows::term(row, "partner")?, row.get("header")?))
            })
        })
    }
}

/// A receipt that came in.
pub(crate) struct Receipt<'a> {
    pub(crate) id: StatementId,
    pub(crate) partner: &'a NodeName,
    pub(crate) agreement: AgreementId,
    /// Its number in the pair: of two receipts the later one holds, in whatever order they come.
    pub(crate) number: u64,
}

/// A receipt for one of our statements is here.
pub(crate) fn receipted(
    tx: &Tx<'_>,
    statement: StatementId,
    receipt: &Receipt<'_>,
    (outcome, code): (Outcome, Option<&str>),
    now: Timestamp,
) -> Result<(), Error> {
    let (key, partner) = (statement.to_string(), receipt.partner);
    let changed = tx.execute(
        "/* outbox::receipted */ UPDATE delivery SET state = 'receipted', outcome = ?3,
             code = ?4, receipt = ?5 WHERE statement = ?1 AND partner = ?2
         AND (outcome IS NULL OR outcome = 'quarantined') AND NOT EXISTS
         (SELECT 1 FROM pair p WHERE p.partner = ?2 AND p.agreement = ?6 AND p.out = 0
          AND p.number > ?7 AND p.statement = delivery.receipt)",
        params![
            key,
            partner.as_str(),
            outcome.word(),
            code,
            receipt.id.to_string(),
            receipt.agreement.to_string(),
            receipt.number
        ],
    )?;
    if changed == 0 {
        return Ok(());
    }
    drop_payload(tx, &key)?;
    releases::receipted(tx, statement, now)?;
    let line = journal::Line {
        partner: Some(partner),
        statement: Some(statement),
        detail: outcome.word(),
        ..journal::Line::new(now, partner.as_str(), "receipt.received")
    };
    journal::write(tx, &line)
}
