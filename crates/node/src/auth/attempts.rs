//! Counters of a minute: wrong credentials, and requests where a limit is set.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use protocol::terms::Timestamp;

use crate::listen::one_host;

/// Wrong passwords for one account from one address within a minute.
///
/// Both together: who guesses from elsewhere cannot lock an account's owner out.
const WRONG_MAX: u32 = 60;
/// Wrong credentials of any account from one address within a minute.
const WRONG_OF_ADDRESS_MAX: u32 = 600;
/// Keys counted at once; beyond it those of this minute are forgotten together.
const KEYS_MAX: usize = 100_000;
const MINUTE_MS: i64 = 60_000;

/// Too many: the next minute begins in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// Seconds until it is worth another try.
    pub(crate) retry_after_s: u64,
}

/// How often each key came within the present minute.
struct Window<K> {
    counts: Mutex<(i64, HashMap<K, u32>)>,
}

impl<K: Hash + Eq> Window<K> {
    fn new() -> Self {
        Self { counts: Mutex::default() }
    }

    /// Adds `step` to a key's count and tells it.
    fn count(&self, key: K, step: u32, now: Timestamp) -> u32 {
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

/// Wrong credentials, by account and address.
pub(super) struct Attempts {
    of_pair: Window<(String, IpAddr)>,
    of_address: Window<IpAddr>,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self { of_pair: Window::new(), of_address: Window::new() }
    }

    /// Whether another try is allowed.
    pub(super) fn check(
        &self,
        account: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), TooMany> {
        let host = one_host(address);
        let pair = self.of_pair.count((account.to_owned(), host), 0, now);
        let all = self.of_address.count(host, 0, now);
        if pair >= WRONG_MAX || all >= WRONG_OF_ADDRESS_MAX { Err(too_many(now)) } else { Ok(()) }
    }

    /// Counts a wrong one.
    pub(super) fn wrong(&self, account: &str, address: IpAddr, now: Timestamp) {
        let host = one_host(address);
        self.of_pair.count((account.to_owned(), host), 1, now);
        self.of_address.count(host, 1, now);
    }
}

/// Requests a minute, of accounts and of addresses; no limit where none is set.
pub(super) struct Requests {
    account_max: Option<u32>,
    address_max: Option<u32>,
    of_account: Window<String>,
    of_address: Window<IpAddr>,
}

impl Requests {
    pub(super) fn new(account_max: Option<u32>, address_max: Option<u32>) -> Self {
        let (of_account, of_address) = (Window::new(), Window::new());
        Self { account_max, address_max, of_account, of_address }
    }

    pub(super) fn count_address(&self, address: IpAddr, now: Timestamp) -> Result<(), TooMany> {
        let Some(max) = self.address_max else { return Ok(()) };
        let count = self.of_address.count(one_host(address), 1, now);
        if count > max { Err(too_many(now)) } else { Ok(()) }
    }

    pub(super) fn count_account(&self, account: &str, now: Timestamp) -> Result<(), TooMany> {
        let Some(max) = self.account_max else { return Ok(()) };
        let count = self.of_account.count(account.to_owned(), 1, now);
        if count > max { Err(too_many(now)) } else { Ok(()) }
    }
}

fn too_many(now: Timestamp) -> TooMany {
    let rest = MINUTE_MS - now.as_ms().rem_euclid(MINUTE_MS);
    TooMany { retry_after_s: u64::try_from(rest / 1_000 + 1).unwrap_or(60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn attempts_from_one_address_do_not_lock_the_account_elsewhere() {
        let (attempts, now) = (Attempts::new(), Timestamp::from_ms(1_000));
        let (attacker, owner) = (address("192.0.2.66"), address("192.0.2.7"));
        for _ in 0..WRONG_MAX {
            assert_eq!(attempts.check("ada", attacker, now), Ok(()));
            attempts.wrong("ada", attacker, now);
        }
        let refused = attempts.check("ada", attacker, now);
        assert_eq!(refused, Err(TooMany { retry_after_s: 60 }));
        assert_eq!(attempts.check("ada", owner, now), Ok(()));
        assert_eq!(attempts.check("bea", attacker, now), Ok(()));
        assert_eq!(attempts.check("ada", attacker, now.plus_ms(MINUTE_MS)), Ok(()));
    }

    #[test]
    fn attempts_with_many_names_from_one_address_end() {
        let (attempts, now) = (Attempts::new(), Timestamp::from_ms(0));
        let attacker = address("2001:db8::1");
        for number in 0..WRONG_OF_ADDRESS_MAX {
            attempts.wrong(&format!("name-{number}"), attacker, now);
        }
        assert!(attempts.check("fresh", address("2001:db8::2"), now).is_err());
    }

    #[test]
    fn requests_are_limited_only_where_a_limit_is_set() {
        let now = Timestamp::from_ms(59_000);
        let open = Requests::new(None, None);
        let limited = Requests::new(Some(2), None);
        for _ in 0..100 {
            assert_eq!(open.count_account("ada", now), Ok(()));
        }
        assert_eq!(limited.count_account("ada", now), Ok(()));
        assert_eq!(limited.count_account("ada", now), Ok(()));
        assert_eq!(limited.count_account("ada", now), Err(TooMany { retry_after_s: 2 }));
        assert_eq!(limited.count_account("bea", now), Ok(()));
    }
}
