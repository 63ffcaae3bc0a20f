//! Deleting: entries, states, bodies and conflicts in one transaction, with a tombstone and a
//! leaf that tells who and why.

use std::collections::BTreeSet;

use protocol::{secrets, terms::Timestamp};

use super::{
    Collection, Sight, Versions, awaiting,
    blobs::{self, Body},
    classes::{self, id_hash, of_number},
    feed,
    versions::{self, Version, chosen},
};
use crate::{
    Error, Store, Work, journal, ledger, params,
    tx::{Given, Kind, Row, ToColumn as _, Tx, Value},
};

/// A request to delete versions of an object.
#[derive(Debug, Clone)]
pub struct DeleteObject {
    /// From which collection.
    pub collection: Collection,
    /// Which object.
    pub id: String,
    /// Editions, any of them; all where empty.
    pub specs: Vec<String>,
    /// Which versions; [`Versions::All`] for the object.
    pub versions: Versions,
    /// What the account may see: the rest stays.
    pub sight: Sight,
    /// By whom.
    pub account: String,
    /// Why.
    pub why: String,
    /// When.
    pub now: Timestamp,
}

impl Store {
    /// Deletes versions of an object; how many there were.
    ///
    /// *Atomicity*: entries, bodies, tombstones and the ledger's leaf in one transaction; gone
    /// from every page, manifest and list of versions at once. Run twice, it finds nothing.
    pub async fn delete_object(&self, delete: DeleteObject) -> Result<usize, Error> {
        self.write(move |tx| {
            let gone = doomed(tx, &delete)?;
            if gone.is_empty() {
                return Ok(0);
            }
            let leaf = ledger::append(tx, &leaf_text(&delete, &gone), None)?;
            let grave = Grave {
                collection: delete.collection.row,
                id: &delete.id,
                account: &delete.account,
                why: &delete.why,
                now: delete.now,
                leaf,
            };
            bury(tx, &grave, &gone)?;
            withdraw(tx, delete.collection.row, &delete.id, &gone)?;
            let line = journal::Line {
                detail: &delete.why,
                ..journal::Line::new(delete.now, &delete.account, "object.deleted")
            };
            journal::write(tx, &line)?;
            Ok(count_versions(&gone))
        })
        .await
    }
}

/// An entry that goes.
pub(crate) struct Doomed {
    pub(crate) date: i64,
    /// Of its body.
    pub(crate) row: i64,
    pub(crate) version_key: String,
}

impl Doomed {
    /// Of a row with `date_added`, `row` and `version_key`.
    pub(super) fn read(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            date: row.get("date_added")?,
            row: row.get("row")?,
            version_key: row.get("version_key")?,
        })
    }
}

/// What a tombstone says of entries of one object.
pub(super) struct Grave<'a> {
    pub(super) collection: i64,
    pub(super) id: &'a str,
    pub(super) account: &'a str,
    pub(super) why: &'a str,
    pub(super) now: Timestamp,
    pub(super) leaf: u64,
}

/// How many versions go: one may have an entry for each kind of reader.
fn count_versions(gone: &[Doomed]) -> usize {
    gone.iter().map(|entry| &entry.version_key).collect::<BTreeSet<_>>().len()
}

/// Every entry of the visible versions that are asked for, those for other readers too.
fn doomed(tx: &Tx<'_>, delete: &DeleteObject) -> Result<Vec<Doomed>, Error> {
    let classes = classes::of(&delete.collection, tx)?;
    let seen = delete.sight.seen(&classes);
    // Rows are compared for the reason that `put::held` gives.
    let sql = "/* doomed */ SELECT date_added, row, version_key, version, class
               FROM entry INDEXED BY entry_object WHERE (id_hash, collection) >= (?1, ?2)
               AND (id_hash, collection) <= (?1, ?2) AND id = ?3";
    let hash = id_hash(&delete.id);
    let held = tx.query(sql, params![hash, delete.collection.row, delete.id], |row| {
        let class: i64 = row.get("class")?;
        let spec = of_number(&seen, class).map(|class| class.spec.as_str());
        let version: Option<String> = row.get("version")?;
        let entry = Doomed::read(row)?;
        let told = versions::told(&entry.version_key, version.as_deref());
        Ok((entry, spec, told))
    })?;
    let versions: Vec<_> = held
        .iter()
        .filter_map(|(entry, spec, told)| {
            Some(Version { spec: (*spec)?, key: &entry.version_key, told: told.as_deref() })
        })
        .collect();
    // Without a wish every edition goes: the latest alone would uncover an older one.
    let mut specs = delete.specs.clone();
    if specs.is_empty() {
        specs.extend(seen.iter().map(|class| class.spec.clone()));
    }
    let shown = chosen(&versions, &specs, &delete.versions);
    let shown: BTreeSet<String> = versions
        .iter()
        .zip(shown)
        .filter(|(_, shown)| *shown)
        .map(|(version, _)| version.key.to_owned())
        .collect();
    let gone = held.into_iter().map(|(entry, ..)| entry);
    Ok(gone.filter(|entry| shown.contains(&entry.version_key)).collect())
}

/// The leaf: whose collection, which object (its digest: a ledger holds no content), who and why.
fn leaf_text(delete: &DeleteObject, gone: &[Doomed]) -> Vec<u8> {
    let line = |text: &str| text.replace(['\n', '\r'], " ");
    format!(
        "detente/deletion/v1\n{}\n{}\n{}\n{}\n{}\n{}\n",
        delete.collection.id,
        secrets::sha256(delete.id.as_bytes()).hex(),
        count_versions(gone),
        line(&delete.account),
        line(&delete.why),
        delete.now,
    )
    .into_bytes()
}

pub(super) fn bury(tx: &Tx<'_>, grave: &Grave<'_>, gone: &[Doomed]) -> Result<(), Error> {
    let mut given = Given::new(&[("date", Kind::Int), ("key", Kind::Bytes)]);
    for entry in gone {
        given.push([Value::Int(entry.date), entry.version_key.to_column()]);
    }
    let sql = "/* bury */ INSERT INTO tombstone
               SELECT ?1, g.date, ?2, g.key, ?3, ?4, ?5, ?6 FROM {given} WHERE true
               ON CONFLICT DO NOTHING";
    let now = grave.now.as_ms();
    let values = params![grave.collection, grave.id, grave.account, grave.why, now, grave.leaf];
    tx.execute_given(sql, values, &given).map(drop)
}

/// Takes entries of one object away, with the conflicts of their versions and what aggregates hold of
/// them; the versions beside them become first and last again.
pub(crate) fn withdraw(
    tx: &Tx<'_>,
    collection: i64,
    id: &str,
    gone: &[Doomed],
) -> Result<(), Error> {
    feed::withdraw(tx, collection, id, gone)?;
    let (mut dates, mut keys) =
        (Given::new(&[("date", Kind::Int)]), Given::new(&[("key", Kind::Bytes)]));
    for entry in gone {
        dates.push([Value::Int(entry.date)]);
        keys.push([entry.version_key.to_column()]);
    }
    awaiting::forget(tx, collection, &dates)?;
    let sql = "/* withdraw */ SELECT c.row, c.version_key FROM {given}
               JOIN conflict c ON c.collection = ?1 AND c.id = ?2 AND c.version_key = g.key";
    let mut bodies: Vec<(i64, String)> =
        tx.query_given(sql, params![collection, id], &keys, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sql = "/* withdraw */ DELETE FROM conflict WHERE collection = ?1 AND id = ?2
               AND version_key IN (SELECT g.key FROM {given})";
    tx.execute_given(sql, params![collection, id], &keys)?;
    let sql = "/* withdraw */ DELETE FROM entry WHERE entry.collection = ?1
               AND entry.date_added IN (SELECT g.date FROM {given})";
    tx.execute_given(sql, params![collection], &dates)?;
    feed::settle(tx, collection, id)?;
    bodies.extend(gone.iter().map(|entry| (entry.row, entry.version_key.clone())));
    tx.leave(Work::Deleted);
    blobs::let_go(tx, bodies.iter().map(|(row, key)| Body { row: *row, id, version_key: key }))
}
