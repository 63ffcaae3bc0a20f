//! Entries that an older build classed: they are read again once, a batch at a time, so that what is
//! marked for a community, or with what became known since, is seen by whom it should be.

use bytes::Bytes;
use stix::Tlp;

use super::{Awaiting, classes};
use crate::{Error, Store, params, rows};

/// An entry with the class that it has.
#[derive(Debug, Clone)]
pub struct Old {
    /// The entry.
    pub entry: Awaiting,
    /// The label of its class.
    pub tlp: Option<Tlp>,
    /// The communities of its class.
    pub communities: Vec<String>,
}

/// Some entries of one collection, in the order of their dates.
#[derive(Debug, Clone)]
pub struct Reread {
    collection: i64,
    /// The last date among them; none where there are no more.
    read_to: Option<i64>,
    /// The entries.
    pub entries: Vec<Old>,
}

impl Store {
    /// The next entries to read again; none where all were.
    pub async fn reread(&self, limit: u32) -> Result<Option<Reread>, Error> {
        self.read(|tx| {
            let sql = "/* reread */ SELECT collection, read_to, until FROM reread
                       ORDER BY collection LIMIT 1";
            let place: Option<(i64, i64, i64)> =
                tx.query_opt(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let Some((collection, read_to, until)) = place else { return Ok(None) };
            let sql = "/* reread */ SELECT e.date_added, k.tlp, k.communities, b.body FROM entry e
                       JOIN class k ON k.id = e.class JOIN blob b ON b.row = e.row
                       WHERE e.collection = ? AND e.date_added > ? AND e.date_added <= ?
                       ORDER BY e.date_added LIMIT ?";
            let entries = tx.query(sql, params![collection, read_to, until, limit], |row| {
                let (date, tlp, body): (i64, i64, Bytes) = (row.get(0)?, row.get(1)?, row.get(3)?);
                let communities: String = row.get(2)?;
                Ok::<_, Error>(Old {
                    entry: Awaiting::new(collection, date, body),
                    tlp: classes::label(tlp),
                    communities: rows::communities(&communities),
                })
            })?;
            let read_to = entries.last().map(|old| old.entry.date_added());
            Ok(Some(Reread { collection, read_to, entries }))
        })
    }

    /// These were read again, and what changed is dated anew.
    pub async fn reread_done(&self, reread: &Reread) -> Result<(), Error> {
        let (collection, read_to) = (reread.collection, reread.read_to);
        self.write(move |tx| {
            match read_to {
                Some(date) => tx.execute(
                    "/* reread_done */ UPDATE reread SET read_to = ?2
                     WHERE collection = ?1 AND read_to < ?2",
                    params![collection, date],
                )?,
                None => tx.execute(
                    "/* reread_done */ DELETE FROM reread WHERE collection = ?",
                    params![collection],
                )?,
            };
            Ok(())
        })
        .await
    }
}
