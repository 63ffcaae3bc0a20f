//! Nodes whose clocks disagree. Statements carry their sender's signed time, and what follows what
//! is told by numbers and positions: a clock that is wrong delays nothing and loses nothing. Only
//! the term of an agreement is a matter of time, and each side judges it by the earlier of the two.

use exchange::{
    release,
    waiting::{self, Act},
};
use pollster::block_on;
use protocol::terms::{StatementId, Timestamp};
use store::ReleaseState;
use testkit::{Base, Weather, World, officer, tool};
use uuid::Uuid;

use super::world;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

fn state(world: &World, release: Uuid) -> (ReleaseState, Option<String>) {
    let row = block_on(world.a.service.store().release(release)).unwrap().unwrap();
    (row.state, row.message)
}

#[test]
fn clocks_that_disagree_within_the_term_lose_and_delay_nothing() {
    for (seed, ahead) in (0..).zip([5 * MINUTE_MS, -5 * MINUTE_MS, 40 * DAY_MS, -2 * DAY_MS]) {
        let (_folder, mut world) = world(91 + seed, Weather::default());
        // Well within the agreement's term, whichever way Brevia's clock is wrong.
        world.now = world.now.plus_ms(10 * DAY_MS);
        world.brevia_ahead_ms = ahead;
        let first = world.post(true, "lamps", &[tool(1, 0), tool(2, 0)]).release.unwrap();
        world.post(false, "lamps", &[tool(3, 0)]);
        world.settle();
        assert_eq!(world.b.served("lamps"), [tool(1, 0), tool(2, 0)], "{ahead} ms ahead");
        assert_eq!(world.a.served("lamps"), [tool(3, 0)], "{ahead} ms ahead");
        assert_eq!(state(&world, first).0, ReleaseState::TakenIn, "{ahead} ms ahead");
        let came = world.b.releases_that_came();
        world.acknowledge(false, &came[0]);
        world.recall(first, Some(vec![0]));
        world.settle();
        assert_eq!(world.b.served("lamps"), [tool(2, 0)], "{ahead} ms ahead");
        // A disk made by one clock is read by the other.
        world.network.partition(true);
        world.post(true, "lamps", &[tool(4, 0)]);
        world.step(true);
        world.courier(true);
        world.settle();
        assert_eq!(world.b.served("lamps"), [tool(2, 0), tool(4, 0)], "{ahead} ms ahead");
        let comparison = world.compare();
        assert!(comparison.agree && comparison.open.is_empty(), "{ahead} ms: {comparison:?}");
    }
}

#[test]
fn art_2_clock_that_stands_before_the_agreement_refuses_and_says_so() {
    let (_folder, mut world) = world(95, Weather::default());
    world.brevia_ahead_ms = -DAY_MS;
    let early = world.post(true, "lamps", &[tool(1, 0)]).release.unwrap();
    world.settle();
    let refused = (ReleaseState::RefusedByPartner, Some("ART-2".to_owned()));
    assert_eq!(state(&world, early), refused);
    assert!(world.b.served("lamps").is_empty());
    // The clock is set right, and the same goes once more.
    world.brevia_ahead_ms = 0;
    let (again, a) = (Uuid::from_u128(1), world.a.service.clone());
    block_on(release::again(&a, early, again, &officer(&a), world.now)).unwrap();
    world.settle();
    assert_eq!(state(&world, again).0, ReleaseState::TakenIn);
    assert_eq!(world.b.served("lamps"), [tool(1, 0)]);
    assert!(world.compare().agree);
}

#[test]
fn sender_who_dates_a_release_into_the_term_is_judged_by_the_recipient_too() {
    let (_folder, mut world) = world(96, Weather::default());
    // Both clocks stand before the agreement holds; the sender's says otherwise.
    world.now = world.now.plus_ms(-DAY_MS);
    world.brevia_ahead_ms = DAY_MS;
    let objects = [tool(1, 0)];
    world.post(false, "lamps", &objects);
    world.settle();
    assert!(world.a.served("lamps").is_empty());
}

#[test]
fn clocks_kept_and_missed_are_counted_on_both_sides() {
    let (_folder, world) = world(97, Weather::default());
    count(world);
}

#[test]
fn clocks_kept_and_missed_are_counted_over_postgres() {
    let test = "clocks_kept_and_missed_are_counted_over_postgres";
    let (Some(a), Some(b)) = (Base::postgres(test), Base::postgres(test)) else { return };
    count(World::over([a, b], 98, Weather::default()));
}

/// A FLASH of Aldermoor's has arrived at Brevia.
fn loud(world: &mut World, number: u32) -> StatementId {
    let added = world.post(true, "tea", &[tool(number, 0)]).release.unwrap();
    world.step(true);
    let (a, flash) = (world.a.service.clone(), protocol::terms::Precedence::Flash);
    let officer = officer(&a);
    block_on(release::approve(&a, added, &officer, Some(flash), world.now)).unwrap();
    world.settle();
    world.b.releases_that_came()[0]
}

/// Where Aldermoor's releaser should ask whether a release was seen.
fn to_ask(world: &World) -> Vec<String> {
    let service = &world.a.service;
    let all = block_on(waiting::tasks(service, &officer(service), world.now)).unwrap();
    let unseen = all.into_iter().filter_map(|task| match task.act {
        Act::AskWhetherSeen(unseen) if task.mine => Some(unseen.partner.short()),
        _ => None,
    });
    unseen.collect()
}

#[test]
fn release_that_nobody_acknowledges_in_time_is_a_task_of_its_releaser_until_somebody_does() {
    let (_folder, world) = world(99, Weather::default());
    asks(world);
}

#[test]
fn release_that_nobody_acknowledges_in_time_is_a_task_over_postgres() {
    let test = "release_that_nobody_acknowledges_in_time_is_a_task_over_postgres";
    let (Some(a), Some(b)) = (Base::postgres(test), Base::postgres(test)) else { return };
    asks(World::over([a, b], 100, Weather::default()));
}

fn asks(mut world: World) {
    let seen = loud(&mut world, 1);
    assert!(to_ask(&world).is_empty(), "a FLASH has ten minutes; they are the partner's");
    world.now = world.now.plus_ms(10 * MINUTE_MS);
    assert_eq!(to_ask(&world), ["Brevia"]);
    world.acknowledge(false, &seen);
    world.settle();
    assert!(to_ask(&world).is_empty(), "late, and yet it was seen");
    loud(&mut world, 2);
    world.now = world.now.plus_ms(10 * MINUTE_MS);
    assert_eq!(to_ask(&world), ["Brevia"]);
    let all = block_on(world.a.service.store().releases_page(None, None, 1)).unwrap();
    world.recall(all[0].id, None);
    world.settle();
    assert!(to_ask(&world).is_empty(), "what was recalled asks for nobody");
}

fn count(mut world: World) {
    let since = Timestamp::from_ms(0);
    let (in_time, late) = (loud(&mut world, 1), loud(&mut world, 2));
    assert_ne!(in_time, late);
    loud(&mut world, 3);
    world.acknowledge(false, &late);
    world.now = world.now.plus_ms(DAY_MS);
    world.acknowledge(false, &in_time);
    world.settle();
    let counted = |service| block_on(waiting::kept(service, since, world.now)).unwrap();
    let (a, b) = (counted(&world.a.service), counted(&world.b.service));
    assert_eq!((a.answers.kept, a.answers.missed), (0, 0), "{a:?}");
    assert_eq!((a.decisions.kept, a.decisions.missed, a.decisions.running), (3, 0, 0), "{a:?}");
    // One in time, one too late, one not at all: told to the sender as it was counted there.
    for side in [b.acknowledgements, a.seen_there] {
        assert_eq!((side.kept, side.missed, side.running), (1, 2, 0), "{a:?} {b:?}");
    }
}
