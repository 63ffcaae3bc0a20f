//! One writer thread per process: what queued while the last commit was made is the next group.
//!
//! Small jobs go before large ones, and a large one is a group of its own: what is urgent is small,
//! and waits for one large transaction at most, however many are queued.
//!
//! Whatever small comes while a group of small jobs runs goes with it: a commit costs about the same for
//! eight jobs as for four, and nobody waits for those who are not here yet.
//!
//! A group is one transaction. Its jobs run one after another without savepoints, objects to be
//! added all at once; only when one refuses is the group run again, each job by itself behind a
//! savepoint of its own. So a job may run twice, and none of them keeps anything between runs.

use std::{
    cell::Cell,
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use tokio::sync::oneshot;

use crate::{
    AddObjects, Error,
    objects::{self, LastDate, Made},
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
    /// Opens the group's transaction; no other writer is inside one afterwards. Whether nobody else
    /// has committed since the one before.
    fn begin(&mut self) -> Result<bool, Error>;
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
pub(crate) enum Job {
    /// Run by itself.
    Task(Box<dyn Run>),
    /// Objects to be added: those of a group are put together.
    Add(Box<Adding>),
}

impl Job {
    /// About so many rows it writes.
    fn rows(&self) -> usize {
        match self {
            Self::Task(task) => task.rows(),
            Self::Add(adding) => adding.request.objects.len(),
        }
    }

    fn is_small(&self) -> bool {
        self.rows() <= ROWS_SMALL_MAX
    }

    fn answer(self, committed: Result<(), Error>) {
        match self {
            Self::Task(task) => task.answer(committed),
            Self::Add(adding) => adding.reply.answer(committed),
        }
    }
}

/// What is run by itself.
pub(crate) trait Run: Send {
    /// About so many rows it writes.
    fn rows(&self) -> usize;
    /// Whether it did its part.
    fn run(&mut self, tx: &Tx<'_>) -> Ran;
    /// Tells whoever asked.
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

/// What running came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    /// It did its part.
    Done,
    /// It refused; what it wrote is to be undone.
    Refused,
    /// The database asks to run everything again.
    Again,
}

impl Ran {
    fn of<T>(result: &Result<T, Error>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) if error.is_transient() => Self::Again,
            Err(_) => Self::Refused,
        }
    }
}

/// A result and whoever waits for it.
struct Reply<T> {
    result: Option<Result<T, Error>>,
    sender: oneshot::Sender<Result<T, Error>>,
}

impl<T> Reply<T> {
    fn new() -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (sender, answer) = oneshot::channel();
        (Self { result: None, sender }, answer)
    }

    fn answer(self, committed: Result<(), Error>) {
        let result = match (self.result, committed) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Error::Closed),
        };
        // Whoever asked may have gone; the work is done all the same.
        let _ = self.sender.send(result);
    }
}

/// A closure and whoever waits for its result.
pub(crate) struct Task<T, F> {
    rows: usize,
    work: F,
    reply: Reply<T>,
}

impl<T, F> Task<T, F> {
    pub(crate) fn new(rows: usize, work: F) -> (Self, oneshot::Receiver<Result<T, Error>>) {
        let (reply, answer) = Reply::new();
        (Self { rows, work, reply }, answer)
    }
}

impl<T: Send, F: FnMut(&Tx<'_>) -> Result<T, Error> + Send> Run for Task<T, F> {
    fn rows(&self) -> usize {
        self.rows
    }

    fn run(&mut self, tx: &Tx<'_>) -> Ran {
        let result = (self.work)(tx);
        let ran = Ran::of(&result);
        self.reply.result = Some(result);
        ran
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        self.reply.answer(committed);
    }
}

/// A request to add objects and whoever waits for what it comes to.
pub(crate) struct Adding {
    request: AddObjects,
    reply: Reply<Made>,
}

impl Adding {
    pub(crate) fn new(request: AddObjects) -> (Self, oneshot::Receiver<Result<Made, Error>>) {
        let (reply, answer) = Reply::new();
        (Self { request, reply }, answer)
    }

    /// Runs some as one.
    fn run(all: &mut [&mut Self], tx: &Tx<'_>) -> Ran {
        let requests: Vec<&AddObjects> = all.iter().map(|adding| &adding.request).collect();
        let result = objects::add(tx, &requests);
        let ran = Ran::of(&result);
        match (result, all) {
            (Ok(made), all) => {
                for (adding, made) in all.iter_mut().zip(made) {
                    adding.reply.result = Some(Ok(made));
                }
            }
            (Err(error), [alone]) => alone.reply.result = Some(Err(error)),
            // Which of them it was shows when each is run by itself.
            (Err(_), _) => {}
        }
        ran
    }
}

/// What of a group is run at once.
enum Part<'g> {
    Task(&'g mut dyn Run),
    Add(Vec<&'g mut Adding>),
}

impl<'g> Part<'g> {
    fn alone(job: &'g mut Job) -> Self {
        match job {
            Job::Task(task) => Self::Task(task.as_mut()),
            Job::Add(adding) => Self::Add(vec![adding.as_mut()]),
        }
    }

    fn of_group(group: &'g mut [Job]) -> Vec<Self> {
        let (mut parts, mut adding) = (Vec::with_capacity(group.len()), Vec::new());
        for part in group.iter_mut().map(Self::alone) {
            match part {
                Self::Add(alone) => adding.extend(alone),
                task => parts.push(task),
            }
        }
        if !adding.is_empty() {
            parts.push(Self::Add(adding));
        }
        parts
    }

    fn run(&mut self, tx: &Tx<'_>) -> Ran {
        match self {
            Self::Task(task) => task.run(tx),
            Self::Add(all) => Adding::run(all, tx),
        }
    }
}

/// What was handed in and not yet committed.
struct Waiting<'q> {
    queue: &'q mpsc::Receiver<Job>,
    small: VecDeque<Job>,
    large: VecDeque<Job>,
    /// The last group was of small jobs: a large one is next, so that none waits for ever.
    large_is_next: bool,
}

impl<'q> Waiting<'q> {
    fn new(queue: &'q mpsc::Receiver<Job>) -> Self {
        Self { queue, small: VecDeque::new(), large: VecDeque::new(), large_is_next: false }
    }

    fn take(&mut self, job: Job) {
        let lane = if job.is_small() { &mut self.small } else { &mut self.large };
        lane.push_back(job);
    }

    fn take_all(&mut self) {
        while let Ok(job) = self.queue.try_recv() {
            self.take(job);
        }
    }

    /// Waits for work where there is none; `None` when all is done and nobody can send any more.
    fn next_group(&mut self) -> Option<Vec<Job>> {
        if self.small.is_empty() && self.large.is_empty() {
            self.take(self.queue.recv().ok()?);
        }
        self.take_all();
        let take_large = self.small.is_empty() || self.large_is_next;
        if take_large && let Some(job) = self.large.pop_front() {
            self.large_is_next = false;
            return Some(vec![job]);
        }
        self.large_is_next = true;
        let count = self.small.len().min(GROUP_MAX);
        Some(self.small.drain(..count).collect())
    }

    /// Small jobs that came while a group of such ran, and that its commit can take along.
    fn late(&mut self, group: &[Job]) -> Vec<Job> {
        if !group.iter().all(Job::is_small) {
            return Vec::new();
        }
        self.take_all();
        let count = self.small.len().min(GROUP_MAX.saturating_sub(group.len()));
        self.small.drain(..count).collect()
    }
}

/// Commits group after group until nobody can send any more.
pub(crate) fn run(
    engine: Box<dyn Engine>,
    queue: &mpsc::Receiver<Job>,
    bells: &Bells,
    commits: &Arc<AtomicU64>,
) {
    let mut writer = Writer { engine, waiting: Waiting::new(queue), last_date: None };
    while let Some(mut group) = writer.waiting.next_group() {
        let committed = writer.commit(&mut group);
        commits.fetch_add(1, Ordering::Relaxed);
        let news = writer.engine.news();
        // Before anybody is answered: who was answered and asks again must not meet what was kept
        // of an earlier state.
        bells.ring(committed.as_ref().copied().unwrap_or(Left::UNCERTAIN).and(news));
        for job in group {
            job.answer(match &committed {
                Ok(_) => Ok(()),
                Err(error) => Err(error.for_each()),
            });
        }
    }
    writer.engine.close();
}

struct Writer<'q> {
    engine: Box<dyn Engine>,
    waiting: Waiting<'q>,
    /// The last date, as long as nobody else writes.
    last_date: Option<LastDate>,
}

impl Writer<'_> {
    /// Commits a group, and what came while it ran.
    fn commit(&mut self, group: &mut Vec<Job>) -> Result<Left, Error> {
        let mut result = Ok(Left::default());
        for _ in 0..=RETRIES_MAX {
            result = self.attempt(group);
            if let Err(error) = &result {
                self.engine.rollback();
                if error.is_transient() {
                    continue;
                }
            }
            break;
        }
        result
    }

    fn attempt(&mut self, group: &mut Vec<Job>) -> Result<Left, Error> {
        let shared = self.begin()?;
        let mut left = self.all(&shared, group)?;
        while let Some(before) = left {
            let mut late = self.waiting.late(group);
            if late.is_empty() {
                self.keep(&shared, before)?;
                return Ok(before);
            }
            left = self.all(&shared, &mut late)?.map(|after| before.and(after));
            group.append(&mut late);
        }
        self.engine.rollback();
        if group.len() > 1 { self.one_by_one(group) } else { Ok(Left::default()) }
    }

    /// Runs jobs; nothing when one refused.
    fn all(&self, shared: &Group, jobs: &mut [Job]) -> Result<Option<Left>, Error> {
        let mut left = Left::default();
        for mut part in Part::of_group(jobs) {
            let tx = self.engine.tx().of_group(shared);
            match part.run(&tx) {
                Ran::Done => left = left.and(tx.left()),
                Ran::Refused => return Ok(None),
                Ran::Again => return Err(Error::Again),
            }
        }
        Ok(Some(left))
    }

    /// One of the group refused: again, so that only what that one wrote is undone.
    fn one_by_one(&mut self, group: &mut [Job]) -> Result<Left, Error> {
        let (shared, mut left) = (self.begin()?, Left::default());
        for job in group {
            self.engine.savepoint()?;
            let tx = self.engine.tx().of_group(&shared);
            let ran = Part::alone(job).run(&tx);
            let leaves = tx.left();
            match ran {
                Ran::Done => {
                    self.engine.release(true)?;
                    left = left.and(leaves);
                }
                Ran::Refused => self.engine.release(false)?,
                Ran::Again => return Err(Error::Again),
            }
        }
        self.keep(&shared, left)?;
        Ok(left)
    }

    fn begin(&mut self) -> Result<Group, Error> {
        if !self.engine.begin()? {
            self.last_date = None;
        }
        Ok(Group { last_date: Cell::new(self.last_date) })
    }

    fn keep(&mut self, shared: &Group, left: Left) -> Result<(), Error> {
        objects::keep_last_date(&self.engine.tx(), shared)?;
        self.engine.commit(left)?;
        self.last_date = shared.last_date.get();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(rows: usize) -> Job {
        Job::Task(Box::new(Task::new(rows, |_: &Tx<'_>| Ok(())).0))
    }

    fn groups(rows: &[usize]) -> Vec<Vec<usize>> {
        let (sender, queue) = mpsc::channel();
        for rows in rows {
            sender.send(job(*rows)).unwrap();
        }
        drop(sender);
        let (mut waiting, mut found) = (Waiting::new(&queue), Vec::new());
        while let Some(group) = waiting.next_group() {
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

    #[test]
    fn small_jobs_that_come_while_such_run_go_with_them() {
        let (sender, queue) = mpsc::channel();
        let mut waiting = Waiting::new(&queue);
        let rows = |jobs: &[Job]| jobs.iter().map(Job::rows).collect::<Vec<_>>();
        sender.send(job(1)).unwrap();
        let small = waiting.next_group().unwrap();
        [2, 800, 3].into_iter().for_each(|rows| sender.send(job(rows)).unwrap());
        assert_eq!(rows(&waiting.late(&small)), [2, 3]);
        let large = waiting.next_group().unwrap();
        sender.send(job(4)).unwrap();
        assert_eq!((rows(&large), rows(&waiting.late(&large))), (vec![800], vec![]));
        let full: Vec<Job> = (0..GROUP_MAX).map(|_| job(1)).collect();
        assert_eq!(rows(&waiting.late(&full)), [0; 0], "a group is bounded");
        assert_eq!(rows(&waiting.next_group().unwrap()), [4]);
    }
}
