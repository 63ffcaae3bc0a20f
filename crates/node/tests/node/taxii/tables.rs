//! Every endpoint held to the table that defines it (4.1 to 5.8), for 3.1 makes those normative:
//! codes, required headers, payloads, filters.

use serde_json::Value;
use store::Rights;

use super::{
    desk::{TAXII, TestDesk, lamp, lamp_id, lamps},
    form::is_error,
};
use crate::wire::Reply;

const FIRST: &str = "x-taxii-date-added-first";
const LAST: &str = "x-taxii-date-added-last";
/// Names of properties, by resource. `next` of manifests and versions is ours: `as_pages` of
/// taxii2-client goes on by it.
const DISCOVERY: &[&str] = &["title", "description", "contact", "default", "api_roots"];
const ROOT: &[&str] = &["title", "description", "versions", "max_content_length"];
const STATUS: &[&str] = &[
    "id",
    "status",
    "request_timestamp",
    "total_count",
    "success_count",
    "successes",
    "failure_count",
    "failures",
    "pending_count",
    "pendings",
];
const DETAILS: &[&str] = &["id", "version", "message"];
const COLLECTION: &[&str] =
    &["id", "title", "description", "alias", "can_read", "can_write", "media_types"];
const ENVELOPE: &[&str] = &["more", "next", "objects"];
const RECORD: &[&str] = &["id", "date_added", "version", "media_type"];
const VERSIONS: &[&str] = &["more", "next", "versions"];
const ERROR: &[&str] = &[
    "title",
    "description",
    "error_id",
    "error_code",
    "http_status",
    "external_details",
    "details",
];

/// An endpoint: section, method, path, code of success, properties of its payload.
type Row = (&'static str, &'static str, String, u16, &'static [&'static str]);

/// All endpoints, over what `furnished` put there; DELETE is the last.
fn rows(status: &str) -> Vec<Row> {
    let one = format!("objects/{}/", lamp_id(1));
    vec![
        ("4.1", "GET", "/taxii2/".to_owned(), 200, DISCOVERY),
        ("4.2", "GET", "/local/".to_owned(), 200, ROOT),
        ("4.3", "GET", format!("/local/status/{status}/"), 200, STATUS),
        ("5.1", "GET", "/local/collections/".to_owned(), 200, &["collections"]),
        ("5.2", "GET", lamps(""), 200, COLLECTION),
        ("5.3", "GET", lamps("manifest/"), 200, ENVELOPE),
        ("5.4", "GET", lamps("objects/"), 200, ENVELOPE),
        ("5.5", "POST", lamps("objects/"), 202, STATUS),
        ("5.6", "GET", lamps(&one), 200, ENVELOPE),
        ("5.8", "GET", lamps(&format!("{one}versions/")), 200, VERSIONS),
        ("5.7", "DELETE", lamps(&one), 200, &[]),
    ]
}

fn is_dated(section: &str) -> bool {
    ["5.3", "5.4", "5.6", "5.8"].contains(&section)
}

async fn furnished(desk: &TestDesk) -> String {
    let status = desk.add(&[lamp(1, 0), lamp(2, 0), "{\"type\":\"tool\"}".to_owned()]).await;
    status["id"].as_str().unwrap().to_owned()
}

/// Asks an endpoint; what is posted is an object more.
async fn ask(desk: &TestDesk, row: &Row, fields: &str) -> Reply {
    let (_, method, path, ..) = row;
    match *method {
        "POST" => {
            let fields = format!("Content-Type: {TAXII}\r\n{fields}");
            let body = format!("{{\"objects\":[{}]}}", lamp(3, 0));
            desk.post(path, &fields, body.as_bytes()).await
        }
        method => desk.ask(method, path, fields).await,
    }
}

fn named(resource: &Value, names: &[&str]) {
    for name in resource.as_object().unwrap_or_else(|| panic!("no object: {resource}")).keys() {
        let is_known = names.contains(&name.as_str()) || name.starts_with("x_detente_");
        assert!(is_known, "{name}: {resource}");
    }
}

#[tokio::test]
async fn every_endpoint_succeeds_as_its_table_says() {
    for accept in [TAXII, "application/taxii+json", "*/*", ""] {
        let desk = TestDesk::start().await;
        for row in rows(&furnished(&desk).await) {
            let (section, _, _, code, names) = row;
            let reply = ask(&desk, &row, &format!("Accept: {accept}\r\n")).await;
            assert_eq!(reply.status, code, "{section}, {accept}: {}", reply.text());
            assert_eq!(reply.field("content-type"), Some(TAXII), "{section}, {accept}");
            for name in [FIRST, LAST] {
                assert_eq!(reply.field(name).is_some(), is_dated(section), "{section} {name}");
            }
            match names {
                [] => assert!(reply.body.is_empty(), "{section}: {}", reply.text()),
                names => named(&reply.json(), names),
            }
        }
    }
}

#[tokio::test]
async fn every_endpoint_fails_as_its_table_says() {
    let desk = TestDesk::start().await;
    desk.confined("sensor", Rights::WRITE).await;
    let status = furnished(&desk).await;
    for row in rows(&status) {
        let (section, method, path, ..) = &row;
        let fails = |reply: &Reply, code: u16| {
            is_error(reply, code);
            named(&reply.json(), ERROR);
        };
        for field in ["", "Authorization: Bearer made-up\r\n", "Authorization: Basic eDp5\r\n"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: d\r\n{field}Connection: close\r\n\r\n");
            fails(&desk.raw(&request).await, 401);
        }
        fails(&ask(&desk, &row, "Accept: application/json\r\n").await, 406);
        let nowhere = path.replace("/local/", "/nowhere/");
        if nowhere != *path {
            fails(&desk.ask(method, &nowhere, "").await, 404);
            fails(&desk.ask_as("olaf", method, path, "{}").await, 404);
        }
        // Rights of half a kind; an account's statuses are its own.
        let (reads, writes) = match section.as_bytes() {
            [b'5', _, b'3' | b'4' | b'6' | b'8'] => (200, 403),
            b"5.5" => (403, 202),
            b"5.7" => (403, 403),
            b"4.3" => (404, 404),
            _ => (200, 200),
        };
        for (name, code) in [("rita", reads), ("sensor", writes)] {
            let reply = desk.ask_as(name, method, path, "{\"objects\":[]}").await;
            assert_eq!(reply.status, code, "{section} {name}");
            if code >= 400 {
                fails(&reply, code);
            }
        }
        if section.starts_with("5.") {
            let elsewhere = "00000000-0000-4000-8000-00000000000f";
            let absent = path.replace(super::desk::LAMPS, elsewhere);
            let absent = absent.replace(&lamp_id(1), &format!("tool--{elsewhere}"));
            if absent != *path {
                fails(&desk.ask(method, &absent, "").await, 404);
            }
        }
        if is_dated(section) {
            fails(&desk.ask(method, &format!("{path}?limit=0"), "").await, 400);
        }
    }
    let missing = lamps(&format!("objects/{}/", lamp_id(9)));
    for (method, path) in [("GET", &missing), ("DELETE", &missing)] {
        is_error(&desk.ask(method, path, "").await, 404);
    }
    is_error(&desk.get(&format!("{missing}versions/")).await, 404);
}

/// 5.3 alone has STIX content in Accept, and what an endpoint names is never 406.
#[tokio::test]
async fn stix_in_accept_is_taken_where_a_table_names_it() {
    let desk = TestDesk::start().await;
    for row in rows(&furnished(&desk).await) {
        for accept in ["application/stix+json;version=2.1", "application/stix+json"] {
            let reply = ask(&desk, &row, &format!("Accept: {accept}\r\n")).await;
            let code = if row.0 == "5.3" { 200 } else { 406 };
            assert_eq!(reply.status, code, "{} {accept}", row.0);
            assert_eq!(reply.field("content-type"), Some(TAXII));
        }
        let both = format!("Accept: {TAXII},application/stix+json;version=2.1\r\n");
        assert_eq!(ask(&desk, &row, &both).await.status, row.3, "{}", row.0);
    }
}

#[tokio::test]
async fn properties_are_named_as_in_the_standard() {
    let desk = TestDesk::start().await;
    let status = desk.get(&format!("/local/status/{}/", furnished(&desk).await)).await.json();
    named(&status["successes"][0], DETAILS);
    named(&status["failures"][0], DETAILS);
    named(&desk.get("/local/collections/").await.json()["collections"][0], COLLECTION);
    let page = desk.get(&lamps("manifest/?limit=1")).await.json();
    named(&page, ENVELOPE);
    named(&page["objects"][0], RECORD);
    assert_eq!((&page["more"], page["next"].is_string()), (&true.into(), true));
    let lists = [
        (status["successes"].clone(), Value::is_object as fn(&Value) -> bool),
        (desk.get(&lamps("")).await.json()["media_types"].clone(), Value::is_string),
        (desk.get("/taxii2/").await.json()["api_roots"].clone(), Value::is_string),
        (
            desk.get(&lamps(&format!("objects/{}/versions/", lamp_id(1)))).await.json()["versions"]
                .clone(),
            Value::is_string,
        ),
    ];
    for (list, fits) in lists {
        let list = list.as_array().unwrap();
        assert!(!list.is_empty() && list.iter().all(fits), "{list:?}");
    }
}

/// What a page holds: ids with versions of objects and manifests, versions of a list.
fn held(page: &Value) -> Vec<String> {
    let items = page["objects"].as_array().or(page["versions"].as_array()).cloned();
    let text = |item: &Value| match item.as_str() {
        Some(version) => version.to_owned(),
        None => {
            let version = item.get("version").or(item.get("modified")).and_then(Value::as_str);
            format!("{} {}", item["id"].as_str().unwrap(), version.unwrap_or_default())
        }
    };
    items.unwrap_or_default().iter().map(text).collect()
}

/// Three versions of one lamp, the middle one last, and another lamp between; each of a date of
/// its own, as they stand here.
async fn lamps_over_time(desk: &TestDesk) -> Vec<String> {
    let all = [(1, 1), (1, 3), (2, 1), (1, 2)];
    for (number, version) in all {
        desk.add(&[lamp(number, version)]).await;
    }
    let text = |(number, version)| format!("{} 2031-01-01T00:00:00.{version:03}Z", lamp_id(number));
    all.map(text).into()
}

#[tokio::test]
async fn every_filter_of_a_table_is_applied() {
    let desk = TestDesk::start().await;
    let all = lamps_over_time(&desk).await;
    let dates = desk.get(&lamps("manifest/?match[version]=all")).await.json();
    let date = |place: usize| dates["objects"][place]["date_added"].as_str().unwrap().to_owned();
    let at = |places: &[usize]| places.iter().map(|place| all[*place].clone()).collect::<Vec<_>>();
    let one = lamp_id(1);
    let exact = "match[version]=2031-01-01T00:00:00.002Z";
    let cases = [
        (String::new(), at(&[1, 2])),
        ("match[version]=last".to_owned(), at(&[1, 2])),
        ("match[version]=first".to_owned(), at(&[0, 2])),
        ("match[version]=all".to_owned(), at(&[0, 1, 2, 3])),
        ("match[version]=first,last".to_owned(), at(&[0, 1, 2])),
        (exact.to_owned(), at(&[3])),
        (format!("{exact},2031-01-01T00:00:00.003Z"), at(&[1, 3])),
        (format!("{exact},first"), at(&[0, 2, 3])),
        (format!("match[version]=all&added_after={}", date(1)), at(&[2, 3])),
        (format!("match[version]=all&added_after={}", date(3)), at(&[])),
        ("match[version]=all&limit=2".to_owned(), at(&[0, 1])),
        (format!("match[version]=all&limit=1&added_after={}", date(0)), at(&[1])),
        ("match[spec_version]=2.1".to_owned(), at(&[1, 2])),
        ("match[spec_version]=2.0".to_owned(), at(&[])),
        (format!("match[id]={one}"), at(&[1])),
        (format!("match[id]={one}&match[version]=all"), at(&[0, 1, 3])),
        ("match[type]=tool".to_owned(), at(&[1, 2])),
        ("match[type]=mutex".to_owned(), at(&[])),
    ];
    for (query, wanted) in cases {
        for endpoint in ["objects/", "manifest/"] {
            let page = desk.get(&lamps(&format!("{endpoint}?{query}"))).await;
            assert_eq!(held(&page.json()), wanted, "{endpoint}?{query}");
        }
        if query.contains("match[id]") || query.contains("match[type]") {
            continue;
        }
        // The same of one object alone; of its versions without `match[version]`.
        let its: Vec<_> = wanted.iter().filter(|text| text.starts_with(&one)).cloned().collect();
        if query.contains("limit") {
            continue;
        }
        let page = desk.get(&lamps(&format!("objects/{one}/?{query}"))).await;
        assert_eq!((page.status, held(&page.json())), (200, its.clone()), "{query}");
        if let Some(rest) = query.strip_prefix("match[version]=all") {
            let rest = rest.trim_start_matches('&');
            let list = desk.get(&lamps(&format!("objects/{one}/versions/?{rest}"))).await.json();
            let versions: Vec<_> =
                its.iter().map(|text| text[one.len() + 1..].to_owned()).collect();
            assert_eq!(held(&list), versions, "versions/?{rest}");
        }
    }
    for (query, count) in [("match[spec_version]=2.0", 0), ("match[spec_version]=2.0,2.1", 3)] {
        let list = desk.get(&lamps(&format!("objects/{one}/versions/?{query}"))).await.json();
        assert_eq!(held(&list).len(), count, "{query}");
    }
}

/// As many values as a target has room for.
#[tokio::test]
async fn filters_take_any_number_of_values() {
    let desk = TestDesk::start().await;
    lamps_over_time(&desk).await;
    let many =
        |count: u32, text: fn(u32) -> String| (0..count).map(text).collect::<Vec<_>>().join(",");
    let version = |n: u32| format!("2031-01-01T00:00:{:02}.{:03}Z", n / 1_000, n % 1_000);
    for (query, count) in [
        (format!("match[version]={}", many(600, version)), 4),
        (format!("match[version]=last,{}", many(600, version)), 4),
        (format!("match[version]=all&match[type]=tool,{}", many(1_500, |n| format!("t{n}"))), 4),
        (format!("match[id]={}", many(300, lamp_id)), 2),
        (format!("match[spec_version]={}", many(1_500, |n| format!("2.{n}"))), 2),
    ] {
        for endpoint in ["objects/", "manifest/"] {
            let page = desk.get(&lamps(&format!("{endpoint}?{query}"))).await;
            assert_eq!((page.status, held(&page.json()).len()), (200, count), "{endpoint}?{query}");
        }
    }
}

#[tokio::test]
async fn limit_bounds_each_page_and_is_reached_where_there_is_enough() {
    let desk = TestDesk::start().await;
    lamps_over_time(&desk).await;
    let one = format!("objects/{}/", lamp_id(1));
    for (endpoint, count) in [
        ("objects/?match[version]=all&".to_owned(), 4),
        ("manifest/?match[version]=all&".to_owned(), 4),
        (format!("{one}?match[version]=all&"), 3),
        (format!("{one}versions/?"), 3),
    ] {
        for limit in 1..=5_usize {
            let path = format!("{endpoint}limit={limit}");
            let page = desk.get(&lamps(&path)).await.json();
            assert_eq!(held(&page).len(), limit.min(count), "{path}");
            let more = (limit < count).then_some(true);
            assert_eq!(page.get("more").and_then(Value::as_bool), more, "{path}");
            assert_eq!(page.get("next").is_some(), limit < count, "{path}");
            // By `next` with the query it came from, and by the header: the same page follows.
            let Some(next) = page["next"].as_str() else { continue };
            let last = desk.get(&lamps(&path)).await.field(LAST).unwrap().to_owned();
            let by_next = desk.get(&lamps(&format!("{path}&next={next}"))).await;
            let by_date = desk.get(&lamps(&format!("{path}&added_after={last}"))).await;
            assert_eq!(by_next.body, by_date.body, "{path}");
            assert_eq!(held(&by_next.json()).len(), limit.min(count - limit), "{path}");
        }
    }
}

#[tokio::test]
async fn dates_are_those_of_the_page_that_is_shown() {
    let desk = TestDesk::start().await;
    lamps_over_time(&desk).await;
    let one = lamp_id(1);
    let whole = desk.get(&lamps("manifest/?match[version]=all")).await.json();
    let added = whole["objects"][0]["date_added"].as_str().unwrap();
    let mut before = "";
    for record in whole["objects"].as_array().unwrap() {
        let date = record["date_added"].as_str().unwrap();
        assert!(before < date, "dates rise: {whole}");
        before = date;
    }
    for query in [
        "match[version]=all&limit=2".to_owned(),
        format!("match[version]=all&added_after={added}&limit=2"),
        format!("match[version]=all&added_after={added}"),
        "match[version]=first".to_owned(),
        "match[version]=2031-01-01T00:00:00.002Z".to_owned(),
    ] {
        let agree = async |manifest: String, others: [String; 2]| {
            let reply = desk.get(&lamps(&manifest)).await;
            let page = reply.json();
            let all = page["objects"].as_array().unwrap();
            let date =
                |record: Option<&Value>| record.unwrap()["date_added"].as_str().unwrap().to_owned();
            let wanted = (Some(date(all.first())), Some(date(all.last())));
            let dates = |reply: &Reply| {
                (reply.field(FIRST).map(str::to_owned), reply.field(LAST).map(str::to_owned))
            };
            assert_eq!(dates(&reply), wanted, "{manifest}");
            for path in others.iter().filter(|path| !path.is_empty()) {
                assert_eq!(dates(&desk.get(&lamps(path)).await), wanted, "{path}");
            }
        };
        agree(format!("manifest/?{query}"), [format!("objects/?{query}"), String::new()]).await;
        let rest = query.strip_prefix("match[version]=all&");
        let versions = rest.map(|rest| format!("objects/{one}/versions/?{rest}"));
        agree(
            format!("manifest/?match[id]={one}&{query}"),
            [format!("objects/{one}/?{query}"), versions.unwrap_or_default()],
        )
        .await;
    }
}

/// Types of STIX 2.1, section 4 to 7: none is an error.
#[tokio::test]
async fn every_type_of_stix_is_a_filter() {
    const TYPES: [&str; 40] = [
        "attack-pattern",
        "campaign",
        "course-of-action",
        "grouping",
        "identity",
        "incident",
        "indicator",
        "infrastructure",
        "intrusion-set",
        "location",
        "malware",
        "malware-analysis",
        "note",
        "observed-data",
        "opinion",
        "report",
        "threat-actor",
        "tool",
        "vulnerability",
        "relationship",
        "sighting",
        "artifact",
        "autonomous-system",
        "directory",
        "domain-name",
        "email-addr",
        "email-message",
        "file",
        "ipv4-addr",
        "ipv6-addr",
        "mac-addr",
        "mutex",
        "network-traffic",
        "process",
        "software",
        "url",
        "user-account",
        "windows-registry-key",
        "x509-certificate",
        "language-content",
    ];
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    for kind in TYPES.into_iter().chain(["marking-definition", "extension-definition"]) {
        for endpoint in ["objects/", "manifest/"] {
            let reply = desk.get(&lamps(&format!("{endpoint}?match[type]={kind}"))).await;
            assert_eq!(reply.status, 200, "{kind}: {}", reply.text());
            assert_eq!(held(&reply.json()).len(), usize::from(kind == "tool"), "{kind}");
        }
    }
}
