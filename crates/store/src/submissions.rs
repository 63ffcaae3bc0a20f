//! Requests that are kept whole until their objects are: what a `pending` status stands for.

use bytes::Bytes;
use protocol::terms::Timestamp;
use uuid::Uuid;

use crate::{Collection, Error, Store, Work, objects, params, rows, tx::Row};

/// A request that is kept whole.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Id of its status.
    pub status_id: Uuid,
    /// To which collection.
    pub collection: Collection,
    /// By whom.
    pub account: String,
    /// Its body, as received.
    pub body: Bytes,
    /// How many objects are in it.
    pub total: usize,
    /// When it came.
    pub at: Timestamp,
}

fn read(row: &Row<'_>) -> Result<Kept, Error> {
    Ok(Kept {
        status_id: rows::term_opt(row, "status")?.ok_or(Error::Corrupt("a submission"))?,
        collection: objects::read_collection(row)?,
        account: row.get("account")?,
        body: row.get("body")?,
        total: row.get("total")?,
        at: rows::time(row, "at")?,
    })
}

impl Store {
    /// Keeps a request whole, until [`Store::drop_submission`].
    pub async fn keep_submission(&self, kept: Kept) -> Result<(), Error> {
        self.write(move |tx| {
            tx.execute(
                "/* keep_submission */ INSERT INTO submission VALUES (?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT DO NOTHING",
                params![
                    kept.status_id.to_string(),
                    kept.collection.row,
                    kept.collection.root,
                    kept.account,
                    &kept.body[..],
                    i64::try_from(kept.total).unwrap_or(i64::MAX),
                    kept.at.as_ms()
                ],
            )?;
            tx.leave(Work::Submissions);
            Ok(())
        })
        .await
    }

    /// Leases the oldest request that is kept whole; none where nothing waits.
    pub async fn lease_submission(&self) -> Result<Option<Kept>, Error> {
        let waiting = self.read(|tx| {
            let sql = "/* lease_submission */ SELECT status FROM submission ORDER BY at, status
                       LIMIT 32";
            tx.query(sql, &[], |row| row.get::<String>(0))
        })?;
        for status in waiting {
            let sql =
                "/* lease_submission */ SELECT s.status, s.account, s.body, s.total, s.at, c.*
                       FROM submission s JOIN collection c ON c.row = s.collection
                       WHERE s.status = ?";
            let found = self.lease_then(lease(&status), |tx| {
                tx.query_opt(sql, params![status.as_str()], read)
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Gives a request back that could not be dealt with now.
    pub fn free_submission(&self, status_id: Uuid) {
        self.free(&lease(&status_id.to_string()));
    }

    /// Forgets a request that was dealt with.
    pub async fn drop_submission(&self, status_id: Uuid) -> Result<(), Error> {
        let status = status_id.to_string();
        let done = status.clone();
        let dropped = self
            .write(move |tx| {
                let sql = "/* drop_submission */ DELETE FROM submission WHERE status = ?";
                tx.execute(sql, params![done.as_str()]).map(drop)
            })
            .await;
        self.free(&lease(&status));
        dropped
    }

    /// When a request that is still kept whole came, and how many objects are in it; for the
    /// account that made it.
    pub async fn submission(
        &self,
        root: &str,
        id: Uuid,
        account: &str,
    ) -> Result<Option<(Timestamp, usize)>, Error> {
        self.read(|tx| {
            let sql = "/* submission */ SELECT at, total FROM submission
                       WHERE status = ? AND root = ? AND account = ?";
            tx.query_opt(sql, params![id.to_string(), root, account], |row| {
                Ok((rows::time(row, "at")?, row.get("total")?))
            })
        })
    }
}

fn lease(status: &str) -> String {
    format!("submission/{status}")
}
