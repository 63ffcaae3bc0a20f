//! What can go wrong with a store, and whose fault it is.

/// Why the store did not do its part. Nothing is half-done then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was named is not there: the caller's.
    #[error("not found")]
    NotFound,
    /// Another state than the transaction asks for: the caller's.
    #[error("{0}")]
    State(&'static str),
    /// The database is of a newer version: the operator's.
    #[error("the database has version {found}, this program knows up to {known}")]
    Newer {
        /// Version of the database.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// No room on the disk: the operator's; retry once there is.
    #[error("the disk is full")]
    Full,
    /// The statement could not be signed inside the transaction: ours.
    #[error("the statement could not be signed")]
    Sign(#[source] protocol::statement::Error),
    /// The store is closed: the program is stopping.
    #[error("the store is closed")]
    Closed,
    /// A row does not read: ours, or somebody changed the database.
    #[error("a row is damaged: {0}")]
    Corrupt(&'static str),
    /// SQLite.
    #[error("the database failed")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ if matches!(error, rusqlite::Error::QueryReturnedNoRows) => Self::NotFound,
            _ => Self::Sqlite(error),
        }
    }
}
