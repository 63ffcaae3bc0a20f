//! Hash algorithms by any of their spellings, and whether a value can be one's.

/// A hash algorithm, independent of how an edition of the standard spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashAlgorithm {
    name: &'static str,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    /// So many hexadecimal digits.
    Hex(usize),
    /// At least so many hexadecimal digits: of several lengths the least, as python-stix2 checks.
    HexAtLeast(usize),
    /// Characters of fuzzy hashes, 1 to 128.
    Ssdeep,
}

const KNOWN: [HashAlgorithm; 15] = [
    HashAlgorithm { name: "MD5", value: Value::Hex(32) },
    HashAlgorithm { name: "MD6", value: Value::HexAtLeast(32) },
    HashAlgorithm { name: "RIPEMD160", value: Value::Hex(40) },
    HashAlgorithm { name: "SHA1", value: Value::Hex(40) },
    HashAlgorithm { name: "SHA224", value: Value::Hex(56) },
    HashAlgorithm { name: "SHA256", value: Value::Hex(64) },
    HashAlgorithm { name: "SHA384", value: Value::Hex(96) },
    HashAlgorithm { name: "SHA512", value: Value::Hex(128) },
    HashAlgorithm { name: "SHA3224", value: Value::Hex(56) },
    HashAlgorithm { name: "SHA3256", value: Value::Hex(64) },
    HashAlgorithm { name: "SHA3384", value: Value::Hex(96) },
    HashAlgorithm { name: "SHA3512", value: Value::Hex(128) },
    HashAlgorithm { name: "SSDEEP", value: Value::Ssdeep },
    HashAlgorithm { name: "WHIRLPOOL", value: Value::Hex(128) },
    HashAlgorithm { name: "TLSH", value: Value::Hex(70) },
];

impl HashAlgorithm {
    /// The algorithm that a name means; hyphens and case do not matter.
    ///
    /// ```
    /// let sha1 = stix::HashAlgorithm::infer("sha-1").unwrap();
    /// assert!(!sha1.accepts("ab"));
    /// ```
    pub fn infer(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(|c| *c != '-').collect();
        KNOWN.into_iter().find(|known| plain.eq_ignore_ascii_case(known.name))
    }

    /// Its name in capitals, without hyphens.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Its name as the standard spells it; none for one that STIX 2.1 does not name.
    ///
    /// *Source*: STIX 2.1 section 10.7.
    pub fn spelling(self) -> Option<&'static str> {
        Some(match self.name {
            "MD5" => "MD5",
            "SHA1" => "SHA-1",
            "SHA256" => "SHA-256",
            "SHA512" => "SHA-512",
            "SHA3256" => "SHA3-256",
            "SHA3512" => "SHA3-512",
            "SSDEEP" => "SSDEEP",
            "TLSH" => "TLSH",
            _ => return None,
        })
    }

    /// Whether an edition names it: 2.0 all but TLSH, 2.1 those with a [`Self::spelling`].
    pub fn is_of(self, version: &str) -> bool {
        if version == "2.0" { self.name != "TLSH" } else { self.spelling().is_some() }
    }

    /// Whether a text can be a value of it.
    pub fn accepts(self, value: &str) -> bool {
        let bytes = value.as_bytes();
        let hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
        match self.value {
            Value::Hex(len) => bytes.len() == len && hex(bytes),
            Value::HexAtLeast(len) => bytes.get(..len).is_some_and(hex),
            Value::Ssdeep => {
                let fuzzy = |byte: &u8| byte.is_ascii_alphanumeric() || b"/+:.".contains(byte);
                (1..=128).contains(&bytes.len()) && bytes.iter().all(fuzzy)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_in_any_spelling_is_the_same_algorithm() {
        for name in ["SHA-256", "sha256", "S-H-A-256"] {
            assert_eq!(HashAlgorithm::infer(name).unwrap().name(), "SHA256");
        }
        assert_eq!(HashAlgorithm::infer("SHA_256"), None);
        assert_eq!(HashAlgorithm::infer(""), None);
    }

    #[test]
    fn value_must_have_the_length_and_the_characters() {
        let accepts = |name: &str, value: &str| HashAlgorithm::infer(name).unwrap().accepts(value);
        assert!(accepts("MD5", &"aF".repeat(16)));
        assert!(!accepts("MD5", &"aF".repeat(17)));
        assert!(!accepts("MD5", &"ag".repeat(16)));
        assert!(!accepts("MD5", ""));
        assert!(accepts("SSDEEP", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"));
        assert!(!accepts("SSDEEP", "3:AX GB"));
        assert!(accepts("TLSH", &"0".repeat(70)));
        assert!(!accepts("TLSH", &"0".repeat(72)));
    }
}
