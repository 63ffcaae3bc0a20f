//! What requests ask again and again, read once and kept until a commit changes any of it:
//! collections, accounts, tokens.
//!
//! A change that another process made is seen after [`AGE_MAX`] at the latest.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use exchange::rights::View;
use protocol::terms::{Digest, Timestamp};
use store::{Account, Collection, Store, Work};
use tokio::sync::watch;

use crate::desk::now;

/// How old what is kept may be.
const AGE_MAX: Duration = Duration::from_secs(1);
/// Accounts and tokens kept at most.
const KEPT_MAX: usize = 10_000;

/// The register.
pub struct Register {
    changes: watch::Receiver<u64>,
    state: RwLock<Arc<State>>,
}

/// What was read since one change.
struct State {
    change: u64,
    since: Instant,
    collections: OnceLock<Arc<[Collection]>>,
    accounts: Mutex<HashMap<String, Arc<Account>>>,
    tokens: Mutex<HashMap<Digest, Held>>,
    certificates: Mutex<HashMap<Digest, Arc<Account>>>,
    views: Mutex<HashMap<String, Arc<View>>>,
}

#[derive(Clone)]
struct Held {
    account: Arc<Account>,
    expires: Option<Timestamp>,
}

impl State {
    fn new(change: u64) -> Self {
        Self {
            change,
            since: Instant::now(),
            collections: OnceLock::new(),
            accounts: Mutex::default(),
            tokens: Mutex::default(),
            certificates: Mutex::default(),
            views: Mutex::default(),
        }
    }
}

impl Register {
    /// An empty one over a store.
    pub fn new(store: &Store) -> Self {
        let changes = store.calls(Work::Register);
        let state = RwLock::new(Arc::new(State::new(*changes.borrow())));
        Self { changes, state }
    }

    /// The number of the change is read before any row is: rows are never older than it says.
    fn state(&self) -> Arc<State> {
        let change = *self.changes.borrow();
        let fresh = |state: &State| state.change == change && state.since.elapsed() < AGE_MAX;
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if fresh(&state) {
                return Arc::clone(&state);
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !fresh(&state) {
            *state = Arc::new(State::new(change));
        }
        Arc::clone(&state)
    }

    /// Every collection, in constant order.
    pub async fn collections(&self, store: &Store) -> Result<Arc<[Collection]>, store::Error> {
        let state = self.state();
        if let Some(kept) = state.collections.get() {
            return Ok(Arc::clone(kept));
        }
        let read: Arc<[Collection]> = store.collections().await?.into();
        Ok(Arc::clone(state.collections.get_or_init(|| read)))
    }

    /// What an account sees of the collections.
    pub async fn view(&self, store: &Store, account: &Account) -> Result<Arc<View>, store::Error> {
        let state = self.state();
        if let Some(kept) = lock(&state.views).get(&account.name) {
            return Ok(Arc::clone(kept));
        }
        let bounds = store.bounds(&account.name).await?;
        let view = Arc::new(View::new(account, &bounds, &self.collections(store).await?));
        keep(&state.views, account.name.clone(), Arc::clone(&view));
        Ok(view)
    }

    /// An account that is not shut.
    pub async fn account(
        &self,
        store: &Store,
        name: &str,
    ) -> Result<Option<Arc<Account>>, store::Error> {
        let state = self.state();
        if let Some(kept) = lock(&state.accounts).get(name) {
            return Ok(Some(Arc::clone(kept)));
        }
        let found = store.account(name).await?.filter(|account| !account.disabled);
        let Some(account) = found.map(Arc::new) else { return Ok(None) };
        keep(&state.accounts, account.name.clone(), Arc::clone(&account));
        Ok(Some(account))
    }

    /// The account behind a token that holds.
    pub async fn token(
        &self,
        store: &Store,
        digest: Digest,
    ) -> Result<Option<Arc<Account>>, store::Error> {
        let state = self.state();
        let kept = lock(&state.tokens).get(&digest).cloned();
        let held = match kept {
            Some(held) => held,
            None => {
                let Some(found) = store.token(&digest).await? else { return Ok(None) };
                if found.account.disabled {
                    return Ok(None);
                }
                let held = Held { account: Arc::new(found.account), expires: found.expires };
                keep(&state.tokens, digest, held.clone());
                held
            }
        };
        let has_expired = held.expires.is_some_and(|expires| expires <= now());
        Ok(if has_expired { None } else { Some(held.account) })
    }
}

impl Register {
    /// The account behind the key of a client certificate.
    pub async fn certificate(
        &self,
        store: &Store,
        pin: Digest,
    ) -> Result<Option<Arc<Account>>, store::Error> {
        let state = self.state();
        if let Some(kept) = lock(&state.certificates).get(&pin) {
            return Ok(Some(Arc::clone(kept)));
        }
        let found = store.certificate(&pin).await?.filter(|account| !account.disabled);
        let Some(account) = found.map(Arc::new) else { return Ok(None) };
        keep(&state.certificates, pin, Arc::clone(&account));
        Ok(Some(account))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep<K: std::hash::Hash + Eq, V>(kept: &Mutex<HashMap<K, V>>, key: K, value: V) {
    let mut kept = lock(kept);
    if kept.len() < KEPT_MAX {
        kept.insert(key, value);
    }
}
