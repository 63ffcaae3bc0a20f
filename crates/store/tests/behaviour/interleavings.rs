//! Any interleaving of writers, readers, deletions, aggregates, markings that come late and crashes:
//! whoever goes on from where it was sees every version once, dates rise, and a repeated page is the
//! same less what was deleted since.

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
/// Marking definitions that objects name, each known from some time on or never.
const MARKINGS: usize = 4;
/// Whom some markings keep objects to.
const COMMUNITY: &str = "marking-definition--cccccccc-cccc-4ccc-8ccc-cccccccccccc";

/// What an object is marked with, as far as it is known.
type Label = (Option<Tlp>, Vec<String>);

fn strictest() -> Label {
    (Some(Tlp::Red), Vec::new())
}

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
    /// Up to which label, of which communities.
    sight: Sight,
}

impl Poller {
    fn new(place: &Collection, limit: usize, ceiling: Tlp, communities: Option<&[&str]>) -> Self {
        let all = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        let sight = Sight::new(ceiling, communities.map(all));
        let asked = Page { limit, sight: sight.clone(), versions: Versions::All, ..everything() };
        Self { place: place.clone(), asked, seen: Vec::new(), sight }
    }

    fn may_see(&self, (tlp, communities): &Label) -> bool {
        self.sight.sees_object(*tlp, communities)
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
    seed: u64,
    /// Every version that was ever added, and how it is marked.
    added: BTreeMap<String, Marks>,
    /// What each definition says, once it has come.
    defined: [Option<Label>; MARKINGS],
    gone: BTreeSet<String>,
    /// Versions of each object.
    versions: BTreeMap<u32, u32>,
}

/// How a version is marked.
#[derive(Clone)]
enum Marks {
    Label(Label),
    /// By definitions: as they were known when it came, and which they are.
    Named(Label, Vec<usize>),
}

impl World {
    fn marking_id(&self, marking: usize) -> String {
        format!("marking-definition--00000000-0000-4000-8000-{:08}{marking:04}", self.seed)
    }

    /// What definitions say together: the strictest as long as one of them is not known.
    fn said(&self, named: &[usize]) -> Label {
        let said = || named.iter().map(|one| self.defined[*one].as_ref());
        let known = said().flatten();
        let tlp = match said().all(|label| label.is_some()) {
            true => known.clone().filter_map(|(tlp, _)| *tlp).max(),
            false => Some(Tlp::Red),
        };
        let communities: BTreeSet<String> = known.flat_map(|(_, all)| all.clone()).collect();
        (tlp, communities.into_iter().collect())
    }

    fn label(&self, marks: &Marks) -> Label {
        match marks {
            Marks::Label(label) => label.clone(),
            Marks::Named(_, named) => self.said(named),
        }
    }

    /// The object of a version, as it is to be kept now.
    fn marked(&self, id: u32, version: u32) -> NewObject {
        let marks = &self.added[&format!("{id}.{version}")];
        let (tlp, communities) = self.label(marks);
        let awaits = match marks {
            Marks::Label(_) => Vec::new(),
            Marks::Named(_, named) => {
                let unknown = named.iter().filter(|one| self.defined[**one].is_none());
                unknown.map(|one| self.marking_id(*one)).collect()
            }
        };
        NewObject { tlp, communities, awaits, ..object(id, version) }
    }

    /// A definition comes, to another collection.
    fn define(&mut self, store: &Store, dice: &mut Dice) {
        let marking = dice.roll(4) as usize;
        if self.defined[marking].is_some() {
            return;
        }
        let kept = || vec![COMMUNITY.to_owned()];
        let labels = [
            (Some(Tlp::Green), Vec::new()),
            (None, kept()),
            (Some(Tlp::Amber), kept()),
            strictest(),
        ];
        let id = self.marking_id(marking);
        let body = bytes::Bytes::from(format!("{{\"id\":\"{id}\"}}"));
        let definition = NewObject {
            digest: protocol::secrets::sha256(&body),
            body,
            type_: "marking-definition".to_owned(),
            marking: Some(stix::Marking::Other),
            id,
            ..object(0, 0)
        };
        add(store, &collection(store, "elsewhere"), vec![definition]);
        self.defined[marking] = Some(labels[dice.roll(4) as usize].clone());
    }

    /// Reads again some of what waited for a definition that is here; how many changed.
    fn redate(&self, store: &Store, limit: u32) -> usize {
        let waiting = block_on(store.awaiting(limit)).unwrap();
        let count = waiting.len();
        let entries = waiting.into_iter().map(|entry| {
            let read: serde_json::Value = serde_json::from_slice(&entry.body).unwrap();
            let id = read["id"].as_str().unwrap().trim_start_matches("tool--").parse().unwrap();
            let version = u32::try_from(read["version"].as_u64().unwrap()).unwrap();
            (entry, self.marked(id, version))
        });
        let mut entries: Vec<_> = entries.collect();
        // As when an older build's are read again beside those that waited.
        entries.extend(entries.clone());
        block_on(store.redate(entries, now())).unwrap();
        count
    }

    fn fresh(&mut self, dice: &mut Dice) -> NewObject {
        let labels = [None, Some(Tlp::Green), Some(Tlp::Red)];
        let id = dice.roll(40);
        let version = self.versions.entry(id).or_default();
        *version += 1;
        let version = *version;
        let marks = match dice.roll(2) {
            0 => Marks::Label((labels[dice.roll(3) as usize], Vec::new())),
            _ => {
                let named: BTreeSet<usize> =
                    (0..=dice.roll(2)).map(|_| dice.roll(4) as usize).collect();
                let named: Vec<usize> = named.into_iter().collect();
                Marks::Named(self.said(&named), named)
            }
        };
        self.added.insert(format!("{id}.{version}"), marks);
        self.marked(id, version)
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
        Poller::new(&source, 1, Tlp::Red, None),
        Poller::new(&source, 7, Tlp::Green, None),
        Poller::new(&source, 2, Tlp::Red, Some(&[])),
        Poller::new(&source, 4, Tlp::Amber, Some(&[COMMUNITY])),
        Poller::new(&aggregate, 3, Tlp::Red, None),
        Poller::new(&aggregate, 5, Tlp::Green, None),
        Poller::new(&aggregate, 9, Tlp::Red, Some(&[])),
        Poller::new(&aggregate, 2, Tlp::Amber, Some(&[COMMUNITY])),
    ];
    let mut world = World { seed, ..World::default() };
    for _ in 0..OPERATIONS {
        match dice.roll(26) {
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
            13 => world.define(&store, &mut dice),
            14..16 => drop(world.redate(&store, 1 + dice.roll(9))),
            _ => {
                let which = dice.roll(8) as usize;
                pollers[which].poll(&store);
            }
        }
    }
    while world.redate(&store, 5) > 0 {}
    while block_on(store.feed(7, now())).unwrap() > 0 {}
    for poller in &mut pollers {
        while poller.poll(&store) {}
        judge(poller, &world, seed);
        judge_fresh(&store, poller, &world, seed);
    }
    store.close();
}

fn judge(poller: &Poller, world: &World, seed: u64) {
    let distinct: BTreeSet<_> = poller.seen.iter().collect();
    assert_eq!(distinct.len(), poller.seen.len(), "seed {seed}: a version was seen twice");
    for (name, marks) in &world.added {
        let first = match marks {
            Marks::Label(label) | Marks::Named(label, _) => label,
        };
        let may = poller.may_see(&world.label(marks));
        let is_seen = distinct.contains(name);
        assert!(may || poller.may_see(first) || !is_seen, "seed {seed}: {name} is not for it");
        assert!(!may || is_seen || world.gone.contains(name), "seed {seed}: {name} was missed");
    }
}

/// Whoever begins now sees each version that is there once, and of each object the last.
fn judge_fresh(store: &Store, poller: &Poller, world: &World, seed: u64) {
    let visible = world
        .added
        .iter()
        .filter(|(name, marks)| !world.gone.contains(*name) && poller.may_see(&world.label(marks)));
    let mut wanted: Vec<String> = visible.map(|(name, _)| name.clone()).collect();
    wanted.sort();
    let asked = Page { after: None, limit: 10, ..poller.asked.clone() };
    let mut found = walk(store, &poller.place, &asked);
    found.sort();
    assert_eq!(found, wanted, "seed {seed}");
    let mut newest: BTreeMap<u32, u32> = BTreeMap::new();
    for name in &wanted {
        let (id, version) = name.split_once('.').unwrap();
        let version: u32 = version.parse().unwrap();
        let last = newest.entry(id.parse().unwrap()).or_default();
        *last = version.max(*last);
    }
    let mut last = walk(store, &poller.place, &Page { versions: Versions::Last, ..asked });
    last.sort();
    let mut wanted: Vec<String> =
        newest.into_iter().map(|(id, version)| format!("{id}.{version}")).collect();
    wanted.sort();
    assert_eq!(last, wanted, "seed {seed}");
}
