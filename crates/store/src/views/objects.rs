//! What a collection holds, for its page: counts along one scan that is bounded, the latest
//! objects, and every copy of one object.

use bytes::Bytes;
use protocol::{findings::Found, terms::Timestamp};
use stix::Tlp;
use uuid::Uuid;

use crate::{
    Collection, Error, Sight, Store,
    objects::{all_classes, id_hash},
    params, rows,
    tx::{Row, Tx},
};

/// An object of a collection, newest first.
#[derive(Debug, Clone)]
pub struct ObjectHead {
    /// When it became visible, in microseconds since 1970.
    pub date_added: i64,
    /// Its id.
    pub id: String,
    /// Its type.
    pub type_: String,
    /// Its version, as written.
    pub version: Option<String>,
    /// The marking that holds.
    pub tlp: Option<Tlp>,
    /// What was found in it.
    pub findings: Vec<Found>,
    /// Its bytes.
    pub body: Bytes,
}

/// One copy of an object: a version in a collection.
#[derive(Debug, Clone)]
pub struct Held {
    /// Title of the collection.
    pub collection: String,
    /// Id of the collection.
    pub collection_id: Uuid,
    /// The copy.
    pub head: ObjectHead,
}

/// How many objects share these four things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Their type.
    pub type_: String,
    /// The marking that holds.
    pub tlp: Option<Tlp>,
    /// Whether a MUST is violated.
    pub has_error: bool,
    /// Days since 1970 on which they became visible.
    pub day: i64,
    /// How many.
    pub count: u64,
}

/// What a collection looks like.
#[derive(Debug, Clone, Default)]
pub struct Portrait {
    /// Its counts.
    pub tallies: Vec<Tally>,
    /// Whether only the newest objects were counted.
    pub cut: bool,
}

/// Latest versions: the states that have the bit of the last.
const LAST: &str = "state IN (2, 3, 6, 7)";
/// The label of an entry's class.
const TLP: &str = "CASE WHEN k.tlp < 0 THEN NULL ELSE k.tlp END AS tlp";

/// The classes that a reader may see, as a list for `IN`.
pub(super) fn seen(tx: &Tx<'_>, sight: &Sight) -> Result<String, Error> {
    let classes = all_classes(tx)?;
    let seen: Vec<_> = sight.seen(&classes).iter().map(|class| class.id.to_string()).collect();
    Ok(if seen.is_empty() { "(-1)".to_owned() } else { format!("({})", seen.join(", ")) })
}

fn read(row: &Row<'_>) -> Result<ObjectHead, Error> {
    Ok(ObjectHead {
        date_added: row.get("date_added")?,
        id: row.get("id")?,
        type_: row.get("type")?,
        version: row.get("version")?,
        tlp: rows::tlp(row, "tlp")?,
        findings: rows::found(row, "findings")?,
        body: row.get("body")?,
    })
}

/// Another content of a version that is here: kept, and not served.
#[derive(Debug, Clone)]
pub struct Contradiction {
    /// The collection.
    pub collection_id: Uuid,
    /// Its title.
    pub collection: String,
    /// Its bytes.
    pub body: Bytes,
    /// When it came.
    pub at: Timestamp,
}

impl Store {
    /// What contradicts a version of an object, oldest first.
    pub async fn contradictions(&self, id: &str, limit: u32) -> Result<Vec<Contradiction>, Error> {
        self.read(|tx| {
            let sql = "/* contradictions */ SELECT c.id AS collection_id, c.title, b.body, x.at
                       FROM collection c JOIN conflict x ON x.collection = c.row AND x.id = ?
                       JOIN blob b ON b.row = x.row ORDER BY x.at, x.row LIMIT ?";
            tx.query(sql, params![id, limit], |row| {
                Ok(Contradiction {
                    collection_id: rows::term(row, "collection_id")
                        .or(Err(Error::Corrupt("a collection")))?,
                    collection: row.get("title")?,
                    body: row.get("body")?,
                    at: rows::time(row, "at")?,
                })
            })
        })
    }

    /// Counts of the newest `limit` objects of a collection.
    pub async fn portrait(
        &self,
        collection: &Collection,
        sight: &Sight,
        limit: u32,
    ) -> Result<Portrait, Error> {
        self.read(|tx| {
            let seen = seen(tx, sight)?;
            let sql = format!(
                "/* portrait */ SELECT type, {TLP}, found, day, n FROM
                 (SELECT type, class, found, day, count(*) AS n FROM
                  (SELECT type, class, CASE WHEN findings LIKE '%\"level\":\"error\"%' THEN 1 ELSE 0 END AS found,
                   date_added / 86400000000 AS day FROM entry
                   WHERE collection = ? AND {LAST} AND class IN {seen} ORDER BY date_added DESC LIMIT ?) AS newest
                  GROUP BY type, class, found, day) AS counted JOIN class k ON k.id = class"
            );
            let tallies = tx.query(&sql, params![collection.row, limit], |row| {
                Ok(Tally {
                    type_: row.get("type")?,
                    tlp: rows::tlp(row, "tlp")?,
                    has_error: row.get("found")?,
                    day: row.get("day")?,
                    count: row.get("n")?,
                })
            })?;
            let counted: u64 = tallies.iter().map(|tally: &Tally| tally.count).sum();
            Ok(Portrait { tallies, cut: counted >= u64::from(limit) })
        })
    }

    /// Latest versions in a collection before a date, newest first.
    pub async fn objects_before(
        &self,
        collection: &Collection,
        sight: &Sight,
        before: i64,
        limit: u32,
    ) -> Result<Vec<ObjectHead>, Error> {
        self.read(|tx| {
            let seen = seen(tx, sight)?;
            let sql = format!(
                "/* objects_before */ SELECT e.date_added, e.id, e.type, e.version, {TLP},
                 e.findings, b.body FROM entry e JOIN blob b ON b.row = e.row
                 JOIN class k ON k.id = e.class
                 WHERE e.collection = ? AND e.date_added < ? AND e.{LAST}
                 AND e.class IN {seen}
                 ORDER BY e.date_added DESC LIMIT ?"
            );
            tx.query(&sql, params![collection.row, before, limit], read)
        })
    }

    /// Every copy of an object, newest version first.
    pub async fn held(&self, id: &str, sight: &Sight, limit: u32) -> Result<Vec<Held>, Error> {
        self.read(|tx| {
            let seen = seen(tx, sight)?;
            let sql = format!(
                "/* held */ SELECT e.date_added, e.id, e.type, e.version, {TLP}, e.findings,
                 b.body, c.title, c.id AS collection_id FROM entry e
                 JOIN blob b ON b.row = e.row JOIN collection c ON c.row = e.collection
                 JOIN class k ON k.id = e.class
                 WHERE e.id_hash = ? AND e.id = ? AND e.class IN {seen}
                 ORDER BY e.version_key DESC, e.date_added LIMIT ?"
            );
            tx.query(&sql, params![id_hash(id), id, limit], |row| {
                Ok(Held {
                    collection: row.get("title")?,
                    collection_id: rows::term(row, "collection_id")
                        .or(Err(Error::Corrupt("a collection")))?,
                    head: read(row)?,
                })
            })
        })
    }
}
