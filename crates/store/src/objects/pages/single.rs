//! Objects that are asked for one by one: many clients share a question.

use bytes::Bytes;

use super::{
    super::{
        classes::{id_hash, of_number},
        versions::{Version, chosen},
    },
    Collection, Joined, Page, join,
    shared::{Question, Shared},
};
use crate::{
    Error, Store,
    postgres::Lines,
    tx::{Row, Value},
};

/// An object that somebody waits for.
pub(crate) struct Wanted {
    collection: i64,
    id: String,
    states: i64,
}

/// A version of it.
pub(crate) struct Found {
    date: i64,
    class: i64,
    key: String,
    type_: String,
    body: Bytes,
}

impl Store {
    /// The first or last version of one object, ready for an envelope.
    ///
    /// *Proof*: versions of a class that is not seen are left out before anything is chosen, and
    /// among those of a class the first and the last are told by their state.
    pub(super) async fn one(
        &self,
        lines: &Lines,
        collection: &Collection,
        page: &Page,
        (id, states): (&str, i64),
        room: usize,
    ) -> Result<Joined, Error> {
        let wanted = Wanted { collection: collection.row, id: id.to_owned(), states };
        let mut found = self.ask_with_others(wanted).await?;
        let known = self.classes_with(lines, found.iter().map(|found| found.class)).await?;
        let seen = page.sight.seen(&known.own);
        let spec = |class: i64| of_number(&seen, class).map(|class| &class.spec);
        found.retain(|found| spec(found.class).is_some());
        let versions: Vec<_> = found
            .iter()
            .map(|found| Version {
                spec: spec(found.class).map_or("", String::as_str),
                key: &found.key,
                // Keys are not asked for here.
                told: None,
            })
            .collect();
        let shown = chosen(&versions, &page.specs, &page.versions);
        let fits = |found: &Found| {
            (page.types.is_empty() || page.types.contains(&found.type_))
                && page.after.is_none_or(|after| found.date > after)
        };
        let mut shown = found.iter().zip(shown).filter(|(found, shown)| *shown && fits(found));
        let mut joined = Joined { bodies: vec![0; room], dates: None, more: false };
        if let Some((found, _)) = shown.next() {
            joined.bodies.reserve(found.body.len() + 2);
            join(&mut joined.bodies, room, &found.body);
            joined.dates = Some((found.date, found.date));
        }
        Ok(joined)
    }
}

impl Question for Wanted {
    /// The versions of the object.
    type Answer = Vec<Found>;

    fn queue(store: &Store) -> &Shared<Self> {
        store.singles()
    }

    async fn ask(lines: &Lines, wanted: &[Self]) -> Result<Vec<Vec<Found>>, Error> {
        // Of the columns of `entry_object` only its first is named as one: no other index begins so,
        // whatever the tables look like when the statement is planned.
        const SQL: &str = "/* one */
            SELECT g.n, e.date_added, e.class, e.version_key, e.type, b.body
            FROM (SELECT unnest(CAST(?1 AS BIGINT[])) AS n, unnest(CAST(?2 AS BIGINT[])) AS collection,
                    unnest(CAST(?3 AS BIGINT[])) AS hash, unnest(CAST(?4 AS BYTEA[])) AS id,
                    unnest(CAST(?5 AS BIGINT[])) AS states) AS g
            JOIN entry e ON e.id_hash = g.hash AND e.collection + 0 = g.collection AND e.id = g.id
              AND (e.state & g.states) <> 0
            JOIN blob b ON b.row = e.row";
        let numbers = |of: fn((usize, &Self)) -> i64| -> Vec<Option<i64>> {
            wanted.iter().enumerate().map(|row| Some(of(row))).collect()
        };
        let places = numbers(|(n, _)| i64::try_from(n).unwrap_or(i64::MAX));
        let collections = numbers(|(_, wanted)| wanted.collection);
        let hashes = numbers(|(_, wanted)| id_hash(&wanted.id));
        let states = numbers(|(_, wanted)| wanted.states);
        let ids: Vec<_> = wanted.iter().map(|wanted| Some(wanted.id.as_bytes())).collect();
        let values = [
            Value::Ints(&places),
            Value::Ints(&collections),
            Value::Ints(&hashes),
            Value::Many(&ids),
            Value::Ints(&states),
        ];
        let mut found: Vec<Vec<Found>> = wanted.iter().map(|_| Vec::new()).collect();
        for row in &lines.ask(SQL, &values).await? {
            let row = Row::postgres(row);
            if let Some(versions) = found.get_mut(row.get::<usize>(0)?) {
                versions.push(Found {
                    date: row.get(1)?,
                    class: row.get(2)?,
                    key: row.get(3)?,
                    type_: row.get(4)?,
                    body: row.get(5)?,
                });
            }
        }
        Ok(found)
    }
}
