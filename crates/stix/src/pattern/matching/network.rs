//! Networks of addresses for ISSUBSET and ISSUPERSET: an address with a prefix, or all its bits.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network of either family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pattern) enum Network {
    V4 { bits: u32, prefix: u32 },
    V6 { bits: u128, prefix: u32 },
}

impl Network {
    /// Reads an address, or an address and a prefix (RFC 4632, RFC 5952).
    pub(in crate::pattern) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        match address.parse().ok()? {
            IpAddr::V4(address) => Self::v4(address, prefix.unwrap_or(32)),
            IpAddr::V6(address) => Self::v6(address, prefix.unwrap_or(128)),
        }
    }

    fn v4(address: Ipv4Addr, prefix: u32) -> Option<Self> {
        let bits = u32::from(address) & mask4(prefix);
        (prefix <= 32).then_some(Self::V4 { bits, prefix })
    }

    fn v6(address: Ipv6Addr, prefix: u32) -> Option<Self> {
        let bits = u128::from(address) & mask6(prefix);
        (prefix <= 128).then_some(Self::V6 { bits, prefix })
    }

    /// Whether this network holds all of another one, or is the same.
    pub(in crate::pattern) fn holds(self, other: Self) -> bool {
        match (self, other) {
            (Self::V4 { bits, prefix }, Self::V4 { bits: inner, prefix: longer }) => {
                longer >= prefix && inner & mask4(prefix) == bits
            }
            (Self::V6 { bits, prefix }, Self::V6 { bits: inner, prefix: longer }) => {
                longer >= prefix && inner & mask6(prefix) == bits
            }
            _ => false,
        }
    }
}

fn mask4(prefix: u32) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0)
}

fn mask6(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_holds_itself_and_what_lies_in_it() {
        let network = |text: &str| Network::parse(text).unwrap();
        let holds = |a: &str, b: &str| network(a).holds(network(b));
        assert!(holds("198.51.100.0/24", "198.51.100.0/27"));
        assert!(!holds("198.51.100.0/27", "198.51.100.0/24"));
        assert!(holds("198.51.100.7", "198.51.100.7/32"));
        assert!(holds("0.0.0.0/0", "198.51.100.7"));
        assert!(holds("2001:db8::/32", "2001:db8:1::7"));
        assert!(!holds("::/0", "198.51.100.7"));
        for bad in ["198.51.100.7/33", "2001:db8::/129", "x", "198.51.100.7/", "198.51.100"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
