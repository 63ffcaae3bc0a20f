//! TLS of the desk: an own certificate, one from an authority by ACME, or the link's; and client
//! certificates, held to an authority or known by their keys.
//!
//! TLS 1.2 and 1.3, no early data, none of the suites of RFC 7540 appendix A: rustls has none.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::{
        NoClientAuth, ResolvesServerCert, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::{CertifiedKey, SingleCertAndKey},
};

use super::{LinkKey, Secured, watched::Watched};
use crate::config::{Clients, Tls};

pub(crate) mod acme;
pub(crate) mod files;

use files::Files;

/// Protocols over TLS, the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// The protocol in which an ACME authority asks (RFC 8737).
const CHALLENGE: &[u8] = b"acme-tls/1";

/// The desk's TLS. With ACME, a task is started that gets certificates and renews them.
///
/// *Errors*: files that cannot be read, or hold no certificate or key.
pub fn server(tls: &Tls, dir: &Path, link: &LinkKey) -> Result<Secured> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (certificates, by_acme) = certificates(tls, dir, link, &provider)?;
    let of_desk = Arc::clone(&provider);
    let config = move |clients| -> Result<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&of_desk))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::clone(&certificates));
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        if by_acme {
            config.alpn_protocols.push(CHALLENGE.to_vec());
        }
        Ok(config)
    };
    match &tls.clients {
        None => Ok(super::always(config(Arc::new(NoClientAuth))?)),
        Some(Clients::Pinned) => Ok(super::always(config(Arc::new(AnyKey { provider }))?)),
        // A configuration of its own for each content of the file: a session of the old one that
        // is resumed would not be held to the new authorities.
        Some(Clients::Authority(path)) => {
            let path = dir.join(path);
            let files = vec![path.clone()];
            let config = Watched::open(files, move || config(issued_by(&path, &provider)?))?;
            Ok(Arc::new(move || config.current()))
        }
    }
}

type Certificates = Arc<dyn ResolvesServerCert>;

/// What shows the desk's certificate, and whether it is ACME's.
fn certificates(
    tls: &Tls,
    dir: &Path,
    link: &LinkKey,
    provider: &Arc<CryptoProvider>,
) -> Result<(Certificates, bool)> {
    match (&tls.certificate, &tls.key, &tls.acme) {
        (Some(certificate), Some(key), None) => {
            let files = Files::open(dir.join(certificate), dir.join(key), provider)?;
            Ok((Arc::new(files), false))
        }
        (None, None, Some(acme)) => Ok((acme::start(acme, dir, provider)?, true)),
        (None, None, None) => {
            let (chain, key) = link.chain();
            let certified = CertifiedKey::from_der(chain, key, provider)?;
            Ok((Arc::new(SingleCertAndKey::from(certified)), false))
        }
        _ => anyhow::bail!(
            "`tls` in node.toml takes `certificate` and `key`, or `acme`; give both of the one, or the other"
        ),
    }
}

/// Whether a connection was an authority's question, which the handshake has answered.
pub fn is_challenge(protocol: Option<&[u8]>) -> bool {
    protocol.is_some_and(|name| name == CHALLENGE)
}

/// The authorities in a file.
fn roots(path: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let read = || format!("{} names no authority", path.display());
    for certificate in files::chain(path).with_context(read)? {
        roots.add(certificate).with_context(read)?;
    }
    Ok(roots)
}

/// Takes certificates of the authorities in a file, and clients that show none.
fn issued_by(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>> {
    let roots = Arc::new(roots(path)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    Ok(verifier.allow_unauthenticated().build()?)
}

/// Takes any certificate whose key is proven; whom the key stands for is asked at each request.
#[derive(Debug)]
struct AnyKey {
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyKey {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
