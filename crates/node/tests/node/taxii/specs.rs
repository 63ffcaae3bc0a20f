//! Editions, objects without versions or ids, statuses over time, aliases (3.4.1, 4.3, 5.2.1).

use node::desk::now;
use uuid::Uuid;

use super::desk::{TestDesk, lamp, lamp_id, lamps};

#[tokio::test]
async fn latest_edition_is_the_one_that_each_object_has_here() {
    let desk = TestDesk::start().await;
    let old = |number, version| lamp(number, version).replace("\"spec_version\":\"2.1\",", "");
    desk.add(&[old(1, 5), lamp(1, 1), old(2, 1)]).await;
    let editions = async |query: &str| {
        let page = desk.get(&lamps(&format!("manifest/{query}"))).await.json();
        let objects = page["objects"].as_array().cloned().unwrap_or_default();
        let edition = |object: &serde_json::Value| {
            let kind = object["media_type"].as_str().unwrap().to_owned();
            (object["id"].as_str().unwrap().to_owned(), kind[kind.len() - 3..].to_owned())
        };
        // One batch is dated class by class: sorted here, so that the order says nothing.
        let mut editions: Vec<_> = objects.iter().map(edition).collect();
        editions.sort();
        editions
    };
    let (one, two) = (lamp_id(1), lamp_id(2));
    let pair = |id: &str, edition: &str| (id.to_owned(), edition.to_owned());
    assert_eq!(editions("").await, [pair(&one, "2.1"), pair(&two, "2.0")]);
    assert_eq!(editions("?match[spec_version]=2.1").await, [pair(&one, "2.1")]);
    assert_eq!(editions("?match[spec_version]=2.0").await, [pair(&one, "2.0"), pair(&two, "2.0")]);
    // The edition is chosen first, the version among what is left.
    let both = editions("?match[spec_version]=2.0,2.1").await;
    assert_eq!(both, [pair(&one, "2.0"), pair(&two, "2.0")], "the last version of either");
    // The same of one object and of its versions.
    let of_one = async |rest: &str| desk.get(&lamps(&format!("objects/{one}/{rest}"))).await.json();
    let (old, new) = ("2031-01-01T00:00:00.005Z", "2031-01-01T00:00:00.001Z");
    assert_eq!(of_one("?match[version]=all").await["objects"].as_array().unwrap().len(), 1);
    assert_eq!(of_one("").await["objects"][0]["modified"], new);
    assert_eq!(of_one("?match[spec_version]=2.0").await["objects"][0]["modified"], old);
    assert_eq!(of_one("versions/").await["versions"], serde_json::json!([new]));
    assert_eq!(
        of_one("versions/?match[spec_version]=2.0").await["versions"],
        serde_json::json!([old])
    );
    // What a record names can be asked for, and the collection lists it.
    let collection = desk.get(&lamps("")).await.json();
    let kinds = collection["media_types"].as_array().unwrap();
    let page = desk.get(&lamps("manifest/")).await.json();
    for record in page["objects"].as_array().unwrap() {
        assert!(kinds.contains(&record["media_type"]), "{record}");
    }
}

#[tokio::test]
async fn versions_of_unversioned_objects_are_consistent() {
    let desk = TestDesk::start().await;
    let marking = "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\
        \"id\":\"marking-definition--00000000-0000-4000-8000-000000000001\",\
        \"created\":\"2031-01-01T00:00:00.000Z\",\"definition_type\":\"statement\",\
        \"definition\":{\"statement\":\"Invented.\"}}";
    let mutex = "{\"type\":\"mutex\",\"spec_version\":\"2.1\",\
        \"id\":\"mutex--00000000-0000-5000-8000-000000000001\",\"name\":\"lamp\"}";
    let status = desk.add(&[marking.to_owned(), mutex.to_owned()]).await;
    let manifest = desk.get(&lamps("manifest/")).await.json();
    for place in [0, 1] {
        let id = manifest["objects"][place]["id"].as_str().unwrap();
        let version = &manifest["objects"][place]["version"];
        assert_eq!(status["successes"][place]["version"], *version, "{id}");
        let list = desk.get(&lamps(&format!("objects/{id}/versions/"))).await.json();
        assert_eq!(list["versions"][0], *version, "{id}");
        // What is told is what can be asked for, beside the id or alone.
        let version = version.as_str().unwrap();
        for path in [
            format!("objects/?match[version]={version}"),
            format!("objects/?match[id]={id}&match[version]={version}"),
            format!("objects/{id}/?match[version]={version}"),
        ] {
            let page = desk.get(&lamps(&path)).await.json();
            assert_eq!(page["objects"].as_array().unwrap().len(), 1, "{path}");
            assert_eq!(page["objects"][0]["id"], id, "{path}");
        }
    }
    // The same again, later: its version is the one that it has here.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let again = desk.add(&[mutex.to_owned()]).await;
    assert_eq!(again["successes"][0]["version"], manifest["objects"][1]["version"]);
    assert_eq!(manifest["objects"][0]["version"], "2031-01-01T00:00:00.000Z", "created");
    let asked = desk.get(&lamps("manifest/?match[version]=2031-01-01T00:00:00Z")).await.json();
    assert_eq!(asked["objects"].as_array().unwrap().len(), 1);
    let told = manifest["objects"][1]["version"].as_str().unwrap();
    let id = manifest["objects"][1]["id"].as_str().unwrap();
    let path = lamps(&format!("objects/{id}/?match[version]={told}"));
    assert_eq!(desk.ask("DELETE", &path, "").await.status, 200);
    assert_eq!(desk.get(&path).await.status, 404);
}

#[tokio::test]
async fn objects_without_an_id_are_told_by_their_place() {
    let desk = TestDesk::start().await;
    let status = desk.add(&[lamp(1, 0), "{\"type\":\"tool\"}".to_owned(), "7".to_owned()]).await;
    assert_eq!((&status["success_count"], &status["failure_count"]), (&1.into(), &2.into()));
    assert_eq!(status["failures"][0]["id"], "unknown--1");
    assert_eq!(status["failures"][1]["id"], "unknown--2");
    assert!(status["failures"][1]["version"].as_str().is_some_and(|text| text.ends_with('Z')));
}

#[tokio::test]
async fn statuses_are_kept_for_thirty_days() {
    let desk = TestDesk::start().await;
    let status = desk.add(&[lamp(1, 0)]).await;
    let path = format!("/local/status/{}/", status["id"].as_str().unwrap());
    let day = 24 * 3_600 * 1_000;
    let store = desk.service.store();
    store.sweep(now().plus_ms(29 * day)).await.unwrap();
    assert_eq!(desk.get(&path).await.status, 200);
    store.sweep(now().plus_ms(31 * day)).await.unwrap();
    assert_eq!(desk.get(&path).await.status, 404);
}

#[tokio::test]
async fn aliases_are_unique_in_their_root() {
    let desk = TestDesk::start().await;
    let store = desk.service.store();
    let again = store::NewCollection::local(Uuid::new_v4(), "lamps", "Others");
    let refused = store.create_collection(again, "test".to_owned(), now()).await;
    assert!(matches!(refused, Err(store::Error::State(..))));
    let list = desk.get("/local/collections/").await.json();
    assert_eq!(list["collections"].as_array().unwrap().len(), 1);
}
