//! Pages by key: a reader goes on from the last row it saw, whatever came in between.

use protocol::{
    findings::Found,
    terms::{StatementId, Timestamp},
};
use uuid::Uuid;

use crate::{
    Audience, Error, Release, ReleaseState, Statement, Store, objects, params, releases,
    statements, tx::Row,
};

/// One item of a release as its service's people see it: never its bytes.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ItemRow {
    /// Its index.
    pub index: u32,
    /// Id of the object.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// Who may see it.
    #[serde(flatten)]
    pub audience: Audience,
    /// Whether it was recalled.
    pub recalled: bool,
    /// What was found in it.
    pub findings: Vec<Found>,
}

impl Store {
    /// Releases after a row, newest first; only those in a state where one is named.
    pub async fn releases_page(
        &self,
        after: Option<(Timestamp, Uuid)>,
        state: Option<ReleaseState>,
        limit: u32,
    ) -> Result<Vec<Release>, Error> {
        let (at, id) =
            after.map_or((i64::MAX, String::new()), |(at, id)| (at.as_ms(), id.to_string()));
        self.read(|tx| {
            let sql = "/* releases_page */ SELECT * FROM release
                       WHERE (created < ?1 OR (created = ?1 AND id < ?2))
                       AND state = coalesce(?3, state) ORDER BY created DESC, id DESC LIMIT ?4";
            tx.query(sql, params![at, id, state.map(ReleaseState::word), limit], releases::read)
        })
    }

    /// Statements after a row, newest first.
    pub async fn statements_page(
        &self,
        after: Option<(Timestamp, StatementId)>,
        limit: u32,
    ) -> Result<Vec<Statement>, Error> {
        let (at, id) =
            after.map_or((i64::MAX, String::new()), |(at, id)| (at.as_ms(), id.to_string()));
        self.read(|tx| {
            let sql = "/* statements_page */ SELECT * FROM statement
                       WHERE (at < ?1 OR (at = ?1 AND id < ?2)) ORDER BY at DESC, id DESC LIMIT ?3";
            let found = tx.query(sql, params![at, id, limit], statements::read)?;
            found.into_iter().map(|row| statements::with_deliveries(tx, row)).collect()
        })
    }

    /// The items of a release with what was found in them, in order.
    pub async fn item_rows(&self, release: Uuid) -> Result<Vec<ItemRow>, Error> {
        self.read(|tx| {
            let sql = "/* item_rows */ SELECT idx, row, id, version, tlp, communities, recalled
                       FROM release_item WHERE release = ? ORDER BY idx";
            let read = |row: &Row<'_>| Ok((row.get("row")?, item_row(row)?));
            let mut items: Vec<(i64, ItemRow)> =
                tx.query(sql, params![release.to_string()], read)?;
            let bodies = items.iter().map(|(row, item)| (*row, item.id.as_str()));
            for (place, found) in objects::findings(tx, bodies)? {
                if let Some((_, item)) = items.get_mut(place) {
                    item.findings = found;
                }
            }
            Ok(items.into_iter().map(|(_, item)| item).collect())
        })
    }
}

fn item_row(row: &Row<'_>) -> Result<ItemRow, Error> {
    Ok(ItemRow {
        index: row.get("idx")?,
        id: row.get("id")?,
        version: row.get("version")?,
        audience: Audience::read(row)?,
        recalled: row.get("recalled")?,
        findings: Vec::new(),
    })
}
