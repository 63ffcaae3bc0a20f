//! Where an account may use its roles, and what it may see there.

use std::collections::BTreeSet;

use protocol::terms::Timestamp;
use stix::Tlp;
use uuid::Uuid;

use crate::{
    Collection, Error, Sight, Store, Work, journal, params, rows,
    tx::{Row, Tx},
};

/// What an account may do in a collection (TAXII 2.1 section 5.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Its objects are shown.
    pub read: bool,
    /// Objects may be added.
    pub write: bool,
}

impl Rights {
    /// Neither.
    pub const NONE: Self = Self { read: false, write: false };
    /// Reading alone.
    pub const READ: Self = Self { read: true, write: false };
    /// Writing alone.
    pub const WRITE: Self = Self { read: false, write: true };
    /// Both.
    pub const ALL: Self = Self { read: true, write: true };
}

/// What an account may do in one collection, or in every one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Access {
    /// The account.
    pub account: String,
    /// The collection; every one, present and to come, where none is named.
    pub collection: Option<Uuid>,
    /// It may read there, where its roles let it read.
    pub read: bool,
    /// It may write there, where its roles let it write.
    pub write: bool,
}

/// Everything that bounds what an account may do and see.
#[derive(Debug, Clone, Default)]
pub struct Bounds {
    access: Vec<(i64, Rights)>,
    /// What it may see.
    pub sight: Sight,
}

impl Bounds {
    /// What it may do in a collection, as far as its roles let it.
    pub fn of(&self, collection: &Collection) -> Rights {
        let here = self.access.iter().filter(|(row, _)| *row == EVERY || *row == collection.row);
        here.fold(Rights::NONE, |all, (_, may)| Rights {
            read: all.read || may.read,
            write: all.write || may.write,
        })
    }
}

/// Row that stands for every collection.
const EVERY: i64 = 0;

impl Store {
    /// What bounds an account, in one snapshot.
    pub async fn bounds(&self, account: &str) -> Result<Bounds, Error> {
        self.snapshot(|tx| {
            let sql = "/* bounds */ SELECT collection, can_read, can_write FROM access
                       WHERE account = ?";
            let access = tx.query(sql, params![account], |row| {
                Ok((row.get(0)?, Rights { read: row.get(1)?, write: row.get(2)? }))
            })?;
            let mut sight = sight(tx, account)?;
            let reads = |(row, may): &(i64, Rights)| may.read.then_some(*row);
            let sources: BTreeSet<i64> = access.iter().filter_map(reads).collect();
            sight.sources = (!sources.contains(&EVERY)).then_some(sources);
            Ok(Bounds { access, sight })
        })
    }

    /// What every account may do where, by account.
    pub async fn access(&self) -> Result<Vec<Access>, Error> {
        self.read(|tx| {
            let sql = "/* access */ SELECT a.account, c.id, a.can_read, a.can_write FROM access a
                       LEFT JOIN collection c ON c.row = a.collection
                       ORDER BY a.account, a.collection";
            tx.query(sql, &[], |row| {
                Ok(Access {
                    account: row.get("account")?,
                    collection: rows::term_opt(row, "id")?,
                    read: row.get("can_read")?,
                    write: row.get("can_write")?,
                })
            })
        })
    }

    /// Lets an account read or write in a collection, or in every one; neither takes it away.
    ///
    /// *Errors*: [`Error::NotFound`] without the account.
    pub async fn grant(
        &self,
        account: String,
        collection: Option<Collection>,
        may: Rights,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            must_exist(tx, &account)?;
            let row = collection.as_ref().map_or(EVERY, |collection| collection.row);
            let Rights { read, write } = may;
            if may != Rights::NONE {
                tx.execute(
                    "/* grant */ INSERT INTO access VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (account, collection) DO UPDATE SET can_read = ?3, can_write = ?4",
                    params![account, row, read, write],
                )?;
            } else {
                let sql = "/* grant */ DELETE FROM access WHERE account = ? AND collection = ?";
                tx.execute(sql, params![account, row])?;
            }
            tx.leave(Work::Register);
            let place = match &collection {
                Some(collection) => format!("{}/{}", collection.root, collection.alias),
                None => "every collection".to_owned(),
            };
            let detail = format!("{account} in {place}: read {read}, write {write}");
            let line =
                journal::Line { detail: &detail, ..journal::Line::new(now, &actor, "access.set") };
            journal::write(tx, &line)
        })
        .await
    }

    /// Says what an account may see.
    ///
    /// *Errors*: [`Error::NotFound`] without the account.
    pub async fn set_sight(
        &self,
        account: String,
        sight: Sight,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            must_exist(tx, &account)?;
            tx.execute("/* set_sight */ DELETE FROM sight WHERE account = ?", params![account])?;
            if sight != Sight::default() {
                let communities = match &sight.communities {
                    Some(all) => rows::communities_column(all),
                    None => EVERY_COMMUNITY.to_owned(),
                };
                tx.execute(
                    "/* set_sight */ INSERT INTO sight VALUES (?, ?, ?)",
                    params![account, sight.ceiling as u8, communities],
                )?;
            }
            tx.leave(Work::Register);
            let detail = format!("{account} up to {}", sight.ceiling);
            let line =
                journal::Line { detail: &detail, ..journal::Line::new(now, &actor, "sight.set") };
            journal::write(tx, &line)
        })
        .await
    }
}

/// Where an account belongs to every community.
const EVERY_COMMUNITY: &str = "*";

fn sight(tx: &Tx<'_>, account: &str) -> Result<Sight, Error> {
    let sql = "/* sight */ SELECT ceiling, communities FROM sight WHERE account = ?";
    Ok(tx.query_opt(sql, params![account], read_sight)?.unwrap_or_default())
}

fn read_sight(row: &Row<'_>) -> Result<Sight, Error> {
    // A rank that is not known hides everything but what is clear.
    let ceiling = rows::tlp(row, "ceiling")?.unwrap_or(Tlp::Clear);
    let communities: String = row.get("communities")?;
    let communities = (communities != EVERY_COMMUNITY).then(|| rows::communities(&communities));
    Ok(Sight::new(ceiling, communities))
}

pub(crate) fn must_exist(tx: &Tx<'_>, account: &str) -> Result<(), Error> {
    let sql = "/* must_exist */ SELECT 1 FROM account WHERE name = ?";
    if tx.exists(sql, params![account])? { Ok(()) } else { Err(Error::NotFound) }
}
