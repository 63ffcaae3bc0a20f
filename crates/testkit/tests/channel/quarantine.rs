//! Dirty data on its way: what a policy holds apart waits for a person, its neighbours come in,
//! and the sender is told by rule and place.

use exchange::{
    intake,
    quarantine::{self, By, Decision},
    sweep,
};
use pollster::block_on;
use protocol::terms::{Outcome, StatementId};
use store::{Lane, ReleaseState, Route, Source};
use testkit::{Base, Weather, Worker, World, officer};
use uuid::Uuid;

use super::world;

/// A tool in which something is found: a confidence beyond the scale.
fn doubtful(number: u32) -> String {
    testkit::tool(number, 0).replace("\"name\"", "\"confidence\":400,\"name\"")
}

/// A release of two doubtful tools and a sound one has arrived.
fn held_apart(seed: u64) -> (tempfile::TempDir, World, Uuid, StatementId) {
    let (folder, world) = world(seed, Weather::default());
    let (world, release, id) = held_apart_in(world);
    (folder, world, release, id)
}

fn held_apart_in(mut world: World) -> (World, Uuid, StatementId) {
    let objects = [doubtful(1), testkit::tool(2, 0), doubtful(3)];
    let release = world.post(true, "lamps", &objects).release.unwrap();
    world.settle();
    world.settle();
    let waiting = block_on(world.b.service.store().quarantined(10)).unwrap();
    let [row] = waiting.as_slice() else { panic!("one statement waits: {waiting:?}") };
    let Source::Statement(id) = row.id else { panic!("a statement") };
    assert_eq!((row.objects, row.topic.as_ref().unwrap().as_str()), (2, "lamps"));
    (world, release, id)
}

fn decide(
    world: &mut World,
    id: StatementId,
    places: Option<&[u32]>,
    decision: Decision,
) -> Result<(), exchange::Failure> {
    let (b, now) = (world.b.service.clone(), world.now);
    let (source, someone) = (Source::Statement(id), officer(&b));
    let by = By { officer: &someone, reason: "looked at", now };
    block_on(quarantine::decide(&b, source, places, decision, by, &mut world.rng))
}

fn state(world: &World, release: Uuid) -> ReleaseState {
    block_on(world.a.service.store().release(release)).unwrap().unwrap().state
}

/// What A was last told of the items of its release: index, outcome, rule, place.
fn told(world: &World, release: Uuid) -> Vec<(u32, Outcome, String, String)> {
    let store = world.a.service.store();
    let statement = block_on(store.release(release)).unwrap().unwrap().statement.unwrap();
    let told = block_on(exchange::intake::receipts_of(&world.a.service, &statement)).unwrap();
    let (_, entry) = told.into_iter().next().unwrap();
    entry.items.into_iter().map(|item| (item.index, item.outcome, item.code, item.place)).collect()
}

fn item(index: u32, outcome: Outcome, code: &str, place: &str) -> (u32, Outcome, String, String) {
    (index, outcome, code.to_owned(), place.to_owned())
}

#[test]
fn object_that_breaks_a_must_stands_apart_and_its_neighbours_come_in() {
    let (_folder, world, release, _) = held_apart(61);
    assert_eq!(world.b.served("lamps").len(), 1);
    assert_eq!(state(&world, release), ReleaseState::Quarantined);
    let (rule, place) = ("STIX-3.2-10", "/confidence");
    let held = [0, 2].map(|index| item(index, Outcome::Quarantined, rule, place));
    assert_eq!(told(&world, release), held);
    assert!(world.compare().agree);
}

#[test]
fn objects_that_stand_apart_are_decided_on_one_by_one_and_once() {
    let (_folder, mut world, release, id) = held_apart(62);
    decide(&mut world, id, Some(&[0]), Decision::Accept).unwrap();
    assert!(decide(&mut world, id, Some(&[0]), Decision::Refuse).is_err(), "decided once");
    assert!(decide(&mut world, id, Some(&[1]), Decision::Accept).is_err(), "it does not wait");
    world.settle();
    world.settle();
    assert_eq!(world.b.served("lamps").len(), 2);
    assert_eq!(state(&world, release), ReleaseState::Quarantined, "one still waits");
    decide(&mut world, id, None, Decision::Refuse).unwrap();
    assert!(decide(&mut world, id, None, Decision::Accept).is_err(), "nothing waits");
    world.settle();
    world.settle();
    assert_eq!(world.b.served("lamps").len(), 2);
    assert_eq!(state(&world, release), ReleaseState::TakenInWithFindings);
    let let_in = item(0, Outcome::TakenInWithFindings, "STIX-3.2-10", "/confidence");
    let refused = item(2, Outcome::Refused, "quarantine-refused", "");
    assert_eq!(told(&world, release), [let_in, refused], "the last receipt tells the whole state");
    let row = block_on(world.b.service.store().statement(&id)).unwrap().unwrap();
    assert_eq!(row.outcome, Some(Outcome::TakenInWithFindings));
    assert!(world.compare().agree);
}

#[test]
fn receipt_that_was_overtaken_by_a_later_one_does_not_take_its_place() {
    let (_folder, mut world) = world(65, Weather::default());
    let objects = [doubtful(1), testkit::tool(2, 0), doubtful(3)];
    let release = world.post(true, "lamps", &objects).release.unwrap();
    world.step(true);
    world.deliver();
    world.step(false);
    world.work(false, Worker::Relay(Lane::Urgent));
    world.work(false, Worker::Relay(Lane::Bulk));
    let first = world.network.take();
    assert_eq!(first.len(), 1, "the first receipt is held up");
    let Source::Statement(id) = block_on(world.b.service.store().quarantined(1)).unwrap()[0].id
    else {
        panic!("a statement")
    };
    decide(&mut world, id, Some(&[0]), Decision::Accept).unwrap();
    world.step(false);
    world.deliver();
    world.step(true);
    let (a, now) = (world.a.service.clone(), world.now);
    for (_, envelope) in first {
        block_on(intake::accept(&a, envelope, Route::Link, None, now)).unwrap();
    }
    world.step(true);
    let let_in = item(0, Outcome::TakenInWithFindings, "STIX-3.2-10", "/confidence");
    let waits = item(2, Outcome::Quarantined, "STIX-3.2-10", "/confidence");
    assert_eq!(told(&world, release), [let_in, waits]);
}

#[test]
fn statement_whose_every_object_is_refused_is_refused() {
    let (_folder, mut world, release, id) = {
        let (folder, mut world) = world(63, Weather::default());
        let release = world.post(true, "lamps", &[doubtful(1)]).release.unwrap();
        world.settle();
        let waiting = block_on(world.b.service.store().quarantined(10)).unwrap();
        let Source::Statement(id) = waiting[0].id else { panic!("a statement") };
        (folder, world, release, id)
    };
    decide(&mut world, id, None, Decision::Refuse).unwrap();
    world.settle();
    world.settle();
    assert!(world.b.served("lamps").is_empty());
    assert_eq!(state(&world, release), ReleaseState::RefusedByPartner);
    let row = block_on(world.b.service.store().statement(&id)).unwrap().unwrap();
    assert_eq!(row.outcome, Some(Outcome::Refused));
}

#[test]
fn object_that_is_recalled_while_it_stands_apart_can_not_be_taken_in_any_more() {
    let (_folder, mut world, release, id) = held_apart(64);
    world.recall(release, Some(vec![0]));
    world.settle();
    assert!(decide(&mut world, id, Some(&[0]), Decision::Accept).is_err());
    world.recall(release, None);
    world.settle();
    assert!(block_on(world.b.service.store().quarantined(10)).unwrap().is_empty());
    assert!(decide(&mut world, id, None, Decision::Accept).is_err());
    assert!(world.b.served("lamps").is_empty());
    let recalls = block_on(world.a.service.store().recalls(1)).unwrap();
    assert_eq!(recalls[0].answer.unwrap().word(), "deleted-everywhere");
}

#[test]
fn what_nobody_decides_on_is_refused_when_its_retention_is_over_and_the_sender_is_told() {
    let (_folder, world) = world(66, Weather::default());
    expires(world);
}

#[test]
fn what_nobody_decides_on_is_refused_over_postgres() {
    let test = "what_nobody_decides_on_is_refused_over_postgres";
    let (Some(a), Some(b)) = (Base::postgres(test), Base::postgres(test)) else { return };
    expires(World::over([a, b], 68, Weather::default()));
}

fn expires(world: World) {
    let (mut world, release, id) = held_apart_in(world);
    decide(&mut world, id, Some(&[0]), Decision::Accept).unwrap();
    world.settle();
    let b = world.b.service.clone();
    let held = block_on(b.store().quarantined(1)).unwrap()[0].at;
    let day = 24 * 3_600_000;
    // The agreement's 30 days, from when it came.
    for (after, waits) in [(29 * day, true), (30 * day + 1, false)] {
        block_on(sweep::step(&b, held.plus_ms(after), &mut world.rng)).unwrap();
        assert_eq!(!block_on(b.store().quarantined(1)).unwrap().is_empty(), waits, "{after} ms");
    }
    assert!(decide(&mut world, id, None, Decision::Accept).is_err(), "it waits no longer");
    world.settle();
    world.settle();
    assert_eq!(state(&world, release), ReleaseState::TakenInWithFindings);
    let let_in = item(0, Outcome::TakenInWithFindings, "STIX-3.2-10", "/confidence");
    let expired = item(2, Outcome::Refused, "quarantine-expired", "");
    assert_eq!(told(&world, release), [let_in, expired]);
    let journal = block_on(b.store().journal_before(i64::MAX, 50)).unwrap();
    let why = "0 of 1 objects taken in: nobody decided on it within 30 days";
    assert!(journal.iter().any(|line| line.detail == why && line.actor == "node"), "{journal:?}");
    let comparison = world.compare();
    assert!(comparison.agree && comparison.open.is_empty(), "{comparison:?}");
}

#[test]
fn recall_of_all_that_waits_concludes_the_statement_and_the_sender_is_told() {
    let (_folder, mut world, release, id) = held_apart(67);
    world.recall(release, Some(vec![0]));
    world.settle();
    assert_eq!(state(&world, release), ReleaseState::Quarantined, "one still waits");
    world.recall(release, Some(vec![2]));
    world.settle();
    world.settle();
    assert_eq!(state(&world, release), ReleaseState::TakenIn);
    assert_eq!(told(&world, release), []);
    let row = block_on(world.b.service.store().statement(&id)).unwrap().unwrap();
    assert_eq!(row.outcome, Some(Outcome::TakenIn));
    assert_eq!(world.b.served("lamps").len(), 1);
    assert!(world.compare().agree);
}

#[test]
fn recall_that_comes_before_what_would_wait_leaves_nothing_to_decide_on() {
    let (_folder, mut world) = world(69, Weather::default());
    let objects = [doubtful(1), testkit::tool(2, 0)];
    let release = world.post(true, "lamps", &objects).release.unwrap();
    world.step(true);
    let first = world.network.take();
    assert_eq!(first.len(), 1, "the release is held up");
    world.recall(release, Some(vec![0]));
    world.step(true);
    world.deliver();
    world.step(false);
    let (b, now) = (world.b.service.clone(), world.now);
    for (_, envelope) in first {
        block_on(intake::accept(&b, envelope, Route::Link, None, now)).unwrap();
    }
    world.settle();
    world.settle();
    assert!(block_on(b.store().quarantined(1)).unwrap().is_empty());
    assert_eq!(state(&world, release), ReleaseState::TakenIn);
    assert_eq!(told(&world, release), []);
    assert_eq!(world.b.served("lamps"), [testkit::tool(2, 0)]);
    assert!(world.compare().agree);
}

/// What the same objects come to under each policy for the same partner.
#[test]
fn partner_is_treated_as_its_policy_says() {
    let refused = item(0, Outcome::Refused, "STIX-3.2-10", "/confidence");
    let with_findings = item(0, Outcome::TakenInWithFindings, "STIX-3.2-10", "/confidence");
    let cases = [
        ("error=accept", 2, ReleaseState::TakenIn, vec![]),
        ("error=accept-with-findings", 2, ReleaseState::TakenInWithFindings, vec![with_findings]),
        ("error=refuse", 1, ReleaseState::TakenInWithFindings, vec![refused]),
        ("STIX-3.2-10=accept", 2, ReleaseState::TakenIn, vec![]),
        ("warning=refuse", 0, ReleaseState::RefusedByPartner, vec![]),
    ];
    for (seed, (policy, served, expected, items)) in (70..).zip(cases) {
        let (_folder, mut world) = world(seed, Weather::default());
        let (b, a, now) = (world.b.service.clone(), world.a.service.name().clone(), world.now);
        let change = Some(Some(policy.parse().unwrap()));
        block_on(b.store().change_partner(a, None, change, "b".to_owned(), now)).unwrap();
        // A SHOULD that both break: an identity class of no vocabulary.
        let objects = match policy {
            "warning=refuse" => vec![custom(1), custom(2)],
            _ => vec![doubtful(1), testkit::tool(2, 0)],
        };
        let release = world.post(true, "lamps", &objects).release.unwrap();
        world.settle();
        world.settle();
        assert_eq!(world.b.served("lamps").len(), served, "{policy}");
        assert_eq!(state(&world, release), expected, "{policy}");
        if policy != "warning=refuse" {
            assert_eq!(told(&world, release), items, "{policy}");
        }
        assert!(block_on(b.store().quarantined(10)).unwrap().is_empty());
    }
}

/// A tool that breaks a SHOULD only: a property outside the extension mechanism.
fn custom(number: u32) -> String {
    testkit::tool(number, 0).replace("\"name\"", "\"x_lamp\":1,\"name\"")
}
