//! What a marking definition that comes late changes: an entry for those who could see an object
//! before, one for those who only now may; and both go together.

use bytes::Bytes;
use pollster::block_on;
use stix::{Marking, Tlp};
use store::{Collection, Flow, NewObject, Page, Sight, Store};
use testkit::{Base, Weather, World, tool};

use crate::{
    collections::{DAY_MS, aggregate, delete_from, feed, keep_for, sorted},
    kit::*,
    over_both,
};

over_both!(
    object_whose_marking_comes_late_is_dated_anew_for_whoever_only_now_may_see_it,
    object_that_waits_for_two_markings_waits_for_both,
    object_that_is_kept_to_fewer_now_keeps_its_date,
    object_for_two_kinds_of_readers_is_one_object_when_it_goes,
    copy_for_two_kinds_of_readers_goes_with_a_recall,
    item_that_came_is_shown_to_either_kind_of_reader_until_it_is_recalled,
);

const LATE: &str = "marking-definition--11111111-1111-4111-8111-111111111111";
const LATER: &str = "marking-definition--22222222-2222-4222-8222-222222222222";

fn waiting(id: u32, markings: &[&str]) -> NewObject {
    let awaits = markings.iter().map(|id| (*id).to_owned()).collect();
    NewObject { awaits, ..marked(id, 0, Tlp::Red) }
}

fn definition(id: &str, tlp: Tlp) -> NewObject {
    let body = Bytes::from(format!("{{\"id\":\"{id}\"}}"));
    NewObject {
        digest: protocol::secrets::sha256(&body),
        body,
        id: id.to_owned(),
        type_: "marking-definition".to_owned(),
        marking: Some(Marking::Tlp(tlp)),
        ..object(0, 0)
    }
}

/// Gives every entry whose definition came what `reread` makes of it.
fn redate(store: &Store, reread: impl Fn(&[u8]) -> NewObject) -> usize {
    let waiting = block_on(store.awaiting(10)).unwrap();
    let entries = waiting.into_iter().map(|entry| {
        let object = reread(&entry.body);
        (entry, object)
    });
    block_on(store.redate(entries.collect(), now().plus_ms(5 * DAY_MS))).unwrap()
}

fn object_whose_marking_comes_late_is_dated_anew_for_whoever_only_now_may_see_it(base: &Base) {
    let store = base.open().unwrap();
    let (workbench, elsewhere) = (collection(&store, "workbench"), collection(&store, "elsewhere"));
    let all = aggregate(&store, &[&workbench]);
    add(&store, &workbench, vec![waiting(1, &[LATE]), object(2, 0)]);
    feed(&store);
    let asked = |after| {
        let sight = Sight::new(Tlp::Green, None);
        Page { sight, after, ..latest() }
    };
    let polled = page(&store, &workbench, &asked(None)).entries;
    assert_eq!(polled.iter().map(name).collect::<Vec<_>>(), ["2.0"]);
    let after = Some(polled[0].date_added);
    let ends = [&workbench, &all].map(|place| {
        let last = page(&store, place, &latest()).entries.last().unwrap().date_added;
        (place.id, last)
    });
    let end = |place: &Collection| ends.iter().find(|(id, _)| *id == place.id).map(|end| end.1);
    assert_eq!(redate(&store, |_| unreachable!("nothing has come")), 0);
    add(&store, &elsewhere, vec![definition(LATE, Tlp::Green)]);
    assert_eq!(redate(&store, |_| marked(1, 0, Tlp::Green)), 1);
    assert_eq!(redate(&store, |_| marked(1, 0, Tlp::Green)), 0, "once");
    feed(&store);
    for place in [&workbench, &all] {
        let met = shown(&store, place, &asked(after));
        assert!(met.contains(&"1.0".to_owned()), "{met:?}");
        assert_eq!(sorted(shown(&store, place, &asked(None))), ["1.0", "2.0"]);
        assert_eq!(sorted(shown(&store, place, &latest())), ["1.0", "2.0"]);
        let was_red = Page { after: end(place), ..latest() };
        assert_eq!(shown(&store, place, &was_red), [""; 0], "who saw it does not meet it again");
    }
    assert_eq!(shown(&store, &workbench, &asked(after)), ["1.0"]);
    // Retention counts from when it came, not from its new date.
    keep_for(&store, &workbench, Some(1));
    let just_after = now().plus_ms(DAY_MS + 10);
    assert_eq!(block_on(store.retire(9, just_after)).unwrap(), 2);
}

fn object_that_waits_for_two_markings_waits_for_both(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![waiting(1, &[LATE, LATER])]);
    let low = Page { sight: Sight::new(Tlp::Amber, None), ..latest() };
    add(&store, &workbench, vec![definition(LATE, Tlp::Clear)]);
    assert_eq!(redate(&store, |_| waiting(1, &[LATER])), 0, "the strictest still");
    assert!(!shown(&store, &workbench, &low).contains(&"1.0".to_owned()));
    add(&store, &workbench, vec![definition(LATER, Tlp::Amber)]);
    assert_eq!(redate(&store, |_| marked(1, 0, Tlp::Amber)), 1);
    assert!(shown(&store, &workbench, &low).contains(&"1.0".to_owned()));
}

fn low() -> Page {
    Page { sight: Sight::new(Tlp::Green, None), ..everything() }
}

fn object_that_is_kept_to_fewer_now_keeps_its_date(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![waiting(1, &[LATE])]);
    let date = || page(&store, &workbench, &everything()).entries[0].date_added;
    let before = date();
    add(&store, &collection(&store, "elsewhere"), vec![definition(LATE, Tlp::Red)]);
    let kept =
        |_: &[u8]| NewObject { communities: vec![LATER.to_owned()], ..marked(1, 0, Tlp::Red) };
    assert_eq!(redate(&store, kept), 1);
    assert_eq!((date(), page(&store, &workbench, &everything()).entries.len()), (before, 1));
    let nobody = Page { sight: Sight::new(Tlp::Red, Some([].into())), ..everything() };
    assert_eq!(shown(&store, &workbench, &nobody), [""; 0]);
}

/// A collection and an aggregate, each with an object that has an entry for either kind of reader.
fn two_kinds(store: &Store) -> [Collection; 2] {
    let workbench = collection(store, "workbench");
    let all = aggregate(store, &[&workbench]);
    add(store, &workbench, vec![waiting(1, &[LATE])]);
    feed(store);
    add(store, &collection(store, "elsewhere"), vec![definition(LATE, Tlp::Green)]);
    assert_eq!(redate(store, |_| marked(1, 0, Tlp::Green)), 1);
    feed(store);
    [workbench, all]
}

fn object_for_two_kinds_of_readers_is_one_object_when_it_goes(base: &Base) {
    let store = base.open().unwrap();
    let places = two_kinds(&store);
    let [workbench, all] = &places;
    let shown_to_both = || {
        let shown_to = |place| [low(), everything()].map(|asked| shown(&store, place, &asked));
        places.iter().flat_map(shown_to).flatten().collect::<Vec<_>>()
    };
    assert_eq!(shown_to_both(), ["1.0"; 4]);
    let count = || block_on(store.type_counts(workbench.id)).unwrap();
    assert_eq!(count(), [("tool".to_owned(), 1)]);
    let leaves = || block_on(store.ledger_tree()).unwrap().0;
    let before = leaves();
    assert_eq!(delete_from(&store, workbench, 1), 1);
    assert_eq!(shown_to_both(), [""; 0]);
    assert_eq!(leaves(), before + 1);
    // The same again, and its time is over: one at a time takes all of it.
    add(&store, workbench, vec![waiting(1, &[LATER])]);
    feed(&store);
    add(&store, &collection(&store, "elsewhere"), vec![definition(LATER, Tlp::Green)]);
    assert_eq!(redate(&store, |_| marked(1, 0, Tlp::Green)), 1);
    feed(&store);
    assert_eq!(shown_to_both(), ["1.0"; 4]);
    keep_for(&store, workbench, Some(1));
    // Dates go on from where the clock stood when it was dated anew.
    let later = now().plus_ms(7 * DAY_MS);
    assert_eq!(block_on(store.older(workbench, 1, 100, later)).unwrap(), 1);
    assert_eq!(block_on(store.retire(1, later)).unwrap(), 1);
    assert_eq!(block_on(store.retire(1, later)).unwrap(), 0);
    assert_eq!((shown_to_both(), leaves()), (vec![], before + 2));
    assert_eq!(shown(&store, all, &everything()), [""; 0]);
}

fn copy_for_two_kinds_of_readers_goes_with_a_recall(base: &Base) {
    let folder = tempfile::tempdir().unwrap();
    let other = Base::file(folder.path().join("aldermoor.db"));
    let mut world = World::over([other, base.clone()], 7, Weather::default());
    world.post(true, "lamps", &[tool(1, 0)]);
    world.settle();
    let store = world.b.service.store().clone();
    let incoming = world.b.collection("lamps", Flow::Incoming);
    let came = page(&store, &incoming, &everything()).entries.remove(0);
    // A copy that somebody made here, marked with what nobody knows yet.
    let copy = |tlp| NewObject {
        id: came.id.clone(),
        version: came.version.clone(),
        version_key: "2031-01-01T00:00:00".to_owned(),
        ..marked(1, 0, tlp)
    };
    let workbench = collection(&store, "workbench");
    let mut late =
        request(&workbench, vec![NewObject { awaits: vec![LATE.to_owned()], ..copy(Tlp::Red) }]);
    late.now = world.clock(&world.b.service);
    block_on(store.add_objects(late)).unwrap();
    add(&store, &collection(&store, "elsewhere"), vec![definition(LATE, Tlp::Green)]);
    assert_eq!(redate(&store, |_| copy(Tlp::Green)), 1);
    let visible = || [low(), everything()].map(|asked| shown(&store, &workbench, &asked).len());
    assert_eq!(visible(), [1, 1]);
    let statement = world.b.releases_that_came()[0];
    for asked in [low(), everything()] {
        let items = block_on(store.received_from(&statement, &asked.sight, 0, 10)).unwrap();
        assert_eq!(items.len(), 1);
    }
    let release = block_on(world.a.service.store().releases_page(None, None, 1)).unwrap()[0].id;
    world.recall(release, None);
    world.settle();
    assert_eq!(visible(), [0, 0]);
    assert!(world.b.served("lamps").is_empty());
    let received = block_on(store.received_recalls(None, 10)).unwrap();
    assert_eq!(received[0].deleted, 2, "what came, and the copy");
}

/// What came in counts as the strictest and waits for a definition, as under an agreement that lets
/// such objects in.
fn make_wait(base: &Base) {
    let sql = |marking: &str| {
        format!(
            "UPDATE entry SET class = (SELECT id FROM class WHERE spec = '2.1' AND source = 0
             ORDER BY tlp DESC LIMIT 1) WHERE date_added = (SELECT date_added FROM received_item);
             INSERT INTO awaiting SELECT {marking}, collection, date_added FROM received_item;"
        )
    };
    match (base.path(), base.url()) {
        (Some(path), _) => {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch(&sql(&format!("'{LATE}'"))).unwrap();
        }
        (None, Some(url)) => {
            let mut client = ::postgres::Client::connect(url, ::postgres::NoTls).unwrap();
            client.batch_execute(&sql(&format!("convert_to('{LATE}', 'UTF8')"))).unwrap();
        }
        (None, None) => panic!("a store lies somewhere"),
    }
}

fn item_that_came_is_shown_to_either_kind_of_reader_until_it_is_recalled(base: &Base) {
    let folder = tempfile::tempdir().unwrap();
    let other = Base::file(folder.path().join("aldermoor.db"));
    let mut world = World::over([other, base.clone()], 8, Weather::default());
    world.post(true, "lamps", &[tool(1, 0)]);
    world.settle();
    let store = world.b.service.store().clone();
    let elsewhere = collection(&store, "elsewhere");
    add(&store, &elsewhere, vec![marked(9, 0, Tlp::Red)]);
    make_wait(base);
    let statement = world.b.releases_that_came()[0];
    let bodies = |asked: &Page| {
        let items = block_on(store.received_from(&statement, &asked.sight, 0, 10)).unwrap();
        items.iter().filter(|item| item.body.is_some()).count()
    };
    assert_eq!([bodies(&low()), bodies(&everything())], [0, 1], "the strictest");
    add(&store, &elsewhere, vec![definition(LATE, Tlp::Green)]);
    assert_eq!(redate(&store, |_| marked(1, 0, Tlp::Green)), 1);
    assert_eq!([bodies(&low()), bodies(&everything())], [1, 1]);
    let release = block_on(world.a.service.store().releases_page(None, None, 1)).unwrap()[0].id;
    world.recall(release, None);
    world.settle();
    assert_eq!([bodies(&low()), bodies(&everything())], [0, 0]);
    assert!(world.b.served("lamps").is_empty());
    let received = block_on(store.received_recalls(None, 10)).unwrap();
    assert_eq!(received[0].deleted, 1, "one object");
}
