//! Small words for the suite: a collection, objects, adding, paging.

use bytes::Bytes;
use pollster::block_on;
use protocol::{secrets::sha256, terms::Timestamp};
use stix::Tlp;
use store::{
    AddObjects, Added, Collection, Error, NewCollection, NewObject, Page, Pages, Store, Versions,
};
use uuid::Uuid;

pub(crate) const START_MS: i64 = 1_790_000_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_ms(START_MS)
}

/// The collection of that alias, made where there is none yet.
pub(crate) fn collection(store: &Store, alias: &str) -> Collection {
    let held = || block_on(store.collections()).unwrap();
    if let Some(found) = held().into_iter().find(|found| found.alias == alias) {
        return found;
    }
    let id = Uuid::from_bytes(*sha256(alias.as_bytes()).0.first_chunk().unwrap());
    let new = NewCollection::local(id, alias, alias);
    block_on(store.create_collection(new, "test".to_owned(), now())).unwrap();
    held().into_iter().find(|found| found.alias == alias).unwrap()
}

/// A version of a tool; its number is its id.
pub(crate) fn object(id: u32, version: u32) -> NewObject {
    with_body(id, version, &format!("{{\"id\":\"tool--{id}\",\"version\":{version}}}"))
}

pub(crate) fn with_body(id: u32, version: u32, body: &str) -> NewObject {
    let body = Bytes::from(body.to_owned());
    NewObject {
        digest: sha256(&body),
        body,
        id: format!("tool--{id}"),
        type_: "tool".to_owned(),
        version: Some(format!("2031-01-01T00:00:00.{version:03}Z")),
        version_key: format!("2031-01-01T00:00:00.{version:03}"),
        spec: "2.1".to_owned(),
        tlp: None,
        communities: Vec::new(),
        findings: Vec::new(),
        marking: None,
        awaits: Vec::new(),
    }
}

pub(crate) fn marked(id: u32, version: u32, tlp: Tlp) -> NewObject {
    NewObject { tlp: Some(tlp), ..object(id, version) }
}

pub(crate) fn request(collection: &Collection, objects: Vec<NewObject>) -> AddObjects {
    AddObjects {
        collection: collection.clone(),
        account: "drafter".to_owned(),
        objects: (0..).zip(objects).collect(),
        held: Vec::new(),
        failures: Vec::new(),
        now: now(),
        release: None,
        status_id: Uuid::new_v4(),
    }
}

pub(crate) fn try_add(
    store: &Store,
    collection: &Collection,
    objects: Vec<NewObject>,
) -> Result<Added, Error> {
    block_on(store.add_objects(request(collection, objects)))
}

pub(crate) fn add(store: &Store, collection: &Collection, objects: Vec<NewObject>) -> Added {
    try_add(store, collection, objects).unwrap()
}

/// Everything, all versions, with bodies.
pub(crate) fn everything() -> Page {
    Page {
        limit: 10_000,
        bytes_max: usize::MAX,
        versions: Versions::All,
        with_bodies: true,
        ..Page::default()
    }
}

/// The latest versions.
pub(crate) fn latest() -> Page {
    Page { versions: Versions::Last, ..everything() }
}

pub(crate) fn page(store: &Store, collection: &Collection, page: &Page) -> Pages {
    block_on(store.page(collection, page)).unwrap()
}

/// Ids and versions of what a page shows, such as `1.0`, in order.
pub(crate) fn shown(store: &Store, collection: &Collection, asked: &Page) -> Vec<String> {
    page(store, collection, asked).entries.iter().map(name).collect()
}

pub(crate) fn name(entry: &store::Entry) -> String {
    let version = entry.version.as_deref().and_then(|text| text.get(20..23)).unwrap_or("000");
    let id = entry.id.strip_prefix("tool--").unwrap_or(&entry.id);
    format!("{id}.{}", version.parse::<u32>().unwrap_or(0))
}

/// Pages of a limit until there is no more; what they show, and that each follows the last.
pub(crate) fn walk(store: &Store, collection: &Collection, asked: &Page) -> Vec<String> {
    let (mut asked, mut all) = (asked.clone(), Vec::new());
    loop {
        let got = page(store, collection, &asked);
        for entry in &got.entries {
            assert!(asked.after.is_none_or(|after| entry.date_added > after), "dates rise");
            asked.after = Some(entry.date_added);
            all.push(name(entry));
        }
        if !got.more {
            return all;
        }
        assert!(!got.entries.is_empty(), "more without an object");
    }
}
