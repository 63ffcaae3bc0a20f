//! Filters, pages and cursors (3.3 to 3.5), on objects, manifests and versions.

use serde_json::Value;

use super::desk::{TestDesk, lamp, lamp_id, lamps};

fn ids(page: &Value) -> Vec<String> {
    let objects = page["objects"].as_array().cloned().unwrap_or_default();
    objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

fn mutex(name: &str) -> String {
    format!(
        "{{\"type\":\"mutex\",\"spec_version\":\"2.1\",\
         \"id\":\"mutex--00000000-0000-5000-8000-0000000000{name}\",\"name\":\"m{name}\"}}"
    )
}

#[tokio::test]
async fn bodies_are_served_as_they_were_received() {
    let desk = TestDesk::start().await;
    let odd = lamp(1, 0).replace("\"name\":", "\"name\" :\t");
    desk.add(std::slice::from_ref(&odd)).await;
    assert_eq!(desk.get(&lamps("objects/")).await.text(), format!("{{\"objects\":[{odd}]}}"));
}

#[tokio::test]
async fn pages_by_next_show_everything_once_and_are_repeatable() {
    let desk = TestDesk::start().await;
    let all: Vec<_> = (0..25).map(|number| lamp(number, 0)).collect();
    desk.add(&all).await;
    let wanted: Vec<_> = (0..25).map(lamp_id).collect();
    for endpoint in ["objects/", "manifest/"] {
        let (mut found, mut query) = (Vec::new(), "?limit=7".to_owned());
        loop {
            let reply = desk.get(&lamps(&format!("{endpoint}{query}"))).await;
            let page = reply.json();
            let again = desk.get(&lamps(&format!("{endpoint}{query}"))).await;
            assert_eq!(again.json(), page, "a repeated page is the same");
            found.extend(ids(&page));
            let Some(next) = page["next"].as_str() else {
                assert!(page.get("more").is_none(), "more without next");
                break;
            };
            assert_eq!(page["more"], true);
            query = format!("?next={next}&limit=7");
        }
        assert_eq!(found, wanted, "{endpoint}");
    }
}

#[tokio::test]
async fn pages_by_the_header_show_everything_once() {
    let desk = TestDesk::start().await;
    let all: Vec<_> = (0..10).map(|number| lamp(number, 0)).collect();
    desk.add(&all).await;
    let (mut found, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let reply = desk.get(&lamps(&format!("objects/{query}"))).await;
        let last = reply.field("x-taxii-date-added-last").unwrap().to_owned();
        assert!(last.len() == 27 && last.ends_with('Z'), "six digits: {last}");
        let page = ids(&reply.json());
        if page.is_empty() {
            let first = reply.field("x-taxii-date-added-first").unwrap();
            assert!(query.ends_with(first) && first == last, "the position is repeated");
            assert_eq!(reply.text(), "{}");
            break;
        }
        found.extend(page);
        query = format!("?limit=3&added_after={last}");
    }
    assert_eq!(found, (0..10).map(lamp_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn empty_answers_are_dated_before_everything_where_no_position_was_asked_from() {
    let desk = TestDesk::start().await;
    let mut afters = Vec::new();
    for path in ["objects/", "manifest/", "objects/?match[type]=no-such-type"] {
        let reply = desk.get(&lamps(path)).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"), "{path}");
        for name in ["x-taxii-date-added-first", "x-taxii-date-added-last"] {
            let date = reply.field(name).unwrap();
            assert_eq!(date, "1970-01-01T00:00:00.000000Z", "{path}");
            afters.push(date.to_owned());
        }
    }
    desk.add(&[lamp(1, 0), lamp(2, 0)]).await;
    let object = lamps(&format!("objects/{}/?match[spec_version]=2.0", lamp_id(1)));
    let nothing = desk.get(&object).await;
    assert_eq!((nothing.status, nothing.text().as_str()), (200, "{}"));
    afters.push(nothing.field("x-taxii-date-added-last").unwrap().to_owned());
    let whole = desk.get(&lamps("objects/")).await.text();
    for after in afters {
        let page = desk.get(&lamps(&format!("objects/?added_after={after}"))).await;
        assert_eq!(page.text(), whole, "who goes on from an empty answer meets everything");
    }
}

#[tokio::test]
async fn cursors_belong_to_collection_endpoint_and_filters_alone() {
    let desk = TestDesk::start().await;
    desk.add(&(0..5).map(|number| lamp(number, 0)).collect::<Vec<_>>()).await;
    let page = desk.get(&lamps("objects/?limit=2&match[type]=tool,mutex")).await.json();
    let next = page["next"].as_str().unwrap();
    for (query, status) in [
        (format!("objects/?match[type]=mutex,tool&next={next}"), 200),
        (format!("objects/?match[type]=tool,mutex&limit=1&next={next}"), 200),
        (
            format!(
                "objects/?match[type]=tool%2Cmutex&added_after=2020-01-01T00:00:00Z&next={next}"
            ),
            200,
        ),
        (format!("objects/?next={next}"), 400),
        (format!("objects/?match[type]=tool&next={next}"), 400),
        (format!("manifest/?match[type]=tool,mutex&next={next}"), 400),
        (format!("objects/?match[type]=tool,mutex&next={}", &next[..next.len() - 2]), 400),
        ("objects/?next=made-up".to_owned(), 400),
    ] {
        assert_eq!(desk.get(&lamps(&query)).await.status, status, "{query}");
    }
    // The page starts after the later of the two.
    let late = "added_after=2199-01-01T00:00:00Z";
    let query = format!("objects/?match[type]=tool,mutex&{late}&next={next}");
    assert_eq!(desk.get(&lamps(&query)).await.text(), "{}");
}

#[tokio::test]
async fn filters_are_or_within_and_and_between() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0), lamp(2, 0), mutex("07")]).await;
    let count = async |query: &str| {
        let reply = desk.get(&lamps(&format!("objects/?{query}"))).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
        ids(&reply.json()).len()
    };
    let (one, two) = (lamp_id(1), lamp_id(2));
    assert_eq!(count("match[type]=tool").await, 2);
    assert_eq!(count("match[type]=tool,mutex").await, 3);
    assert_eq!(count("match[type]=indicator").await, 0);
    assert_eq!(count("match[type]=no-such-type").await, 0);
    assert_eq!(count(&format!("match[id]={one},{two}")).await, 2);
    assert_eq!(count(&format!("match%5Bid%5D={one}%2C{two}")).await, 2);
    assert_eq!(count(&format!("match[id]={one}&match[type]=mutex")).await, 0);
    assert_eq!(count("match[spec_version]=2.1").await, 3);
    assert_eq!(count("match[spec_version]=2.0").await, 0);
    assert_eq!(count("unknown=1&unknown=2&match[colour]=red").await, 3);
    assert_eq!(count("limit=99999999999999999999999999").await, 3);
    assert_eq!(count("added_after=2020-01-01T00:00:00.123456789012Z").await, 3);
}

const TWO_TIMES: &str = "2020-01-01T00:00:00Z,2021-01-01T00:00:00Z";

#[tokio::test]
async fn malformed_parameters_are_400_and_named() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0), lamp(2, 0)]).await;
    let object = format!("objects/{}/", lamp_id(1));
    let next =
        desk.get(&lamps("objects/?limit=1")).await.json()["next"].as_str().unwrap().to_owned();
    let bad = [
        (
            "added_after",
            "2020-01-01T00:00:00Z",
            ["now", "2020-01-01T00:00:00+00:00", "2020-02-30T00:00:00Z", TWO_TIMES],
        ),
        ("limit", "1", ["0", "-1", "x", "1.5"]),
        ("next", next.as_str(), ["x", "%2e", "AAAA", "%20"]),
        ("match[version]", "last", ["newest", "all,first", "last,last", "2020-01-01"]),
        ("match[spec_version]", "2.1", ["2", "2.x", "2.1,", ",2.1"]),
        ("match[id]", "a", [",", "a,,b", "a,%20b", "a,"]),
        ("match[type]", "a", [",", "a,,b", "a,%20b", "a,"]),
    ];
    for (name, right, values) in bad {
        let huge = "9".repeat(700);
        let common = [
            format!("{name}="),
            name.to_owned(),
            format!("{name}=%00"),
            format!("{name}=%ff"),
            format!("{name}=%c3%28"),
            format!("{name}=%zz"),
            format!("{name}={right}&{name}={right}"),
        ];
        let own = values.map(|value| format!("{name}={value}"));
        let long = (name != "limit").then(|| format!("{name}={huge}"));
        for query in common.into_iter().chain(own).chain(long) {
            let versions = format!("{object}versions/");
            for endpoint in ["objects/", "manifest/", object.as_str(), &versions] {
                let is_one = endpoint.starts_with(&object);
                let is_parameter = match name {
                    "match[id]" | "match[type]" => !is_one,
                    "match[version]" => endpoint != versions,
                    _ => true,
                };
                let reply = desk.get(&lamps(&format!("{endpoint}?{query}"))).await;
                assert_eq!(reply.status == 400, is_parameter, "{endpoint}?{query}");
                if !is_parameter {
                    continue;
                }
                let title = reply.json()["title"].as_str().unwrap().to_owned();
                assert!(title.contains(&format!("`{name}`")), "{title}");
            }
        }
    }
}

#[tokio::test]
async fn versions_are_chosen_among_all_of_an_object() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 5), lamp(2, 1)]).await;
    desk.add(&[lamp(1, 1), lamp(1, 9)]).await;
    let versions = async |query: &str| {
        let reply = desk.get(&lamps(query)).await;
        assert_eq!(reply.status, 200, "{query}");
        let objects = reply.json()["objects"].as_array().cloned().unwrap_or_default();
        let text = |object: &Value| object["modified"].as_str().unwrap()[20..23].to_owned();
        objects.iter().map(text).collect::<Vec<_>>()
    };
    let one = format!("objects/{}/", lamp_id(1));
    assert_eq!(versions(&one).await, ["009"]);
    assert_eq!(versions(&format!("{one}?match[version]=first")).await, ["001"]);
    assert_eq!(versions(&format!("{one}?match[version]=all")).await, ["005", "001", "009"]);
    assert_eq!(versions(&format!("{one}?match[version]=last,first")).await, ["001", "009"]);
    let exact = "2031-01-01T00:00:00.0050Z";
    assert_eq!(versions(&format!("{one}?match[version]={exact}")).await, ["005"]);
    assert_eq!(versions("objects/").await, ["001", "009"]);
    // `last` is never "the last since": filters choose first, the position comes after.
    let first = desk.get(&lamps(&format!("{one}?match[version]=all&limit=1"))).await;
    let after = first.field("x-taxii-date-added-last").unwrap().to_owned();
    assert_eq!(versions(&format!("objects/?added_after={after}")).await, ["001", "009"]);
    let list = desk.get(&lamps(&format!("{one}versions/"))).await;
    let wanted = ["005", "001", "009"].map(|ms| format!("2031-01-01T00:00:00.{ms}Z"));
    assert_eq!(list.json()["versions"], serde_json::json!(wanted));
    let page = desk.get(&lamps(&format!("{one}versions/?limit=2"))).await.json();
    let next = page["next"].as_str().unwrap();
    let rest = desk.get(&lamps(&format!("{one}versions/?limit=2&next={next}"))).await.json();
    assert_eq!(rest["versions"], serde_json::json!(wanted[2..]));
}

#[tokio::test]
async fn objects_that_are_here_answer_empty_and_others_404() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    let one = format!("objects/{}/", lamp_id(1));
    let status = async |query: &str| desk.get(&lamps(&format!("{one}{query}"))).await;
    let late = status("?added_after=2199-01-01T00:00:00Z").await;
    assert_eq!((late.status, late.text().as_str()), (200, "{}"));
    let other = status("?match[spec_version]=2.0").await;
    assert_eq!((other.status, other.text().as_str()), (200, "{}"));
    assert_eq!(status("?match[version]=2020-01-01T00:00:00Z").await.status, 404);
}

#[tokio::test]
async fn manifests_say_what_objects_would() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 3), mutex("08")]).await;
    let reply = desk.get(&lamps("manifest/")).await;
    let manifest = reply.json();
    let record = &manifest["objects"][0];
    assert_eq!(record["id"], lamp_id(1));
    assert_eq!(record["version"], "2031-01-01T00:00:00.003Z");
    assert_eq!(record["media_type"], "application/stix+json;version=2.1");
    assert_eq!(record["date_added"].as_str(), reply.field("x-taxii-date-added-first"));
    let second = &manifest["objects"][1];
    assert_eq!(second["date_added"].as_str(), reply.field("x-taxii-date-added-last"));
    let version = second["version"].as_str().unwrap();
    assert!(version.ends_with('Z'), "an object without a version has one here: {version}");
    let filtered = desk.get(&lamps("manifest/?match[type]=mutex")).await.json();
    assert_eq!(filtered["objects"].as_array().unwrap().len(), 1);
}
