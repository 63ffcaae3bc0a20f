//! Aggregates: collections that hold what others hold. A step copies entries from a source in the
//! order of their dates, each with a date of its own, so that pages of an aggregate are pages like
//! any other; what a source loses, its aggregates lose in the same transaction.
//!
//! One version from several sources is an entry for each of them. Its class says which collection
//! it came from and names the classes of the entries of that version before it: whoever sees one of
//! those does not see this one, so every reader sees each version once, and only what it may see in
//! a source ([`super::Sight`]).

use std::collections::{BTreeMap, HashMap};

use protocol::terms::Timestamp;

use super::{
    Class, Clock, Collection, Flow, Page, Versions,
    classes::{self, Classes, Kind as ClassKind, id_hash, of_number},
    delete::{self, Doomed},
    pages::ranges,
    read_collection,
    versions::{FIRST, LAST, reflag},
};
use crate::{
    Error, Store, Work, journal, params, rows,
    tx::{Given, Kind, ToColumn as _, Tx, Value},
};

/// What feeds an aggregate.
#[derive(Debug, Clone, Copy)]
struct Feed {
    aggregate: i64,
    source: i64,
    fed_to: i64,
    ends: bool,
}

impl Store {
    /// Says what an aggregate is fed from; what came from others leaves it step by step.
    ///
    /// *Errors*: [`Error::State`] where it is none, where a source is one, or where a source that
    /// is to come back has not left yet.
    pub async fn set_sources(
        &self,
        aggregate: Collection,
        sources: Vec<Collection>,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| set_sources(tx, &aggregate, &sources, &actor, now)).await
    }

    /// Brings aggregates up to `limit` entries nearer to their sources; how many there were.
    ///
    /// *Atomicity*: one transaction, entries and place; may run twice.
    pub async fn feed(&self, limit: usize, now: Timestamp) -> Result<usize, Error> {
        // Looked at on a reader first: mostly there is nothing, and a commit costs a sync.
        if self.read(due)?.is_none() {
            return Ok(0);
        }
        self.write_rows(limit, move |tx| {
            let Some(feed) = due(tx)? else { return Ok(0) };
            if feed.ends { end(tx, &feed, limit) } else { copy(tx, &feed, limit, now) }
        })
        .await
    }
}

pub(super) fn set_sources(
    tx: &Tx<'_>,
    aggregate: &Collection,
    sources: &[Collection],
    actor: &str,
    now: Timestamp,
) -> Result<(), Error> {
    if aggregate.flow != Flow::Aggregate {
        return Err(Error::State(
            "only an aggregate is fed from other collections",
            "make an aggregate, or post to this collection",
        ));
    }
    if sources.iter().any(|source| source.flow == Flow::Aggregate) {
        return Err(Error::State(
            "an aggregate is not fed from another aggregate",
            "name the collections that feed the other one",
        ));
    }
    tx.leave(Work::Collections);
    tx.leave(Work::Register);
    let held = feeds(tx, aggregate.row)?;
    for feed in held.iter().filter(|feed| !feed.ends) {
        if !sources.iter().any(|source| source.row == feed.source) {
            let sql = "/* set_sources */ UPDATE feed SET ends = 1
                       WHERE collection = ? AND source = ?";
            tx.execute(sql, params![aggregate.row, feed.source])?;
        }
    }
    for source in sources {
        match held.iter().find(|feed| feed.source == source.row) {
            Some(feed) if feed.ends => {
                return Err(Error::State(
                    "what came from that source is still leaving",
                    "try again in a few seconds",
                ));
            }
            Some(_) => {}
            None => {
                let sql = "/* set_sources */ INSERT INTO feed VALUES (?, ?, ?, 0)
                           ON CONFLICT DO NOTHING";
                tx.execute(sql, params![aggregate.row, source.row, i64::MIN])?;
            }
        }
    }
    let names: Vec<_> = sources.iter().map(|one| format!("{}/{}", one.root, one.alias)).collect();
    let detail = format!("{}/{} from {}", aggregate.root, aggregate.alias, names.join(", "));
    let line =
        journal::Line { detail: &detail, ..journal::Line::new(now, actor, "collection.fed-from") };
    journal::write(tx, &line)
}

fn read_feed(row: &crate::tx::Row<'_>) -> Result<Feed, Error> {
    Ok(Feed {
        aggregate: row.get("collection")?,
        source: row.get("source")?,
        fed_to: row.get("fed_to")?,
        ends: row.get("ends")?,
    })
}

fn feeds(tx: &Tx<'_>, aggregate: i64) -> Result<Vec<Feed>, Error> {
    let sql = "/* feeds */ SELECT * FROM feed WHERE collection = ? ORDER BY source";
    tx.query(sql, params![aggregate], read_feed)
}

/// Names the sources of aggregates, in constant order.
pub(super) fn name_sources(tx: &Tx<'_>, all: &mut [Collection]) -> Result<(), Error> {
    let sql = "/* name_sources */ SELECT f.collection, c.id FROM feed f
               JOIN collection c ON c.row = f.source WHERE f.ends = 0
               ORDER BY f.collection, f.source";
    let named = tx.query(sql, &[], |row| {
        let id = rows::term_opt(row, "id")?.ok_or(Error::Corrupt("a collection"))?;
        Ok((row.get::<i64>(0)?, id))
    })?;
    for (aggregate, id) in named {
        if let Some(found) = all.iter_mut().find(|one| one.row == aggregate) {
            found.sources.push(id);
        }
    }
    Ok(())
}

/// A feed that has something to do.
fn due(tx: &Tx<'_>) -> Result<Option<Feed>, Error> {
    let all = "/* due */ SELECT * FROM feed ORDER BY collection, source";
    for feed in tx.query(all, &[], read_feed)? {
        if feed.ends || !next(tx, &feed, 1)?.is_empty() {
            return Ok(Some(feed));
        }
    }
    Ok(None)
}

/// Every edition and every version of a collection after a date, whoever may see them.
fn whole(after: i64, limit: usize, classes: &[Class]) -> Page {
    let specs = classes.iter().map(|class| class.spec.clone()).collect();
    Page { after: Some(after), limit, specs, versions: Versions::All, ..Page::default() }
}

/// Dates of the next entries of a source.
fn next(tx: &Tx<'_>, feed: &Feed, limit: usize) -> Result<Vec<i64>, Error> {
    let source = collection(tx, feed.source)?;
    let classes = classes::of(&source, tx)?;
    let page = whole(feed.fed_to, limit, &classes);
    let all: Vec<_> = classes.iter().collect();
    let places = ranges::read(tx, &source, &page, &all, &all)?;
    Ok(places.iter().take(limit).map(|place| place.date).collect())
}

fn collection(tx: &Tx<'_>, row: i64) -> Result<Collection, Error> {
    let sql = "/* feed::collection */ SELECT * FROM collection WHERE row = ?";
    tx.query_one(sql, params![row], read_collection)
}

/// An entry of a source that its aggregate is to hold.
struct Coming {
    date: i64,
    id: String,
    key: String,
    class: i64,
}

fn coming(tx: &Tx<'_>, source: i64, dates: &[i64]) -> Result<Vec<Coming>, Error> {
    let mut given = Given::new(&[("n", Kind::Int), ("date", Kind::Int)]);
    for (n, date) in dates.iter().enumerate() {
        given.push([Value::count(n), Value::Int(*date)]);
    }
    let sql = "/* coming */ SELECT e.date_added, e.id, e.version_key, e.class FROM {given}
               JOIN entry e ON e.collection = ?1 AND e.date_added = g.date {in order}";
    tx.query_given(sql, params![source], &given, |row| {
        Ok(Coming { date: row.get(0)?, id: row.get(1)?, key: row.get(2)?, class: row.get(3)? })
    })
}

/// What an aggregate holds of the objects that come: versions and classes, by object.
fn held(
    tx: &Tx<'_>,
    aggregate: i64,
    coming: &[Coming],
) -> Result<HashMap<String, Vec<(String, i64)>>, Error> {
    let mut ids: Vec<&str> = coming.iter().map(|coming| coming.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut given = Given::new(&[("hash", Kind::Int), ("id", Kind::Bytes)]);
    for id in ids {
        given.push([Value::Int(id_hash(id)), id.to_column()]);
    }
    // Rows are compared for the reason that `put::held` gives.
    let sql = "/* feed::held */ SELECT e.id, e.version_key, e.class FROM {given}
               JOIN entry e INDEXED BY entry_object
               ON (e.id_hash, e.collection) >= (g.hash, ?1)
               AND (e.id_hash, e.collection) <= (g.hash, ?1) AND e.id = g.id";
    let mut held: HashMap<String, Vec<(String, i64)>> = HashMap::new();
    tx.each_given(sql, params![aggregate], &given, |row| {
        held.entry(row.get(0)?).or_default().push((row.get(1)?, row.get(2)?));
        Ok(())
    })?;
    Ok(held)
}

/// Copies the next entries of a source.
fn copy(tx: &Tx<'_>, feed: &Feed, limit: usize, now: Timestamp) -> Result<usize, Error> {
    let dates = next(tx, feed, limit)?;
    let Some(last) = dates.last().copied() else { return Ok(0) };
    let coming = coming(tx, feed.source, &dates)?;
    let mut held = held(tx, feed.aggregate, &coming)?;
    let known = classes::all(tx)?;
    let known: Vec<_> = known.iter().collect();
    let (mut classes, mut entries, mut anew) = (Classes::default(), Vec::new(), Vec::new());
    for entry in &coming {
        let of =
            of_number(&known, entry.class).ok_or(Error::Corrupt("an entry without its class"))?;
        let beside = held.entry(entry.id.clone()).or_default();
        let same = beside.iter().filter(|(key, _)| *key == entry.key).map(|(_, class)| *class);
        let mut unless: Vec<i64> = same.collect();
        unless.sort_unstable();
        let class = classes.of(ClassKind::fed(of, feed.source, unless), tx)?;
        let state = if beside.is_empty() { FIRST | LAST } else { 0 };
        if state == 0 {
            anew.push(entry.id.as_str());
        }
        beside.push((entry.key.clone(), class));
        entries.push((entry.date, class, state));
    }
    enter(tx, feed, &entries, now)?;
    anew.sort_unstable();
    anew.dedup();
    anew.into_iter().try_for_each(|id| reflag(tx, feed.aggregate, id))?;
    let sql = "/* feed::copy */ UPDATE feed SET fed_to = ? WHERE collection = ? AND source = ?";
    tx.execute(sql, params![last, feed.aggregate, feed.source])?;
    Ok(coming.len())
}

/// Dates and writes entries as their sources hold them, but for class and state.
fn enter(
    tx: &Tx<'_>,
    feed: &Feed,
    entries: &[(i64, i64, i64)],
    now: Timestamp,
) -> Result<(), Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("origin", Kind::Int), ("date", Kind::Int), ("class", Kind::Int), ("state", Kind::Int)];
    let mut clock = Clock::new(tx, now)?;
    let dates = clock.stamp(&entries.iter().map(|(_, class, _)| *class).collect::<Vec<_>>());
    let mut dated: Vec<_> = entries.iter().zip(dates).collect();
    // In the order of their dates, so that the table only grows at its end.
    dated.sort_unstable_by_key(|(_, date)| *date);
    let mut given = Given::new(COLUMNS);
    for ((origin, class, state), date) in dated {
        given.push([Value::Int(*origin), Value::Int(date), Value::Int(*class), Value::Int(*state)]);
    }
    let sql = "/* feed::enter */ INSERT INTO entry
               SELECT ?1, g.date, e.row, e.size, e.id, e.id_hash, e.version, e.version_key, e.type,
               g.class, g.state, e.findings FROM {given}
               JOIN entry e ON e.collection = ?2 AND e.date_added = g.origin";
    tx.execute_given(sql, params![feed.aggregate, feed.source], &given)?;
    clock.keep(tx)
}

/// Takes away what came from a source that an aggregate is no longer fed from.
fn end(tx: &Tx<'_>, feed: &Feed, limit: usize) -> Result<usize, Error> {
    let aggregate = collection(tx, feed.aggregate)?;
    let classes = classes::fed(feed.aggregate, tx)?;
    let page = whole(i64::MIN, limit, &classes);
    let all: Vec<_> = classes.iter().collect();
    let theirs: Vec<_> = classes.iter().filter(|class| class.source == feed.source).collect();
    let mut given = Given::new(&[("date", Kind::Int)]);
    for place in ranges::read(tx, &aggregate, &page, &all, &theirs)?.iter().take(limit) {
        given.push([Value::Int(place.date)]);
    }
    if given.is_empty() {
        let sql = "/* feed::end */ DELETE FROM feed WHERE collection = ? AND source = ?";
        return tx.execute(sql, params![feed.aggregate, feed.source]);
    }
    let sql = "/* feed::end */ SELECT e.id, e.date_added, e.row, e.version_key FROM {given}
               JOIN entry e ON e.collection = ?1 AND e.date_added = g.date";
    let gone = tx.query_given(sql, params![feed.aggregate], &given, |row| {
        Ok((row.get::<String>("id")?, Doomed::read(row)?))
    })?;
    for (id, entry) in &gone {
        delete::withdraw(tx, feed.aggregate, id, std::slice::from_ref(entry))?;
    }
    Ok(gone.len())
}

/// Takes from aggregates what they hold of entries of one object that their source loses.
pub(super) fn withdraw(tx: &Tx<'_>, source: i64, id: &str, gone: &[Doomed]) -> Result<(), Error> {
    let mut given = Given::new(&[("key", Kind::Bytes)]);
    for entry in gone {
        given.push([entry.version_key.to_column()]);
    }
    let sql = "/* feed::withdraw */ SELECT collection FROM feed WHERE source = ?";
    for aggregate in tx.query(sql, params![source], |row| row.get::<i64>(0))? {
        let classes = classes::fed(aggregate, tx)?;
        let classes: Vec<_> = classes.iter().filter(|class| class.source == source).collect();
        // Rows are compared for the reason that `put::held` gives.
        let sql = "/* feed::withdraw */ SELECT e.date_added, e.row, e.version_key, e.class
                   FROM {given} JOIN entry e INDEXED BY entry_object
                   ON (e.id_hash, e.collection, e.version_key) >= (?2, ?1, g.key)
                   AND (e.id_hash, e.collection, e.version_key) <= (?2, ?1, g.key) AND e.id = ?3";
        let mut fed = BTreeMap::new();
        tx.each_given(sql, params![aggregate, id_hash(id), id], &given, |row| {
            let entry = Doomed::read(row)?;
            if of_number(&classes, row.get("class")?).is_some() {
                // Two of the source may be of one version, and have the same copy.
                fed.insert(entry.date, entry);
            }
            Ok(())
        })?;
        if !fed.is_empty() {
            delete::withdraw(tx, aggregate, id, &fed.into_values().collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

/// Gives what aggregates hold of the entries of one version, in the order of their dates, the
/// classes that those have in their source now.
pub(super) fn follow(
    tx: &Tx<'_>,
    source: i64,
    (id, version_key): (&str, &str),
    kinds: &[ClassKind<'_>],
) -> Result<(), Error> {
    let sql = "/* follow */ SELECT a.collection, a.date_added FROM feed f
               JOIN entry a INDEXED BY entry_object
               ON (a.id_hash, a.collection, a.version_key) >= (?2, f.collection, ?3)
               AND (a.id_hash, a.collection, a.version_key) <= (?2, f.collection, ?3)
               AND a.id = ?4
               JOIN class k ON k.id = a.class AND k.source = ?1
               WHERE f.source = ?1 ORDER BY a.collection, a.date_added";
    let held = tx.query(sql, params![source, id_hash(id), version_key, id], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
    })?;
    let mut classes = Classes::default();
    for of_aggregate in held.chunk_by(|(a, _), (b, _)| a == b) {
        let mut given = Given::new(&[("date", Kind::Int), ("class", Kind::Int)]);
        let mut aggregate = None;
        for ((place, date), kind) in of_aggregate.iter().zip(kinds) {
            let class = classes.of(ClassKind { source, ..kind.clone() }, tx)?;
            given.push([Value::Int(*date), Value::Int(class)]);
            aggregate = Some(*place);
        }
        let Some(aggregate) = aggregate else { continue };
        set_classes(tx, aggregate, &given)?;
        settle(tx, aggregate, id)?;
    }
    Ok(())
}

/// Sets the class of entries, by date.
pub(super) fn set_classes(tx: &Tx<'_>, collection: i64, given: &Given<'_>) -> Result<(), Error> {
    let sql = "/* set_classes */ UPDATE entry SET class = g.class FROM {given}
               WHERE entry.collection = ?1 AND entry.date_added = g.date";
    tx.execute_given(sql, params![collection], given).map(drop)
}

/// Sets states right after entries of an object have gone; in an aggregate also what each of the
/// others is seen for.
pub(super) fn settle(tx: &Tx<'_>, collection: i64, id: &str) -> Result<(), Error> {
    let sql = "/* feed::settle */ SELECT 1 FROM feed WHERE collection = ?";
    if tx.exists(sql, params![collection])? {
        regroup(tx, collection, id)?;
    }
    reflag(tx, collection, id)
}

/// Says again, for each entry of an object in an aggregate, which entries of its version stand
/// before it.
fn regroup(tx: &Tx<'_>, aggregate: i64, id: &str) -> Result<(), Error> {
    let sql =
        "/* regroup */ SELECT date_added, version_key, class FROM entry INDEXED BY entry_object
               WHERE id_hash = ? AND collection = ? AND id = ? ORDER BY version_key, date_added";
    let entries = tx.query(sql, params![id_hash(id), aggregate, id], |row| {
        Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?))
    })?;
    let known = classes::fed(aggregate, tx)?;
    let known: Vec<_> = known.iter().collect();
    let mut classes = Classes::default();
    let mut given = Given::new(&[("date", Kind::Int), ("class", Kind::Int)]);
    for of_version in entries.chunk_by(|(_, a, _), (_, b, _)| a == b) {
        let mut before: Vec<i64> = Vec::new();
        for (date, _, class) in of_version {
            let of =
                of_number(&known, *class).ok_or(Error::Corrupt("an entry without its class"))?;
            let right = classes.of(ClassKind::fed(of, of.source, before.clone()), tx)?;
            if right != *class {
                given.push([Value::Int(*date), Value::Int(right)]);
            }
            before.push(right);
        }
    }
    set_classes(tx, aggregate, &given)
}
