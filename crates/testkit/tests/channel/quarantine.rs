//! What has findings stands apart where the partner is dealt with so, until a person decides.

use exchange::intake;
use pollster::block_on;
use protocol::terms::{Outcome, StatementId};
use store::{FindingsPolicy, ReleaseState};
use testkit::{Weather, World, officer};
use uuid::Uuid;

use super::world;

/// A tool in which something is found: a confidence beyond the scale.
fn doubtful(number: u32) -> String {
    testkit::tool(number, 0).replace("\"name\"", "\"confidence\":400,\"name\"")
}

fn held_apart(seed: u64) -> (tempfile::TempDir, World, Uuid, StatementId) {
    let (folder, mut world) = world(seed, Weather::default());
    let (b, a, now) = (world.b.service.clone(), world.a.service.name().clone(), world.now);
    let apart = Some(FindingsPolicy::Quarantine);
    block_on(b.store().change_partner(a, None, apart, "b".to_owned(), now)).unwrap();
    let release = world.post(true, "lamps", &[doubtful(1), testkit::tool(2, 0)]).release.unwrap();
    world.settle();
    let waiting = block_on(b.store().quarantined(10)).unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(world.b.served("lamps").is_empty());
    (folder, world, release, waiting[0].id)
}

fn state(world: &World, release: Uuid) -> ReleaseState {
    block_on(world.a.service.store().release(release)).unwrap().unwrap().state
}

#[test]
fn quarantined_statement_is_taken_in_when_a_person_accepts_it() {
    let (_folder, mut world, release, id) = held_apart(61);
    assert_eq!(state(&world, release), ReleaseState::Quarantined);
    let (b, now) = (world.b.service.clone(), world.now);
    block_on(intake::accept_quarantined(&b, &id, &officer(&b), now, &mut world.rng)).unwrap();
    let someone = officer(&b);
    let again = intake::accept_quarantined(&b, &id, &someone, now, &mut world.rng);
    assert!(block_on(again).is_err(), "a decision is made once");
    world.settle();
    world.settle();
    assert_eq!(world.b.served("lamps").len(), 2);
    assert_eq!(state(&world, release), ReleaseState::TakenInWithFindings);
    assert!(world.compare().agree);
}

#[test]
fn quarantined_statement_that_is_refused_is_in_no_collection() {
    let (_folder, mut world, release, id) = held_apart(62);
    let (b, now) = (world.b.service.clone(), world.now);
    block_on(intake::refuse_quarantined(&b, &id, &officer(&b), now, &mut world.rng)).unwrap();
    world.settle();
    // What came back is taken in by the next step.
    world.settle();
    assert!(world.b.served("lamps").is_empty());
    assert_eq!(state(&world, release), ReleaseState::RefusedByPartner);
    let row = block_on(world.b.service.store().statement(&id)).unwrap().unwrap();
    assert_eq!(row.outcome, Some(Outcome::Refused));
}

#[test]
fn quarantined_statement_that_is_recalled_can_not_be_taken_in_any_more() {
    let (_folder, mut world, release, id) = held_apart(63);
    world.recall(release, None);
    world.settle();
    assert!(block_on(world.b.service.store().quarantined(10)).unwrap().is_empty());
    let (b, now) = (world.b.service.clone(), world.now);
    let someone = officer(&b);
    let late = intake::accept_quarantined(&b, &id, &someone, now, &mut world.rng);
    assert!(block_on(late).is_err());
    let recalls = block_on(world.a.service.store().recalls(1)).unwrap();
    assert_eq!(recalls[0].answer.unwrap().word(), "deleted-everywhere");
}
