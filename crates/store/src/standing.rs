//! How the parties stand to an agreement that was once in force: one of them may suspend it, let
//! it flow again, or end it for good.

use protocol::terms::{AgreementId, NodeName, PartyStanding, Timestamp};

use crate::{Error, journal, params, rows, tx::Tx};

/// One party's standing, where it is not plainly in force.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StandingRow {
    /// The party.
    pub by: NodeName,
    /// How it stands.
    pub standing: PartyStanding,
    /// Its reason, in its own words.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

pub(crate) fn of(tx: &Tx<'_>, agreement: &str) -> Result<Vec<StandingRow>, Error> {
    let sql = "/* standing::of */ SELECT * FROM standing
               WHERE agreement = ? AND state <> 'in-force' ORDER BY at, node";
    tx.query(sql, params![agreement], |row| {
        Ok(StandingRow {
            by: rows::term(row, "node")?,
            standing: rows::term(row, "state")?,
            reason: row.get("reason")?,
            at: rows::time(row, "at")?,
        })
    })
}

/// A party suspends, resumes or ends an agreement. What one suspends, only it can resume; an end
/// is final.
pub(crate) fn change(
    tx: &Tx<'_>,
    agreement: AgreementId,
    by: &NodeName,
    (standing, reason): (PartyStanding, &str),
    now: Timestamp,
) -> Result<(), Error> {
    let key = agreement.to_string();
    tx.execute(
        "/* standing::change */ INSERT INTO standing VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (agreement, node) DO UPDATE SET state = excluded.state,
         reason = excluded.reason, at = excluded.at WHERE standing.state <> 'ended'",
        params![key, by.as_str(), standing.word(), reason, now.as_ms()],
    )?;
    let states: Vec<PartyStanding> = of(tx, &key)?.into_iter().map(|row| row.standing).collect();
    let state = if states.contains(&PartyStanding::Ended) {
        PartyStanding::Ended
    } else if states.contains(&PartyStanding::Suspended) {
        PartyStanding::Suspended
    } else {
        PartyStanding::InForce
    };
    tx.execute(
        "/* standing::change */ UPDATE agreement SET state = ?
         WHERE id = ? AND state IN ('in-force', 'suspended')",
        params![state.word(), key],
    )?;
    let event = format!(
        "agreement.{}",
        if standing == PartyStanding::InForce { "resumed" } else { standing.word() }
    );
    let line = journal::Line {
        partner: Some(by),
        detail: &key,
        ..journal::Line::new(now, by.as_str(), &event)
    };
    journal::write(tx, &line)
}
