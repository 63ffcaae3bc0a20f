//! Making a collection and changing it: its words, how long it keeps things, what it is fed from.

use protocol::{findings::FindingsChange, terms::Timestamp, words::plural};
use uuid::Uuid;

use super::{Collection, Flow, feed, read_collection};
use crate::{Error, Store, Work, journal, params, rows};

/// A collection of the service's own that is to be made.
#[derive(Debug, Clone)]
pub struct NewCollection {
    /// Its id.
    pub id: Uuid,
    /// Its API root.
    pub root: String,
    /// Its alias.
    pub alias: String,
    /// Its title.
    pub title: String,
    /// Days that an object stays; for good where none are given.
    pub retention_days: Option<u32>,
    /// What it is fed from: an aggregate where any is named.
    pub sources: Vec<Collection>,
}

impl NewCollection {
    /// One in the root `local` that keeps what is posted to it for good.
    pub fn local(id: Uuid, alias: &str, title: &str) -> Self {
        Self {
            id,
            root: "local".to_owned(),
            alias: alias.to_owned(),
            title: title.to_owned(),
            retention_days: None,
            sources: Vec::new(),
        }
    }

    fn flow(&self) -> Flow {
        if self.sources.is_empty() { Flow::Local } else { Flow::Aggregate }
    }
}

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
    /// Makes a collection.
    ///
    /// *Atomicity*: the collection, its sources and the journal in one transaction.
    ///
    /// *Errors*: [`Error::State`] where alias or title are taken in its root, or where a source is
    /// an aggregate itself.
    pub async fn create_collection(
        &self,
        new: NewCollection,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let taken = tx.exists(
                "/* create_collection */ SELECT 1 FROM collection
                 WHERE root = ? AND (alias = ? OR title = ?)",
                params![new.root, new.alias, new.title],
            )?;
            if taken {
                return Err(Error::State(
                    "there is a collection of that alias or title",
                    "take another alias or title, or use that collection",
                ));
            }
            let made = tx.query_one(
                "/* create_collection */ INSERT INTO collection
                 (id, root, alias, title, description, flow, retention_days, created)
                 VALUES (?, ?, ?, ?, '', ?, ?, ?) RETURNING *",
                params![
                    new.id.to_string(),
                    new.root,
                    new.alias,
                    new.title,
                    new.flow().word(),
                    new.retention_days,
                    now.as_ms()
                ],
                read_collection,
            )?;
            tx.leave(Work::Register);
            let keeps = kept_for(new.retention_days);
            let detail = format!("{}/{} keeps things {keeps}", made.root, made.alias);
            let line = journal::Line {
                detail: &detail,
                ..journal::Line::new(now, &actor, "collection.created")
            };
            journal::write(tx, &line)?;
            match new.flow() {
                Flow::Aggregate => feed::set_sources(tx, &made, &new.sources, &actor, now),
                _ => Ok(()),
            }
        })
        .await
    }

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
            tx.leave(Work::Register);
            let keeps = kept_for(days);
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

fn kept_for(days: Option<u32>) -> String {
    days.map_or_else(|| "for good".to_owned(), in_words)
}

/// So many objects.
pub(super) fn objects(count: usize) -> String {
    plural(count as u64, "object", "objects")
}

/// How long things are kept.
pub(super) fn in_words(days: u32) -> String {
    format!("for {}", plural(days.into(), "day", "days"))
}
