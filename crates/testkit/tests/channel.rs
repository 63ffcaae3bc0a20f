//! Whole histories of two nodes in one thread: seeded weather, restarts, recalls in any order.

#[path = "channel/agreements.rs"]
mod agreements;
#[path = "channel/clocks.rs"]
mod clocks;
#[path = "channel/faults.rs"]
mod faults;
#[path = "channel/gaps.rs"]
mod gaps;
#[path = "channel/keys.rs"]
mod keys;
#[path = "channel/quarantine.rs"]
mod quarantine;
#[path = "channel/three.rs"]
mod three;

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use store::Lane;
use testkit::{
    Base, Kept, Weather, Worker, World,
    history::{self, Op},
    tool,
};

fn world(seed: u64, weather: Weather) -> (tempfile::TempDir, World) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path(), seed, weather);
    (folder, world)
}

#[test]
fn release_arrives_byte_for_byte_and_both_ledgers_agree() {
    let (_folder, mut world) = world(1, Weather::default());
    let objects: Vec<_> = (0..5).map(|n| tool(n, 0)).collect();
    world.post(true, "lamps", &objects);
    world.settle();
    assert_eq!(world.b.served("lamps"), objects);
    let comparison = world.compare();
    assert!(comparison.agree, "{comparison:?}");
    assert!(comparison.open.is_empty(), "{comparison:?}");
    assert_eq!(comparison.receipted, 3, "two signatures and a release: {comparison:?}");
}

#[test]
fn topic_that_asks_for_a_second_person_waits_for_one() {
    let (_folder, mut world) = world(2, Weather::default());
    let added = world.post(true, "tea", &[tool(1, 0)]);
    world.settle();
    assert!(world.b.served("tea").is_empty());
    let release = pollster::block_on(world.a.service.store().release(added.release.unwrap()));
    assert_eq!(release.unwrap().unwrap().state.word(), "awaiting-release");
}

#[test]
fn recalled_item_is_gone_and_what_comes_again_is_not_served() {
    let (_folder, mut world) = world(3, Weather::default());
    let added = world.post(true, "lamps", &[tool(1, 0), tool(2, 0)]);
    world.settle();
    world.recall(added.release.unwrap(), Some(vec![0]));
    world.settle();
    assert_eq!(world.b.served("lamps"), [tool(2, 0)]);
    let recalls = pollster::block_on(world.a.service.store().recalls(10)).unwrap();
    assert_eq!(recalls[0].answer.unwrap().word(), "deleted-everywhere");
    assert!(world.compare().agree);
}

const FOUL: Weather = Weather { lost: 20, doubled: 20, answer_lost: 20, forgotten: 0 };

/// A folder in memory where there is one: a history's crashes are of processes, not of disks.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Two nodes that have met, made once for all histories.
fn kept() -> &'static Kept {
    static KEPT: OnceLock<(tempfile::TempDir, Kept)> = OnceLock::new();
    let (_, kept) = KEPT.get_or_init(|| {
        let folder = folder();
        let kept = World::new(folder.path(), 1, Weather::default()).keep(folder.path());
        (folder, kept)
    });
    kept
}

fn run(seed: u64, weather: Weather, operations: &[Op]) -> Result<(), String> {
    let folder = folder();
    history::run(&mut World::fork(kept(), folder.path(), seed, weather), operations)
}

fn must_hold(seed: u64) {
    let operations = history::operations(seed);
    let Err(wrong) = run(seed, FOUL, &operations) else { return };
    let least = history::shrunk(&operations, |fewer| run(seed, FOUL, fewer).is_err());
    panic!("seed {seed}: {wrong}\nthe least that fails: {least:#?}");
}

/// The same in a world whose nodes hold apart and refuse.
fn run_dirty(seed: u64, operations: &[Op]) -> Result<(), String> {
    let folder = folder();
    let mut world = World::fork(kept(), folder.path(), seed, FOUL);
    history::hold_apart(&world);
    history::run(&mut world, operations)
}

fn dirty_must_hold(seed: u64) {
    let operations = history::operations_dirty(seed);
    let Err(wrong) = run_dirty(seed, &operations) else { return };
    let least = history::shrunk(&operations, |fewer| run_dirty(seed, fewer).is_err());
    panic!("seed {seed}: {wrong}\nthe least that fails: {least:#?}");
}

/// `DETENTE_HISTORIES` widens the range; a failure prints its seed and the least that fails.
#[test]
fn seeded_histories_deliver_each_release_once_and_ledgers_agree() {
    for_each_seed(must_hold);
}

/// In whatever order messages come: what stands apart is served nowhere until it is let in, is
/// decided on once, and the last receipt tells the state of every item.
#[test]
fn seeded_histories_hold_apart_until_decided_and_receipts_tell_the_whole_state() {
    for_each_seed(dirty_must_hold);
}

fn for_each_seed(must_hold: impl Fn(u64) + Sync) {
    let wanted = std::env::var("DETENTE_HISTORIES").ok().and_then(|text| text.parse().ok());
    let wanted: u64 = wanted.unwrap_or(60);
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= wanted {
                        return;
                    }
                    must_hold(seed);
                }
            });
        }
    });
}

#[test]
fn crash_of_either_node_behind_any_operation_changes_nothing() {
    let whole = history::one_release_and_its_recall();
    run(0, Weather::default(), &whole).unwrap();
    for place in 0..=whole.len() {
        for at_a in [true, false] {
            let mut crashed = whole.clone();
            crashed.insert(place, Op::Restart { at_a });
            run(0, Weather::default(), &crashed)
                .unwrap_or_else(|wrong| panic!("crash before operation {place}: {wrong}"));
        }
    }
}

/// The release is under way and held up; its recall arrives first.
#[test]
fn recall_that_comes_before_its_release_is_obeyed_when_the_release_comes() {
    let work = |at_a, worker| Op::Work { at_a, worker };
    let sent = [work(true, Worker::Relay(Lane::Urgent)), work(true, Worker::Relay(Lane::Bulk))];
    let taken =
        [work(false, Worker::Intake(Lane::Urgent)), work(false, Worker::Intake(Lane::Bulk))];
    let mut operations = vec![Op::Post { at_a: true, number: 1 }, work(true, Worker::Release)];
    operations.extend(sent);
    operations.extend([Op::Recall { at_a: true, nth: 0 }, work(true, Worker::Recall)]);
    operations.extend(sent);
    operations.push(Op::Deliver { nth: 1 });
    operations.extend(taken);
    operations.push(Op::Deliver { nth: 0 });
    operations.extend(taken);
    run(0, Weather::default(), &operations).unwrap();
}

#[test]
fn seeded_histories_over_postgres_deliver_each_release_once() {
    for seed in 100..105u64 {
        let test = "seeded_histories_over_postgres_deliver_each_release_once";
        let (Some(a), Some(b)) = (Base::postgres(test), Base::postgres(test)) else { return };
        let mut world = World::over([a, b], seed, FOUL);
        if let Err(wrong) = history::run(&mut world, &history::operations(seed)) {
            panic!("seed {seed}: {wrong}");
        }
    }
}

#[test]
fn seeded_histories_over_postgres_hold_apart_until_decided() {
    for seed in 105..110u64 {
        let test = "seeded_histories_over_postgres_hold_apart_until_decided";
        let (Some(a), Some(b)) = (Base::postgres(test), Base::postgres(test)) else { return };
        let mut world = World::over([a, b], seed, FOUL);
        history::hold_apart(&world);
        if let Err(wrong) = history::run(&mut world, &history::operations_dirty(seed)) {
            panic!("seed {seed}: {wrong}");
        }
    }
}
