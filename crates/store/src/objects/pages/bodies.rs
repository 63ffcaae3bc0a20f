//! Bodies beside PostgreSQL: a page of a thousand is over a megabyte, which the server hands over in
//! pieces of 8 kB, and waking each other for every piece costs more than all the rest.
//!
//! A body is kept beside the date and the row of its entry. Neither date nor row is ever given
//! twice, and a body never changes; so what is kept is right as long as the statement that reads a
//! page still names both. Nothing is served that this statement does not name. What was deleted
//! or recalled leaves memory too: a commit that drops bodies, here or in another process, empties
//! what is kept.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard},
};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::{Place, join};
use crate::{
    Error, Store,
    postgres::Lines,
    store::lock,
    tx::{Row, Value},
};

/// Bytes kept.
const KEPT_MAX: usize = 48 * 1024 * 1024;
/// What an entry costs besides its bytes.
const OVERHEAD: usize = 128;

/// Date and row.
type Key = (i64, i64);

/// The bodies of the newest entries: pollers ask for what is new, and one that goes through
/// everything pushes none of them out.
pub(crate) struct KeptBodies {
    kept: Mutex<Kept>,
    /// Grows whenever bodies were dropped.
    deleted: watch::Receiver<u64>,
}

#[derive(Default)]
struct Kept {
    /// How often bodies had been dropped when this was last emptied.
    emptied: u64,
    /// The oldest entry first.
    bodies: BTreeMap<Key, Bytes>,
    bytes: usize,
}

impl KeptBodies {
    pub(crate) fn new(deleted: watch::Receiver<u64>) -> Self {
        Self { kept: Mutex::default(), deleted }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = lock(&self.kept);
        let deleted = *self.deleted.borrow();
        if kept.emptied != deleted {
            *kept = Kept { emptied: deleted, ..Kept::default() };
        }
        kept
    }

    /// Keeps bodies of entries that are committed. They are copied, because a part of a request would
    /// hold the whole of it; into one piece, because what came together goes together: thousands of
    /// small ones would leave holes behind that what comes later does not fit.
    pub(crate) fn keep<'b>(&self, bodies: impl Iterator<Item = (i64, i64, &'b Bytes)> + Clone) {
        let mut piece =
            BytesMut::with_capacity(bodies.clone().map(|(_, _, body)| body.len()).sum());
        bodies.clone().for_each(|(_, _, body)| piece.extend_from_slice(body));
        let mut piece = piece.freeze();
        let mut kept = self.kept();
        for (date, row, body) in bodies {
            kept.insert((date, row), piece.split_to(body.len()));
        }
    }
}

impl Kept {
    fn insert(&mut self, key: Key, body: Bytes) {
        let size = body.len() + OVERHEAD;
        // One that would push out most of the others is not worth it.
        if size > KEPT_MAX / 4 || self.bodies.contains_key(&key) {
            return;
        }
        let is_full = self.bytes + size > KEPT_MAX;
        if is_full && self.bodies.first_key_value().is_some_and(|(oldest, _)| key < *oldest) {
            return;
        }
        self.bytes += size;
        self.bodies.insert(key, body);
        while self.bytes > KEPT_MAX {
            let Some((_, oldest)) = self.bodies.pop_first() else { return };
            self.bytes -= oldest.len() + OVERHEAD;
        }
    }

    fn get(&self, key: Key) -> Option<Bytes> {
        self.bodies.get(&key).cloned()
    }
}

impl Store {
    /// Lets go of copies of what was deleted. Reading does so by itself; this is for a node that
    /// nobody reads from.
    pub fn let_go_of_deleted(&self) {
        drop(self.kept_bodies().kept());
    }

    /// The bodies of a page with commas between them, behind `room` bytes that are left free; none
    /// where one of them went since the page was read.
    pub(super) async fn bodies(
        &self,
        lines: &Lines,
        places: &[Place],
        room: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        let (mut bodies, emptied): (Vec<Option<Bytes>>, u64) = {
            let kept = self.kept_bodies().kept();
            let body = |place: &Place| kept.get((place.date, place.row));
            (places.iter().map(body).collect(), kept.emptied)
        };
        if bodies.iter().any(Option::is_none) {
            self.fetch(lines, places, &mut bodies, emptied).await?;
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

    /// Reads what is not kept, and keeps it unless bodies were dropped meanwhile.
    async fn fetch(
        &self,
        lines: &Lines,
        places: &[Place],
        bodies: &mut [Option<Bytes>],
        emptied: u64,
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
        let mut kept = self.kept_bodies().kept();
        for (place, body) in places.iter().zip(bodies).filter(|(_, body)| body.is_none()) {
            if let Some(read) = found.get(&place.row) {
                if kept.emptied == emptied {
                    kept.insert((place.date, place.row), read.clone());
                }
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
    fn newest_are_kept_and_memory_stays_bounded() {
        let mut kept = Kept::default();
        let body = Bytes::from(vec![b'x'; 1_000_000]);
        for n in 0..100 {
            kept.insert((n, n), body.clone());
            kept.insert((n, n), body.clone());
            assert!(kept.bytes <= KEPT_MAX);
        }
        assert_eq!(kept.bodies.len(), 50);
        assert_eq!(kept.get((49, 49)), None);
        assert!(kept.get((50, 50)).is_some());
        assert_eq!(kept.get((99, 98)), None, "another row of the same date is another body");
        kept.insert((49, 49), body);
        assert_eq!(kept.get((49, 49)), None, "one that reads what is old pushes nothing out");
        assert!(kept.get((50, 50)).is_some());
    }

    #[test]
    fn what_was_dropped_anywhere_leaves_memory() {
        let bell = watch::Sender::new(0);
        let bodies = KeptBodies::new(bell.subscribe());
        let body = Bytes::from_static(b"{}");
        bodies.keep([(1, 1, &body)].into_iter());
        assert!(bodies.kept().get((1, 1)).is_some());
        bell.send_modify(|count| *count += 1);
        assert_eq!(bodies.kept().bytes, 0);
        bodies.keep([(2, 2, &body)].into_iter());
        assert!(bodies.kept().get((2, 2)).is_some(), "it is emptied once");
    }

    #[test]
    fn body_that_would_push_out_the_others_is_not_kept() {
        let mut kept = Kept::default();
        kept.insert((1, 1), Bytes::from(vec![b'x'; KEPT_MAX / 2]));
        assert_eq!(kept.get((1, 1)), None);
    }
}
