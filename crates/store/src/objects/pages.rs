//! Pages of a collection: a few index ranges after a date, merged; never an offset, a count, or a
//! sort of more than the page.
//!
//! Each range begins with the columns of a filter and one class, and ends with the date. Where an
//! object has versions in several classes, its entries are looked at one by one (`MIXED`).

use bytes::Bytes;
use uuid::Uuid;

use super::{
    Class, Collection, Sight, Versions,
    classes::{self, id_hash},
    versions::{MIXED, Version, chosen},
};
use crate::{
    Error, Store, params,
    tx::{Given, Kind, Row, ToColumn as _, Tx, Value},
};

mod ranges;

/// What is asked of a collection.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Strictly after this date, in microseconds.
    pub after: Option<i64>,
    /// At most so many.
    pub limit: usize,
    /// About so many bytes of bodies, yet at least one object.
    pub bytes_max: usize,
    /// Ids, any of them; all where empty.
    pub ids: Vec<String>,
    /// Types, any of them; all where empty.
    pub types: Vec<String>,
    /// Editions, any of them; where empty, the latest that each object has here.
    pub specs: Vec<String>,
    /// Which versions.
    pub versions: Versions,
    /// What the reader may see.
    pub sight: Sight,
    /// Bodies too, or only what a manifest tells.
    pub with_bodies: bool,
}

/// One object of a page.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it became visible, in microseconds since 1970.
    pub date_added: i64,
    /// Its id.
    pub id: String,
    /// Its version, as written.
    pub version: Option<String>,
    /// Its type.
    pub type_: String,
    /// Its edition.
    pub spec: String,
    /// The marking that holds.
    pub tlp: Option<stix::Tlp>,
    /// Findings, as JSON.
    pub findings: Option<String>,
    /// Its bytes, as received.
    pub body: Option<Bytes>,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// Its objects, in the order of their dates.
    pub entries: Vec<Entry>,
    /// Whether another object follows now.
    pub more: bool,
}

impl Store {
    /// A page of a collection, in one snapshot.
    ///
    /// *Proof*: what the reader may not see leaves no trace: entries, dates and `more` are those
    /// of a store that never held it.
    pub async fn page(&self, collection: &Collection, page: &Page) -> Result<Pages, Error> {
        self.snapshot(|tx| {
            let classes = classes::all(tx)?;
            let seen: Vec<&Class> = classes.iter().filter(|class| page.sight.sees(class)).collect();
            if page.ids.is_empty() {
                ranges::read(tx, collection, page, &classes, &seen)
            } else {
                of_ids(tx, collection, page, &seen)
            }
        })
    }

    /// How many objects a collection holds, by type.
    pub async fn type_counts(&self, collection: Uuid) -> Result<Vec<(String, u64)>, Error> {
        self.read(|tx| {
            let sql = "/* type_counts */ SELECT e.type, count(*) AS n FROM entry e
                       JOIN collection c ON c.row = e.collection
                       WHERE c.id = ? AND e.state IN (2, 3, 6, 7)
                       GROUP BY e.type ORDER BY n DESC, e.type";
            tx.query(sql, params![collection.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }
}

/// An entry on its way into a page.
struct Found {
    entry: Entry,
    row: i64,
    size: usize,
    version_key: String,
}

/// The columns that [`found`] reads.
const COLUMNS: &str = "e.date_added, e.row, e.size, e.id, e.version, e.version_key, e.type, \
                       e.class, e.findings";

fn found(row: &Row<'_>, seen: &[&Class]) -> Result<Option<Found>, Error> {
    let class: i64 = row.get("class")?;
    let Some(of) = seen.iter().find(|seen| seen.id == class) else { return Ok(None) };
    let entry = Entry {
        date_added: row.get("date_added")?,
        id: row.get("id")?,
        version: row.get("version")?,
        type_: row.get("type")?,
        spec: of.spec.clone(),
        tlp: of.tlp,
        findings: row.get("findings")?,
        body: None,
    };
    let (size, version_key) = (row.get("size")?, row.get("version_key")?);
    Ok(Some(Found { entry, row: row.get("row")?, size, version_key }))
}

/// The page of objects asked for by id: all their versions are looked at.
fn of_ids(
    tx: &Tx<'_>,
    collection: &Collection,
    page: &Page,
    seen: &[&Class],
) -> Result<Pages, Error> {
    let mut ids: Vec<&String> = page.ids.iter().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut given = Given::new(&[("hash", Kind::Int), ("id", Kind::Bytes)]);
    for id in ids {
        given.push([Value::Int(id_hash(id)), id.to_column()]);
    }
    let sql = format!(
        "/* of_ids */ SELECT {COLUMNS} FROM {{given}} JOIN entry e INDEXED BY entry_object
         ON e.id_hash = g.hash AND e.collection = ?1 AND e.id = g.id"
    );
    let rows = tx.query_given(&sql, params![collection.row], &given, |row| found(row, seen))?;
    let mut rows: Vec<Found> = rows.into_iter().flatten().collect();
    rows.sort_unstable_by(|a, b| a.entry.id.cmp(&b.entry.id));
    let mut shown = Vec::new();
    for of_object in rows.chunk_by_mut(|a, b| a.entry.id == b.entry.id) {
        let versions: Vec<_> = of_object
            .iter()
            .map(|held| Version { spec: &held.entry.spec, key: &held.version_key })
            .collect();
        shown.extend(chosen(&versions, &page.specs, &page.versions));
    }
    let mut rows: Vec<Found> = rows
        .into_iter()
        .zip(shown)
        .filter(|(held, shown)| {
            let fits = page.types.is_empty() || page.types.contains(&held.entry.type_);
            *shown && fits && page.after.is_none_or(|after| held.entry.date_added > after)
        })
        .map(|(held, _)| held)
        .collect();
    rows.sort_unstable_by_key(|held| held.entry.date_added);
    cut(tx, rows, page)
}

/// Cuts what was found, in the order of dates, to a page, and reads its bodies.
fn cut(tx: &Tx<'_>, mut rows: Vec<Found>, page: &Page) -> Result<Pages, Error> {
    let mut bytes = 0usize;
    let fits = rows.iter().take(page.limit).take_while(|held| {
        let fits = bytes == 0 || !page.with_bodies || bytes < page.bytes_max;
        bytes = bytes.saturating_add(held.size);
        fits
    });
    let count = fits.count();
    let more = count < rows.len();
    rows.truncate(count);
    if page.with_bodies {
        bodies(tx, &mut rows)?;
    }
    Ok(Pages { entries: rows.into_iter().map(|held| held.entry).collect(), more })
}

fn bodies(tx: &Tx<'_>, rows: &mut [Found]) -> Result<(), Error> {
    let mut given = Given::new(&[("n", Kind::Int), ("row", Kind::Int)]);
    for (n, held) in rows.iter().enumerate() {
        given.push([Value::count(n), Value::Int(held.row)]);
    }
    let sql = "/* bodies */ SELECT g.n, b.body FROM {given} JOIN blob b ON b.row = g.row";
    let bodies =
        tx.query_given(sql, &[], &given, |row| Ok((row.get::<usize>(0)?, row.get::<Bytes>(1)?)))?;
    for (n, body) in bodies {
        if let Some(held) = rows.get_mut(n) {
            held.entry.body = Some(body);
        }
    }
    if rows.iter().any(|held| held.entry.body.is_none()) {
        return Err(Error::Corrupt("an entry without its body"));
    }
    Ok(())
}
