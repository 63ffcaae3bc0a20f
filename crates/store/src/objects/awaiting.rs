//! Objects whose marking is not known yet: they count as the strictest until the definition comes,
//! and are dated anew when it says less, so that every poller that may see them now meets them.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::terms::Timestamp;

use super::{
    Clock, NewObject,
    classes::{Classes, Kind as ClassKind},
    feed,
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
    tx.execute_given(sql, params![collection], &given)
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

    /// Gives entries that waited the class that holds now; those that may be seen by more readers
    /// get a new date. How many did.
    ///
    /// *Atomicity*: one transaction; run twice, it finds nothing more to do. The copies in
    /// aggregates go with the old date and come again with the new one.
    pub async fn redate(
        &self,
        entries: Vec<(Awaiting, NewObject)>,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.write_rows(entries.len(), move |tx| {
            let mut clock = Clock::new(tx, now)?;
            let mut by_collection: BTreeMap<i64, Vec<Move<'_>>> = BTreeMap::new();
            let mut classes = Classes::default();
            for (entry, object) in &entries {
                if let Some(moved) = settle(tx, entry, object, &mut classes)? {
                    by_collection.entry(entry.collection).or_default().push(moved);
                }
            }
            let mut count = 0;
            for (collection, moves) in &by_collection {
                let dates = clock.stamp(&moves.iter().map(|moved| moved.class).collect::<Vec<_>>());
                for (moved, date) in moves.iter().zip(dates) {
                    apply(tx, *collection, moved, date)?;
                }
                count += moves.len();
            }
            clock.keep(tx)?;
            if count > 0 {
                let detail = format!("{count} objects: what they are marked with is known now");
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

/// An entry that changes its class.
struct Move<'o> {
    date: i64,
    row: i64,
    class: i64,
    object: &'o NewObject,
}

/// Notes what an entry still waits for; its new class, where that is another.
fn settle<'o>(
    tx: &Tx<'_>,
    entry: &Awaiting,
    object: &'o NewObject,
    classes: &mut Classes<'o>,
) -> Result<Option<Move<'o>>, Error> {
    let at = params![entry.collection, entry.date_added];
    let sql = "/* settle */ DELETE FROM awaiting WHERE collection = ? AND date_added = ?";
    tx.execute(sql, at)?;
    let sql = "/* settle */ SELECT class, row FROM entry
               WHERE entry.collection = ? AND entry.date_added = ?";
    let held = tx.query_opt(sql, at, |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
    // It may have been deleted since it was read.
    let Some((held, row)) = held else { return Ok(None) };
    let kind = ClassKind::own(&object.spec, object.tlp, &object.communities);
    let class = classes.of(kind, tx)?;
    if class == held {
        keep(tx, entry.collection, [(entry.date_added, object)].into_iter())?;
        return Ok(None);
    }
    Ok(Some(Move { date: entry.date_added, row, class, object }))
}

fn apply(tx: &Tx<'_>, collection: i64, moved: &Move<'_>, date: i64) -> Result<(), Error> {
    let old = moved.date;
    feed::withdraw(tx, collection, &moved.object.id, &[(old, moved.row)])?;
    let places = params![collection, old, date];
    for sql in [
        "/* redate */ INSERT INTO redated SELECT ?1, ?3, coalesce((SELECT since FROM redated
         WHERE collection = ?1 AND date_added = ?2), ?2)",
        "/* redate */ UPDATE received_item SET date_added = ?3
         WHERE collection = ?1 AND date_added = ?2",
    ] {
        tx.execute(sql, places)?;
    }
    let sql = "/* redate */ DELETE FROM redated WHERE collection = ? AND date_added = ?";
    tx.execute(sql, params![collection, old])?;
    let sql = "/* redate */ UPDATE entry SET date_added = ?3, class = ?4
               WHERE entry.collection = ?1 AND entry.date_added = ?2";
    tx.execute(sql, params![collection, old, date, moved.class])?;
    keep(tx, collection, [(date, moved.object)].into_iter())?;
    reflag(tx, collection, &moved.object.id)
}
