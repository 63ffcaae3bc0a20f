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
/// How far what SQLite keeps runs ahead of the last date, so that not every commit writes it.
const KEPT_AHEAD_US: i64 = AHEAD_MAX_US / 2;

/// The store's dates, in microseconds since 1970.
pub(crate) struct Clock {
    next: i64,
    now: i64,
    kept: i64,
}

/// The last date that was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastDate {
    date: i64,
    /// What the database keeps in its place: never below a date that is committed.
    kept: i64,
}

impl Clock {
    pub(crate) fn new(tx: &Tx<'_>, now: Timestamp) -> Result<Self, Error> {
        let last = match tx.group().and_then(|group| group.last_date.get()) {
            Some(last) => last,
            None => {
                let kept = journal::meta(tx, LAST_DATE)?
                    .and_then(|bytes| bytes.try_into().ok())
                    .map_or(0, i64::from_be_bytes);
                LastDate { date: kept, kept }
            }
        };
        let now = now.as_ms().saturating_mul(MS_US);
        Ok(Self { next: (last.date + 1).max(now), now, kept: last.kept })
    }

    /// The present, in milliseconds.
    pub(super) fn now_ms(&self) -> i64 {
        self.now / MS_US
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
        let last = LastDate { date: self.next - 1, kept: self.kept };
        match tx.group() {
            Some(group) => group.last_date.set(Some(last)),
            None => set_last_date(tx, last.date)?,
        }
        Ok(())
    }
}

/// Keeps the last date that the jobs of a group gave, unless what is kept is above it anyway.
///
/// One that refused may have given it: dates only need to rise.
pub(crate) fn keep_last_date(tx: &Tx<'_>, group: &Group) -> Result<(), Error> {
    let Some(last) = group.last_date.get().filter(|last| last.date > last.kept) else {
        return Ok(());
    };
    // PostgreSQL is asked by every process, and by pages that ask whether anything is new.
    let kept = if tx.is_postgres() { last.date } else { last.date + KEPT_AHEAD_US };
    set_last_date(tx, kept)?;
    group.last_date.set(Some(LastDate { kept, ..last }));
    Ok(())
}

fn set_last_date(tx: &Tx<'_>, last: i64) -> Result<(), Error> {
    journal::set_meta(tx, LAST_DATE, &last.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn rows_are_dated_class_by_class_and_each_class_ends_on_a_millisecond() {
        let mut clock = Clock { next: 5_000_001, now: 5_000_000, kept: 0 };
        assert_eq!(clock.stamp(&[2, 1, 2, 2]), [5_001_001, 5_001_000, 5_001_002, 5_002_000]);
        assert_eq!(clock.stamp(&[1]), [5_003_000]);
    }

    #[test]
    fn dates_that_run_ahead_of_the_clock_are_a_microsecond_apart() {
        let mut clock = Clock { next: 5_200_001, now: 5_000_000, kept: 0 };
        assert_eq!(clock.stamp(&[1, 1]), [5_200_001, 5_200_002]);
    }
}
