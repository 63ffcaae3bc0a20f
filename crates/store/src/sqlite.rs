//! The embedded database: connections, migrations, and a group's transaction over SQLite.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig, functions::FunctionFlags};

use crate::{Error, objects, tx::Tx, work::Left, writer::Engine};

/// Migrations, oldest first; one that has landed never changes.
const MIGRATIONS: [&str; 19] = [
    include_str!("../migrations/sqlite/0001.sql"),
    include_str!("../migrations/sqlite/0002.sql"),
    include_str!("../migrations/sqlite/0003.sql"),
    include_str!("../migrations/sqlite/0004.sql"),
    include_str!("../migrations/sqlite/0005.sql"),
    include_str!("../migrations/sqlite/0006.sql"),
    include_str!("../migrations/sqlite/0007.sql"),
    include_str!("../migrations/sqlite/0008.sql"),
    include_str!("../migrations/sqlite/0009.sql"),
    include_str!("../migrations/sqlite/0010.sql"),
    include_str!("../migrations/sqlite/0011.sql"),
    include_str!("../migrations/sqlite/0012.sql"),
    include_str!("../migrations/sqlite/0013.sql"),
    include_str!("../migrations/sqlite/0014.sql"),
    include_str!("../migrations/sqlite/0015.sql"),
    include_str!("../migrations/sqlite/0016.sql"),
    include_str!("../migrations/sqlite/0017.sql"),
    include_str!("../migrations/sqlite/0018.sql"),
    include_str!("../migrations/sqlite/0019.sql"),
];

/// Memory of a connection for pages.
pub(crate) const CACHE_KIB: u32 = 16_000;

/// Pages of the log that are carried into the file at once: 32 MiB. A page that was written many
/// times since is carried once, so eight times SQLite's own number costs less for each commit.
const CHECKPOINT_PAGES: u32 = 8_000;

/// Gives a connection more or less memory for pages.
pub(crate) fn set_cache(connection: &Connection, kib: u32) -> Result<(), Error> {
    // A negative size is one in KiB.
    Ok(connection.pragma_update(None, "cache_size", -i64::from(kib))?)
}

/// Makes an empty file that only its owner may read, where there is none; SQLite gives those beside
/// it the same mode.
///
/// A file that is there is not opened: closing it again would let go of the locks of this process.
fn make(path: &Path) -> Result<(), Error> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(Error::File(error)),
        _ => Ok(()),
    }
}

/// Opens a connection, and makes the file if there is none.
pub(crate) fn connect(path: &Path) -> Result<Connection, Error> {
    make(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // A commit of a few rows changes a page here and there, and writes each of them whole.
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    set_cache(&connection, CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // Without it SQLite compiles a kept statement again for each new value of a parameter that its
    // plan might profit from: a third of the time of a short read.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// Brings the database to the newest version.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("id_hash", 1, flags, |context| {
        context.get::<String>(0).map(|id| objects::id_hash(&id))
    })?;
    let missing = MIGRATIONS.iter().zip(1u32..).skip(found as usize);
    for (sql, version) in missing {
        let tx = connection.transaction()?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()?;
    }
    Ok(())
}

/// The writer's connection.
pub(crate) struct SqliteEngine {
    connection: Connection,
    /// Changes whenever another connection commits, and never otherwise.
    version: u32,
    /// Another process committed, and nobody was told yet.
    has_news: bool,
}

impl SqliteEngine {
    pub(crate) fn new(connection: Connection) -> Result<Self, Error> {
        let version = data_version(&connection)?;
        Ok(Self { connection, version, has_news: false })
    }

    /// One statement, kept compiled.
    fn one(&self, sql: &str) -> Result<(), Error> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn batch(&self, sql: &str) -> Result<(), Error> {
        Ok(self.connection.execute_batch(sql)?)
    }
}

fn data_version(connection: &Connection) -> Result<u32, Error> {
    let mut asked = connection.prepare_cached("PRAGMA data_version")?;
    Ok(asked.query_row([], |row| row.get(0))?)
}

impl Engine for SqliteEngine {
    fn begin(&mut self) -> Result<bool, Error> {
        self.one("BEGIN IMMEDIATE")?;
        // Within the transaction, where it costs no lock of its own.
        let version = data_version(&self.connection)?;
        let is_alone = version == self.version;
        self.has_news |= !is_alone;
        self.version = version;
        Ok(is_alone)
    }

    fn tx(&self) -> Tx<'_> {
        Tx::sqlite(&self.connection)
    }

    fn savepoint(&mut self) -> Result<(), Error> {
        self.batch("SAVEPOINT job")
    }

    fn release(&mut self, keep: bool) -> Result<(), Error> {
        // SQLite itself rolls everything back when the disk is full.
        if self.connection.is_autocommit() {
            return Err(Error::Full);
        }
        self.batch(if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })
    }

    fn commit(&mut self, _left: Left) -> Result<(), Error> {
        self.one("COMMIT")
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit() {
            // What cannot be rolled back either is rolled back when the connection goes.
            let _ = self.batch("ROLLBACK");
        }
    }

    fn news(&mut self) -> Left {
        if std::mem::take(&mut self.has_news) { Left::ALL } else { Left::default() }
    }

    fn close(&mut self) {
        // A checkpoint of the WAL on the way out: the next start has nothing to replay.
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_another_connection_commits_is_news() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let mut connection = connect(&path).unwrap();
        migrate(&mut connection).unwrap();
        let mut engine = SqliteEngine::new(connection).unwrap();
        let put = "INSERT INTO meta VALUES (hex(randomblob(8)), x'00')";
        let mut has_news = |keep: bool| {
            engine.begin().unwrap();
            engine.savepoint().unwrap();
            engine.batch(put).unwrap();
            engine.release(keep).unwrap();
            engine.batch(put).unwrap();
            if keep {
                engine.commit(Left::default()).unwrap()
            } else {
                engine.rollback()
            }
            engine.news() != Left::default()
        };
        assert_eq!([true, false, true, true].map(&mut has_news), [false; 4], "its own");
        let other = connect(&path).unwrap();
        other.query_row("SELECT count(*) FROM meta", [], |_| Ok(())).unwrap();
        assert_eq!([true, true].map(&mut has_news), [false; 2], "it only read");
        other.execute_batch(put).unwrap();
        assert_eq!([false, true].map(&mut has_news), [true, false], "told once");
        other.execute_batch(put).unwrap();
        other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(other);
        assert_eq!([true, true].map(&mut has_news), [true, false], "told once");
    }
}
