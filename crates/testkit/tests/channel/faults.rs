//! Envelopes that are not what they should be, and clocks that jump.

use bytes::Bytes;
use exchange::{
    Service,
    intake::{self, AcceptError},
};
use pollster::block_on;
use protocol::{envelope::Envelope, statement::RefusalCode, terms::NodeName};
use store::{Flow, Lane, Page, Put, Route, Versions};
use testkit::{Node, Weather, World, tool};

use super::world;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// When each object of an incoming collection became visible, in the order of a page.
fn dates(node: &Node) -> Vec<i64> {
    let page = Page { limit: 1_000, bytes_max: usize::MAX, ..Page::default() };
    let page = Page { versions: Versions::All, ..page };
    let collection = node.collection("lamps", Flow::Incoming);
    let pages = block_on(node.service.store().page(&collection, &page)).unwrap();
    pages.entries.into_iter().map(|entry| entry.date_added).collect()
}

#[test]
fn clock_that_jumps_back_and_forward_loses_and_doubles_nothing() {
    let (_folder, mut world) = world(81, Weather::default());
    world.now = world.now.plus_ms(2 * DAY_MS);
    let mut sent = Vec::new();
    for (number, jump) in (0..).zip([0, -HOUR_MS, DAY_MS, -HOUR_MS, -DAY_MS]) {
        let release = world.post(true, "lamps", &[tool(number, 0)]).release.unwrap();
        world.step(true);
        // It jumps while the release is under way, and half of it back before the receipt is.
        world.now = world.now.plus_ms(jump);
        world.deliver();
        world.step(false);
        world.now = world.now.plus_ms(-jump / 2);
        world.settle();
        sent.push(tool(number, 0));
        assert_eq!(world.b.served("lamps"), sent, "after a jump of {jump} ms");
        let row = block_on(world.a.service.store().release(release)).unwrap().unwrap();
        assert_eq!(row.state.word(), "taken-in", "after a jump of {jump} ms");
        if number == 2 {
            world.now = world.now.plus_ms(-HOUR_MS);
            world.recall(release, None);
            world.settle();
            sent.pop();
            assert_eq!(world.b.served("lamps"), sent, "a recall holds whatever the clock says");
        }
    }
    let dates = dates(&world.b);
    assert!(dates.is_sorted_by(|one, next| one < next), "{dates:?}");
    let comparison = world.compare();
    assert!(comparison.agree && comparison.open.is_empty(), "{comparison:?}");
}

#[test]
fn what_a_clock_that_ran_ahead_put_off_leaves_once_it_is_right_again() {
    let (_folder, mut world) = world(82, Weather::default());
    world.network.partition(true);
    world.now = world.now.plus_ms(DAY_MS);
    world.post(true, "lamps", &[tool(1, 0)]);
    world.step(true);
    world.now = world.now.plus_ms(-DAY_MS);
    world.settle();
    assert_eq!(world.b.served("lamps"), [tool(1, 0)]);
    assert!(world.compare().agree);
}

/// What a node holds of others that was not there before: ledger entries, and rows of the inbox.
fn held(service: &Service) -> (u64, usize) {
    let store = service.store();
    let rows = [Lane::Urgent, Lane::Bulk].map(|lane| {
        let rows = block_on(store.lease_inbox(lane, 1_000, usize::MAX)).unwrap();
        rows.iter().for_each(|row| store.free_inbox(&row.id));
        rows.len()
    });
    (block_on(store.ledger_tree()).unwrap().0, rows.iter().sum())
}

fn hand_in(
    world: &World,
    to: &Service,
    envelope: &Bytes,
    peer: Option<&NodeName>,
) -> Result<Put, AcceptError> {
    block_on(intake::accept(to, envelope.clone(), Route::Link, peer, world.now))
}

/// The code with which a door refuses an envelope of which then nothing is left.
fn refusal(world: &World, to: &Service, envelope: &Bytes) -> RefusalCode {
    let before = held(to);
    let put = hand_in(world, to, envelope, Some(world.a.service.name()));
    let Err(AcceptError::Refused(refusal)) = put else { panic!("{put:?}") };
    assert_eq!(held(to), before, "nothing of it is kept: {refusal:?}");
    refusal.code
}

/// One release of Aldermoor's that is under way, by recipient.
fn under_way(world: &mut World) -> Vec<(NodeName, Bytes)> {
    world.post(true, "lamps", &[tool(1, 0)]);
    let a = world.a.service.clone();
    world.step_of(&a);
    let mut sent = world.network.take();
    sent.sort();
    sent
}

#[test]
fn readdressed_envelope_is_refused_and_the_right_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::of_three(folder.path(), 83, Weather::default());
    let sent = under_way(&mut world);
    let [(brevia, for_b), (corvane, for_c)] = sent.try_into().unwrap();
    let (b, c) = (world.b.service.clone(), world.others[0].service.clone());
    assert_eq!((b.name(), c.name()), (&brevia, &corvane));
    // Carried to the other recipient, and with the other recipient's slip laid in.
    assert_eq!(refusal(&world, &c, &for_b), RefusalCode::NotAddressed);
    assert_eq!(refusal(&world, &b, &for_c), RefusalCode::NotAddressed);
    let [to_b, to_c] = [&for_b, &for_c].map(|bytes| Envelope::parse(bytes).unwrap());
    let mixed = Envelope { slip: to_c.slip, ..to_b };
    assert_eq!(refusal(&world, &b, &mixed.to_bytes()), RefusalCode::NotAddressed);
    // Handed in by a partner that did not send it, and back to its own sender.
    let before = held(&b);
    let put = hand_in(&world, &b, &for_b, Some(&corvane));
    assert!(matches!(put, Err(AcceptError::WrongPeer)), "{put:?}");
    assert_eq!(held(&b), before);
    let a = world.a.service.clone();
    let put = hand_in(&world, &a, &for_b, Some(&brevia));
    let Err(AcceptError::Refused(back)) = put else { panic!("{put:?}") };
    assert_eq!(back.code, RefusalCode::SenderUnknown);
    for (to, envelope) in [(&b, &for_b), (&c, &for_c)] {
        let put = hand_in(&world, to, envelope, Some(world.a.service.name()));
        assert!(matches!(put, Ok(Put::New)), "{put:?}");
    }
    world.settle();
    for node in world.nodes().skip(1) {
        assert_eq!(node.served("lamps"), [tool(1, 0)]);
    }
}

#[test]
fn replayed_envelope_has_no_second_effect() {
    let (_folder, mut world) = world(84, Weather::default());
    let [(_, envelope)] = under_way(&mut world).try_into().unwrap();
    let (a, b) = (world.a.service.name().clone(), world.b.service.clone());
    let put = |world: &World| hand_in(world, &b, &envelope, Some(&a)).unwrap();
    assert_eq!(put(&world), Put::New);
    let before = held(&b);
    assert_eq!(put(&world), Put::SameAgain, "while it waits to be taken in");
    assert_eq!(held(&b), before);
    world.settle();
    let before = held(&b);
    assert_eq!(put(&world), Put::SameAgain, "after it was taken in");
    world.settle();
    assert_eq!(held(&b), before, "no entry, no row, no second receipt");
    assert_eq!(world.b.served("lamps"), [tool(1, 0)]);
    // Nor does what was recalled come back that way.
    let releases = block_on(world.a.service.store().releases_page(None, None, 1)).unwrap();
    world.recall(releases[0].id, None);
    world.settle();
    assert_eq!(put(&world), Put::SameAgain, "after it was recalled");
    world.settle();
    assert!(world.b.served("lamps").is_empty());
    assert!(world.compare().agree);
}

#[test]
fn truncated_or_altered_envelope_is_refused_and_the_whole_one_is_taken() {
    let (_folder, mut world) = world(85, Weather::default());
    let [(_, envelope)] = under_way(&mut world).try_into().unwrap();
    let b = world.b.service.clone();
    for len in (0..envelope.len()).step_by(701).chain([envelope.len() - 1]) {
        let cut = envelope.slice(..len);
        assert_eq!(refusal(&world, &b, &cut), RefusalCode::EnvelopeMalformed, "{len}");
    }
    for place in (0..envelope.len()).step_by(199) {
        let mut altered = envelope.to_vec();
        altered[place] ^= 1;
        refusal(&world, &b, &altered.into());
    }
    let whole = Envelope::parse(&envelope).unwrap();
    let flipped = |part: &Bytes| {
        let mut part = part.to_vec();
        let last = part.len() - 1;
        part[last] ^= 1;
        Bytes::from(part)
    };
    let payload = Envelope { payload: flipped(&whole.payload), ..whole.clone() };
    assert_eq!(refusal(&world, &b, &payload.to_bytes()), RefusalCode::PayloadAltered);
    let slip = Envelope { slip: flipped(&whole.slip), ..whole };
    assert_eq!(refusal(&world, &b, &slip.to_bytes()), RefusalCode::NotAddressed);
    let put = hand_in(&world, &b, &envelope, Some(world.a.service.name()));
    assert!(matches!(put, Ok(Put::New)), "{put:?}");
    world.settle();
    assert_eq!(world.b.served("lamps"), [tool(1, 0)]);
    assert!(world.compare().agree);
}
