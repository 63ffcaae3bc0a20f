//! Requests that share a commit are put together, and come to what each would have come to alone.

use pollster::block_on;
use protocol::terms::{Precedence, Status};
use store::{AddObjects, Added, Collection, Error, NewObject, ReleaseDraft, Store};
use testkit::Base;
use uuid::Uuid;

use crate::{kit::*, over_both};

over_both!(
    requests_that_share_a_commit_come_to_what_each_comes_to_alone,
    one_that_refuses_leaves_the_others_as_they_are,
    dates_rise_from_one_process_to_the_next,
    statuses_are_forgotten_in_the_order_in_which_they_came,
);

/// Hands all of them in before the first commit is made, and what each came to.
fn together(store: &Store, requests: Vec<AddObjects>) -> Vec<Result<Added, Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let hand = |request| {
            let store = store.clone();
            tokio::spawn(async move { store.add_objects(request).await })
        };
        let mut results = Vec::new();
        for handed in requests.into_iter().map(hand).collect::<Vec<_>>() {
            results.push(handed.await.unwrap());
        }
        results
    })
}

fn unversioned(body: &str) -> NewObject {
    NewObject { version: None, version_key: String::new(), ..with_body(9, 0, body) }
}

fn later(collection: &Collection, ms: i64, objects: Vec<NewObject>) -> AddObjects {
    AddObjects { now: now().plus_ms(ms), ..request(collection, objects) }
}

fn requests_that_share_a_commit_come_to_what_each_comes_to_alone(base: &Base) {
    let store = base.open().unwrap();
    let [first, second] = ["first", "second"].map(|alias| collection(&store, alias));
    let requests = vec![
        later(&first, 0, vec![object(1, 0), object(2, 0)]),
        later(&first, 1, vec![object(2, 0), object(3, 0)]),
        later(&second, 2, vec![object(1, 0)]),
        later(&first, 3, vec![with_body(2, 0, "{\"other\":2}"), object(2, 1)]),
        later(&first, 4, vec![unversioned("{\"id\":\"tool--9\"}")]),
        later(&first, 5, vec![unversioned("{\"id\":\"tool--9\"}")]),
        later(&first, 6, Vec::new()),
        AddObjects { account: "releaser".to_owned(), ..later(&first, 7, vec![object(4, 0)]) },
    ];
    let ids: Vec<Uuid> = requests.iter().map(|request| request.status_id).collect();
    let before = store.commits();
    let added: Vec<Added> = together(&store, requests).into_iter().map(Result::unwrap).collect();
    assert!(store.commits() - before < 8, "some of them shared a commit");

    assert_eq!(added.iter().map(|added| added.status_id).collect::<Vec<_>>(), ids);
    let counts: Vec<usize> = added.iter().map(|added| added.lines.len()).collect();
    assert_eq!(counts, [2, 2, 1, 2, 1, 1, 0, 1]);
    assert!(added.iter().flat_map(|added| &added.lines).all(|line| line.ok));
    let told = added.iter().flat_map(|added| &added.lines).map(|line| &line.message);
    let conflicts: Vec<usize> =
        (0..).zip(told).filter(|(_, message)| message.is_some()).map(|(n, _)| n).collect();
    assert_eq!(conflicts, [5], "the other content of a version is told to who sent it");
    let shows = |place: &Collection| {
        let mut shown = shown(&store, place, &everything());
        shown.sort();
        shown
    };
    let came = now().plus_ms(4).to_string();
    assert_eq!(added[5].lines[0].version, came, "told by the request that brought it");
    let whole = page(&store, &first, &everything());
    let without = whole.entries.iter().find(|entry| entry.id == "tool--9").unwrap();
    assert_eq!(without.version.as_deref(), Some(came.as_str()));
    assert_eq!(shows(&first).len(), 6, "{:?}", shows(&first));
    assert_eq!(shows(&second), ["1.0"]);
    assert_eq!(shown(&store, &first, &latest()).iter().filter(|n| n.starts_with("2.")).count(), 1);
    for (id, added) in ids.iter().zip(&added) {
        let account = if *id == ids[7] { "releaser" } else { "drafter" };
        let status = block_on(store.status(&first.root, *id, account)).unwrap().unwrap();
        assert_eq!(status.lines, added.lines);
    }
}

fn one_that_refuses_leaves_the_others_as_they_are(base: &Base) {
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    let draft = ReleaseDraft {
        id: Uuid::from_u128(7),
        agreement: "0".repeat(64).parse().unwrap(),
        topic: "aviation".parse().unwrap(),
        precedence: Precedence::Routine,
        status: Status::Actual,
        note: None,
    };
    let of = |id: u32| request(&workbench, vec![object(id, 0)]);
    let drafted = |id: u32| AddObjects { release: Some(draft.clone()), ..of(id) };
    let results = together(&store, vec![of(1), drafted(2), of(3), drafted(4), of(5), of(6), of(7)]);
    let taken: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(taken, [true, true, true, false, true, true, true], "there is that draft already");
    let mut there = shown(&store, &workbench, &latest());
    there.sort();
    assert_eq!(there, ["1.0", "2.0", "3.0", "5.0", "6.0", "7.0"]);
}

fn dates_rise_from_one_process_to_the_next(base: &Base) {
    let workbench = collection(&base.open().unwrap(), "workbench");
    let mut stores = [base.open().unwrap(), base.open().unwrap()];
    for id in 0..40 {
        let turn = usize::from(id % 3 == 0);
        add(&stores[turn], &workbench, vec![object(id, 0)]);
        if id % 8 == 7 {
            stores[turn].close();
            stores[turn] = base.open().unwrap();
        }
    }
    let pages = page(&stores[0], &workbench, &latest());
    let dates: Vec<i64> = pages.entries.iter().map(|entry| entry.date_added).collect();
    assert!(dates.len() == 40 && dates.is_sorted_by(|a, b| a < b), "{dates:?}");
    let order: Vec<String> = (0..40).map(|id| format!("{id}.0")).collect();
    assert_eq!(shown(&stores[0], &workbench, &latest()), order, "in the order of commits");
}

fn statuses_are_forgotten_in_the_order_in_which_they_came(base: &Base) {
    const DAY_MS: i64 = 24 * 3_600 * 1_000;
    let store = base.open().unwrap();
    let workbench = collection(&store, "workbench");
    // The third waited for days, and came after the second.
    let ids = [0, 10, 1, 20].map(|day| {
        let request = later(&workbench, day * DAY_MS, vec![object(1, 0)]);
        let id = request.status_id;
        block_on(store.add_objects(request)).unwrap();
        id
    });
    let left = |day: i64| {
        block_on(store.sweep(now().plus_ms(day * DAY_MS))).unwrap();
        let is_there =
            |id| block_on(store.status(&workbench.root, id, "drafter")).unwrap().is_some();
        ids.map(is_there)
    };
    assert_eq!(left(29), [true; 4]);
    assert_eq!(left(35), [false, true, true, true], "thirty days at least");
    assert_eq!(left(41), [false, false, false, true]);
    assert_eq!(left(51), [false; 4]);
}
