//! Bodies beside PostgreSQL: a page of a thousand is over a megabyte, which the server hands over in
//! pieces of 8 kB, and waking each other for every piece costs more than all the rest.
//!
//! A body is kept beside the date and the row of its entry. Neither date nor row is ever given
//! twice, and a body never changes; so what is kept is right as long as the statement that reads a
//! page still names both. Nothing is served that this statement does not name.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use bytes::Bytes;

use super::{Place, join};
use crate::{Error, Store, postgres::Lines, store::lock, tx::Row, tx::Value};

/// Bytes kept of each generation.
const KEPT_MAX: usize = 48 * 1024 * 1024;
/// What an entry costs besides its bytes.
const OVERHEAD: usize = 128;

/// Date and row.
type Key = (i64, i64);

/// The bodies that were written or read lately, in two generations: what is asked for again moves
/// to the young one, and when that is full the old one goes.
#[derive(Default)]
pub(crate) struct KeptBodies(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Bytes>,
    old: HashMap<Key, Bytes>,
    young_bytes: usize,
}

impl KeptBodies {
    fn generations(&self) -> MutexGuard<'_, Generations> {
        lock(&self.0)
    }

    /// Keeps bodies of entries that are committed. They are copied: a part of a request would hold
    /// the whole of it.
    pub(crate) fn keep<'b>(&self, bodies: impl Iterator<Item = (i64, i64, &'b Bytes)>) {
        let mut generations = self.generations();
        for (date, row, body) in bodies {
            generations.insert((date, row), Bytes::copy_from_slice(body));
        }
    }
}

impl Generations {
    fn insert(&mut self, key: Key, body: Bytes) {
        let size = body.len() + OVERHEAD;
        if size > KEPT_MAX / 4 {
            return;
        }
        if self.young_bytes + size > KEPT_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(key, body).is_none() {
            self.young_bytes += size;
        }
    }

    fn get(&mut self, key: Key) -> Option<Bytes> {
        if let Some(body) = self.young.get(&key) {
            return Some(body.clone());
        }
        let body = self.old.remove(&key)?;
        self.insert(key, body.clone());
        Some(body)
    }
}

impl Store {
    /// The bodies of a page with commas between them, behind `room` bytes that are left free; none
    /// where one of them went since the page was read.
    pub(super) async fn bodies(
        &self,
        lines: &Lines,
        places: &[Place],
        room: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        let mut bodies: Vec<Option<Bytes>> = {
            let mut kept = self.kept_bodies().generations();
            places.iter().map(|place| kept.get((place.date, place.row))).collect()
        };
        if bodies.iter().any(Option::is_none) {
            self.fetch(lines, places, &mut bodies).await?;
        }
        let size: usize = places.iter().map(|place| place.size + 1).sum();
        let mut joined = vec![0; room];
        joined.reserve(size + 2);
        for body in &bodies {
            let Some(body) = body else { return Ok(None) };
            join(&mut joined, room, body);
        }
        Ok(Some(joined))
    }

    /// Reads what is not kept, and keeps it.
    async fn fetch(
        &self,
        lines: &Lines,
        places: &[Place],
        bodies: &mut [Option<Bytes>],
    ) -> Result<(), Error> {
        const SQL: &str =
            "/* fetch */ SELECT b.row, b.body FROM unnest(CAST(?1 AS BIGINT[])) AS g (row)
            JOIN blob b ON b.row = g.row";
        let wanted: Vec<Option<i64>> = places
            .iter()
            .zip(bodies.iter())
            .filter(|(_, body)| body.is_none())
            .map(|(place, _)| Some(place.row))
            .collect();
        let rows = lines.ask(SQL, &[Value::Ints(&wanted)]).await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let row = Row::postgres(row);
            found.insert(row.get::<i64>(0)?, row.get::<Bytes>(1)?);
        }
        let mut kept = self.kept_bodies().generations();
        for (place, body) in places.iter().zip(bodies).filter(|(_, body)| body.is_none()) {
            if let Some(read) = found.get(&place.row) {
                kept.insert((place.date, place.row), read.clone());
                *body = Some(read.clone());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_goes_after_two_generations_and_memory_stays_bounded() {
        let mut kept = Generations::default();
        let body = Bytes::from(vec![b'x'; 1_000_000]);
        let asked = (7, 7);
        kept.insert(asked, body.clone());
        for n in 100..200 {
            kept.insert((n, n), body.clone());
            assert_eq!(kept.get(asked), Some(body.clone()), "asked for again and again");
            assert!(kept.young_bytes <= KEPT_MAX && kept.young.len() + kept.old.len() <= 100);
        }
        assert_eq!(kept.get((100, 100)), None);
        assert!(kept.get((199, 199)).is_some());
        assert_eq!(kept.get((199, 200)), None, "another row of the same date is another body");
    }

    #[test]
    fn body_that_would_push_out_the_others_is_not_kept() {
        let mut kept = Generations::default();
        kept.insert((1, 1), Bytes::from(vec![b'x'; KEPT_MAX / 2]));
        assert_eq!(kept.get((1, 1)), None);
    }
}
