//! A node's data directory: made once by `init`, opened by `serve`.
//!
//! `node.toml`, `node.db`, and `keys/`: one age file for each private key, sealed to a
//! key-encryption key that a passphrase opens (stock age reads them), the key statement, and the
//! local command line's token.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use exchange::Service;
use protocol::{
    keys::{NodeKeys, SecretFile},
    secrets::{self, KeyEncryptionKey},
    terms::{NodeName, Role, Timestamp},
};
use store::{Options, Store};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    config::Config,
    desk::{now, rng},
    tls::LinkKey,
};

mod tools;

pub use tools::Made;

/// scrypt's work factor: about a tenth of a second, once at start.
const SCRYPT_LOG_N: u8 = 15;
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
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&keys_dir)
        .with_context(|| format!("{} cannot be made", keys_dir.display()))?;
    let mut rng = rng();
    let (time, link) = (now(), LinkKey::generate()?);
    let until = time.plus_ms(KEYS_HOLD_MS);
    let keys = NodeKeys::generate(&init.name, &[link.pin()], time, until, &mut rng)?;
    let kek = KeyEncryptionKey::generate(&mut rng)?;
    let kek_file = kek.to_file(&init.passphrase, SCRYPT_LOG_N, &mut rng)?;
    keep(&keys_dir.join("kek.age"), &kek_file)?;
    keep(&keys_dir.join("tls.age"), &kek.seal(link.der(), &mut rng)?)?;
    keep_keys(&keys_dir, &kek, &keys)?;
    let store = open_store(init.dir, init.store.as_deref())?;
    let service = Service::new(init.name.clone(), store, keys);
    exchange::keys::found(&service, time).await?;
    let alias = "workbench".to_owned();
    let title = "Workbench".to_owned();
    let id = Uuid::new_v4();
    service.store().create_collection(id, "local".to_owned(), alias, title, time).await?;
    operator(&service, &keys_dir, time).await?;
    let made = tools::make(&service, id, time).await?;
    service.store().close();
    let text = Config::text(&init.name, init.desk, init.partner, init.store.as_deref());
    keep(&init.dir.join("node.toml"), text.as_bytes())?;
    Ok(made)
}

async fn operator(service: &Service, keys_dir: &Path, time: Timestamp) -> Result<()> {
    let (roles, by) = (Role::ALL.to_vec(), "init".to_owned());
    service.store().create_account(OPERATOR.to_owned(), roles, None, by, time).await?;
    let (token, digest) = secrets::token(&mut rng());
    let label = "local command line".to_owned();
    service.store().add_token(digest, OPERATOR.to_owned(), label, None, time).await?;
    keep(&keys_dir.join("desk.token"), token.as_bytes())
}

/// A one-time link that logs an account in.
pub async fn login_link(store: &Store, account: &str, time: Timestamp) -> Result<String> {
    let (token, digest) = secrets::token(&mut rng());
    store.add_login_link(digest, account.to_owned(), time.plus_ms(LOGIN_LINK_MS)).await?;
    Ok(format!("/login/{}", token.as_str()))
}

/// Writes a file that only its owner may read, and never over another.
fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file =
        options.open(path).with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(bytes)?;
    file.sync_all().with_context(|| format!("{} cannot be kept", path.display()))
}

fn keep_keys(keys_dir: &Path, kek: &KeyEncryptionKey, keys: &NodeKeys) -> Result<()> {
    for SecretFile { name, secret } in keys.to_files() {
        keep(&keys_dir.join(format!("{name}.age")), &kek.seal(&secret, &mut rng())?)?;
    }
    keep(&keys_dir.join("statement"), keys.statement().note())
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

/// A node that was opened: its use cases, its configuration, its link key.
pub struct Opened {
    /// The use cases.
    pub service: Service,
    /// `node.toml`.
    pub config: Config,
    /// The link key.
    pub link: LinkKey,
}

/// Opens a data directory.
///
/// *Errors*: no node there, a wrong passphrase, a damaged key, a newer database.
pub fn open(dir: &Path, passphrase: &str) -> Result<Opened> {
    let config = Config::read(dir)?;
    let keys_dir = dir.join("keys");
    let kek = read(&keys_dir.join("kek.age"))?;
    let kek = KeyEncryptionKey::open(&kek, passphrase)
        .ok()
        .context("the passphrase does not open the node's keys; check it and try again")?;
    let mut files = Vec::new();
    let mut link = None;
    for path in age_files(&keys_dir)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let secret = kek.unseal(&read(&path)?);
        let secret = secret.ok().with_context(|| format!("{} is damaged", path.display()))?;
        if name == "tls" {
            link = Some(LinkKey::read(&secret)?);
        } else {
            files.push(SecretFile { name, secret });
        }
    }
    let keys = NodeKeys::from_files(&read(&keys_dir.join("statement"))?, &files)?;
    let store = open_store(dir, config.store.as_deref())?;
    let service = Service::new(config.name.clone(), store, keys);
    Ok(Opened { service, config, link: link.context("keys/tls.age is missing")? })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn age_files(keys_dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(keys_dir).context("the keys directory cannot be read")? {
        let path = entry?.path();
        let is_age = path.extension().is_some_and(|end| end == "age");
        if is_age && path.file_stem().is_some_and(|stem| stem != "kek") {
            found.push(path);
        }
    }
    Ok(found)
}
