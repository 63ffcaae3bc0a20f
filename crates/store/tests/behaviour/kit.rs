//! Small words for the suite: a collection, objects, adding, paging.

use std::sync::OnceLock;

use bytes::Bytes;
use pollster::block_on;
use protocol::{secrets::sha256, terms::Timestamp};
use stix::Tlp;
use store::{
    AddObjects, Added, Collection, Entry, Error, Joined, NewCollection, NewObject, Page, Pages,
    Store, Versions,
};
use tokio::runtime::{Builder, Runtime};
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

/// A page; the same in one buffer, asked for from within a runtime as a door does, holds its bytes.
pub(crate) fn page(store: &Store, collection: &Collection, page: &Page) -> Pages {
    let pages = block_on(store.page(collection, page)).unwrap();
    let manifest = Page { with_bodies: false, ..page.clone() };
    let listed = runtime().block_on(store.page(collection, &manifest)).unwrap();
    for (entry, told) in pages.entries.iter().zip(&listed.entries) {
        let entry = Entry { body: None, ..entry.clone() };
        assert_eq!(format!("{entry:?}"), format!("{told:?}"));
    }
    if page.bytes_max == usize::MAX {
        assert_eq!((pages.entries.len(), pages.more), (listed.entries.len(), listed.more));
    }
    if page.with_bodies {
        let joined = joined(store, collection, page);
        let bodies: Vec<&[u8]> = pages.entries.iter().filter_map(|e| e.body.as_deref()).collect();
        let ends = pages.entries.first().zip(pages.entries.last());
        assert_eq!(joined.dates, ends.map(|(first, last)| (first.date_added, last.date_added)));
        assert_eq!((joined.more, joined.bodies.get(..ROOM)), (pages.more, Some(&[0; ROOM][..])));
        assert_eq!(joined.bodies[ROOM..], bodies.join(&b","[..]));
    }
    pages
}

const ROOM: usize = 7;

/// A page in one buffer, from within a runtime.
pub(crate) fn joined(store: &Store, collection: &Collection, page: &Page) -> Joined {
    try_joined(store, collection, page).unwrap()
}

pub(crate) fn try_joined(
    store: &Store,
    collection: &Collection,
    page: &Page,
) -> Result<Joined, Error> {
    runtime().block_on(store.joined(collection, page, ROOM))
}

/// Ids and versions of the objects of such a page, as [`name`] tells them.
pub(crate) fn names(joined: &Joined) -> Vec<String> {
    let text = std::str::from_utf8(&joined.bodies[ROOM..]).unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(&format!("[{text}]")).unwrap();
    let name = |object: &serde_json::Value| {
        let id = object["id"].as_str().unwrap().trim_start_matches("tool--").to_owned();
        format!("{id}.{}", object["version"])
    };
    all.iter().map(name).collect()
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
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
