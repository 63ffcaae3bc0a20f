//! Any interleaving of writers, readers, deletions, aggregates and crashes: whoever goes on from
//! where it was sees every version once, dates rise, and a repeated page is the same less what was
//! deleted since.

use std::collections::{BTreeMap, BTreeSet};

use pollster::block_on;
use stix::Tlp;
use store::{Collection, DeleteObject, NewCollection, NewObject, Page, Sight, Store, Versions};
use testkit::Base;
use uuid::Uuid;

use crate::{kit::*, over_both};

over_both!(any_interleaving_shows_every_version_once);

/// Histories, and operations in each: a minute of them is for the night, `DETENTE_HISTORIES` says so.
const HISTORIES: u64 = 12;
const OPERATIONS: u32 = 90;

/// A small generator of numbers: the seed alone says what happens.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// A reader that goes on from the last date it saw.
struct Poller {
    place: Collection,
    asked: Page,
    seen: Vec<String>,
    ceiling: Tlp,
}

impl Poller {
    fn new(place: &Collection, limit: usize, ceiling: Tlp) -> Self {
        let sight = Sight::new(ceiling, None);
        let asked = Page { limit, sight, versions: Versions::All, ..everything() };
        Self { place: place.clone(), asked, seen: Vec::new(), ceiling }
    }

    fn poll(&mut self, store: &Store) -> bool {
        let got = page(store, &self.place, &self.asked);
        // The same question again, as a client asks that got no answer.
        let again = page(store, &self.place, &self.asked);
        let names = |got: &store::Pages| got.entries.iter().map(name).collect::<Vec<_>>();
        assert_eq!(names(&got), names(&again));
        for entry in &got.entries {
            assert!(self.asked.after.is_none_or(|after| entry.date_added > after), "dates rise");
            self.asked.after = Some(entry.date_added);
            self.seen.push(name(entry));
        }
        !got.entries.is_empty()
    }
}

/// What was done, for comparing.
#[derive(Default)]
struct World {
    /// Every version that was ever added, and its label.
    added: BTreeMap<String, Option<Tlp>>,
    gone: BTreeSet<String>,
    /// Versions of each object.
    versions: BTreeMap<u32, u32>,
}

impl World {
    fn fresh(&mut self, dice: &mut Dice) -> NewObject {
        let labels = [None, Some(Tlp::Green), Some(Tlp::Red)];
        let id = dice.roll(40);
        let version = self.versions.entry(id).or_default();
        *version += 1;
        let tlp = labels[dice.roll(3) as usize];
        self.added.insert(format!("{id}.{version}"), tlp);
        NewObject { tlp, ..object(id, *version) }
    }

    fn delete(&mut self, store: &Store, place: &Collection, id: u32) {
        let delete = DeleteObject {
            collection: place.clone(),
            id: format!("tool--{id}"),
            specs: Vec::new(),
            versions: Versions::All,
            sight: Sight::default(),
            account: "drafter".to_owned(),
            why: "an invented reason".to_owned(),
            now: now(),
        };
        block_on(store.delete_object(delete)).unwrap();
        let prefix = format!("{id}.");
        let gone = self.added.keys().filter(|name| name.starts_with(&prefix)).cloned();
        self.gone.extend(gone.collect::<Vec<_>>());
    }
}

fn any_interleaving_shows_every_version_once(base: &Base) {
    let count = std::env::var("DETENTE_HISTORIES").ok().and_then(|text| text.parse().ok());
    for seed in 0..count.map_or(HISTORIES, |count: u64| count.div_ceil(10).max(HISTORIES)) {
        history(base, seed);
    }
}

fn history(base: &Base, seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut store = base.open().unwrap();
    let source = collection(&store, &format!("source-{seed}"));
    let alias = format!("all-{seed}");
    let new = NewCollection::local(Uuid::new_v4(), &alias, &alias);
    let new = NewCollection { sources: vec![source.clone()], ..new };
    block_on(store.create_collection(new, "ada".to_owned(), now())).unwrap();
    let all = block_on(store.collections()).unwrap();
    let aggregate = all.into_iter().find(|one| one.alias == format!("all-{seed}")).unwrap();
    let mut pollers = [
        Poller::new(&source, 1, Tlp::Red),
        Poller::new(&source, 7, Tlp::Green),
        Poller::new(&aggregate, 3, Tlp::Red),
        Poller::new(&aggregate, 5, Tlp::Green),
    ];
    let mut world = World::default();
    for _ in 0..OPERATIONS {
        match dice.roll(20) {
            0..8 => {
                let batch = (0..=dice.roll(4)).map(|_| world.fresh(&mut dice)).collect::<Vec<_>>();
                // Sent once more by whoever got no answer.
                let twice = dice.roll(4) == 0;
                add(&store, &source, batch.clone());
                if twice {
                    add(&store, &source, batch);
                }
            }
            8 => {
                let id = dice.roll(40);
                world.delete(&store, &source, id);
            }
            9..12 => drop(block_on(store.feed(1 + dice.roll(9) as usize, now())).unwrap()),
            12 => {
                // As a crash leaves it: nothing but what is on the disk.
                store.close();
                store = base.open().unwrap();
            }
            _ => {
                let which = dice.roll(4) as usize;
                pollers[which].poll(&store);
            }
        }
    }
    while block_on(store.feed(7, now())).unwrap() > 0 {}
    for poller in &mut pollers {
        while poller.poll(&store) {}
        judge(poller, &world, seed);
    }
    store.close();
}

fn judge(poller: &Poller, world: &World, seed: u64) {
    let distinct: BTreeSet<_> = poller.seen.iter().collect();
    assert_eq!(distinct.len(), poller.seen.len(), "seed {seed}: a version was seen twice");
    for (name, tlp) in &world.added {
        let may = tlp.is_none_or(|tlp| tlp <= poller.ceiling);
        let is_seen = distinct.contains(name);
        assert!(may || !is_seen, "seed {seed}: {name} is above the ceiling");
        assert!(!may || is_seen || world.gone.contains(name), "seed {seed}: {name} was missed");
    }
}
