//! One writer thread per process: what queued while the last commit was made is the next group.
//!
//! Small jobs go before large ones, and a large one is a group of its own: what is urgent is small,
//! and waits for one large transaction at most, however many are queued.
//!
//! A group is one transaction. Its jobs run one after another without savepoints; only when one
//! of them refuses is the group run again, each job behind a savepoint of its own. So a job may
//! run twice, and none of them keeps anything between runs.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use tokio::sync::oneshot;

use crate::{
    Error, objects,
    tx::{Group, Tx},
    work::{Bells, Left},
};

/// Requests in one group commit: bounds how long the first of them waits.
const GROUP_MAX: usize = 256;
/// Rows that a job may write and still be a small one.
const ROWS_SMALL_MAX: usize = 64;
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
    /// Commits; what was written is durable afterwards, and other processes are told what is left
    /// to do.
    fn commit(&mut self, left: Left) -> Result<(), Error>;
    /// Undoes whatever is open.
    fn rollback(&mut self);
    /// What other processes left that was met since the last time; nothing, where they are
    /// listened to.
    fn news(&mut self) -> Left {
        Left::default()
    }
    /// The program is stopping.
    fn close(&mut self) {}
}

/// Work for the writer: run inside the group's transaction, answered after its commit.
pub(crate) trait Job: Send {
    /// About so many rows it writes.
    fn rows(&self) -> usize;
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
    rows: usize,
    work: F,
    result: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Task<T, F> {
    pub(crate) fn new(rows: usize, work: F) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (reply, answer) = oneshot::channel();
        (Self { rows, work, result: None, reply }, answer)
    }
}

impl<T: Send, F: FnMut(&Tx<'_>) -> Result<T, Error> + Send> Job for Task<T, F> {
    fn rows(&self) -> usize {
        self.rows
    }

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

/// What was handed in and not yet committed.
#[derive(Default)]
struct Waiting {
    small: VecDeque<Box<dyn Job>>,
    large: VecDeque<Box<dyn Job>>,
    /// The last group was of small jobs: a large one is next, so that none waits for ever.
    large_is_next: bool,
}

impl Waiting {
    fn take(&mut self, job: Box<dyn Job>) {
        let lane = if job.rows() > ROWS_SMALL_MAX { &mut self.large } else { &mut self.small };
        lane.push_back(job);
    }

    /// Waits for work where there is none; `None` when all is done and nobody can send any more.
    fn next_group(&mut self, queue: &mpsc::Receiver<Box<dyn Job>>) -> Option<Vec<Box<dyn Job>>> {
        if self.small.is_empty() && self.large.is_empty() {
            self.take(queue.recv().ok()?);
        }
        while let Ok(job) = queue.try_recv() {
            self.take(job);
        }
        let take_large = self.small.is_empty() || self.large_is_next;
        if take_large && let Some(job) = self.large.pop_front() {
            self.large_is_next = false;
            return Some(vec![job]);
        }
        self.large_is_next = true;
        let count = self.small.len().min(GROUP_MAX);
        Some(self.small.drain(..count).collect())
    }
}

/// Commits group after group until nobody can send any more.
pub(crate) fn run(
    mut engine: Box<dyn Engine>,
    queue: &mpsc::Receiver<Box<dyn Job>>,
    bells: &Bells,
    commits: &Arc<AtomicU64>,
) {
    let mut waiting = Waiting::default();
    while let Some(mut group) = waiting.next_group(queue) {
        let committed = commit(engine.as_mut(), &mut group);
        commits.fetch_add(1, Ordering::Relaxed);
        // Before anybody is answered: who was answered and asks again must not meet what was kept
        // of an earlier state.
        bells.ring(committed.as_ref().copied().unwrap_or(Left::UNCERTAIN).and(engine.news()));
        for job in group {
            job.answer(match &committed {
                Ok(_) => Ok(()),
                Err(error) => Err(error.for_each()),
            });
        }
    }
    engine.close();
}

fn commit(engine: &mut dyn Engine, group: &mut [Box<dyn Job>]) -> Result<Left, Error> {
    let mut result = Ok(Left::default());
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

fn attempt(engine: &mut dyn Engine, group: &mut [Box<dyn Job>]) -> Result<Left, Error> {
    engine.begin()?;
    let shared = Group::default();
    let (mut all, mut left) = (true, Left::default());
    for job in group.iter_mut() {
        let tx = engine.tx().of_group(&shared);
        match job.run(&tx) {
            Ran::Done => left = left.and(tx.left()),
            Ran::Again => return Err(Error::Again),
            Ran::Refused => {
                all = false;
                break;
            }
        }
    }
    if all {
        commit_all(engine, &shared, left)?;
        return Ok(left);
    }
    engine.rollback();
    if group.len() > 1 { one_by_one(engine, group) } else { Ok(Left::default()) }
}

/// One of the group refused: again, so that only what that one wrote is undone.
fn one_by_one(engine: &mut dyn Engine, group: &mut [Box<dyn Job>]) -> Result<Left, Error> {
    engine.begin()?;
    let (shared, mut left) = (Group::default(), Left::default());
    for job in group.iter_mut() {
        engine.savepoint()?;
        let tx = engine.tx().of_group(&shared);
        let ran = job.run(&tx);
        let leaves = tx.left();
        match ran {
            Ran::Done => {
                engine.release(true)?;
                left = left.and(leaves);
            }
            Ran::Refused => engine.release(false)?,
            Ran::Again => return Err(Error::Again),
        }
    }
    commit_all(engine, &shared, left)?;
    Ok(left)
}

fn commit_all(engine: &mut dyn Engine, shared: &Group, left: Left) -> Result<(), Error> {
    objects::keep_last_date(&engine.tx(), shared)?;
    engine.commit(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(rows: usize) -> Box<dyn Job> {
        Box::new(Task::new(rows, |_: &Tx<'_>| Ok(())).0)
    }

    fn groups(rows: &[usize]) -> Vec<Vec<usize>> {
        let (sender, queue) = mpsc::channel();
        for rows in rows {
            sender.send(job(*rows)).unwrap();
        }
        drop(sender);
        let (mut waiting, mut found) = (Waiting::default(), Vec::new());
        while let Some(group) = waiting.next_group(&queue) {
            found.push(group.iter().map(|job| job.rows()).collect());
        }
        found
    }

    #[test]
    fn small_jobs_go_together_and_before_large_ones_of_which_each_goes_alone() {
        assert_eq!(groups(&[900, 1, 800, 2]), [vec![1, 2], vec![900], vec![800]]);
    }

    #[test]
    fn large_job_waits_for_one_group_of_small_ones_at_most() {
        let many: Vec<_> = [vec![900], vec![1; 2 * GROUP_MAX]].concat();
        let order = groups(&many);
        assert_eq!(order.iter().map(Vec::len).collect::<Vec<_>>(), [GROUP_MAX, 1, GROUP_MAX]);
        assert_eq!(order[1], [900]);
    }
}
