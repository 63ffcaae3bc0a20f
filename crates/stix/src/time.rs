//! Timestamps: RFC 3339 in UTC with any number of digits, kept as written, compared as numbers.

use std::cmp::Ordering;

/// Whether a text is a STIX timestamp: `YYYY-MM-DDThh:mm:ss[.s+]Z` with a date that exists; second
/// 60 at 23:59 only.
///
/// *Source*: STIX 2.1 section 2.16; RFC 3339 section 5.
pub fn is_timestamp(text: &str) -> bool {
    parse(text).is_some()
}

/// How many digits stand behind the second.
pub(crate) fn fraction_len(text: &str) -> usize {
    parse(text).map_or(0, |(_, fraction)| fraction.len())
}

/// Compares two timestamps as instants of any precision; texts that are none come last, by bytes.
pub fn compare_timestamps(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => compare(a, b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// The order of two timestamps as instants; none where one is no timestamp.
pub(crate) fn compare_if_timestamps(a: &str, b: &str) -> Option<Ordering> {
    Some(compare(parse(a)?, parse(b)?))
}

fn compare(a: (&str, &str), b: (&str, &str)) -> Ordering {
    (a.0, trim(a.1)).cmp(&(b.0, trim(b.1)))
}

/// A text whose byte order is the order of instants: no trailing zeros in the fraction.
///
/// A text that is no timestamp is returned as it is.
pub fn version_key(text: &str) -> String {
    match parse(text) {
        Some((seconds, fraction)) => {
            let fraction = trim(fraction);
            if fraction.is_empty() { seconds.to_owned() } else { format!("{seconds}.{fraction}") }
        }
        None => text.to_owned(),
    }
}

fn trim(fraction: &str) -> &str {
    fraction.trim_end_matches('0')
}

/// The text up to the second, and the digits of the fraction.
pub(crate) fn parse(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let (seconds, rest) = (text.get(..19)?, text.get(19..)?);
    let shape = seconds.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = bytes.get(from..to)?;
        Some(digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0'))))
    };
    if !shape || !date_exists(number(0, 4)?, number(5, 7)?, number(8, 10)?) {
        return None;
    }
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = second == 60 && hour == 23 && minute == 59;
    if hour > 23 || minute > 59 || (second > 59 && !leap) {
        return None;
    }
    let rest = rest.strip_suffix('Z')?;
    if rest.is_empty() {
        return Some((seconds, ""));
    }
    let fraction = rest.strip_prefix('.')?;
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some((seconds, fraction))
}

fn date_exists(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_of_any_precision_is_one() {
        for text in [
            "2031-05-04T10:00:00Z",
            "2031-05-04T10:00:00.1234567890Z",
            "2032-02-29T00:00:00.000Z",
            "2016-12-31T23:59:60Z",
        ] {
            assert!(is_timestamp(text), "{text}");
        }
    }

    #[test]
    fn timestamp_that_does_not_exist_is_none() {
        for text in [
            "2031-02-29T00:00:00Z",
            "2031-13-01T00:00:00Z",
            "2031-01-01T24:00:00Z",
            "2031-01-01T00:00:60Z",
            "2031-01-01t00:00:00Z",
            "2031-01-01T00:00:00.Z",
            "2031-01-01T00:00:00+00:00",
            "2031-01-01",
            "",
            "2031-01-01T00:00:0é",
        ] {
            assert!(!is_timestamp(text), "{text}");
        }
    }

    #[test]
    fn timestamps_compare_as_instants_and_keys_as_bytes() {
        let rising = ["2031-01-01T00:00:00Z", "2031-01-01T00:00:00.05Z", "2031-01-01T00:00:00.1Z"];
        for pair in rising.windows(2) {
            assert_eq!(compare_timestamps(pair[0], pair[1]), Ordering::Less);
            assert!(version_key(pair[0]) < version_key(pair[1]));
        }
        assert_eq!(version_key("2031-01-01T00:00:00.500Z"), version_key("2031-01-01T00:00:00.5Z"));
        assert_eq!(
            compare_timestamps("2031-01-01T00:00:00.000Z", "2031-01-01T00:00:00Z"),
            Ordering::Equal
        );
    }
}
