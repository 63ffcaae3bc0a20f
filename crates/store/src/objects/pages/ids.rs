//! Objects that are asked for by id: all their versions are looked at.

use super::{
    super::{
        classes::{id_hash, of_number},
        versions::{self, Version, chosen},
    },
    Class, Collection, Page, Place,
};
use crate::{
    Error, Store, params,
    postgres::Lines,
    tx::{Given, Kind, Row, ToColumn as _, Tx, Value},
};

/// A version of an object that was asked for by id.
struct Held {
    place: Place,
    id: String,
    key: String,
    told: Option<String>,
    type_: String,
    class: i64,
}

impl Held {
    fn read(row: &Row<'_>) -> Result<Self, Error> {
        let (id, key, type_): (_, String, _) = (row.get(3)?, row.get(4)?, row.get(5)?);
        let version: Option<String> = row.get(7)?;
        let told = versions::told(&key, version.as_deref());
        Ok(Self { place: Place::read(row)?, id, key, told, type_, class: row.get(6)? })
    }
}

/// The entries in the order of their dates.
pub(super) fn read(
    tx: &Tx<'_>,
    collection: &Collection,
    page: &Page,
    seen: &[&Class],
) -> Result<Vec<Place>, Error> {
    let mut given = Given::new(&[("hash", Kind::Int), ("id", Kind::Bytes)]);
    for id in distinct(page) {
        given.push([Value::Int(id_hash(id)), id.to_column()]);
    }
    let sql =
        "/* of_ids */ SELECT e.date_added, e.row, e.size, e.id, e.version_key, e.type, e.class,
         e.version
         FROM {given} JOIN entry e INDEXED BY entry_object
         ON e.id_hash = g.hash AND e.collection = ?1 AND e.id = g.id";
    let held = tx.query_given(sql, params![collection.row], &given, Held::read)?;
    Ok(shown(held, page, seen))
}

impl Store {
    /// The same by one statement of PostgreSQL.
    pub(super) async fn of_ids(
        &self,
        lines: &Lines,
        collection: &Collection,
        page: &Page,
    ) -> Result<Vec<Place>, Error> {
        // As in `single`: one index alone begins with the one column that is named as it is.
        const SQL: &str = "/* of_ids */ SELECT e.date_added, e.row, e.size, e.id, e.version_key,
              e.type, e.class, e.version
            FROM unnest(CAST(?2 AS BIGINT[]), CAST(?3 AS BYTEA[])) AS g (hash, id)
            JOIN entry e ON e.id_hash = g.hash AND e.collection + 0 = ?1 AND e.id = g.id";
        let ids = distinct(page);
        let hashes: Vec<_> = ids.iter().map(|id| Some(id_hash(id))).collect();
        let ids: Vec<_> = ids.iter().map(|id| Some(id.as_bytes())).collect();
        let values = [Value::Int(collection.row), Value::Ints(&hashes), Value::Many(&ids)];
        let rows = lines.ask(SQL, &values).await?;
        let held = rows.iter().map(|row| Held::read(&Row::postgres(row)));
        let held = held.collect::<Result<Vec<_>, _>>()?;
        let known = self.classes_with(lines, held.iter().map(|held| held.class)).await?;
        Ok(shown(held, page, &page.sight.seen(&known.own)))
    }
}

fn distinct(page: &Page) -> Vec<&String> {
    let mut ids: Vec<&String> = page.ids.iter().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The versions that a page shows, in the order of their dates.
fn shown(mut held: Vec<Held>, page: &Page, seen: &[&Class]) -> Vec<Place> {
    held.retain(|held| of_number(seen, held.class).is_some());
    held.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let mut places = Vec::new();
    for of_object in held.chunk_by(|a, b| a.id == b.id) {
        let versions: Vec<_> = of_object
            .iter()
            .map(|held| Version {
                spec: of_number(seen, held.class).map_or("", |class| class.spec.as_str()),
                key: &held.key,
                told: held.told.as_deref(),
            })
            .collect();
        let shown = chosen(&versions, &page.specs, &page.versions);
        let fits = |held: &Held| {
            (page.types.is_empty() || page.types.contains(&held.type_))
                && page.after.is_none_or(|after| held.place.date > after)
        };
        let wanted = of_object.iter().zip(shown).filter(|(held, shown)| *shown && fits(held));
        places.extend(wanted.map(|(held, _)| held.place));
    }
    places.sort_unstable_by_key(|place| place.date);
    places
}
