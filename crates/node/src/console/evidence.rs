//! What proves a statement to somebody who believes nobody: its manifest, its place in the ledger.

use protocol::terms::StatementId;
use store::Store;

use super::look::{self, Piece};
use crate::problem::Problem;

/// The proof as a page shows it.
pub(super) struct Proof {
    pub(super) statement: Piece,
    pub(super) leaf: Option<String>,
    pub(super) manifest: Piece,
    pub(super) header: Piece,
}

impl Proof {
    pub(super) async fn of(store: &Store, id: &StatementId) -> Result<Option<Self>, Problem> {
        let Some(evidence) = store.evidence(id).await? else { return Ok(None) };
        Ok(Some(Self {
            statement: look::id(&id.to_string()),
            leaf: evidence.leaf.map(look::count),
            manifest: look::document(&String::from_utf8_lossy(&evidence.manifest)),
            header: look::document(&super::items::pretty(&evidence.header)),
        }))
    }
}
