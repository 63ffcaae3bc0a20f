//! Who may do what where, and who sees what: rights for each collection, ceilings.

use protocol::terms::Role;
use serde_json::Value;
use stix::Tlp;
use store::{NewCollection, Rights, Sight};

use super::desk::{LAMPS, PASSWORD, TAXII, TestDesk, basic, lamp, lamp_id, lamps};
use node::desk::now;

const AMBER: &str = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82";

impl TestDesk {
    async fn lamps(&self) -> store::Collection {
        let all = self.service.store().collections().await.unwrap();
        all.into_iter().find(|one| one.id.to_string() == LAMPS).unwrap()
    }

    /// An account with every role that may use them in the collection of most tests only.
    pub(super) async fn confined(&self, name: &str, may: Rights) {
        self.account(name, Role::ALL).await;
        let (store, by) = (self.service.store(), "test".to_owned());
        store.grant(name.to_owned(), None, Rights::NONE, by.clone(), now()).await.unwrap();
        let place = Some(self.lamps().await);
        store.grant(name.to_owned(), place, may, by, now()).await.unwrap();
    }

    pub(super) async fn ask_as(
        &self,
        name: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> crate::wire::Reply {
        self.raw(&format!(
            "{method} {path} HTTP/1.1\r\nHost: d\r\n{}Content-Type: {TAXII}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            basic(name, PASSWORD),
            body.len()
        ))
        .await
    }
}

#[tokio::test]
async fn write_only_accounts_post_and_neither_read_nor_delete() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    desk.confined("sensor", Rights::WRITE).await;
    let body = format!("{{\"objects\":[{}]}}", lamp(2, 0));
    let object = lamps(&format!("objects/{}/", lamp_id(1)));
    let posted = desk.ask_as("sensor", "POST", &lamps("objects/"), &body).await;
    assert_eq!(posted.status, 202);
    let status = format!("/local/status/{}/", posted.json()["id"].as_str().unwrap());
    let told = desk.ask_as("sensor", "GET", &status, "").await;
    assert_eq!((told.status, told.json()), (200, posted.json()), "what it wrote it may follow");
    for path in [&lamps("objects/"), &lamps("manifest/"), &object, &format!("{object}versions/")] {
        assert_eq!(desk.ask_as("sensor", "GET", path, "").await.status, 403, "{path}");
    }
    assert_eq!(desk.ask_as("sensor", "DELETE", &object, "").await.status, 403);
    let shown = desk.ask_as("sensor", "GET", &lamps(""), "").await.json();
    assert_eq!((&shown["can_read"], &shown["can_write"]), (&false.into(), &true.into()));
}

#[tokio::test]
async fn rights_end_at_the_collection_they_are_given_for() {
    let desk = TestDesk::start().await;
    let store = desk.service.store();
    let id = uuid::Uuid::from_u128(0x2222_2222_2222_4222_8222_2222_2222_2222);
    let kettles = NewCollection::local(id, "kettles", "Kettles");
    store.create_collection(kettles, "test".to_owned(), now()).await.unwrap();
    desk.confined("guest", Rights::READ).await;
    let list = desk.ask_as("guest", "GET", "/local/collections/", "").await.json();
    assert_eq!(list["collections"].as_array().unwrap().len(), 1);
    let kettles = format!("/local/collections/{id}/");
    assert_eq!(desk.ask_as("guest", "GET", &kettles, "").await.status, 404, "as if absent");
    assert_eq!(desk.get(&kettles).await.status, 200);
    let by = "test".to_owned();
    let place = Some(desk.lamps().await);
    store.grant("guest".to_owned(), place, Rights::NONE, by, now()).await.unwrap();
    assert_eq!(desk.ask_as("guest", "GET", &lamps("objects/"), "").await.status, 404, "at once");
}

#[tokio::test]
async fn what_is_above_the_ceiling_leaves_no_trace() {
    let desk = TestDesk::start().await;
    let marked = |number: u32| {
        let marking = format!("\"object_marking_refs\":[\"{AMBER}\"],\"name\":");
        lamp(number, 0).replace("\"name\":", &marking)
    };
    for number in 0..12 {
        let object = if number % 3 == 0 { lamp(number, 0) } else { marked(number) };
        desk.add(&[object]).await;
    }
    desk.confined("partner", Rights::ALL).await;
    let sight = Sight::new(Tlp::Green, None);
    let store = desk.service.store();
    store.set_sight("partner".to_owned(), sight, "test".to_owned(), now()).await.unwrap();
    let ids = |page: &Value| -> Vec<String> {
        let objects = page["objects"].as_array().cloned().unwrap_or_default();
        objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
    };
    let wanted: Vec<_> = [0, 3, 6, 9].map(lamp_id).into();
    for endpoint in ["objects/", "manifest/"] {
        let page = desk.ask_as("partner", "GET", &lamps(endpoint), "").await.json();
        assert_eq!(ids(&page), wanted, "{endpoint}");
        let page = desk.ask_as("partner", "GET", &lamps(&format!("{endpoint}?limit=4")), "").await;
        assert_eq!(page.json().get("more"), None, "nothing follows that it may see");
    }
    let hidden = lamps(&format!("objects/{}/", lamp_id(1)));
    for (method, path) in
        [("GET", hidden.clone()), ("GET", format!("{hidden}versions/")), ("DELETE", hidden)]
    {
        assert_eq!(desk.ask_as("partner", method, &path, "").await.status, 404, "{method} {path}");
    }
    assert_eq!(ids(&desk.get(&lamps("objects/")).await.json()).len(), 12, "others see all");
}

#[tokio::test]
async fn what_is_taken_away_is_gone_with_the_next_request() {
    let desk = TestDesk::start().await;
    let (store, by) = (desk.service.store(), || "test".to_owned());
    let token = desk.account("guest", Role::ALL).await;
    let objects = lamps("objects/");
    let by_token = async || {
        let known = format!("Host: d\r\nAuthorization: Bearer {token}\r\nConnection: close");
        desk.raw(&format!("GET {objects} HTTP/1.1\r\n{known}\r\n\r\n")).await.status
    };
    // Posts by others leave what is known of the guest where it is.
    let is_let_in = async |status| {
        desk.add(&[lamp(1, 0)]).await;
        let by_password = desk.get_as("guest", &objects).await.status;
        assert_eq!((by_token().await, by_password), (status, status));
    };
    let change = async |roles: &[Role], is_shut| {
        let changed = store.change_account("guest".into(), roles.to_vec(), is_shut, by(), now());
        changed.await.unwrap();
    };
    is_let_in(200).await;
    for (may, status) in [(Rights::NONE, 404), (Rights::READ, 200)] {
        store.grant("guest".to_owned(), None, may, by(), now()).await.unwrap();
        is_let_in(status).await;
    }
    // One administrator is left.
    desk.account("otto", &[Role::Administrator]).await;
    for (roles, is_shut, status) in
        [(&[] as &[_], false, 404), (Role::ALL, true, 401), (Role::ALL, false, 200)]
    {
        change(roles, is_shut).await;
        is_let_in(status).await;
    }
    store.set_password("guest".to_owned(), "no hash".to_owned(), by(), now()).await.unwrap();
    assert_eq!(desk.get_as("guest", &objects).await.status, 401);
    assert_eq!(by_token().await, 200);
    let tokens = store.token_rows().await.unwrap();
    let its = tokens.into_iter().find(|row| row.account == "guest").unwrap();
    store.end_token(its.id, by(), now()).await.unwrap();
    assert_eq!(by_token().await, 401);
}
