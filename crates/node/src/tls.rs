//! Links: TLS 1.3 with X25519MLKEM768, both sides known by the digest of their key.

use std::{fmt, sync::Arc};

use anyhow::{Context, Result};
use protocol::{secrets, terms::Digest};
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{
        CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime,
        pem::PemObject as _,
    },
    server::{
        ParsedCertificate,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

pub mod desk;
mod watched;

/// Whether a key may be on the other end of a link.
pub type Pinned = Arc<dyn Fn(&Digest) -> bool + Send + Sync>;

/// How a door is secured: asked for each connection, because its files may have changed.
pub type Secured = Arc<dyn Fn() -> Arc<ServerConfig> + Send + Sync>;

/// Of a door that is secured in one way for as long as it is open.
pub fn always(config: ServerConfig) -> Secured {
    let config = Arc::new(config);
    Arc::new(move || Arc::clone(&config))
}

/// This node's link key and a certificate for it.
pub struct LinkKey {
    key: Vec<u8>,
    certificate: CertificateDer<'static>,
    pin: Digest,
}

impl LinkKey {
    /// A new key.
    pub fn generate() -> Result<Self> {
        Self::of(&rcgen::KeyPair::generate()?)
    }

    /// The key of these bytes (PKCS#8).
    pub fn read(der: &[u8]) -> Result<Self> {
        let key = rcgen::KeyPair::try_from(der).context("the link key is damaged")?;
        Self::of(&key)
    }

    fn of(key: &rcgen::KeyPair) -> Result<Self> {
        let certificate =
            rcgen::CertificateParams::new(vec!["detente".to_owned()])?.self_signed(key)?;
        let certificate = certificate.der().clone();
        let pin = pin(&certificate)?;
        Ok(Self { key: key.serialize_der(), certificate, pin })
    }

    /// The key's bytes: a secret.
    pub fn der(&self) -> &[u8] {
        &self.key
    }

    /// What stands in the key statement.
    pub fn pin(&self) -> Digest {
        self.pin
    }

    fn chain(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        (vec![self.certificate.clone()], key)
    }

    /// For the partner door: mutual, pinned.
    pub fn partner_door(&self, pinned: Pinned) -> Result<Secured> {
        let (chain, key) = self.chain();
        let provider = provider();
        let pins = Arc::new(Pins { pinned, provider: Arc::clone(&provider) });
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(pins)
            .with_single_cert(chain, key)?;
        Ok(always(config))
    }

    /// For a link to a partner: mutual, pinned.
    pub fn link(&self, pinned: Pinned) -> Result<ClientConfig> {
        let (chain, key) = self.chain();
        let provider = provider();
        let pins = Arc::new(Pins { pinned, provider: Arc::clone(&provider) });
        Ok(ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(pins)
            .with_client_auth_cert(chain, key)?)
    }
}

/// For a desk that is known by its key: names and issuers prove nothing more.
pub(crate) fn known_by(pins: Vec<Digest>) -> Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pinned: Pinned = Arc::new(move |pin| pins.contains(pin));
    let pins = Arc::new(Pins { pinned, provider: Arc::clone(&provider) });
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(pins)
        .with_no_client_auth())
}

/// The digest of the key of the first certificate in a PEM text.
pub fn pin_of_pem(pem: &[u8]) -> Result<Digest> {
    let certificate = CertificateDer::from_pem_slice(pem).context("no certificate in PEM")?;
    Ok(pin(&certificate)?)
}

/// The digest of a certificate's key.
pub fn pin(certificate: &CertificateDer<'_>) -> Result<Digest, Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(secrets::sha256(&parsed.subject_public_key_info()))
}

fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519MLKEM768];
    Arc::new(provider)
}

/// Accepts a certificate for its key alone: names and issuers prove nothing between partners.
struct Pins {
    pinned: Pinned,
    provider: Arc<CryptoProvider>,
}

impl Pins {
    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        if (self.pinned)(&pin(certificate)?) {
            return Ok(());
        }
        tracing::warn!(event = "link.refused", "a certificate that is not pinned");
        Err(Error::General("the certificate is not pinned".to_owned()))
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pins")
    }
}

impl ServerCertVerifier for Pins {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity).map(|()| ServerCertVerified::assertion())
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
        self.schemes()
    }
}

impl ClientCertVerifier for Pins {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity).map(|()| ClientCertVerified::assertion())
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
        self.schemes()
    }
}
