//! Pages: limits, bytes, filters, and readers who may not see everything.

use std::collections::BTreeSet;

use stix::Tlp;
use store::{NewObject, Page, Sight, Versions};
use testkit::Base;

use crate::{kit::*, over_both};

over_both!(
    walk_of_any_limit_shows_every_object_once,
    page_stops_at_its_bytes_and_yet_shows_one,
    types_and_ids_find_theirs_alone,
    reader_with_a_lower_ceiling_gets_what_a_store_without_the_rest_would_give,
    versions_over_several_classes_are_told_apart_for_each_reader,
    community_objects_are_for_its_members,
);

fn walk_of_any_limit_shows_every_object_once(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let labels = [Tlp::Clear, Tlp::Green, Tlp::Red];
    for batch in 0..5u32 {
        let one = |n: u32| marked(batch * 10 + n, 0, labels[n as usize % 3]);
        add(&store, &workbench, (0..10).map(one).collect());
    }
    let whole = shown(&store, &workbench, &latest());
    assert_eq!(whole.len(), 50);
    for limit in [1, 3, 10, 49, 50, 51] {
        assert_eq!(walk(&store, &workbench, &Page { limit, ..latest() }), whole, "limit {limit}");
        let manifest = Page { limit, with_bodies: false, ..latest() };
        assert_eq!(walk(&store, &workbench, &manifest), whole, "manifest, limit {limit}");
    }
}

fn page_stops_at_its_bytes_and_yet_shows_one(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let large = |n| with_body(n, 0, &format!("{n}{}", "x".repeat(1_000)));
    add(&store, &workbench, (0..10).map(large).collect());
    let got = page(&store, &workbench, &Page { bytes_max: 2_500, ..latest() });
    assert_eq!((got.entries.len(), got.more), (3, true));
    let got = page(&store, &workbench, &Page { bytes_max: 1, ..latest() });
    assert_eq!((got.entries.len(), got.more), (1, true));
    assert_eq!(walk(&store, &workbench, &Page { bytes_max: 1, ..latest() }).len(), 10);
}

fn types_and_ids_find_theirs_alone(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let typed = |n: u32, kind: &str| NewObject { type_: kind.to_owned(), ..object(n, 0) };
    let objects = vec![typed(1, "tool"), typed(2, "malware"), typed(3, "tool"), typed(4, "url")];
    add(&store, &workbench, objects);
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let types = |wanted: &[&str]| Page { types: texts(wanted), ..latest() };
    let one = |id, kinds| Page { ids: texts(&[id]), ..types(kinds) };
    assert_eq!(shown(&store, &workbench, &one("tool--3", &[])), ["3.0"]);
    assert_eq!(shown(&store, &workbench, &one("tool--3", &["tool"])), ["3.0"]);
    assert!(shown(&store, &workbench, &one("tool--3", &["url"])).is_empty());
    assert!(shown(&store, &workbench, &one("tool--9", &[])).is_empty());
    assert_eq!(shown(&store, &workbench, &types(&["tool"])), ["1.0", "3.0"]);
    assert_eq!(shown(&store, &workbench, &types(&["url", "malware"])), ["2.0", "4.0"]);
    assert_eq!(walk(&store, &workbench, &Page { limit: 1, ..types(&["tool", "url"]) }).len(), 3);
    let ids = Page { ids: texts(&["tool--3", "tool--1", "tool--9"]), ..latest() };
    assert_eq!(shown(&store, &workbench, &ids), ["1.0", "3.0"]);
    let both = Page { types: texts(&["malware"]), ..ids };
    assert!(shown(&store, &workbench, &both).is_empty());
}

fn up_to(ceiling: Tlp) -> Sight {
    Sight::new(ceiling, Some(BTreeSet::new()))
}

/// The property of section 13: but for the dates, which no reader can compare with another's.
fn reader_with_a_lower_ceiling_gets_what_a_store_without_the_rest_would_give(base: &Base) {
    let store = base.open().unwrap();
    let (whole, without) = (collection(&store, "whole"), collection(&store, "without"));
    let labels = [None, Some(Tlp::Green), Some(Tlp::Red), Some(Tlp::Clear), Some(Tlp::Amber)];
    for batch in 0..6u32 {
        let objects: Vec<NewObject> = (0..12u32)
            .map(|n| NewObject {
                tlp: labels[(batch * 7 + n * 3) as usize % labels.len()],
                ..object((batch * 5 + n) % 20, batch)
            })
            .collect();
        let seen = |object: &NewObject| object.tlp.is_none_or(|tlp| tlp <= Tlp::Green);
        let visible: Vec<_> = objects.iter().filter(|object| seen(object)).cloned().collect();
        add(&store, &whole, objects);
        add(&store, &without, visible);
    }
    for versions in [Versions::Last, Versions::First, Versions::All] {
        for limit in [1, 4, 100] {
            let asked = Page {
                limit,
                versions: versions.clone(),
                sight: up_to(Tlp::Green),
                ..everything()
            };
            let seen = sorted(walk(&store, &whole, &asked));
            assert_eq!(seen, sorted(walk(&store, &without, &asked)), "{versions:?}, {limit}");
        }
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

fn versions_over_several_classes_are_told_apart_for_each_reader(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![marked(1, 1, Tlp::Clear)]);
    add(&store, &workbench, vec![marked(1, 2, Tlp::Red), marked(2, 1, Tlp::Clear)]);
    add(&store, &workbench, vec![marked(1, 3, Tlp::Clear), marked(1, 0, Tlp::Red)]);
    let asked = |ceiling, versions| Page { sight: up_to(ceiling), versions, ..everything() };
    let of = |ceiling, versions| sorted(shown(&store, &workbench, &asked(ceiling, versions)));
    assert_eq!(of(Tlp::Red, Versions::Last), ["1.3", "2.1"]);
    assert_eq!(of(Tlp::Red, Versions::First), ["1.0", "2.1"]);
    assert_eq!(of(Tlp::Clear, Versions::Last), ["1.3", "2.1"]);
    assert_eq!(of(Tlp::Clear, Versions::First), ["1.1", "2.1"]);
    assert_eq!(of(Tlp::Clear, Versions::All), ["1.1", "1.3", "2.1"]);
    let key = |version| object(1, version).version_key;
    let some = Versions::some(false, true, vec![key(3), key(2)]);
    assert_eq!(of(Tlp::Red, some.clone()), ["1.2", "1.3", "2.1"]);
    assert_eq!(of(Tlp::Clear, some), ["1.3", "2.1"]);
}

fn community_objects_are_for_its_members(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let kept = NewObject { communities: vec!["lamps".to_owned()], ..object(1, 0) };
    add(&store, &workbench, vec![kept, object(2, 0)]);
    let of = |mine: &[&str]| {
        let communities = mine.iter().map(|name| (*name).to_owned()).collect();
        let sight = Sight::new(Tlp::Red, Some(communities));
        shown(&store, &workbench, &Page { sight, ..latest() })
    };
    assert_eq!(of(&[]), ["2.0"]);
    assert_eq!(of(&["lamps", "tea"]).len(), 2);
}
