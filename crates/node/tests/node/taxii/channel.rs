//! The roots of agreements: one for each, beside the service's own (4.2).

use testkit::{Weather, World};

use super::desk::TestDesk;

#[tokio::test]
async fn agreements_are_roots_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let world = tokio::task::spawn_blocking(move || World::new(&path, 3, Weather::default()));
    let world = world.await.unwrap();
    let desk = TestDesk::over(world.a.service.clone()).await;
    let discovery = desk.get("/taxii2/").await.json();
    let roots = discovery["api_roots"].as_array().unwrap();
    assert_eq!(roots.len(), 2, "{discovery}");
    let agreement = roots.iter().find(|root| *root != "/local/").unwrap().as_str().unwrap();
    let root = desk.get(agreement).await.json();
    assert_eq!(root["title"], "Lamps and tea");
    let list = desk.get(&format!("{agreement}collections/")).await.json();
    for collection in list["collections"].as_array().unwrap() {
        let writes = collection["title"].as_str().unwrap().ends_with("outgoing");
        assert_eq!(collection["can_write"], writes, "only what goes out is written to");
        assert!(!collection["title"].as_str().unwrap().contains('.'));
    }
}
