//! Form, credentials, paths, methods, negotiation: checks 1 to 5 of the door.

use super::desk::{LAMPS, PASSWORD, TAXII, TestDesk, basic, lamp, lamp_id, lamps};
use crate::wire::{Reply, Wire};

/// The answer is an error resource (3.6.1) with its status.
pub(super) fn is_error(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.text());
    assert_eq!(reply.field("content-type"), Some(TAXII), "{reply:?}");
    let body = reply.json();
    assert_eq!(body["http_status"], status.to_string(), "{body}");
    for name in ["title", "description", "error_id", "error_code"] {
        assert!(body[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {body}");
    }
}

#[tokio::test]
async fn every_path_without_credentials_is_401() {
    let desk = TestDesk::start().await;
    for path in ["/taxii2/", "/local/", "/nowhere/", "/a/../b/", "//", &lamps("objects/")] {
        for method in ["GET", "POST", "DELETE", "PATCH", "OPTIONS"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
            let reply = desk.raw(&request).await;
            is_error(&reply, 401);
            let challenge = reply.field("www-authenticate").unwrap();
            assert!(challenge.contains("Basic ") && challenge.contains("Bearer "), "{challenge}");
        }
    }
}

/// As browsers say it, and the default of Java's `HttpURLConnection`.
const HTML: [&str; 2] = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
];

#[tokio::test]
async fn addresses_of_taxii_are_401_whatever_is_accepted_and_whether_they_are_there() {
    let desk = TestDesk::start().await;
    let ask = |path: &str, accept: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: d\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
        );
        let desk = &desk;
        async move { desk.raw(&request).await }
    };
    let objects = lamps("objects/");
    for path in ["/taxii2/", "/taxii2", "/local/", "/nowhere/", "/nowhere/collections/", &objects] {
        for accept in HTML.into_iter().chain([TAXII, "*/*", "application/json"]) {
            let reply = ask(path, accept).await;
            is_error(&reply, 401);
            assert!(reply.field("www-authenticate").is_some(), "{path} {accept}");
        }
    }
    // Without the last slash a page may be meant: whoever asks for one gets the console's.
    for path in ["/local", "/nowhere", "/collectionz", "/a/b/c"] {
        for accept in
            [TAXII, "*/*", "application/json, text/plain, */*", "text/html,application/taxii+json"]
        {
            is_error(&ask(path, accept).await, 401);
        }
        for accept in HTML {
            let reply = ask(path, accept).await;
            assert_eq!((reply.status, reply.field("location")), (303, Some("/login")), "{path}");
            assert_eq!(reply.field("www-authenticate"), None);
        }
    }
}

#[tokio::test]
async fn credentials_mean_taxii_whatever_is_accepted() {
    let desk = TestDesk::start().await;
    for accept in HTML {
        let fields = format!("Accept: {accept}\r\n");
        for path in ["/local", "/local/", "/local/collections"] {
            let reply = desk.ask("GET", path, &fields).await;
            assert_eq!((reply.status, reply.field("content-type")), (200, Some(TAXII)), "{path}");
        }
        let reply = desk.ask("GET", "/nowhere", &fields).await;
        let kind = reply.field("content-type");
        assert_eq!((reply.status, kind), (404, Some("text/plain; charset=utf-8")));
    }
}

#[tokio::test]
async fn credentials_in_every_spelling_are_known() {
    let desk = TestDesk::start().await;
    let token = &desk.token;
    let right = basic("ada", PASSWORD);
    let odd = right.replace("Basic ", "bAsIc   ");
    let fields = [
        right.as_str(),
        &odd,
        &format!("Authorization: Bearer {token}\r\n"),
        &format!("authorization: bearer {token}\r\n"),
        &format!("Authorization: Token {token}\r\n"),
    ];
    for field in fields {
        let request =
            format!("GET /taxii2/ HTTP/1.1\r\nHost: d\r\n{field}Connection: close\r\n\r\n");
        assert_eq!(desk.raw(&request).await.status, 200, "{field}");
    }
    let wrong = [
        &basic("ada", "a wrong password"),
        &basic("nobody", PASSWORD),
        "Authorization: Basic !!!\r\n",
        "Authorization: Basic\r\n",
        "Authorization: Bearer made-up\r\n",
        "Authorization: Digest username=ada\r\n",
    ];
    for field in wrong {
        let request =
            format!("GET /taxii2/ HTTP/1.1\r\nHost: d\r\n{field}Connection: close\r\n\r\n");
        is_error(&desk.raw(&request).await, 401);
    }
}

#[tokio::test]
async fn wrong_tokens_from_one_address_end_in_429_and_the_right_one_goes_on() {
    let desk = TestDesk::start().await;
    let mut wire = Wire::open(desk.address).await;
    let request = "GET /taxii2/ HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer wrong\r\n\r\n";
    let mut limited = None;
    for _ in 0..130 {
        wire.send(request.as_bytes()).await;
        let reply = wire.reply(false).await;
        if reply.status == 429 {
            limited = Some(reply);
            break;
        }
        is_error(&reply, 401);
    }
    let limited = limited.expect("no limit");
    is_error(&limited, 429);
    let wait: u32 = limited.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(desk.get("/taxii2/").await.status, 200);
    assert_eq!(desk.get_as("rita", "/taxii2/").await.status, 200);
}

#[tokio::test]
async fn request_limits_hold_where_they_are_set() {
    let desk = TestDesk::with("\n[limits]\naccount = 3\n").await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(desk.get("/taxii2/").await.status);
    }
    // A minute may end in between.
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    assert_eq!(desk.get_as("rita", "/taxii2/").await.status, 200);
}

#[tokio::test]
async fn rights_are_404_for_none_and_403_for_the_other_half() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    is_error(&desk.get_as("olaf", &lamps("objects/")).await, 404);
    is_error(&desk.get_as("olaf", &lamps("")).await, 404);
    is_error(&desk.get_as("olaf", "/local/").await, 404);
    let discovery = desk.get_as("olaf", "/taxii2/").await;
    assert_eq!(discovery.status, 200);
    assert!(discovery.json().get("api_roots").is_none(), "empty lists are left out");
    assert!(discovery.json().get("default").is_none(), "no root, no default");
    let reader = |method: &str, path: String| {
        let credentials = basic("rita", PASSWORD);
        format!(
            "{method} {path} HTTP/1.1\r\nHost: d\r\n{credentials}Content-Length: 0\r\n\
             Connection: close\r\n\r\n"
        )
    };
    assert_eq!(desk.raw(&reader("GET", lamps("objects/"))).await.status, 200);
    is_error(&desk.raw(&reader("POST", lamps("objects/"))).await, 403);
    let shown = desk.raw(&reader("GET", lamps(""))).await.json();
    assert_eq!((&shown["can_read"], &shown["can_write"]), (&true.into(), &false.into()));
}

#[tokio::test]
async fn paths_with_and_without_the_last_slash_answer_alike() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    for path in ["/taxii2", "/local", "/local/collections", "/local/collections/lamps"] {
        let (with, without) = (desk.get(&format!("{path}/")).await, desk.get(path).await);
        assert_eq!((with.status, without.status), (200, 200), "{path}");
        assert_eq!(with.body, without.body, "{path}");
    }
    let fields = format!("Content-Type: {TAXII}\r\n");
    let reply = desk.post(lamps("objects/").trim_end_matches('/'), &fields, b"{}").await;
    assert_eq!(reply.status, 202, "POST without the slash is no redirect");
    let encoded = lamps(&format!("objects/{}/", lamp_id(1).replace('-', "%2D")));
    assert_eq!(desk.get(&encoded).await.status, 200);
    let upper = format!("/LOCAL/collections/{LAMPS}/");
    is_error(&desk.get(&upper).await, 404);
}

#[tokio::test]
async fn paths_that_lead_nowhere_are_404() {
    let desk = TestDesk::start().await;
    for path in [
        "/nowhere/",
        "/local/nothing/else/",
        "/local/collections/none/",
        "/local/collections/%00/objects/",
        "/local/collections/%ff/objects/",
        "/local/../local/",
        "/local/%2e%2e/local/",
        "//local/",
        "/local/status/7/",
        "/local/status/00000000-0000-4000-8000-000000000000/",
        &lamps("objects/tool--00000000-0000-4000-8000-000000000009/"),
        &lamps("objects/x/versions/"),
        &lamps("objects/x/versions/y/"),
    ] {
        is_error(&desk.get(path).await, 404);
    }
}

#[tokio::test]
async fn paths_outside_all_roots_answer_in_the_form_that_accept_asks_for() {
    let desk = TestDesk::start().await;
    let browser = "Accept: text/html,application/xhtml+xml;q=0.9\r\n";
    let reply = desk.ask("GET", "/nowhere/", browser).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.field("content-type"), Some("text/plain; charset=utf-8"));
    is_error(&desk.ask("GET", &lamps("objects/"), browser).await, 406);
}

#[tokio::test]
async fn methods_that_a_path_does_not_know_are_405_with_allow() {
    let desk = TestDesk::start().await;
    let cases = [
        ("/taxii2/".to_owned(), "POST", "GET, HEAD, OPTIONS"),
        ("/local/collections/".to_owned(), "DELETE", "GET, HEAD, OPTIONS"),
        (lamps("manifest/"), "PUT", "GET, HEAD, OPTIONS"),
        (lamps("objects/"), "PATCH", "GET, HEAD, OPTIONS, POST"),
        (lamps("objects/"), "DELETE", "GET, HEAD, OPTIONS, POST"),
    ];
    for (path, method, allow) in cases {
        let reply = desk.ask(method, &path, "").await;
        is_error(&reply, 405);
        assert_eq!(reply.field("allow"), Some(allow));
        let options = desk.ask("OPTIONS", &path, "").await;
        assert_eq!((options.status, options.field("allow")), (204, Some(allow)));
        assert_eq!(options.field("content-type"), None);
    }
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    for path in ["/taxii2/", "/local/", &lamps("objects/"), &lamps("manifest/")] {
        let (get, head) = (desk.get(path).await, desk.ask("HEAD", path, "").await);
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["content-type", "content-length", "etag", "x-taxii-date-added-last"] {
            assert_eq!(head.field(name), get.field(name), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn accept_over_several_lines_is_one_list() {
    let desk = TestDesk::start().await;
    let fields = format!("Accept: text/html\r\nAccept: application/json, {TAXII};q=0.2\r\n");
    let reply = desk.ask("GET", "/taxii2/", &fields).await;
    assert_eq!((reply.status, reply.field("content-type")), (200, Some(TAXII)));
    let fields = "Accept: application/taxii+json;version=2.0\r\nAccept: text/html\r\n";
    is_error(&desk.ask("GET", "/taxii2/", fields).await, 406);
    // 1.7.1: `Range: items` of TAXII 2.0 is ignored, and so is Content-Type on GET.
    let fields = "Range: items 0-9\r\nContent-Type: application/vnd.oasis.taxii+json\r\n";
    assert_eq!(desk.ask("GET", &lamps("objects/"), fields).await.status, 200);
}

#[tokio::test]
async fn targets_and_heads_are_bounded() {
    let desk = TestDesk::start().await;
    let ids = |count: usize| vec![lamp_id(1); count].join(",");
    let target = |count: usize| lamps(&format!("objects/?match[id]={}", ids(count)));
    let (fits, huge) = (target(8_500 / 42), target(18_000 / 42));
    assert!(fits.len() > 8_000 && huge.len() > 16 * 1024);
    assert_eq!(desk.get(&fits).await.status, 200);
    is_error(&desk.get(&huge).await, 414);
    let many: String = (0..91).map(|number| format!("X-Field-{number}: a\r\n")).collect();
    is_error(&desk.ask("GET", "/taxii2/", &many).await, 431);
    let large = format!("X-Field: {}\r\n", "a".repeat(70 * 1024));
    is_error(&desk.ask("GET", "/taxii2/", &large).await, 431);
    let fine: String = (0..80).map(|number| format!("X-Field-{number}: a\r\n")).collect();
    assert_eq!(desk.ask("GET", "/taxii2/", &fine).await.status, 200);
    // Beyond what is parsed at all, HTTP itself answers.
    let flood: String = (0..2_000).map(|number| format!("X-Field-{number}: a\r\n")).collect();
    assert_eq!(desk.ask("GET", "/taxii2/", &flood).await.status, 431);
    assert_eq!(desk.raw("GET  HTTP/1.1\r\n\r\n").await.status, 400);
}

#[tokio::test]
async fn answers_carry_their_fields() {
    let desk = TestDesk::start().await;
    desk.add(&[lamp(1, 0)]).await;
    let object = lamps(&format!("objects/{}/", lamp_id(1)));
    for path in ["/taxii2/", "/local/", "/local/collections/", &lamps(""), &object] {
        let reply = desk.get(path).await;
        assert_eq!(reply.field("cache-control"), Some("private, no-cache"), "{path}");
        let tag = reply.field("etag").unwrap().to_owned();
        let again = desk.ask("GET", path, &format!("If-None-Match: \"x\", {tag}\r\n")).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert_eq!(again.field("etag"), Some(tag.as_str()));
    }
    for path in [&lamps("objects/"), &lamps("manifest/")] {
        let reply = desk.get(path).await;
        assert_eq!(reply.field("cache-control"), Some("no-store"));
        assert_eq!(reply.field("etag"), None);
    }
    for path in ["/taxii2/", "/nowhere/", &lamps("objects/")] {
        let reply = desk.get(path).await;
        assert_eq!(reply.field("vary"), Some("Accept, Accept-Encoding, Authorization"));
        assert_eq!(reply.field("server"), Some("detente"));
        assert!(reply.field("date").is_some());
    }
}

#[tokio::test]
async fn discovery_and_roots_say_what_is_here() {
    let desk = TestDesk::start().await;
    let discovery = desk.get("/taxii2/").await.json();
    assert_eq!(discovery["api_roots"], serde_json::json!(["/local/"]));
    assert_eq!(discovery["default"], "/local/");
    let root = desk.get("/local/").await.json();
    assert_eq!(root["versions"], serde_json::json!([TAXII]));
    assert_eq!(root["max_content_length"], 64 * 1024 * 1024);
    let list = desk.get("/local/collections/").await.json();
    let one = desk.get(&lamps("")).await.json();
    assert_eq!(list["collections"][0], one);
    assert_eq!((&one["id"], &one["alias"]), (&LAMPS.into(), &"lamps".into()));
    assert_eq!(desk.get("/local/collections/lamps/").await.json(), one);
    let public = TestDesk::with_public("https://desk.aldermoor.example").await;
    let discovery = public.get("/taxii2/").await.json();
    assert_eq!(discovery["default"], "https://desk.aldermoor.example/local/");
}

#[tokio::test]
async fn requests_in_a_row_on_one_connection_are_answered_in_order() {
    let desk = TestDesk::start().await;
    let mut wire = Wire::open(desk.address).await;
    let request = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: d\r\nAuthorization: Bearer {}\r\n\r\n", desk.token)
    };
    let all: String = ["/taxii2/", "/nowhere/", "/local/"].into_iter().map(request).collect();
    wire.send(all.as_bytes()).await;
    for status in [200, 404, 200] {
        assert_eq!(wire.reply(false).await.status, status);
    }
}

#[tokio::test]
async fn http_2_is_spoken() {
    let desk = TestDesk::start().await;
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}/taxii2/", desk.address);
    let reply = client.get(&url).bearer_auth(&desk.token).send().await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.version()), (200, reqwest::Version::HTTP_2));
    let reply = client.get(&url).send().await.unwrap();
    assert_eq!(reply.status().as_u16(), 401);
}
