//! Statements that were taken in and stand apart until a person decides: their objects are in no
//! collection, their envelope is kept sealed.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{
    agreement::Permit,
    terms::{AgreementId, NodeName, Outcome, Precedence, StatementId, Timestamp, Topic},
};

use crate::{
    Error, NewObject, NewStatement, Signer, Store, inbox, journal, objects, params, rows,
    statements,
    tx::{Row, Tx},
};

/// A statement that waits for a person.
#[derive(Debug, Clone, serde::Serialize)]
pub struct QuarantineRow {
    /// Which.
    pub id: StatementId,
    /// Whose.
    pub partner: NodeName,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Under which topic.
    pub topic: Topic,
    /// How fast it came.
    pub precedence: Precedence,
    /// Objects with findings, or refused.
    pub findings: u32,
    /// Since when.
    pub at: Timestamp,
}

/// What a person decided.
pub struct QuarantineDecision {
    /// The statement.
    pub id: StatementId,
    /// What became of it.
    pub outcome: Outcome,
    /// With which code.
    pub code: Option<String>,
    /// Its objects, when it is taken in after all.
    pub accepted: Option<Accepted>,
}

/// What comes into the collection after all.
pub struct Accepted {
    /// The decision of the agreement.
    pub permit: Arc<Permit>,
    /// Under which topic.
    pub topic: Topic,
    /// The objects, with their index in the statement.
    pub objects: Vec<(u32, NewObject)>,
}

const WAITING: &str = "SELECT q.*, s.precedence FROM quarantine q
                       JOIN statement s ON s.id = q.statement WHERE q.decision IS NULL";

fn read(row: &Row<'_>) -> Result<QuarantineRow, Error> {
    Ok(QuarantineRow {
        id: rows::term(row, "statement")?,
        partner: rows::term(row, "partner")?,
        agreement: rows::term(row, "agreement")?,
        topic: rows::term(row, "topic")?,
        precedence: rows::precedence(row, "precedence")?,
        findings: row.get("findings")?,
        at: rows::time(row, "at")?,
    })
}

impl Store {
    /// What waits, oldest first.
    pub async fn quarantined(&self, limit: u32) -> Result<Vec<QuarantineRow>, Error> {
        self.read(|tx| {
            let sql = format!("/* quarantined */ {WAITING} ORDER BY q.at, q.statement LIMIT ?");
            tx.query(&sql, params![limit], read)
        })
    }

    /// One that waits.
    pub async fn quarantined_one(&self, id: &StatementId) -> Result<Option<QuarantineRow>, Error> {
        self.read(|tx| {
            let sql = format!("/* quarantined_one */ {WAITING} AND q.statement = ?");
            tx.query_opt(&sql, params![id.to_string()], read)
        })
    }

    /// The envelope of a statement that waits.
    pub async fn quarantined_envelope(&self, id: &StatementId) -> Result<Option<Bytes>, Error> {
        self.read(|tx| {
            let sql = "/* quarantined_envelope */ SELECT envelope FROM quarantine
                       WHERE statement = ? AND decision IS NULL";
            tx.query_opt(sql, params![id.to_string()], |row| row.get(0))
        })
    }

    /// A person decides; the sealed bytes go, the sender gets a second receipt.
    ///
    /// *Atomicity*: decision, objects and receipts are one transaction; a second decision is
    /// [`Error::State`].
    pub async fn decide_quarantine(
        &self,
        decision: QuarantineDecision,
        receipts: Vec<NewStatement>,
        signer: Signer,
        now: Timestamp,
        actor: String,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let key = decision.id.to_string();
            close(tx, &decision.id, decision.outcome.word(), &actor, now)?;
            tx.execute(
                "/* decide_quarantine */ UPDATE statement SET outcome = ?, code = ? WHERE id = ? AND out = 0",
                params![decision.outcome.word(), decision.code, key],
            )?;
            let line = journal::Line {
                statement: Some(decision.id),
                detail: decision.outcome.word(),
                ..journal::Line::new(now, &actor, "quarantine.decided")
            };
            journal::write(tx, &line)?;
            // INVARIANT: nothing enters a collection without a permit.
            if let Some(Accepted { permit, topic, objects }) = &decision.accepted {
                let Some(collection) = objects::incoming(tx, permit.agreement(), topic)? else {
                    return Err(Error::Corrupt("a topic without its collection"));
                };
                inbox::keep_objects(tx, decision.id, &collection, objects, now)?;
            }
            for receipt in &receipts {
                statements::commit(tx, receipt, &signer, now, "node")?;
            }
            Ok(())
        })
        .await
    }
}

/// A statement stands apart.
pub(crate) struct Held<'a> {
    pub(crate) id: StatementId,
    pub(crate) partner: &'a NodeName,
    pub(crate) agreement: AgreementId,
    pub(crate) topic: &'a Topic,
    pub(crate) envelope: &'a Bytes,
    pub(crate) findings: u32,
}

pub(crate) fn hold(tx: &Tx<'_>, held: &Held<'_>, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "/* quarantine::hold */ INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
        params![
            held.id.to_string(),
            held.partner.as_str(),
            held.agreement.to_string(),
            held.topic.as_str(),
            held.envelope,
            held.findings,
            now.as_ms()
        ],
    )?;
    Ok(())
}

/// Ends the waiting of a statement, whose sealed bytes go with it.
fn close(
    tx: &Tx<'_>,
    id: &StatementId,
    decision: &str,
    actor: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let none: &[u8] = &[];
    let changed = tx.execute(
        "/* quarantine::close */ UPDATE quarantine SET decision = ?2, decided_by = ?3,
         decided_at = ?4, envelope = ?5 WHERE statement = ?1 AND decision IS NULL",
        params![id.to_string(), decision, actor, now.as_ms(), none],
    )?;
    if changed == 0 {
        Err(Error::State("this statement does not wait for a decision"))
    } else {
        Ok(())
    }
}

/// The sender recalls a statement whole that stands apart: nobody will take it in any more.
pub(crate) fn recalled(tx: &Tx<'_>, id: &StatementId, now: Timestamp) -> Result<(), Error> {
    match close(tx, id, "recalled", "node", now) {
        Err(Error::State(_)) => Ok(()),
        other => other,
    }
}
