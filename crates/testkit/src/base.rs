//! Where a test's store lies: a file of its own, or a schema of its own in a PostgreSQL that the
//! environment names.

use std::path::PathBuf;

use store::{Options, Store};
use uuid::Uuid;

/// The address of a PostgreSQL for tests, such as `cargo xtask test` starts one.
pub const POSTGRES: &str = "DETENTE_POSTGRES";

/// A place for one store; what lies there goes with the value that made it.
#[derive(Debug, Clone)]
pub struct Base {
    place: Place,
    options: Options,
}

#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Postgres { url: String },
}

impl Base {
    /// A file in a folder.
    pub fn file(path: PathBuf) -> Self {
        Self { place: Place::File(path), options: Options { readers: 1, ..Options::default() } }
    }

    /// A new schema, or `None`, said aloud, where the environment names no server.
    pub fn postgres(test: &str) -> Option<Self> {
        let Ok(server) = std::env::var(POSTGRES) else {
            eprintln!("{test}: skipped, {POSTGRES} names no server");
            return None;
        };
        let schema = format!("test_{}", Uuid::new_v4().simple());
        let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {schema}")).unwrap();
        let mark = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{mark}options=-csearch_path%3D{schema}");
        Some(Self { place: Place::Postgres { url }, options: Options::default() })
    }

    /// The same place with other options.
    pub fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Ends every connection that the stores of this place have to PostgreSQL, as its crash would.
    pub fn hang_up(&self) {
        let Place::Postgres { url } = &self.place else { return };
        let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
        client
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE application_name = 'detente.' || current_schema()",
            )
            .unwrap();
    }

    /// The file, where it is one.
    pub fn path(&self) -> Option<&std::path::Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Postgres { .. } => None,
        }
    }

    /// The address, where it is one.
    pub fn url(&self) -> Option<&str> {
        match &self.place {
            Place::File(_) => None,
            Place::Postgres { url } => Some(url),
        }
    }

    /// Crashes the server: one of its processes is killed, so it ends all others and recovers from
    /// its log. Everybody who uses it meets that.
    pub fn crash_server(&self) {
        let Place::Postgres { url } = &self.place else { return };
        let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
        let process: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        let killed = std::process::Command::new("kill").args(["-9", &process.to_string()]).status();
        assert!(killed.unwrap().success(), "the server is another user's");
    }

    /// Opens the store; again, it is what a restart or a second process finds.
    pub fn open(&self) -> Result<Store, store::Error> {
        match &self.place {
            Place::File(path) => Store::open(path, self.options),
            Place::Postgres { url } => Store::connect(url, self.options),
        }
    }
}
