//! A database of an older build: entries that it classed otherwise are read again once, and every
//! reader meets what is theirs.

use stix::Tlp;
use store::{Flow, Page, Sight};
use testkit::{Base, Weather, World, tool};

use super::kit;

super::over_both!(entries_of_an_older_build_are_kept_to_their_community_once_they_are_read_again);

const OURS: &str = "marking-definition--11111111-1111-4111-8111-111111111111";

fn definition() -> String {
    format!(
        r#"{{"type":"marking-definition","id":"{OURS}","spec_version":"2.1",
        "created":"2031-01-01T00:00:00.000Z","definition_type":"x-lamps","definition":{{"a":1}}}}"#
    )
}

fn marked(number: u32) -> String {
    tool(number, 0).replace("\"name\"", &format!("\"object_marking_refs\":[\"{OURS}\"],\"name\""))
}

/// What is left as a build before 0010 would have: everybody below the ceiling sees every entry.
/// Then the migration that brings them along runs as it would on opening.
const OLDER: &str = "INSERT INTO class (spec, tlp, communities, source, unless)
      SELECT '2.1', -1, '', 0, '' WHERE NOT EXISTS (SELECT 1 FROM class
      WHERE spec = '2.1' AND tlp = -1 AND communities = '' AND source = 0 AND unless = '');
    UPDATE entry SET class = (SELECT id FROM class
      WHERE spec = '2.1' AND tlp = -1 AND communities = '' AND source = 0 AND unless = '');
    DELETE FROM awaiting;
    UPDATE release_item SET communities = NULL;
    DROP TABLE reread;";

fn make_older(base: &Base) {
    match (base.path(), base.url()) {
        (Some(path), _) => {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch(OLDER).unwrap();
            let migration = include_str!("../../migrations/sqlite/0013.sql");
            connection.execute_batch(migration).unwrap();
        }
        (None, Some(url)) => {
            let mut client = ::postgres::Client::connect(url, ::postgres::NoTls).unwrap();
            client.batch_execute(OLDER).unwrap();
            client.batch_execute(include_str!("../../migrations/postgres/0013.sql")).unwrap();
        }
        (None, None) => panic!("a store lies somewhere"),
    }
}

fn entries_of_an_older_build_are_kept_to_their_community_once_they_are_read_again(base: &Base) {
    let folder = tempfile::tempdir().unwrap();
    let other = Base::file(folder.path().join("brevia.db"));
    let mut world = World::over([base.clone(), other], 1, Weather::default());
    let object =
        |number: u32| if number.is_multiple_of(2) { marked(number) } else { tool(number, 0) };
    let objects: Vec<_> = (1..=2_300).map(object).collect();
    world.post(true, "lamps", &[definition()]);
    world.post(true, "lamps", &objects);
    // Those who see every item of the last release, by what is known of its communities.
    let readers = |world: &World| {
        let all = pollster::block_on(async {
            let store = world.a.service.store();
            let release = store.releases_page(None, None, 1).await.unwrap()[0].id;
            store.audiences(release).await.unwrap()
        });
        let sees = |communities: Option<&[&str]>| {
            let communities =
                communities.map(|all| all.iter().map(|&one| one.to_owned()).collect());
            let sight = Sight::new(Tlp::Red, communities);
            all.iter().all(|audience| sight.is_in(audience))
        };
        [sees(Some(&[])), sees(Some(&[OURS])), sees(None)]
    };
    assert_eq!(readers(&world), [false, true, true]);
    world.a.service.store().close();
    make_older(base);
    world.restart(true);
    assert_eq!(readers(&world), [false, false, true], "nobody knows, so nobody is let in");
    let seen = |world: &World, communities: Option<&[&str]>| {
        let communities = communities.map(|all| all.iter().map(|&one| one.to_owned()).collect());
        let page = Page { sight: Sight::new(Tlp::Red, communities), ..kit::everything() };
        let collection = world.a.collection("lamps", Flow::Outgoing);
        let entries = kit::page(world.a.service.store(), &collection, &page).entries;
        assert!(entries.is_sorted_by(|one, next| one.date_added < next.date_added));
        let mut ids: Vec<_> = entries.into_iter().map(|entry| entry.id).collect();
        ids.sort();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "once each");
        count
    };
    assert_eq!(seen(&world, Some(&[])), 2_301, "as the older build left it");
    // A restart in between loses nothing.
    assert!(world.collections(true));
    world.restart(true);
    while world.collections(true) {}
    assert_eq!(seen(&world, Some(&[])), 1_151, "the definition and what is kept to nobody");
    assert_eq!(seen(&world, Some(&[OURS])), 2_301);
    assert_eq!(seen(&world, None), 2_301);
    let journal = pollster::block_on(world.a.service.store().journal_before(i64::MAX, 50)).unwrap();
    assert!(journal.iter().any(|line| line.event == "objects.redated"));
}
