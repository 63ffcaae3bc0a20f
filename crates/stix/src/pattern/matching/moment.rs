//! Moments and spans of time as whole numbers, so that they are compared and added exactly.

use crate::is_timestamp;

/// A moment: units of 10^-24 s since the year 0; finer digits of a timestamp are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) i128);

const FRACTION_DIGITS: usize = 24;
const SECOND: i128 = 1_000_000_000_000_000_000_000_000;

impl Moment {
    /// Reads a timestamp (section 2.16).
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !is_timestamp(text) {
            return None;
        }
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let days = days_before(number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let seconds = (days * 24 + number(11, 13)?) * 3600 + number(14, 16)? * 60 + number(17, 19)?;
        let fraction = text.get(20..).and_then(|rest| rest.strip_suffix('Z')).unwrap_or_default();
        Some(Self(i128::from(seconds) * SECOND + fraction_units(fraction)))
    }

    /// The moment a span later.
    pub(super) fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// A span of time, not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(i128);

impl Span {
    /// Reads a number of seconds as a pattern spells it; none when it is not positive.
    pub(super) fn parse(seconds: &str) -> Option<Self> {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(i128::MAX) };
        let units = whole.saturating_mul(SECOND).saturating_add(fraction_units(fraction));
        // A fraction below the unit is still more than nothing.
        let tiny = units == 0 && fraction.bytes().any(|digit| digit != b'0');
        let units = if tiny { 1 } else { units };
        (units > 0).then_some(Self(units))
    }
}

fn fraction_units(digits: &str) -> i128 {
    let digits = digits.get(..FRACTION_DIGITS).unwrap_or(digits);
    let value: i128 = digits.parse().unwrap_or_default();
    let missing = u32::try_from(FRACTION_DIGITS - digits.len()).unwrap_or_default();
    value * 10_i128.pow(missing)
}

/// Days from the first day of the year 0 of the Gregorian calendar.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the day that may be missing at their end.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (month * 153 + 2) / 5 + day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_differ_by_the_seconds_between_them() {
        let moment = |text: &str| Moment::parse(text).unwrap();
        for (earlier, later, seconds) in [
            ("2031-12-31T23:59:59Z", "2032-01-01T00:00:00Z", "1"),
            ("2032-02-28T00:00:00Z", "2032-03-01T00:00:00Z", "172800"),
            ("2031-02-28T00:00:00Z", "2031-03-01T00:00:00Z", "86400"),
            ("2000-02-29T12:00:00.25Z", "2000-02-29T12:00:01Z", ".75"),
            ("1900-02-28T00:00:00Z", "1900-03-01T00:00:00Z", "86400"),
            ("0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "31622400"),
        ] {
            let span = Span::parse(seconds).unwrap();
            assert_eq!(moment(earlier).plus(span), moment(later), "{earlier}");
        }
        assert_eq!(Moment::parse("2031-02-30T00:00:00Z"), None);
        assert_eq!((Span::parse("0"), Span::parse("0.000")), (None, None));
        assert!(Span::parse("0.0000000000000000000000000001").is_some());
        assert!(Span::parse("99999999999999999999999999999999999999999999").is_some());
    }
}
