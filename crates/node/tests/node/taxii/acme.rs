//! Certificates by ACME: an authority of this test (RFC 8555) proves the desk's name over TLS-ALPN
//! (RFC 8737) on the desk's own port, and the desk then serves what it was given.
//!
//! The authority is small and does what the standard asks of one on this way: it checks nonces,
//! signatures and addresses of each request, connects to the desk itself, looks at the proof, and
//! signs the request for a certificate only after it.

use std::{
    collections::HashSet,
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use node::{
    config::{Acme, Pace, Tls},
    listen::{Door, listen},
    tls::{self, LinkKey},
};
use protocol::secrets::sha256;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, CertificateSigningRequestDer, ServerName},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::desk::TestDesk;

const DOMAIN: &str = "desk.aldermoor.example";
/// id-pe-acmeIdentifier (RFC 8737 section 6.1).
const ACME_IDENTIFIER: &str = "1.3.6.1.5.5.7.1.31";

/// The authority.
struct Authority {
    base: String,
    issuer: Issuer<'static, KeyPair>,
    /// Where the name leads to: the test is its own DNS.
    desk: watch::Sender<Option<SocketAddr>>,
    state: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    nonces: HashSet<String>,
    count: u32,
    /// The account's key: x and y.
    key: Option<(String, String)>,
    is_proven: bool,
    certificate: Option<String>,
}

const TOKEN: &str = "an-invented-token-of-the-test";

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

impl Authority {
    fn nonce(&self) -> String {
        let mut state = self.state.lock().unwrap();
        state.count += 1;
        let nonce = format!("nonce-{}", state.count);
        state.nonces.insert(nonce.clone());
        nonce
    }

    fn answer(&self, status: u16, place: &str, body: &Value) -> Response {
        let fields = [
            ("replay-nonce", self.nonce()),
            ("location", format!("{}{place}", self.base)),
            ("content-type", "application/json".to_owned()),
        ];
        (StatusCode::from_u16(status).unwrap(), fields, body.to_string()).into_response()
    }

    /// The payload of a signed request: RFC 8555 section 6.
    fn opened(&self, path: &str, body: &[u8]) -> Value {
        let jws: Value = serde_json::from_slice(body).unwrap();
        let part = |name: &str| jws[name].as_str().unwrap();
        let head: Value = serde_json::from_slice(&decoded(part("protected"))).unwrap();
        assert_eq!(head["url"], format!("{}{path}", self.base));
        let mut state = self.state.lock().unwrap();
        assert!(state.nonces.remove(head["nonce"].as_str().unwrap()), "a nonce is used once");
        if let Some(jwk) = head.get("jwk") {
            assert_eq!(path, "/account");
            let coordinate = |name: &str| jwk[name].as_str().unwrap().to_owned();
            state.key = Some((coordinate("x"), coordinate("y")));
        } else {
            assert_eq!(head["kid"], format!("{}/account/1", self.base));
        }
        let (x, y) = state.key.clone().unwrap();
        let point = [vec![4], decoded(&x), decoded(&y)].concat();
        let signed = format!("{}.{}", part("protected"), part("payload"));
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(signed.as_bytes(), &decoded(part("signature")))
            .unwrap();
        serde_json::from_slice(&decoded(part("payload"))).unwrap_or(Value::Null)
    }

    /// What the proof must hold: RFC 8737 section 3.
    fn authorization(&self) -> [u8; 32] {
        let (x, y) = self.state.lock().unwrap().key.clone().unwrap();
        let jwk = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
        let thumbprint = URL_SAFE_NO_PAD.encode(sha256(jwk.as_bytes()).0);
        sha256(format!("{TOKEN}.{thumbprint}").as_bytes()).0
    }

    /// Asks the desk over TLS-ALPN; whether the proof is the right one.
    async fn prove(&self) -> bool {
        // The desk asks before its door is open: the authority comes when it is.
        let mut known = self.desk.subscribe();
        let desk = known.wait_for(Option::is_some).await.unwrap().unwrap();
        let mut config = anybody();
        config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
        let stream = TcpStream::connect(desk).await.unwrap();
        let name = ServerName::try_from(DOMAIN).unwrap();
        let secure = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let (_, session) = secure.get_ref();
        assert_eq!(session.alpn_protocol(), Some(&b"acme-tls/1"[..]));
        let shown = session.peer_certificates().unwrap()[0].clone();
        let (_, certificate) = X509Certificate::from_der(&shown).unwrap();
        let proof = certificate
            .extensions()
            .iter()
            .find(|extension| extension.oid.to_id_string() == ACME_IDENTIFIER);
        let proof = proof.filter(|extension| extension.critical).map(|extension| extension.value);
        // An OCTET STRING of 32 bytes.
        proof == Some(&[&[4, 32][..], &self.authorization()[..]].concat()[..])
    }

    fn sign(&self, csr: &[u8]) -> String {
        let csr = CertificateSigningRequestDer::from(csr.to_vec());
        let request = CertificateSigningRequestParams::from_der(&csr).unwrap();
        request.signed_by(&self.issuer).unwrap().pem()
    }

    fn order(&self) -> Value {
        let state = self.state.lock().unwrap();
        let status = match (&state.certificate, state.is_proven) {
            (Some(_), _) => "valid",
            (None, true) => "ready",
            (None, false) => "pending",
        };
        let at = |place: &str| format!("{}{place}", self.base);
        let mut order = json!({
            "status": status,
            "identifiers": [{ "type": "dns", "value": DOMAIN }],
            "authorizations": [at("/authorization")],
            "finalize": at("/finalize"),
        });
        if state.certificate.is_some() {
            order["certificate"] = json!(at("/certificate"));
        }
        order
    }
}

type Shared = State<Arc<Authority>>;

async fn directory(State(authority): Shared) -> Response {
    let at = |place: &str| format!("{}{place}", authority.base);
    let body = json!({
        "newNonce": at("/nonce"), "newAccount": at("/account"), "newOrder": at("/order"),
    });
    axum::Json(body).into_response()
}

async fn nonce(State(authority): Shared) -> Response {
    // The client asks by HEAD and would wait for a body that is announced.
    ([("replay-nonce", authority.nonce())], ()).into_response()
}

async fn ask(State(authority): Shared, uri: Uri, body: Bytes) -> Response {
    let payload = authority.opened(uri.path(), &body);
    match uri.path() {
        "/account" => {
            assert_eq!(payload["contact"], json!([format!("mailto:keys@{DOMAIN}")]));
            authority.answer(201, "/account/1", &json!({ "status": "valid" }))
        }
        "/order" => {
            assert_eq!(payload["identifiers"], json!([{ "type": "dns", "value": DOMAIN }]));
            authority.answer(201, "/order/1", &authority.order())
        }
        "/authorization" => {
            let is_proven = authority.state.lock().unwrap().is_proven;
            let status = if is_proven { "valid" } else { "pending" };
            let challenge = json!({
                "type": "tls-alpn-01", "url": format!("{}/challenge", authority.base),
                "token": TOKEN, "status": status,
            });
            let identifier = json!({ "type": "dns", "value": DOMAIN });
            let body = json!({
                "status": status, "identifier": identifier, "challenges": [challenge],
            });
            authority.answer(200, "/authorization", &body)
        }
        "/challenge" => {
            let is_proven = authority.prove().await;
            authority.state.lock().unwrap().is_proven = is_proven;
            authority.answer(
                200,
                "/challenge",
                &json!({ "type": "tls-alpn-01", "status": "valid" }),
            )
        }
        "/finalize" => {
            assert!(authority.state.lock().unwrap().is_proven, "the name is proven first");
            let signed = authority.sign(&decoded(payload["csr"].as_str().unwrap()));
            authority.state.lock().unwrap().certificate = Some(signed);
            authority.answer(200, "/order/1", &authority.order())
        }
        "/order/1" => authority.answer(200, "/order/1", &authority.order()),
        "/certificate" => {
            let pem = authority.state.lock().unwrap().certificate.clone().unwrap();
            ([("replay-nonce", authority.nonce())], pem).into_response()
        }
        _ => (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain")], "").into_response(),
    }
}

/// A client that believes every server.
fn anybody() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.dangerous().set_certificate_verifier(Arc::new(Believing));
    config
}

/// Looks at nothing: what the server shows is looked at by the test.
#[derive(Debug)]
struct Believing;

impl rustls::client::danger::ServerCertVerifier for Believing {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Starts the authority over HTTPS; its root certificate as PEM.
async fn authority(stopped: watch::Receiver<bool>) -> (Arc<Authority>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let own_key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let own = own.signed_by(&own_key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], own_key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let (desk, state) = (watch::Sender::new(None), Mutex::default());
    let authority = Arc::new(Authority { base, issuer, desk, state });
    let router = Router::new()
        .route("/directory", get(directory))
        .route("/nonce", get(nonce))
        .fallback_service(post(ask).with_state(Arc::clone(&authority)))
        .with_state(Arc::clone(&authority));
    tokio::spawn(listen(
        Door {
            listener,
            tls: Some(tls::always(tls)),
            router,
            is_shared: true,
            pace: Pace::default(),
        },
        stopped,
    ));
    (authority, root)
}

/// The certificate that the desk shows to whoever asks for its name.
async fn shown(desk: SocketAddr) -> Option<Vec<u8>> {
    let stream = TcpStream::connect(desk).await.unwrap();
    let name = ServerName::try_from(DOMAIN).unwrap();
    let secure = TlsConnector::from(Arc::new(anybody())).connect(name, stream).await.ok()?;
    Some(secure.get_ref().1.peer_certificates()?.first()?.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_come_from_an_authority_that_proves_the_name() {
    let (stop, stopped) = watch::channel(false);
    let (authority, root) = authority(stopped).await;
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("authority.pem"), root).unwrap();
    fs::create_dir(dir.path().join("keys")).unwrap();
    let acme = Acme {
        domains: vec![DOMAIN.to_owned()],
        contact: format!("keys@{DOMAIN}"),
        directory: Some(format!("{}/directory", authority.base)),
        authority: Some("authority.pem".into()),
    };
    let wanted = Tls { acme: Some(acme), ..Tls::default() };
    let config = tls::desk::server(&wanted, dir.path(), &LinkKey::generate().unwrap()).unwrap();
    let kept = dir.path().join("keys/acme");
    let desk = TestDesk::secured("", dir, Some(config)).await;
    authority.desk.send_replace(Some(desk.address));
    let end = Instant::now() + Duration::from_secs(60);
    let served = loop {
        if let Some(served) = shown(desk.address).await {
            break served;
        }
        assert!(Instant::now() < end, "no certificate came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let (_, certificate) = X509Certificate::from_der(&served).unwrap();
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert!(format!("{:?}", names.value.general_names).contains(DOMAIN));
    let issued = authority.state.lock().unwrap().certificate.clone().unwrap();
    let issued = pem(&issued);
    assert_eq!(served, issued, "what the authority signed is what is served");
    // It is shown before it is kept.
    while fs::read_dir(&kept).unwrap().count() < 2 {
        assert!(Instant::now() < end, "account and certificate do not outlive the process");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(stop);
}

fn pem(text: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(text.as_bytes()).unwrap().to_vec()
}
