//! One writer thread with group commit, a few readers, migrations, in-memory leases.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{oneshot, watch};

use crate::Error;

/// Migrations, oldest first; one that has landed never changes.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/0001.sql")];
/// Requests in one group commit: bounds how long the first of them waits.
const GROUP_MAX: usize = 256;

/// How a store is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections for readers.
    pub readers: usize,
    /// Pages that the database may grow to; for tests of a full disk.
    pub pages_max: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, pages_max: None }
    }
}

/// The store. Cheap to clone; the last clone that goes ends the writer.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
    path: PathBuf,
    changes: watch::Receiver<u64>,
    leases: Mutex<HashSet<String>>,
    commits: Arc<AtomicU64>,
}

/// Work for the writer: run inside the group's transaction, answered after its commit.
trait Job: Send {
    fn run(&mut self, tx: &Connection) -> bool;
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

struct Task<T, F> {
    work: Option<F>,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, Error> + Send> Job for Task<T, F> {
    fn run(&mut self, tx: &Connection) -> bool {
        let result = self.work.take().map(|work| work(tx));
        let ok = matches!(result, Some(Ok(_)));
        self.result = result;
        ok
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let result = match (self.result, committed) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Error::Closed),
        };
        // Whoever asked may have gone; the work is done all the same.
        let _ = self.reply.send(result);
    }
}

impl Store {
    /// Opens the database, makes it if there is none, and brings it to the newest version.
    ///
    /// *Errors*: [`Error::Newer`], [`Error::Sqlite`].
    pub fn open(path: &Path, options: Options) -> Result<Self, Error> {
        let mut writer = connect(path)?;
        migrate(&mut writer)?;
        if let Some(pages) = options.pages_max {
            writer.pragma_update(None, "max_page_count", pages)?;
        }
        let readers =
            (0..options.readers.max(1)).map(|_| connect(path)).collect::<Result<_, _>>()?;
        let (jobs, queue) = mpsc::channel::<Box<dyn Job>>();
        let (changed, changes) = watch::channel(0);
        let commits = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&commits);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write(&writer, &queue, &changed, &count))
            .map_err(|_| Error::Closed)?;
        let inner = Inner {
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
            readers: Mutex::new(readers),
            path: path.to_owned(),
            changes,
            leases: Mutex::default(),
            commits,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A number that grows with every commit: workers and live pages wait on it.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.clone()
    }

    /// Commits since the store was opened, each with its sync.
    pub fn commits(&self) -> u64 {
        self.inner.commits.load(Ordering::Relaxed)
    }

    /// Drops every lease, as a crash would.
    pub fn forget_leases(&self) {
        lock(&self.inner.leases).clear();
    }

    /// Ends the writer after what is queued.
    pub fn close(&self) {
        lock(&self.inner.jobs).take();
        if let Some(thread) = lock(&self.inner.thread).take() {
            // A writer that panicked has nothing left to say here; its callers were told.
            let _ = thread.join();
        }
    }

    /// Runs `work` in the writer, inside the next group commit.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let task = Task { work: Some(work), result: None, reply };
        {
            let jobs = lock(&self.inner.jobs);
            let jobs = jobs.as_ref().ok_or(Error::Closed)?;
            jobs.send(Box::new(task)).map_err(|_| Error::Closed)?;
        }
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Runs `work` on a reader, on the caller's own thread.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let reader = lock(&self.inner.readers).pop();
        let reader = match reader {
            Some(reader) => reader,
            None => connect(&self.inner.path)?,
        };
        let result = work(&reader);
        lock(&self.inner.readers).push(reader);
        result
    }

    /// Takes a lease, `false` when another holds it. Leases end with the process.
    pub(crate) fn lease(&self, key: String) -> bool {
        lock(&self.inner.leases).insert(key)
    }

    pub(crate) fn free(&self, key: &str) {
        lock(&self.inner.leases).remove(key);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        lock(&self.jobs).take();
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(Error::Newer { found, known });
    }
    let missing = MIGRATIONS.iter().zip(1u32..).skip(found as usize);
    for (sql, version) in missing {
        let tx = connection.transaction()?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()?;
    }
    Ok(())
}

fn write(
    connection: &Connection,
    queue: &mpsc::Receiver<Box<dyn Job>>,
    changed: &watch::Sender<u64>,
    commits: &AtomicU64,
) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(job) = queue.try_recv()
        {
            group.push(job);
        }
        let committed = commit(connection, &mut group);
        commits.fetch_add(1, Ordering::Relaxed);
        for job in group {
            let outcome = match &committed {
                Ok(()) => Ok(()),
                Err(Error::Full) => Err(Error::Full),
                Err(_) => Err(Error::Closed),
            };
            job.answer(outcome);
        }
        changed.send_modify(|count| *count += 1);
    }
    // A checkpoint of the WAL on the way out: the next start has nothing to replay.
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

fn commit(connection: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for job in group.iter_mut() {
        connection.execute_batch("SAVEPOINT job")?;
        let ok = job.run(connection);
        // SQLite itself rolls everything back when the disk is full.
        if connection.is_autocommit() {
            return Err(Error::Full);
        }
        if !ok {
            connection.execute_batch("ROLLBACK TO job")?;
        }
        connection.execute_batch("RELEASE job")?;
    }
    match connection.execute_batch("COMMIT") {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = connection.execute_batch("ROLLBACK");
            Err(error.into())
        }
    }
}
