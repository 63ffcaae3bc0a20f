//! Keeping objects: one batch of one collection, in a few statements whatever its size.

use std::{borrow::Cow, collections::HashMap};

use protocol::terms::Timestamp;

use super::{
    Collection, NewObject, awaiting,
    blobs::{self, Body, Presence},
    classes::{self, Classes, id_hash},
    clock::Clock,
    markings,
    versions::{FIRST, LAST, MIXED, reflag},
};
use crate::{
    Error, Work, params, rows,
    tx::{Given, Kind, ToColumn as _, Tx, Value},
};

/// What putting one object came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A new entry.
    New {
        /// Row of its body.
        row: i64,
        /// Its date.
        date: i64,
    },
    /// The same object is here: equal bytes, else equal by RFC 8785.
    Same,
    /// Other bytes for the same version are here; both are kept, the first is served.
    Conflict,
    /// It was recalled by the partner that released it.
    Recalled,
}

/// Puts objects into a collection, with the time when each came; an outcome for each, in their
/// order.
pub(crate) fn put(
    tx: &Tx<'_>,
    collection: &Collection,
    objects: &[&NewObject],
    came: &[Timestamp],
    clock: &mut Clock,
) -> Result<Vec<Outcome>, Error> {
    let circumstances = Circumstances::of(tx, collection)?;
    let recalled = recalled(tx, objects, &circumstances)?;
    let held = held(tx, collection, objects)?;
    let rows = blobs::keep(tx, collection, objects, |place| {
        (!recalled.contains(&place))
            .then(|| held.get(place).map_or(Presence::Nowhere, Held::presence))
    })?;
    let mut outcomes = Vec::with_capacity(objects.len());
    let mut batch: HashMap<(&str, &str), i64> = HashMap::new();
    let mut other_spellings = Vec::new();
    for (place, object) in objects.iter().enumerate() {
        let Some(row) = rows.get(place).copied().flatten() else {
            outcomes.push(Outcome::Recalled);
            continue;
        };
        let key = (object.id.as_str(), object.version_key.as_str());
        let same = held.get(place).and_then(|held| held.same);
        let before = same.map(|entry| entry.row).or_else(|| batch.get(&key).copied());
        outcomes.push(match before {
            Some(before) if before == row => Outcome::Same,
            Some(before) if blobs::is_same(tx, before, object)? => {
                other_spellings.push((row, *object));
                Outcome::Same
            }
            Some(_) => Outcome::Conflict,
            None => {
                batch.insert(key, row);
                Outcome::New { row, date: 0 }
            }
        });
    }
    conflicts(tx, collection, objects, &rows, &outcomes, clock)?;
    markings::keep(tx, objects, &outcomes)?;
    enter(tx, collection, (objects, came), &held, &mut outcomes, clock)?;
    let bodies = other_spellings.into_iter().map(|(row, object)| Body {
        row,
        id: &object.id,
        version_key: &object.version_key,
    });
    blobs::let_go(tx, bodies)?;
    if circumstances.feeds || objects.iter().any(|object| !object.awaits.is_empty()) {
        tx.leave(Work::Collections);
    }
    Ok(outcomes)
}

/// What else there is that objects may have to do with; asked once for all of them.
struct Circumstances {
    /// Some object was recalled, of whatever collection.
    recalls: bool,
    /// An aggregate is fed from this collection.
    feeds: bool,
}

impl Circumstances {
    fn of(tx: &Tx<'_>, collection: &Collection) -> Result<Self, Error> {
        let sql = "/* Circumstances::of */ SELECT EXISTS (SELECT 1 FROM recalled_object),
                   EXISTS (SELECT 1 FROM feed WHERE source = ?)";
        tx.query_one(sql, params![collection.row], |row| {
            Ok(Self { recalls: row.get(0)?, feeds: row.get(1)? })
        })
    }
}

/// Which objects were recalled by the partner that released them.
fn recalled(
    tx: &Tx<'_>,
    objects: &[&NewObject],
    circumstances: &Circumstances,
) -> Result<Vec<usize>, Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("n", Kind::Int), ("id", Kind::Bytes), ("version_key", Kind::Bytes)];
    if !circumstances.recalls {
        return Ok(Vec::new());
    }
    let mut given = Given::new(COLUMNS);
    for (n, object) in objects.iter().enumerate() {
        given.push([Value::count(n), object.id.to_column(), object.version_key.to_column()]);
    }
    let sql = "/* recalled */ SELECT g.n FROM {given} JOIN recalled_object r
               ON r.id = g.id AND r.version_key = g.version_key";
    tx.query_given(sql, &[], &given, |row| row.get(0))
}

/// What is here already of one object: the same version, and its neighbours.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    same: Option<Neighbour>,
    older: Option<Neighbour>,
    newer: Option<Neighbour>,
    /// Some collection holds the object.
    is_somewhere: bool,
}

#[derive(Debug, Clone, Copy)]
struct Neighbour {
    date: i64,
    row: i64,
    class: i64,
    state: i64,
}

fn held(tx: &Tx<'_>, collection: &Collection, objects: &[&NewObject]) -> Result<Vec<Held>, Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("n", Kind::Int), ("hash", Kind::Int), ("id", Kind::Bytes), ("key", Kind::Bytes)];
    // Three steps along one index, however many versions there are. They compare rows because only
    // `entry_object` begins so: told column by column, PostgreSQL takes whichever index looks best
    // while the table is empty, and walks all objects of one version ever after. For the same reason
    // none of them is an EXISTS, for which it would read the whole table into memory each time.
    const DATES: &str = "/* held */ SELECT g.n,
         (SELECT e.date_added FROM entry e INDEXED BY entry_object
          WHERE (e.id_hash, e.collection, e.version_key) >= (g.hash, ?1, g.key)
          AND (e.id_hash, e.collection, e.version_key) <= (g.hash, ?1, g.key) AND e.id = g.id
          LIMIT 1) AS same,
         (SELECT e.date_added FROM entry e INDEXED BY entry_object
          WHERE (e.id_hash, e.collection, e.version_key) < (g.hash, ?1, g.key)
          AND (e.id_hash, e.collection) >= (g.hash, ?1) AND e.id = g.id
          ORDER BY e.id_hash DESC, e.collection DESC, e.version_key DESC LIMIT 1) AS older,
         (SELECT e.date_added FROM entry e INDEXED BY entry_object
          WHERE (e.id_hash, e.collection, e.version_key) > (g.hash, ?1, g.key)
          AND (e.id_hash, e.collection) <= (g.hash, ?1) AND e.id = g.id
          ORDER BY e.id_hash, e.collection, e.version_key LIMIT 1) AS newer
         FROM {given}";
    let mut found = vec![Held::default(); objects.len()];
    let mut given = Given::new(COLUMNS);
    for (n, hash) in somewhere(tx, objects)? {
        if let (Some(held), Some(object)) = (found.get_mut(n), objects.get(n)) {
            held.is_somewhere = true;
            let (id, key) = (object.id.to_column(), object.version_key.to_column());
            given.push([Value::count(n), Value::Int(hash), id, key]);
        }
    }
    let dates = tx.query_given(DATES, params![collection.row], &given, |row| {
        Ok(Dates { n: row.get(0)?, same: row.get(1)?, older: row.get(2)?, newer: row.get(3)? })
    })?;
    let known = neighbours(tx, collection, &dates)?;
    let of = |date: Option<i64>| date.and_then(|date| known.get(&date).copied());
    for dates in dates {
        if let Some(held) = found.get_mut(dates.n) {
            (held.same, held.older, held.newer) =
                (of(dates.same), of(dates.older), of(dates.newer));
        }
    }
    Ok(found)
}

/// Places and hashes of those objects that some collection holds: of most that are posted none
/// does, and nothing else is to be asked of them.
fn somewhere(tx: &Tx<'_>, objects: &[&NewObject]) -> Result<Vec<(usize, i64)>, Error> {
    const SQL: &str = "/* somewhere */ SELECT g.n, g.hash,
         (SELECT e.date_added FROM entry e INDEXED BY entry_object
          WHERE (e.id_hash, e.collection) >= (g.hash, 0) AND e.id_hash <= g.hash
          ORDER BY e.id_hash, e.collection, e.version_key LIMIT 1) AS somewhere
         FROM {given}";
    let mut given = Given::new(&[("n", Kind::Int), ("hash", Kind::Int)]);
    for (n, object) in objects.iter().enumerate() {
        given.push([Value::count(n), Value::Int(id_hash(&object.id))]);
    }
    let mut found = Vec::new();
    tx.each_given(SQL, &[], &given, |row| {
        if row.get::<Option<i64>>(2)?.is_some() {
            found.push((row.get(0)?, row.get(1)?));
        }
        Ok(())
    })?;
    Ok(found)
}

/// What [`Held`] tells, by dates.
struct Dates {
    n: usize,
    same: Option<i64>,
    older: Option<i64>,
    newer: Option<i64>,
}

fn neighbours(
    tx: &Tx<'_>,
    collection: &Collection,
    dates: &[Dates],
) -> Result<HashMap<i64, Neighbour>, Error> {
    let mut given = Given::new(&[("date", Kind::Int)]);
    for date in dates.iter().flat_map(|dates| [dates.same, dates.older, dates.newer]).flatten() {
        given.push([Value::Int(date)]);
    }
    // Not joined: PostgreSQL would begin with the entries as long as it believes that there are few.
    let sql = "/* neighbours */ SELECT g.date,
        (SELECT e.row FROM entry e WHERE e.collection = ?1 AND e.date_added = g.date) AS row,
        (SELECT e.class FROM entry e WHERE e.collection = ?1 AND e.date_added = g.date) AS class,
        (SELECT e.state FROM entry e WHERE e.collection = ?1 AND e.date_added = g.date) AS state
        FROM {given}";
    let found = tx.query_given(sql, params![collection.row], &given, |row| {
        let date = row.get(0)?;
        Ok((date, Neighbour { date, row: row.get(1)?, class: row.get(2)?, state: row.get(3)? }))
    })?;
    Ok(found.into_iter().collect())
}

fn conflicts(
    tx: &Tx<'_>,
    collection: &Collection,
    objects: &[&NewObject],
    rows: &[Option<i64>],
    outcomes: &[Outcome],
    clock: &Clock,
) -> Result<(), Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("id", Kind::Bytes), ("version_key", Kind::Bytes), ("row", Kind::Int)];
    let mut given = Given::new(COLUMNS);
    for ((object, row), outcome) in objects.iter().zip(rows).zip(outcomes) {
        if let (Outcome::Conflict, Some(row)) = (outcome, row) {
            given.push([object.id.to_column(), object.version_key.to_column(), Value::Int(*row)]);
        }
    }
    let sql = "/* conflicts */ INSERT INTO conflict
               SELECT ?1, g.id, g.version_key, g.row, ?2 FROM {given} WHERE true
               ON CONFLICT DO NOTHING";
    tx.execute_given(sql, params![collection.row, clock.now_ms()], &given).map(drop)
}

/// Dates and writes the new entries, and keeps the flags of first and last version right.
fn enter(
    tx: &Tx<'_>,
    collection: &Collection,
    (objects, came): (&[&NewObject], &[Timestamp]),
    held: &[Held],
    outcomes: &mut [Outcome],
    clock: &mut Clock,
) -> Result<(), Error> {
    let mut classes = Classes::default();
    let mut new = Vec::new();
    let mut times: HashMap<&str, u32> = HashMap::new();
    let all = objects.iter().zip(came).zip(outcomes.iter()).enumerate();
    for (place, ((object, came), outcome)) in all {
        if let Outcome::New { row, .. } = outcome {
            let class = classes.of(kind(object), tx)?;
            new.push(New { place, row: *row, class, object, came: *came });
            *times.entry(object.id.as_str()).or_default() += 1;
        }
    }
    let dates = clock.stamp(&new.iter().map(|new| new.class).collect::<Vec<_>>());
    let (mut states, mut anew) = (Vec::new(), Vec::new());
    let mut written: Vec<(i64, &New<'_>, i64)> = Vec::with_capacity(new.len());
    for (new, date) in new.iter().zip(dates) {
        let held = held.get(new.place).copied().unwrap_or_default();
        let alone = times.get(new.object.id.as_str()) == Some(&1);
        let state = match held.state_beside(new.class).filter(|_| alone) {
            Some(state) => {
                states.extend(held.states_after(state));
                state
            }
            None => {
                anew.push(new.object.id.as_str());
                0
            }
        };
        written.push((date, new, state));
        if let Some(outcome) = outcomes.get_mut(new.place) {
            *outcome = Outcome::New { row: new.row, date };
        }
    }
    // In the order of their dates, so that the table only grows at its end.
    written.sort_unstable_by_key(|(date, _, _)| *date);
    insert(tx, collection, &written)?;
    awaiting::keep(tx, collection.row, written.iter().map(|(date, new, _)| (*date, new.object)))?;
    set_states(tx, collection.row, &states)?;
    anew.sort_unstable();
    anew.dedup();
    anew.into_iter().try_for_each(|id| reflag(tx, collection.row, id))
}

fn kind(object: &NewObject) -> classes::Kind<'_> {
    classes::Kind::own(&object.spec, object.tlp, &object.communities)
}

struct New<'a> {
    place: usize,
    row: i64,
    class: i64,
    object: &'a NewObject,
    came: Timestamp,
}

impl New<'_> {
    /// Its version and its findings: an object without a version of its own has the time of the
    /// request that brought it.
    fn texts(&self) -> (Cow<'_, str>, Option<String>) {
        let version = match &self.object.version {
            Some(version) => Cow::Borrowed(version.as_str()),
            None => Cow::Owned(self.came.to_string()),
        };
        (version, rows::found_column(&self.object.findings))
    }
}

impl Held {
    fn presence(&self) -> Presence {
        match (self.same, self.is_somewhere) {
            (Some(_), _) => Presence::Here,
            (None, true) => Presence::Somewhere,
            (None, false) => Presence::Nowhere,
        }
    }

    /// The state of a version put between its neighbours; `None` where that does not tell.
    fn state_beside(&self, class: i64) -> Option<i64> {
        let tells = |neighbour: Option<Neighbour>| {
            neighbour.is_none_or(|found| found.class == class && found.state & MIXED == 0)
        };
        if !tells(self.older) || !tells(self.newer) {
            return None;
        }
        let first = if self.older.is_none() { FIRST } else { 0 };
        let last = if self.newer.is_none() { LAST } else { 0 };
        Some(first | last)
    }

    /// What its neighbours are no longer.
    fn states_after(&self, state: i64) -> impl Iterator<Item = (i64, i64)> {
        let older = self.older.filter(|_| state & LAST != 0).map(|n| (n.date, n.state & !LAST));
        let newer = self.newer.filter(|_| state & FIRST != 0).map(|n| (n.date, n.state & !FIRST));
        older.into_iter().chain(newer)
    }
}

fn insert(
    tx: &Tx<'_>,
    collection: &Collection,
    entries: &[(i64, &New<'_>, i64)],
) -> Result<(), Error> {
    const COLUMNS: &[(&str, Kind)] = &[
        ("date", Kind::Int),
        ("row", Kind::Int),
        ("size", Kind::Int),
        ("id", Kind::Bytes),
        ("hash", Kind::Int),
        ("version", Kind::Bytes),
        ("key", Kind::Bytes),
        ("type", Kind::Bytes),
        ("class", Kind::Int),
        ("state", Kind::Int),
        ("findings", Kind::Bytes),
    ];
    let mut given = Given::new(COLUMNS);
    let texts: Vec<_> = entries.iter().map(|(_, new, _)| new.texts()).collect();
    for ((date, new, state), (version, findings)) in entries.iter().zip(&texts) {
        let object = new.object;
        given.push([
            Value::Int(*date),
            Value::Int(new.row),
            Value::count(object.body.len()),
            object.id.to_column(),
            Value::Int(id_hash(&object.id)),
            version.to_column(),
            object.version_key.to_column(),
            object.type_.to_column(),
            Value::Int(new.class),
            Value::Int(*state),
            findings.to_column(),
        ]);
    }
    let sql = "/* objects::insert */ INSERT OR FAIL INTO entry
               SELECT ?1, g.date, g.row, g.size, g.id, g.hash, g.version, g.key, g.type, g.class,
               g.state, g.findings FROM {given}";
    tx.execute_given(sql, params![collection.row], &given).map(drop)
}

/// Sets the state of entries, by date.
pub(super) fn set_states(tx: &Tx<'_>, collection: i64, states: &[(i64, i64)]) -> Result<(), Error> {
    let mut given = Given::new(&[("date", Kind::Int), ("state", Kind::Int)]);
    for (date, state) in states {
        given.push([Value::Int(*date), Value::Int(*state)]);
    }
    let sql = "/* set_states */ UPDATE OR FAIL entry SET state = g.state FROM {given}
               WHERE entry.collection = ?1 AND entry.date_added = g.date";
    tx.execute_given(sql, params![collection], &given).map(drop)
}
