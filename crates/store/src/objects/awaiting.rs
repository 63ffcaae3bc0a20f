//! Objects whose marking is not known yet: they count as the strictest until the definition comes.
//! When it says less, whoever may see them now and could not before meets them at a new date, in an
//! entry beside the first: so every poller meets each of them once.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::terms::Timestamp;

use super::{
    Class, Clock, NewObject,
    classes::{self, Among, Classes, Kind as ClassKind, id_hash},
    feed,
    manage::objects,
    versions::reflag,
};
use crate::{
    Error, Store, journal, params,
    tx::{Given, Kind, ToColumn as _, Tx, Value},
};

/// An entry that waited for a marking definition which has come.
#[derive(Debug, Clone)]
pub struct Awaiting {
    collection: i64,
    date_added: i64,
    /// Its bytes, as received.
    pub body: Bytes,
}

/// Notes which definitions the objects of new entries wait for.
pub(super) fn keep<'o>(
    tx: &Tx<'_>,
    collection: i64,
    entries: impl Iterator<Item = (i64, &'o NewObject)>,
) -> Result<(), Error> {
    let mut given = Given::new(&[("marking", Kind::Bytes), ("date", Kind::Int)]);
    for (date, object) in entries {
        for marking in &object.awaits {
            given.push([marking.to_column(), Value::Int(date)]);
        }
    }
    let sql = "/* awaiting::keep */ INSERT INTO awaiting SELECT g.marking, ?1, g.date FROM {given}
               WHERE true ON CONFLICT DO NOTHING";
    tx.execute_given(sql, params![collection], &given).map(drop)
}

/// Forgets what is noted beside entries that go, by date.
pub(super) fn forget(tx: &Tx<'_>, collection: i64, given: &Given<'_>) -> Result<(), Error> {
    for table in ["awaiting", "redated"] {
        let sql = format!(
            "/* awaiting::forget */ DELETE FROM {table} WHERE collection = ?1
             AND date_added IN (SELECT g.date FROM {{given}})"
        );
        tx.execute_given(&sql, params![collection], given)?;
    }
    Ok(())
}

impl Awaiting {
    pub(super) fn new(collection: i64, date_added: i64, body: Bytes) -> Self {
        Self { collection, date_added, body }
    }

    pub(super) fn date_added(&self) -> i64 {
        self.date_added
    }
}

impl Store {
    /// Some of the entries that wait for a marking definition which has come.
    pub async fn awaiting(&self, limit: u32) -> Result<Vec<Awaiting>, Error> {
        self.read(|tx| {
            if !tx.exists("/* awaiting */ SELECT 1 FROM awaiting LIMIT 1", &[])? {
                return Ok(Vec::new());
            }
            let sql = "/* awaiting */ SELECT a.collection, a.date_added, b.body FROM
                       (SELECT DISTINCT w.collection, w.date_added FROM marking m
                        JOIN awaiting w ON w.marking = m.id LIMIT ?) AS a
                       JOIN entry e ON e.collection = a.collection AND e.date_added = a.date_added
                       JOIN blob b ON b.row = e.row";
            tx.query(sql, params![limit], |row| {
                let (collection, date_added) = (row.get(0)?, row.get(1)?);
                Ok(Awaiting { collection, date_added, body: row.get(2)? })
            })
        })
    }

    /// Gives entries that waited the class that holds now. Whoever could see one before and still
    /// may goes on seeing it at its old date; whoever only now may see it meets it at a new one. How
    /// many objects changed.
    ///
    /// *Atomicity*: one transaction; run twice, it finds nothing more to do. What aggregates hold
    /// of the old entries changes with them; the new ones come to them like any other.
    pub async fn redate(
        &self,
        entries: Vec<(Awaiting, NewObject)>,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.write_rows(entries.len(), move |tx| {
            let mut clock = Clock::new(tx, now)?;
            let mut by_collection: BTreeMap<i64, Vec<Twin>> = BTreeMap::new();
            let (mut classes, mut count) = (Classes::default(), 0);
            for (entry, object) in &entries {
                let Some(twin) = settle(tx, entry, object, &mut classes)? else { continue };
                count += 1;
                if let Some(twin) = twin {
                    by_collection.entry(entry.collection).or_default().push(twin);
                }
            }
            for (collection, twins) in &by_collection {
                let dates = clock.stamp(&twins.iter().map(|twin| twin.class).collect::<Vec<_>>());
                for (twin, date) in twins.iter().zip(dates) {
                    enter(tx, *collection, twin, date)?;
                }
            }
            clock.keep(tx)?;
            if count > 0 {
                let detail = format!("{}: the marking is known now", objects(count));
                let line = journal::Line {
                    detail: &detail,
                    ..journal::Line::new(now, "node", "objects.redated")
                };
                journal::write(tx, &line)?;
            }
            Ok(count)
        })
        .await
    }
}

/// An entry of a version that is here, for those who only now may see it.
struct Twin {
    id: String,
    /// Date of the first entry of the version.
    first: i64,
    class: i64,
}

/// The entries of one version of an object, in the order of their dates.
struct Held {
    id: String,
    version_key: String,
    entries: Vec<(i64, Class)>,
}

fn held(tx: &Tx<'_>, entry: &Awaiting) -> Result<Option<Held>, Error> {
    let sql = "/* awaiting::held */ SELECT id, version_key FROM entry
               WHERE entry.collection = ? AND entry.date_added = ?";
    let of = tx.query_opt(sql, params![entry.collection, entry.date_added], |row| {
        Ok((row.get::<String>(0)?, row.get::<String>(1)?))
    })?;
    // It may have been deleted since it was read.
    let Some((id, version_key)) = of else { return Ok(None) };
    let sql = "/* awaiting::held */ SELECT e.date_added, k.* FROM entry e INDEXED BY entry_object
               JOIN class k ON k.id = e.class
               WHERE (e.id_hash, e.collection, e.version_key) >= (?1, ?2, ?3)
               AND (e.id_hash, e.collection, e.version_key) <= (?1, ?2, ?3) AND e.id = ?4
               ORDER BY e.date_added";
    let hash = id_hash(&id);
    let values = params![hash, entry.collection, version_key, id];
    let entries = tx.query(sql, values, |row| Ok((row.get(0)?, classes::read(row)?)))?;
    Ok(Some(Held { id, version_key, entries }))
}

/// Notes what an entry still waits for, and gives it and those beside it the classes that hold now.
/// `None` where they had those; else the entry that is wanting for whoever only now may see it.
fn settle<'o>(
    tx: &Tx<'_>,
    entry: &Awaiting,
    object: &'o NewObject,
    classes: &mut Classes<'o>,
) -> Result<Option<Option<Twin>>, Error> {
    let at = params![entry.collection, entry.date_added];
    let sql = "/* settle */ DELETE FROM awaiting WHERE collection = ? AND date_added = ?";
    tx.execute(sql, at)?;
    let Some(held) = held(tx, entry)? else { return Ok(None) };
    keep(tx, entry.collection, [(entry.date_added, object)].into_iter())?;
    let is_right =
        |class: &Class| class.tlp == object.tlp && class.communities == object.communities;
    let Some((first, _)) = held.entries.first() else { return Ok(None) };
    if held.entries.iter().all(|(_, class)| is_right(class)) {
        return Ok(None);
    }
    let own = || ClassKind::own(&object.spec, object.tlp, &object.communities);
    let (mut kinds, mut unless) = (Vec::with_capacity(held.entries.len()), Vec::new());
    let mut given = Given::new(&[("date", Kind::Int), ("class", Kind::Int)]);
    for (date, class) in &held.entries {
        let among = Among::who_saw(class, object.tlp, &object.communities);
        let kind = ClassKind { unless: unless.clone(), among, ..own() };
        let right = classes.of(kind.clone(), tx)?;
        given.push([Value::Int(*date), Value::Int(right)]);
        unless.push(right);
        kinds.push(kind);
    }
    feed::set_classes(tx, entry.collection, &given)?;
    reflag(tx, entry.collection, &held.id)?;
    feed::follow(tx, entry.collection, (&held.id, &held.version_key), &kinds)?;
    if kinds.iter().any(|kind| kind.among.is_everybody()) {
        return Ok(Some(None));
    }
    let class = classes.of(ClassKind { unless, ..own() }, tx)?;
    Ok(Some(Some(Twin { id: held.id, first: *first, class })))
}

fn enter(tx: &Tx<'_>, collection: i64, twin: &Twin, date: i64) -> Result<(), Error> {
    let places = params![collection, twin.first, date, twin.class];
    let sql = "/* awaiting::enter */ INSERT INTO entry
               SELECT e.collection, ?3, e.row, e.size, e.id, e.id_hash, e.version, e.version_key,
               e.type, ?4, 0, e.findings FROM entry e WHERE e.collection = ?1 AND e.date_added = ?2";
    tx.execute(sql, places)?;
    let sql = "/* awaiting::enter */ INSERT INTO redated SELECT ?1, ?3,
               coalesce((SELECT since FROM redated WHERE collection = ?1 AND date_added = ?2), ?2)";
    tx.execute(sql, params![collection, twin.first, date])?;
    reflag(tx, collection, &twin.id)
}
