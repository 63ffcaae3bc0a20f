//! What requests keep of the register is let go of by every transaction that changes it, whoever
//! makes it, and by no other.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use pollster::block_on;
use protocol::{
    secrets::sha256,
    terms::{Digest, Role, Timestamp},
};
use stix::{Marking, Tlp};
use store::{
    CollectionChange, DeleteObject, Error, NewCollection, NewObject, Rights, Sight, Store,
    Versions, Work,
};
use testkit::Base;
use tokio::sync::watch::Receiver;
use uuid::Uuid;

use crate::kit::*;

crate::over_both!(
    what_changes_the_register_rings_for_it_and_what_posts_or_deletes_does_not,
    marking_is_known_with_the_commit_that_brings_it,
    what_another_process_changes_is_heard_of_with_the_next_commit,
);

fn who() -> String {
    "mira".to_owned()
}

fn by() -> String {
    "test".to_owned()
}

fn digest(text: &str) -> Digest {
    sha256(text.as_bytes())
}

fn definition(id: u32, marking: Marking) -> NewObject {
    NewObject { marking: Some(marking), ..object(id, 0) }
}

fn delete(store: &Store, alias: &str, id: u32) -> Result<(), Error> {
    let delete = DeleteObject {
        collection: collection(store, alias),
        id: format!("tool--{id}"),
        specs: Vec::new(),
        versions: Versions::All,
        sight: Sight::default(),
        account: by(),
        why: "a test".to_owned(),
        now: now(),
    };
    block_on(store.delete_object(delete)).map(drop)
}

fn create(store: &Store, name: &str) -> Result<(), Error> {
    let roles = vec![Role::Administrator, Role::Drafter];
    block_on(store.create_account(name.to_owned(), roles, None, by(), now()))
}

fn aggregate(store: &Store) -> Result<(), Error> {
    let sources = vec![collection(store, "shared")];
    let new = NewCollection { sources, ..NewCollection::local(Uuid::from_u128(9), "all", "All") };
    block_on(store.create_collection(new, by(), now()))
}

fn token(store: &Store, expires: Option<Timestamp>) -> Result<(), Error> {
    block_on(store.add_token(digest("token"), who(), "poller".to_owned(), expires, now()))
}

fn end_token(store: &Store) -> Result<(), Error> {
    let id = block_on(store.token_rows())?.remove(0).id;
    block_on(store.end_token(id, by(), now()))
}

fn grant(store: &Store, may: Rights) -> Result<(), Error> {
    block_on(store.grant(who(), Some(collection(store, "shared")), may, by(), now()))
}

fn rename(store: &Store) -> Result<(), Error> {
    let change = CollectionChange { title: Some("Ours".to_owned()), ..Default::default() };
    block_on(store.change_collection(collection(store, "shared"), change, by(), now()))
}

fn feed(store: &Store, source: &str) -> Result<(), Error> {
    let (all, source) = (collection(store, "all"), collection(store, source));
    block_on(store.set_sources(all, vec![source], by(), now()))
}

fn post(store: &Store, object: NewObject) -> Result<(), Error> {
    try_add(store, &collection(store, "shared"), vec![object]).map(drop)
}

/// One transaction.
type Does = fn(&Store) -> Result<(), Error>;

/// Each changes what requests ask again and again; in an order that makes each possible.
const CHANGES: &[(&str, Does)] = &[
    ("an account comes", |store| create(store, "mira")),
    ("a password", |store| block_on(store.set_password(who(), "hash".into(), by(), now()))),
    ("a token comes", |store| token(store, None)),
    ("a token ends", end_token),
    ("a certificate", |store| {
        block_on(store.add_certificate(digest("pin"), who(), "laptop".into(), by(), now()))
    }),
    ("a certificate is taken back", |store| {
        let id = block_on(store.certificates(None))?.remove(0).id;
        block_on(store.remove_certificate(who(), id, by(), now()))
    }),
    ("access is given", |store| grant(store, Rights::ALL)),
    ("access is narrowed", |store| grant(store, Rights::READ)),
    ("access is taken away", |store| grant(store, Rights::NONE)),
    ("a ceiling", |store| {
        block_on(store.set_sight(who(), Sight::new(Tlp::Green, None), by(), now()))
    }),
    ("a ceiling goes", |store| block_on(store.set_sight(who(), Sight::default(), by(), now()))),
    ("another administrator", |store| create(store, "otto")),
    ("roles are taken away", |store| {
        block_on(store.change_account(who(), Vec::new(), false, by(), now()))
    }),
    ("an account is shut", |store| {
        block_on(store.change_account(who(), Vec::new(), true, by(), now()))
    }),
    ("a collection comes", |store| {
        collection(store, "other");
        Ok(())
    }),
    ("a collection changes", rename),
    ("an aggregate comes", aggregate),
    ("an aggregate is fed from elsewhere", |store| feed(store, "other")),
    ("a marking definition", |store| post(store, definition(900, Marking::Tlp(Tlp::Amber)))),
];

/// None of these does; they are what a busy node is made of.
const OTHERS: &[(&str, Does)] = &[
    ("an object is posted", |store| post(store, object(1, 0))),
    ("a version is posted", |store| post(store, object(1, 1))),
    ("it is posted again", |store| post(store, object(1, 1))),
    ("an object waits for its marking", |store| {
        post(store, NewObject { awaits: vec!["marking-definition--7".into()], ..object(2, 0) })
    }),
    ("an object is deleted", |store| delete(store, "shared", 1)),
    ("a session opens", |store| {
        block_on(store.add_session(digest("session"), who(), "csrf".into(), now()))
    }),
    ("a session is used", |store| block_on(store.touch_session(digest("session"), true, now()))),
    ("what expired is swept", |store| block_on(store.sweep(now())).map(drop)),
    ("aggregates are fed", |store| block_on(store.feed(100, now())).map(drop)),
    ("something is refused", |store| {
        let refused = block_on(store.set_password("nobody".into(), "hash".into(), by(), now()));
        assert!(matches!(refused, Err(Error::NotFound)));
        Ok(())
    }),
];

fn what_changes_the_register_rings_for_it_and_what_posts_or_deletes_does_not(base: &Base) {
    let store = base.open().unwrap();
    until_it_listens(base, &store);
    collection(&store, "shared");
    let mut bell = store.calls(Work::Register);
    for (what, does) in CHANGES {
        bell.mark_unchanged();
        does(&store).unwrap();
        assert!(bell.has_changed().unwrap(), "{what}: what is kept is out of date");
    }
    bell.mark_unchanged();
    for (what, does) in OTHERS {
        does(&store).unwrap();
        assert!(!bell.has_changed().unwrap(), "{what}: the register is as it was");
    }
}

fn marking_is_known_with_the_commit_that_brings_it(base: &Base) {
    let store = base.open().unwrap();
    let shared = collection(&store, "shared");
    let known = || block_on(store.known_markings()).unwrap();
    let is = |id: &str| known().get(id).copied();
    assert_eq!(is("tool--1"), None);
    add(&store, &shared, vec![definition(1, Marking::Tlp(Tlp::Amber)), object(2, 0)]);
    assert_eq!((is("tool--1"), is("tool--2")), (Some(Marking::Tlp(Tlp::Amber)), None));
    until_it_listens(base, &store);
    let before = known();
    add(&store, &shared, vec![object(3, 0)]);
    assert!(Arc::ptr_eq(&before, &known()), "nothing came that it would be read for");
    add(&store, &shared, vec![definition(4, Marking::Statement)]);
    assert_eq!(is("tool--4"), Some(Marking::Statement));
    // What is here stays what it is.
    add(&store, &shared, vec![NewObject { marking: Some(Marking::Other), ..object(4, 1) }]);
    assert_eq!(is("tool--4"), Some(Marking::Statement));
}

/// PostgreSQL tells of it by itself; a file is looked at whenever this process writes.
fn what_another_process_changes_is_heard_of_with_the_next_commit(base: &Base) {
    let (here, there) = (base.open().unwrap(), base.open().unwrap());
    let shared = collection(&here, "shared");
    until_it_listens(base, &here);
    let mut bells = [here.calls(Work::Register), here.calls(Work::Drafts)];
    add(&here, &shared, vec![object(1, 0)]);
    assert_eq!(heard(&mut bells), [false, false], "its own commits are no news");
    create(&there, "mira").unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !bells[0].has_changed().unwrap() {
        assert!(Instant::now() < deadline, "no news");
        match base.path() {
            Some(_) => {
                add(&here, &shared, vec![object(2, 0)]);
                assert_eq!(heard(&mut bells), [true, true], "nobody says for whom it left work");
                break;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    heard(&mut bells);
    add(&here, &shared, vec![object(3, 0)]);
    assert!(!bells[0].has_changed().unwrap(), "it is told once");
}

/// Whoever writes a new statement that changes the register meets this, and then the list above.
#[test]
fn every_function_that_writes_to_the_register_rings_for_it() {
    const TABLES: [&str; 8] =
        ["account", "token", "certificate", "access", "sight", "collection", "feed", "marking"];
    // A token that expired is told by its date; how far an aggregate is fed is asked nowhere, and
    // what it was fed from is none of its sources from the moment that it ends.
    const NEED_NOT: [&str; 3] = ["sweep", "copy", "end"];
    let (mut files, mut writers) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")], 0);
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap().replace("\nfn ", "\n fn ");
        for function in text.split(" fn ").skip(1) {
            let words: Vec<_> = function.split([' ', '\n']).filter(|w| !w.is_empty()).collect();
            let writes = words.windows(3).any(|three| match *three {
                ["INSERT", "INTO", table] | ["DELETE", "FROM", table] | ["UPDATE", table, _] => {
                    TABLES.contains(&table)
                }
                _ => false,
            });
            let name = function.split(['(', '<']).next().unwrap();
            if writes && !NEED_NOT.contains(&name) {
                writers += 1;
                let rings = function.contains("leave(Work::Register)");
                assert!(rings, "{name} in {} does not", path.display());
            }
        }
    }
    assert_eq!(writers, 14, "a new one belongs into the list above, too");
}

/// Which of them rang since the last time.
fn heard<const N: usize>(bells: &mut [Receiver<u64>; N]) -> [bool; N] {
    let rung = bells.each_ref().map(|bell| bell.has_changed().unwrap());
    bells.iter_mut().for_each(Receiver::mark_unchanged);
    rung
}

/// The first word of who listens to PostgreSQL is for everybody; no commit here is for these.
fn until_it_listens(base: &Base, store: &Store) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let called = store.calls(Work::Submissions);
    while base.url().is_some() && *called.borrow() == 0 {
        assert!(Instant::now() < deadline, "it does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}
