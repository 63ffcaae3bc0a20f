//! What a post reads does not grow with what is there, also where every statement was planned while
//! the tables were empty, as those of a new node are.

use std::time::Duration;

use store::{Collection, NewObject, Options, Store};

use super::kit::{add, collection, object, with_body};

/// Objects of a batch.
const BATCH: u32 = 50;
/// Batches of a phase.
const BATCHES: u32 = 10;

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

/// Rows and index entries that were read in this schema so far.
fn read_so_far(client: &mut ::postgres::Client) -> i64 {
    let sql = "SELECT CAST(
        (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = current_schema()) +
        (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = current_schema())
        AS BIGINT)";
    client.query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn posts_read_no_more_however_much_is_here() {
    let test = concat!(module_path!(), "::posts_read_no_more_however_much_is_here");
    let Some(base) = testkit::Base::postgres(test) else { return };
    let url = base.url().unwrap().to_owned();
    let store = Store::connect(&url, Options::default()).unwrap();
    let mut client = ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap();
    // With statistics it would plan anew, and the plans of an empty table are what is looked at.
    let still = ["entry", "blob", "conflict", "status", "class"]
        .map(|table| format!("ALTER TABLE {table} SET (autovacuum_enabled = false);"));
    client.batch_execute(&still.concat()).unwrap();
    let places = [&collection(&store, "first"), &collection(&store, "second")];
    let mut phase = |number: u32| {
        let before = read_so_far(&mut client);
        for batch in number * BATCHES..(number + 1) * BATCHES {
            post(&store, places, batch);
        }
        // The server counts what a connection read when a transaction ends a second after it last did.
        std::thread::sleep(Duration::from_millis(1_200));
        add(&store, places[0], vec![object(2_000_000 + number, 1)]);
        read_so_far(&mut client) - before
    };
    let [_, early, late] = [phase(0), phase(1), phase(2)];
    assert!(early > 0, "reading is counted");
    assert!(late * 10 <= early * 12, "{early} in the second five hundred, {late} in the third");
}
