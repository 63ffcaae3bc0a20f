//! The command line's client of the HTTP API.

use std::path::Path;

use anyhow::{Context, Result, bail};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use crate::config::Config;

/// A client of one node's desk.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    /// Of the node whose data directory this is, with the token that `init` kept there.
    pub fn local(dir: &Path) -> Result<Self> {
        let config = Config::read(dir)?;
        let path = dir.join("keys/desk.token");
        let token = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        // Every process has one provider; a second call finds it there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::new();
        Ok(Self { http, base: format!("http://{}", config.desk), token })
    }

    /// Where the desk is.
    pub fn base(&self) -> &str {
        &self.base
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.with_context(|| {
            format!("the node at {} does not answer; is it running?", self.base)
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap_or_default();
        let text =
            |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match (text("rule"), text("title"), text("remedy")) {
            (rule, title, remedy) if !title.is_empty() => bail!("{rule}: {title}; {remedy}"),
            _ => bail!("the node answered {status}"),
        }
    }

    /// GETs JSON.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.send(self.http.get(format!("{}{path}", self.base))).await?;
        Ok(answer.json().await?)
    }

    /// GETs bytes.
    pub async fn get_bytes(&self, path: &str) -> Result<Vec<u8>> {
        let answer = self.send(self.http.get(format!("{}{path}", self.base))).await?;
        Ok(answer.bytes().await?.to_vec())
    }

    /// POSTs JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base)).json(body);
        Ok(self.send(request).await?.json().await?)
    }

    /// POSTs bytes.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base)).body(body);
        Ok(self.send(request).await?.json().await?)
    }

    /// POSTs a TAXII envelope.
    pub async fn taxii_post(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .header("content-type", crate::taxii::MEDIA_TYPE)
            .body(body);
        Ok(self.send(request).await?.json().await?)
    }
}
