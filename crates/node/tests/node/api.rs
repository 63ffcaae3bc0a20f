//! The OpenAPI document is true: every route is documented, every answer is as documented.

use std::collections::BTreeSet;

use axum::{body::Body, http::Request};
use serde_json::{Value, json};
use testkit::tool;

use crate::desk::{Client, Desks, Reply, desks, envelope, recall};

/// Holds answers against the document and notes which operations were seen.
struct Judge {
    document: Value,
    seen: BTreeSet<String>,
}

impl Judge {
    fn new() -> Self {
        Self { document: node::api::document(), seen: BTreeSet::new() }
    }

    /// The answer is the one that the document promises for the operation.
    fn holds(&mut self, method: &str, path: &str, reply: &Reply) -> Value {
        let operation = &self.document["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not documented");
        assert_eq!(reply.status, 200, "{method} {path}: {reply:?}");
        self.seen.insert(format!("{method} {path}"));
        let content = operation["responses"]["200"]["content"].as_object().unwrap();
        let (kind, media) = content.iter().next().unwrap();
        assert_eq!(*kind, reply.kind, "{method} {path}");
        if kind != "application/json" {
            return Value::Null;
        }
        let mut schema = media["schema"].clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let body = reply.json();
        let faults: Vec<_> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{method} {path}: {faults:?} in {body}");
        body
    }

    async fn get(&mut self, client: &Client, path: &str, url: &str) -> Value {
        self.holds("GET", path, &client.get(url).await)
    }

    async fn post(&mut self, client: &Client, path: &str, url: &str, body: &Value) -> Value {
        self.holds("POST", path, &client.post(url, body).await)
    }
}

async fn walk_node(judge: &mut Judge, client: &Client) {
    for path in
        ["/api/openapi.json", "/api/node", "/api/me", "/api/keys", "/api/accounts", "/api/clocks"]
    {
        judge.get(client, path, path).await;
    }
    let page = judge.get(client, "/api/journal", "/api/journal?after=0&limit=2").await;
    assert_eq!(page["journal"].as_array().unwrap().len(), 2);
    let next = format!("/api/journal?after={}&limit=1", page["next"]);
    let page = judge.get(client, "/api/journal", &next).await;
    assert_eq!(page["journal"][0]["seq"], 3);
    let new = json!({ "name": "clerk", "roles": ["reader"], "password": "a dozen letters" });
    judge.post(client, "/api/accounts", "/api/accounts", &new).await;
    walk_people(judge, client).await;
    let rotated = judge.post(client, "/api/keys/rotate", "/api/keys/rotate", &json!({})).await;
    assert_eq!((&rotated["epoch"], &rotated["retired_seals"]), (&json!(1), &json!([0])));
    let compromised = json!({ "days": 30, "compromised_after": 1 });
    let again = judge.post(client, "/api/keys/rotate", "/api/keys/rotate", &compromised).await;
    assert_eq!((&again["epoch"], &again["revoked"]), (&json!(2), &json!([1])));
    judge.post(client, "/api/login-link", "/api/login-link", &json!({})).await;
}

async fn walk_people(judge: &mut Judge, client: &Client) {
    let clerk = "/api/accounts/clerk";
    let seen = judge.get(client, "/api/accounts/{name}", clerk).await;
    assert_eq!(seen["sight"], json!({ "ceiling": "TLP:RED", "communities": null }));
    let every = json!([{ "collection": null, "address": null, "read": true, "write": true }]);
    assert_eq!(seen["access"], every);
    let password = json!({ "password": "another dozen letters" });
    let path = "/api/accounts/{name}/password";
    judge.post(client, path, &format!("{clerk}/password"), &password).await;
    let new = json!({
        "label": "siem", "account": "clerk", "expires": "2099-01-01T00:00:00.000Z",
    });
    let token = judge.post(client, "/api/tokens", "/api/tokens", &new).await;
    let own = client.with(token["token"].as_str().unwrap());
    let change = json!({ "old": "another dozen letters", "new": "a third dozen letters" });
    judge.post(&own, "/api/me/password", "/api/me/password", &change).await;
    let stale = own.post("/api/me/password", &change).await;
    assert_eq!((stale.status, stale.rule().as_str()), (403, "AUTH-3"));
    let all = judge.get(client, "/api/tokens", "/api/tokens?all=true").await;
    assert!(all["tokens"].as_array().unwrap().len() > 1);
    assert_eq!(own.get("/api/tokens?all=true").await.rule(), "ROLE-1");
    let mine = judge.get(&own, "/api/tokens", "/api/tokens").await;
    assert_eq!(mine["tokens"][0]["id"], token["id"]);
    let url = format!("/api/tokens/{}", token["id"].as_str().unwrap());
    let revoked = client.ask("DELETE", &url, "", "").await;
    judge.holds("DELETE", "/api/tokens/{token}", &revoked);
    assert_eq!(own.get("/api/me").await.status, 401, "a revoked token opens nothing");
    let shut = json!({ "roles": [], "disabled": true }).to_string();
    let reply = client.ask("PATCH", clerk, "application/json", shut.clone()).await;
    assert_eq!(judge.holds("PATCH", "/api/accounts/{name}", &reply)["disabled"], true);
    let last = client.ask("PATCH", "/api/accounts/everyone", "application/json", shut).await;
    assert_eq!((last.status, last.rule().as_str()), (409, "STATE-1"));
    let remedy = "make another account an administrator first";
    assert_eq!(last.json()["remedy"], remedy, "it helps with what stands in the way");
}

async fn walk_partners(judge: &mut Judge, desks: &Desks) {
    let keys = judge.get(&desks.b, "/api/keys", "/api/keys").await;
    let new = json!({ "statement": keys["statement"], "url": "https://brevia.example:8421" });
    judge.post(&desks.a, "/api/partners", "/api/partners", &new).await;
    let name = "brevia.example/channel";
    let verify = json!({ "name": name, "fingerprint": keys["spoken"] });
    judge.post(&desks.a, "/api/partners/verify", "/api/partners/verify", &verify).await;
    let list = judge.get(&desks.a, "/api/partners", "/api/partners").await;
    assert_eq!(list["partners"][0]["partner"]["url"], "https://brevia.example:8421");
    let one = "/api/partners/brevia.example%2Fchannel";
    judge.get(&desks.a, "/api/partners/{node}", one).await;
    let change = json!({ "url": "https://new.brevia.example:8421", "findings": { "error": "refuse", "rules": { "103": "accept" } } });
    let reply = desks.a.ask("PATCH", one, "application/json", change.to_string()).await;
    let changed = judge.holds("PATCH", "/api/partners/{node}", &reply);
    assert_eq!(changed["partner"]["url"], change["url"]);
    let gone = desks.a.ask("PATCH", one, "application/json", "{\"url\":null}").await.json();
    assert_eq!(gone["partner"]["url"], Value::Null);
    let wrong = json!({ "url": "http://brevia.example" }).to_string();
    let wrong = desks.a.ask("PATCH", one, "application/json", wrong).await;
    assert_eq!(wrong.rule(), "LINK-2");
    let back = json!({ "url": "https://brevia.example:8421" }).to_string();
    desks.a.ask("PATCH", one, "application/json", back).await;
}

async fn walk_agreements(judge: &mut Judge, desks: &Desks) -> String {
    let list = judge.get(&desks.a, "/api/agreements", "/api/agreements").await;
    let id = list["agreements"][0]["id"].as_str().unwrap().to_owned();
    let one = judge.get(&desks.a, "/api/agreements/{id}", &format!("/api/agreements/{id}")).await;
    let other = one["text"].as_str().unwrap().replace("Lamps and tea", "Lamps, tea and jam");
    let reply = desks.a.ask("POST", "/api/agreements", "text/markdown", other).await;
    let drafted = judge.holds("POST", "/api/agreements", &reply);
    let sign = format!("/api/agreements/{}/sign", drafted["id"].as_str().unwrap());
    judge.post(&desks.a, "/api/agreements/{id}/sign", &sign, &json!({})).await;
    id
}

async fn walk_collections(judge: &mut Judge, client: &Client) {
    let new = json!({ "alias": "kettles", "title": "Kettles" });
    judge.post(client, "/api/collections", "/api/collections", &new).await;
    let list = judge.get(client, "/api/collections", "/api/collections").await;
    let all = list["collections"].as_array().unwrap();
    let made = all.iter().find(|one| one["alias"] == "kettles").unwrap();
    for place in [made["id"].as_str().unwrap(), "local%2Fkettles"] {
        let url = format!("/api/collections/{place}");
        judge.get(client, "/api/collections/{id}", &url).await;
    }
    let new = json!({ "alias": "all", "sources": ["local/kettles"], "retention_days": 30 });
    let list = judge.post(client, "/api/collections", "/api/collections", &new).await;
    let all = list["collections"].as_array().unwrap().iter().find(|one| one["alias"] == "all");
    assert_eq!(all.unwrap()["sources"], json!([made["id"]]));
    let change = json!({ "retention_days": 0, "description": "Every kettle" });
    let reply =
        client.ask("PATCH", "/api/collections/local%2Fall", "application/json", change.to_string());
    let shown = judge.holds("PATCH", "/api/collections/{id}", &reply.await);
    assert_eq!(shown["collection"]["retention_days"], json!(null));
    let change = json!({ "findings": { "error": "quarantine", "rules": { "103": "accept" } } });
    let (path, kind) = ("/api/collections/local%2Fkettles", "application/json");
    let reply = client.ask("PATCH", path, kind, change.to_string()).await;
    let changed = judge.holds("PATCH", "/api/collections/{id}", &reply);
    assert_eq!(changed["findings"]["error"], "quarantine");
    assert_eq!(changed["findings"]["rules"]["103"], "accept");
    let wrong = json!({ "findings": { "rules": { "lamps": "accept" } } }).to_string();
    assert_eq!(client.ask("PATCH", path, kind, wrong).await.rule(), "API-400");
    let back = client.ask("PATCH", path, kind, "{\"findings\":null}").await.json();
    assert_eq!(back["findings"]["error"], "accept-with-findings");
    let new = json!({ "name": "siem", "roles": ["reader"] });
    client.post("/api/accounts", &new).await;
    let grant =
        json!({ "account": "siem", "collection": "local/kettles", "read": true, "write": false });
    judge.post(client, "/api/collections/grant", "/api/collections/grant", &grant).await;
    let sight = json!({ "ceiling": "TLP:GREEN" });
    judge.post(client, "/api/accounts/{name}/sight", "/api/accounts/siem/sight", &sight).await;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();
    let new = json!({ "certificate": certificate.pem(), "label": "siem" });
    let (path, url) = ("/api/accounts/{name}/certificates", "/api/accounts/siem/certificates");
    judge.post(client, path, url, &new).await;
    let listed = judge.get(client, path, url).await;
    assert_eq!(listed["certificates"][0]["label"], "siem");
    assert_eq!(listed["certificates"].as_array().unwrap().len(), 1);
    let other = "/api/accounts/everyone/certificates";
    assert_eq!(client.post(other, &new).await.rule(), "STATE-1", "it stands for the first");
    let unnamed = json!({ "certificate": certificate.pem(), "label": " " });
    assert_eq!(client.post(url, &unnamed).await.rule(), "CERT-1");
    let one = format!("{url}/{}", listed["certificates"][0]["id"].as_str().unwrap());
    let removed = client.ask("DELETE", &one, "", "").await;
    let left = judge.holds("DELETE", &format!("{path}/{{certificate}}"), &removed);
    assert_eq!(left["certificates"], json!([]));
    assert_eq!(client.ask("DELETE", &one, "", "").await.status, 404);
    assert_eq!(client.get("/api/accounts/nobody/certificates").await.status, 404);
    let journal = client.get("/api/journal?limit=200").await.json();
    let lines = journal["journal"].as_array().unwrap();
    let line = lines.iter().find(|line| line["event"] == "certificate.removed").unwrap();
    assert_eq!(line["actor"], "everyone");
    assert!(line["detail"].as_str().unwrap().ends_with(" of siem: siem"), "{line}");
}

async fn draft(judge: &mut Judge, client: &Client, topic: &str, agreement: &str, n: u32) -> String {
    let url = format!(
        "/api/releases?topic={topic}&agreement={agreement}&precedence=PRIORITY&status=test&note=x"
    );
    let body = envelope(&[tool(n, 0), tool(n + 1, 0)]);
    let reply = client.ask("POST", &url, "application/json", body).await;
    let drafted = judge.holds("POST", "/api/releases", &reply);
    drafted["release"].as_str().unwrap().to_owned()
}

async fn walk_releases(judge: &mut Judge, mut desks: Desks, agreement: &str) -> Desks {
    let a = desks.a.clone();
    let lamp = draft(judge, &a, "lamps", agreement, 10).await;
    let first = draft(judge, &a, "tea", agreement, 20).await;
    let second = draft(judge, &a, "tea", agreement, 30).await;
    desks = settled(desks).await;
    let officer = a.with(&a.account("officer", &[protocol::terms::Role::Releaser]).await);
    let approve = format!("/api/releases/{first}/approve?precedence=ROUTINE");
    judge.post(&officer, "/api/releases/{id}/approve", &approve, &json!({})).await;
    let back = format!("/api/releases/{second}/return");
    let reason = json!({ "reason": "the second lamp is not ours" });
    judge.post(&officer, "/api/releases/{id}/return", &back, &reason).await;
    desks = settled(desks).await;
    let recalled = format!("/api/releases/{lamp}/recall");
    judge.post(&a, "/api/releases/{id}/recall", &recalled, &recall()).await;
    desks = settled(desks).await;
    let list = judge.get(&a, "/api/releases", "/api/releases?limit=10").await;
    assert_eq!(list["releases"].as_array().unwrap().len(), 3);
    let page = judge.get(&a, "/api/releases", "/api/releases?limit=2").await;
    let next = format!("/api/releases?limit=2&after={}", page["next"].as_str().unwrap());
    let rest = judge.get(&a, "/api/releases", &next).await;
    assert_eq!(rest["releases"].as_array().unwrap().len(), 1, "a page goes on where one ended");
    let returned = judge.get(&a, "/api/releases", "/api/releases?state=returned").await;
    assert_eq!(returned["releases"][0]["id"], second);
    judge.get(&a, "/api/releases/{id}", &format!("/api/releases/{lamp}")).await;
    let url = format!("/api/releases/{lamp}/items");
    let items = judge.get(&a, "/api/releases/{id}/items", &url).await;
    assert_eq!(items["items"].as_array().unwrap().len(), 2);
    let again = format!("/api/releases/{second}/again");
    judge.post(&a, "/api/releases/{id}/again", &again, &json!({})).await;
    let path = format!("/api/releases/{first}/again");
    assert_eq!(a.post(&path, &json!({})).await.rule(), "REL-2", "it was taken in");
    let recalls = judge.get(&a, "/api/recalls", "/api/recalls").await;
    assert_eq!(recalls["recalls"][0]["answer"], "deleted-everywhere");
    let release = judge.get(&a, "/api/releases/{id}", &format!("/api/releases/{lamp}")).await;
    assert_eq!(release["recalls"], recalls["recalls"], "the release tells of its recalls");
    let path = "/api/recalls/received";
    let received = judge.get(&desks.b, path, path).await;
    assert_eq!(received["recalls"][0]["answer"], "deleted-everywhere");
    assert_eq!(received["recalls"][0]["target"], recalls["recalls"][0]["target"]);
    walk_recalls(&a, &first).await;
    desks
}

/// Recalls come in pages that meet without a gap.
async fn walk_recalls(client: &Client, release: &str) {
    let second = client.post(&format!("/api/releases/{release}/recall"), &recall()).await;
    assert_eq!(second.status, 200, "{second:?}");
    let whole = client.get("/api/recalls").await.json();
    let whole = whole["recalls"].as_array().unwrap().clone();
    assert!(whole.len() > 1, "{whole:?}");
    let (mut paged, mut url) = (Vec::new(), "/api/recalls?limit=1".to_owned());
    loop {
        let page = client.get(&url).await.json();
        paged.extend(page["recalls"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        url = format!("/api/recalls?limit=1&after={next}");
    }
    assert_eq!(paged, whole);
    assert_eq!(client.get("/api/recalls?after=yesterday").await.rule(), "API-400");
    assert_eq!(client.get("/api/recalls?state=answered").await.rule(), "API-400");
}

async fn walk_statements(judge: &mut Judge, desks: &Desks) {
    let list = judge.get(&desks.b, "/api/statements", "/api/statements?limit=3").await;
    let id = list["statements"][0]["id"].as_str().unwrap();
    judge.get(&desks.b, "/api/statements/{id}", &format!("/api/statements/{id}")).await;
    let account = "/api/ledger/account?partner=aldermoor.example/channel";
    judge.get(&desks.b, "/api/ledger/account", account).await;
    let export = "/api/courier/export?partner=brevia.example/channel";
    let reply = desks.a.get(export).await;
    judge.holds("GET", "/api/courier/export", &reply);
    let import = desks.b.ask("POST", "/api/courier/import", "application/x-tar", reply.bytes).await;
    judge.holds("POST", "/api/courier/import", &import);
}

async fn walk_quarantine(judge: &mut Judge, mut desks: Desks, agreement: &str) -> Desks {
    for number in [50, 51] {
        let doubtful = tool(number, 0).replace("\"name\"", "\"confidence\":400,\"name\"");
        let url = format!("/api/releases?topic=lamps&agreement={agreement}");
        desks.a.ask("POST", &url, "application/json", envelope(&[doubtful])).await;
    }
    desks = settled(desks).await;
    let list = judge.get(&desks.b, "/api/quarantine", "/api/quarantine").await;
    let held: Vec<_> = list["quarantine"].as_array().unwrap().clone();
    assert_eq!(held.len(), 2);
    let (path, id) = ("/api/statements/{id}/acknowledge", held[0]["id"].as_str().unwrap());
    let url = format!("/api/statements/{id}/acknowledge");
    judge.post(&desks.b, path, &url, &json!({})).await;
    assert_eq!(desks.a.post(&url, &json!({})).await.rule(), "ACK-1", "only what came in");
    let one = judge.get(&desks.b, "/api/quarantine/{id}", &format!("/api/quarantine/{id}")).await;
    assert_eq!(one["held"]["id"], held[0]["id"]);
    assert!(!one["objects"][0]["findings"].as_array().unwrap().is_empty(), "{one}");
    for (row, verb) in held.iter().zip(["accept", "refuse"]) {
        let url = format!("/api/quarantine/{}", row["id"].as_str().unwrap());
        let shown = judge.get(&desks.b, "/api/quarantine/{id}", &url).await;
        assert_eq!(shown["objects"][0]["findings"][0]["rule"], "STIX-3.2-10");
        let url = format!("{url}/{verb}");
        judge.post(&desks.b, &format!("/api/quarantine/{{id}}/{verb}"), &url, &json!({})).await;
        assert_eq!(desks.b.post(&url, &json!({})).await.status, 404, "decided once");
    }
    desks
}

async fn walk_standing(judge: &mut Judge, desks: &Desks, agreement: &str) {
    for (verb, state) in [("suspend", "suspended"), ("resume", "in-force"), ("end", "ended")] {
        let (path, url) = (
            format!("/api/agreements/{{id}}/{verb}"),
            format!("/api/agreements/{agreement}/{verb}"),
        );
        let said = json!({ "reason": "an invented reason" });
        let body = judge.post(&desks.a, &path, &url, &said).await;
        assert_eq!(body["state"], state);
    }
    let (url, said) = (format!("/api/agreements/{agreement}/end"), json!({ "reason": "x" }));
    assert_eq!(desks.a.post(&url, &said).await.rule(), "AGR-8");
}

/// Lets the world run until nothing is left to do.
async fn settled(desks: Desks) -> Desks {
    desks.work(testkit::World::settle).await
}

#[tokio::test]
async fn every_endpoint_answers_as_the_document_says() {
    let mut judge = Judge::new();
    let mut desks = desks(11).await;
    let a = desks.a.clone();
    walk_partners(&mut judge, &desks).await;
    let agreement = walk_agreements(&mut judge, &desks).await;
    desks = walk_releases(&mut judge, desks, &agreement).await;
    walk_statements(&mut judge, &desks).await;
    desks = walk_quarantine(&mut judge, desks, &agreement).await;
    walk_standing(&mut judge, &desks, &agreement).await;
    walk_node(&mut judge, &a).await;
    walk_collections(&mut judge, &a).await;
    let declared: BTreeSet<_> = node::api::endpoints()
        .iter()
        .map(|endpoint| format!("{} /api{}", endpoint.method, endpoint.path))
        .collect();
    let paths = judge.document["paths"].as_object().unwrap();
    let documented: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    assert_eq!(declared, documented);
    assert_eq!(declared, judge.seen, "endpoints that this walk does not visit");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(path) = fields.get("$ref").and_then(Value::as_str) {
                    let found = document.pointer(path.trim_start_matches('#'));
                    assert!(found.is_some(), "{path} leads nowhere");
                }
                fields.values().for_each(|value| walk(value, document));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, document)),
            _ => {}
        }
    }
    let document = node::api::document();
    walk(&document, &document);
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{operation}");
        }
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_a_problem_document_with_its_rule() {
    let desks = desks(12).await;
    let a = &desks.a;
    let json = "application/json";
    let deep = format!("{{\"reason\":{}", "[".repeat(100_000));
    let recall = "/api/releases/00000000-0000-4000-8000-000000000001/recall";
    let cases: Vec<(Reply, u16, &str)> = vec![
        (a.get("/api/nothing").await, 404, "API-404"),
        (a.get("/api/nothing/below/it").await, 404, "API-404"),
        (a.ask("DELETE", "/api/releases", "", "").await, 405, "API-405"),
        (a.ask("POST", recall, json, "{\"reason\":").await, 400, "JSON-1"),
        (a.ask("POST", recall, json, "{\"reason\":NaN}").await, 400, "JSON-1"),
        (a.ask("POST", recall, json, deep).await, 400, "API-400"),
        (a.ask("POST", recall, json, "{\"reason\":1}").await, 400, "API-400"),
        (a.ask("POST", recall, json, "{\"reasons\":\"wrong\"}").await, 400, "API-400"),
        (a.ask("POST", recall, json, "{\"reason\":\"because\"}").await, 400, "API-400"),
        (a.ask("POST", recall, "text/plain", "{\"reason\":\"wrong\"}").await, 415, "API-415"),
        (a.post(recall, &json!({ "reason": "wrong" })).await, 404, "API-404"),
        (a.get("/api/releases/7").await, 400, "API-400"),
        (a.get("/api/releases?limit=many").await, 400, "API-400"),
        (a.get("/api/releases?color=red").await, 400, "API-400"),
        (a.get("/api/releases?after=yesterday").await, 400, "API-400"),
        (a.get("/api/releases?state=lost").await, 400, "API-400"),
        (a.get("/api/statements/xyz").await, 400, "API-400"),
        (a.get("/api/ledger/account?partner=corvane.example/channel").await, 404, "API-404"),
        (a.ask("POST", "/api/releases", json, "{}").await, 400, "API-400"),
        (a.ask("POST", "/api/releases?topic=jam", json, "{}").await, 422, "ART-3"),
        (a.ask("POST", "/api/releases?topic=lamps", json, "{").await, 400, "JSON-1"),
        (a.ask("POST", "/api/courier/import", "application/x-tar", "no tar").await, 400, "CUR-1"),
        (a.ask("POST", "/api/agreements", "text/markdown", "no parameters").await, 400, "AGR-3"),
    ];
    for (place, (reply, status, rule)) in cases.into_iter().enumerate() {
        assert_eq!(
            (reply.status, reply.rule().as_str()),
            (status, rule),
            "case {place}: {reply:?}"
        );
    }
    let allow = a.ask("DELETE", "/api/releases", "", "").await.headers["allow"].clone();
    assert_eq!(allow, "GET,HEAD,POST");
}

#[tokio::test]
async fn body_beyond_the_limit_is_refused_before_it_is_read() {
    let desks = desks(13).await;
    let body = Body::from_stream(tokio_stream::iter(
        std::iter::repeat_n(vec![b' '; 1 << 20], 100).map(Ok::<_, std::io::Error>),
    ));
    let reply = desks.a.ask("POST", "/api/releases?topic=lamps", "application/json", body).await;
    assert_eq!((reply.status, reply.rule().as_str()), (413, "API-413"));
    assert_eq!(desks.a.get("/api/releases").await.json(), json!({ "releases": [], "next": null }));
}

#[tokio::test]
async fn stranger_gets_a_problem_and_a_challenge() {
    let desks = desks(14).await;
    let request = Request::get("/api/node").body(Body::empty()).unwrap();
    let reply = desks.a.send(request).await;
    assert_eq!((reply.status, reply.rule().as_str()), (401, "AUTH-1"));
    assert!(reply.headers.contains_key("www-authenticate"));
}
