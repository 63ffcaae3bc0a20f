//! TLS of the desk: versions, suites, own certificates, client certificates (8.2.2, 8.3.1).

use std::{
    fs, io,
    sync::{Arc, Mutex},
    time::Duration,
};

use node::{
    config::{Clients, Tls},
    tls::{self, LinkKey, Secured},
};
use protocol::terms::Role;
use reqwest::{Client, ClientBuilder, Identity, tls::Version};
use rustls::CipherSuite;
use tempfile::TempDir;

use super::desk::{TestDesk, lamps};

/// A little more than the desk takes its files for what they were.
const LOOK: Duration = Duration::from_millis(1_100);

struct Party {
    key: rcgen::KeyPair,
    params: rcgen::CertificateParams,
}

fn party(name: &str, is_authority: bool) -> Party {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    if is_authority {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    Party { key: rcgen::KeyPair::generate().unwrap(), params }
}

impl Party {
    fn self_signed(&self) -> String {
        self.params.self_signed(&self.key).unwrap().pem()
    }

    fn signed_by(&self, authority: &Self) -> String {
        let issuer = rcgen::Issuer::from_params(&authority.params, &authority.key);
        self.params.signed_by(&self.key, &issuer).unwrap().pem()
    }

    fn identity(&self, certificate: &str) -> Identity {
        Identity::from_pem(format!("{certificate}{}", self.key.serialize_pem()).as_bytes()).unwrap()
    }
}

fn client() -> ClientBuilder {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder().danger_accept_invalid_certs(true)
}

pub(super) fn server(dir: &TempDir, clients: Option<Clients>) -> Secured {
    let own = party("desk.aldermoor.example", false);
    fs::write(dir.path().join("desk.pem"), own.self_signed()).unwrap();
    fs::write(dir.path().join("desk.key"), own.key.serialize_pem()).unwrap();
    let (certificate, key) = (Some("desk.pem".into()), Some("desk.key".into()));
    let wanted = Tls { certificate, key, acme: None, clients };
    tls::desk::server(&wanted, dir.path(), &LinkKey::generate().unwrap()).unwrap()
}

/// What the log tells: the desk of a test runs on the thread of the test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let all = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone());
        tracing::subscriber::set_default(all.finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn status(desk: &TestDesk, client: ClientBuilder, path: &str) -> Option<u16> {
    let url = format!("https://{}{path}", desk.address);
    let reply = client.build().unwrap().get(url).send().await.ok()?;
    Some(reply.status().as_u16())
}

#[tokio::test]
async fn desk_speaks_tls_1_2_and_1_3() {
    let dir = TempDir::new().unwrap();
    let config = server(&dir, None);
    let desk = TestDesk::secured("", dir, Some(config)).await;
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let client = client().min_tls_version(version).max_tls_version(version).build().unwrap();
        let url = format!("https://{}/taxii2/", desk.address);
        let reply = client.get(url).bearer_auth(&desk.token).send().await.unwrap();
        assert_eq!((reply.status().as_u16(), reply.version()), (200, reqwest::Version::HTTP_2));
    }
}

#[test]
fn desk_takes_no_early_data_and_no_weak_suite() {
    let config = server(&TempDir::new().unwrap(), None)();
    assert_eq!(config.max_early_data_size, 0);
    for suite in &config.crypto_provider().cipher_suites {
        let name = format!("{:?}", suite.suite());
        // Appendix A of RFC 7540 lists every suite without forward secrecy or without AEAD.
        let is_strong = name.starts_with("TLS13_")
            || (name.starts_with("TLS_ECDHE_")
                && (name.contains("_GCM_") || name.contains("CHACHA20")));
        assert!(is_strong, "{name}");
        assert_ne!(suite.suite(), CipherSuite::TLS_RSA_WITH_AES_128_GCM_SHA256);
    }
}

#[tokio::test]
async fn client_certificates_stand_for_accounts() {
    let dir = TempDir::new().unwrap();
    let config = server(&dir, Some(Clients::Pinned));
    let desk = TestDesk::secured("", dir, Some(config)).await;
    let (known, stranger) = (party("sensor", false), party("stranger", false));
    let certificate = known.self_signed();
    desk.account("sensor", &[Role::Reader]).await;
    let pin = tls::pin_of_pem(certificate.as_bytes()).unwrap();
    let (name, by) = ("sensor".to_owned(), "test".to_owned());
    let store = desk.service.store();
    store.add_certificate(pin, name, "sensor".to_owned(), by, node::desk::now()).await.unwrap();
    let path = lamps("objects/");
    let with = |identity| client().identity(identity);
    assert_eq!(status(&desk, with(known.identity(&certificate)), &path).await, Some(200));
    let other = stranger.identity(&stranger.self_signed());
    assert_eq!(status(&desk, with(other), &path).await, Some(401));
    assert_eq!(status(&desk, client(), &path).await, Some(401), "none is shown");
}

#[tokio::test]
async fn client_certificate_that_is_taken_back_opens_nothing_on_a_connection_that_stands() {
    let dir = TempDir::new().unwrap();
    let config = server(&dir, Some(Clients::Pinned));
    let desk = TestDesk::secured("", dir, Some(config)).await;
    let known = party("sensor", false);
    let certificate = known.self_signed();
    desk.account("sensor", &[Role::Reader]).await;
    let pin = tls::pin_of_pem(certificate.as_bytes()).unwrap();
    let (name, by) = ("sensor".to_owned(), "test".to_owned());
    let (store, now) = (desk.service.store(), node::desk::now());
    store.add_certificate(pin, name.clone(), name.clone(), by.clone(), now).await.unwrap();
    let tool = client().identity(known.identity(&certificate)).build().unwrap();
    let ask = || async {
        let url = format!("https://{}{}", desk.address, lamps("objects/"));
        tool.get(url).send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask().await, 200);
    store.remove_certificate(name, store::token_id(&pin), by, now).await.unwrap();
    assert_eq!(ask().await, 401, "the very next request");
}

#[tokio::test]
async fn client_certificates_are_held_to_the_authority_that_is_named() {
    let dir = TempDir::new().unwrap();
    let (authority, other) = (party("authority", true), party("another", true));
    fs::write(dir.path().join("ca.pem"), authority.self_signed()).unwrap();
    let config = server(&dir, Some(Clients::Authority("ca.pem".into())));
    let desk = TestDesk::secured("", dir, Some(config)).await;
    let sensor = party("sensor", false);
    let certificate = sensor.signed_by(&authority);
    desk.account("sensor", &[Role::Reader]).await;
    let pin = tls::pin_of_pem(certificate.as_bytes()).unwrap();
    let (name, by) = ("sensor".to_owned(), "test".to_owned());
    let store = desk.service.store();
    store.add_certificate(pin, name, "sensor".to_owned(), by, node::desk::now()).await.unwrap();
    let path = lamps("objects/");
    let with = |certificate: &str| client().identity(sensor.identity(certificate));
    assert_eq!(status(&desk, with(&certificate), &path).await, Some(200));
    let forged = sensor.signed_by(&other);
    let log = Log::default();
    let listening = log.listen();
    for _ in 0..2 {
        assert_eq!(status(&desk, with(&forged), &path).await, None, "the key alone is not enough");
    }
    drop(listening);
    let told = log.text();
    assert_eq!(told.matches("tls.refused").count(), 1, "once a minute for an address: {told}");
    assert!(told.contains("invalid peer certificate") && told.contains("127.0.0.1"), "{told}");
    assert_eq!(status(&desk, client(), &path).await, Some(401), "passwords and tokens still do");
}

#[tokio::test]
async fn authority_that_is_replaced_holds_for_the_next_connection_and_for_resumed_sessions() {
    let dir = TempDir::new().unwrap();
    let (authority, next) = (party("authority", true), party("next", true));
    let file = dir.path().join("ca.pem");
    fs::write(&file, authority.self_signed()).unwrap();
    let config = server(&dir, Some(Clients::Authority("ca.pem".into())));
    let desk = TestDesk::secured("", dir, Some(config)).await;
    let sensor = party("sensor", false);
    let (old, new) = (sensor.signed_by(&authority), sensor.signed_by(&next));
    desk.account("sensor", &[Role::Reader]).await;
    let pin = tls::pin_of_pem(old.as_bytes()).unwrap();
    let (name, by) = ("sensor".to_owned(), "test".to_owned());
    let store = desk.service.store();
    store.add_certificate(pin, name, "sensor".to_owned(), by, node::desk::now()).await.unwrap();
    let path = lamps("objects/");
    // No connection is kept, so that each request shakes hands anew; the session is kept.
    let tool = |certificate: &str| {
        client().identity(sensor.identity(certificate)).pool_max_idle_per_host(0).build().unwrap()
    };
    let (with_old, with_new) = (tool(&old), tool(&new));
    let ask = async |tool: &Client| {
        let url = format!("https://{}{path}", desk.address);
        tool.get(url).send().await.ok().map(|reply| reply.status().as_u16())
    };
    assert_eq!(ask(&with_old).await, Some(200));
    assert_eq!(ask(&with_new).await, None, "of no authority that stands there");
    // What cannot be used changes nothing; what can, a second later at most.
    fs::write(&file, "no certificate").unwrap();
    tokio::time::sleep(LOOK).await;
    assert_eq!(ask(&with_old).await, Some(200), "the authorities that were read before");
    fs::write(&file, next.self_signed()).unwrap();
    tokio::time::sleep(LOOK).await;
    assert_eq!(ask(&with_new).await, Some(200));
    assert_eq!(ask(&with_old).await, None, "not by its old session either");
}

#[tokio::test]
async fn login_link_names_the_desk_as_the_request_found_it() {
    let dir = TempDir::new().unwrap();
    let config = server(&dir, None);
    let desk = TestDesk::secured("\ntls = {}\n", dir, Some(config)).await;
    // Over HTTP/2 no field names the host, the target does.
    for client in [client(), client().http1_only()] {
        let url = format!("https://{}/api/login-link", desk.address);
        let asked = client.build().unwrap().post(&url).bearer_auth(&desk.token);
        let reply: serde_json::Value =
            serde_json::from_slice(&asked.send().await.unwrap().bytes().await.unwrap()).unwrap();
        let begin = format!("https://{}/login/", desk.address);
        assert!(reply["url"].as_str().unwrap().starts_with(&begin), "{reply}");
    }
}
