//! By what an object without a version of its own is told: the request that brought it first.

use std::collections::BTreeMap;

use super::{Collection, NewObject, Outcome, classes::id_hash};
use crate::{
    Error, params,
    tx::{Given, Kind, ToColumn as _, Tx, Value},
};

/// What such objects are told by that were here before, by their place in a batch: their statuses
/// say the same as manifests do.
pub(super) fn of_those_here(
    tx: &Tx<'_>,
    collection: &Collection,
    objects: &[&NewObject],
    outcomes: &[Outcome],
) -> Result<BTreeMap<usize, String>, Error> {
    let mut given = Given::new(&[("n", Kind::Int), ("hash", Kind::Int), ("id", Kind::Bytes)]);
    let mut any = false;
    for (n, (object, outcome)) in objects.iter().zip(outcomes).enumerate() {
        if object.version.is_none() && matches!(outcome, Outcome::Same | Outcome::Conflict) {
            given.push([Value::count(n), Value::Int(id_hash(&object.id)), object.id.to_column()]);
            any = true;
        }
    }
    if !any {
        return Ok(BTreeMap::new());
    }
    // Rows are compared for the reason that `put::held` gives.
    let sql = "/* told */ SELECT g.n, e.version FROM {given} JOIN entry e INDEXED BY entry_object
               ON (e.id_hash, e.collection, e.version_key) >= (g.hash, ?1, '')
               AND (e.id_hash, e.collection, e.version_key) <= (g.hash, ?1, '') AND e.id = g.id";
    let found = tx.query_given(sql, params![collection.row], &given, |row| {
        Ok((row.get(0)?, row.get::<Option<String>>(1)?))
    })?;
    Ok(found.into_iter().filter_map(|(n, version)| Some((n, version?))).collect())
}
