//! More classes, and more versions asked for, than one statement has room for ranges of.

use std::collections::{BTreeMap, BTreeSet};

use stix::Tlp;
use store::{NewObject, Page, Sight, Versions};
use testkit::Base;

use crate::{kit::*, over_both};

over_both!(
    pages_over_more_classes_than_a_statement_holds_show_what_each_reader_may_see,
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
