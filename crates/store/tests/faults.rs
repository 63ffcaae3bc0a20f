//! A full disk, a database of a newer version, duplicates and conflicts: nothing half-done.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
use bytes::Bytes;
use pollster::block_on;
use protocol::{secrets::sha256, terms::Timestamp};
use store::{AddObjects, Added, Collection, Error, NewObject, Options, Page, Store, Versions};
use uuid::Uuid;

fn now() -> Timestamp {
    Timestamp::from_ms(1_790_000_000_000)
}

fn open(folder: &tempfile::TempDir, pages_max: Option<u32>) -> Result<Store, Error> {
    Store::open(&folder.path().join("node.db"), Options { readers: 1, pages_max })
}

fn workbench(store: &Store) -> Collection {
    let (id, root) = (Uuid::from_u128(1), "local".to_owned());
    let (alias, title) = ("workbench".to_owned(), "Workbench".to_owned());
    block_on(store.create_collection(id, root, alias, title, now())).unwrap();
    block_on(store.collections()).unwrap().remove(0)
}

fn object(id: u32, body: &str) -> NewObject {
    let body = Bytes::from(body.to_owned());
    NewObject {
        digest: sha256(&body),
        body,
        id: format!("tool--{id}"),
        type_: "tool".to_owned(),
        version: Some("2031-01-01T00:00:00.000Z".to_owned()),
        version_key: "2031-01-01T00:00:00".to_owned(),
        spec: "2.1".to_owned(),
        tlp: None,
        communities: Vec::new(),
        findings: None,
        marking: None,
    }
}

fn add(store: &Store, collection: &Collection, objects: Vec<NewObject>) -> Result<Added, Error> {
    block_on(store.add_objects(AddObjects {
        collection: collection.clone(),
        account: "drafter".to_owned(),
        objects: (0..).zip(objects).collect(),
        failures: Vec::new(),
        now: now(),
        release: None,
        status_id: Uuid::from_u128(2),
    }))
}

fn served(store: &Store, collection: &Collection) -> Vec<Bytes> {
    let page = Page {
        limit: 10_000,
        bytes_max: usize::MAX,
        versions: Versions::All,
        with_bodies: true,
        ..Page::default()
    };
    let pages = block_on(store.page(collection, &page)).unwrap();
    pages.entries.into_iter().filter_map(|entry| entry.body).collect()
}

#[test]
fn full_disk_keeps_nothing_of_the_request_and_works_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, Some(120)).unwrap();
    let collection = workbench(&store);
    let large = "x".repeat(100_000);
    let many = (0..50).map(|n| object(n, &format!("{n}{large}"))).collect();
    let error = add(&store, &collection, many).unwrap_err();
    assert!(matches!(error, Error::Full), "{error:?}");
    assert!(served(&store, &collection).is_empty());
    add(&store, &collection, vec![object(1, "{}")]).unwrap();
    assert_eq!(served(&store, &collection), ["{}"]);
}

#[test]
fn database_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder, None).unwrap());
    let path = folder.path().join("node.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = open(&folder, None).err().unwrap();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error:?}");
}

#[test]
fn same_object_again_is_a_success_and_another_content_is_kept_beside() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, None).unwrap();
    let collection = workbench(&store);
    add(&store, &collection, vec![object(1, "{}"), object(1, "{}")]).unwrap();
    let other = add(&store, &collection, vec![object(1, "{ }")]).unwrap();
    assert!(other.lines[0].ok && other.lines[0].message.is_some(), "{:?}", other.lines);
    assert_eq!(served(&store, &collection), ["{}"]);
}

#[test]
fn what_was_committed_is_there_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder, None).unwrap();
    let collection = workbench(&store);
    add(&store, &collection, vec![object(1, "{}")]).unwrap();
    // A second store on the same file is what a restart after a kill finds.
    let again = open(&folder, None).unwrap();
    assert_eq!(served(&again, &collection), ["{}"]);
}
