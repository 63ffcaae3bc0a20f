//! Clocks kept and missed, counted without looking at anything that was said.

use protocol::terms::{Precedence, Timestamp};

use crate::{Error, Store, params, rows, tx::Row};

/// How often a clock was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Clocks {
    /// Done in time.
    pub kept: u64,
    /// Done too late, or not yet and already late.
    pub missed: u64,
    /// Not done yet, and still in time.
    pub running: u64,
}

fn read(row: &Row<'_>) -> Result<Clocks, Error> {
    Ok(Clocks { kept: row.get(0)?, missed: row.get(1)?, running: row.get(2)? })
}

/// What a precedence allows, for SQL.
fn allowed(column: &str, clock_ms: impl Fn(Precedence) -> i64) -> String {
    let arm = |word: &Precedence| format!("WHEN {} THEN {}", rows::rank(*word), clock_ms(*word));
    let arms: Vec<_> = Precedence::ALL.iter().map(arm).collect();
    format!("CASE {column} {} END AS allowed", arms.join(" "))
}

impl Store {
    /// The three counts over rows of `done` (a moment, or null), `begun` and `allowed`; `?1` is
    /// since when.
    fn tally(
        &self,
        name: &str,
        rows: &str,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Clocks, Error> {
        let sql = format!(
            "/* {name} */ SELECT
             count(*) FILTER (WHERE done IS NOT NULL AND done - begun <= allowed),
             count(*) FILTER (WHERE coalesce(done, ?2) - begun > allowed),
             count(*) FILTER (WHERE done IS NULL AND ?2 - begun <= allowed)
             FROM ({rows}) AS clocks"
        );
        self.read(|tx| tx.query_one(&sql, params![since.as_ms(), now.as_ms()], read))
    }

    /// From a draft that asks for a second person to that person's decision.
    pub async fn decisions_tally(
        &self,
        since: Timestamp,
        clock_ms: impl Fn(Precedence) -> i64,
        now: Timestamp,
    ) -> Result<Clocks, Error> {
        let rows = format!(
            "SELECT r.created AS begun, {},
             (SELECT min(j.at) FROM journal j WHERE j.release = r.id
              AND j.event IN ('release.approved', 'release.returned')) AS done
             FROM release r WHERE r.created >= ?1
             AND (r.released_by IS NOT NULL OR r.state IN ('awaiting-release', 'returned'))",
            allowed("r.precedence", clock_ms)
        );
        self.tally("decisions_tally", &rows, since, now)
    }

    /// From a loud release that came in to the first person's acknowledgement.
    pub async fn acknowledgements_tally(
        &self,
        since: Timestamp,
        clock_ms: impl Fn(Precedence) -> i64,
        now: Timestamp,
    ) -> Result<Clocks, Error> {
        let rows = format!(
            "SELECT s.at AS begun, {}, a.at AS done
             FROM statement s LEFT JOIN acknowledgement a ON a.statement = s.id
             WHERE s.out = 0 AND s.precedence < 2 AND s.at >= ?1 AND s.type = 'release'
             AND s.outcome <> 'refused'",
            allowed("s.precedence", clock_ms)
        );
        self.tally("acknowledgements_tally", &rows, since, now)
    }

    /// From a loud release of ours to the acknowledgement of a person at each partner.
    pub async fn seen_there_tally(
        &self,
        since: Timestamp,
        clock_ms: impl Fn(Precedence) -> i64,
        now: Timestamp,
    ) -> Result<Clocks, Error> {
        let rows = format!(
            "SELECT d.delivered AS begun, {}, a.at AS done
             FROM statement s JOIN delivery d ON d.statement = s.id
             LEFT JOIN acknowledged a ON a.statement = d.statement AND a.partner = d.partner
             WHERE s.out = 1 AND s.precedence < 2 AND s.at >= ?1 AND s.type = 'release'
             AND d.delivered IS NOT NULL AND coalesce(d.outcome, '') <> 'refused'",
            allowed("s.precedence", clock_ms)
        );
        self.tally("seen_there_tally", &rows, since, now)
    }

    /// From a recall of ours to each recipient's answer.
    pub async fn answers_tally(
        &self,
        since: Timestamp,
        (danger_ms, other_ms): (i64, i64),
        now: Timestamp,
    ) -> Result<Clocks, Error> {
        let rows = format!(
            "SELECT r.at AS begun, a.at AS done,
             CASE r.reason WHEN 'source-danger' THEN {danger_ms} ELSE {other_ms} END AS allowed
             FROM recall r JOIN delivery d ON d.statement = r.statement
             LEFT JOIN recall_answer a ON a.recall = r.id AND a.partner = d.partner
             WHERE r.at >= ?1"
        );
        self.tally("answers_tally", &rows, since, now)
    }
}
