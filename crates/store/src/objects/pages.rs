//! Pages of a collection: an index range after a date, never an offset, never a sort.

use bytes::Bytes;
use uuid::Uuid;

use super::Collection;
use crate::{
    Error, Store, params, rows,
    tx::{Tx, Value},
};

/// Which versions of each object a page shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Versions {
    /// The latest here.
    #[default]
    Last,
    /// The first here.
    First,
    /// Every one.
    All,
    /// First, last, and those with these keys.
    Some {
        /// The first too.
        first: bool,
        /// The last too.
        last: bool,
        /// Keys in byte order.
        keys: Vec<String>,
    },
}

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
    /// Editions, any of them; all where empty.
    pub specs: Vec<String>,
    /// Which versions.
    pub versions: Versions,
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
    pub async fn page(&self, collection: &Collection, page: &Page) -> Result<Pages, Error> {
        self.read(|tx| read_page(tx, collection, page))
    }

    /// How many objects a collection holds, by type.
    pub async fn type_counts(&self, collection: Uuid) -> Result<Vec<(String, u64)>, Error> {
        self.read(|tx| {
            let sql = "/* type_counts */ SELECT e.type, count(*) AS n FROM entry e
                       JOIN collection c ON c.row = e.collection WHERE c.id = ? AND e.last = 1
                       GROUP BY e.type ORDER BY n DESC, e.type";
            tx.query(sql, params![collection.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        })
    }
}

fn read_page(tx: &Tx<'_>, collection: &Collection, page: &Page) -> Result<Pages, Error> {
    let (sql, values) = query(collection, page);
    let mut pages = Pages::default();
    let mut bytes = 0;
    tx.each(&sql, &values, |row| {
        if pages.entries.len() >= page.limit || (bytes >= page.bytes_max && bytes > 0) {
            pages.more = true;
            return Ok(false);
        }
        let body: Option<Bytes> = if page.with_bodies { Some(row.get("body")?) } else { None };
        bytes += body.as_ref().map_or(0, Bytes::len);
        pages.entries.push(Entry {
            date_added: row.get("date_added")?,
            id: row.get("id")?,
            version: row.get("version")?,
            type_: row.get("type")?,
            spec: row.get("spec")?,
            tlp: rows::tlp(row, "tlp")?,
            findings: row.get("findings")?,
            body,
        });
        Ok(true)
    })?;
    Ok(pages)
}

/// The text follows from which filters there are, never from what they say.
fn query<'p>(collection: &Collection, page: &'p Page) -> (String, Vec<Value<'p>>) {
    let mut values = vec![Value::Int(collection.row), Value::Int(page.after.unwrap_or(i64::MIN))];
    let body = if page.with_bodies { ", b.body" } else { "" };
    let join = if page.with_bodies { " JOIN blob b ON b.row = e.row" } else { "" };
    // A few ids are looked up, not searched for along the whole collection.
    let index = if page.ids.is_empty() { "" } else { " INDEXED BY entry_object" };
    let mut sql = format!(
        "/* page */ SELECT e.date_added, e.id, e.version, e.type, e.spec, e.tlp, e.findings{body}
         FROM entry e{index}{join} WHERE e.collection = ? AND e.date_added > ?"
    );
    let mut any = |column: &str, wanted: &'p [String]| {
        if !wanted.is_empty() {
            let marks = vec!["?"; wanted.len()].join(", ");
            sql.push_str(&format!(" AND {column} IN ({marks})"));
            values.extend(wanted.iter().map(|text| Value::Text(text)));
        }
    };
    any("e.id", &page.ids);
    any("e.type", &page.types);
    any("e.spec", &page.specs);
    match &page.versions {
        Versions::Last => sql.push_str(" AND e.last = 1"),
        Versions::First => sql.push_str(" AND e.first = 1"),
        Versions::All => {}
        Versions::Some { first, last, keys } => {
            let marks = vec!["?"; keys.len()].join(", ");
            let (first, last) = (*first, *last);
            sql.push_str(&format!(
                " AND ((e.first = 1 AND {first}) OR (e.last = 1 AND {last}) OR e.version_key IN ({marks}))"
            ));
            values.extend(keys.iter().map(|key| Value::Text(key)));
        }
    }
    sql.push_str(" ORDER BY e.date_added LIMIT ?");
    values.push(Value::Int(i64::try_from(page.limit.saturating_add(1)).unwrap_or(i64::MAX)));
    (sql, values)
}
