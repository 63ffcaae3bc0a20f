//! More classes, and more versions asked for, than one statement has room for ranges of.

use std::collections::{BTreeMap, BTreeSet};

use stix::Tlp;
use store::{NewObject, Page, Sight, Versions};
use testkit::Base;

use crate::{
    collections::{aggregate, sorted},
    kit::*,
    over_both,
};

over_both!(
    pages_over_more_classes_than_a_statement_holds_show_what_each_reader_may_see,
    rare_type_behind_many_objects_of_another_is_found_among_many_classes,
    classes_that_another_process_makes_are_seen_at_once,
    aggregate_of_many_classes_shows_each_object_once,
    versions_may_be_asked_for_in_any_number,
);

const CLASSES: u32 = 150;

/// An object in a community of its own, or in one that it shares; versions of one object lie in
/// several, and in two editions.
fn of_community(id: u32, version: u32) -> NewObject {
    let spec = if (id + version).is_multiple_of(5) { "2.0" } else { "2.1" };
    NewObject {
        communities: vec![format!("community-{:03}", (id + version * 7) % CLASSES)],
        type_: if id.is_multiple_of(3) { "mutex" } else { "tool" }.to_owned(),
        spec: spec.to_owned(),
        ..object(id, version)
    }
}

fn name_of(object: &NewObject) -> String {
    let version = object.version.as_deref().unwrap()[20..23].parse::<u32>().unwrap();
    format!("{}.{version}", object.id.trim_start_matches("tool--"))
}

/// What a page has to show, object by object: first the edition, then the versions, then the type.
fn wanted(all: &[NewObject], asked: &Page) -> Vec<String> {
    let mut objects: BTreeMap<&str, Vec<&NewObject>> = BTreeMap::new();
    for object in all.iter().filter(|one| asked.sight.sees_object(one.tlp, &one.communities)) {
        objects.entry(&object.id).or_default().push(object);
    }
    let mut names = Vec::new();
    for mut versions in objects.into_values() {
        let latest = versions.iter().map(|one| one.spec.clone()).max().unwrap();
        versions.retain(|one| match asked.specs.as_slice() {
            [] => one.spec == latest,
            specs => specs.contains(&one.spec),
        });
        let keys: Vec<&String> = versions.iter().map(|one| &one.version_key).collect();
        let (low, high) = (keys.iter().min().copied(), keys.iter().max().copied());
        let shows = |one: &&&NewObject| {
            let key = Some(&one.version_key);
            (asked.types.is_empty() || asked.types.contains(&one.type_))
                && match &asked.versions {
                    Versions::All => true,
                    Versions::First => key == low,
                    Versions::Last => key == high,
                    Versions::Some { first, last, keys, .. } => {
                        (*first && key == low)
                            || (*last && key == high)
                            || keys.contains(&one.version_key)
                    }
                }
        };
        names.extend(versions.iter().filter(shows).map(|one| name_of(one)));
    }
    names.sort();
    names
}

fn pages_over_more_classes_than_a_statement_holds_show_what_each_reader_may_see(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let all: Vec<NewObject> =
        (0..300).map(|n| of_community(n % 170, n / 170 + n % 3 * 2)).collect();
    for batch in all.chunks(60) {
        add(&store, &workbench, batch.to_vec());
    }
    let communities = |count: u32| -> BTreeSet<String> {
        (0..count).map(|number| format!("community-{number:03}")).collect()
    };
    let key = |version| object(1, version).version_key;
    let some = |first, last| Versions::some(first, last, vec![key(2), key(4)]);
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    for sight in [None, Some(communities(130)), Some(communities(20))] {
        for versions in
            [Versions::Last, Versions::First, Versions::All, some(false, false), some(true, true)]
        {
            for (specs, types) in [
                (&[][..], &[][..]),
                (&["2.0"], &[]),
                (&["2.0", "2.1"], &["mutex"]),
                (&[], &["tool"]),
            ] {
                let asked = Page {
                    sight: Sight::new(Tlp::Red, sight.clone()),
                    versions: versions.clone(),
                    specs: texts(specs),
                    types: texts(types),
                    limit: 37,
                    ..everything()
                };
                let mut seen = walk(&store, &workbench, &asked);
                seen.sort();
                assert_eq!(seen, wanted(&all, &asked), "{asked:?}");
            }
        }
    }
}

fn rare_type_behind_many_objects_of_another_is_found_among_many_classes(base: &Base) {
    // More than are walked past before classes are looked into (`objects::pages::ranges`).
    const PASSED: u32 = 10_100;
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let rare = |id: u32| NewObject { type_: "mutex".to_owned(), ..of_community(id, 1) };
    let common = |id: u32| NewObject { type_: "tool".to_owned(), ..of_community(id, 1) };
    add(&store, &workbench, vec![rare(0)]);
    for begin in (1..PASSED).step_by(1_000) {
        add(&store, &workbench, (begin..(begin + 1_000).min(PASSED)).map(common).collect());
    }
    add(&store, &workbench, vec![common(PASSED), rare(PASSED + 1), rare(PASSED + 2)]);
    let mutexes = Page { types: vec!["mutex".to_owned()], limit: 2, ..latest() };
    let names = [0, PASSED + 1, PASSED + 2].map(|id| format!("{id}.1"));
    assert_eq!(walk(&store, &workbench, &mutexes), names);
    let page = page(&store, &workbench, &mutexes);
    assert_eq!((page.entries.len(), page.more), (2, true));
}

fn classes_that_another_process_makes_are_seen_at_once(base: &Base) {
    let (store, other) = (base.open().unwrap(), base.open().unwrap());
    let workbench = collection(&store, "workbench");
    for id in 0..3 {
        add(&other, &workbench, vec![of_community(id, 1)]);
        let names: Vec<String> = (0..=id).map(|id| format!("{id}.1")).collect();
        for store in [&store, &other] {
            assert_eq!(shown(store, &workbench, &latest()), names);
        }
    }
}

fn aggregate_of_many_classes_shows_each_object_once(base: &Base) {
    let store = base.open().unwrap();
    let (one, other) = (collection(&store, "one"), collection(&store, "other"));
    let all = aggregate(&store, &[&one, &other]);
    for source in [&one, &other] {
        add(&store, source, (0..CLASSES).map(|id| of_community(id, 1)).collect());
    }
    while pollster::block_on(store.feed(100, now())).unwrap() > 0 {}
    let names = sorted((0..CLASSES).map(|id| format!("{id}.1")).collect());
    for versions in [Versions::Last, Versions::All] {
        let page = Page { limit: 40, versions, ..everything() };
        assert_eq!(sorted(walk(&store, &all, &page)), names);
    }
}

fn versions_may_be_asked_for_in_any_number(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, (0..9).map(|version| object(1, version)).collect());
    let keys = |count: u32| (5..count).map(|version| object(1, version).version_key).collect();
    for (count, first, names) in [
        (700, false, &["1.5", "1.6", "1.7", "1.8"][..]),
        (700, true, &["1.0", "1.5", "1.6", "1.7", "1.8"]),
        (7, true, &["1.0", "1.5", "1.6"]),
    ] {
        let versions = Versions::some(first, false, keys(count));
        let page = Page { versions, ..everything() };
        assert_eq!(shown(&store, &workbench, &page), names, "{count}");
    }
}
