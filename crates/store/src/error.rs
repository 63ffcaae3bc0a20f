//! What can go wrong with a store, and whose fault it is.

use std::path::PathBuf;

use postgres::error::SqlState;

/// Why the store did not do its part. Nothing is half-done then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was named is not there: the caller's.
    #[error("not found")]
    NotFound,
    /// Another state than the transaction asks for, and what helps: the caller's.
    #[error("{0}")]
    State(&'static str, &'static str),
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
    /// PostgreSQL does not answer: the environment's; retry in a while. Whether the last commit
    /// before it went was kept is not known; every transaction may run twice.
    #[error("the database is away")]
    Away(#[source] Option<postgres::Error>),
    /// The database asks to run the transaction again: the store does, before anybody sees this.
    #[error("the transaction is to be run again")]
    Again,
    /// The address of the database does not read: the operator's.
    #[error("the address of the database is malformed")]
    Address(#[source] postgres::Error),
    /// `sslmode` in the address is none of ours: the operator's.
    #[error("`sslmode` is disable, prefer, require, verify-ca or verify-full")]
    SslMode,
    /// A file with certificates or a key that the address names does not read: the operator's.
    #[error("{} holds no PEM that can be read", .0.display())]
    Pem(PathBuf),
    /// TLS to PostgreSQL could not be set up: the operator's.
    #[error("TLS to the database cannot be set up")]
    Tls(#[source] rustls::Error),
    /// PostgreSQL is not who it is meant to be: the operator's, or somebody is in between.
    #[error("the certificate of the database is not to be trusted")]
    Untrusted(#[source] postgres::Error),
    /// The statement could not be signed inside the transaction: ours.
    #[error("the statement could not be signed")]
    Sign(#[source] protocol::statement::Error),
    /// The store is closed: the program is stopping.
    #[error("the store is closed")]
    Closed,
    /// A row does not read: ours, or somebody changed the database.
    #[error("a row is damaged: {0}")]
    Corrupt(&'static str),
    /// The database's file cannot be made: the operator's.
    #[error("the database's file cannot be made")]
    File(#[source] std::io::Error),
    /// SQLite.
    #[error("the database failed")]
    Sqlite(#[source] rusqlite::Error),
    /// PostgreSQL.
    #[error("the database failed")]
    Postgres(#[source] postgres::Error),
}

impl Error {
    /// Whether the same transaction may succeed when it is run again at once.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Again)
    }

    /// What each of a group is told when its commit failed.
    pub(crate) fn for_each(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Away(_) | Self::Again => Self::Away(None),
            _ => Self::Closed,
        }
    }
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

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let Some(code) = error.code() else {
            if is_untrusted(&error) {
                return Self::Untrusted(error);
            }
            // No answer of the server at all: hung up, refused, or not there.
            let is_ours = std::error::Error::source(&error)
                .is_some_and(|source| !source.is::<std::io::Error>())
                && !error.is_closed();
            return if is_ours { Self::Postgres(error) } else { Self::Away(Some(error)) };
        };
        let stopping = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
        ];
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            // What was prepared no longer fits: a newer process has migrated.
            SqlState::FEATURE_NOT_SUPPORTED,
        ];
        if stopping.contains(code) || code.code().starts_with("08") {
            Self::Away(Some(error))
        } else if again.contains(code) {
            Self::Again
        } else if *code == SqlState::DISK_FULL {
            Self::Full
        } else {
            Self::Postgres(error)
        }
    }
}

/// Whether TLS failed over the server's certificate.
fn is_untrusted(error: &postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(found) = source {
        let inner = found.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if matches!(tls, Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        source = found.source();
    }
    false
}
