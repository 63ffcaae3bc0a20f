//! Retention: what has lain in a collection for longer than it keeps things goes, with a tombstone
//! for each object and a leaf for each batch.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    secrets,
    terms::{Digest, Timestamp},
};

use super::{
    Collection, Page, Versions, classes,
    delete::{Doomed, Grave, bury, withdraw},
    manage::{in_words, objects},
    pages::ranges,
    read_collection,
};
use crate::{
    Error, Store, journal, ledger, params,
    tx::{Given, Kind, Tx, Value},
};

const DAY_US: i64 = 24 * 3_600 * 1_000_000;

impl Store {
    /// Deletes up to `limit` objects that a collection has kept for as long as it does; how many.
    ///
    /// *Atomicity*: entries, bodies, tombstones and the ledger's leaf of a collection in one
    /// transaction; gone from every page, manifest, list of versions and aggregate at once. May
    /// run twice.
    pub async fn retire(&self, limit: usize, now: Timestamp) -> Result<usize, Error> {
        for (collection, days) in self.read(keeping)? {
            let before = oldest(days, now);
            // Looked at on a reader first: mostly there is nothing, and a commit costs a sync.
            if self.read(|tx| expired(tx, &collection, before, 1))?.is_empty() {
                continue;
            }
            let retired = self
                .write_rows(limit, move |tx| retire(tx, &collection, (days, before), limit, now));
            return retired.await;
        }
        Ok(0)
    }
}

impl Store {
    /// How many objects a collection would lose at once if it kept things for so many days; counted
    /// up to `max`.
    pub async fn older(
        &self,
        collection: &Collection,
        days: u32,
        max: usize,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.read(|tx| Ok(count_versions(&expired(tx, collection, oldest(days, now), max)?)))
    }
}

/// The date before which everything goes.
fn oldest(days: u32, now: Timestamp) -> i64 {
    now.as_ms().saturating_mul(1_000).saturating_sub(i64::from(days).saturating_mul(DAY_US))
}

/// The collections that do not keep things for good.
fn keeping(tx: &Tx<'_>) -> Result<Vec<(Collection, u32)>, Error> {
    let sql =
        "/* keeping */ SELECT * FROM collection WHERE retention_days IS NOT NULL ORDER BY row";
    tx.query(sql, &[], |row| Ok((read_collection(row)?, row.get("retention_days")?)))
}

struct Expired {
    id: String,
    entry: Doomed,
}

/// Entries older than a date, the oldest first; one that was dated anew is as old as it was before.
fn expired(
    tx: &Tx<'_>,
    collection: &Collection,
    before: i64,
    limit: usize,
) -> Result<Vec<Expired>, Error> {
    let classes = classes::of(collection, tx)?;
    let specs: Vec<String> = classes.iter().map(|class| class.spec.clone()).collect();
    let page = Page { limit, specs, versions: Versions::All, ..Page::default() };
    let all: Vec<_> = classes.iter().collect();
    let oldest = ranges::read(tx, collection, &page, &all, &all)?;
    let mut dates: Vec<i64> =
        oldest.iter().map(|place| place.date).filter(|date| *date < before).collect();
    let sql = "/* expired */ SELECT date_added FROM redated WHERE collection = ? AND since < ?
               ORDER BY since LIMIT ?";
    dates.extend(tx.query(sql, params![collection.row, before, limit], |row| row.get::<i64>(0))?);
    dates.sort_unstable();
    dates.dedup();
    dates.truncate(limit);
    let mut given = Given::new(&[("date", Kind::Int)]);
    for date in dates {
        given.push([Value::Int(date)]);
    }
    // With the entries of the same versions for other readers: they came with them.
    let sql = "/* expired */ SELECT DISTINCT e.date_added, e.row, e.version_key, e.id FROM {given}
               JOIN entry d ON d.collection = ?1 AND d.date_added = g.date
               JOIN entry e INDEXED BY entry_object
               ON (e.id_hash, e.collection, e.version_key) >= (d.id_hash, ?1, d.version_key)
               AND (e.id_hash, e.collection, e.version_key) <= (d.id_hash, ?1, d.version_key)
               AND e.id = d.id";
    tx.query_given(sql, params![collection.row], &given, |row| {
        Ok(Expired { id: row.get("id")?, entry: Doomed::read(row)? })
    })
}

/// How many versions go: one may have an entry for each kind of reader.
fn count_versions(gone: &[Expired]) -> usize {
    gone.iter().map(|gone| (&gone.id, &gone.entry.version_key)).collect::<BTreeSet<_>>().len()
}

fn retire(
    tx: &Tx<'_>,
    collection: &Collection,
    (days, before): (u32, i64),
    limit: usize,
    now: Timestamp,
) -> Result<usize, Error> {
    let gone = expired(tx, collection, before, limit)?;
    if gone.is_empty() {
        return Ok(0);
    }
    let why = format!("kept {}, as its collection says", in_words(days));
    let leaf = ledger::append(tx, &leaf_text(collection, &gone, days, now), None)?;
    let count = count_versions(&gone);
    let mut by_object: BTreeMap<String, Vec<Doomed>> = BTreeMap::new();
    for expired in gone {
        by_object.entry(expired.id).or_default().push(expired.entry);
    }
    for (id, entries) in &by_object {
        bury(
            tx,
            &Grave { collection: collection.row, id, account: "node", why: &why, now, leaf },
            entries,
        )?;
        withdraw(tx, collection.row, id, entries)?;
    }
    let detail = format!("{} of {}/{}: {why}", objects(count), collection.root, collection.alias);
    let line =
        journal::Line { detail: &detail, ..journal::Line::new(now, "node", "objects.retired") };
    journal::write(tx, &line)?;
    Ok(count)
}

/// The leaf: whose collection, how many objects, a digest over ids and versions (whoever has the
/// tombstones can show which; a ledger holds no content), and the retention that was over.
fn leaf_text(collection: &Collection, gone: &[Expired], days: u32, now: Timestamp) -> Vec<u8> {
    format!(
        "detente/retention/v1\n{}\n{}\n{}\n{days} days\n{now}\n",
        collection.id,
        count_versions(gone),
        digest(gone).hex(),
    )
    .into_bytes()
}

fn digest(gone: &[Expired]) -> Digest {
    let mut lines: Vec<String> =
        gone.iter().map(|gone| format!("{} {}\n", gone.id, gone.entry.version_key)).collect();
    lines.sort_unstable();
    lines.dedup();
    secrets::sha256(lines.concat().as_bytes())
}
