//! Timestamps written with a precision, and the next one after another.

use std::str::FromStr;

use jiff::{Span, Timestamp};

use crate::{compare_timestamps, time};

/// How many digits behind the second a timestamp is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// As many as it needs, none for a whole second.
    Any,
    /// None.
    Second,
    /// Three.
    Millisecond,
}

/// Whether a precision is all there is, or the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// Further digits are cut.
    Exact,
    /// Further digits stay, but for zeros at the end.
    Min,
}

/// Not a name of a precision or of a constraint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of: any second millisecond; exact min")]
pub struct UnknownPrecision;

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        match text.to_ascii_lowercase().as_str() {
            "any" => Ok(Self::Any),
            "second" => Ok(Self::Second),
            "millisecond" => Ok(Self::Millisecond),
            _ => Err(UnknownPrecision),
        }
    }
}

impl FromStr for Constraint {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        match text.to_ascii_lowercase().as_str() {
            "exact" => Ok(Self::Exact),
            "min" => Ok(Self::Min),
            _ => Err(UnknownPrecision),
        }
    }
}

/// A timestamp written with a precision; none for a text that is no timestamp.
///
/// ```
/// use stix::{Constraint::Min, Precision::Millisecond};
/// let text = stix::format_timestamp("2031-05-04T10:00:00.5Z", Millisecond, Min);
/// assert_eq!(text.as_deref(), Some("2031-05-04T10:00:00.500Z"));
/// ```
///
/// *Source*: STIX 2.1 sections 2.16 and 3.2.
pub fn format_timestamp(
    text: &str,
    precision: Precision,
    constraint: Constraint,
) -> Option<String> {
    let (seconds, fraction) = time::parse(text)?;
    let needed = fraction.trim_end_matches('0');
    let digits = match (precision, constraint) {
        (Precision::Any, _) | (Precision::Second, Constraint::Min) => needed.to_owned(),
        (Precision::Second, Constraint::Exact) => String::new(),
        (Precision::Millisecond, Constraint::Exact) => {
            format!("{:0<3}", fraction.get(..3).unwrap_or(fraction))
        }
        (Precision::Millisecond, Constraint::Min) => format!("{needed:0<3}"),
    };
    Some(if digits.is_empty() { format!("{seconds}Z") } else { format!("{seconds}.{digits}Z") })
}

/// `now` where it is later than `old` at the precision of an edition, else the moment after `old`:
/// a microsecond, in STIX 2.0 a millisecond. None for texts that are no timestamps, and at the end
/// of time.
pub(crate) fn later(old: &str, now: &str, constraint: Constraint) -> Option<String> {
    let old = format_timestamp(old, Precision::Millisecond, constraint)?;
    let now = format_timestamp(now, Precision::Millisecond, constraint)?;
    if compare_timestamps(&now, &old).is_gt() {
        return Some(now);
    }
    let step = match constraint {
        Constraint::Exact => Span::new().milliseconds(1),
        Constraint::Min => Span::new().microseconds(1),
    };
    let next = old.parse::<Timestamp>().ok()?.checked_add(step).ok()?;
    let next = format_timestamp(&format!("{next:.6}"), Precision::Millisecond, constraint)?;
    compare_timestamps(&next, &old).is_gt().then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_cuts_and_min_drops_only_zeros() {
        use Constraint::{Exact, Min};
        use Precision::{Any, Millisecond, Second};
        let rows = [
            ("", Any, Exact, ""),
            (".5000", Any, Min, ".5"),
            (".5", Second, Exact, ""),
            (".50", Second, Min, ".5"),
            ("", Millisecond, Exact, ".000"),
            (".12", Millisecond, Exact, ".120"),
            (".1239", Millisecond, Exact, ".123"),
            (".1239000", Millisecond, Min, ".1239"),
            (".000", Millisecond, Min, ".000"),
            (".123456789123", Any, Exact, ".123456789123"),
        ];
        for (fraction, precision, constraint, expected) in rows {
            let text = format!("2031-05-04T10:00:00{fraction}Z");
            let expected = format!("2031-05-04T10:00:00{expected}Z");
            assert_eq!(format_timestamp(&text, precision, constraint), Some(expected), "{text}");
        }
        assert_eq!(format_timestamp("2031-05-04", Any, Exact), None);
    }

    #[test]
    fn later_is_now_or_the_moment_after() {
        let old = "2031-12-31T23:59:59.999999Z";
        let now = "2032-01-01T00:00:00.5Z";
        assert_eq!(later(old, now, Constraint::Min).unwrap(), "2032-01-01T00:00:00.500Z");
        let back = "2031-01-01T00:00:00Z";
        assert_eq!(later(old, back, Constraint::Min).unwrap(), "2032-01-01T00:00:00.000Z");
        assert_eq!(later(old, back, Constraint::Exact).unwrap(), "2032-01-01T00:00:00.000Z");
        assert_eq!(later(back, back, Constraint::Exact).unwrap(), "2031-01-01T00:00:00.001Z");
        assert_eq!(later(back, back, Constraint::Min).unwrap(), "2031-01-01T00:00:00.000001Z");
        assert_eq!(later("9999-12-31T23:59:59.999999Z", back, Constraint::Min), None);
        assert_eq!(later("yesterday", back, Constraint::Min), None);
    }
}
