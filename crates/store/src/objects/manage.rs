//! What an administrator says of a collection: its words, and how long it keeps things.

use protocol::{findings::FindingsChange, terms::Timestamp};

use super::Collection;
use crate::{Error, Store, journal, params, rows};

/// A change to a collection; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectionChange {
    /// Its title.
    pub title: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Days that an object stays; `Some(None)` is for good.
    pub retention_days: Option<Option<u32>>,
    /// In what its policy for findings differs; `Some(None)` is in nothing.
    pub policy: Option<Option<FindingsChange>>,
}

impl Store {
    /// Changes a collection.
    ///
    /// *Atomicity*: the change and its journal line in one transaction; may run twice.
    pub async fn change_collection(
        &self,
        collection: Collection,
        change: CollectionChange,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let title = change.title.as_ref().unwrap_or(&collection.title);
            let description = change.description.as_ref().unwrap_or(&collection.description);
            let days = change.retention_days.unwrap_or(collection.retention_days);
            let policy = change.policy.as_ref().unwrap_or(&collection.policy);
            let policy = rows::policy_column(policy.as_ref());
            tx.execute(
                "/* change_collection */ UPDATE collection
                 SET title = ?, description = ?, retention_days = ?, policy = ? WHERE row = ?",
                params![title, description, days, policy, collection.row],
            )?;
            let keeps = days.map_or("for good".to_owned(), |days| format!("for {days} days"));
            let detail = format!("{}/{} keeps things {keeps}", collection.root, collection.alias);
            let line = journal::Line {
                detail: &detail,
                ..journal::Line::new(now, &actor, "collection.changed")
            };
            journal::write(tx, &line)
        })
        .await
    }
}
