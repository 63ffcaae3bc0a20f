//! TLS to PostgreSQL, asked for as users of libpq do: `sslmode`, `sslrootcert`, `sslcert` and
//! `sslkey` in the address.
//!
//! | `sslmode` | |
//! | --- | --- |
//! | `disable` | no TLS |
//! | `prefer`, and where nothing stands | TLS where the server offers it, whoever it is |
//! | `require` | TLS, whoever the server is; with `sslrootcert` as `verify-ca` |
//! | `verify-ca` | TLS, the server's certificate comes from an authority that is trusted |
//! | `verify-full` | and it bears the name in the address |
//!
//! Trusted are the authorities in the file that `sslrootcert` names, else the system's. A Unix
//! socket carries no TLS. *Source*: PostgreSQL 15, section 34.19.

use std::{path::PathBuf, str::FromStr, sync::Arc};

use percent_encoding::percent_decode_str;
use postgres::config::SslMode;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;

/// How much of the server is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err(Error::SslMode),
        })
    }
}

/// What an address says of TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Asked {
    mode: Mode,
    roots: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Asked {
    /// Takes what is said of TLS out of an address; the rest is for the client to read.
    ///
    /// *Errors*: [`Error::SslMode`].
    pub(super) fn take(url: &str) -> Result<(Self, String), Error> {
        let mut asked = Self::default();
        let Some((place, query)) = url.split_once('?') else { return Ok((asked, url.to_owned())) };
        let mut rest = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            let path = || Some(PathBuf::from(value.as_ref()));
            match name {
                "sslmode" => asked.mode = value.parse()?,
                "sslrootcert" => asked.roots = path().filter(|_| value != "system"),
                "sslcert" => asked.certificate = path(),
                "sslkey" => asked.key = path(),
                _ => rest.push(pair),
            }
        }
        if asked.mode == Mode::Require && asked.roots.is_some() {
            asked.mode = Mode::VerifyCa;
        }
        let mark = if rest.is_empty() { "" } else { "?" };
        Ok((asked, format!("{place}{mark}{}", rest.join("&"))))
    }

    /// What the client is told of it.
    pub(super) fn mode(&self) -> SslMode {
        match self.mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        }
    }

    /// What makes connections secure; none where they are not to be.
    ///
    /// *Errors*: [`Error::Pem`] where a file cannot be read.
    pub(super) fn connector(&self) -> Result<Option<MakeRustlsConnect>, Error> {
        if self.mode == Mode::Disable {
            return Ok(None);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = match self.mode {
            Mode::VerifyCa | Mode::VerifyFull => Some(self.chain(&provider)?),
            _ => None,
        };
        let by_name = self.mode == Mode::VerifyFull;
        let verifier = Arc::new(Verifier { provider: Arc::clone(&provider), chain, by_name });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(Error::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let key_der = PrivateKeyDer::from_pem_file(key);
                let key_der = key_der.map_err(|_| Error::Pem(key.clone()))?;
                config.with_client_auth_cert(certificates(certificate)?, key_der)
            }
            _ => Ok(config.with_no_client_auth()),
        };
        Ok(Some(MakeRustlsConnect::new(config.map_err(Error::Tls)?)))
    }

    fn chain(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
        let mut roots = RootCertStore::empty();
        match &self.roots {
            Some(path) => {
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(Error::Tls)?;
                }
            }
            // Some of the system's do not read on some systems; the others hold.
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let chain =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        chain.build().map_err(|_| Error::Pem(self.roots.clone().unwrap_or_default()))
    }
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unreadable = |_| Error::Pem(path.clone());
    let all = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(unreadable)?;
    if all.is_empty() { Err(Error::Pem(path.clone())) } else { Ok(all) }
}

/// Believes a server as far as is asked. That it has the key of its certificate is always shown.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    chain: Option<Arc<WebPkiServerVerifier>>,
    by_name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        let verified = chain.verify_server_cert(end_entity, intermediates, name, ocsp, now);
        match verified {
            // The name is looked at last, so everything else holds.
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.by_name => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Mode};
    use crate::Error;

    fn take(url: &str) -> (Asked, String) {
        Asked::take(url).unwrap_or_default()
    }

    #[test]
    fn what_is_said_of_tls_is_taken_out_and_the_rest_stays() {
        let (asked, rest) =
            take("postgres://u@h/d?options=-cx%3Dy&sslmode=verify-full&sslrootcert=%2Fa%20b.pem");
        assert_eq!(rest, "postgres://u@h/d?options=-cx%3Dy");
        assert_eq!((asked.mode, asked.roots), (Mode::VerifyFull, Some("/a b.pem".into())));
        assert_eq!(take("postgres://u@h/d?sslmode=disable").1, "postgres://u@h/d");
        assert_eq!(take("postgres://u@h/d"), (Asked::default(), "postgres://u@h/d".to_owned()));
    }

    #[test]
    fn required_tls_with_a_root_verifies_the_authority() {
        assert_eq!(take("postgres://h/d?sslmode=require").0.mode, Mode::Require);
        let (asked, _) = take("postgres://h/d?sslrootcert=ca.pem&sslmode=require");
        assert_eq!(asked.mode, Mode::VerifyCa);
        assert_eq!(take("postgres://h/d?sslmode=verify-ca&sslrootcert=system").0.roots, None);
    }

    #[test]
    fn unknown_modes_are_refused() {
        assert!(matches!(Asked::take("postgres://h/d?sslmode=allow"), Err(Error::SslMode)));
        assert!(matches!(Asked::take("postgres://h/d?sslmode="), Err(Error::SslMode)));
    }
}
