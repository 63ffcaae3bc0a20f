//! A full disk, a database of a newer version, duplicates and conflicts: nothing half-done.

use pollster::block_on;
use store::{Error, Line, NewObject, Options, Source, SubmissionDecision};
use testkit::Base;

use crate::{kit::*, over_both};

over_both!(
    same_object_again_is_a_success_and_another_content_is_kept_beside,
    same_object_in_another_spelling_is_no_conflict_and_leaves_nothing,
    what_is_held_apart_is_in_no_page_and_is_decided_on_once,
    what_was_committed_is_there_after_a_crash,
    job_that_refuses_leaves_the_others_of_its_group_whole,
    text_with_a_nul_is_kept_as_it_came,
);

#[test]
fn full_disk_keeps_nothing_of_the_request_and_works_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { readers: 1, pages_max: Some(140), ..Options::default() };
    let store = Base::file(folder.path().join("node.db")).with(options).open().unwrap();
    let collection = collection(&store, "workbench");
    let large = "x".repeat(100_000);
    let many = (0..50).map(|n| with_body(n, 0, &format!("{n}{large}"))).collect();
    let error = try_add(&store, &collection, many).unwrap_err();
    assert!(matches!(error, Error::Full), "{error:?}");
    assert!(shown(&store, &collection, &everything()).is_empty());
    add(&store, &collection, vec![object(1, 0)]);
    assert_eq!(shown(&store, &collection, &everything()), ["1.0"]);
}

#[test]
fn database_of_a_newer_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let base = Base::file(folder.path().join("node.db"));
    drop(base.open().unwrap());
    let connection = rusqlite::Connection::open(folder.path().join("node.db")).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = base.open().err().unwrap();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error:?}");
}

/// A database of the first version, as 0.1.0 left it, comes up with every object and its states.
#[test]
fn database_of_the_first_version_is_brought_up_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../migrations/sqlite/0001.sql")).unwrap();
    connection
        .execute_batch(
            "PRAGMA user_version = 1;
             INSERT INTO collection (id, root, alias, title, description, flow, created)
             VALUES ('00000000-0000-4000-8000-000000000001', 'local', 'old', 'Old', '', 'local', 0);
             INSERT INTO blob VALUES (1, x'01', x'7b7d'), (2, x'02', x'7b207d'), (3, x'03', x'5b5d');
             INSERT INTO entry VALUES
             (1, 10, 1, 'tool--1', '2031-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000', 'tool',
              '2.1', NULL, NULL, 1, 0),
             (1, 20, 2, 'tool--1', '2031-01-01T00:00:00.001Z', '2031-01-01T00:00:00.001', 'tool',
              '2.1', NULL, NULL, 0, 1),
             (1, 30, 3, 'tool--2', '2031-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000', 'tool',
              '2.1', 4, NULL, 1, 1);",
        )
        .unwrap();
    drop(connection);
    let store = Base::file(path).open().unwrap();
    let old = collection(&store, "old");
    assert_eq!(shown(&store, &old, &everything()), ["1.0", "1.1", "2.0"]);
    assert_eq!(shown(&store, &old, &latest()), ["1.1", "2.0"]);
    add(&store, &old, vec![object(1, 2)]);
    assert_eq!(shown(&store, &old, &latest()), ["2.0", "1.2"]);
}

fn same_object_again_is_a_success_and_another_content_is_kept_beside(base: &Base) {
    let store = base.open().unwrap();
    let collection = collection(&store, "workbench");
    add(&store, &collection, vec![object(1, 0), object(1, 0)]);
    let other = add(&store, &collection, vec![with_body(1, 0, "{ }")]);
    assert!(other.lines[0].ok && other.lines[0].message.is_some(), "{:?}", other.lines);
    let got = page(&store, &collection, &everything());
    assert_eq!(got.entries.len(), 1);
    assert_eq!(got.entries[0].body.as_ref().unwrap(), &object(1, 0).body);
}

/// Equal by RFC 8785: order, blanks, spelling of numbers and texts, a default left out.
fn same_object_in_another_spelling_is_no_conflict_and_leaves_nothing(base: &Base) {
    let store = base.open().unwrap();
    let collection = collection(&store, "workbench");
    let first = r#"{"id":"tool--1","version":0,"name":"A","revoked":false}"#;
    add(&store, &collection, vec![with_body(1, 0, first)]);
    let again = r#"{ "version": 0.0, "name": "\u0041", "id": "tool--1" }"#;
    let in_one_request = vec![with_body(1, 0, again), with_body(2, 0, "{\"id\":\"tool--2\"}")];
    let added = add(&store, &collection, in_one_request);
    assert!(added.lines.iter().all(|line| line.ok && line.message.is_none()), "{added:?}");
    let twice = vec![with_body(3, 0, "{\"id\":3}"), with_body(3, 0, "{\"id\": 3}")];
    let added = add(&store, &collection, twice);
    assert!(added.lines[1].message.is_none(), "{added:?}");
    assert!(block_on(store.contradictions("tool--1", 10)).unwrap().is_empty());
    let got = page(&store, &collection, &everything());
    assert_eq!(shown(&store, &collection, &everything()), ["1.0", "2.0", "3.0"]);
    assert_eq!(got.entries[0].body.as_ref().unwrap(), first.as_bytes(), "the first is served");
    let other =
        add(&store, &collection, vec![with_body(1, 0, "{\"id\":\"tool--1\",\"name\":\"B\"}")]);
    assert!(other.lines[0].ok && other.lines[0].message.is_some());
    let kept = block_on(store.contradictions("tool--1", 10)).unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].body, "{\"id\":\"tool--1\",\"name\":\"B\"}".as_bytes());
}

fn what_is_held_apart_is_in_no_page_and_is_decided_on_once(base: &Base) {
    let store = base.open().unwrap();
    let collection = collection(&store, "workbench");
    let found = |level: &str| {
        let text = format!(r#"[{{"rule":"103","level":"{level}","pointer":"/id","count":2}}]"#);
        serde_json::from_str(&text).unwrap()
    };
    let lamps = vec!["lamps".to_owned(), "tea".to_owned()];
    let doubtful =
        NewObject { findings: found("error"), communities: lamps.clone(), ..object(1, 0) };
    let beside = NewObject { findings: found("warning"), ..object(2, 0) };
    let held = vec![(0, doubtful.clone()), (2, NewObject { ..object(3, 0) })];
    let mut request = request(&collection, vec![beside]);
    (request.objects[0].0, request.held) = (1, held);
    let status = request.status_id;
    let added = block_on(store.add_objects(request)).unwrap();
    let ok: Vec<_> = added.lines.iter().map(|line| (line.ok, line.held)).collect();
    assert_eq!(ok, [(false, true), (true, false), (false, true)]);
    assert_eq!(shown(&store, &collection, &everything()), ["2.0"]);
    assert_eq!(page(&store, &collection, &everything()).entries[0].findings, found("warning"));

    let source = Source::Submission(status);
    let row = block_on(store.quarantined_from(source)).unwrap().unwrap();
    assert_eq!((row.objects, row.account.as_deref()), (2, Some("drafter")));
    let waiting = block_on(store.held_objects(source, 0, 10)).unwrap();
    assert_eq!((waiting[0].place, &waiting[0].findings), (0, &found("error")));
    let communities = |place: usize| waiting[place].audience.communities.as_deref();
    assert_eq!((communities(0), communities(1)), (Some(lamps.as_slice()), Some(&[][..])));
    let decide = |accepted: Vec<(u32, NewObject)>, refused: Vec<Line>| {
        block_on(store.decide_submission(SubmissionDecision {
            status_id: status,
            collection: collection.clone(),
            account: "drafter".to_owned(),
            accepted,
            refused,
            release: None,
            reason: String::new(),
            actor: "releaser".to_owned(),
            now: now(),
        }))
    };
    decide(vec![(0, doubtful.clone())], Vec::new()).unwrap();
    assert!(matches!(decide(vec![(0, doubtful)], Vec::new()), Err(Error::State(..))));
    let line = Line { held: false, message: Some("no".to_owned()), ..added.lines[2].clone() };
    decide(Vec::new(), vec![line]).unwrap();
    assert_eq!(shown(&store, &collection, &everything()), ["2.0", "1.0"]);
    assert!(block_on(store.quarantined(10)).unwrap().is_empty());
    let read = block_on(store.status("local", status, "drafter")).unwrap().unwrap();
    let ok: Vec<_> = read.lines.iter().map(|line| (line.ok, line.held)).collect();
    assert_eq!(ok, [(true, false), (true, false), (false, false)]);
}

fn what_was_committed_is_there_after_a_crash(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    add(&store, &workbench, vec![object(1, 0)]);
    // A second store on the same place is what a restart after a kill finds.
    let again = base.open().unwrap();
    assert_eq!(shown(&again, &workbench, &everything()), ["1.0"]);
}

fn job_that_refuses_leaves_the_others_of_its_group_whole(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    std::thread::scope(|scope| {
        for n in 0..8u32 {
            let (store, workbench) = (&store, &workbench);
            scope.spawn(move || {
                for round in 0..10 {
                    add(store, workbench, vec![object(n * 100 + round, 0)]);
                    let refused = store.set_password(
                        "nobody".to_owned(),
                        "hash".to_owned(),
                        "admin".to_owned(),
                        now(),
                    );
                    let error = pollster::block_on(refused).unwrap_err();
                    assert!(matches!(error, Error::NotFound), "{error:?}");
                }
            });
        }
    });
    assert_eq!(shown(&store, &workbench, &everything()).len(), 80);
    let journal = pollster::block_on(store.journal_after(0, 100)).unwrap();
    let events: Vec<_> = journal.iter().map(|line| line.event.as_str()).collect();
    assert_eq!(events, ["collection.created"], "a refused job leaves no line");
}

fn text_with_a_nul_is_kept_as_it_came(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let mut odd = object(1, 0);
    odd.id = "tool--\0".to_owned();
    odd.type_ = "to\0ol".to_owned();
    add(&store, &workbench, vec![odd]);
    let got = page(&store, &workbench, &everything());
    assert_eq!((got.entries[0].id.as_str(), got.entries[0].type_.as_str()), ("tool--\0", "to\0ol"));
}
