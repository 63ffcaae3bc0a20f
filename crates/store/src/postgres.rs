//! PostgreSQL: several node processes over one database.
//!
//! A group of the writer is one transaction that first takes the row of `sequencer`, so dates,
//! leaf indices and pair numbers are given in the order of commits across all processes; what
//! queues while another process holds it is the next, larger group. Readers are a few connections,
//! used on the caller's thread, or driven by the task that asks ([`Lines`]). A lease is an advisory lock of a connection that does nothing
//! else: it ends when the process does, without a clock. Commits are announced by `NOTIFY`.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};

use postgres::{Client, NoTls, fallible_iterator::FallibleIterator};
use protocol::secrets;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    Error,
    tx::Tx,
    work::{Bells, Left},
    writer::Engine,
};

mod lines;
mod pool;
mod session;
mod tls;
mod translate;

pub(crate) use lines::Lines;
pub(crate) use pool::Pool;
pub(crate) use session::Session;

/// Migrations, oldest first; one that has landed never changes.
const MIGRATIONS: [&str; 19] = [
    include_str!("../migrations/postgres/0001.sql"),
    include_str!("../migrations/postgres/0002.sql"),
    include_str!("../migrations/postgres/0003.sql"),
    include_str!("../migrations/postgres/0004.sql"),
    include_str!("../migrations/postgres/0005.sql"),
    include_str!("../migrations/postgres/0006.sql"),
    include_str!("../migrations/postgres/0007.sql"),
    include_str!("../migrations/postgres/0008.sql"),
    include_str!("../migrations/postgres/0009.sql"),
    include_str!("../migrations/postgres/0010.sql"),
    include_str!("../migrations/postgres/0011.sql"),
    include_str!("../migrations/postgres/0012.sql"),
    include_str!("../migrations/postgres/0013.sql"),
    include_str!("../migrations/postgres/0014.sql"),
    include_str!("../migrations/postgres/0015.sql"),
    include_str!("../migrations/postgres/0016.sql"),
    include_str!("../migrations/postgres/0017.sql"),
    include_str!("../migrations/postgres/0018.sql"),
    include_str!("../migrations/postgres/0019.sql"),
];
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a listener that lost its connection tries again, and looks whether it is needed.
const LISTEN_PAUSE: Duration = Duration::from_millis(500);

/// Where a database is, and which schema of it is ours.
#[derive(Clone)]
pub(crate) struct Place {
    config: tokio_postgres::Config,
    /// What makes connections secure, where they are to be.
    tls: Option<MakeRustlsConnect>,
    schema: String,
}

impl Place {
    /// Reads a `postgres://` address; see [`tls`] for what it says of TLS.
    ///
    /// *Errors*: [`Error::Address`], [`Error::SslMode`], [`Error::Pem`], [`Error::Tls`].
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let (asked, url) = tls::Asked::take(url)?;
        let mut config: tokio_postgres::Config = url.parse().map_err(Error::Address)?;
        config.connect_timeout(CONNECT_TIMEOUT).application_name("detente").ssl_mode(asked.mode());
        Ok(Self { config, tls: asked.connector()?, schema: String::new() })
    }

    fn connect(&self) -> Result<Client, Error> {
        let config = postgres::Config::from(self.config.clone());
        Ok(match &self.tls {
            Some(tls) => config.connect(tls.clone())?,
            None => config.connect(NoTls)?,
        })
    }

    fn channel(&self) -> String {
        format!("detente.{}", self.schema.replace(['"', '\''], ""))
    }

    /// A number for an advisory lock: schemas of one database do not meet.
    fn lock_number(&self, key: &str) -> i64 {
        let digest = secrets::sha256(format!("{}\0{key}", self.schema).as_bytes());
        i64::from_be_bytes(digest.0.first_chunk().copied().unwrap_or_default())
    }
}

/// Runs what blocks on the network: inline outside a runtime, and without stopping the others
/// inside one.
pub(crate) fn off_runtime<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Err(_) => work(),
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        // A runtime of one thread cannot be left for a while; a thread of its own can.
        Ok(_) => std::thread::scope(|scope| match scope.spawn(work).join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }),
    }
}

/// Connects, finds the schema, and brings it to the newest version.
pub(crate) fn open(place: &mut Place) -> Result<PostgresEngine, Error> {
    let session = Session::connect(place)?;
    let schema = Tx::postgres(&session)
        .query_one("/* open */ SELECT CAST(current_schema() AS TEXT)", &[], |row| {
            row.get::<Option<String>>(0)
        })?
        .ok_or(Error::Corrupt("no schema to work in"))?;
    place.schema = schema;
    // Each schema's connections can be told apart by whoever looks after the server.
    place.config.application_name(place.channel());
    session.batch(&format!("SET application_name = '{}'", place.channel()))?;
    migrate(&session, place)?;
    let process = Arc::new(AtomicI32::new(session.process()?));
    Ok(PostgresEngine { place: place.clone(), session, process })
}

/// One process migrates, others that start at the same time wait for it.
fn migrate(session: &Session, place: &Place) -> Result<(), Error> {
    let lock = place.lock_number("migrate");
    session.batch(&format!(
        "BEGIN; SELECT pg_advisory_xact_lock({lock});
         CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL);"
    ))?;
    let sql = "/* migrate */ SELECT coalesce(max(version), 0) FROM schema_version";
    let found: u32 = Tx::postgres(session).query_one(sql, &[], |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known {
        session.batch("ROLLBACK")?;
        return Err(Error::Newer { found, known });
    }
    for (sql, version) in MIGRATIONS.iter().zip(1u32..).skip(found as usize) {
        session.batch(sql)?;
        session.batch(&format!("INSERT INTO schema_version VALUES ({version})"))?;
    }
    session.batch("COMMIT")
}

/// The writer's connection.
pub(crate) struct PostgresEngine {
    place: Place,
    session: Session,
    process: Arc<AtomicI32>,
}

impl PostgresEngine {
    /// The process of the server that works for the writer: its own notices are not news.
    pub(crate) fn process(&self) -> Arc<AtomicI32> {
        Arc::clone(&self.process)
    }
}

impl Engine for PostgresEngine {
    fn begin(&mut self) -> Result<bool, Error> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
                             SELECT 1 FROM sequencer FOR UPDATE";
        match self.session.batch(BEGIN) {
            // Nothing of this group was written yet, so a new connection may take it at once.
            Err(Error::Away(_)) => {
                self.session = Session::connect(&self.place)?;
                self.process.store(self.session.process()?, Ordering::Relaxed);
                self.session.batch(BEGIN)?;
            }
            other => other?,
        }
        // Other processes write too, and say nothing of it here.
        Ok(false)
    }

    fn tx(&self) -> Tx<'_> {
        Tx::postgres(&self.session)
    }

    fn savepoint(&mut self) -> Result<(), Error> {
        self.session.batch("SAVEPOINT job")
    }

    fn release(&mut self, keep: bool) -> Result<(), Error> {
        self.session.batch(if keep { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })
    }

    fn commit(&mut self, left: Left) -> Result<(), Error> {
        let (channel, left) = (self.place.channel(), left.number());
        self.session.batch(&format!("NOTIFY \"{channel}\", '{left}'; COMMIT"))
    }

    fn rollback(&mut self) {
        // A connection that is gone has rolled back by itself.
        let _ = self.session.batch("ROLLBACK");
    }
}

/// Wakes who waits for changes when another process commits; ends with the store.
pub(crate) fn listen(place: &Place, own: Arc<AtomicI32>, bells: Weak<Bells>) {
    let place = place.clone();
    let listen = move || {
        while bells.strong_count() > 0 {
            if let Err(error) = listen_once(&place, &own, &bells) {
                tracing::debug!(event = "store.listener", error = %error);
                std::thread::sleep(LISTEN_PAUSE);
            }
        }
    };
    // Without it, workers wake by their clocks.
    if std::thread::Builder::new().name("store-listener".to_owned()).spawn(listen).is_err() {
        tracing::warn!(event = "store.listener-missing");
    }
}

fn listen_once(place: &Place, own: &AtomicI32, bells: &Weak<Bells>) -> Result<(), Error> {
    let mut client = place.connect()?;
    client.batch_execute(&format!("LISTEN \"{}\"", place.channel()))?;
    let ring = |left| bells.upgrade().map(|bells| bells.ring(left));
    // Whatever was committed while nobody listened.
    ring(Left::ALL);
    while bells.strong_count() > 0 {
        let heard = client.notifications().timeout_iter(LISTEN_PAUSE).next()?;
        let news = heard.filter(|notice| notice.process_id() != own.load(Ordering::Relaxed));
        if let Some(news) = news {
            ring(Left::read(news.payload()));
        }
        if client.is_closed() {
            return Err(Error::Away(None));
        }
    }
    Ok(())
}
