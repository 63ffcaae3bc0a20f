//! A full disk, a database of a newer version, duplicates and conflicts: nothing half-done.

use store::{Error, Options};
use testkit::Base;

use crate::{kit::*, over_both};

over_both!(
    same_object_again_is_a_success_and_another_content_is_kept_beside,
    what_was_committed_is_there_after_a_crash,
    job_that_refuses_leaves_the_others_of_its_group_whole,
    text_with_a_nul_is_kept_as_it_came,
);

#[test]
fn full_disk_keeps_nothing_of_the_request_and_works_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { readers: 1, pages_max: Some(140) };
    let store = Base::file(folder.path().join("node.db")).with(options).open().unwrap();
    let collection = collection(&store, "workbench");
    let large = "x".repeat(100_000);
    let many = (0..50).map(|n| with_body(n, 0, &format!("{n}{large}"))).collect();
    let error = try_add(&store, &collection, many).unwrap_err();
    assert!(matches!(error, Error::Full), "{error:?}");
    assert!(shown(&store, &collection, &everything()).is_empty());
    add(&store, &collection, vec![object(1, 0)]);
    assert_eq!(shown(&store, &collection, &everything()), ["1.0"]);
}

#[test]
fn database_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let base = Base::file(folder.path().join("node.db"));
    drop(base.open().unwrap());
    let connection = rusqlite::Connection::open(folder.path().join("node.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = base.open().err().unwrap();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error:?}");
}

/// A database of the first version, as 0.1.0 left it, comes up with every object and its states.
#[test]
fn database_of_the_first_version_is_brought_up_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../migrations/sqlite/0001.sql")).unwrap();
    connection
        .execute_batch(
            "PRAGMA user_version = 1;
             INSERT INTO collection (id, root, alias, title, description, flow, created)
             VALUES ('00000000-0000-4000-8000-000000000001', 'local', 'old', 'Old', '', 'local', 0);
             INSERT INTO blob VALUES (1, x'01', x'7b7d'), (2, x'02', x'7b207d'), (3, x'03', x'5b5d');
             INSERT INTO entry VALUES
             (1, 10, 1, 'tool--1', '2031-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000', 'tool',
              '2.1', NULL, NULL, 1, 0),
             (1, 20, 2, 'tool--1', '2031-01-01T00:00:00.001Z', '2031-01-01T00:00:00.001', 'tool',
              '2.1', NULL, NULL, 0, 1),
             (1, 30, 3, 'tool--2', '2031-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000', 'tool',
              '2.1', 4, NULL, 1, 1);",
        )
        .unwrap();
    drop(connection);
    let store = Base::file(path).open().unwrap();
    let old = collection(&store, "old");
    assert_eq!(shown(&store, &old, &everything()), ["1.0", "1.1", "2.0"]);
    assert_eq!(shown(&store, &old, &latest()), ["1.1", "2.0"]);
    add(&store, &old, vec![object(1, 2)]);
    assert_eq!(shown(&store, &old, &latest()), ["2.0", "1.2"]);
}

fn same_object_again_is_a_success_and_another_content_is_kept_beside(base: &Base) {
    let store = base.open().unwrap();
    let collection = collection(&store, "workbench");
    add(&store, &collection, vec![object(1, 0), object(1, 0)]);
    let other = add(&store, &collection, vec![with_body(1, 0, "{ }")]);
    assert!(other.lines[0].ok && other.lines[0].message.is_some(), "{:?}", other.lines);
    let got = page(&store, &collection, &everything());
    assert_eq!(got.entries.len(), 1);
    assert_eq!(got.entries[0].body.as_ref().unwrap(), &object(1, 0).body);
}

fn what_was_committed_is_there_after_a_crash(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![object(1, 0)]);
    // A second store on the same place is what a restart after a kill finds.
    let again = base.open().unwrap();
    assert_eq!(shown(&again, &workbench, &everything()), ["1.0"]);
}

fn job_that_refuses_leaves_the_others_of_its_group_whole(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    std::thread::scope(|scope| {
        for n in 0..8u32 {
            let (store, workbench) = (&store, &workbench);
            scope.spawn(move || {
                for round in 0..10 {
                    add(store, workbench, vec![object(n * 100 + round, 0)]);
                    let refused = store.set_password(
                        "nobody".to_owned(),
                        "hash".to_owned(),
                        "admin".to_owned(),
                        now(),
                    );
                    let error = pollster::block_on(refused).unwrap_err();
                    assert!(matches!(error, Error::NotFound), "{error:?}");
                }
            });
        }
    });
    assert_eq!(shown(&store, &workbench, &everything()).len(), 80);
    assert!(pollster::block_on(store.journal_after(0, 100)).unwrap().is_empty());
}

fn text_with_a_nul_is_kept_as_it_came(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let mut odd = object(1, 0);
    odd.id = "tool--\0".to_owned();
    odd.type_ = "to\0ol".to_owned();
    add(&store, &workbench, vec![odd]);
    let got = page(&store, &workbench, &everything());
    assert_eq!((got.entries[0].id.as_str(), got.entries[0].type_.as_str()), ("tool--\0", "to\0ol"));
}
