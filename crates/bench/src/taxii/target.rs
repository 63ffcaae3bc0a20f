//! What load is put on: a collection of a server, ours or a peer's, and the processes behind it.

use std::time::Duration;

use anyhow::Result;
use reqwest::{
    Client,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};

use super::cpu::Processes;

const PATIENCE: Duration = Duration::from_secs(300);

/// A collection and who answers for it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Address of the server.
    pub(super) base: String,
    /// Path of the API root, with a slash at its end.
    pub(super) root: String,
    /// Id or alias of the collection.
    pub(super) collection: String,
    /// The `Authorization` of its clients.
    pub(super) authorization: String,
    /// The processes that answer.
    pub(super) processes: Processes,
}

impl Target {
    pub(super) const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";

    /// Address of one of the collection's resources.
    pub(super) fn url(&self, rest: &str) -> String {
        format!("{}{}collections/{}/{rest}", self.base, self.root, self.collection)
    }

    /// Address of the status of a request.
    pub(super) fn status_url(&self, id: &str) -> String {
        format!("{}{}status/{id}/", self.base, self.root)
    }

    /// A client with one connection, or as many as it needs at once.
    pub(super) fn client(&self) -> Result<Client> {
        // Whoever came first has installed it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&self.authorization)?);
        headers.insert(ACCEPT, HeaderValue::from_static(Self::MEDIA_TYPE));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
        Ok(Client::builder()
            .default_headers(headers)
            .tls_danger_accept_invalid_certs(true)
            .http1_only()
            .tcp_nodelay(true)
            .timeout(PATIENCE)
            .build()?)
    }
}

/// The `Authorization` of a name and a password.
pub(super) fn basic(name: &str, password: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}
