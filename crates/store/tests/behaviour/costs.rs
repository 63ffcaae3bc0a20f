//! What posts, deletions, retention, aggregates and late markings read does not grow with what is
//! there, also where every statement was planned while the tables were empty, as those of a new node
//! are.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use pollster::block_on;
use stix::Tlp;
use store::{Collection, NewObject, Options, Page, Sight, Store};

use super::{
    collections::{DAY_MS, aggregate, delete_from, keep_for},
    kit::{add, collection, joined, latest, marked, now, object, page, with_body},
};

/// Objects of a batch.
const BATCH: u32 = 50;
/// Batches of a phase.
const BATCHES: u32 = 10;
/// The server counts what a connection read when a transaction ends a second after it last did.
const COUNTED: Duration = Duration::from_millis(1_200);

/// Posts of every kind: what is new, to two collections, newer versions, the same again, another
/// content of a version that is here, and what has no version of its own.
fn post(store: &Store, [first, second]: [&Collection; 2], batch: u32) {
    let numbers = || batch * BATCH..(batch + 1) * BATCH;
    let all = |make: &dyn Fn(u32) -> NewObject| numbers().map(make).collect::<Vec<_>>();
    let unversioned = |id: u32| NewObject {
        version: None,
        version_key: String::new(),
        ..with_body(id + 1_000_000, 0, &format!("{{\"id\":\"tool--{}\"}}", id + 1_000_000))
    };
    add(store, first, all(&|id| object(id, 1)));
    add(store, second, all(&|id| object(id, 1)));
    add(store, first, all(&|id| object(id, 2)));
    add(store, first, all(&|id| object(id, 2)));
    add(store, first, all(&|id| with_body(id, 2, &format!("{{\"other\":{id}}}"))));
    add(store, first, all(&|id| with_body(id, 2, &format!("{{\"other\":{id}}}"))));
    add(store, first, all(&unversioned));
    add(store, first, all(&unversioned));
}

/// Index entries and rows that were read in this schema so far, by index and table.
fn read_so_far(client: &mut ::postgres::Client) -> BTreeMap<String, i64> {
    let sql = "SELECT CAST(indexrelname AS TEXT), idx_tup_read FROM pg_stat_user_indexes
        WHERE schemaname = current_schema() UNION ALL
        SELECT CAST(relname AS TEXT), seq_tup_read FROM pg_stat_user_tables
        WHERE schemaname = current_schema()";
    client.query(sql, &[]).unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// A store whose statements are planned while its tables are empty, and stay so: with statistics the
/// server would plan anew.
fn planned_while_empty(test: &str) -> Option<(Store, ::postgres::Client)> {
    let base = testkit::Base::postgres(test)?;
    let url = base.url().unwrap().to_owned();
    let store = Store::connect(&url, Options::default()).unwrap();
    let mut client = ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap();
    let tables =
        "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()";
    for row in client.query(tables, &[]).unwrap() {
        let table: String = row.get(0);
        let still = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
        client.batch_execute(&still).unwrap();
    }
    Some((store, client))
}

/// Fails where `act` reads more of a store in its third phase than in the second, each of which
/// `fill` begins by adding the same again; the first is for what is only read once.
fn reads_no_more(
    (store, mut client): (Store, ::postgres::Client),
    mut fill: impl FnMut(&Store, u32),
    mut act: impl FnMut(&Store, u32),
) {
    let tick = collection(&store, "tick");
    let mut settled = |store: &Store, number: u32| {
        std::thread::sleep(COUNTED);
        add(store, &tick, vec![object(2_000_000 + number, 1)]);
        read_so_far(&mut client)
    };
    let mut phase = |number: u32| {
        fill(&store, number);
        let before = settled(&store, 2 * number);
        act(&store, number);
        let mut read = settled(&store, 2 * number + 1);
        read.iter_mut().for_each(|(name, count)| *count -= before.get(name).unwrap_or(&0));
        read
    };
    let [_, early, late] = [phase(0), phase(1), phase(2)];
    let [sum, later] = [&early, &late].map(|phase| phase.values().sum::<i64>());
    assert!(sum > 0, "reading is counted");
    let grown: Vec<_> = late
        .iter()
        .map(|(name, count)| (count - early.get(name).unwrap_or(&0), name))
        .filter(|(more, _)| *more > sum / 100)
        .collect();
    assert!(later * 10 <= sum * 12, "{sum} in the second phase, {later} in the third: {grown:?}");
}

#[test]
fn posts_read_no_more_however_much_is_here() {
    let test = concat!(module_path!(), "::posts_read_no_more_however_much_is_here");
    let Some(planned) = planned_while_empty(test) else { return };
    let places = ["first", "second"].map(|alias| collection(&planned.0, alias));
    let post = |store: &Store, number: u32| {
        for batch in number * BATCHES..(number + 1) * BATCHES {
            post(store, [&places[0], &places[1]], batch);
        }
    };
    reads_no_more(planned, |_, _| {}, post);
}

/// Ids of a phase.
fn ids(phase: u32) -> std::ops::Range<u32> {
    phase * BATCH * BATCHES..(phase + 1) * BATCH * BATCHES
}

/// Five hundred objects, each in two versions, and another content of every fifth.
fn fill(store: &Store, place: &Collection, phase: u32) {
    add(store, place, ids(phase).flat_map(|id| [object(id, 1), object(id, 2)]).collect());
    let other = |id: u32| with_body(id, 2, &format!("{{\"other\":{id}}}"));
    add(store, place, ids(phase).step_by(5).map(other).collect());
}

#[test]
fn deletions_read_no_more_however_much_is_here() {
    let test = concat!(module_path!(), "::deletions_read_no_more_however_much_is_here");
    let Some(planned) = planned_while_empty(test) else { return };
    let place = collection(&planned.0, "first");
    let all = aggregate(&planned.0, &[&place]);
    let fill = |store: &Store, phase: u32| {
        fill(store, &place, phase);
        while block_on(store.feed(1_000, now())).unwrap() > 0 {}
    };
    let delete = |store: &Store, phase: u32| {
        for id in ids(phase).step_by(10) {
            assert_eq!(delete_from(store, &place, id), 2);
        }
    };
    reads_no_more(planned, fill, delete);
    drop(all);
}

#[test]
fn retention_reads_no_more_however_much_is_here() {
    let test = concat!(module_path!(), "::retention_reads_no_more_however_much_is_here");
    let Some(planned) = planned_while_empty(test) else { return };
    let place = collection(&planned.0, "first");
    keep_for(&planned.0, &place, Some(7));
    let retire = |store: &Store, _| {
        let now = now().plus_ms(8 * DAY_MS);
        for _ in 0..4 {
            assert!(block_on(store.retire(25, now)).unwrap() >= 25);
        }
    };
    reads_no_more(planned, |store, phase| fill(store, &place, phase), retire);
}

#[test]
fn aggregates_read_no_more_however_much_is_here() {
    let test = concat!(module_path!(), "::aggregates_read_no_more_however_much_is_here");
    let Some(planned) = planned_while_empty(test) else { return };
    let places = ["first", "second"].map(|alias| collection(&planned.0, alias));
    aggregate(&planned.0, &[&places[0], &places[1]]);
    let fill = |store: &Store, phase: u32| {
        fill(store, &places[0], phase);
        add(store, &places[1], ids(phase).map(|id| object(id, 2)).collect());
    };
    let feed = |store: &Store, _| while block_on(store.feed(100, now())).unwrap() > 0 {};
    reads_no_more(planned, fill, feed);
}

#[test]
fn polls_that_find_nothing_read_no_more_however_much_is_here() {
    let test =
        concat!(module_path!(), "::polls_that_find_nothing_read_no_more_however_much_is_here");
    let Some(planned) = planned_while_empty(test) else { return };
    let places = ["first", "second"].map(|alias| collection(&planned.0, alias));
    let sights = [Tlp::Red, Tlp::Green].map(|ceiling| Sight::new(ceiling, None));
    let pages = RefCell::new(Vec::new());
    let fill = |store: &Store, phase: u32| {
        places.iter().for_each(|place| fill(store, place, phase));
        // What one of the pollers does not see comes last.
        let hidden = |id: u32| marked(4_000_000 + id, 0, Tlp::Red);
        add(store, &places[0], ids(phase).map(hidden).collect());
        let news = |sight: &Sight| {
            let all = Page { sight: sight.clone(), ..latest() };
            let after = page(store, &places[0], &all).entries.last().map(|last| last.date_added);
            Page { after, ..all }
        };
        pages.replace(sights.iter().map(news).collect());
        // Counted with what fills, not with what polls.
        std::thread::sleep(COUNTED);
        pages.borrow().iter().for_each(|news| drop(page(store, &places[0], news)));
    };
    let poll = |store: &Store, _| {
        for news in pages.borrow().iter() {
            for _ in 0..200 {
                assert_eq!(joined(store, &places[0], news).dates, None);
            }
        }
    };
    reads_no_more(planned, fill, poll);
}

#[test]
fn late_markings_read_no_more_however_much_is_here() {
    let test = concat!(module_path!(), "::late_markings_read_no_more_however_much_is_here");
    let Some(planned) = planned_while_empty(test) else { return };
    let place = collection(&planned.0, "first");
    let name = |phase: u32| format!("marking-definition--{phase}");
    let fill = |store: &Store, phase: u32| {
        let waiting = |id: u32| NewObject { awaits: vec![name(phase)], ..marked(id, 0, Tlp::Red) };
        add(store, &place, ids(phase).map(waiting).collect());
    };
    let settle = |store: &Store, phase: u32| {
        let marking = Some(stix::Marking::Tlp(Tlp::Green));
        let definition = with_body(3_000_000 + phase, 0, &format!("{{\"n\":{phase}}}"));
        add(store, &place, vec![NewObject { id: name(phase), marking, ..definition }]);
        loop {
            let waiting = block_on(store.awaiting(100)).unwrap();
            if waiting.is_empty() {
                return;
            }
            let read = |entry: store::Awaiting| {
                let body: serde_json::Value = serde_json::from_slice(&entry.body).unwrap();
                let id = body["id"].as_str().unwrap().trim_start_matches("tool--");
                let object = marked(id.parse().unwrap(), 0, Tlp::Green);
                (entry, object)
            };
            block_on(store.redate(waiting.into_iter().map(read).collect(), now())).unwrap();
        }
    };
    reads_no_more(planned, fill, settle);
}
