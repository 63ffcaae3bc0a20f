//! Dates for entries: above all earlier ones, class by class.

use std::collections::BTreeMap;

use protocol::terms::Timestamp;

use crate::{
    Error, journal,
    tx::{Group, Tx},
};

const LAST_DATE: &str = "objects.last_date";
const MS_US: i64 = 1_000;
/// How far dates may run ahead of the clock before batches no longer end on a whole millisecond.
const AHEAD_MAX_US: i64 = 100_000;

/// The store's dates, in microseconds since 1970.
pub(crate) struct Clock {
    next: i64,
    now: i64,
}

impl Clock {
    pub(crate) fn new(tx: &Tx<'_>, now: Timestamp) -> Result<Self, Error> {
        let last = match tx.group().and_then(|group| group.last_date.get()) {
            Some(date) => date,
            None => journal::meta(tx, LAST_DATE)?
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, i64::from_be_bytes),
        };
        let now = now.as_ms().saturating_mul(MS_US);
        Ok(Self { next: (last + 1).max(now), now })
    }

    /// The present, in milliseconds.
    pub(super) fn now_ms(&self) -> i64 {
        self.now / MS_US
    }

    /// The present.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms())
    }

    /// A date for each row of a batch, given the class of each: the rows of a class in their
    /// order, a microsecond apart, the last of them on a whole millisecond.
    ///
    /// Neither gaps nor ends of a batch then tell of rows of another class, and a client that
    /// keeps three digits of a date does not fetch its last millisecond again. When batches come
    /// faster than milliseconds, dates would run away from the clock, so the second part waits.
    pub(super) fn stamp(&mut self, classes: &[i64]) -> Vec<i64> {
        let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (place, class) in classes.iter().enumerate() {
            places.entry(*class).or_default().push(place);
        }
        let mut dates = vec![0; classes.len()];
        for places in places.values() {
            for (n, place) in places.iter().enumerate() {
                if n + 1 == places.len() && self.next - self.now < AHEAD_MAX_US {
                    // A date is never below zero: no clock of ours stands before 1970.
                    self.next = (self.next + MS_US - 1) / MS_US * MS_US;
                }
                if let Some(date) = dates.get_mut(*place) {
                    *date = self.next;
                }
                self.next += 1;
            }
        }
        dates
    }

    /// Keeps the last date: for the next job of the group, whose commit writes it once for all.
    pub(crate) fn keep(&self, tx: &Tx<'_>) -> Result<(), Error> {
        let last = self.next - 1;
        match tx.group() {
            Some(group) => group.last_date.set(Some(last)),
            None => set_last_date(tx, last)?,
        }
        Ok(())
    }
}

/// Keeps the last date that the jobs of a group gave.
///
/// One that refused may have given it: dates only need to rise.
pub(crate) fn keep_last_date(tx: &Tx<'_>, group: &Group) -> Result<(), Error> {
    group.last_date.get().map_or(Ok(()), |last| set_last_date(tx, last))
}

fn set_last_date(tx: &Tx<'_>, last: i64) -> Result<(), Error> {
    journal::set_meta(tx, LAST_DATE, &last.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn rows_are_dated_class_by_class_and_each_class_ends_on_a_millisecond() {
        let mut clock = Clock { next: 5_000_001, now: 5_000_000 };
        assert_eq!(clock.stamp(&[2, 1, 2, 2]), [5_001_001, 5_001_000, 5_001_002, 5_002_000]);
        assert_eq!(clock.stamp(&[1]), [5_003_000]);
    }

    #[test]
    fn dates_that_run_ahead_of_the_clock_are_a_microsecond_apart() {
        let mut clock = Clock { next: 5_200_001, now: 5_000_000 };
        assert_eq!(clock.stamp(&[1, 1]), [5_200_001, 5_200_002]);
    }
}
