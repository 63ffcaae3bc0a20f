//! The order of dates: whoever goes on from where it was sees every object once, while any number
//! of writers write.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use pollster::block_on;
use store::{Collection, Page, Store};
use testkit::Base;

use crate::{kit::*, over_both};

over_both!(
    pollers_see_every_object_once_under_any_number_of_writers,
    dates_rise_when_the_clock_is_set_back,
    batches_end_on_a_millisecond,
    commits_are_fewer_than_requests,
);

const OBJECTS: u32 = 384;

fn pollers_see_every_object_once_under_any_number_of_writers(base: &Base) {
    for writers in [1, 4, 16, 64] {
        let store = base.open().unwrap();
        let shared = collection(&store, &format!("writers-{writers}"));
        let (next, done) = (AtomicU32::new(0), AtomicBool::new(false));
        let seen = std::thread::scope(|scope| {
            let pollers: Vec<_> =
                [(1, one_by_one as Ask), (7, one_by_one), (7, whole), (100, whole)]
                    .into_iter()
                    .map(|(limit, ask)| {
                        let (store, shared, done) = (&store, &shared, &done);
                        scope.spawn(move || poll(store, shared, (limit, ask), done))
                    })
                    .collect();
            let writing: Vec<_> = (0..writers)
                .map(|_| {
                    let (store, shared, next) = (&store, &shared, &next);
                    scope.spawn(move || {
                        loop {
                            // Pairs, so that a page may end inside a request.
                            let id = next.fetch_add(2, Ordering::Relaxed);
                            if id >= OBJECTS {
                                return;
                            }
                            add(store, shared, vec![object(id, 0), object(id + 1, 0)]);
                        }
                    })
                })
                .collect();
            writing.into_iter().for_each(|writer| writer.join().unwrap());
            done.store(true, Ordering::Release);
            pollers.into_iter().map(|poller| poller.join().unwrap()).collect::<Vec<_>>()
        });
        for mut names in seen {
            names.sort();
            let mut expected: Vec<_> = (0..OBJECTS).map(|id| format!("{id}.0")).collect();
            expected.sort();
            assert_eq!(names, expected, "{writers} writers");
        }
        store.close();
    }
}

/// Names and dates of a page; dates of its ends alone where that is all it tells.
type Ask = fn(&Store, &Collection, &Page) -> (Vec<String>, Vec<i64>);

fn one_by_one(store: &Store, collection: &Collection, asked: &Page) -> (Vec<String>, Vec<i64>) {
    let got = block_on(store.page(collection, asked)).unwrap();
    got.entries.iter().map(|entry| (name(entry), entry.date_added)).unzip()
}

/// As a door asks.
fn whole(store: &Store, collection: &Collection, asked: &Page) -> (Vec<String>, Vec<i64>) {
    let got = joined(store, collection, asked);
    let ends =
        got.dates.map(|(first, last)| if first < last { vec![first, last] } else { vec![last] });
    (names(&got), ends.unwrap_or_default())
}

/// Polls until the writers are done and a page after that is empty.
fn poll(
    store: &Store,
    collection: &Collection,
    (limit, ask): (usize, Ask),
    done: &AtomicBool,
) -> Vec<String> {
    let (mut asked, mut seen) = (Page { limit, ..latest() }, Vec::new());
    loop {
        let last = done.load(Ordering::Acquire);
        let (names, dates) = ask(store, collection, &asked);
        for date in dates {
            assert!(asked.after.is_none_or(|after| date > after), "dates rise");
            asked.after = Some(date);
        }
        if names.is_empty() {
            if last {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        seen.extend(names);
    }
}

fn dates_rise_when_the_clock_is_set_back(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    for (id, back_ms) in [(1, 0), (2, 60_000), (3, 3_600_000)] {
        let mut add = request(&workbench, vec![object(id, 0)]);
        add.now = now().plus_ms(-back_ms);
        block_on(store.add_objects(add)).unwrap();
    }
    assert_eq!(shown(&store, &workbench, &latest()), ["1.0", "2.0", "3.0"]);
    let dates: Vec<_> =
        page(&store, &workbench, &latest()).entries.iter().map(|entry| entry.date_added).collect();
    assert!(dates.is_sorted_by(|a, b| a < b), "{dates:?}");
}

fn batches_end_on_a_millisecond(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    for batch in 0..3 {
        add(&store, &workbench, vec![object(batch * 2, 0), object(batch * 2 + 1, 0)]);
        let last = page(&store, &workbench, &latest()).entries.pop().unwrap();
        assert_eq!(last.date_added % 1_000, 0);
    }
}

/// Group commit: what queues while a commit is made goes with the next.
fn commits_are_fewer_than_requests(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let before = store.commits();
    std::thread::scope(|scope| {
        for n in 0..16u32 {
            let (store, workbench) = (&store, &workbench);
            scope.spawn(move || {
                for round in 0..20 {
                    add(store, workbench, vec![object(n * 100 + round, 0)]);
                }
            });
        }
    });
    let commits = store.commits() - before;
    assert!(commits < 320, "{commits} commits for 320 requests");
    assert_eq!(shown(&store, &workbench, &latest()).len(), 320);
}
