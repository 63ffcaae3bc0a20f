//! Constants: whether their spelling is one, and what it stands for.

use std::cmp::Ordering;

use super::syntax::Constant;
use crate::is_timestamp;

pub(super) const TIMESTAMP: &str = "a timestamp that exists, in UTC, with capital T and Z";

/// Whether a constant's spelling is one; else the rule and what was expected.
pub(super) fn check(constant: Constant<'_>) -> Result<(), (&'static str, &'static str)> {
    match constant {
        Constant::Binary(text) if !is_base64(text) => Err(("STIX-9.2-01", "base64 of RFC 4648")),
        Constant::Hex(text) if !is_hex(text) => {
            Err(("STIX-9.2-03", "an even number of hexadecimal digits"))
        }
        Constant::Timestamp(text) if !is_timestamp(text) => Err(("STIX-9.2-09", TIMESTAMP)),
        _ => Ok(()),
    }
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Groups of four of the alphabet, the last one padded; line feeds do not count (section 9.2).
fn is_base64(text: &str) -> bool {
    let (mut len, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        match byte {
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        len += 1;
    }
    len.is_multiple_of(4) && padding <= 2
}

/// The octets of base64 text; none if it is not base64.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if !is_base64(text) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        held = (held << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((held >> bits) & 0xff).unwrap_or_default());
        }
    }
    Some(out)
}

/// The octets of hexadecimal text; none if it is not hexadecimal.
pub(super) fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if !is_hex(text) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks_exact(2) {
        if let [high, low] = pair {
            out.push(digit(*high)? << 4 | digit(*low)?);
        }
    }
    Some(out)
}

/// A number of a pattern or of JSON, compared by value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// A whole number that fits; `50.0` is one (section 2.10).
    Whole(i128),
    Fraction(f64),
}

impl Number {
    /// Reads a number as JSON or a pattern spells it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse::<i128>() {
            return Some(Self::Whole(whole));
        }
        let float: f64 = text.parse().ok().filter(|float: &f64| float.is_finite())?;
        // Above 2^53 a double has no fraction, and below it the cast is exact.
        if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
            return Some(Self::Whole(float as i128));
        }
        Some(Self::Fraction(float))
    }

    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (Self::Fraction(a), Self::Fraction(b)) => a.total_cmp(&b),
            (Self::Whole(a), Self::Fraction(b)) => compare_mixed(a, b),
            (Self::Fraction(a), Self::Whole(b)) => compare_mixed(b, a).reverse(),
        }
    }
}

/// A fraction lies strictly between its floor and the next whole number, or is whole and large.
fn compare_mixed(whole: i128, fraction: f64) -> Ordering {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which keeps order")]
    let floor = fraction.floor() as i128;
    match whole.cmp(&floor) {
        Ordering::Equal if fraction.fract() != 0.0 => Ordering::Less,
        order => order,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_hex_are_decoded_and_others_refused() {
        assert_eq!(decode_base64("ABI="), Some(vec![0, 0x12]));
        assert_eq!(decode_base64("dGhp\ncyBpcyBhIHRlc3Q="), Some(b"this is a test".to_vec()));
        assert_eq!(decode_base64(""), Some(vec![]));
        for bad in ["A", "AA", "====", "AA=A", "A A=", "AAA-"] {
            assert_eq!(decode_base64(bad), None, "{bad}");
        }
        assert_eq!(decode_hex("ffC3"), Some(vec![0xff, 0xc3]));
        for bad in ["f", "gg", "é1"] {
            assert_eq!(decode_hex(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_compare_by_value_and_not_by_spelling() {
        let order = |a: &str, b: &str| Number::parse(a).unwrap().compare(Number::parse(b).unwrap());
        assert_eq!(order("1", "1.0"), Ordering::Equal);
        assert_eq!(order("1", "1.5"), Ordering::Less);
        assert_eq!(order("-1", "-1.5"), Ordering::Greater);
        assert_eq!(order("-2", "-1.5"), Ordering::Less);
        assert_eq!(order("9007199254740993", "9007199254740992"), Ordering::Greater);
        assert_eq!(order("1e3", "1000"), Ordering::Equal);
        assert!(Number::parse("1e400").is_none());
    }
}
