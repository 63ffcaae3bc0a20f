//! Pages of a collection: a few index ranges after a date, merged; never an offset, a count, or a
//! sort of more than the page.
//!
//! Each range begins with the columns of a filter and one class, and ends with the date. Where an
//! object has versions in several classes, its entries are looked at one by one (`MIXED`).

use std::sync::Arc;

use bytes::Bytes;
use protocol::findings::Found;
use uuid::Uuid;

use super::{
    Class, Collection, Flow, Sight, Versions,
    classes::{Known, of_number},
    versions::MIXED,
};
use crate::{
    Error, Store, params,
    postgres::Lines,
    rows,
    tx::{Given, Kind, Row, Tx, Value},
};

mod bodies;
mod ids;
mod news;
pub(super) mod ranges;
mod shared;
mod single;

pub(crate) use bodies::KeptBodies;
pub(crate) use news::Anything;
pub(crate) use shared::Shared;
pub(crate) use single::Wanted;

/// Times that a page is read until its bodies are those of the same moment.
const TRIES_MAX: usize = 8;

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
    /// What was found in it.
    pub findings: Vec<Found>,
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

/// A page as its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joined {
    /// The bodies as received, with commas between them.
    pub bodies: Vec<u8>,
    /// Dates of the first and the last, where there is one.
    pub dates: Option<(i64, i64)>,
    /// Whether another object follows now.
    pub more: bool,
}

impl Store {
    /// A page of a collection, in one snapshot.
    ///
    /// *Proof*: what the reader may not see leaves no trace: entries, dates and `more` are those
    /// of a store that never held it.
    pub async fn page(&self, collection: &Collection, page: &Page) -> Result<Pages, Error> {
        let is_listed = !page.with_bodies && page.ids.is_empty();
        if is_listed && let Some(lines) = self.lines_for(collection) {
            return self.listed(lines, collection, page).await;
        }
        self.snapshot(|tx| {
            let known = self.classes_in(tx)?;
            let classes = known.of(collection, tx)?;
            let seen = page.sight.seen(classes.iter().copied());
            let (places, more) = places(tx, collection, page, &classes, &seen)?;
            let mut entries = entries(tx, collection, &places, &seen)?;
            if page.with_bodies {
                let mut bodies = Vec::with_capacity(places.len());
                each_body(tx, &places, |body| bodies.push(Bytes::copy_from_slice(body)))?;
                for (entry, body) in entries.iter_mut().zip(bodies) {
                    entry.body = Some(body);
                }
            }
            Ok(Pages { entries, more })
        })
    }

    /// The bodies of a page in one buffer, ready for an envelope: nothing else of them is read.
    /// `room` bytes are left free in front.
    ///
    /// *Proof*: as [`Store::page`].
    pub async fn joined(
        &self,
        collection: &Collection,
        page: &Page,
        room: usize,
    ) -> Result<Joined, Error> {
        if let Some(lines) = self.lines_for(collection) {
            match (page.ids.as_slice(), page.versions.states()) {
                ([id], Some(states)) => {
                    return self.one(lines, collection, page, (id, states), room).await;
                }
                _ => return self.whole(lines, collection, page, room).await,
            }
        }
        self.snapshot(|tx| {
            let known = self.classes_in(tx)?;
            let classes = known.of(collection, tx)?;
            let seen = page.sight.seen(classes.iter().copied());
            let (places, more) = places(tx, collection, page, &classes, &seen)?;
            let size: usize = places.iter().map(|place| place.size + 1).sum();
            let mut bodies = vec![0; room];
            bodies.reserve(size + 2);
            each_body(tx, &places, |body| join(&mut bodies, room, body))?;
            Ok(Joined { bodies, dates: dates(&places), more })
        })
    }

    /// Where one statement can tell of a collection: the classes of an aggregate depend on what it
    /// is fed from.
    fn lines_for(&self, collection: &Collection) -> Option<&Lines> {
        self.lines().filter(|_| collection.flow != Flow::Aggregate)
    }

    /// What one statement says of the entries of a page, in one snapshot, and the classes that are
    /// all there are in it.
    async fn told(
        &self,
        lines: &Lines,
        collection: &Collection,
        page: &Page,
    ) -> Result<(Vec<::postgres::Row>, Arc<Known>), Error> {
        let mut known = self.known_classes();
        loop {
            let classes: Vec<&Class> = known.own.iter().collect();
            let seen = page.sight.seen(&known.own);
            let asked = ranges::Asked::new(page, &classes, &seen);
            if let Some(anything) = Anything::of(&asked, collection.row) {
                let news = self.ask_with_others(anything).await?;
                if !news.is_any && news.newest == known.newest {
                    return Ok((Vec::new(), known));
                }
            }
            let (sql, values) = asked.beside_newest(collection);
            let mut rows = lines.ask(&sql, &values).await?;
            let first = rows.first().ok_or(Error::Corrupt("a page"))?;
            let newest: Option<i64> = Row::postgres(first).get(0)?;
            if newest.unwrap_or(0) == known.newest {
                rows.remove(0);
                return Ok((rows, known));
            }
            known = self.learn_classes(lines).await?;
        }
    }

    /// A page in one buffer: its bodies are at hand, or asked for by a second statement.
    async fn whole(
        &self,
        lines: &Lines,
        collection: &Collection,
        page: &Page,
        room: usize,
    ) -> Result<Joined, Error> {
        for _ in 0..TRIES_MAX {
            let (places, more) = self.named(lines, collection, page).await?;
            if let Some(bodies) = self.bodies(lines, &places, room).await? {
                return Ok(Joined { bodies, dates: dates(&places), more });
            }
        }
        Err(Error::Corrupt("an entry without its body"))
    }

    /// The entries that one statement names for a page, and whether another follows.
    async fn named(
        &self,
        lines: &Lines,
        collection: &Collection,
        page: &Page,
    ) -> Result<(Vec<Place>, bool), Error> {
        if page.ids.is_empty() {
            let (rows, _) = self.told(lines, collection, page).await?;
            return fitting(&rows, page);
        }
        let mut places = self.of_ids(lines, collection, page).await?;
        let more = cut(&mut places, page);
        Ok((places, more))
    }

    /// A page without bodies.
    async fn listed(
        &self,
        lines: &Lines,
        collection: &Collection,
        page: &Page,
    ) -> Result<Pages, Error> {
        let (rows, known) = self.told(lines, collection, page).await?;
        let (places, more) = fitting(&rows, page)?;
        let seen = page.sight.seen(&known.own);
        let rows = rows.iter().zip(&places).map(|(row, place)| (Row::postgres(row), place.date));
        let entries =
            rows.map(|(row, date)| Entry::read(&row, date, &seen)).collect::<Result<_, _>>()?;
        Ok(Pages { entries, more })
    }

    /// How many objects a collection holds, by type.
    pub async fn type_counts(&self, collection: Uuid) -> Result<Vec<(String, u64)>, Error> {
        self.read(|tx| {
            // An object of several classes has a last version in each of them.
            let sql = "/* type_counts */ SELECT type, CAST(sum(n) AS BIGINT) AS n FROM
                       (SELECT e.type, count(*) AS n FROM entry e
                        JOIN collection c ON c.row = e.collection
                        WHERE c.id = ?1 AND e.state IN (2, 3) GROUP BY e.type
                        UNION ALL SELECT e.type, count(DISTINCT e.id) AS n FROM entry e
                        JOIN collection c ON c.row = e.collection
                        WHERE c.id = ?1 AND e.state IN (6, 7) GROUP BY e.type) AS counted
                       GROUP BY type ORDER BY n DESC, type";
            tx.query(sql, params![collection.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }
}

/// One more body behind those that are there.
fn join(bodies: &mut Vec<u8>, room: usize, body: &[u8]) {
    if bodies.len() > room {
        bodies.push(b',');
    }
    bodies.extend_from_slice(body);
}

/// Where an entry of a page lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) date: i64,
    row: i64,
    size: usize,
}

impl Place {
    /// Reads date, row and size.
    fn read(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self { date: row.get(0)?, row: row.get(1)?, size: row.get(2)? })
    }
}

/// Dates of the first and the last.
fn dates(places: &[Place]) -> Option<(i64, i64)> {
    places.first().zip(places.last()).map(|(first, last)| (first.date, last.date))
}

/// The entries of a page in the order of their dates, and whether another follows.
fn places(
    tx: &Tx<'_>,
    collection: &Collection,
    page: &Page,
    classes: &[&Class],
    seen: &[&Class],
) -> Result<(Vec<Place>, bool), Error> {
    let mut places = if page.ids.is_empty() {
        ranges::read(tx, collection, page, classes, seen)?
    } else {
        ids::read(tx, collection, page, seen)?
    };
    let more = cut(&mut places, page);
    Ok((places, more))
}

/// The places of a page, and whether another follows.
fn fitting(rows: &[::postgres::Row], page: &Page) -> Result<(Vec<Place>, bool), Error> {
    let places = rows.iter().map(|row| Place::read(&Row::postgres(row)));
    let mut places = places.collect::<Result<Vec<_>, _>>()?;
    let more = cut(&mut places, page);
    Ok((places, more))
}

/// Keeps of the places what one page holds; whether another follows.
fn cut(places: &mut Vec<Place>, page: &Page) -> bool {
    let mut bytes = 0usize;
    let fits = places.iter().take(page.limit).take_while(|place| {
        let fits = bytes == 0 || !page.with_bodies || bytes < page.bytes_max;
        bytes = bytes.saturating_add(place.size);
        fits
    });
    let count = fits.count();
    let more = count < places.len();
    places.truncate(count);
    more
}

/// What is known of entries besides their bodies.
fn entries(
    tx: &Tx<'_>,
    collection: &Collection,
    places: &[Place],
    seen: &[&Class],
) -> Result<Vec<Entry>, Error> {
    let mut given = Given::new(&[("n", Kind::Int), ("date", Kind::Int)]);
    for (n, place) in places.iter().enumerate() {
        given.push([Value::count(n), Value::Int(place.date)]);
    }
    let sql = "/* entries */ SELECT e.date_added, e.row, e.size, e.id, e.version, e.type, e.class,
               e.findings
               FROM {given} JOIN entry e ON e.collection = ?1 AND e.date_added = g.date {in order}";
    tx.query_given(sql, params![collection.row], &given, |row| Entry::read(row, row.get(0)?, seen))
}

impl Entry {
    /// Reads what stands behind a place.
    fn read(row: &Row<'_>, date_added: i64, seen: &[&Class]) -> Result<Self, Error> {
        let class: i64 = row.get(6)?;
        let of = of_number(seen, class).ok_or(Error::Corrupt("an entry without its class"))?;
        Ok(Self {
            date_added,
            id: row.get(3)?,
            version: row.get(4)?,
            type_: row.get(5)?,
            spec: of.spec.clone(),
            tlp: of.tlp,
            findings: rows::found(row, "findings")?,
            body: None,
        })
    }
}

fn each_body(tx: &Tx<'_>, places: &[Place], mut read: impl FnMut(&[u8])) -> Result<(), Error> {
    let mut given = Given::new(&[("n", Kind::Int), ("row", Kind::Int)]);
    for (n, place) in places.iter().enumerate() {
        given.push([Value::count(n), Value::Int(place.row)]);
    }
    let sql = "/* each_body */ SELECT b.body FROM {given} JOIN blob b ON b.row = g.row {in order}";
    let mut count = 0;
    tx.each_given(sql, &[], &given, |row| {
        count += 1;
        row.with_bytes(0, &mut read)
    })?;
    if count == places.len() { Ok(()) } else { Err(Error::Corrupt("an entry without its body")) }
}
