//! The exchanges of clients as they are, replayed: what each sends, as its project documents or
//! programs it (named at each test), and what it needs back.

use super::desk::{LAMPS, PASSWORD, TAXII, TestDesk, basic, lamp, lamp_id, lamps};
use crate::wire::Reply;

impl TestDesk {
    /// A request with exactly these fields.
    async fn sends(&self, method: &str, target: &str, fields: &[&str], body: &str) -> Reply {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        self.raw(&format!(
            "{method} {target} HTTP/1.1\r\nHost: desk\r\n{fields}Content-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    async fn five_lamps(&self) {
        self.add(&(0..5).map(|number| lamp(number, 0)).collect::<Vec<_>>()).await;
    }
}

fn ids(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let objects = reply.json()["objects"].as_array().cloned().unwrap_or_default();
    objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

/// oasis-open/cti-taxii-client 2.3, `taxii2client/common.py` and `v21/__init__.py`: Accept is the
/// exact media type, `Token` authentication, a 200 must be of its own media type, `as_pages` goes
/// on by `next` with the same filters and lowers `limit` to the size of a short page.
#[tokio::test]
async fn taxii2_client_walks_from_discovery_to_the_last_page() {
    let desk = TestDesk::start().await;
    desk.five_lamps().await;
    let token = format!("Authorization: Token {}", desk.token);
    let fields = [
        "User-Agent: taxii2-client/2.3.0",
        "Accept-Encoding: gzip, deflate",
        "Accept: application/taxii+json;version=2.1",
        token.as_str(),
    ];
    let get = async |target: &str| {
        let reply = desk.sends("GET", target, &fields, "").await;
        assert_eq!(reply.field("content-type"), Some(TAXII), "{target}");
        reply
    };
    let discovery = get("/taxii2/").await.json();
    let root = discovery["default"].as_str().unwrap().to_owned();
    get(&root).await;
    let list = get(&format!("{root}collections/")).await.json();
    let id = list["collections"][0]["id"].as_str().unwrap();
    assert_eq!(id, LAMPS);
    let first = get(&format!("{root}collections/{id}/objects/?limit=3")).await;
    let next = first.json()["next"].as_str().unwrap().to_owned();
    let rest = get(&format!("{root}collections/{id}/objects/?limit=3&next={next}")).await;
    assert_eq!((ids(&first).len(), ids(&rest).len()), (3, 2));
    assert!(rest.json().get("more").is_none(), "as_pages ends");
    let page = get(&format!("{root}collections/{id}/manifest/?limit=3")).await.json();
    assert_eq!(page["more"], page["next"].is_string(), "as_pages over a manifest needs both");
    // Dates without a fraction, filters as lists.
    let query = "added_after=2020-01-01T00:00:00Z&match%5Btype%5D=tool%2Cmutex";
    assert_eq!(ids(&get(&format!("{root}collections/{id}/objects/?{query}")).await).len(), 5);
}

/// oasis-open/cti-python-stix2 3.0, `stix2/datastore/taxii.py`: the sink posts bundles, the source
/// takes 404 for an object that is not there and asks for `match[version]=all`.
#[tokio::test]
async fn stix2_sink_posts_bundles_and_its_source_reads_them() {
    let desk = TestDesk::start().await;
    let token = format!("Authorization: Bearer {}", desk.token);
    let bundle = format!(
        "{{\"type\": \"bundle\", \"id\": \"bundle--00000000-0000-4000-8000-000000000000\", \
         \"objects\": [{}]}}",
        lamp(1, 0)
    );
    let kind = "Content-Type: application/taxii+json;version=2.1";
    let accept = "Accept: application/taxii+json;version=2.1";
    let posted = desk.sends("POST", &lamps("objects/"), &[&token, kind, accept], &bundle).await;
    assert_eq!((posted.status, &posted.json()["success_count"]), (202, &1.into()));
    let object = |id: String| lamps(&format!("objects/{id}/"));
    let found = desk.sends("GET", &object(lamp_id(1)), &[&token, accept], "").await;
    assert_eq!(ids(&found).len(), 1);
    let missing = desk.sends("GET", &object(lamp_id(2)), &[&token, accept], "").await;
    assert_eq!(missing.status, 404);
    let all = format!("{}?match%5Bversion%5D=all", object(lamp_id(1)));
    assert_eq!(ids(&desk.sends("GET", &all, &[&token, accept], "").await).len(), 1);
}

/// OpenCTI-Platform/opencti, `ingestionManager.ts` (taxii ingestion) and issue #5681: Basic,
/// `next` with the old `added_after`; once `more` is gone it goes on from the header cut to
/// milliseconds, and keeps its cursor after an empty page. Issue #4246: 5.10 sent the Accept of its
/// HTTP library.
#[tokio::test]
async fn opencti_ingester_sees_everything_once_and_new_objects_later() {
    let desk = TestDesk::start().await;
    desk.five_lamps().await;
    let credentials = basic("ada", PASSWORD);
    let credentials = credentials.trim_end();
    let accept = "Accept: application/json, text/plain, */*";
    let get = async |query: &str| {
        desk.sends("GET", &lamps(&format!("objects/?{query}")), &[credentials, accept], "").await
    };
    let start = "added_after=2020-01-01T00:00:00.000Z";
    let first = get(&format!("{start}&limit=3")).await;
    let next = first.json()["next"].as_str().unwrap().to_owned();
    let second = get(&format!("{start}&limit=3&next={next}")).await;
    let mut seen = [ids(&first), ids(&second)].concat();
    assert!(second.json().get("more").is_none());
    let last = second.field("x-taxii-date-added-last").unwrap().to_owned();
    let cut = format!("{}Z", &last[..23]);
    assert_eq!(get(&format!("added_after={cut}")).await.text(), "{}", "nothing comes twice");
    // The cursor that it kept still shows what comes later.
    desk.add(&[lamp(9, 0)]).await;
    seen.extend(ids(&get(&format!("added_after={cut}")).await));
    let wanted: Vec<_> = [0, 1, 2, 3, 4, 9].map(lamp_id).into();
    assert_eq!(seen, wanted);
    assert_eq!(ids(&get(&format!("{start}&next={next}")).await).last(), Some(&lamp_id(9)));
}

/// OpenCTI-Platform/connectors, `external-import/taxii2`: it picks a collection by
/// `<root title>.<collection title>`, split at the dot, and polls a window of its own clock.
#[tokio::test]
async fn opencti_connector_finds_the_collection_by_titles() {
    let desk = TestDesk::start().await;
    desk.five_lamps().await;
    let root = desk.get("/local/").await.json()["title"].as_str().unwrap().to_owned();
    let collection = desk.get(&lamps("")).await.json()["title"].as_str().unwrap().to_owned();
    let configured = format!("{root}.{collection}");
    assert_eq!(configured.split('.').collect::<Vec<_>>(), [root.as_str(), collection.as_str()]);
    let window = "added_after=2020-01-01T00%3A00%3A00.000000Z&limit=2";
    let mut reply = desk.get(&lamps(&format!("objects/?{window}"))).await;
    let mut pages = 1;
    while let Some(next) = reply.json()["next"].as_str() {
        reply = desk.get(&lamps(&format!("objects/?{window}&next={next}"))).await;
        assert!(!ids(&reply).is_empty(), "it dies on an empty page");
        pages += 1;
    }
    assert_eq!(pages, 3);
}

/// OpenCTI-Platform/connectors, `stream/taxii-post`: each object as a bundle whose Content-Type
/// names STIX, not TAXII.
#[tokio::test]
async fn opencti_stream_posts_a_bundle_that_it_calls_stix() {
    let desk = TestDesk::start().await;
    let token = format!("Authorization: Bearer {}", desk.token);
    let kind = "Content-Type: application/stix+json; version=2.1";
    let accept = "Accept: application/taxii+json; version=2.1";
    let bundle = format!(
        "{{\"type\": \"bundle\", \"spec_version\": \"2.1\", \
         \"id\": \"bundle--00000000-0000-4000-8000-000000000000\", \"objects\": [{}]}}",
        lamp(1, 0)
    );
    let posted = desk.sends("POST", &lamps("objects/"), &[&token, kind, accept], &bundle).await;
    assert_eq!((posted.status, &posted.json()["success_count"]), (202, &1.into()));
}

/// oasis-open/cti-taxii-server's clients of TAXII 2.0 ask for ranges of items, which are nothing
/// here; two Authorization fields are nobody's; a request names its host, and its coding is known.
#[tokio::test]
async fn odd_forms_are_ignored_or_refused_as_http_has_it() {
    let desk = TestDesk::start().await;
    desk.five_lamps().await;
    let token = format!("Authorization: Bearer {}", desk.token);
    let path = lamps("objects/");
    let ranged = desk.sends("GET", &path, &[&token, "Range: items 0-1"], "").await;
    assert_eq!(ids(&ranged).len(), 5);
    assert_eq!(desk.sends("GET", &path, &[&token, &token], "").await.status, 401);
    assert_eq!(desk.sends("GET", &path, &[&token, "Host: other"], "").await.status, 400);
    let close = "Connection: close\r\n\r\n";
    let nowhere = desk.raw(&format!("GET {path} HTTP/1.1\r\n{token}\r\n{close}")).await;
    assert_eq!(nowhere.status, 400);
    let coded = format!(
        "POST {path} HTTP/1.1\r\nHost: desk\r\n{token}\r\nContent-Type: {TAXII}\r\n\
         Transfer-Encoding: gzip, chunked\r\n{close}2\r\n{{}}\r\n0\r\n\r\n"
    );
    assert_eq!(desk.raw(&coded).await.status, 501);
    let upper = path.replace(LAMPS, &LAMPS.to_uppercase());
    assert_eq!(ids(&desk.sends("GET", &upper, &[&token], "").await).len(), 5);
}

/// elastic/integrations, `packages/ti_custom` (CEL input): `next` with `limit` alone, then
/// `added_after` from the header; Content-Type on GET. Issue #19303: older ones fail on `{}`.
#[tokio::test]
async fn elastic_goes_on_by_next_with_limit_alone_and_then_by_the_header() {
    let desk = TestDesk::start().await;
    desk.five_lamps().await;
    // Its form takes an API key, or a name and a password, which is what `init` prints for it.
    let token = format!("Authorization: Bearer {}", desk.token);
    let password = basic("rita", PASSWORD);
    for credentials in [token.as_str(), password.trim_end()] {
        let fields = [
            credentials,
            "Accept: application/taxii+json;version=2.1",
            "Content-Type: application/taxii+json;version=2.1",
            "User-Agent: Elastic-Filebeat/8.15.0",
        ];
        let get = async |query: String| {
            desk.sends("GET", &lamps(&format!("objects/?{query}")), &fields, "").await
        };
        let first = get("added_after=2020-01-01T00:00:00.000Z&limit=3".to_owned()).await;
        let next = first.json()["next"].as_str().unwrap().to_owned();
        let second = get(format!("next={next}&limit=3")).await;
        assert_eq!([ids(&first), ids(&second)].concat().len(), 5);
        let last = second.field("x-taxii-date-added-last").unwrap().to_owned();
        let third = get(format!("added_after={last}&limit=3")).await;
        assert_eq!((third.status, third.text().as_str()), (200, "{}"));
        assert_eq!(third.field("x-taxii-date-added-last"), Some(last.as_str()), "its cursor stays");
    }
}

/// Azure/Azure-Sentinel, data connector "Threat intelligence - TAXII" (Microsoft Learn, "Connect to
/// STIX/TAXII threat intelligence feeds"; issue #11202): it is given the root's address and the
/// collection's id, a UUIDv4, and a name and password.
#[tokio::test]
async fn sentinel_polls_by_root_and_collection_id() {
    let desk = TestDesk::start().await;
    desk.five_lamps().await;
    let credentials = basic("rita", PASSWORD);
    let fields = [credentials.trim_end(), "Accept: application/taxii+json; version=2.1"];
    assert_eq!(desk.sends("GET", "/local/", &fields, "").await.status, 200);
    let id = uuid::Uuid::parse_str(LAMPS).unwrap();
    assert_eq!(id.get_version_num(), 4);
    assert_eq!(desk.sends("GET", &lamps(""), &fields, "").await.json()["can_read"], true);
    let query = "objects/?added_after=2020-01-01T00:00:00.0000000Z&match[type]=indicator,tool";
    assert_eq!(ids(&desk.sends("GET", &lamps(query), &fields, "").await).len(), 5);
}

/// MISP/MISP, `app/Model/TaxiiServer.php` (browsing) and `app/files/scripts/taxii/taxii_push.py`
/// (pushing): the key of its form stands behind `basic`, in small letters; Content-type on GET; 50
/// objects a page; the root's name alone behind the base address, without a slash for the push.
#[tokio::test]
async fn misp_browses_with_a_basic_in_small_letters_and_pushes_by_the_roots_name() {
    let desk = TestDesk::start().await;
    desk.add(&(0..60).map(|number| lamp(number, 0)).collect::<Vec<_>>()).await;
    let credentials = basic("ada", PASSWORD);
    let key = credentials.trim_end().strip_prefix("Authorization: Basic ").unwrap();
    let authorization = format!("Authorization: basic {key}");
    let fields = [
        authorization.as_str(),
        "Accept: application/taxii+json;version=2.1",
        "Content-type: application/taxii+json;version=2.1",
    ];
    let list = desk.sends("GET", "/local/collections/", &fields, "").await.json();
    assert_eq!(list["collections"][0]["id"], LAMPS);
    let first = desk.sends("GET", &lamps("objects/?limit=50"), &fields, "").await;
    let next = first.json()["next"].as_str().unwrap().to_owned();
    let rest = lamps(&format!("objects/?limit=50&next={next}"));
    let rest = desk.sends("GET", &rest, &fields, "").await;
    assert_eq!((ids(&first).len(), ids(&rest).len()), (50, 10));
    let one = lamps(&format!("objects/{}/", lamp_id(7)));
    assert_eq!(ids(&desk.sends("GET", &one, &fields, "").await), [lamp_id(7)]);
    // The push: the root, the collection, then an envelope.
    let pushing = [credentials.trim_end(), fields[1]];
    let root = desk.sends("GET", "/local", &pushing, "").await.json();
    assert!(root["max_content_length"].as_u64().unwrap() > 0);
    let place = format!("/local/collections/{LAMPS}");
    assert_eq!(desk.sends("GET", &place, &pushing, "").await.json()["can_write"], true);
    let envelope = format!("{{\"objects\":[{}]}}", lamp(61, 0));
    let posting = [pushing[0], pushing[1], fields[2]];
    let posted = desk.sends("POST", &lamps("objects/"), &posting, &envelope).await;
    assert_eq!((posted.status, &posted.json()["success_count"]), (202, &1.into()));
}

/// MISP/misp-modules, `action_mod/taxii_push` (by taxii2-client): envelopes up to
/// `max_content_length`, and it reads `id` and `version` of each failure.
#[tokio::test]
async fn misp_pushes_envelopes_and_reads_each_failure() {
    let desk = TestDesk::start().await;
    let max = desk.get("/local/").await.json()["max_content_length"].as_u64().unwrap();
    assert!(max >= 10 * 1024 * 1024);
    let bad = "{\"type\":\"tool\",\"id\":\"tool--x\",\"modified\":\"2031-01-01T00:00:00Z\"}";
    let status = desk.add(&[lamp(1, 0), bad.to_owned()]).await;
    let failure = &status["failures"][0];
    assert!(failure["id"].is_string() && failure["version"].is_string(), "{failure}");
    assert_eq!(status["success_count"], 1, "one bad object spoils no other");
}

/// IBM QRadar, app "Threat Intelligence" (IBM documentation, "Adding TAXII feeds"): discovery
/// without a last slash, Basic, collections by id, polls from a time of its own.
#[tokio::test]
async fn qradar_discovers_and_polls() {
    let desk = TestDesk::start().await;
    desk.five_lamps().await;
    let credentials = basic("rita", PASSWORD);
    let fields = [credentials.trim_end(), "Accept: application/taxii+json;version=2.1"];
    let discovery = desk.sends("GET", "/taxii2", &fields, "").await.json();
    let root = discovery["api_roots"][0].as_str().unwrap().to_owned();
    let list = desk.sends("GET", &format!("{root}collections"), &fields, "").await.json();
    assert_eq!(list["collections"][0]["can_read"], true);
    let path = lamps("objects?added_after=2020-01-01T00:00:00.000Z");
    assert_eq!(ids(&desk.sends("GET", &path, &fields, "").await).len(), 5);
}

/// demisto/content, `Packs/ApiModules/.../TAXII2ApiModule.py` (Cortex XSOAR, over taxii2-client):
/// `Token`, lists of types, `as_pages` whose `limit` shrinks to the size of a short page.
#[tokio::test]
async fn cortex_xsoar_pages_with_a_limit_that_shrinks() {
    let desk = TestDesk::start().await;
    desk.five_lamps().await;
    let token = format!("Authorization: Token {}", desk.token);
    let fields = [token.as_str(), "Accept: application/taxii+json;version=2.1"];
    let filters = "match[type]=tool,indicator,malware&added_after=2020-01-01T00:00:00.000Z";
    let (mut limit, mut next, mut seen) = (3, String::new(), Vec::new());
    loop {
        let path = lamps(&format!("objects/?{filters}&limit={limit}{next}"));
        let reply = desk.sends("GET", &path, &fields, "").await;
        let page = ids(&reply);
        limit = limit.min(page.len());
        seen.extend(page);
        match reply.json()["next"].as_str() {
            Some(cursor) => next = format!("&next={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..5).map(lamp_id).collect::<Vec<_>>());
}
