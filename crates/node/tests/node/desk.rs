//! A desk in memory: the API's router over a test world, without sockets.

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, header},
};
use exchange::Service;
use node::{config::Config, desk::Desk, keyring::Keyring, serve::desk_router};
use protocol::{
    secrets,
    terms::{Role, Timestamp},
};
use serde_json::{Value, json};
use testkit::{Weather, World};
use tower::ServiceExt;

/// The two desks of a world, and the world.
pub(crate) struct Desks {
    pub(crate) world: World,
    pub(crate) a: Client,
    pub(crate) b: Client,
    _folder: tempfile::TempDir,
}

/// A client of one desk, with a token of the account that has every role.
#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
    pub(crate) service: Service,
    pub(crate) token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.bytes)))
    }

    /// The rule of a problem document that is whole.
    pub(crate) fn rule(&self) -> String {
        assert_eq!(self.kind, "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        assert!(body["remedy"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert!(body["title"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        body["rule"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn desks(seed: u64) -> Desks {
    desks_of(move |folder| World::new(folder, seed, Weather::default())).await
}

/// Two desks of three: Corvane is a party, too.
pub(crate) async fn desks_of_three(seed: u64) -> Desks {
    desks_of(move |folder| World::of_three(folder, seed, Weather::default())).await
}

async fn desks_of(make: impl FnOnce(&Path) -> World + Send + 'static) -> Desks {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let world = tokio::task::spawn_blocking(move || make(&path)).await.unwrap();
    let (a, b) = (Client::new(&world.a.service).await, Client::new(&world.b.service).await);
    Desks { world, a, b, _folder: folder }
}

impl Desks {
    /// Works on the world where blocking is allowed.
    pub(crate) async fn work(mut self, work: impl FnOnce(&mut World) + Send + 'static) -> Self {
        let worked = tokio::task::spawn_blocking(move || {
            work(&mut self.world);
            self
        });
        worked.await.unwrap()
    }
}

/// The keys of a test's node on disk, in a directory that stays as long as the test.
pub(crate) fn keyring(service: &Service) -> Keyring {
    let dir = tempfile::tempdir().unwrap().keep();
    let keyring = Keyring::make(&dir.join("keys"), "an invented passphrase").unwrap();
    keyring.keep(&service.keys()).unwrap();
    keyring
}

impl Client {
    pub(crate) async fn new(service: &Service) -> Self {
        let text = format!(
            "name = \"{}\"\ndesk = \"127.0.0.1:0\"\npartner = \"127.0.0.1:0\"\n",
            service.name()
        );
        let config: Config = toml::from_str(&text).unwrap();
        let desk = Arc::new(Desk::open(service.clone(), config, keyring(service)).await.unwrap());
        let router = desk_router(desk);
        let mut client = Self { router, service: service.clone(), token: String::new() };
        client.token = client.account("everyone", Role::ALL).await;
        client
    }

    /// Makes an account and gives its token.
    pub(crate) async fn account(&self, name: &str, roles: &[Role]) -> String {
        let store = self.service.store();
        let (name, by, now) = (name.to_owned(), "test".to_owned(), node::desk::now());
        store.create_account(name.clone(), roles.to_vec(), None, by, now).await.unwrap();
        let (token, digest) = secrets::token(&mut node::desk::rng());
        store.add_token(digest, name, "test".to_owned(), None, now).await.unwrap();
        token.to_string()
    }

    /// Logs an account in at the console: its cookie and its form token.
    pub(crate) async fn session(&self, name: &str) -> (String, String) {
        self.session_of(name, node::desk::now()).await
    }

    /// The same of somebody who logged in at a time.
    pub(crate) async fn session_of(&self, name: &str, at: Timestamp) -> (String, String) {
        let (token, digest) = secrets::token(&mut node::desk::rng());
        let (csrf, store) = ("an invented form token".to_owned(), self.service.store());
        store.add_session(digest, name.to_owned(), csrf.clone(), at).await.unwrap();
        (format!("{}={}", node::auth::COOKIE, token.as_str()), csrf)
    }

    /// What the console says to a form, and with which status.
    pub(crate) async fn form(&self, path: &str, cookie: &str, body: String) -> (u16, String) {
        let request = Request::post(path)
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body));
        let reply = self.send(request.unwrap()).await;
        (reply.status, String::from_utf8(reply.bytes).unwrap())
    }

    /// A page of the console.
    pub(crate) async fn page(&self, path: &str, cookie: &str) -> String {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty());
        let reply = self.send(request.unwrap()).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        String::from_utf8(reply.bytes).unwrap()
    }

    /// What a browser gets that opens an address; without a cookie, a stranger's.
    pub(crate) async fn browse(&self, path: &str, cookie: Option<&str>) -> Reply {
        let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let mut request = Request::get(path).header(header::ACCEPT, accept);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let headers = response.headers().clone();
        let kind = headers.get(header::CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap());
        let (status, kind) = (response.status().as_u16(), kind.to_owned());
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
        Reply { status, kind, headers, bytes }
    }

    /// Sends a request as an account.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let bearer = format!("Bearer {}", self.token);
        self.send(request.header(header::AUTHORIZATION, bearer).body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "", Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, "application/json", body.to_string()).await
    }

    /// The same desk for another token.
    pub(crate) fn with(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }
}

/// An envelope of invented objects.
pub(crate) fn envelope(objects: &[String]) -> String {
    format!("{{\"objects\":[{}]}}", objects.join(","))
}

/// A recall's request.
pub(crate) fn recall() -> Value {
    json!({ "reason": "wrong", "items": [0] })
}
