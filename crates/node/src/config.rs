//! `node.toml`: one file, each key documented where it is written.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Result};
use axum::http::Uri;
use exchange::Policies;
use protocol::{findings::FindingsChange, terms::NodeName};
use serde::Deserialize;

/// The configuration of a node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The node's name.
    pub name: NodeName,
    /// Address of the desk door.
    pub desk: SocketAddr,
    /// Address of the partner door.
    pub partner: SocketAddr,
    /// A proxy in front of the desk speaks TLS.
    #[serde(default)]
    pub behind_proxy: bool,
    /// How long a partner may be out of reach, in days: retired seal keys are kept as long.
    #[serde(default = "outage_max_days")]
    pub outage_max_days: u32,
    /// Address of a PostgreSQL database that several node processes may share; `node.db` in the
    /// data directory where there is none.
    #[serde(default)]
    pub store: Option<String>,
    /// Where the desk is reached from outside, such as `https://desk.aldermoor.example`.
    #[serde(default)]
    pub public_url: Option<PublicUrl>,
    /// Requests a minute.
    #[serde(default)]
    pub limits: Limits,
    /// TLS of the desk.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// What becomes of objects in which something is found.
    #[serde(default)]
    pub findings: Findings,
    /// How long the desk waits for the other end.
    #[serde(default)]
    pub pace: Pace,
}

/// In what the node's policies for dirty data differ from the built-in ones; collections and
/// partners may differ in their turn.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// For what the service's own people submit.
    #[serde(default)]
    pub submit: FindingsChange,
    /// For what partners release.
    #[serde(default)]
    pub intake: FindingsChange,
}

impl Findings {
    /// The policies as they hold.
    pub fn policies(&self) -> Policies {
        let built_in = Policies::default();
        Policies {
            submit: built_in.submit.with(&self.submit),
            intake: built_in.intake.with(&self.intake),
        }
    }
}

/// How long the desk waits for the other end before it cuts a connection, in milliseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// For a TLS handshake.
    pub handshake_ms: u64,
    /// For the head of a request, and for the next one on a connection that is kept.
    pub head_ms: u64,
    /// Without a byte in either direction.
    pub still_ms: u64,
    /// Without a byte of a body that is under way.
    pub body_still_ms: u64,
    /// For a body, and a second more for each 16 KiB of it.
    pub body_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            handshake_ms: 10_000,
            head_ms: 30_000,
            still_ms: 60_000,
            body_still_ms: 15_000,
            body_ms: 30_000,
        }
    }
}

/// TLS of the desk; paths are taken from the data directory.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// File with the certificate and those above it, as PEM.
    pub certificate: Option<PathBuf>,
    /// File with its key, as PEM.
    pub key: Option<PathBuf>,
    /// Gets certificates from an authority instead.
    pub acme: Option<Acme>,
    /// Which client certificates may stand for accounts; none are asked for where nothing stands.
    pub clients: Option<Clients>,
}

/// Certificates by ACME (RFC 8555), proven over TLS-ALPN (RFC 8737) on the desk's own port.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acme {
    /// The desk's names.
    pub domains: Vec<String>,
    /// Mail address that the authority writes to.
    pub contact: String,
    /// The authority's directory; Let's Encrypt where none is named.
    pub directory: Option<String>,
    /// File with the certificates above the directory's own, as PEM, for an authority of one's
    /// own; the public ones where none is named.
    pub authority: Option<PathBuf>,
}

/// Which client certificates may stand for accounts.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clients {
    /// Any whose key was added to an account.
    Pinned,
    /// Those, and only where an authority in this file has signed for them (RFC 5280).
    Authority(PathBuf),
}

/// Requests a minute at the TAXII door; none is limited where no number stands.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Of one account.
    #[serde(default)]
    pub account: Option<u32>,
    /// Of one address.
    #[serde(default)]
    pub address: Option<u32>,
}

fn outage_max_days() -> u32 {
    180
}

/// Where a desk is reached from outside: HTTPS and a host, perhaps a path, nothing behind it.
///
/// *Source*: TAXII 2.1, 4.1.1: addresses of roots that are not relative are of this form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

impl PublicUrl {
    /// What a path that begins with `/` is put behind.
    pub fn base(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_fit = |uri: &Uri| {
            uri.scheme_str() == Some("https")
                && uri.authority().is_some_and(|host| !host.as_str().contains('@'))
                && uri.query().is_none()
        };
        // The parser drops what is behind `#`.
        match text.parse().ok().filter(|uri| is_fit(uri) && !text.contains('#')) {
            Some(_) => Ok(Self(text.trim_end_matches('/').to_owned())),
            None => {
                Err("public_url is `https://`, a name, and a port where it is not 443, without \
                 a query; leave it out, and clients are told relative addresses")
            }
        }
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl Config {
    /// Reads `node.toml` in a data directory.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("node.toml");
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("{} cannot be read; run `detente init` first", path.display())
        })?;
        toml::from_str(&text).with_context(|| format!("{} is malformed", path.display()))
    }

    /// Whether the desk itself speaks TLS: beyond loopback always, unless a proxy in front does.
    pub fn speaks_tls(&self) -> bool {
        self.tls.is_some() || !(self.desk.ip().is_loopback() || self.behind_proxy)
    }

    /// Whether people and tools come to it over HTTPS, with the desk or a proxy at the other end.
    pub fn is_reached_over_tls(&self) -> bool {
        self.speaks_tls() || self.behind_proxy
    }

    /// The text of a new `node.toml`.
    pub fn text(
        name: &NodeName,
        desk: SocketAddr,
        partner: SocketAddr,
        (store, public_url): (Option<&str>, Option<&PublicUrl>),
    ) -> String {
        let store = store.map(|store| {
            format!(
                "\n# PostgreSQL, with room for several processes of this node; else `node.db` is used.\n\
                 # TLS as libpq has it: ?sslmode=verify-full&sslrootcert=/path/to/ca.pem\n\
                 store = {}\n",
                toml::Value::String(store.to_owned())
            )
        });
        let store = store.unwrap_or_default();
        let public_url = match public_url {
            Some(url) => format!("public_url = {}\n", toml::Value::String(url.0.clone())),
            None => "# public_url = \"https://desk.example\"\n".to_owned(),
        };
        format!(
            "# Name of this node, as it stands in every statement. It cannot change later.\n\
             name = \"{name}\"\n\n\
             # Where this service's own people and tools come: TAXII, HTTP API, console.\n\
             # Plain HTTP is spoken on loopback only; elsewhere the desk speaks TLS.\n\
             desk = \"{desk}\"\n\n\
             # Where partners' nodes come, over mutual TLS 1.3.\n\
             partner = \"{partner}\"\n\n\
             # Set to true when a proxy in front of the desk speaks TLS. The last address in the\n\
             # X-Forwarded-For that it sends is the client's; nobody else may reach the desk then.\n\
             behind_proxy = false\n\n\
             # How long a partner may be out of reach, in days: retired seal keys are kept as long.\n\
             outage_max_days = 180\n\n\
             # Where the desk is reached from outside; TAXII clients are told absolute addresses then.\n\
             {public_url}\n\
             # Requests a minute of one account and of one address; no limit where none is set.\n\
             # limits = {{ account = 6000, address = 6000 }}\n\n\
             # How long the desk waits for a slow client, in milliseconds, before it cuts it.\n\
             # pace = {{ head_ms = 30000, still_ms = 60000, body_still_ms = 15000, body_ms = 30000 }}\n\n\
             # TLS of the desk: own files, or certificates by ACME; client certificates by an\n\
             # authority's file or, with clients = \"pinned\", by the keys added to accounts. These\n\
             # files may be replaced while the desk is open: new connections meet them a second later.\n\
             # tls = {{ certificate = \"desk.pem\", key = \"desk.key\", clients = {{ authority = \"ca.pem\" }} }}\n\
             # tls = {{ acme = {{ domains = [\"desk.example\"], contact = \"desk@example\" }} }}\n{store}\n\
             # What becomes of objects in which something is found: `error` (a MUST is violated),\n\
             # `warning` (a SHOULD), `note`, and single `rules`, by a check's number or a rule's id.\n\
             # Each is accept, accept-with-findings, quarantine or refuse. What stands here is the\n\
             # default; a collection or a partner may differ.\n\
             # [findings.submit]\n\
             # error = \"accept-with-findings\"\n\
             # warning = \"accept-with-findings\"\n\
             # note = \"accept\"\n\
             # [findings.intake]\n\
             # error = \"quarantine\"\n\
             # rules = {{ \"103\" = \"accept\" }}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_address_is_https_and_has_no_query() {
        let dir = tempfile::TempDir::new().unwrap();
        let none = SocketAddr::from(([127, 0, 0, 1], 0));
        let name: NodeName = "aldermoor.example/channel".parse().unwrap();
        let text = Config::text(&name, none, none, (None, None));
        let read = |url: &str| {
            let text = text.replace("# public_url = \"https://desk.example\"", url);
            std::fs::write(dir.path().join("node.toml"), text).unwrap();
            Config::read(dir.path()).map_err(|error| format!("{error:#}"))
        };
        let config = read("public_url = \"https://desk.aldermoor.example:8420/channel/\"").unwrap();
        let url = config.public_url.unwrap();
        assert_eq!(url.base(), "https://desk.aldermoor.example:8420/channel");
        let again = Config::text(&name, none, none, (None, Some(&url)));
        assert_eq!(toml::from_str::<Config>(&again).unwrap().public_url, Some(url));
        for url in [
            "http://desk.aldermoor.example",
            "//desk",
            "https://",
            "https://desk/?a",
            "https://desk/#a",
            "https://somebody@desk",
            "https://a desk",
        ] {
            let refused = read(&format!("public_url = \"{url}\"")).unwrap_err();
            assert!(refused.contains("leave it out"), "{url}: {refused}");
        }
    }
}
