//! Counts of a minute, by key: wrong credentials, requests, and lines of the log that strangers can
//! bring about.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use protocol::terms::Timestamp;

/// Keys counted at once; beyond it those of this minute are forgotten together.
const KEYS_MAX: usize = 100_000;
/// How long a window is.
pub(crate) const MINUTE_MS: i64 = 60_000;

/// How often each key came within the present minute.
pub(crate) struct Window<K> {
    counts: Mutex<(i64, HashMap<K, u32>)>,
}

impl<K: Hash + Eq> Window<K> {
    pub(crate) fn new() -> Self {
        Self { counts: Mutex::default() }
    }

    /// Adds `step` to a key's count and tells it.
    pub(crate) fn count(&self, key: K, step: u32, now: Timestamp) -> u32 {
        let minute = now.as_ms().div_euclid(MINUTE_MS);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, counts) = &mut *counts;
        if *of != minute || counts.len() >= KEYS_MAX {
            *of = minute;
            counts.clear();
        }
        if step == 0 {
            return counts.get(&key).copied().unwrap_or_default();
        }
        let count = counts.entry(key).or_default();
        *count = count.saturating_add(step);
        *count
    }
}

/// Seconds until the next window begins.
pub(crate) fn next_s(now: Timestamp) -> u64 {
    let rest = MINUTE_MS - now.as_ms().rem_euclid(MINUTE_MS);
    u64::try_from(rest / 1_000 + 1).unwrap_or(60)
}
