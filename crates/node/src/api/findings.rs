//! Policies for findings as the API changes them: a merge patch (RFC 7396) of what holds already.

use protocol::findings::FindingsChange;
use serde::{Deserialize, Deserializer};

use super::malformed;
use crate::problem::Problem;

/// A member that may be absent or null: the two say different things.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// What is kept after a change: nothing where none was asked for.
pub(super) fn changed(
    held: Option<FindingsChange>,
    change: Option<Option<FindingsChange>>,
) -> Result<Option<Option<FindingsChange>>, Problem> {
    let Some(change) = change else { return Ok(None) };
    let Some(change) = change else { return Ok(Some(None)) };
    let all = held.unwrap_or_default().then(change);
    all.map(|all| Some(Some(all))).map_err(|error| malformed("FND-1", &error.to_string()))
}
