//! Objects that are asked for one by one: whatever queued while the last question was answered is
//! the next one. So many clients share one turn to PostgreSQL, and one that is alone waits for
//! nobody.

use std::sync::Mutex;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    super::{
        classes::{id_hash, of_number},
        versions::{Version, chosen},
    },
    Collection, Joined, Page, join,
};
use crate::{Error, Store, postgres::Lines, store::lock, tx::Row, tx::Value};

/// Objects of one question: bounds how long the first of them waits.
const ASKED_MAX: usize = 64;

/// What waits to be asked, and whether somebody does.
#[derive(Default)]
pub(crate) struct Single(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    wanted: Vec<Wanted>,
    is_served: bool,
}

/// An object that somebody waits for.
struct Wanted {
    collection: i64,
    id: String,
    states: i64,
    reply: oneshot::Sender<Result<Vec<Found>, Error>>,
}

/// A version of it.
struct Found {
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
        let mut found = self.found(collection.row, id, states).await?;
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

    /// Waits until the object was asked for, by this caller or together with others.
    async fn found(&self, collection: i64, id: &str, states: i64) -> Result<Vec<Found>, Error> {
        let (reply, answer) = oneshot::channel();
        let wanted = Wanted { collection, id: id.to_owned(), states, reply };
        let is_served = {
            let mut waiting = lock(&self.single().0);
            waiting.wanted.push(wanted);
            std::mem::replace(&mut waiting.is_served, true)
        };
        if !is_served {
            // A task of its own: a client that goes does not take the others' question with it.
            let turn = Turn { store: self.clone(), is_over: false };
            tokio::spawn(async move { turn.serve().await });
        }
        // Only where the runtime of whoever asked for us has ended.
        answer.await.map_err(|_| Error::Away(None))?
    }
}

/// The task that asks.
struct Turn {
    store: Store,
    is_over: bool,
}

impl Turn {
    async fn serve(mut self) {
        while let Some(wanted) = self.next() {
            let found = match self.store.lines() {
                Some(lines) => ask(lines, &wanted).await,
                None => Err(Error::Closed),
            };
            answer(wanted, found);
        }
    }

    fn next(&mut self) -> Option<Vec<Wanted>> {
        let mut waiting = lock(&self.store.single().0);
        if waiting.wanted.is_empty() {
            waiting.is_served = false;
            self.is_over = true;
            return None;
        }
        let count = waiting.wanted.len().min(ASKED_MAX);
        Some(waiting.wanted.drain(..count).collect())
    }
}

/// Its runtime ended before it did: who waits is told, and the next caller begins another.
impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            *lock(&self.store.single().0) = Waiting::default();
        }
    }
}

/// The versions of each object, by its place.
async fn ask(lines: &Lines, wanted: &[Wanted]) -> Result<Vec<(usize, Found)>, Error> {
    // Of the columns of `entry_object` only its first is named as one: no other index begins so,
    // whatever the tables look like when the statement is planned.
    const SQL: &str = "/* one */ SELECT g.n, e.date_added, e.class, e.version_key, e.type, b.body
        FROM unnest(CAST(?1 AS BIGINT[]), CAST(?2 AS BIGINT[]), CAST(?3 AS BIGINT[]),
                    CAST(?4 AS BYTEA[]), CAST(?5 AS BIGINT[])) AS g (n, collection, hash, id, states)
        JOIN entry e ON e.id_hash = g.hash AND e.collection + 0 = g.collection AND e.id = g.id
          AND (e.state & g.states) <> 0
        JOIN blob b ON b.row = e.row";
    let numbers = |of: fn((usize, &Wanted)) -> i64| -> Vec<Option<i64>> {
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
    let rows = lines.ask(SQL, &values).await?;
    let read = |row: &postgres::Row| {
        let row = Row::postgres(row);
        let found = Found {
            date: row.get(1)?,
            class: row.get(2)?,
            key: row.get(3)?,
            type_: row.get(4)?,
            body: row.get(5)?,
        };
        Ok((row.get(0)?, found))
    };
    rows.iter().map(read).collect()
}

/// Gives everybody what is theirs; who has gone by now needs no answer.
fn answer(wanted: Vec<Wanted>, found: Result<Vec<(usize, Found)>, Error>) {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            for wanted in wanted {
                let _ = wanted.reply.send(Err(error.for_each()));
            }
            return;
        }
    };
    let mut of_each: Vec<Vec<Found>> = wanted.iter().map(|_| Vec::new()).collect();
    for (place, version) in found {
        if let Some(versions) = of_each.get_mut(place) {
            versions.push(version);
        }
    }
    for (wanted, versions) in wanted.into_iter().zip(of_each) {
        let _ = wanted.reply.send(Ok(versions));
    }
}
