//! Three parties of one agreement: each recipient has its own number, slip and say.

use exchange::oversight;
use pollster::block_on;
use protocol::comparison::compare;
use store::{Flow, ReleaseState};
use testkit::{Node, Weather, World, tool};

fn three(seed: u64, weather: Weather) -> (tempfile::TempDir, World) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of_three(folder.path(), seed, weather);
    (folder, world)
}

fn agree(world: &World) {
    let nodes: Vec<&Node> = world.nodes().collect();
    for (place, one) in nodes.iter().enumerate() {
        for other in &nodes[place + 1..] {
            let account = |of: &Node, to: &Node| {
                let account = oversight::account(&of.service, to.service.name(), world.now);
                block_on(account).unwrap()
            };
            let comparison = compare(&account(one, other), &account(other, one));
            assert!(comparison.agree && comparison.open.is_empty(), "{comparison:?}");
        }
    }
}

#[test]
fn release_reaches_both_recipients_and_each_answers_for_itself() {
    let (_folder, mut world) = three(71, Weather::default());
    let release = world.post(true, "lamps", &[tool(1, 0)]).release.unwrap();
    world.settle();
    for node in world.nodes().skip(1) {
        assert_eq!(node.served("lamps"), [tool(1, 0)], "{}", node.service.name());
    }
    let store = world.a.service.store();
    let row = block_on(store.release(release)).unwrap().unwrap();
    assert_eq!(row.state, ReleaseState::TakenIn);
    let statement = block_on(store.statement(&row.statement.unwrap())).unwrap().unwrap();
    assert_eq!(statement.deliveries.len(), 2);
    assert!(statement.deliveries.iter().all(|delivery| delivery.outcome.is_some()));
    agree(&world);
}

#[test]
fn recall_is_answered_once_every_recipient_has() {
    let (_folder, mut world) = three(72, Weather::default());
    let release = world.post(true, "lamps", &[tool(1, 0)]).release.unwrap();
    world.settle();
    world.recall(release, None);
    world.settle();
    for node in world.nodes().skip(1) {
        assert!(node.served("lamps").is_empty());
    }
    let recall = block_on(world.a.service.store().recalls(1)).unwrap().remove(0);
    assert_eq!(recall.answers.len(), 2, "{recall:?}");
    assert_eq!(recall.state, "answered");
    assert_eq!(recall.answer.unwrap().word(), "deleted-everywhere");
    agree(&world);
}

#[test]
fn release_is_delivered_only_when_the_last_recipient_has_it() {
    let (_folder, mut world) = three(73, Weather::default());
    let release = world.post(true, "lamps", &[tool(1, 0)]).release.unwrap();
    let services: Vec<_> = world.nodes().map(|node| node.service.clone()).collect();
    let state =
        |world: &World| block_on(world.a.service.store().release(release)).unwrap().unwrap().state;
    // Corvane is away: only what is for Brevia arrives.
    world.step_of(&services[0]);
    let (corvane, now) = (services[2].name().clone(), world.now);
    let away = world.network.take();
    let (theirs, ours): (Vec<_>, Vec<_>) = away.into_iter().partition(|(to, _)| *to == corvane);
    assert_eq!((theirs.len(), ours.len()), (1, 1));
    let (_, envelope) = ours.into_iter().next().unwrap();
    let put = exchange::intake::accept(
        &services[1],
        envelope,
        store::Route::Link,
        Some(services[0].name()),
        now,
    );
    block_on(put).unwrap();
    world.step_of(&services[1]);
    world.deliver();
    world.step_of(&services[0]);
    assert_eq!(state(&world), ReleaseState::Delivered, "one answered, one has not");
    for (_, envelope) in theirs {
        let put = exchange::intake::accept(&services[2], envelope, store::Route::Link, None, now);
        block_on(put).unwrap();
    }
    world.settle();
    assert_eq!(state(&world), ReleaseState::TakenIn);
}

#[test]
fn bad_weather_among_three_loses_and_doubles_nothing() {
    for seed in 700..704 {
        let weather = Weather { lost: 20, doubled: 20, answer_lost: 20, forgotten: 0 };
        let (_folder, mut world) = three(seed, weather);
        let mut sent = Vec::new();
        for number in 0..6 {
            world.post(true, "lamps", &[tool(number, 0)]);
            sent.push(tool(number, 0));
            let services: Vec<_> = world.nodes().map(|node| node.service.clone()).collect();
            for service in &services {
                world.step_of(service);
            }
            world.deliver();
            world.now = world.now.plus_ms(700);
        }
        world.settle();
        world.settle();
        for node in world.nodes().skip(1) {
            let mut served = node.served("lamps");
            served.sort();
            assert_eq!(served, sent, "seed {seed}, {}", node.service.name());
            assert_eq!(node.collection("lamps", Flow::Incoming).flow, Flow::Incoming);
        }
        agree(&world);
    }
}
