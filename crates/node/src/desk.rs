//! What every handler of the desk shares.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use exchange::Service;
use protocol::terms::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::{auth::Auth, config::Config};

/// The desk: use cases, accounts, configuration.
pub struct Desk {
    /// The use cases.
    pub service: Service,
    /// Who may do what.
    pub auth: Auth,
    /// `node.toml`.
    pub config: Config,
    /// Key of the tags on TAXII cursors.
    pub cursor_key: [u8; 32],
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
