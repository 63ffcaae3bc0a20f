//! A node's data directory: made once by `init`, opened by `serve`.
//!
//! `node.toml`, `node.db`, and `keys/`: private keys ([`crate::keyring`]) and the local command
//! line's token.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, Result, bail};
use exchange::Service;
use protocol::{
    keys::NodeKeys,
    secrets,
    terms::{NodeName, Role, Timestamp},
};
use store::{NewCollection, Options, Store};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    config::{Config, PublicUrl},
    desk::{now, rng},
    keyring::{Keyring, keep_new},
    private,
    tls::LinkKey,
};

mod tools;

pub use tools::Made;

/// How long a first key statement is meant to hold.
const KEYS_HOLD_MS: i64 = 365 * 24 * 3_600 * 1_000;
/// How long a login link holds.
const LOGIN_LINK_MS: i64 = 24 * 3_600 * 1_000;
/// The account that `init` makes.
pub const OPERATOR: &str = "operator";

/// What `init` needs.
pub struct Init<'a> {
    /// The data directory.
    pub dir: &'a Path,
    /// The node's name.
    pub name: NodeName,
    /// Address of the desk door.
    pub desk: SocketAddr,
    /// Address of the partner door.
    pub partner: SocketAddr,
    /// Address of a PostgreSQL database; `node.db` where none is given.
    pub store: Option<String>,
    /// Where the desk is reached from outside; told tools instead of a guess.
    pub public_url: Option<PublicUrl>,
    /// Opens the key-encryption key.
    pub passphrase: Zeroizing<String>,
}

/// Makes a data directory with keys, configuration, database, a first collection and accounts that
/// differ in rights.
///
/// *Errors*: when there is a node in the directory already; nothing is overwritten.
pub async fn init(init: &Init<'_>) -> Result<Made> {
    if init.dir.join("node.toml").exists() {
        bail!("{} holds a node already; choose another directory", init.dir.display());
    }
    let keys_dir = init.dir.join("keys");
    let keyring = Keyring::make(&keys_dir, &init.passphrase)?;
    let mut rng = rng();
    let (time, link) = (now(), LinkKey::generate()?);
    let until = time.plus_ms(KEYS_HOLD_MS);
    let keys = NodeKeys::generate(&init.name, &[link.pin()], time, until, &mut rng)?;
    keyring.keep_secret("tls", link.der())?;
    keyring.keep(&keys)?;
    let store = open_store(init.dir, init.store.as_deref())?;
    let service = Service::new(init.name.clone(), store, keys);
    exchange::keys::found(&service, time).await?;
    let id = Uuid::new_v4();
    let workbench = NewCollection::local(id, "workbench", "Workbench");
    service.store().create_collection(workbench, "init".to_owned(), time).await?;
    operator(&service, &keys_dir, time).await?;
    let place = tools::Place::of(init.desk, init.public_url.as_ref(), service.name());
    let made = tools::make(&service, id, place, time).await?;
    service.store().close();
    let outside = (init.store.as_deref(), init.public_url.as_ref());
    let text = Config::text(&init.name, init.desk, init.partner, outside);
    keep_new(&init.dir.join("node.toml"), text.as_bytes())?;
    Ok(made)
}

async fn operator(service: &Service, keys_dir: &Path, time: Timestamp) -> Result<()> {
    let (roles, by) = (Role::ALL.to_vec(), "init".to_owned());
    service.store().create_account(OPERATOR.to_owned(), roles, None, by, time).await?;
    let (token, digest) = secrets::token(&mut rng());
    let label = "local command line".to_owned();
    service.store().add_token(digest, OPERATOR.to_owned(), label, None, time).await?;
    keep_new(&keys_dir.join("desk.token"), token.as_bytes())
}

/// A one-time link that logs an account in.
pub async fn login_link(store: &Store, account: &str, time: Timestamp) -> Result<String> {
    let (token, digest) = secrets::token(&mut rng());
    store.add_login_link(digest, account.to_owned(), time.plus_ms(LOGIN_LINK_MS)).await?;
    Ok(format!("/login/{}", token.as_str()))
}

fn open_store(dir: &Path, address: Option<&str>) -> Result<Store> {
    if let Some(address) = address {
        return Store::connect(address, Options::default())
            .context("the database that `store` names cannot be opened");
    }
    let path = dir.join("node.db");
    Store::open(&path, Options::default())
        .with_context(|| format!("{} cannot be opened", path.display()))
}

/// A node that was opened.
pub struct Opened {
    /// The use cases.
    pub service: Service,
    /// `node.toml`.
    pub config: Config,
    /// Its private keys on disk.
    pub keyring: Keyring,
    /// The link key.
    pub link: LinkKey,
}

/// Opens a data directory: the keys of the epoch that the database says is in force.
///
/// *Errors*: no node there, a wrong passphrase, a damaged key, a newer database.
pub async fn open(dir: &Path, passphrase: &str) -> Result<Opened> {
    let config = Config::read(dir)?;
    private::tighten(dir);
    let keyring = Keyring::open(&dir.join("keys"), passphrase)?;
    let link = keyring.secret("tls")?.context("keys/tls.age is missing; restore it")?;
    let link = LinkKey::read(&link)?;
    let store = open_store(dir, config.store.as_deref())?;
    let announced = store.key_statements(&config.name).await?;
    let epoch = announced.last().map_or(0, |(epoch, _)| *epoch);
    let policies = config.findings.policies();
    let keys = keyring.load(epoch)?;
    let service = Service::with_policies(config.name.clone(), store, keys, policies);
    Ok(Opened { service, config, keyring, link })
}
