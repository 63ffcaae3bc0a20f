//! Classes: who may see an object follows from its edition, its label and its communities alone.
//!
//! Each distinct set is a class, and every page is made of the ranges of the classes that its
//! reader may see. So a hidden object is never walked, and nobody can count, page over or time it.

use std::collections::{BTreeSet, HashMap};

use protocol::secrets;
use stix::Tlp;

use super::NewObject;
use crate::{
    Error, Store,
    tx::{Row, ToColumn as _, Tx},
};

/// A class of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its number, for ranges.
    pub(crate) id: i64,
    /// Edition: `2.0` or `2.1`.
    pub spec: String,
    /// The label that holds; none where the object bears none.
    pub tlp: Option<Tlp>,
    /// The communities that it is kept to, in order; none: everybody below the ceiling.
    pub communities: Vec<String>,
}

/// What a reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The strictest label.
    pub ceiling: Tlp,
    /// The communities that the reader belongs to; `None` is all of them.
    pub communities: Option<BTreeSet<String>>,
}

impl Default for Sight {
    /// Everything: the service's own eyes.
    fn default() -> Self {
        Self { ceiling: Tlp::Red, communities: None }
    }
}

impl Sight {
    /// Whether objects of a class are seen.
    pub fn sees(&self, class: &Class) -> bool {
        let belongs = |mine: &BTreeSet<String>| class.communities.iter().all(|c| mine.contains(c));
        class.tlp.is_none_or(|tlp| tlp <= self.ceiling)
            && self.communities.as_ref().is_none_or(belongs)
    }
}

impl Store {
    /// Every class that there is, in the order in which they came.
    pub async fn classes(&self) -> Result<Vec<Class>, Error> {
        self.read(all)
    }
}

fn read(row: &Row<'_>) -> Result<Class, Error> {
    let tlp: i64 = row.get("tlp")?;
    let communities: String = row.get("communities")?;
    Ok(Class {
        id: row.get("id")?,
        spec: row.get("spec")?,
        tlp: usize::try_from(tlp).ok().and_then(|rank| Tlp::ALL.get(rank).copied()),
        communities: communities.lines().map(str::to_owned).collect(),
    })
}

/// Every class, in the snapshot that a page is read from.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<Class>, Error> {
    tx.query("/* classes */ SELECT * FROM class ORDER BY id", &[], read)
}

/// The classes of a batch: asked for once each.
#[derive(Default)]
pub(super) struct Classes<'a> {
    known: HashMap<(&'a str, Option<Tlp>, &'a [String]), i64>,
}

impl<'a> Classes<'a> {
    /// The class of an object, made if it is the first of its kind.
    pub(super) fn of(&mut self, object: &'a NewObject, tx: &Tx<'_>) -> Result<i64, Error> {
        let key = (object.spec.as_str(), object.tlp, object.communities.as_slice());
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let (tlp, communities) = (rank(object.tlp), object.communities.join("\n"));
        let values = &[object.spec.to_column(), tlp.to_column(), communities.to_column()];
        let sql = "/* Classes::of */ SELECT id FROM class
                   WHERE spec = ? AND tlp = ? AND communities = ?";
        let held = tx.query_opt(sql, values, |row| row.get(0))?;
        let id = match held {
            Some(id) => id,
            None => {
                let sql = "/* Classes::of */ INSERT INTO class (spec, tlp, communities)
                           VALUES (?, ?, ?) RETURNING id";
                tx.query_one(sql, values, |row| row.get(0))?
            }
        };
        self.known.insert(key, id);
        Ok(id)
    }
}

fn rank(tlp: Option<Tlp>) -> i64 {
    tlp.map_or(-1, |tlp| tlp as i64)
}

/// What an id is looked up by: ids are random, and 8 bytes make half the index.
pub(crate) fn id_hash(id: &str) -> i64 {
    let digest = secrets::sha256(id.as_bytes());
    i64::from_be_bytes(digest.0.first_chunk().copied().unwrap_or_default())
}
