//! Agreements that are suspended, resumed, ended and superseded; releases that came to nothing.

use exchange::{Failure, Service, accord, release};
use pollster::block_on;
use protocol::terms::{AgreementId, PartyStanding};
use store::{AgreementState, Release, ReleaseState};
use testkit::{Weather, World, officer, tool};
use uuid::Uuid;

use super::world;

fn the_agreement(world: &World) -> AgreementId {
    block_on(world.a.service.store().agreements()).unwrap()[0].id
}

fn stand(world: &mut World, at_a: bool, id: &AgreementId, standing: PartyStanding) {
    let service = if at_a { world.a.service.clone() } else { world.b.service.clone() };
    let (now, rng) = (world.now, &mut world.rng);
    block_on(accord::stand(&service, id, (standing, "a leak"), "a", now, rng)).unwrap();
}

fn state(service: &Service, id: &AgreementId) -> AgreementState {
    block_on(service.agreement_state(id)).unwrap()
}

fn release_of(world: &World, id: Uuid) -> Release {
    block_on(world.a.service.store().release(id)).unwrap().unwrap()
}

trait Asked {
    async fn agreement_state(&self, id: &AgreementId) -> Option<AgreementState>;
}

impl Asked for Service {
    async fn agreement_state(&self, id: &AgreementId) -> Option<AgreementState> {
        self.store().agreement(id).await.unwrap().map(|row| row.state)
    }
}

#[test]
fn suspended_agreement_stops_releases_both_ways_and_lets_recalls_pass() {
    let (_folder, mut world) = world(31, Weather::default());
    let id = the_agreement(&world);
    let before = world.post(true, "lamps", &[tool(1, 0)]).release.unwrap();
    world.settle();
    stand(&mut world, false, &id, PartyStanding::Suspended);
    world.settle();
    for service in [&world.a.service, &world.b.service] {
        assert_eq!(state(service, &id), AgreementState::Suspended);
    }
    let refused = block_on(release::draft(
        &world.a.service,
        release::DraftRequest {
            agreement: id,
            topic: "lamps".parse().unwrap(),
            precedence: None,
            status: protocol::terms::Status::Test,
            body: bytes::Bytes::from(format!("{{\"objects\":[{}]}}", tool(2, 0))),
            note: None,
            status_id: Uuid::from_u128(7 << 64),
        },
        &officer(&world.a.service),
        world.now,
    ));
    assert!(refused.unwrap_err().to_string().contains("ART-2"));
    world.recall(before, None);
    world.settle();
    assert!(world.b.served("lamps").is_empty(), "recalled although suspended");
    // Only the party that suspended it can resume it.
    stand(&mut world, true, &id, PartyStanding::InForce);
    world.settle();
    assert_eq!(state(&world.a.service, &id), AgreementState::Suspended);
    stand(&mut world, false, &id, PartyStanding::InForce);
    world.settle();
    world.post(true, "lamps", &[tool(3, 0)]);
    world.settle();
    assert_eq!(world.b.served("lamps"), [tool(3, 0)]);
    assert!(world.compare().agree);
}

#[test]
fn release_refused_by_the_partner_says_so_and_is_drafted_again() {
    let (_folder, mut world) = world(32, Weather::default());
    let id = the_agreement(&world);
    world.network.partition(true);
    stand(&mut world, false, &id, PartyStanding::Suspended);
    let lost = world.post(true, "lamps", &[tool(1, 0)]).release.unwrap();
    world.step(true);
    world.settle();
    let row = release_of(&world, lost);
    assert_eq!(row.state, ReleaseState::RefusedByPartner, "{row:?}");
    assert_eq!(row.message.as_deref(), Some("ART-2"));
    let again = |world: &World, new: u128| {
        let (a, new) = (&world.a.service, Uuid::from_u128(new));
        block_on(release::again(a, lost, new, &officer(a), world.now))
    };
    assert!(matches!(again(&world, 1), Err(Failure::Forbidden(rule)) if rule.rule == "ART-2"));
    stand(&mut world, false, &id, PartyStanding::InForce);
    world.settle();
    again(&world, 2).unwrap();
    world.settle();
    assert_eq!(world.b.served("lamps"), [tool(1, 0)]);
    assert_eq!(release_of(&world, Uuid::from_u128(2)).state, ReleaseState::TakenIn);
    let taken = again(&world, 3);
    assert!(taken.is_ok(), "the refused one may be drafted as often as it takes");
    let (a, someone) = (&world.a.service, officer(&world.a.service));
    let error = release::again(a, Uuid::from_u128(2), Uuid::from_u128(4), &someone, world.now);
    assert!(matches!(block_on(error), Err(Failure::Forbidden(rule)) if rule.rule == "REL-2"));
}

#[test]
fn ended_agreement_stays_ended() {
    let (_folder, mut world) = world(33, Weather::default());
    let id = the_agreement(&world);
    stand(&mut world, true, &id, PartyStanding::Ended);
    world.settle();
    assert_eq!(state(&world.b.service, &id), AgreementState::Ended);
    let (service, now) = (world.b.service.clone(), world.now);
    let resumed =
        accord::stand(&service, &id, (PartyStanding::InForce, "x"), "a", now, &mut world.rng);
    let error = block_on(resumed).unwrap_err();
    assert!(matches!(error, Failure::Forbidden(rule) if rule.rule == "AGR-8"));
}

#[test]
fn superseded_agreement_gives_its_place_to_the_new_one() {
    let (_folder, mut world) = world(34, Weather::default());
    let old = the_agreement(&world);
    let refused = world.agreement_text().replace(
        "version = 1\n",
        &format!("version = 1\nsupersedes = \"{}\"\n", "0".repeat(63) + "1"),
    );
    let text = bytes::Bytes::from(refused);
    let drafted = block_on(accord::draft(&world.a.service, text, "a", world.now)).unwrap();
    let (service, now) = (world.a.service.clone(), world.now);
    let error = block_on(accord::sign(&service, &drafted.id(), "a", now, &mut world.rng));
    assert!(matches!(error, Err(Failure::Forbidden(rule)) if rule.rule == "AGR-7"));
    let text = world
        .agreement_text()
        .replace("version = 1\n", &format!("version = 1\nsupersedes = \"{old}\"\n"));
    let new = world.sign(&text);
    world.settle();
    for service in [&world.a.service, &world.b.service] {
        assert_eq!(state(service, &old), AgreementState::Superseded);
        assert_eq!(state(service, &new), AgreementState::InForce);
    }
    assert!(world.compare().agree);
}
