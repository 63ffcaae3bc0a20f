//! Numbers that a partner's disk forgot are asked for and come.

use testkit::{Weather, tool};

use super::world;

#[test]
fn statement_that_was_taken_at_the_door_and_forgotten_is_asked_for() {
    let (_folder, mut world) = world(41, Weather::default());
    let weather = |forgotten| Weather { forgotten, ..Weather::default() };
    world.network.weather(weather(100));
    world.post(true, "lamps", &[tool(1, 0)]);
    world.step(true);
    world.network.weather(weather(0));
    world.settle();
    assert!(world.b.served("lamps").is_empty(), "nothing tells B of it yet");
    world.post(true, "lamps", &[tool(2, 0)]);
    world.settle();
    world.settle();
    assert_eq!(world.b.served("lamps").len(), 2);
    let missing = world.b.service.store().missing(world.a.service.name());
    assert_eq!(pollster::block_on(missing).unwrap(), 0);
    let comparison = world.compare();
    assert!(comparison.agree && comparison.open.is_empty(), "{comparison:?}");
}
