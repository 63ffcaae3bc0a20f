//! What became of the objects of a request: a status for each, for the account that made it.
//!
//! Rows lie in the order in which they came, and so does their index: a new one goes where the last
//! one went, while each of those in the order of random ids would be written into a page of its own.
//! Ids are random to look at all the same, as TAXII asks for; [`in_order`] leads from one to the
//! other.

use protocol::{secrets, terms::Timestamp};
use uuid::Uuid;

use super::{AddObjects, Line};
use crate::{
    Error, Store, params, rows,
    tx::{Given, Kind, ToColumn as _, Tx, Value},
};

/// A stored TAXII status.
#[derive(Debug, Clone)]
pub struct Status {
    /// Its id.
    pub id: Uuid,
    /// When the request came.
    pub at: Timestamp,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// Bytes of an id that carry its time.
const TIME_LEN: usize = 4;

/// The id of the status of a request made `now`, of version 4: its first bytes are the time under
/// a mask that follows from the others, which are those of `random`.
pub fn status_id(now: Timestamp, random: Uuid) -> Uuid {
    let mut bytes = random.into_bytes();
    // The low bytes, which begin anew every 50 days: later than a status is forgotten.
    let [_, _, _, _, time @ ..] = now.as_ms().to_be_bytes();
    bytes[..TIME_LEN].copy_from_slice(&time);
    in_order(Uuid::from_bytes(bytes))
}

/// The key that the row of a status lies under, of its id; and the id, of that key.
fn in_order(id: Uuid) -> Uuid {
    let mut bytes = id.into_bytes();
    let (time, random) = bytes.split_at_mut(TIME_LEN);
    for (byte, mask) in time.iter_mut().zip(secrets::sha256(random).0) {
        *byte ^= mask;
    }
    Uuid::from_bytes(bytes)
}

/// What the row of a status may lie under: where an older build kept it, that is the id itself.
fn keys(id: Uuid) -> [String; 2] {
    [in_order(id), id].map(|key| key.to_string())
}

/// Keeps what became of requests; the same request again is told anew.
pub(super) fn keep<'r>(
    tx: &Tx<'_>,
    requests: impl Iterator<Item = (&'r AddObjects, &'r [Line])>,
) -> Result<(), Error> {
    const COLUMNS: &[(&str, Kind)] = &[
        ("id", Kind::Text),
        ("root", Kind::Text),
        ("account", Kind::Bytes),
        ("body", Kind::Bytes),
        ("at", Kind::Int),
    ];
    let texts = |(request, lines): (&'r AddObjects, &'r [Line])| {
        let body = serde_json::to_string(lines).unwrap_or_default();
        (request, in_order(request.status_id).to_string(), body)
    };
    let requests: Vec<_> = requests.map(texts).collect();
    let mut given = Given::new(COLUMNS);
    for (request, key, body) in &requests {
        given.push([
            key.to_column(),
            request.collection.root.to_column(),
            request.account.to_column(),
            body.to_column(),
            Value::Int(request.now.as_ms()),
        ]);
    }
    // Not told to update where there is one: SQLite copies pages before each statement that may.
    let sql = "/* status::keep */ INSERT OR FAIL INTO status (id, root, account, body, at)
               SELECT g.id, g.root, g.account, g.body, g.at FROM {given} WHERE true
               ON CONFLICT (id) DO NOTHING";
    if tx.execute_given(sql, &[], &given)? < requests.len() {
        let sql = "/* status::keep */ UPDATE OR FAIL status SET root = g.root,
                   account = g.account, body = g.body, at = g.at FROM {given}
                   WHERE status.id = g.id";
        tx.execute_given(sql, &[], &given)?;
    }
    Ok(())
}

/// Puts lines in the place of those of a status; one that was forgotten since stays so.
pub(crate) fn change(tx: &Tx<'_>, id: Uuid, changed: &[Line]) -> Result<(), Error> {
    let sql = "/* status::change */ SELECT id, body FROM status WHERE id IN (?, ?)";
    let [key, older] = keys(id);
    let found = tx.query_opt(sql, params![key, older], |row| {
        Ok((row.get::<String>("id")?, row.get::<String>("body")?))
    })?;
    let Some((key, body)) = found else { return Ok(()) };
    let mut lines = read(&body)?;
    for line in &mut lines {
        if let Some(now) = changed.iter().find(|now| now.place == line.place) {
            line.clone_from(now);
        }
    }
    let body = serde_json::to_string(&lines).unwrap_or_default();
    let sql = "/* status::change */ UPDATE status SET body = ? WHERE id = ?";
    tx.execute(sql, params![body, key]).map(drop)
}

fn read(body: &str) -> Result<Vec<Line>, Error> {
    serde_json::from_str(body).map_err(|_| Error::Corrupt("a status"))
}

/// Forgets the oldest: up to the first that came since; how many went.
pub(crate) fn forget(tx: &Tx<'_>, since: Timestamp) -> Result<usize, Error> {
    // Told by rows, which no index by time is needed for.
    let sql = "/* status::forget */ DELETE FROM status WHERE row < coalesce(
               (SELECT s.row FROM status s WHERE s.at >= ? ORDER BY s.row LIMIT 1), ?)";
    tx.execute(sql, params![since.as_ms(), i64::MAX])
}

impl Store {
    /// The status of a request, for the account that made it.
    pub async fn status(
        &self,
        root: &str,
        id: Uuid,
        account: &str,
    ) -> Result<Option<Status>, Error> {
        self.read(|tx| {
            let sql = "/* status */ SELECT at, body FROM status
                       WHERE id IN (?, ?) AND root = ? AND account = ?";
            let [key, older] = keys(id);
            tx.query_opt(sql, params![key, older, root, account], |row| {
                let body: String = row.get("body")?;
                Ok(Status { id, at: rows::time(row, "at")?, lines: read(&body)? })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_random_to_look_at_and_their_keys_rise_with_time() {
        let random =
            |n: u8| uuid::Builder::from_random_bytes([n.wrapping_mul(113); 16]).into_uuid();
        let id = |n: u8| status_id(Timestamp::from_ms(1_790_000_000_000 + i64::from(n)), random(n));
        let ids: Vec<_> = (0..100).map(id).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 4), "as TAXII 2.1 section 2 asks");
        assert!(ids.iter().all(|id| id.get_variant() == uuid::Variant::RFC4122));
        assert!(!ids.is_sorted(), "an id does not tell its time");
        let keys: Vec<_> = ids.iter().map(|id| in_order(*id)).collect();
        assert!(keys.is_sorted());
        assert_eq!(keys.iter().map(|key| in_order(*key)).collect::<Vec<_>>(), ids);
    }
}
