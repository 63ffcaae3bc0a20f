//! Deleting objects and versions (5.7).

use super::desk::{PASSWORD, TestDesk, basic, lamp, lamp_id, lamps};

fn one(rest: &str) -> String {
    lamps(&format!("objects/{}/{rest}", lamp_id(1)))
}

#[tokio::test]
async fn deleted_objects_are_gone_from_everything_at_once() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 1), lamp(1, 2), lamp(2, 1)]).await;
    let reply = desk.ask("DELETE", &one(""), "").await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(reply.field("content-type"), Some(super::desk::TAXII));
    assert_eq!(desk.get(&one("")).await.status, 404);
    assert_eq!(desk.get(&one("versions/")).await.status, 404);
    for path in ["objects/?match[version]=all", "manifest/?match[version]=all"] {
        let page = desk.get(&lamps(path)).await.json();
        assert_eq!(page["objects"].as_array().unwrap().len(), 1, "{path}");
        assert_eq!(page["objects"][0]["id"], lamp_id(2));
    }
    assert_eq!(desk.ask("DELETE", &one(""), "").await.status, 404, "it is gone");
    // What was deleted may be added again, with a new date.
    assert_eq!(desk.add(&[lamp(1, 1)]).await["success_count"], 1);
    assert_eq!(desk.get(&one("")).await.status, 200);
}

#[tokio::test]
async fn deleted_versions_leave_the_others() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 1), lamp(1, 2), lamp(1, 3)]).await;
    let exact = "?match[version]=2031-01-01T00:00:00.002Z";
    assert_eq!(desk.ask("DELETE", &one(exact), "").await.status, 200);
    assert_eq!(desk.get(&one(exact)).await.status, 404);
    assert_eq!(desk.ask("DELETE", &one("?match[version]=last"), "").await.status, 200);
    let list = desk.get(&one("versions/")).await.json();
    assert_eq!(list["versions"], serde_json::json!(["2031-01-01T00:00:00.001Z"]));
    assert_eq!(desk.ask("DELETE", &one("?match[spec_version]=2.0"), "").await.status, 404);
}

#[tokio::test]
async fn misspelt_filters_do_not_widen_a_deletion() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 1)]).await;
    for query in ["?match[verison]=last", "?limit=1", "?match[version]=", "?x=%ff"] {
        let reply = desk.ask("DELETE", &one(query), "").await;
        assert_eq!(reply.status, 400, "{query}");
    }
    assert_eq!(desk.get(&one("")).await.status, 200);
}

#[tokio::test]
async fn deletion_asks_for_both_rights() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 1)]).await;
    let request = |name: &str| {
        let credentials = basic(name, PASSWORD);
        format!("DELETE {} HTTP/1.1\r\nHost: d\r\n{credentials}Connection: close\r\n\r\n", one(""))
    };
    assert_eq!(desk.raw(&request("rita")).await.status, 403, "she reads only");
    assert_eq!(desk.raw(&request("olaf")).await.status, 404, "he sees nothing");
    assert_eq!(desk.get(&one("")).await.status, 200);
}
