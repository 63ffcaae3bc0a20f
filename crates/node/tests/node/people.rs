//! The console as people meet it: tokens and certificates on the page of accounts, and addresses
//! that lead nowhere.

use axum::{body::Body, http::Request};
use node::desk::now;
use protocol::terms::Role;
use store::{Certificate, TokenRow};

use crate::desk::{Client, Reply, desks};

/// A word of a form, as a browser sends it.
fn sent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn change(client: &Client, account: &str, what: &[(&str, &str)]) -> (u16, String) {
    let (cookie, csrf) = client.session("everyone").await;
    let words = [("csrf", csrf.as_str())].into_iter().chain(what.iter().copied());
    let words: Vec<_> = words.map(|(name, value)| format!("{name}={}", sent(value))).collect();
    client.form(&format!("/accounts/{account}"), &cookie, words.join("&")).await
}

async fn tokens(client: &Client) -> Vec<TokenRow> {
    let rows = client.service.store().token_rows().await.unwrap();
    rows.into_iter().filter(|row| row.account == "siem" && row.label != "test").collect()
}

async fn certificates(client: &Client) -> Vec<Certificate> {
    client.service.store().certificates(Some("siem")).await.unwrap()
}

#[tokio::test]
async fn token_of_days_that_are_none_is_not_made() {
    let a = desks(31).await.a;
    a.account("siem", &[Role::Reader]).await;
    let token = |days| [("act", "token"), ("label", "an invented tool"), ("days", days)];
    for days in ["0", "36501", "-1", "a year", "3.5", "99999999999999999999"] {
        let (status, page) = change(&a, "siem", &token(days)).await;
        assert_eq!((status, page.contains("1 to 36500 days")), (422, true), "{days}");
        assert!(tokens(&a).await.is_empty(), "{days}");
    }
    for days in [" 365 ", ""] {
        assert_eq!(change(&a, "siem", &token(days)).await.0, 200, "{days:?}");
    }
    let mut ends: Vec<_> = tokens(&a).await.into_iter().map(|row| row.expires).collect();
    ends.sort();
    assert_eq!(ends[0], None);
    let left = ends[1].unwrap().as_ms() - now().as_ms();
    assert!((364 * 86_400_000..=365 * 86_400_000).contains(&left), "{left}");
}

#[tokio::test]
async fn token_and_certificate_are_taken_back_where_they_are_shown() {
    let a = desks(32).await.a;
    a.account("siem", &[Role::Reader]).await;
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().pem();
    let made = [("act", "certificate"), ("label", "rack 7"), ("pem", &pem)];
    assert_eq!(change(&a, "siem", &made).await.0, 303);
    let token = [("act", "token"), ("label", "rack 8"), ("days", "1")];
    let (_, page) = change(&a, "siem", &token).await;
    let (certificate, token) = (certificates(&a).await.remove(0), tokens(&a).await.remove(0));
    let button = |name: &str, id: &str| format!("name=\"{name}\" value=\"{id}\"");
    assert!(page.contains("rack 7") && page.contains(&button("end-certificate", &certificate.id)));
    assert!(page.contains("rack 8") && page.contains(&button("end-token", &token.id)));
    for wrong in [("label", ""), ("pem", "no certificate")] {
        let mut other = made;
        *other.iter_mut().find(|(name, _)| *name == wrong.0).unwrap() = wrong;
        assert_eq!(change(&a, "siem", &other).await.0, 400, "{wrong:?}");
    }
    // What the form sends beside the button does not change what the button says.
    let button = [("label", ""), ("days", "365"), ("end-certificate", certificate.id.as_str())];
    assert_eq!(change(&a, "siem", &button).await.0, 303);
    assert!(certificates(&a).await.is_empty());
    assert_eq!(change(&a, "siem", &button).await.0, 404, "once");
    assert_eq!(change(&a, "siem", &[("end-token", token.id.as_str())]).await.0, 303);
    assert!(tokens(&a).await.is_empty());
}

#[tokio::test]
async fn token_is_ended_only_by_who_gives_the_password_again_when_the_log_in_is_old() {
    let a = desks(33).await.a;
    a.account("siem", &[Role::Reader]).await;
    let token = [("act", "token"), ("label", "rack 9"), ("days", "1")];
    assert_eq!(change(&a, "siem", &token).await.0, 200);
    let id = tokens(&a).await.remove(0).id;
    let store = a.service.store();
    let (password, by) = ("an invented password", "test".to_owned());
    let hash = protocol::secrets::hash_password(password, &mut node::desk::rng()).unwrap();
    store.set_password("everyone".to_owned(), hash, by, now()).await.unwrap();
    let (cookie, csrf) = a.session_of("everyone", now().plus_ms(-6 * 60 * 1_000)).await;
    assert!(a.page("/accounts", &cookie).await.contains("Your own password"));
    let ends = |words: &str| {
        let body = format!("csrf={}&end-token={id}&confirm={}", sent(&csrf), sent(words));
        let (a, cookie) = (&a, &cookie);
        async move { a.form("/accounts/siem", cookie, body).await }
    };
    for wrong in ["", "another one"] {
        let (status, page) = ends(wrong).await;
        assert_eq!((status, page.contains("AUTH-3")), (403, true), "{wrong:?}");
        assert!(page.contains("nothing was done") && page.contains("rack 9"), "{wrong:?}");
        assert_eq!(tokens(&a).await.len(), 1, "{wrong:?}");
    }
    assert_eq!(ends(password).await.0, 303);
    assert!(tokens(&a).await.is_empty());
    assert!(!a.page("/accounts", &cookie).await.contains("Your own password"), "it was given");
}

/// The reply is a page of the console, with the menu of whoever sees it.
fn is_page(reply: &Reply, status: u16) -> String {
    let page = String::from_utf8(reply.bytes.clone()).unwrap();
    assert_eq!((reply.status, reply.kind.as_str()), (status, "text/html; charset=utf-8"), "{page}");
    assert!(page.contains("/assets/console.css") && page.contains("<a href=\"/\">"), "{page}");
    assert!(page.contains("href=\"/releases\""), "no menu: {page}");
    assert!(reply.headers.contains_key("content-security-policy"));
    assert!(!reply.headers.contains_key("www-authenticate"));
    page
}

#[tokio::test]
async fn address_that_names_nothing_is_a_page_that_says_so() {
    let a = desks(34).await.a;
    let (cookie, _) = a.session("everyone").await;
    let malformed = ["/releases/7", "/collections/lamps", "/agreements/7/undo", "/partners/%ff"];
    let unknown = [
        "/collectionz",
        "/foo",
        "/foo?from=1",
        "/foo/collections",
        "/collections/",
        "/settings/",
        "/releases/xyz/abc",
        "/objects/collections/x/",
        "/foo/bar/",
        "//",
    ];
    for path in malformed.into_iter().chain(unknown) {
        let page = is_page(&a.browse(path, Some(&cookie)).await, 404);
        assert!(page.contains("nothing at this address"), "{path}: {page}");
    }
    for path in unknown {
        let reply = a.browse(path, None).await;
        assert_eq!((reply.status, &reply.headers["location"]), (303, &"/login".parse().unwrap()));
        assert!(!reply.headers.contains_key("www-authenticate"), "{path}");
    }
}

#[tokio::test]
async fn form_from_an_earlier_build_leads_to_a_page_too() {
    let a = desks(35).await.a;
    let (cookie, _) = a.session("everyone").await;
    let request = Request::post("/releases/7/approve")
        .header("accept", "text/html, */*;q=0.8")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", &cookie);
    is_page(&a.send(request.body(Body::from("csrf=x")).unwrap()).await, 404);
}

#[tokio::test]
async fn address_of_a_form_that_is_opened_without_it_is_a_page() {
    let a = desks(36).await.a;
    let (cookie, _) = a.session("everyone").await;
    for path in ["/search", "/logout", "/releases/7/decide"] {
        let reply = a.browse(path, Some(&cookie)).await;
        let page = is_page(&reply, 405);
        assert!(page.contains("only a form leads to this address"), "{path}: {page}");
        assert_eq!(reply.headers["allow"], "POST", "{path}");
        assert_eq!(a.browse(path, None).await.headers["location"], "/login", "{path}");
    }
}

#[tokio::test]
async fn query_that_a_page_cannot_read_is_named_on_one() {
    let a = desks(37).await.a;
    let (cookie, _) = a.session("everyone").await;
    let id = "00000000-0000-4000-8000-000000000000";
    let (release, collection) = (format!("/releases/{id}"), format!("/collections/{id}"));
    for (path, query, name) in [
        ("/releases", "before=%ff", "before"),
        ("/releases", "before=yesterday", "before"),
        ("/releases", "before=7_7", "before"),
        ("/releases", "state=nonsense", "state"),
        ("/releases", "state=", "state"),
        ("/releases", "state=waiting&state=recalled", "state"),
        ("/statements", "before=%ff", "before"),
        ("/compose", "from=7", "from"),
        (&release, "from=-1", "from"),
        (&collection, "before=never", "before"),
    ] {
        let address = format!("{path}?{query}");
        let page = is_page(&a.browse(&address, Some(&cookie)).await, 400);
        assert!(page.contains(&format!("`{name}=`")), "{address}: {page}");
        assert_eq!(a.browse(&address, None).await.headers["location"], "/login", "{address}");
    }
    for path in [
        "/releases?state=waiting",
        "/releases?mail=7&mail=8",
        &format!("/releases?state=stopped&before=1764000000000_{id}"),
        "/statements",
    ] {
        assert_eq!(a.browse(path, Some(&cookie)).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn form_that_cannot_be_read_is_a_page_that_names_the_field() {
    let a = desks(38).await.a;
    let (cookie, _) = a.session("everyone").await;
    let post = async |path: &str, kind: &str, body: &str| {
        let request = Request::post(path).header("content-type", kind).header("cookie", &cookie);
        a.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let form = "application/x-www-form-urlencoded";
    let release = "/releases/00000000-0000-4000-8000-000000000000/decide";
    for (path, body, why) in [
        ("/search", "words=x", "missing field `csrf`"),
        ("/search", "csrf=x&words=a&words=b", "duplicate field `words`"),
        (release, "csrf=x", "missing field `decision`"),
    ] {
        let page = is_page(&post(path, form, body).await, 400);
        assert!(page.contains(why) && page.contains("nothing was done"), "{path} {body}: {page}");
    }
    is_page(&post("/search", "application/json", "{}").await, 415);
    is_page(&post("/compose", form, "csrf=x").await, 400);
}
