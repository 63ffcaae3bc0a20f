//! What is counted by the minute: wrong credentials, and requests where a limit is set.

use std::net::IpAddr;

use protocol::terms::Timestamp;

use crate::{
    listen::one_host,
    window::{Window, next_s},
};

/// Wrong passwords for one account from one address within a minute.
///
/// Both together: who guesses from elsewhere cannot lock an account's owner out.
const WRONG_MAX: u32 = 60;
/// Wrong credentials of any account from one address within a minute.
const WRONG_OF_ADDRESS_MAX: u32 = 600;

/// What there were too many of within a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Wrong passwords for one name from one address.
    Passwords,
    /// Wrong tokens from one address.
    Tokens,
    /// Wrong credentials of any kind from one address.
    Address,
    /// Requests of one account; so many are allowed.
    OfAccount(u32),
    /// Requests from one address; so many are allowed.
    OfAddress(u32),
}

/// Too many: the next minute begins in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// What there were too many of.
    pub bound: Bound,
    /// Seconds until it is worth another try.
    pub retry_after_s: u64,
    /// It is the first within its minute: worth a line of the log.
    pub is_news: bool,
}

impl Bound {
    /// Whose requests are limited, for counting.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::OfAccount(_) | Self::Passwords => "account",
            Self::OfAddress(_) | Self::Tokens | Self::Address => "address",
        }
    }
}

impl TooMany {
    fn first(bound: Bound, now: Timestamp) -> Self {
        Self { bound, retry_after_s: next_s(now), is_news: true }
    }

    fn further(bound: Bound, now: Timestamp) -> Self {
        Self { is_news: false, ..Self::first(bound, now) }
    }

    /// The rule.
    pub(crate) fn rule(&self) -> &'static str {
        match self.bound {
            Bound::Passwords | Bound::Tokens | Bound::Address => "AUTH-4",
            Bound::OfAccount(_) | Bound::OfAddress(_) => "AUTH-5",
        }
    }

    /// So many of what.
    pub(crate) fn what(&self) -> String {
        match self.bound {
            Bound::Passwords => format!("{WRONG_MAX} wrong passwords"),
            Bound::Tokens => format!("{WRONG_MAX} wrong tokens"),
            Bound::Address => format!("{WRONG_OF_ADDRESS_MAX} wrong credentials"),
            Bound::OfAccount(max) | Bound::OfAddress(max) => format!("{max} requests"),
        }
    }

    /// What there were too many of, and where.
    pub(crate) fn title(&self) -> String {
        let what = self.what();
        match self.bound {
            Bound::Passwords => {
                format!("{what} for this name came from this address within a minute")
            }
            Bound::Tokens | Bound::Address => {
                format!("{what} came from this address within a minute")
            }
            Bound::OfAccount(_) => format!("this account has made its {what} of this minute"),
            Bound::OfAddress(_) => format!("this address has made its {what} of this minute"),
        }
    }

    /// What helps.
    pub(crate) fn remedy(&self) -> String {
        let seconds = self.retry_after_s;
        match self.bound {
            Bound::Passwords => format!(
                "wait {seconds} s; other addresses, tokens and login links are let in meanwhile"
            ),
            Bound::Tokens | Bound::Address => format!(
                "wait {seconds} s and correct the credentials; right tokens are let in meanwhile"
            ),
            Bound::OfAccount(_) => {
                format!("wait {seconds} s, or have `limits.account` in node.toml raised")
            }
            Bound::OfAddress(_) => {
                format!("wait {seconds} s, or have `limits.address` in node.toml raised")
            }
        }
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
        if self.of_pair.count((account.to_owned(), host), 0, now) >= WRONG_MAX {
            return Err(TooMany::further(of_pair(account), now));
        }
        if self.of_address.count(host, 0, now) >= WRONG_OF_ADDRESS_MAX {
            return Err(TooMany::further(Bound::Address, now));
        }
        Ok(())
    }

    /// Counts a wrong one; what it locks, where it is the last that was allowed.
    pub(super) fn wrong(&self, account: &str, address: IpAddr, now: Timestamp) -> Option<TooMany> {
        let host = one_host(address);
        let of_pair_count = self.of_pair.count((account.to_owned(), host), 1, now);
        let of_address_count = self.of_address.count(host, 1, now);
        if of_address_count == WRONG_OF_ADDRESS_MAX {
            return Some(TooMany::first(Bound::Address, now));
        }
        (of_pair_count == WRONG_MAX).then(|| TooMany::first(of_pair(account), now))
    }
}

/// Tokens name no account.
fn of_pair(account: &str) -> Bound {
    if account.is_empty() { Bound::Tokens } else { Bound::Passwords }
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
        allowed(count, max, Bound::OfAddress(max), now)
    }

    pub(super) fn count_account(&self, account: &str, now: Timestamp) -> Result<(), TooMany> {
        let Some(max) = self.account_max else { return Ok(()) };
        let count = self.of_account.count(account.to_owned(), 1, now);
        allowed(count, max, Bound::OfAccount(max), now)
    }
}

fn allowed(count: u32, max: u32, bound: Bound, now: Timestamp) -> Result<(), TooMany> {
    match count.saturating_sub(max) {
        0 => Ok(()),
        1 => Err(TooMany::first(bound, now)),
        _ => Err(TooMany::further(bound, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::MINUTE_MS;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn attempts_from_one_address_do_not_lock_the_account_elsewhere() {
        let (attempts, now) = (Attempts::new(), Timestamp::from_ms(1_000));
        let (attacker, owner) = (address("192.0.2.66"), address("192.0.2.7"));
        let mut told = Vec::new();
        for _ in 0..WRONG_MAX {
            assert_eq!(attempts.check("ada", attacker, now), Ok(()));
            told.extend(attempts.wrong("ada", attacker, now));
        }
        let locked = TooMany { bound: Bound::Passwords, retry_after_s: 60, is_news: true };
        assert_eq!(told, [locked], "told once, with the last that was allowed");
        let refused = attempts.check("ada", attacker, now);
        assert_eq!(refused, Err(TooMany { is_news: false, ..locked }));
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
        let refused = attempts.check("fresh", address("2001:db8::2"), now).unwrap_err();
        assert_eq!(refused.bound, Bound::Address);
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
        let refused = TooMany { bound: Bound::OfAccount(2), retry_after_s: 2, is_news: true };
        assert_eq!(limited.count_account("ada", now), Err(refused));
        let again = TooMany { is_news: false, ..refused };
        assert_eq!(limited.count_account("ada", now), Err(again));
        assert_eq!(limited.count_account("bea", now), Ok(()));
    }
}
