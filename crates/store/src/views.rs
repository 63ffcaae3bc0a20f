//! Reads for people's eyes: pages by key, the way of one release, the numbers of a day.

use bytes::Bytes;
use protocol::terms::{NodeName, Outcome, Precedence, StatementId, Timestamp};
use stix::Tlp;
use uuid::Uuid;

use crate::{
    Acknowledged, Audience, Error, Journal, Release, ReleaseState, Sight, Statement,
    StatementState, Store, acknowledgements, journal, params, releases, rows, statements, tx::Row,
};

mod clocks;
mod objects;

pub use clocks::Clocks;
pub use objects::{Contradiction, Held, ObjectHead, Portrait, Tally};

/// Where a page of releases goes on: after this one, towards older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseKey {
    /// When it was drafted.
    pub created: Timestamp,
    /// Its id.
    pub id: Uuid,
}

impl ReleaseKey {
    /// Before every release there is.
    pub fn newest() -> Self {
        Self { created: Timestamp::from_ms(i64::MAX), id: Uuid::max() }
    }
}

/// How one statement came to one recipient, with its times.
#[derive(Debug, Clone)]
pub struct Passage {
    /// To whom.
    pub partner: NodeName,
    /// Its number in the pair.
    pub number: u64,
    /// How far.
    pub state: StatementState,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed.
    pub last_error: Option<String>,
    /// When the partner's node had it.
    pub delivered: Option<Timestamp>,
    /// What the receipt says.
    pub outcome: Option<Outcome>,
    /// With which code.
    pub code: Option<String>,
    /// The receipt.
    pub receipt: Option<StatementId>,
    /// Which person there has seen it.
    pub acknowledged: Option<Acknowledged>,
}

/// A statement that crossed, with how many items it carried.
#[derive(Debug, Clone)]
pub struct Crossing {
    /// The statement.
    pub statement: Statement,
    /// How many items.
    pub items: u64,
    /// The first of the statements that it answers.
    pub re: Option<StatementId>,
}

/// Where a page of statements goes on, towards older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementKey {
    /// When it left or came.
    pub at: Timestamp,
    /// Its id.
    pub id: StatementId,
}

impl StatementKey {
    /// Before every statement there is.
    pub fn newest() -> Self {
        let id = StatementId(protocol::terms::Digest([0xff; 32]));
        Self { at: Timestamp::from_ms(i64::MAX), id }
    }
}

/// What can be shown to somebody who believes nobody.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// The signed manifest.
    pub manifest: Bytes,
    /// The header, as it was sealed.
    pub header: Bytes,
    /// Its place in our ledger, where it has one.
    pub leaf: Option<u64>,
}

/// What crossed since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Traffic {
    /// Statements that left.
    pub out: u64,
    /// Statements that came.
    pub inn: u64,
    /// Of those that came, how many were refused.
    pub refused: u64,
}

/// An item of a release, without the rest of its bytes.
#[derive(Debug, Clone)]
pub struct ItemHead {
    /// Its index.
    pub index: u32,
    /// Id of the object.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// Its type.
    pub type_: String,
    /// Who may see it.
    pub audience: Audience,
    /// Whether it was recalled.
    pub recalled: bool,
    /// Its bytes, where they are still here.
    pub body: Option<Bytes>,
}

fn item(row: &Row<'_>) -> Result<ItemHead, Error> {
    let id: String = row.get("id")?;
    let named = id.split_once("--").map(|(kind, _)| kind.to_owned());
    Ok(ItemHead {
        index: row.get("idx")?,
        version: row.get("version")?,
        // What was recalled is known by its id alone, which begins with its type.
        type_: row.get::<Option<String>>("type")?.or(named).unwrap_or_default(),
        id,
        audience: Audience::read(row)?,
        recalled: row.get("recalled")?,
        body: row.get("body")?,
    })
}

impl Store {
    /// Releases older than a key, newest first; of these states, or of all where none is named.
    pub async fn release_page(
        &self,
        states: &[ReleaseState],
        before: ReleaseKey,
        limit: u32,
    ) -> Result<Vec<Release>, Error> {
        let (created, id) = (before.created.as_ms(), before.id.to_string());
        self.read(|tx| {
            if states.is_empty() {
                let sql = "/* release_page */ SELECT * FROM release WHERE (created, id) < (?, ?)
                           ORDER BY created DESC, id DESC LIMIT ?";
                return tx.query(sql, params![created, id, limit], releases::read);
            }
            let mut found: Vec<Release> = Vec::new();
            // The index is by state, precedence and time: each range is read from its newest end.
            let sql = "/* release_page */ SELECT * FROM release
                       WHERE state = ? AND precedence = ? AND (created, id) < (?, ?)
                       ORDER BY created DESC, id DESC LIMIT ?";
            for state in states {
                for precedence in Precedence::ALL {
                    let rank = rows::rank(*precedence);
                    found.extend(tx.query(
                        sql,
                        params![state.word(), rank, created, id, limit],
                        releases::read,
                    )?);
                }
            }
            found.sort_by_key(|release| std::cmp::Reverse((release.created, release.id)));
            found.truncate(limit as usize);
            Ok(found)
        })
    }

    /// Who did what with a release, and with the statement that it became, oldest first.
    pub async fn journal_of(
        &self,
        release: Option<Uuid>,
        statement: Option<StatementId>,
        limit: u32,
    ) -> Result<Vec<Journal>, Error> {
        let release = release.map(|id| id.to_string());
        let statement = statement.map(|id| id.to_string());
        self.read(|tx| {
            let sql = "/* journal_of */ SELECT * FROM journal WHERE release = ?1
                       UNION SELECT * FROM journal WHERE statement = ?2 ORDER BY seq LIMIT ?3";
            tx.query(sql, params![release, statement, limit], journal::read)
        })
    }

    /// How a statement came to each recipient.
    pub async fn passages(&self, statement: &StatementId) -> Result<Vec<Passage>, Error> {
        self.read(|tx| {
            let sql = "/* passages */ SELECT d.*, a.officer, a.at AS seen_at, a.told
                       FROM delivery d LEFT JOIN acknowledged a
                       ON a.statement = d.statement AND a.partner = d.partner
                       WHERE d.statement = ? ORDER BY d.partner";
            tx.query(sql, params![statement.to_string()], |row| {
                Ok(Passage {
                    partner: rows::term(row, "partner")?,
                    number: row.get("number")?,
                    state: rows::term(row, "state")?,
                    attempts: row.get("attempts")?,
                    last_error: row.get("last_error")?,
                    delivered: rows::time_opt(row, "delivered")?,
                    outcome: rows::term_opt(row, "outcome")?,
                    code: row.get("code")?,
                    receipt: rows::term_opt(row, "receipt")?,
                    acknowledged: acknowledgements::read(row)?,
                })
            })
        })
    }

    /// What proves that a statement left or came.
    pub async fn evidence(&self, statement: &StatementId) -> Result<Option<Evidence>, Error> {
        self.read(|tx| {
            let sql = "/* evidence */ SELECT s.manifest, s.header, l.idx FROM statement s
                       LEFT JOIN leaf l ON l.statement = s.id WHERE s.id = ?";
            tx.query_opt(sql, params![statement.to_string()], |row| {
                Ok(Evidence {
                    manifest: row.get("manifest")?,
                    header: row.get("header")?,
                    leaf: row.get("idx")?,
                })
            })
        })
    }

    /// Statements older than a key, newest first; their bytes stay where they are.
    pub async fn crossings(
        &self,
        before: StatementKey,
        limit: u32,
    ) -> Result<Vec<Crossing>, Error> {
        self.read(|tx| {
            let sql = "/* crossings */ SELECT id, out, partner, agreement, type, topic, precedence,
                       bytes, at, outcome, code, release, re, length(commitments) / 32 AS items
                       FROM statement WHERE (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?";
            let (at, id) = (before.at.as_ms(), before.id.to_string());
            let found = tx.query(sql, params![at, id, limit], |row| {
                let re: String = row.get("re")?;
                let re = re.split(' ').next().and_then(|id| id.parse().ok());
                Ok(Crossing { statement: statements::read(row)?, items: row.get("items")?, re })
            })?;
            let with_deliveries = |crossing: Crossing| {
                let statement = statements::with_deliveries(tx, crossing.statement)?;
                Ok(Crossing { statement, ..crossing })
            };
            found.into_iter().map(with_deliveries).collect()
        })
    }

    /// What crossed since a moment.
    pub async fn traffic_since(&self, since: Timestamp) -> Result<Traffic, Error> {
        self.read(|tx| {
            let sql = "/* traffic_since */ SELECT count(*) FILTER (WHERE out = 1),
                       count(*) FILTER (WHERE out = 0),
                       count(*) FILTER (WHERE out = 0 AND outcome = 'refused')
                       FROM statement WHERE at >= ?";
            tx.query_one(sql, params![since.as_ms()], |row| {
                Ok(Traffic { out: row.get(0)?, inn: row.get(1)?, refused: row.get(2)? })
            })
        })
    }

    /// Items of a release from an index on.
    pub async fn items_from(
        &self,
        release: Uuid,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemHead>, Error> {
        self.read(|tx| {
            let sql = "/* items_from */ SELECT i.*, b.body FROM release_item i
                       LEFT JOIN blob b ON b.row = i.row
                       WHERE i.release = ? AND i.idx >= ? ORDER BY i.idx LIMIT ?";
            tx.query(sql, params![release.to_string(), from, limit], item)
        })
    }

    /// For whom the items of a release are, each audience once.
    pub async fn audiences(&self, release: Uuid) -> Result<Vec<Audience>, Error> {
        self.read(|tx| {
            let sql = "/* audiences */ SELECT DISTINCT tlp, communities FROM release_item
                       WHERE release = ?";
            tx.query(sql, params![release.to_string()], Audience::read)
        })
    }

    /// The most restrictive marking among a release's items, and the first item that bears it.
    pub async fn highest_marking(&self, release: Uuid) -> Result<Option<(usize, Tlp)>, Error> {
        self.read(|tx| {
            let sql = "/* highest_marking */ SELECT idx, tlp FROM release_item
                       WHERE release = ? AND tlp IS NOT NULL ORDER BY tlp DESC, idx LIMIT 1";
            let found = tx.query_opt(sql, params![release.to_string()], |row| {
                let index: usize = row.get("idx")?;
                Ok(rows::tlp(row, "tlp")?.map(|tlp| (index, tlp)))
            })?;
            Ok(found.flatten())
        })
    }

    /// Items of a statement that came in, from an index on; a body is there until it is recalled.
    /// What the reader may not see is left out.
    pub async fn received_from(
        &self,
        statement: &StatementId,
        sight: &Sight,
        from: u32,
        limit: u32,
    ) -> Result<Vec<ItemHead>, Error> {
        self.read(|tx| {
            let seen = objects::seen(tx, sight)?;
            let sql = format!(
                "/* received_from */ SELECT i.idx, i.id, e.version, e.type,
                       CASE WHEN k.tlp < 0 THEN NULL ELSE k.tlp END AS tlp,
                       k.communities,
                       CASE WHEN e.row IS NULL AND i.date_added IS NOT NULL THEN 1 ELSE 0 END
                       AS recalled, b.body
                       FROM received_item i LEFT JOIN entry e
                       ON e.collection = i.collection AND e.date_added = i.date_added
                       LEFT JOIN class k ON k.id = e.class
                       LEFT JOIN blob b ON b.row = e.row
                       WHERE i.statement = ? AND i.idx >= ? AND (e.class IS NULL OR EXISTS
                       (SELECT 1 FROM entry o INDEXED BY entry_object WHERE o.id_hash = e.id_hash
                        AND o.collection = e.collection AND o.version_key = e.version_key
                        AND o.id = e.id AND o.class IN {seen}))
                       ORDER BY i.idx LIMIT ?"
            );
            tx.query(&sql, params![statement.to_string(), from, limit], item)
        })
    }

    /// Loud releases that came in since a moment and that nobody has acknowledged, loudest first.
    pub async fn unacknowledged(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Statement>, Error> {
        self.read(|tx| {
            let sql = "/* unacknowledged */ SELECT s.* FROM statement s INDEXED BY statement_loud
                       WHERE s.out = 0 AND s.precedence < 2 AND s.at >= ? AND s.type = 'release'
                       AND s.outcome <> 'refused' AND NOT EXISTS
                       (SELECT 1 FROM acknowledgement a WHERE a.statement = s.id)
                       ORDER BY s.precedence, s.at LIMIT ?";
            tx.query(sql, params![since.as_ms(), limit], statements::read)
        })
    }
}
