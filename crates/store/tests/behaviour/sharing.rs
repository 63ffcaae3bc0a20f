//! Several stores over one database, as several node processes are: order, leases, news, and a
//! database that goes away.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use pollster::block_on;
use protocol::terms::{NodeName, StatementId};
use stix::Tlp;
use store::{
    Collection, DeleteObject, Error, NewObject, Page, Put, Route, Sight, Store, Versions, Work,
};
use testkit::Base;

use crate::kit::*;

fn two(test: &str) -> Option<(Store, Store)> {
    let base = Base::postgres(test)?;
    Some((base.open().unwrap(), base.open().unwrap()))
}

#[test]
fn stores_of_several_processes_give_dates_in_one_order() {
    let test = "stores_of_several_processes_give_dates_in_one_order";
    let Some((one, other)) = two(test) else { return };
    let shared = collection(&one, "shared");
    std::thread::scope(|scope| {
        for n in 0..8u32 {
            let (store, shared) = (if n % 2 == 0 { &one } else { &other }, &shared);
            scope.spawn(move || {
                for round in 0..25 {
                    add(store, shared, vec![object(n * 100 + round, 0)]);
                }
            });
        }
    });
    let from_one = shown(&one, &shared, &latest());
    assert_eq!(from_one.len(), 200);
    assert_eq!(from_one, shown(&other, &shared, &latest()));
}

#[test]
fn lease_of_one_process_is_not_given_to_another_until_it_ends() {
    let test = "lease_of_one_process_is_not_given_to_another_until_it_ends";
    let Some((one, other)) = two(test) else { return };
    let id: StatementId = "11".repeat(32).parse().unwrap();
    let partner: NodeName = "brevia.example/channel".parse().unwrap();
    let put = one.put_inbox(id, partner, "envelope".into(), Route::Link, now());
    assert_eq!(block_on(put).unwrap(), Put::New);
    let leased =
        |store: &Store| block_on(store.lease_inbox(store::Lane::Urgent, 8, 1 << 20)).unwrap().len();
    assert_eq!(leased(&one), 1);
    assert_eq!((leased(&one), leased(&other)), (0, 0));
    one.close();
    // The server frees it when it meets the end of the connection, which is a moment later.
    let deadline = Instant::now() + Duration::from_secs(30);
    while leased(&other) == 0 {
        assert!(Instant::now() < deadline, "a process that ends gives its leases back");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_another_process_adds_or_deletes_is_there_or_gone_at_once() {
    let test = "what_another_process_adds_or_deletes_is_there_or_gone_at_once";
    let Some((one, other)) = two(test) else { return };
    let shared = collection(&one, "shared");
    let seen = || names(&joined(&one, &shared, &latest()));
    let single = |id: u32| {
        let page = Page { ids: vec![format!("tool--{id}")], ..latest() };
        names(&joined(&one, &shared, &page))
    };
    add(&one, &shared, vec![object(1, 0), object(2, 0)]);
    assert_eq!((seen(), single(1)), (vec!["1.0".into(), "2.0".into()], vec!["1.0".to_owned()]));
    // The first of its class: the other process does not know that there is such a one.
    add(&other, &shared, vec![marked(3, 0, Tlp::Green)]);
    assert_eq!((seen().len(), single(3)), (3, vec!["3.0".to_owned()]));
    add(&other, &shared, vec![marked(4, 0, Tlp::Amber)]);
    assert_eq!((single(4), seen().len()), (vec!["4.0".to_owned()], 4));
    let delete = DeleteObject {
        collection: shared.clone(),
        id: "tool--1".to_owned(),
        specs: Vec::new(),
        versions: Versions::All,
        sight: Sight::default(),
        account: "drafter".to_owned(),
        why: "a test".to_owned(),
        now: now(),
    };
    assert_eq!(block_on(other.delete_object(delete)).unwrap(), 1);
    assert_eq!((seen(), single(1).len()), (vec!["2.0".into(), "3.0".into(), "4.0".into()], 0));
    add(&other, &shared, vec![with_body(1, 0, r#"{"id":"tool--1","version":0,"again":true}"#)]);
    assert_eq!(seen().last().map(String::as_str), Some("1.0"));
    let bodies = joined(&one, &shared, &latest()).bodies;
    assert!(bodies.ends_with(br#""again":true}"#), "bytes of before");
}

#[test]
fn store_outlives_the_runtimes_that_it_is_asked_from() {
    let test = "store_outlives_the_runtimes_that_it_is_asked_from";
    let Some((one, _)) = two(test) else { return };
    let shared = collection(&one, "shared");
    add(&one, &shared, vec![object(1, 0)]);
    let single = Page { ids: vec!["tool--1".to_owned()], ..latest() };
    for round in 0..3 {
        let runtime = match round {
            1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
            _ => tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build(),
        };
        let runtime = runtime.unwrap();
        // One that is given up with its question leaves nothing behind that others wait for.
        let (store, collection, asked) = (one.clone(), shared.clone(), single.clone());
        runtime.spawn(async move { store.joined(&collection, &asked, 0).await.map(drop) });
        drop(runtime);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let got = loop {
            match runtime.block_on(one.joined(&shared, &single, 0)) {
                // It came between the end of the one that asked and the word of it.
                Err(Error::Away(_)) => assert!(Instant::now() < deadline, "nobody asks any more"),
                got => break got.unwrap(),
            }
        };
        assert_eq!(got.bodies, object(1, 0).body);
        assert_eq!(runtime.block_on(one.joined(&shared, &latest(), 0)).unwrap().bodies, got.bodies);
    }
}

/// What a client does whose request was answered by 503: the same again.
fn add_until_kept(store: &Store, shared: &Collection, objects: &[NewObject]) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match try_add(store, shared, objects.to_vec()) {
            Ok(added) => return assert!(added.lines.iter().all(|line| line.message.is_none())),
            Err(Error::Away(_)) => assert!(Instant::now() < deadline, "it stays away"),
            Err(error) => panic!("{error:?}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn database_that_hangs_up_loses_and_doubles_nothing() {
    let test = "database_that_hangs_up_loses_and_doubles_nothing";
    let Some(base) = Base::postgres(test) else { return };
    let stores = [base.open().unwrap(), base.open().unwrap()];
    let shared = collection(&stores[0], "shared");
    let done = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let (stores, shared, done, base) = (&stores, &shared, &done, &base);
        let poller = scope.spawn(move || poll_through(&stores[1], shared, done));
        let cutter = scope.spawn(move || {
            while !done.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(150));
                base.hang_up();
            }
        });
        let writers: Vec<_> = (0..8u32)
            .map(|writer| {
                scope.spawn(move || {
                    for round in 0..50 {
                        let id = writer * 1_000 + round * 2;
                        let pair = [object(id, 0), object(id + 1, 0)];
                        add_until_kept(&stores[writer as usize % 2], shared, &pair);
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Release);
        cutter.join().unwrap();
        poller.join().unwrap()
    });
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (800, 800), "each once");
}

fn poll_through(store: &Store, shared: &Collection, done: &AtomicBool) -> Vec<String> {
    let (mut asked, mut seen) = (Page { limit: 7, ..latest() }, Vec::new());
    loop {
        let last = done.load(Ordering::Acquire);
        let got = match try_joined(store, shared, &asked) {
            Ok(got) => got,
            Err(Error::Away(_)) => continue,
            Err(error) => panic!("{error:?}"),
        };
        asked.after = got.dates.map(|(_, date)| date).or(asked.after);
        seen.extend(names(&got));
        if got.dates.is_none() && last {
            return seen;
        }
    }
}

/// The listener connects by itself; its first word is for everybody.
fn until_it_listens(store: &Store) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while *store.changes().borrow() == 0 {
        assert!(Instant::now() < deadline, "it does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn commit_calls_only_the_workers_for_whom_it_left_work() {
    let test = "commit_calls_only_the_workers_for_whom_it_left_work";
    let Some((one, other)) = two(test) else { return };
    let deadline = Instant::now() + Duration::from_secs(10);
    let wait_for = |bell: &mut tokio::sync::watch::Receiver<u64>| {
        while !bell.has_changed().unwrap() {
            assert!(Instant::now() < deadline, "no news");
            std::thread::sleep(Duration::from_millis(5));
        }
        bell.mark_unchanged();
    };
    until_it_listens(&one);
    until_it_listens(&other);
    let (mut inbox, drafts) = (other.calls(Work::Inbox), other.calls(Work::Drafts));
    let own = (one.calls(Work::Inbox), one.calls(Work::Drafts));
    let id: StatementId = "12".repeat(32).parse().unwrap();
    let partner: NodeName = "brevia.example/channel".parse().unwrap();
    block_on(one.put_inbox(id, partner, "envelope".into(), Route::Link, now())).unwrap();
    assert_eq!((own.0.has_changed().unwrap(), own.1.has_changed().unwrap()), (true, false));
    wait_for(&mut inbox);
    assert!(!drafts.has_changed().unwrap(), "nothing was drafted");
}

#[test]
fn commit_of_one_process_wakes_another() {
    let Some((one, other)) = two("commit_of_one_process_wakes_another") else { return };
    let deadline = Instant::now() + Duration::from_secs(10);
    until_it_listens(&other);
    let before = *other.changes().borrow();
    collection(&one, "news");
    while *other.changes().borrow() == before {
        assert!(Instant::now() < deadline, "no news");
        std::thread::sleep(Duration::from_millis(5));
    }
}
