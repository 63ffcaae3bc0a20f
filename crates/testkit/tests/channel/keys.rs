//! Keys that are rotated and revoked while statements are under way.

use exchange::{courier, intake, keys};
use pollster::block_on;
use protocol::statement::RefusalCode;
use store::Route;
use testkit::{Weather, World, tool};

use super::world;

fn rotate(world: &mut World, at_a: bool, last_good: Option<u64>) {
    let service = if at_a { world.a.service.clone() } else { world.b.service.clone() };
    let (now, rng) = (world.now, &mut world.rng);
    let next = service.keys().rotated(&[], now, now.plus_ms(1_000_000), rng).unwrap();
    block_on(keys::announce_next(&service, next, last_good, "a", now, rng)).unwrap();
}

#[test]
fn rotated_keys_seal_and_open_what_was_under_way() {
    let (_folder, mut world) = world(51, Weather::default());
    world.network.partition(true);
    world.post(true, "lamps", &[tool(1, 0)]);
    world.step(true);
    rotate(&mut world, false, None);
    rotate(&mut world, true, None);
    world.post(true, "lamps", &[tool(2, 0)]);
    world.post(false, "lamps", &[tool(3, 0)]);
    world.step(true);
    world.step(false);
    world.settle();
    let mut served = world.b.served("lamps");
    served.sort();
    assert_eq!(served, [tool(1, 0), tool(2, 0)]);
    assert_eq!(world.a.served("lamps"), [tool(3, 0)]);
    rotate(&mut world, true, None);
    world.settle();
    world.restart(true);
    world.restart(false);
    world.post(false, "lamps", &[tool(4, 0)]);
    world.settle();
    assert_eq!(world.a.served("lamps").len(), 2);
    assert_eq!(world.a.service.keys().statement().epoch(), 2);
    let comparison = world.compare();
    assert!(comparison.agree && comparison.open.is_empty(), "{comparison:?}");
}

#[test]
fn rotation_that_is_announced_twice_changes_nothing() {
    let (_folder, mut world) = world(52, Weather::default());
    let (service, now) = (world.a.service.clone(), world.now);
    let next = || service.keys().rotated(&[], now, now, &mut testkit::seeded(9)).unwrap();
    let (first, second) = (next(), next());
    block_on(keys::announce_next(&service, first, None, "a", now, &mut world.rng)).unwrap();
    let size = block_on(service.store().ledger_tree()).unwrap().0;
    let again = keys::announce_next(&service, second, None, "a", now, &mut world.rng);
    assert!(block_on(again).is_err(), "the epoch after the next does not follow the present one");
    assert_eq!(block_on(service.store().ledger_tree()).unwrap().0, size);
}

#[test]
fn revoked_keys_are_refused_by_the_partner_and_the_new_ones_hold() {
    let (_folder, mut world) = world(53, Weather::default());
    // What somebody with a copy of the keys signs: a release of the first epoch that arrives late.
    world.post(true, "lamps", &[tool(1, 0)]);
    world.network.partition(true);
    world.step(true);
    let file = courier::export(&world.a.service, world.b.service.name(), world.now);
    let file = block_on(file).unwrap();
    world.settle();
    let size = block_on(world.a.service.store().ledger_tree()).unwrap().0;
    rotate(&mut world, true, Some(size));
    world.settle();
    let revoked = block_on(world.b.service.store().revocations(world.a.service.name())).unwrap();
    assert_eq!((revoked.len(), revoked[0].epoch, revoked[0].size), (1, 0, size));
    let report = courier::import(&world.b.service, &file, world.now, &mut world.rng);
    let report = block_on(report).unwrap();
    assert_eq!(report.new, 0, "{report:?}");
    assert!(report.refused.iter().all(|(_, code)| code == "keys-revoked"), "{report:?}");
    world.post(true, "lamps", &[tool(2, 0)]);
    world.settle();
    assert_eq!(world.b.served("lamps").len(), 2);
    assert!(world.compare().agree);
}

#[test]
fn courier_brings_the_keys_that_what_follows_rests_on() {
    let (_folder, mut world) = world(54, Weather::default());
    world.network.partition(true);
    rotate(&mut world, true, None);
    world.post(true, "lamps", &[tool(1, 0)]);
    world.step(true);
    let (a, b) = (world.a.service.clone(), world.b.service.clone());
    let file = block_on(courier::export(&a, b.name(), world.now)).unwrap();
    let report = block_on(courier::import(&b, &file, world.now, &mut world.rng)).unwrap();
    assert_eq!((report.listed, report.new), (2, 2), "{report:?}");
    block_on(intake::step(&b, store::Lane::Urgent, world.now, &mut world.rng)).unwrap();
    assert_eq!(world.b.served("lamps"), [tool(1, 0)]);
}

#[test]
fn statement_under_keys_that_nobody_announced_is_refused() {
    let (_folder, mut world) = world(55, Weather::default());
    world.network.partition(true);
    rotate(&mut world, true, None);
    world.post(true, "lamps", &[tool(1, 0)]);
    world.step(true);
    let pending = block_on(world.a.service.store().pending_for(world.b.service.name())).unwrap();
    let row = pending.last().unwrap();
    let envelope = protocol::envelope::Envelope {
        manifest: row.manifest.clone(),
        slip: row.slip.clone(),
        payload: row.payload.clone(),
        proof: None,
    };
    let put = intake::accept(&world.b.service, envelope.to_bytes(), Route::Link, None, world.now);
    let Err(intake::AcceptError::Refused(refusal)) = block_on(put) else { panic!("taken") };
    assert_eq!(refusal.code, RefusalCode::KeysUnknown);
}
