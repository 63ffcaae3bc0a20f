//! Certificates from an authority by ACME, and what the log tells of it: what stands in the way,
//! and what helps.

use std::{path::Path, sync::Arc};

use anyhow::{Result, ensure};
use futures_util::StreamExt as _;
use rustls::{ClientConfig, crypto::CryptoProvider, server::ResolvesServerCert};
use rustls_acme::{AcmeConfig, EventError, EventOk, OrderError, acme::Auth, caches::DirCache};

use crate::{config::Acme, private};

/// Where the account's key and the certificates lie, below the data directory.
pub(crate) const CACHE: &str = "keys/acme";

/// Starts a task that gets certificates and renews them; what shows them.
///
/// *Errors*: no names, or an authority's file without certificates.
pub(super) fn start(
    acme: &Acme,
    dir: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ResolvesServerCert>> {
    ensure!(
        !acme.domains.is_empty(),
        "tls.acme.domains in node.toml names no name; give the desk's"
    );
    let cache = dir.join(CACHE);
    private::make_dir(&cache)?;
    let mut config = AcmeConfig::new(&acme.domains)
        .contact([format!("mailto:{}", acme.contact)])
        .cache(DirCache::new(cache))
        .directory_lets_encrypt(true);
    if let Some(directory) = &acme.directory {
        config = config.directory(directory);
    }
    if let Some(path) = &acme.authority {
        let client = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(super::roots(&dir.join(path))?)
            .with_no_client_auth();
        config = config.client_tls_config(Arc::new(client));
    }
    let mut state = config.state();
    let certificates = state.resolver();
    let directory = acme.directory.clone().unwrap_or_else(|| "Let's Encrypt".to_owned());
    tokio::spawn(async move {
        while let Some(event) = state.next().await {
            match event {
                Ok(event) => tracing::info!(event = "acme", "{}", done(&event)),
                Err(error) => {
                    let (what, remedy) = failed(&error);
                    tracing::warn!(event = "acme.failed", directory, error = what, remedy);
                }
            }
        }
    });
    Ok(certificates)
}

fn done(event: &EventOk) -> &'static str {
    match event {
        EventOk::DeployedCachedCert => "the desk shows the certificate that it had",
        EventOk::DeployedNewCert => "the desk shows a new certificate",
        EventOk::CertCacheStore => "the certificate is kept",
        EventOk::AccountCacheStore => "the key of the account at the authority is kept",
    }
}

type Failed = EventError<std::io::Error, std::io::Error>;

/// What went wrong, and what helps. It is tried again by itself, at longer and longer intervals;
/// until then the desk shows the certificate that it had, or none.
fn failed(error: &Failed) -> (String, &'static str) {
    match error {
        EventError::Order(OrderError::BadAuth(auth)) => (
            refused(auth),
            "let the authority reach the desk at this name on port 443, with nothing in between \
             that ends TLS",
        ),
        EventError::Order(OrderError::TooManyAttemptsAuth(_)) => {
            (error.to_string(), "see what was refused before")
        }
        EventError::Order(OrderError::Acme(_)) => {
            let text = error.to_string();
            let remedy = unreached(&text);
            (text, remedy)
        }
        EventError::CertCacheLoad(_)
        | EventError::AccountCacheLoad(_)
        | EventError::CertCacheStore(_)
        | EventError::AccountCacheStore(_) => {
            (error.to_string(), "let the node read and write keys/acme in its directory")
        }
        EventError::CachedCertParse(_) => {
            (error.to_string(), "take keys/acme away: a new certificate is got then")
        }
        _ => (error.to_string(), "see what the authority says"),
    }
}

/// What an authority said of a name that it would not believe.
fn refused(auth: &Auth) -> String {
    let rustls_acme::acme::Identifier::Dns(name) = &auth.identifier;
    let said = auth.challenges.iter().filter_map(|one| one.error.as_ref()?.detail.as_deref());
    let said: Vec<&str> = said.collect();
    format!("the authority does not believe `{name}`: {}", said.join("; "))
}

/// What helps where the authority's directory was not reached. The crate keeps the cause in words
/// alone.
fn unreached(text: &str) -> &'static str {
    if text.contains("InvalidCertificate") {
        return "name the file with the certificates above the directory's own as tls.acme.authority";
    }
    if text.contains("Connect") || text.contains("dns") || text.contains("lookup") {
        return "see tls.acme.directory in node.toml, and whether this machine reaches that address";
    }
    if text.contains("404") {
        return "see tls.acme.directory in node.toml: nothing is at that address";
    }
    "see what the authority answers"
}

#[cfg(test)]
mod tests {
    use rustls_acme::acme::{AuthStatus, Challenge, ChallengeType, Identifier, Problem};

    use super::*;

    #[test]
    fn refusal_names_the_name_and_what_the_authority_says() {
        let detail = Some("Failed to connect for the tls-alpn-01 challenge".to_owned());
        let challenge = Challenge {
            typ: ChallengeType::TlsAlpn01,
            url: "https://authority.example/1".to_owned(),
            token: "a-token-of-no-use-to-anybody".to_owned(),
            error: Some(Problem { typ: None, detail }),
        };
        let identifier = Identifier::Dns("desk.example".to_owned());
        let status = AuthStatus::Invalid;
        let auth = Auth { status, identifier, challenges: vec![challenge] };
        let (what, remedy) = failed(&EventError::Order(OrderError::BadAuth(auth)));
        assert!(
            what.starts_with("the authority does not believe `desk.example`: Failed"),
            "{what}"
        );
        assert!(!what.contains("a-token"), "{what}");
        assert!(remedy.contains("port 443"), "{remedy}");
    }

    #[test]
    fn remedy_follows_from_why_the_directory_was_not_reached() {
        // As rustls-acme 0.15 words them, read in the log of a desk before Pebble.
        for (text, remedy) in [
            ("non 2xx http status: 404 \"404 page not found\"", "nothing is at that address"),
            ("ConnectError(TcpConnect(Os { code: 111 }))", "whether this machine reaches"),
            ("ConnectError(TlsConnect(InvalidCertificate(UnknownIssuer)))", "tls.acme.authority"),
            ("non 2xx http status: 400 \"badNonce\"", "what the authority answers"),
        ] {
            assert!(unreached(text).contains(remedy), "{text}: {}", unreached(text));
        }
    }
}
