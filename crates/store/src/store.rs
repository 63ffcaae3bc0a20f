//! The store's handle: opens either database, hands work to the writer, reads, leases.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use tokio::{runtime::Handle, sync::watch};

use crate::{
    AddObjects, Error,
    objects::{Anything, KeptBodies, KeptClasses, KeptMarkings, Made, Shared, Wanted},
    postgres::{self, Lines, Pool},
    sqlite::{self, SqliteEngine},
    tx::Tx,
    work::{Bells, Work},
    writer::{self, Adding, Engine, Job, Task},
};

/// How a store is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections for readers.
    pub readers: usize,
    /// Pages that the embedded database may grow to; for tests of a full disk.
    pub pages_max: Option<u32>,
    /// Memory of the embedded database's writer for pages.
    pub cache_kib: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 4, pages_max: None, cache_kib: sqlite::CACHE_KIB }
    }
}

/// The store. Cheap to clone; the last clone that goes ends the writer.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Readers,
    bells: Arc<Bells>,
    leases: Mutex<HashSet<String>>,
    commits: Arc<AtomicU64>,
    singles: Shared<Wanted>,
    news: Shared<Anything>,
    classes: KeptClasses,
    bodies: KeptBodies,
    markings: KeptMarkings,
}

enum Readers {
    Sqlite { path: PathBuf, idle: Mutex<Vec<rusqlite::Connection>> },
    Postgres(Box<Pool>),
}

impl Store {
    /// Opens the embedded database, makes it if there is none, and brings it to the newest
    /// version.
    ///
    /// *Errors*: [`Error::Newer`], [`Error::Sqlite`].
    pub fn open(path: &Path, options: Options) -> Result<Self, Error> {
        let mut writer = sqlite::connect(path)?;
        sqlite::migrate(&mut writer)?;
        sqlite::set_cache(&writer, options.cache_kib)?;
        if let Some(pages) = options.pages_max {
            writer.pragma_update(None, "max_page_count", pages)?;
        }
        let idle =
            (0..options.readers.max(1)).map(|_| sqlite::connect(path)).collect::<Result<_, _>>()?;
        let readers = Readers::Sqlite { path: path.to_owned(), idle: Mutex::new(idle) };
        Self::start(Box::new(SqliteEngine::new(writer)?), readers, Arc::default())
    }

    /// Connects to a PostgreSQL database, `postgres://user@host/name`, and brings it to the newest
    /// version. Several node processes may share one.
    ///
    /// *Errors*: [`Error::Newer`], [`Error::Away`], [`Error::Postgres`].
    pub fn connect(url: &str, options: Options) -> Result<Self, Error> {
        let bells = Arc::<Bells>::default();
        let mut place = postgres::Place::parse(url)?;
        let engine = postgres::off_runtime(|| postgres::open(&mut place))?;
        postgres::listen(&place, engine.process(), Arc::downgrade(&bells));
        let readers = Readers::Postgres(Box::new(Pool::new(place, options.readers.max(1))));
        Self::start(Box::new(engine), readers, bells)
    }

    fn start(engine: Box<dyn Engine>, readers: Readers, bells: Arc<Bells>) -> Result<Self, Error> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let commits = Arc::new(AtomicU64::new(0));
        let (count, rung) = (Arc::clone(&commits), Arc::clone(&bells));
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer::run(engine, &queue, &rung, &count))
            .map_err(|_| Error::Closed)?;
        let bodies = KeptBodies::new(bells.of(Work::Deleted));
        let markings = KeptMarkings::new(bells.of(Work::Register));
        let inner = Inner {
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
            readers,
            bells,
            leases: Mutex::default(),
            commits,
            singles: Shared::default(),
            news: Shared::default(),
            classes: KeptClasses::default(),
            bodies,
            markings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A number that grows with every commit, also of other processes over the same database:
    /// live pages wait on it.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.bells.every()
    }

    /// A number that grows with every commit that leaves such work: its workers wait on it.
    pub fn calls(&self, work: Work) -> watch::Receiver<u64> {
        self.inner.bells.of(work)
    }

    /// Commits since the store was opened, each with its sync.
    pub fn commits(&self) -> u64 {
        self.inner.commits.load(Ordering::Relaxed)
    }

    /// Drops every lease, as a crash would.
    pub fn forget_leases(&self) {
        let keys: Vec<_> = lock(&self.inner.leases).iter().cloned().collect();
        for key in keys {
            self.free(&key);
        }
    }

    /// Ends the writer after what is queued, and every lease.
    pub fn close(&self) {
        lock(&self.inner.jobs).take();
        if let Some(thread) = lock(&self.inner.thread).take() {
            // A writer that panicked has nothing left to say here; its callers were told.
            let _ = thread.join();
        }
        if let Readers::Postgres(pool) = &self.inner.readers {
            pool.close();
        }
    }

    /// Runs `work` in the writer, inside the next group commit; it may run twice.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.write_rows(1, work).await
    }

    /// The same for work of about so many rows: what is large lets what is small go first.
    pub(crate) async fn write_rows<T: Send + 'static>(
        &self,
        rows: usize,
        work: impl FnMut(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (task, answer) = Task::new(rows, work);
        self.hand(Job::Task(Box::new(task)))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Adds objects with the next group.
    pub(crate) async fn write_added(&self, request: AddObjects) -> Result<Made, Error> {
        let (adding, answer) = Adding::new(request);
        self.hand(Job::Add(Box::new(adding)))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    fn hand(&self, job: Job) -> Result<(), Error> {
        let jobs = lock(&self.inner.jobs);
        jobs.as_ref().ok_or(Error::Closed)?.send(job).map_err(|_| Error::Closed)
    }

    /// Runs `work` on a reader, on the caller's own thread; it may run twice.
    pub(crate) fn read<T: Send>(
        &self,
        work: impl Fn(&Tx<'_>) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        match &self.inner.readers {
            Readers::Sqlite { path, idle } => {
                let reader = lock(idle).pop();
                let reader = match reader {
                    Some(reader) => reader,
                    None => sqlite::connect(path)?,
                };
                let result = work(&Tx::sqlite(&reader));
                lock(idle).push(reader);
                result
            }
            Readers::Postgres(pool) => postgres::off_runtime(move || pool.read(&work)),
        }
    }

    /// Where one statement can be asked without stopping a thread: PostgreSQL, within a runtime.
    pub(crate) fn lines(&self) -> Option<&Lines> {
        match &self.inner.readers {
            Readers::Postgres(pool) if Handle::try_current().is_ok() => Some(pool.lines()),
            _ => None,
        }
    }

    /// Objects that are asked for one by one.
    pub(crate) fn singles(&self) -> &Shared<Wanted> {
        &self.inner.singles
    }

    /// Pollers that ask whether anything came.
    pub(crate) fn news(&self) -> &Shared<Anything> {
        &self.inner.news
    }

    /// The classes that were read last.
    pub(crate) fn kept_classes(&self) -> &KeptClasses {
        &self.inner.classes
    }

    /// The bodies that were written or read lately, for PostgreSQL alone.
    pub(crate) fn kept_bodies(&self) -> &KeptBodies {
        &self.inner.bodies
    }

    /// The markings that were read last.
    pub(crate) fn kept_markings(&self) -> &KeptMarkings {
        &self.inner.markings
    }

    /// Runs `work` on a reader in one snapshot; it may run twice.
    pub(crate) fn snapshot<T: Send>(
        &self,
        work: impl Fn(&Tx<'_>) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        self.read(move |tx| tx.snapshot(&work))
    }

    /// Takes a lease; `false` when another holds it. A lease ends with the process that
    /// took it, at the latest.
    pub(crate) fn lease(&self, key: String) -> Result<bool, Error> {
        if !lock(&self.inner.leases).insert(key.clone()) {
            return Ok(false);
        }
        let Readers::Postgres(pool) = &self.inner.readers else { return Ok(true) };
        let taken = postgres::off_runtime(|| pool.lease(&key));
        if !matches!(taken, Ok(true)) {
            lock(&self.inner.leases).remove(&key);
        }
        taken
    }

    /// Leases `key` and reads what it stands for; the lease is given back where nothing does any
    /// more, because another process was faster.
    pub(crate) fn lease_then<T: Send>(
        &self,
        key: String,
        load: impl Fn(&Tx<'_>) -> Result<Option<T>, Error> + Send,
    ) -> Result<Option<T>, Error> {
        if !self.lease(key.clone())? {
            return Ok(None);
        }
        let loaded = self.read(load);
        if !matches!(loaded, Ok(Some(_))) {
            self.free(&key);
        }
        loaded
    }

    pub(crate) fn free(&self, key: &str) {
        if lock(&self.inner.leases).remove(key)
            && let Readers::Postgres(pool) = &self.inner.readers
        {
            postgres::off_runtime(|| pool.free(key));
        }
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

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
