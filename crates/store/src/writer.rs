//! One writer thread per process: what queued while the last commit was made is the next group.
//!
//! A group is one transaction. Its jobs run one after another without savepoints; only when one
//! of them refuses is the group run again, each job behind a savepoint of its own. So a job may
//! run twice, and none of them keeps anything between runs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
    mpsc,
};

use tokio::sync::{oneshot, watch};

use crate::{Error, tx::Tx};

/// Requests in one group commit: bounds how long the first of them waits.
const GROUP_MAX: usize = 256;
/// Times that a group is run again when the database asks for it.
const RETRIES_MAX: u32 = 5;

/// A database as the writer drives it.
pub(crate) trait Engine: Send {
    /// Opens the group's transaction; no other writer is inside one afterwards.
    fn begin(&mut self) -> Result<(), Error>;
    /// The transaction that is open.
    fn tx(&self) -> Tx<'_>;
    /// Opens a savepoint.
    fn savepoint(&mut self) -> Result<(), Error>;
    /// Closes the savepoint, with or without what was done since.
    fn release(&mut self, keep: bool) -> Result<(), Error>;
    /// Commits; what was written is durable afterwards.
    fn commit(&mut self) -> Result<(), Error>;
    /// Undoes whatever is open.
    fn rollback(&mut self);
    /// The program is stopping.
    fn close(&mut self) {}
}

/// Work for the writer: run inside the group's transaction, answered after its commit.
pub(crate) trait Job: Send {
    /// Whether it did its part.
    fn run(&mut self, tx: &Tx<'_>) -> Ran;
    /// Tells whoever asked.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// What running a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    /// It did its part.
    Done,
    /// It refused; what it wrote is to be undone.
    Refused,
    /// The database asks to run everything again.
    Again,
}

/// A closure and whoever waits for its result.
pub(crate) struct Task<T, F> {
    work: F,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Task<T, F> {
    pub(crate) fn new(work: F) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (reply, answer) = oneshot::channel();
        (Self { work, result: None, reply }, answer)
    }
}

impl<T: Send, F: FnMut(&Tx<'_>) -> Result<T, Error> + Send> Job for Task<T, F> {
    fn run(&mut self, tx: &Tx<'_>) -> Ran {
        let result = (self.work)(tx);
        let ran = match &result {
            Ok(_) => Ran::Done,
            Err(error) if error.is_transient() => Ran::Again,
            Err(_) => Ran::Refused,
        };
        self.result = Some(result);
        ran
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

/// Commits group after group until nobody can send any more.
pub(crate) fn run(
    mut engine: Box<dyn Engine>,
    queue: &mpsc::Receiver<Box<dyn Job>>,
    changed: &watch::Sender<u64>,
    commits: &Arc<AtomicU64>,
) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(job) = queue.try_recv()
        {
            group.push(job);
        }
        let committed = commit(engine.as_mut(), &mut group);
        commits.fetch_add(1, Ordering::Relaxed);
        // Before anybody is answered: who was answered and asks again must not meet what was kept
        // of an earlier state.
        changed.send_modify(|count| *count += 1);
        for job in group {
            job.answer(match &committed {
                Ok(()) => Ok(()),
                Err(error) => Err(error.for_each()),
            });
        }
    }
    engine.close();
}

fn commit(engine: &mut dyn Engine, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    let mut result = Ok(());
    for _ in 0..=RETRIES_MAX {
        result = attempt(engine, group);
        if let Err(error) = &result {
            engine.rollback();
            if error.is_transient() {
                continue;
            }
        }
        break;
    }
    result
}

fn attempt(engine: &mut dyn Engine, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    engine.begin()?;
    let mut all = true;
    for job in group.iter_mut() {
        match job.run(&engine.tx()) {
            Ran::Done => {}
            Ran::Again => return Err(Error::Again),
            Ran::Refused => {
                all = false;
                break;
            }
        }
    }
    if all {
        return engine.commit();
    }
    engine.rollback();
    if group.len() > 1 { one_by_one(engine, group) } else { Ok(()) }
}

/// One of the group refused: again, so that only what that one wrote is undone.
fn one_by_one(engine: &mut dyn Engine, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    engine.begin()?;
    for job in group.iter_mut() {
        engine.savepoint()?;
        match job.run(&engine.tx()) {
            Ran::Done => engine.release(true)?,
            Ran::Refused => engine.release(false)?,
            Ran::Again => return Err(Error::Again),
        }
    }
    engine.commit()
}
