//! A desk in this process on a port of its own, with accounts that differ.

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use exchange::Service;
use node::{
    config::Config,
    desk::{self, now, rng},
    listen::{Door, listen},
    serve::desk_router,
    tls::Secured,
};
use protocol::{
    keys::NodeKeys,
    secrets,
    terms::{NodeName, Role},
};
use store::{NewCollection, Options, Store};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};

use crate::wire::{Reply, Wire};

pub(crate) const PASSWORD: &str = "a long and dull password";
pub(crate) const TAXII: &str = "application/taxii+json;version=2.1";
/// The collection of most tests.
pub(crate) const LAMPS: &str = "11111111-1111-4111-8111-111111111111";

/// A running desk.
pub(crate) struct TestDesk {
    pub(crate) address: SocketAddr,
    pub(crate) service: Service,
    pub(crate) desk: desk::Shared,
    /// Reads and writes.
    pub(crate) token: String,
    _stop: watch::Sender<bool>,
    _dir: TempDir,
}

impl TestDesk {
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// Reached from outside under an address.
    pub(crate) async fn with_public(url: &str) -> Self {
        Self::with(&format!("\npublic_url = \"{url}\"\n")).await
    }

    /// With further lines of `node.toml`.
    pub(crate) async fn with(lines: &str) -> Self {
        Self::secured(lines, TempDir::new().unwrap(), None).await
    }

    /// In a directory of its own, secured or not.
    pub(crate) async fn secured(lines: &str, dir: TempDir, tls: Option<Secured>) -> Self {
        let name: NodeName = "aldermoor.example/channel".parse().unwrap();
        let until = now().plus_ms(1_000_000_000);
        let keys = NodeKeys::generate(&name, &[], now(), until, &mut rng()).unwrap();
        let store = Store::open(&dir.path().join("node.db"), Options::default()).unwrap();
        Self::serve(Service::new(name, store, keys), lines, dir, tls).await
    }

    /// Over a service that is there already.
    pub(crate) async fn over(service: Service) -> Self {
        Self::serve(service, "", TempDir::new().unwrap(), None).await
    }

    async fn serve(service: Service, lines: &str, dir: TempDir, tls: Option<Secured>) -> Self {
        let none = SocketAddr::from(([127, 0, 0, 1], 0));
        let text = format!("{}{lines}", Config::text(service.name(), none, none, (None, None)));
        let config: Config = toml::from_str(&text).unwrap();
        let (stop, stopped) = watch::channel(false);
        let listener = TcpListener::bind(none).await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(
            desk::Desk::open(service.clone(), config, crate::desk::keyring(&service))
                .await
                .unwrap(),
        );
        let pace = desk.config.pace;
        let router = desk_router(Arc::clone(&desk));
        tokio::spawn(listen(Door { listener, tls, router, is_shared: false, pace }, stopped));
        let token = String::new();
        let mut this = Self { address, service, desk, token, _stop: stop, _dir: dir };
        this.furnish().await;
        this
    }

    async fn furnish(&mut self) {
        let lamps = NewCollection::local(LAMPS.parse().unwrap(), "lamps", "Lamps");
        self.service.store().create_collection(lamps, "test".to_owned(), now()).await.unwrap();
        self.token = self.account("ada", &[Role::Reader, Role::Drafter]).await;
        self.account("rita", &[Role::Reader]).await;
        self.account("olaf", &[]).await;
    }

    /// An account with the password of all, and a token of its own.
    pub(crate) async fn account(&self, name: &str, roles: &[Role]) -> String {
        let store = self.service.store();
        let hash = secrets::hash_password(PASSWORD, &mut rng());
        let by = "test".to_owned();
        store.create_account(name.to_owned(), roles.to_vec(), hash, by, now()).await.unwrap();
        let (token, digest) = secrets::token(&mut rng());
        store.add_token(digest, name.to_owned(), "test".to_owned(), None, now()).await.unwrap();
        token.to_string()
    }

    /// One request on a connection of its own.
    pub(crate) async fn raw(&self, request: &str) -> Reply {
        let mut wire = Wire::open(self.address).await;
        wire.send(request.as_bytes()).await;
        wire.reply(request.starts_with("HEAD ")).await
    }

    /// A request without a body, with further fields (each ending in CRLF).
    pub(crate) async fn ask(&self, method: &str, target: &str, fields: &str) -> Reply {
        let token = &self.token;
        self.raw(&format!(
            "{method} {target} HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {token}\r\n\
             {fields}Connection: close\r\n\r\n"
        ))
        .await
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.ask("GET", target, &format!("Accept: {TAXII}\r\n")).await
    }

    /// As an account of that name, by Basic.
    pub(crate) async fn get_as(&self, name: &str, target: &str) -> Reply {
        self.raw(&format!(
            "GET {target} HTTP/1.1\r\nHost: desk\r\n{}Connection: close\r\n\r\n",
            basic(name, PASSWORD)
        ))
        .await
    }

    pub(crate) async fn post(&self, target: &str, fields: &str, body: &[u8]) -> Reply {
        let mut wire = Wire::open(self.address).await;
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {}\r\n{fields}\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.token,
            body.len()
        );
        wire.send(head.as_bytes()).await;
        wire.try_send(body).await;
        wire.reply(false).await
    }

    /// Posts an envelope of these objects.
    pub(crate) async fn add(&self, objects: &[String]) -> serde_json::Value {
        let body = format!("{{\"objects\":[{}]}}", objects.join(","));
        let fields = format!("Content-Type: {TAXII}\r\n");
        let reply = self.post(&lamps("objects/"), &fields, body.as_bytes()).await;
        assert_eq!(reply.status, 202, "{}", reply.text());
        reply.json()
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{name}:{password}")))
}

/// A path in the collection of most tests.
pub(crate) fn lamps(rest: &str) -> String {
    format!("/local/collections/{LAMPS}/{rest}")
}

/// A lamp of a number, in a version of so many milliseconds.
pub(crate) fn lamp(number: u32, version: u32) -> String {
    testkit::tool(number, version)
}

pub(crate) fn lamp_id(number: u32) -> String {
    format!("tool--00000000-0000-4000-8000-{number:012}")
}
