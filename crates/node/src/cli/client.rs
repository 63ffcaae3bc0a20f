//! The command line's client of the HTTP API.

use std::path::Path;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Body, RequestBuilder, Response, header};
use serde_json::{Value, json};

use super::{
    beside,
    exit::{Fault, Kind},
    progress::Progress,
};
use crate::config::Config;

/// Bytes of one piece of an upload: small enough for a bar that moves.
const PIECE: usize = 256 * 1024;

/// A client of one node's desk.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    /// What helps where the desk is not whom it is meant to be.
    if_untrusted: &'static str,
}

impl Client {
    /// Of the node whose data directory this is, with the token that `init` kept there.
    pub fn local(dir: &Path) -> Result<Self> {
        let config = Config::read(dir)?;
        let token = read_token(&dir.join("keys/desk.token"))?;
        let (http, base) = beside::client(&config, dir)?;
        let remedy = "it shows what node.toml names: does another program listen there?";
        Ok(Self { http, base, token, if_untrusted: remedy })
    }

    /// The same for the account whose token lies in a file.
    pub(crate) fn with_token_of(self, file: &Path) -> Result<Self> {
        Ok(Self { token: read_token(file)?, ..self })
    }

    /// Of a node elsewhere, known by the system's certificates or by one of its own.
    pub(crate) fn remote(node: &str, token_file: &Path, ca: Option<&Path>) -> Result<Self> {
        let token = read_token(token_file)?;
        let base = node.trim_end_matches('/').to_owned();
        let loopback =
            ["http://127.0.0.1", "http://[::1]", "http://localhost"].iter().any(|safe| {
                base.strip_prefix(safe).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            });
        if !base.starts_with("https://") && !loopback {
            return Err(Fault::new(
                Kind::Malformed,
                "CLI-3",
                "a token is sent over https only, or to this machine",
                "give an address that begins with https://",
            )
            .into());
        }
        let http = match ca {
            Some(ca) => trusting(builder(), ca)?.build().context(NO_CLIENT)?,
            None => system()?,
        };
        let remedy = "give the certificate that it is known by with --ca";
        Ok(Self { http, base, token, if_untrusted: remedy })
    }

    /// Where the desk is.
    pub fn base(&self) -> &str {
        &self.base
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.map_err(|error| self.silent(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap_or_default();
        Err(refusal(status, &problem).into())
    }

    fn silent(&self, error: &reqwest::Error) -> Fault {
        let chain = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        let causes: Vec<String> = chain.map(ToString::to_string).collect();
        let base = &self.base;
        if causes.iter().any(|text| text.contains("certificate")) {
            let title = format!("the certificate of {base} is not one that this machine trusts");
            return Fault::new(Kind::NotAllowed, "CLI-4", title, self.if_untrusted);
        }
        let cause = causes.last().map(|cause| format!(" ({cause})")).unwrap_or_default();
        let remedy = "is it running? see `detente serve`, or the address";
        let title = format!("the node at {base} does not answer{cause}");
        Fault::new(Kind::Unreachable, "CLI-5", title, remedy)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value> {
        let bytes = self.send(request).await?.bytes().await.context("the answer broke off")?;
        serde_json::from_slice(&bytes).context("the answer is no JSON; is that a desk?")
    }

    /// GETs JSON.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let _wait = Progress::wait("asking the node");
        self.json(self.http.get(self.url(path))).await
    }

    /// GETs so many rows of a list, however many pages they fill; `path` ends with `?` or `&`. The
    /// answer looks like one page: `name` with the rows, and the last page's `next`.
    pub(crate) async fn list(&self, path: &str, name: &str, limit: u32) -> Result<Value> {
        let (mut rows, mut next) = (Vec::new(), Value::Null);
        let mut left = limit;
        while left > 0 {
            let after = next.as_str().map(|next| format!("&after={}", encoded(next)));
            let page = left.min(PAGE_ROWS_MAX);
            let url = format!("{path}limit={page}{}", after.unwrap_or_default());
            let mut page = self.get(&url).await?;
            let Some(Value::Array(found)) = page.get_mut(name).map(Value::take) else { break };
            left = left.saturating_sub(u32::try_from(found.len()).unwrap_or(left));
            rows.extend(found);
            next = page.get("next").cloned().unwrap_or_default();
            if next.is_null() {
                break;
            }
        }
        Ok(json!({ name: rows, "next": next }))
    }

    /// GETs bytes.
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>> {
        let mut answer = self.send(self.http.get(self.url(path))).await?;
        let progress = Progress::bytes("receiving", answer.content_length());
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.context("the answer broke off")? {
            progress.add(piece.len());
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// GETs the bytes of an envelope of TAXII.
    pub(crate) async fn taxii_get(&self, path: &str) -> Result<Bytes> {
        let _wait = Progress::wait("reading");
        let request = self.http.get(self.url(path));
        let request = request.header(header::ACCEPT, crate::taxii::MEDIA_TYPE);
        self.send(request).await?.bytes().await.context("the answer broke off")
    }

    /// POSTs JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let _wait = Progress::wait("asking the node");
        self.json(self.http.post(self.url(path)).json(body)).await
    }

    /// PATCHes with JSON.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.json(self.http.patch(self.url(path)).json(body)).await
    }

    /// DELETEs.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value> {
        self.json(self.http.delete(self.url(path))).await
    }

    /// POSTs bytes.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let progress = Progress::bytes("sending", Some(body.len() as u64));
        let request = self.http.post(self.url(path));
        self.json(upload(request, body, &progress)).await
    }

    /// POSTs a TAXII envelope.
    pub async fn taxii_post(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let progress = Progress::bytes("sending", Some(body.len() as u64));
        let request = self.http.post(self.url(path));
        let request = request.header(header::CONTENT_TYPE, crate::taxii::MEDIA_TYPE);
        self.json(upload(request, body, &progress)).await
    }
}

/// What a node answers where it does not do what was asked: a problem document of the API, or an
/// error of TAXII, whose description holds rule, title and remedy.
fn refusal(status: u16, answer: &Value) -> Fault {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let rule = text("rule").or_else(|| text("error_code")).unwrap_or_default();
    let described = text("description").map(|words| match text("title") {
        Some(title) => words.strip_prefix(&format!("{rule}: {title}; ")).unwrap_or(words),
        None => words,
    });
    let remedy = text("remedy").or(described).unwrap_or("see the node's log");
    let title = text("title").map_or(format!("the node answered {status}"), str::to_owned);
    Fault::new(Kind::of_status(status), rule, title, remedy)
}

/// Rows that the API gives in one page at most.
const PAGE_ROWS_MAX: u32 = 200;

/// A text as one piece of an address.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Why there is no client at all.
pub(super) const NO_CLIENT: &str = "no client for HTTPS can be made";

pub(super) fn builder() -> reqwest::ClientBuilder {
    // Every process has one provider; a second call finds it there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
}

/// Trusts the system's authorities.
pub(super) fn system() -> Result<reqwest::Client> {
    builder().build().context(NO_CLIENT)
}

/// Trusts the certificates in a file alone.
pub(super) fn trusting(
    builder: reqwest::ClientBuilder,
    file: &Path,
) -> Result<reqwest::ClientBuilder> {
    let malformed = || format!("{} holds no certificate in PEM", file.display());
    let pem = super::read(file)?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).with_context(malformed)?;
    Ok(builder.tls_certs_only(certificates))
}

fn read_token(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("{} cannot be read; it holds the token of an account", path.display())
    })?;
    Ok(text.trim().to_owned())
}

/// A body in pieces, each counted as it leaves.
fn upload(request: RequestBuilder, body: Vec<u8>, progress: &Progress) -> RequestBuilder {
    let (length, body, count) = (body.len(), Bytes::from(body), progress.counter());
    if length <= PIECE {
        return request.body(body);
    }
    let starts = (0..length).step_by(PIECE);
    let pieces = starts.map(move |from| {
        let piece = body.slice(from..length.min(from + PIECE));
        count(piece.len());
        Ok::<_, std::io::Error>(piece)
    });
    request.header(header::CONTENT_LENGTH, length).body(Body::wrap_stream(stream::iter(pieces)))
}
