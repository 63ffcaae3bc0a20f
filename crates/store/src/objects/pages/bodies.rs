//! Bodies beside PostgreSQL: a page of a thousand is over a megabyte, which the server hands over in
//! pieces of 8 kB, and waking each other for every piece costs more than all the rest.
//!
//! A body is kept beside the date and the row of its entry. Neither date nor row is ever given
//! twice, and a body never changes; so what is kept is right as long as the statement that reads a
//! page still names both. Nothing is served that this statement does not name. What was deleted
//! or recalled leaves memory too: a commit that drops bodies, here or in another process, empties
//! what is kept.

use std::{
    collections::HashMap,
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

/// Slabs kept: 48 MiB.
const SLABS_MAX: usize = 48;
/// Bytes of a slab.
const SLAB_LEN: usize = 1024 * 1024;
/// Bodies in a slab, each of which is named besides.
const SLAB_BODIES_MAX: usize = 2_048;
/// A larger body would waste the end of a slab.
const BODY_LEN_MAX: usize = SLAB_LEN / 4;

/// Date and row.
type Key = (i64, i64);

/// The bodies of the newest entries: pollers ask for what is new, and one that goes through
/// everything pushes none of them out.
pub(crate) struct KeptBodies {
    kept: Mutex<Kept>,
    /// Grows whenever bodies were dropped.
    deleted: watch::Receiver<u64>,
}

/// Bodies in slabs that are filled one after another and used again: an allocator that is handed
/// thousands of bodies of all sizes, by one thread after another, keeps far more than they need.
#[derive(Default)]
struct Kept {
    /// How often bodies had been dropped when this was last emptied.
    emptied: u64,
    bodies: HashMap<Key, Bytes>,
    /// The last one is being filled.
    slabs: Vec<Slab>,
}

struct Slab {
    /// What is left of it.
    free: BytesMut,
    /// What lies in it.
    keys: Vec<Key>,
    /// The newest of it.
    newest: Key,
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

    /// Keeps bodies of entries that are committed.
    pub(crate) fn keep<'b>(&self, bodies: impl Iterator<Item = (i64, i64, &'b [u8])>) {
        let mut kept = self.kept();
        bodies.for_each(|(date, row, body)| kept.insert((date, row), body));
    }
}

impl Kept {
    fn insert(&mut self, key: Key, body: &[u8]) {
        if body.len() > BODY_LEN_MAX || self.bodies.contains_key(&key) {
            return;
        }
        if !self.slabs.last().is_some_and(|slab| slab.has_room_for(body)) && !self.next_slab(key) {
            return;
        }
        if let Some(slab) = self.slabs.last_mut() {
            self.bodies.insert(key, slab.put(key, body));
        }
    }

    /// Makes room for a body; not by pushing out newer ones.
    fn next_slab(&mut self, key: Key) -> bool {
        if self.slabs.len() < SLABS_MAX {
            self.slabs.push(Slab::new());
            return true;
        }
        let oldest = self.slabs.iter().enumerate().min_by_key(|(_, slab)| slab.newest);
        let Some((place, _)) = oldest.filter(|(_, slab)| slab.newest < key) else { return false };
        let mut slab = self.slabs.remove(place);
        for key in slab.keys.drain(..) {
            self.bodies.remove(&key);
        }
        self.slabs.push(slab.again());
        true
    }

    fn get(&self, key: Key) -> Option<Bytes> {
        self.bodies.get(&key).cloned()
    }
}

impl Slab {
    fn new() -> Self {
        let free = BytesMut::with_capacity(SLAB_LEN);
        Self { free, keys: Vec::new(), newest: (0, 0) }
    }

    fn has_room_for(&self, body: &[u8]) -> bool {
        self.keys.len() < SLAB_BODIES_MAX && body.len() < self.free.capacity()
    }

    fn put(&mut self, key: Key, body: &[u8]) -> Bytes {
        self.keys.push(key);
        self.newest = self.newest.max(key);
        self.free.extend_from_slice(body);
        self.free.split().freeze()
    }

    /// The same memory once more, unless a page is still being made of what lay in it.
    fn again(mut self) -> Self {
        self.newest = (0, 0);
        if self.free.try_reclaim(SLAB_LEN) { self } else { Self::new() }
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
                    kept.insert((place.date, place.row), read);
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

    fn bodies(len: usize) -> Bytes {
        Bytes::from(vec![b'x'; len])
    }

    #[test]
    fn newest_are_kept_in_memory_that_is_used_again() {
        let (mut kept, body) = (Kept::default(), bodies(BODY_LEN_MAX));
        let in_slab = i64::try_from(SLAB_LEN / BODY_LEN_MAX - 1).unwrap();
        let mut places = std::collections::BTreeSet::new();
        for n in 0..10 * SLABS_MAX as i64 {
            kept.insert((n, n), &body);
            kept.insert((n, n), b"the same entry never has another body");
            places.insert(kept.get((n, n)).unwrap().as_ptr());
            assert_eq!(kept.get((n, n)).unwrap(), body);
        }
        let held = in_slab * SLABS_MAX as i64;
        let newest = 10 * SLABS_MAX as i64 - 1;
        assert_eq!(kept.slabs.len(), SLABS_MAX);
        assert_eq!(kept.bodies.len(), usize::try_from(held).unwrap());
        assert_eq!(places.len(), kept.bodies.len(), "not one place more than there are bodies");
        assert_eq!(kept.get((newest - held, newest - held)), None);
        assert!(kept.get((newest - held + 1, newest - held + 1)).is_some());
        assert_eq!(kept.get((newest, newest - 1)), None, "another row of the same date");
        kept.insert((0, 0), &body);
        assert_eq!(kept.get((0, 0)), None, "one that reads what is old pushes nothing out");
    }

    #[test]
    fn page_that_is_being_made_keeps_its_bodies_whatever_comes() {
        let mut kept = Kept::default();
        kept.insert((0, 0), b"the first");
        let first = kept.get((0, 0)).unwrap();
        for n in 1..5 * SLABS_MAX as i64 {
            kept.insert((n, n), &bodies(BODY_LEN_MAX));
        }
        assert_eq!((kept.get((0, 0)), &first[..]), (None, &b"the first"[..]));
    }

    #[test]
    fn small_bodies_take_no_more_room_for_their_names_than_is_said() {
        let mut kept = Kept::default();
        let all = 2 * i64::try_from(SLABS_MAX * SLAB_BODIES_MAX).unwrap();
        (0..all).for_each(|n| kept.insert((n, n), b"{}"));
        assert_eq!(kept.bodies.len(), SLABS_MAX * SLAB_BODIES_MAX);
        assert!(kept.get((all / 2, all / 2)).is_some() && kept.get((0, 0)).is_none());
    }

    #[test]
    fn what_was_dropped_anywhere_leaves_memory() {
        let bell = watch::Sender::new(0);
        let bodies = KeptBodies::new(bell.subscribe());
        bodies.keep([(1, 1, &b"{}"[..])].into_iter());
        assert!(bodies.kept().get((1, 1)).is_some());
        bell.send_modify(|count| *count += 1);
        assert!(bodies.kept().slabs.is_empty() && bodies.kept().bodies.is_empty());
        bodies.keep([(2, 2, &b"{}"[..])].into_iter());
        assert!(bodies.kept().get((2, 2)).is_some(), "it is emptied once");
    }

    #[test]
    fn body_that_fills_a_quarter_of_a_slab_is_the_largest() {
        let mut kept = Kept::default();
        kept.insert((1, 1), &bodies(BODY_LEN_MAX + 1));
        kept.insert((2, 2), &bodies(BODY_LEN_MAX));
        assert_eq!(kept.get((1, 1)), None);
        assert!(kept.get((2, 2)).is_some());
    }
}
