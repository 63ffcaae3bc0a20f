//! Questions asked from within a runtime: one statement, which is its own snapshot, and no thread
//! is stopped for it.
//!
//! Whoever asks drives the connection too, in the same task: an answer is read where it is used, and
//! nobody else is woken for it. A connection whose question was given up is hung up with it.

use std::{
    collections::HashMap,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use postgres::{NoTls, Row, Statement};
use tokio::{
    runtime::{Handle, Id},
    sync::Semaphore,
};
use tokio_postgres::Client;

use super::{
    Place,
    session::{SETTINGS, STATEMENTS_MAX, bind},
    translate::translate,
};
use crate::{Error, store::lock, tx::Value};

/// The connections of one process that are asked so.
pub(crate) struct Lines {
    place: Place,
    free: Semaphore,
    idle: Mutex<Vec<Line>>,
}

impl Lines {
    pub(super) fn new(place: Place, size: usize) -> Self {
        Self { place, free: Semaphore::new(size), idle: Mutex::default() }
    }

    /// The rows of one statement; asked once more on a new connection when an old one turns out to
    /// be dead.
    pub(crate) async fn ask(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let _turn = self.free.acquire().await.map_err(|_| Error::Closed)?;
        let runtime = Handle::current().id();
        let held = {
            let mut idle = lock(&self.idle);
            // One that was made in a runtime which has ended is deaf.
            let place = idle.iter().rposition(|line| line.runtime == runtime);
            place.map(|place| idle.swap_remove(place))
        };
        if let Some(mut line) = held {
            match line.ask(sql, values).await {
                Err(Error::Away(_) | Error::Again) => {}
                result => {
                    self.give_back(line);
                    return result;
                }
            }
        }
        let mut line = Line::connect(&self.place, runtime).await?;
        let result = line.ask(sql, values).await;
        self.give_back(line);
        result
    }

    fn give_back(&self, line: Line) {
        // One whose driver has ended is closed.
        if !line.client.is_closed() && !self.free.is_closed() {
            lock(&self.idle).push(line);
        }
    }

    /// Hangs up.
    pub(super) fn close(&self) {
        self.free.close();
        lock(&self.idle).clear();
    }
}

type Driver = Pin<Box<dyn Future<Output = Result<(), postgres::Error>> + Send>>;

/// A connection, and what drives it.
struct Line {
    client: Client,
    driver: Driver,
    statements: HashMap<String, Statement>,
    runtime: Id,
}

impl Line {
    async fn connect(place: &Place, runtime: Id) -> Result<Self, Error> {
        let (client, driver): (_, Driver) = match &place.tls {
            Some(tls) => {
                let (client, connection) = place.config.connect(tls.clone()).await?;
                (client, Box::pin(connection))
            }
            None => {
                let (client, connection) = place.config.connect(NoTls).await?;
                (client, Box::pin(connection))
            }
        };
        let mut line = Self { client, driver, statements: HashMap::new(), runtime };
        drive(&mut line.driver, line.client.batch_execute(SETTINGS)).await?;
        Ok(line)
    }

    async fn ask(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let Self { client, driver, statements, .. } = self;
        let statement = match statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = drive(driver, client.prepare(&translate(sql))).await?;
                if statements.len() >= STATEMENTS_MAX {
                    statements.clear();
                }
                statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        drive(driver, client.query(&statement, &bind(values))).await
    }
}

/// Carries a question to its answer.
///
/// Question and driver wake each other at every step. Where the runtime heard of that, it would
/// wake another of its threads each time; so they are told to go on here, and the runtime only when
/// nothing goes on any more.
async fn drive<T>(
    driver: &mut Driver,
    question: impl Future<Output = Result<T, postgres::Error>>,
) -> Result<T, Error> {
    let mut question = pin!(question);
    let inner = Arc::new(Inner::default());
    let waker = Waker::from(Arc::clone(&inner));
    let answer = std::future::poll_fn(|outer| {
        let mut within = Context::from_waker(&waker);
        inner.outer.register(outer.waker());
        loop {
            inner.state.store(AT_WORK, Ordering::Release);
            if let Poll::Ready(answer) = question.as_mut().poll(&mut within) {
                return Poll::Ready(answer.map_err(Error::from));
            }
            if let Poll::Ready(ended) = driver.as_mut().poll(&mut within) {
                // The server's last word, where there was one.
                return match (question.as_mut().poll(&mut within), ended) {
                    (Poll::Ready(answer), _) => Poll::Ready(answer.map_err(Error::from)),
                    (Poll::Pending, Err(error)) => Poll::Ready(Err(error.into())),
                    (Poll::Pending, Ok(())) => Poll::Ready(Err(Error::Away(None))),
                };
            }
            let (work, rest) = (AT_WORK, AT_REST);
            let rests =
                inner.state.compare_exchange(work, rest, Ordering::AcqRel, Ordering::Acquire);
            if rests.is_ok() {
                return Poll::Pending;
            }
        }
    });
    answer.await
}

/// Nothing goes on: a call wakes the task.
const AT_REST: u8 = 0;
/// Question and driver are polled.
const AT_WORK: u8 = 1;
/// A call came meanwhile: once more.
const CALLED: u8 = 2;

/// Who is woken for a question.
#[derive(Default)]
struct Inner {
    state: AtomicU8,
    outer: Outer,
}

/// The waker of the task that asks.
#[derive(Default)]
struct Outer(Mutex<Option<Waker>>);

impl Outer {
    fn register(&self, waker: &Waker) {
        let mut held = lock(&self.0);
        if held.as_ref().is_none_or(|held| !held.will_wake(waker)) {
            *held = Some(waker.clone());
        }
    }

    fn wake(&self) {
        if let Some(waker) = lock(&self.0).as_ref() {
            waker.wake_by_ref();
        }
    }
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(CALLED, Ordering::AcqRel) == AT_REST {
            self.outer.wake();
        }
    }
}
