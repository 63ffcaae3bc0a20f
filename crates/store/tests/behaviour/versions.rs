//! First, last, all, by instant, by edition; deleting, and what is first and last afterwards.

use pollster::block_on;
use store::{AddObjects, DeleteObject, NewObject, Page, Sight, Store, Versions};
use testkit::Base;

use crate::{kit::*, over_both};

over_both!(
    versions_in_any_order_of_arrival_have_the_right_first_and_last,
    versions_of_one_request_have_the_right_first_and_last,
    versions_by_instant_join_first_and_last_once_each,
    latest_edition_is_served_and_the_other_on_demand,
    what_has_no_version_of_its_own_is_found_by_the_one_that_it_is_told_by,
    deleted_version_is_gone_everywhere_and_the_one_before_is_last_again,
    deleted_object_may_be_added_again_with_a_new_date,
);

fn of(versions: Versions) -> Page {
    Page { versions, ..everything() }
}

fn versions_in_any_order_of_arrival_have_the_right_first_and_last(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    for version in [5, 2, 9, 7, 1] {
        add(&store, &workbench, vec![object(1, version)]);
    }
    assert_eq!(shown(&store, &workbench, &latest()), ["1.9"]);
    assert_eq!(shown(&store, &workbench, &of(Versions::First)), ["1.1"]);
    let all = ["1.5", "1.2", "1.9", "1.7", "1.1"];
    assert_eq!(shown(&store, &workbench, &of(Versions::All)), all);
}

fn versions_of_one_request_have_the_right_first_and_last(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![object(1, 3), object(1, 1), object(2, 0), object(1, 2)]);
    assert_eq!(shown(&store, &workbench, &latest()), ["1.3", "2.0"]);
    assert_eq!(shown(&store, &workbench, &of(Versions::First)), ["1.1", "2.0"]);
}

fn versions_by_instant_join_first_and_last_once_each(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, (0..5).map(|version| object(1, version)).collect());
    add(&store, &workbench, vec![object(2, 3)]);
    let keys = |versions: &[u32]| versions.iter().map(|v| object(1, *v).version_key).collect();
    let wanted = |first, last, versions: &[u32]| of(Versions::some(first, last, keys(versions)));
    assert_eq!(shown(&store, &workbench, &wanted(false, false, &[3])), ["1.3", "2.3"]);
    assert_eq!(
        shown(&store, &workbench, &wanted(true, true, &[2, 4])),
        ["1.0", "1.2", "1.4", "2.3"]
    );
    assert_eq!(shown(&store, &workbench, &wanted(false, true, &[3])), ["1.3", "1.4", "2.3"]);
    let by_id = Page { ids: vec!["tool--1".to_owned()], ..wanted(true, true, &[2, 4]) };
    assert_eq!(shown(&store, &workbench, &by_id), ["1.0", "1.2", "1.4"]);
}

fn latest_edition_is_served_and_the_other_on_demand(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let old = |id, version| {
        let mut old = object(id, version);
        old.spec = "2.0".to_owned();
        old
    };
    add(&store, &workbench, vec![old(1, 0), old(2, 0), object(1, 1), object(3, 0), old(1, 5)]);
    let editions = |specs: &[&str], versions| Page {
        specs: specs.iter().map(|spec| (*spec).to_owned()).collect(),
        ..of(versions)
    };
    let sorted = |page: &Page| {
        let mut all = shown(&store, &workbench, page);
        all.sort();
        all
    };
    assert_eq!(sorted(&editions(&[], Versions::Last)), ["1.1", "2.0", "3.0"]);
    assert_eq!(sorted(&editions(&[], Versions::All)), ["1.1", "2.0", "3.0"]);
    assert_eq!(sorted(&editions(&["2.0"], Versions::Last)), ["1.5", "2.0"]);
    assert_eq!(sorted(&editions(&["2.0"], Versions::First)), ["1.0", "2.0"]);
    assert_eq!(sorted(&editions(&["2.0", "2.1"], Versions::Last)), ["1.5", "2.0", "3.0"]);
    let one = Page { ids: vec!["tool--1".to_owned()], ..editions(&[], Versions::Last) };
    assert_eq!(sorted(&one), ["1.1"]);
}

fn what_has_no_version_of_its_own_is_found_by_the_one_that_it_is_told_by(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let bare = |id| NewObject { version: None, version_key: String::new(), ..object(id, 0) };
    add(&store, &workbench, vec![bare(1), object(2, 5)]);
    let later = AddObjects {
        now: now().plus_ms(70),
        ..request(&workbench, vec![bare(1), bare(3), with_body_of(bare(1)), object(2, 5)])
    };
    let lines = block_on(store.add_objects(later)).unwrap().lines;
    let told = now().to_string();
    let versions: Vec<&str> = lines.iter().map(|line| line.version.as_str()).collect();
    let own = object(2, 5).version.unwrap();
    assert_eq!(versions, [&told, "", &told, &own], "what was here keeps its version");
    let asked = |times: &[String]| {
        let keys = times.iter().map(|time| stix::version_key(time));
        of(Versions::some(false, false, keys.collect()))
    };
    let (first, second) = (told, now().plus_ms(70).to_string());
    let ids = |page: &Page| -> Vec<String> {
        page_of(&store, &workbench, page).into_iter().map(|(id, _)| id).collect()
    };
    let one = |page: Page| Page { ids: vec!["tool--1".to_owned()], ..page };
    let neither = now().plus_ms(30).to_string();
    assert_eq!(ids(&asked(std::slice::from_ref(&first))), ["tool--1"]);
    assert_eq!(ids(&asked(std::slice::from_ref(&second))), ["tool--3"]);
    assert_eq!(ids(&asked(&[first.clone(), second.clone()])), ["tool--1", "tool--3"]);
    assert_eq!(ids(&asked(std::slice::from_ref(&neither))), [""; 0]);
    assert_eq!(ids(&one(asked(std::slice::from_ref(&first)))), ["tool--1"]);
    assert_eq!(ids(&one(asked(std::slice::from_ref(&second)))), [""; 0]);
    let keys = asked(std::slice::from_ref(&second)).versions;
    assert_eq!(block_on(store.delete_object(delete(keys, &workbench))).unwrap(), 0);
    let keys = asked(std::slice::from_ref(&first)).versions;
    assert_eq!(block_on(store.delete_object(delete(keys, &workbench))).unwrap(), 1);
}

/// The same object with another content.
fn with_body_of(object: NewObject) -> NewObject {
    let other = with_body(1, 0, "{\"id\":\"tool--1\",\"version\":0,\"name\":\"another\"}");
    NewObject { body: other.body, digest: other.digest, ..object }
}

/// Ids and versions of a page.
fn page_of(
    store: &Store,
    collection: &store::Collection,
    asked: &Page,
) -> Vec<(String, Option<String>)> {
    let entries = page(store, collection, asked).entries;
    entries.into_iter().map(|entry| (entry.id, entry.version)).collect()
}

fn delete(versions: Versions, collection: &store::Collection) -> DeleteObject {
    DeleteObject {
        collection: collection.clone(),
        id: "tool--1".to_owned(),
        specs: Vec::new(),
        versions,
        sight: Sight::default(),
        account: "drafter".to_owned(),
        why: "posted by mistake".to_owned(),
        now: now(),
    }
}

fn deleted_version_is_gone_everywhere_and_the_one_before_is_last_again(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![object(1, 0), object(1, 1), object(1, 2), object(2, 0)]);
    let (size, _) = block_on(store.ledger_tree()).unwrap();
    assert_eq!(block_on(store.delete_object(delete(Versions::Last, &workbench))).unwrap(), 1);
    assert_eq!(shown(&store, &workbench, &latest()), ["1.1", "2.0"]);
    assert_eq!(shown(&store, &workbench, &everything()), ["1.0", "1.1", "2.0"]);
    assert_eq!(block_on(store.ledger_tree()).unwrap().0, size + 1, "the ledger tells");
    let journal = block_on(store.journal_after(0, 10)).unwrap();
    assert_eq!(journal.last().unwrap().event, "object.deleted");
    assert_eq!(block_on(store.delete_object(delete(Versions::All, &workbench))).unwrap(), 2);
    assert_eq!(shown(&store, &workbench, &everything()), ["2.0"]);
    assert_eq!(block_on(store.delete_object(delete(Versions::All, &workbench))).unwrap(), 0);
    assert_eq!(block_on(store.ledger_tree()).unwrap().0, size + 2, "nothing was deleted twice");
}

fn deleted_object_may_be_added_again_with_a_new_date(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![object(1, 0)]);
    let before = page(&store, &workbench, &everything()).entries[0].date_added;
    block_on(store.delete_object(delete(Versions::All, &workbench))).unwrap();
    add(&store, &workbench, vec![object(1, 0)]);
    let entries = page(&store, &workbench, &everything()).entries;
    assert!(entries[0].date_added > before);
    assert_eq!(entries[0].body.as_ref().unwrap(), &object(1, 0).body);
}
