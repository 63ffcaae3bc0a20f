//! Text formats, checked on bytes.

use wide::u8x16;

use crate::lanes::{self, is_in};

/// An even number of lower-case hexadecimal digits.
pub(super) fn is_hex(text: &str) -> bool {
    !text.is_empty()
        && text.len().is_multiple_of(2)
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Base64 of RFC 4648 section 4, padded.
pub(super) fn is_base64(text: &str) -> bool {
    let plain = text.trim_end_matches('=');
    let padding = text.len() - plain.len();
    text.len().is_multiple_of(4)
        && padding <= 2
        && !plain.is_empty()
        && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// `0a:1b:2c:3d:4e:5f`.
pub(super) fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text.bytes().enumerate().all(|(place, byte)| match place % 3 {
            2 => byte == b':',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// One IPv4 address, or a network in CIDR notation.
pub(super) fn is_ipv4(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
    address.parse::<core::net::Ipv4Addr>().is_ok() && is_prefix(prefix, 32)
}

/// One IPv6 address, or a network in CIDR notation.
pub(super) fn is_ipv6(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').unwrap_or((text, "128"));
    address.parse::<core::net::Ipv6Addr>().is_ok() && is_prefix(prefix, 128)
}

fn is_prefix(text: &str, max: u8) -> bool {
    let plain = !text.starts_with('+') && (text == "0" || !text.starts_with('0'));
    plain && text.parse::<u8>().is_ok_and(|bits| bits <= max)
}

/// Dot-separated labels of 1 to 63 characters, 253 in all; internationalised ones too.
///
/// *Source*: RFC 1034 section 3.1; RFC 5890 section 2.3.
pub(super) fn is_domain(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.chars().count())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c == '-' || c == '_' || c.is_alphanumeric() || is_mark(c))
        })
}

/// Joiners and combining marks that scripts other than Latin need.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{00b7}' | '\u{0300}'..='\u{036f}')
        || matches!(c, '\u{0900}'..='\u{0dff}' | '\u{0e00}'..='\u{0eff}' | '\u{3099}'..='\u{309a}')
}

/// A URL: scheme, colon, and characters of RFC 3986 only, each `%` before two digits.
///
/// *Source*: RFC 3986 sections 1.1.3, 3.
pub(super) fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.bytes();
    let scheme_ok = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !scheme_ok || rest.is_empty() {
        return false;
    }
    // Nearly every URL has only bytes that may stand anywhere.
    if lanes::all(rest.as_bytes(), are_url_bytes) {
        return true;
    }
    let bytes = rest.as_bytes();
    let ok = |(place, byte): (usize, &u8)| match byte {
        b'%' => {
            let digits = bytes.get(place + 1..place + 3).unwrap_or_default();
            digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
        }
        b'[' | b']' => rest.starts_with("//"),
        byte => *byte == b'#' || are_url_bytes(u8x16::splat(*byte)).all(),
    };
    bytes.iter().enumerate().all(ok) && bytes.iter().filter(|byte| **byte == b'#').count() <= 1
}

/// Unreserved and reserved characters, but `#`, which stands once, and brackets, which need `//`.
fn are_url_bytes(bytes: u8x16) -> u8x16 {
    let is = |byte| lanes::is(bytes, byte);
    let letters = is_in(bytes, b'?'..=b'Z') | is_in(bytes, b'a'..=b'z');
    let marks = is(b'!') | is(b'$') | is(b'=') | is(b'_') | is(b'~');
    letters | is_in(bytes, b'&'..=b';') | marks
}

/// An address without a display name: `local@domain`.
///
/// *Source*: RFC 5322 section 3.4.1.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let literal = domain.starts_with('[') && domain.ends_with(']');
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let local_ok = quoted || (!local.is_empty() && local.chars().all(atom));
    local_ok && (literal || is_domain(domain))
}

/// A relationship's type: lower-case letters, digits, hyphens.
pub(super) fn is_relationship_type(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// A registry key whose hive is not abbreviated.
pub(super) fn is_registry_key(key: &str) -> bool {
    let hive = key.split(['\\', '/']).next().unwrap_or_default();
    !["HKLM", "HKCC", "HKCR", "HKCU", "HKU"].iter().any(|short| hive.eq_ignore_ascii_case(short))
}

/// A CPE 2.3 formatted string: `cpe:2.3:` and eleven components.
///
/// *Source*: NISTIR 7695 section 6.2.
pub(super) fn is_cpe(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("cpe:2.3:") else { return false };
    let mut parts = 0;
    let mut start = 0;
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b':') | None => {
                let part = rest.get(start..at).unwrap_or_default();
                if !is_cpe_part(part, parts) {
                    return false;
                }
                parts += 1;
                if at >= bytes.len() {
                    return parts == 11;
                }
                at += 1;
                start = at;
            }
            Some(_) => at += 1,
        }
    }
}

fn is_cpe_part(part: &str, place: usize) -> bool {
    if matches!(part, "*" | "-") {
        return true;
    }
    if place == 0 {
        return matches!(part, "a" | "o" | "h");
    }
    let mut escaped = false;
    !part.is_empty()
        && part.bytes().all(|byte| {
            if std::mem::take(&mut escaped) {
                return byte.is_ascii_graphic();
            }
            escaped = byte == b'\\';
            escaped || byte.is_ascii_alphanumeric() || b"._-*?".contains(&byte)
        })
        && !escaped
}

/// The digits a hash of a known algorithm must have; none for a custom one.
///
/// *Source*: STIX 2.1 section 10.7.
pub(super) fn hash_problem(algorithm: &str, value: &str) -> Option<(&'static str, &'static str)> {
    let digits = |len| value.len() == len && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (rule, ok, expected) = match algorithm {
        "MD5" => ("STIX-10.7-01", digits(32), "32 hexadecimal digits"),
        "SHA-1" => ("STIX-10.7-02", digits(40), "40 hexadecimal digits"),
        "SHA-256" => ("STIX-10.7-03", digits(64), "64 hexadecimal digits"),
        "SHA-512" => ("STIX-10.7-04", digits(128), "128 hexadecimal digits"),
        "SHA3-256" => ("STIX-10.7-05", digits(64), "64 hexadecimal digits"),
        "SHA3-512" => ("STIX-10.7-06", digits(128), "128 hexadecimal digits"),
        "SSDEEP" => ("STIX-10.7-07", is_ssdeep(value), "blocksize:hash:hash"),
        "TLSH" => ("STIX-10.7-08", is_tlsh(value), "70 hexadecimal digits, T1 before them or not"),
        _ => return None,
    };
    (!ok).then_some((rule, expected))
}

fn is_ssdeep(value: &str) -> bool {
    let mut parts = value.splitn(3, ':');
    let size = parts
        .next()
        .is_some_and(|size| !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_digit()));
    let base64 = |part: Option<&str>| {
        part.is_some_and(|part| {
            part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        })
    };
    size && base64(parts.next()) && base64(parts.next()) && value.len() <= 150
}

fn is_tlsh(value: &str) -> bool {
    let digits = value.strip_prefix("T1").unwrap_or(value);
    digits.len() == 70 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text still holds an encoded word of RFC 2047 section 2: `=?charset?Q?text?=`.
pub(super) fn has_encoded_word(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find("=?") {
        rest = rest.get(at + 2..).unwrap_or_default();
        let mut parts = rest.splitn(3, '?');
        let charset = parts.next().is_some_and(|name| !name.is_empty() && !name.contains(' '));
        let encoding = parts.next().is_some_and(|kind| matches!(kind, "q" | "Q" | "b" | "B"));
        if charset && encoding && parts.next().is_some_and(|tail| tail.contains("?=")) {
            return true;
        }
    }
    false
}

/// What a property's name breaks: characters, first letter, length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameFault {
    Characters,
    FirstLetter,
    TooShort,
    TooLong,
}

/// The first fault of a custom property's name.
pub(super) fn property_name_fault(name: &str) -> Option<NameFault> {
    let plain =
        |bytes| is_in(bytes, b'a'..=b'z') | is_in(bytes, b'0'..=b'9') | lanes::is(bytes, b'_');
    if !lanes::all(name.as_bytes(), plain) {
        Some(NameFault::Characters)
    } else if name.len() < 3 {
        Some(NameFault::TooShort)
    } else if name.len() > 250 {
        Some(NameFault::TooLong)
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some(NameFault::FirstLetter)
    } else {
        None
    }
}

/// Whether a word of an open vocabulary or a name of a kill chain is written as it should be.
pub(super) fn is_plain_word(text: &str) -> bool {
    let plain =
        |bytes| !(is_in(bytes, b'A'..=b'Z') | lanes::is(bytes, b'_') | lanes::is(bytes, b' '));
    lanes::all(text.as_bytes(), plain) && (text.is_ascii() || !text.chars().any(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_accept_and_refuse() {
        type Row = (fn(&str) -> bool, &'static [&'static str], &'static [&'static str]);
        let rows: [Row; 9] = [
            (is_hex, &["0a", "ffee"], &["", "0", "0g", "FF"]),
            (is_base64, &["QQ==", "QUI=", "QUJD"], &["", "QQ", "Q===", "QQ=A", "Q Q="]),
            (is_mac, &["0a:1b:2c:3d:4e:5f"], &["0A:1b:2c:3d:4e:5f", "0a-1b-2c-3d-4e-5f", "0a:1b"]),
            (
                is_ipv4,
                &["1.2.3.4", "10.0.0.0/8"],
                &["1.2.3", "1.2.3.4/33", "01.2.3.4", "1.2.3.4/08"],
            ),
            (is_ipv6, &["::1", "2001:db8::/32", "::ffff:1.2.3.4"], &["1.2.3.4", "::1/129", ":::"]),
            (
                is_domain,
                &["a.example", "xn--e1afmkfd.example", "пример.example", "_dmarc.a"],
                &["", "-a.example", "a..b", "a b", "a/b", "http://a"],
            ),
            (
                is_url,
                &["http://a.example/%20x?y#z", "urn:isbn:1", "http://[::1]/"],
                &["", "a", "http:", "http://a b", "http://a/%2", "1http://a", "http://a/\u{e9}"],
            ),
            (
                is_email,
                &["a@b.example", "\"a b\"@c.example", "a@[1.2.3.4]", "ü@b"],
                &["a", "@b", "A B <a@b.example>", "a@", "a b@c"],
            ),
            (
                is_cpe,
                &["cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*", "cpe:2.3:o:a\\:b:-:*:*:*:*:*:*:*:*"],
                &[
                    "cpe:/a:v:p",
                    "cpe:2.3:a:v",
                    "cpe:2.3:x:v:p:1:*:*:*:*:*:*:*",
                    "cpe:2.3:a:v:p:1:*:*:*:*:*:*:*:*",
                ],
            ),
        ];
        for (format, good, bad) in rows {
            good.iter().for_each(|text| assert!(format(text), "{text}"));
            bad.iter().for_each(|text| assert!(!format(text), "{text}"));
        }
    }

    #[test]
    fn encoded_words_are_found() {
        assert!(has_encoded_word("=?iso-8859-1?q?this=20is?="));
        assert!(!has_encoded_word("what =? is this ?="));
    }

    #[test]
    fn hashes_have_their_length() {
        assert!(hash_problem("MD5", &"a".repeat(32)).is_none());
        assert_eq!(hash_problem("MD5", "ab").unwrap().0, "STIX-10.7-01");
        assert!(hash_problem("SSDEEP", "96:abC/+:dE").is_none());
        assert!(hash_problem("x_lamp", "anything").is_none());
    }
}
