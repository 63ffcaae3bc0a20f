//! What every handler of the desk shares.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, Uri, header};
use exchange::Service;
use protocol::terms::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::{
    auth::Auth,
    config::Config,
    keyring::Keyring,
    metrics::Metrics,
    register::Register,
    taxii::{Budget, CursorKeys},
};

/// The desk: use cases, accounts, configuration.
pub struct Desk {
    /// The use cases.
    pub service: Service,
    /// Who may do what.
    pub auth: Auth,
    /// What requests ask again and again.
    pub register: Register,
    /// `node.toml`.
    pub config: Config,
    /// Counters of this process.
    pub metrics: Arc<Metrics>,
    /// Private keys on disk.
    pub keyring: Keyring,
    /// Keys of the tags on TAXII cursors.
    pub cursor_keys: CursorKeys,
    /// Bytes of bodies that may be under way.
    pub budget: Budget,
}

impl Desk {
    /// The desk of a service.
    ///
    /// *Errors*: the store's, when the keys of cursors cannot be read or kept.
    pub async fn open(
        service: Service,
        config: Config,
        keyring: Keyring,
    ) -> Result<Self, store::Error> {
        let mut key = [0; 32];
        rng().fill_bytes(&mut key);
        let auth = Auth::new(key, config.limits.account, config.limits.address);
        let register = Register::new(service.store());
        let cursor_keys = CursorKeys::open(service.store(), &mut rng()).await?;
        let (budget, metrics) = (Budget::default(), Arc::default());
        Ok(Self { service, auth, register, config, metrics, keyring, cursor_keys, budget })
    }

    /// Where the desk is, for what is pasted into tools and browsers: as `public_url` says, else as
    /// the request found it.
    pub(crate) fn address(&self, headers: &HeaderMap, uri: &Uri) -> String {
        if let Some(url) = &self.config.public_url {
            return url.base().to_owned();
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        // HTTP/2 names it in the target.
        let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
        // Only what a host may be made of: it is the client's word.
        let is_plain =
            |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
        let host =
            host.filter(is_plain).map_or_else(|| self.config.desk.to_string(), str::to_owned);
        let scheme = if self.config.is_reached_over_tls() { "https" } else { "http" };
        format!("{scheme}://{host}")
    }
}

/// The desk, as handlers get it.
pub type Shared = Arc<Desk>;

/// The present moment: the one clock of the program.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Randomness of the operating system, for one use case.
pub fn rng() -> ChaCha20Rng {
    let mut seed = [0; 32];
    // Without the operating system's randomness nothing here is safe; stopping is.
    if getrandom::fill(&mut seed).is_err() {
        std::process::abort();
    }
    ChaCha20Rng::from_seed(seed)
}
