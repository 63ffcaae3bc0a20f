//! Accounts for tools that differ in rights, and what to paste into each tool.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use exchange::Service;
use protocol::{
    secrets,
    terms::{NodeName, Role, Timestamp},
};
use serde_json::{Value, json};
use store::{Collection, Rights};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{config::PublicUrl, desk::rng, taxii::MEDIA_TYPE};

/// Reads everywhere.
const READER: &str = "reader";
/// Writes to the first collection, and reads nothing.
const FEEDER: &str = "feeder";

/// What `init` made for tools. The passwords are kept nowhere.
pub struct Made {
    /// The first collection.
    pub collection: Uuid,
    place: Place,
    reader: Zeroizing<String>,
    feeder: Zeroizing<String>,
}

/// Where tools reach a desk.
pub(super) struct Place {
    /// The beginning of every address.
    base: String,
    /// The name in it is what this machine calls itself; others may not know it.
    is_guess: bool,
}

impl Place {
    /// As it is said, else by the address that the desk listens on: beyond loopback it speaks TLS.
    pub(super) fn of(desk: SocketAddr, said: Option<&PublicUrl>, name: &NodeName) -> Self {
        if let Some(url) = said {
            return Self { base: url.base().to_owned(), is_guess: false };
        }
        let scheme = if desk.ip().is_loopback() { "http" } else { "https" };
        if desk.ip().is_unspecified() {
            let base = format!("{scheme}://{}:{}", machine(name), desk.port());
            return Self { base, is_guess: true };
        }
        Self { base: format!("{scheme}://{desk}"), is_guess: false }
    }
}

/// The address that this machine reaches others from; nothing is sent to find out.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address for documentation (RFC 5737): only the way there is asked for.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The name of this machine; the domain of the node's where the system does not tell.
fn machine(name: &NodeName) -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let domain = name.as_str().split('/').next().unwrap_or_default();
    let told = told.trim();
    if told.is_empty() { domain.to_owned() } else { told.to_owned() }
}

pub(super) async fn make(
    service: &Service,
    id: Uuid,
    place: Place,
    time: Timestamp,
) -> Result<Made> {
    let all = service.store().collections().await?;
    let first = all.into_iter().find(|one| one.id == id).context("the collection is gone")?;
    let reader = account(service, READER, Role::Reader, None, time).await?;
    let feeder = account(service, FEEDER, Role::Drafter, Some(first), time).await?;
    Ok(Made { collection: id, place, reader, feeder })
}

/// An account with a password of its own; it writes only, where a place is named.
async fn account(
    service: &Service,
    name: &str,
    role: Role,
    place: Option<Collection>,
    time: Timestamp,
) -> Result<Zeroizing<String>> {
    let (store, by, name) = (service.store(), "init".to_owned(), name.to_owned());
    let (password, _) = secrets::token(&mut rng());
    let hash = secrets::hash_password(&password, &mut rng());
    store.create_account(name.clone(), vec![role], hash, by.clone(), time).await?;
    if place.is_some() {
        store.grant(name.clone(), None, Rights::NONE, by.clone(), time).await?;
        store.grant(name, place, Rights::WRITE, by, time).await?;
    }
    Ok(password)
}

impl Made {
    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "discovery": format!("{}/taxii2/", self.place.base),
            "api_root": format!("{}/local/", self.place.base),
            "collection": self.collection,
            "accounts": [
                { "name": READER, "password": *self.reader, "may": "read every collection" },
                { "name": FEEDER, "password": *self.feeder, "may": "write to this collection" },
            ],
        })
    }

    /// What to paste into which tool.
    pub fn words(&self) -> String {
        let (base, id) = (self.place.base.as_str(), self.collection);
        let (reader, feeder) = (self.reader.as_str(), self.feeder.as_str());
        let key = STANDARD.encode(format!("{FEEDER}:{feeder}"));
        let place = format!("{base}/local/collections/{id}");
        let collection =
            format!("Collection(\"{place}/\", user=\"{READER}\", password=\"{reader}\")");
        format!(
            "\nTAXII 2.1, for your tools (the passwords are shown once and kept nowhere):\n\n  \
             discovery   {base}/taxii2/\n  API root    {base}/local/\n  collection  {id}\n  \
             reads       {READER}  {reader}\n  writes      {FEEDER}  {feeder}\n\n{}{}\
             OpenCTI, Data > Ingestion > TAXII feeds: URL {base}/local/, TAXII 2.1, collection {id}, \
             basic user and password of {READER}\n\
             MISP, Sync Actions > TAXII servers: base URL {base}, API root local, collection {id}, \
             API key {key} (base64 of {FEEDER}:password)\n\
             Sentinel, data connector TAXII: API root URL {base}/local/, collection ID {id}, \
             user and password of {READER}\n\
             Elastic, Custom Threat Intelligence: URL {place}/objects/, initial interval 720h, \
             username and password of {READER}\n\
             QRadar, Threat Intelligence: endpoint {base}/taxii2/, TAXII 2.1, HTTP Basic of {READER}\n\
             taxii2-client: taxii2client.v21.{collection}\n\
             stix2: stix2.TAXIICollectionSource(taxii2client.v21.{collection})\n\
             curl: curl -u {READER}:{reader} -H 'Accept: {MEDIA_TYPE}' {place}/objects/\n",
            self.guess(),
            self.trust(),
        )
    }

    /// What to do where clients do not know the machine by the name that it has for itself.
    fn guess(&self) -> String {
        if !self.place.is_guess {
            return String::new();
        }
        let address = outward().map(|ip| format!(" (its address is {ip})")).unwrap_or_default();
        format!(
            "The name in these addresses is this machine's own{address}. Where clients do not \
             resolve it, put\none that they do in its place; `init --public-url` prints that from \
             the start, and public_url in\nnode.toml tells clients.\n\n"
        )
    }

    /// What a client over TLS needs beside an account.
    fn trust(&self) -> &'static str {
        if self.place.base.starts_with("http://") {
            return "";
        }
        "Clients must trust the desk's certificate: name one, or an ACME authority, as `tls` in \
         node.toml before `serve`.\nWhere nothing is named the desk shows one of its own, which \
         no client knows.\n\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(desk: &str) -> Made {
        let name: NodeName = "aldermoor.example/channel".parse().unwrap();
        Made {
            collection: Uuid::nil(),
            place: Place::of(desk.parse().unwrap(), None, &name),
            reader: Zeroizing::new("a-reading-secret".to_owned()),
            feeder: Zeroizing::new("a-feeding-secret".to_owned()),
        }
    }

    #[test]
    fn address_is_one_that_a_client_can_use() {
        assert_eq!(made("127.0.0.1:8420").place.base, "http://127.0.0.1:8420");
        assert_eq!(made("[::1]:8420").place.base, "http://[::1]:8420");
        assert_eq!(made("192.0.2.7:8420").place.base, "https://192.0.2.7:8420");
        for every in ["0.0.0.0:8420", "[::]:8420"] {
            let base = made(every).place.base;
            let host = base.strip_prefix("https://").and_then(|rest| rest.strip_suffix(":8420"));
            assert!(host.is_some_and(|host| !host.is_empty() && !host.contains(':')), "{base}");
            assert!(!base.contains("0.0.0.0"), "{base}");
        }
    }

    #[test]
    fn address_that_is_said_is_the_one_that_is_printed() {
        let name: NodeName = "aldermoor.example/channel".parse().unwrap();
        let said = "https://desk.aldermoor.example/".parse().unwrap();
        let place = Place::of("0.0.0.0:8420".parse().unwrap(), Some(&said), &name);
        assert_eq!(place.base, "https://desk.aldermoor.example");
        let made = Made { place, ..made("0.0.0.0:8420") };
        assert!(made.words().contains("API root    https://desk.aldermoor.example/local/"));
        assert!(!made.words().contains("--public-url"), "nothing was guessed");
    }

    #[test]
    fn guessed_name_is_said_to_be_one() {
        assert!(made("0.0.0.0:8420").words().contains("--public-url"));
        assert!(!made("192.0.2.7:8420").words().contains("--public-url"));
    }

    #[test]
    fn words_say_of_trust_where_the_desk_speaks_tls() {
        let (plain, secured) = (made("127.0.0.1:8420").words(), made("192.0.2.7:8420").words());
        assert!(!plain.contains("certificate") && secured.contains("must trust"), "{secured}");
        assert!(!secured.contains("http://"), "{secured}");
    }

    #[test]
    fn misp_gets_the_base64_of_the_account_that_writes() {
        let words = made("127.0.0.1:8420").words();
        let line = words.lines().find(|line| line.starts_with("MISP")).unwrap();
        let key = line.split("API key ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        assert_eq!(STANDARD.decode(key).unwrap(), b"feeder:a-feeding-secret");
        assert!(line.contains("base URL http://127.0.0.1:8420, API root local,"), "{line}");
    }
}
