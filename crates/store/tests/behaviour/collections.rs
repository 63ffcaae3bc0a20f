//! Retention and aggregates.

use std::collections::BTreeSet;

use bytes::Bytes;
use pollster::block_on;
use protocol::terms::Role;
use stix::Tlp;
use store::{
    Collection, CollectionChange, DeleteObject, NewCollection, NewObject, Page, Rights, Sight,
    Store, Versions,
};
use testkit::Base;
use uuid::Uuid;

use crate::{kit::*, over_both};

over_both!(
    what_a_collection_has_kept_long_enough_goes_with_tombstone_and_leaf,
    what_is_kept_for_good_stays,
    aggregate_shows_each_version_of_its_sources_once,
    aggregate_shows_what_its_reader_may_see_in_a_source,
    what_a_source_loses_its_aggregates_lose_at_once,
    source_that_is_taken_away_leaves_with_what_it_brought,
    pollers_of_an_aggregate_see_every_version_once_while_sources_grow,
);

pub(crate) const DAY_MS: i64 = 24 * 3_600 * 1_000;

pub(crate) fn keep_for(store: &Store, collection: &Collection, days: Option<u32>) {
    let change = CollectionChange { retention_days: Some(days), ..CollectionChange::default() };
    let by = "administrator".to_owned();
    block_on(store.change_collection(collection.clone(), change, by, now())).unwrap();
}

fn retire(store: &Store, days: i64) -> usize {
    block_on(store.retire(2, now().plus_ms(days * DAY_MS))).unwrap()
}

fn what_a_collection_has_kept_long_enough_goes_with_tombstone_and_leaf(base: &Base) {
    let store = base.open().unwrap();
    let (short, other) = (collection(&store, "short"), collection(&store, "other"));
    add(&store, &other, vec![object(1, 0)]);
    add(&store, &short, vec![object(1, 0), object(1, 1), object(2, 0)]);
    let mut later = request(&short, vec![object(1, 2)]);
    later.now = now().plus_ms(5 * DAY_MS);
    block_on(store.add_objects(later)).unwrap();
    keep_for(&store, &short, Some(7));
    assert_eq!(retire(&store, 7), 0, "seven days are not over yet");
    let (leaves, _) = block_on(store.ledger_tree()).unwrap();
    // Two at a time, as `limit` says, each batch with a leaf of its own.
    assert_eq!([retire(&store, 8), retire(&store, 8), retire(&store, 8)], [2, 1, 0]);
    assert_eq!(block_on(store.ledger_tree()).unwrap().0, leaves + 2);
    for versions in [Versions::Last, Versions::First, Versions::All] {
        assert_eq!(shown(&store, &short, &Page { versions, ..everything() }), ["1.2"]);
    }
    assert_eq!(shown(&store, &other, &latest()), ["1.0"], "another collection keeps its own");
    let journal = block_on(store.journal_before(i64::MAX, 1)).unwrap();
    assert_eq!((journal[0].event.as_str(), journal[0].actor.as_str()), ("objects.retired", "node"));
    assert!(journal[0].detail.contains("7 days"), "{}", journal[0].detail);
}

fn what_is_kept_for_good_stays(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![object(1, 0)]);
    keep_for(&store, &workbench, Some(1));
    keep_for(&store, &workbench, None);
    assert_eq!(retire(&store, 10_000), 0);
    assert_eq!(shown(&store, &workbench, &latest()), ["1.0"]);
}

pub(crate) fn aggregate(store: &Store, sources: &[&Collection]) -> Collection {
    let sources = sources.iter().map(|one| (*one).clone()).collect();
    let new = NewCollection { sources, ..NewCollection::local(Uuid::new_v4(), "all", "All") };
    block_on(store.create_collection(new, "ada".to_owned(), now())).unwrap();
    find(store, "all")
}

fn find(store: &Store, alias: &str) -> Collection {
    let all = block_on(store.collections()).unwrap();
    all.into_iter().find(|found| found.alias == alias).unwrap()
}

/// Feeds until there is nothing left to do, a few entries at a time.
pub(crate) fn feed(store: &Store) {
    while block_on(store.feed(3, now())).unwrap() > 0 {}
}

pub(crate) fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

fn aggregate_shows_each_version_of_its_sources_once(base: &Base) {
    let store = base.open().unwrap();
    let (one, other) = (collection(&store, "one"), collection(&store, "other"));
    add(&store, &one, (0..5).map(|n| object(n, 0)).collect());
    add(&store, &other, vec![object(3, 0), object(3, 1), object(7, 0)]);
    let all = aggregate(&store, &[&one, &other]);
    assert_eq!(all.sources, [one.id, other.id]);
    feed(&store);
    let every = ["0.0", "1.0", "2.0", "3.0", "3.1", "4.0", "7.0"];
    assert_eq!(sorted(walk(&store, &all, &Page { limit: 2, ..everything() })), every);
    let newest = ["0.0", "1.0", "2.0", "3.1", "4.0", "7.0"];
    assert_eq!(sorted(walk(&store, &all, &Page { limit: 2, ..latest() })), newest);
    let first = Page { versions: Versions::First, ..everything() };
    assert_eq!(sorted(shown(&store, &all, &first)), ["0.0", "1.0", "2.0", "3.0", "4.0", "7.0"]);
    // What comes later follows; the same again from the other side changes nothing that is seen.
    let end = page(&store, &all, &everything()).entries.last().unwrap().date_added;
    add(&store, &other, vec![object(0, 0), object(9, 0)]);
    feed(&store);
    assert_eq!(shown(&store, &all, &Page { after: Some(end), ..everything() }), ["9.0"]);
    let nested = NewCollection::local(Uuid::new_v4(), "nested", "Nested");
    let nested = NewCollection { sources: vec![all], ..nested };
    let refused = block_on(store.create_collection(nested, "ada".to_owned(), now()));
    assert!(matches!(refused, Err(store::Error::State(..))));
    let left = block_on(store.collections()).unwrap();
    assert!(left.iter().all(|one| one.alias != "nested"), "nothing half-made stays");
}

/// An account that may read these collections alone, up to a label.
fn reader(store: &Store, name: &str, places: &[&Collection], ceiling: Tlp) -> Sight {
    let (who, by) = (name.to_owned(), "test".to_owned());
    block_on(store.create_account(who.clone(), vec![Role::Reader], None, by.clone(), now()))
        .unwrap();
    block_on(store.grant(who.clone(), None, Rights::NONE, by.clone(), now())).unwrap();
    for place in places {
        let place = Some((*place).clone());
        block_on(store.grant(who.clone(), place, Rights::READ, by.clone(), now())).unwrap();
    }
    let sight = Sight::new(ceiling, Some(BTreeSet::new()));
    block_on(store.set_sight(who.clone(), sight, by, now())).unwrap();
    block_on(store.bounds(&who)).unwrap().sight
}

fn aggregate_shows_what_its_reader_may_see_in_a_source(base: &Base) {
    let store = base.open().unwrap();
    let (one, other) = (collection(&store, "one"), collection(&store, "other"));
    let all = aggregate(&store, &[&one, &other]);
    add(&store, &one, vec![object(1, 0), marked(2, 0, Tlp::Red), object(5, 0)]);
    // The same version with another content and another label.
    let lesser = NewObject { tlp: Some(Tlp::Green), ..with_body(2, 0, "{\"id\":\"tool--2\"}") };
    add(&store, &other, vec![object(1, 0), lesser, object(4, 0), marked(6, 0, Tlp::Red)]);
    feed(&store);
    let both = reader(&store, "both", &[&all, &one, &other], Tlp::Red);
    let low = reader(&store, "low", &[&all, &one, &other], Tlp::Green);
    let left = reader(&store, "left", &[&all, &one], Tlp::Red);
    let right = reader(&store, "right", &[&all, &other], Tlp::Green);
    let neither = reader(&store, "neither", &[&all], Tlp::Red);
    let of = |sight: &Sight| {
        let asked = Page { sight: sight.clone(), ..latest() };
        let found = sorted(walk(&store, &all, &Page { limit: 1, ..asked.clone() }));
        let every = Page { versions: Versions::All, ..asked };
        assert_eq!(found, sorted(shown(&store, &all, &every)), "all and last are the same here");
        found
    };
    assert_eq!(of(&both), ["1.0", "2.0", "4.0", "5.0", "6.0"]);
    assert_eq!(of(&low), ["1.0", "2.0", "4.0", "5.0"]);
    assert_eq!(of(&left), ["1.0", "2.0", "5.0"]);
    assert_eq!(of(&right), ["1.0", "2.0", "4.0"]);
    assert_eq!(of(&neither), [""; 0]);
    let body = |sight: &Sight| {
        let ids = vec!["tool--2".to_owned()];
        let asked = Page { sight: sight.clone(), ids, ..latest() };
        page(&store, &all, &asked).entries.pop().unwrap().body.unwrap()
    };
    assert_eq!(body(&low), Bytes::from_static(b"{\"id\":\"tool--2\"}"));
    assert_ne!(body(&both), body(&low), "who sees both is served the first");
}

pub(crate) fn delete_from(store: &Store, from: &Collection, id: u32) -> usize {
    let delete = DeleteObject {
        collection: from.clone(),
        id: format!("tool--{id}"),
        specs: Vec::new(),
        versions: Versions::All,
        sight: Sight::default(),
        account: "drafter".to_owned(),
        why: "posted by mistake".to_owned(),
        now: now(),
    };
    block_on(store.delete_object(delete)).unwrap()
}

fn what_a_source_loses_its_aggregates_lose_at_once(base: &Base) {
    let store = base.open().unwrap();
    let (one, other) = (collection(&store, "one"), collection(&store, "other"));
    let all = aggregate(&store, &[&one, &other]);
    add(&store, &one, vec![object(1, 0), object(2, 0), object(1, 1)]);
    feed(&store);
    add(&store, &other, vec![object(2, 0), object(3, 0)]);
    feed(&store);
    assert_eq!(delete_from(&store, &one, 1), 2);
    assert_eq!(sorted(shown(&store, &all, &everything())), ["2.0", "3.0"]);
    // It is in the other source still, so it is in the aggregate still, once.
    assert_eq!(delete_from(&store, &one, 2), 1);
    assert_eq!(sorted(shown(&store, &all, &everything())), ["2.0", "3.0"]);
    assert_eq!(sorted(shown(&store, &all, &latest())), ["2.0", "3.0"]);
    keep_for(&store, &other, Some(1));
    assert_eq!(retire(&store, 2), 2);
    assert_eq!(shown(&store, &all, &everything()), [""; 0]);
    add(&store, &one, vec![object(1, 0)]);
    feed(&store);
    assert_eq!(shown(&store, &all, &everything()), ["1.0"], "added again, with a new date");
}

fn source_that_is_taken_away_leaves_with_what_it_brought(base: &Base) {
    let store = base.open().unwrap();
    let (one, other) = (collection(&store, "one"), collection(&store, "other"));
    let all = aggregate(&store, &[&one, &other]);
    add(&store, &one, (0..7).map(|n| object(n, 0)).collect());
    add(&store, &other, vec![object(3, 0), object(8, 0)]);
    feed(&store);
    let by = "ada".to_owned();
    let set = |sources| block_on(store.set_sources(all.clone(), sources, by.clone(), now()));
    set(vec![other.clone()]).unwrap();
    assert!(matches!(set(vec![one.clone()]), Err(store::Error::State(..))), "it is leaving");
    feed(&store);
    assert_eq!(sorted(shown(&store, &all, &everything())), ["3.0", "8.0"]);
    assert_eq!(find(&store, "all").sources, [other.id]);
    set(vec![other.clone(), one]).unwrap();
    feed(&store);
    assert_eq!(shown(&store, &all, &everything()).len(), 8);
}

fn pollers_of_an_aggregate_see_every_version_once_while_sources_grow(base: &Base) {
    let store = base.open().unwrap();
    let (one, other) = (collection(&store, "one"), collection(&store, "other"));
    let all = aggregate(&store, &[&one, &other]);
    let sight = reader(&store, "right", &[&all, &other], Tlp::Red);
    let mut pollers = [Page { limit: 4, ..everything() }, Page { limit: 3, sight, ..everything() }];
    let mut seen = [Vec::new(), Vec::new()];
    for round in 0..12u32 {
        add(&store, &one, vec![object(round, 0), object(round + 3, round)]);
        add(&store, &other, vec![object(round + 1, 0), object(round / 2, round)]);
        block_on(store.feed(5, now())).unwrap();
        for (asked, seen) in pollers.iter_mut().zip(&mut seen) {
            let got = page(&store, &all, asked).entries;
            asked.after = got.last().map(|entry| entry.date_added).or(asked.after);
            seen.extend(got.iter().map(name));
        }
    }
    feed(&store);
    for ((asked, seen), sources) in
        pollers.iter().zip(&mut seen).zip([vec![&one, &other], vec![&other]])
    {
        seen.extend(walk(&store, &all, asked));
        let mut wanted: Vec<_> =
            sources.iter().flat_map(|source| shown(&store, source, &everything())).collect();
        wanted.sort();
        wanted.dedup();
        assert_eq!(sorted(seen.clone()), wanted);
    }
}
