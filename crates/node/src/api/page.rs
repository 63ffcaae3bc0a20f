//! Pages by key: `next` of one answer is `after` of the next request.

use std::{fmt, str::FromStr};

use protocol::terms::Timestamp;
use serde::Deserialize;

use super::{ROWS, ROWS_MAX, parse_opt};
use crate::problem::Problem;

/// What a reader asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    pub(super) after: Option<String>,
    pub(super) limit: Option<u32>,
}

/// A row's place in a list: when, and which of the rows of that moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<Id>(pub(super) Timestamp, pub(super) Id);

/// A text that names no place.
#[derive(Debug, thiserror::Error)]
#[error("not the `next` of an answer")]
pub(super) struct NoPlace;

impl<Id: fmt::Display> fmt::Display for Place<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.as_ms(), self.1)
    }
}

impl<Id: FromStr> FromStr for Place<Id> {
    type Err = NoPlace;
    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (ms, id) = text.split_once('.').ok_or(NoPlace)?;
        let at = Timestamp::from_ms(ms.parse().map_err(|_| NoPlace)?);
        Ok(Self(at, id.parse().map_err(|_| NoPlace)?))
    }
}

impl PageQuery {
    /// The row after which the page begins, and how many rows it has at most.
    pub(super) fn read<Id: FromStr>(&self) -> Result<(Option<(Timestamp, Id)>, u32), Problem> {
        let place: Option<Place<Id>> = parse_opt(self.after.as_deref(), "after")?;
        let limit = self.limit.unwrap_or(ROWS).clamp(1, ROWS_MAX);
        Ok((place.map(|Place(at, id)| (at, id)), limit))
    }
}

/// Where the next page begins; `None` at the end.
pub(super) fn next<T, Id: fmt::Display>(
    rows: &[T],
    limit: u32,
    place: impl Fn(&T) -> Place<Id>,
) -> Option<String> {
    let full = rows.len() >= limit as usize;
    rows.last().filter(|_| full).map(|row| place(row).to_string())
}
