//! Ledger rows: leaves with their hashes, the growing edge, checkpoints, and what a comparison
//! needs.

use bytes::Bytes;
use protocol::{
    merkle::{self, Frontier},
    terms::{Digest, NodeName, StatementId, Timestamp},
};

use crate::{
    Error, Store, journal, params, rows,
    tx::{Row, Tx},
};

const FRONTIER: &str = "ledger.frontier";

/// A checkpoint, as it was received or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCheckpoint {
    /// Entries.
    pub size: u64,
    /// Root.
    pub root: Digest,
    /// The signed note.
    pub note: Bytes,
    /// When it was seen.
    pub at: Timestamp,
}

/// A statement of ours as a comparison needs it: never an item.
#[derive(Debug, Clone)]
pub struct StatementAccount {
    /// Its id.
    pub id: StatementId,
    /// Place in the ledger.
    pub index: u64,
    /// Number in the pair.
    pub number: u64,
    /// The header's bytes.
    pub header: Bytes,
    /// The seed of its salts.
    pub seed: [u8; 32],
    /// The signed manifest.
    pub manifest: Bytes,
}

/// Appends an entry: the leaf and the growing edge.
pub(crate) fn append(
    tx: &Tx<'_>,
    entry: &[u8],
    statement: Option<StatementId>,
) -> Result<u64, Error> {
    let mut frontier = frontier(tx)?;
    let (index, hash) = (frontier.size(), merkle::leaf_hash(entry));
    frontier.append(hash);
    tx.execute(
        "/* ledger::append */ INSERT INTO leaf VALUES (?, ?, ?, ?)",
        params![index, hash.0, entry, statement.map(|id| id.to_string())],
    )?;
    journal::set_meta(tx, FRONTIER, &frontier.to_bytes())?;
    Ok(index)
}

fn frontier(tx: &Tx<'_>) -> Result<Frontier, Error> {
    match journal::meta(tx, FRONTIER)? {
        Some(bytes) => Frontier::from_bytes(&bytes).ok_or(Error::Corrupt("the ledger's edge")),
        None => Ok(Frontier::default()),
    }
}

pub(crate) fn read_seen(row: &Row<'_>) -> Result<SeenCheckpoint, Error> {
    Ok(SeenCheckpoint {
        size: row.get("size")?,
        root: rows::digest(row, "root")?,
        note: row.get::<Bytes>("note")?,
        at: rows::time(row, "at")?,
    })
}

impl Store {
    /// Entries and root of our ledger.
    pub async fn ledger_tree(&self) -> Result<(u64, Digest), Error> {
        self.read(|tx| {
            let frontier = frontier(tx)?;
            Ok((frontier.size(), frontier.root()))
        })
    }

    /// The hashes of the first `count` leaves.
    pub async fn leaf_hashes(&self, count: u64) -> Result<Vec<Digest>, Error> {
        self.read(|tx| {
            let sql = "/* leaf_hashes */ SELECT hash FROM leaf WHERE idx < ? ORDER BY idx";
            tx.query(sql, params![count], |row| rows::digest(row, "hash"))
        })
    }

    /// Keeps a checkpoint of ours before it is served.
    pub async fn put_checkpoint(&self, seen: SeenCheckpoint) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* put_checkpoint */ INSERT INTO checkpoint VALUES (?, ?, ?, ?)
                    ON CONFLICT DO NOTHING",
                params![seen.size, seen.root.0, &seen.note[..], seen.at.as_ms()],
            )?;
            Ok(())
        })
        .await
    }

    /// Our last checkpoint.
    pub async fn last_checkpoint(&self) -> Result<Option<SeenCheckpoint>, Error> {
        self.read(|tx| {
            let sql = "/* last_checkpoint */ SELECT * FROM checkpoint ORDER BY size DESC LIMIT 1";
            tx.query_opt(sql, &[], read_seen)
        })
    }

    /// Every statement of ours to a partner, by place in the ledger.
    pub async fn sent_accounts(&self, partner: &NodeName) -> Result<Vec<StatementAccount>, Error> {
        self.read(|tx| {
            let sql =
                "/* sent_accounts */ SELECT s.id, l.idx, d.number, s.header, s.seed, s.manifest
                       FROM leaf l JOIN statement s ON s.id = l.statement
                       JOIN delivery d ON d.statement = s.id AND d.partner = ? ORDER BY l.idx";
            tx.query(sql, params![partner.as_str()], |row| {
                let seed: Vec<u8> = row.get("seed")?;
                Ok(StatementAccount {
                    id: rows::term(row, "id")?,
                    index: row.get("idx")?,
                    number: row.get("number")?,
                    header: row.get::<Bytes>("header")?,
                    seed: seed.try_into().map_err(|_| Error::Corrupt("a seed"))?,
                    manifest: row.get::<Bytes>("manifest")?,
                })
            })
        })
    }
}
