//! The private keys on disk: one age file each, by epoch, under the key-encryption key.
//!
//! `keys/` holds `kek.age` (behind the passphrase), `root.age` (which may be taken away between
//! rotations), `ledger.age`, `tls.age`, `desk.age`, and for each epoch `sign-<n>.age`,
//! `seal-<n>.age` and `statement-<n>`. The next epoch's files lie there, `statement-<n>` last,
//! before anybody is told of them; which epoch is in force is what the database says. So a crash
//! between any two steps leaves either the old epoch, with the next one ready to be announced, or
//! the new one.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use exchange::{Failure, Service};
use protocol::{
    keys::{KeyStatement, NodeKeys, SecretFile},
    secrets::KeyEncryptionKey,
    terms::Timestamp,
};
use zeroize::Zeroizing;

use crate::{
    cli::exit::{Fault, Kind},
    desk::rng,
    private,
};

/// scrypt's work factor: about a tenth of a second, once at start.
const SCRYPT_LOG_N: u8 = 15;

/// The keys' directory and what opens its files.
pub struct Keyring {
    dir: PathBuf,
    kek: KeyEncryptionKey,
}

/// The next keys, as an administrator orders them.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// How many days they are meant to hold.
    pub days: u32,
    /// The present keys may be in other hands: entries of the ledger below this size were still
    /// ours.
    pub compromised_after: Option<u64>,
}

impl Order {
    /// How long new keys are meant to hold where nothing is said.
    pub const DAYS: u32 = 365;
    /// The longest that may be said.
    pub const DAYS_MAX: u32 = 3_650;
}

/// Why keys could not be rotated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The root key was taken away: the operator's to bring back.
    #[error("the root key is away")]
    RootAway,
    /// They would hold for no time, or for too long: the caller's.
    #[error("keys hold for 1 to {} days", Order::DAYS_MAX)]
    Days,
    /// The last good entry lies beyond the ledger: the caller's.
    #[error("the ledger has {0} entries; the last good size is not beyond it")]
    LastGood(u64),
    /// A file could not be read or written: the operator's.
    #[error("the keys' directory failed")]
    Disk(#[source] anyhow::Error),
    /// The announcement failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Keyring {
    /// A new directory with a new key-encryption key behind a passphrase.
    pub fn make(dir: &Path, passphrase: &str) -> Result<Self> {
        private::make_dir(dir)?;
        let kek = KeyEncryptionKey::generate(&mut rng())?;
        let file = kek.to_file(passphrase, SCRYPT_LOG_N, &mut rng())?;
        keep_new(&dir.join("kek.age"), &file)?;
        Ok(Self { dir: dir.to_owned(), kek })
    }

    /// Opens a directory.
    ///
    /// *Errors*: `KEY-7` for a wrong passphrase.
    pub fn open(dir: &Path, passphrase: &str) -> Result<Self> {
        let file = read(&dir.join("kek.age"))?;
        let kek = KeyEncryptionKey::open(&file, passphrase).map_err(|_| {
            Fault::new(
                Kind::Machine,
                "KEY-7",
                "the passphrase does not open the node's keys",
                "check it and try again",
            )
        })?;
        Ok(Self { dir: dir.to_owned(), kek })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A secret by its name; `None` where there is no such file.
    pub fn secret(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let path = self.path(&format!("{name}.age"));
        if !path.exists() {
            return Ok(None);
        }
        let secret = self.kek.unseal(&read(&path)?).ok();
        secret.with_context(|| format!("{} is damaged; restore it", path.display())).map(Some)
    }

    /// Keeps a secret, whole or not at all.
    pub fn keep_secret(&self, name: &str, secret: &[u8]) -> Result<()> {
        let sealed = self.kek.seal(secret, &mut rng())?;
        self.replace(&format!("{name}.age"), &sealed)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, fresh) = (self.path(name), self.path(&format!("{name}.new")));
        let _ = fs::remove_file(&fresh);
        keep_new(&fresh, bytes)?;
        fs::rename(&fresh, &path).with_context(|| format!("{} cannot be kept", path.display()))?;
        self.sync()
    }

    /// The names in the directory outlive a crash only once it is synced itself.
    fn sync(&self) -> Result<()> {
        let dir = fs::File::open(&self.dir).and_then(|dir| dir.sync_all());
        dir.with_context(|| format!("{} cannot be kept", self.dir.display()))
    }

    /// Keeps every key of an epoch, its statement last. Root and ledger keys that are there stay.
    pub fn keep(&self, keys: &NodeKeys) -> Result<()> {
        let epoch = keys.statement().epoch();
        let (sign, seal) = (format!("sign-{epoch}"), format!("seal-{epoch}"));
        for SecretFile { name, secret } in keys.to_files() {
            if name == sign || name == seal || !self.path(&format!("{name}.age")).exists() {
                self.keep_secret(&name, &secret)?;
            }
        }
        self.replace(&format!("statement-{epoch}"), keys.statement().note())
    }

    /// The keys of an epoch, with the retired seal keys that are still here.
    pub fn load(&self, epoch: u32) -> Result<NodeKeys> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir).context("the keys' directory cannot be read")? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let is_key = ["root", "ledger"].contains(&name.as_str())
                || name == format!("sign-{epoch}")
                // A later one may be half of a rotation that a crash cut off.
                || name
                    .strip_prefix("seal-")
                    .and_then(|of| of.parse::<u32>().ok())
                    .is_some_and(|of| of <= epoch);
            if is_key
                && path.extension().is_some_and(|end| end == "age")
                && let Some(secret) = self.secret(&name)?
            {
                files.push(SecretFile { name, secret });
            }
        }
        let statement = read(&self.path(&format!("statement-{epoch}"))).with_context(|| {
            format!("the database is at key epoch {epoch}; restore keys/ of the same backup")
        })?;
        Ok(NodeKeys::from_files(&statement, &files)?)
    }

    /// The epoch after the present one, when it lies ready and nobody was told of it yet.
    fn ready(&self, present: u32) -> Result<Option<NodeKeys>> {
        let next = present.saturating_add(1);
        if self.path(&format!("statement-{next}")).exists() {
            return self.load(next).map(Some);
        }
        Ok(None)
    }

    /// Rotates the node's keys: made, kept here, announced, in force; the old sign key goes. What
    /// a crash left ready is announced instead of new ones.
    pub async fn rotate(
        &self,
        service: &Service,
        order: Order,
        account: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        if !(1..=Order::DAYS_MAX).contains(&order.days) {
            return Err(Error::Days);
        }
        let size = service.store().ledger_tree().await.map_err(Failure::from)?.0;
        if order.compromised_after.is_some_and(|last_good| last_good > size) {
            return Err(Error::LastGood(size));
        }
        let until = now.plus_ms(i64::from(order.days) * 86_400_000);
        let present = service.keys();
        let epoch = present.statement().epoch();
        let next = match self.ready(epoch).map_err(Error::Disk)? {
            Some(next) => next,
            None => {
                let tls = present.statement().tls();
                let next = present.rotated(tls, now, until, &mut rng());
                let next = next.map_err(|error| match error {
                    protocol::keys::Error::Private(_) => Error::RootAway,
                    other => Error::Disk(other.into()),
                })?;
                self.keep(&next).map_err(Error::Disk)?;
                next
            }
        };
        exchange::keys::announce_next(
            service,
            next,
            order.compromised_after,
            account,
            now,
            &mut rng(),
        )
        .await?;
        self.remove(&format!("sign-{epoch}.age")).map_err(Error::Disk)
    }

    /// Deletes retired seal keys once nothing that was sealed to them can still be under way.
    pub async fn expire(
        &self,
        service: &Service,
        outage_max_ms: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut dead = Vec::new();
        for epoch in service.keys().retired_seals() {
            let next = self.path(&format!("statement-{}", epoch + 1));
            let statement = read(&next).map_err(Error::Disk)?;
            let statement = KeyStatement::parse(&statement).map_err(|e| Error::Disk(e.into()))?;
            if now > statement.from().plus_ms(outage_max_ms) {
                self.remove(&format!("seal-{epoch}.age")).map_err(Error::Disk)?;
                dead.push(*epoch);
            }
        }
        if !dead.is_empty() {
            exchange::keys::forget_seals(service, &dead, now).await?;
        }
        Ok(())
    }

    /// Removes a file; one that is gone already is as good.
    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{} cannot be removed", path.display()))
            }
            _ => self.sync(),
        }
    }
}

/// Writes a file that only its owner may read, and never over another.
pub(crate) fn keep_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file =
        options.open(path).with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(bytes)?;
    file.sync_all().with_context(|| format!("{} cannot be kept", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
