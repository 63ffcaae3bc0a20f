//! Readers: a few connections, taken for one question and given back; and the leases.

use std::sync::{Condvar, Mutex};

use super::{Lines, Place, Session, off_runtime};
use crate::{Error, params, store::lock, tx::Tx};

/// Readers of one process.
pub(crate) struct Pool {
    place: Place,
    size: usize,
    state: Mutex<State>,
    given_back: Condvar,
    leases: Mutex<Option<Session>>,
    lines: Lines,
}

#[derive(Default)]
struct State {
    idle: Vec<Session>,
    out: usize,
}

impl Pool {
    pub(crate) fn new(place: Place, size: usize) -> Self {
        let (state, given_back) = (Mutex::default(), Condvar::new());
        let lines = Lines::new(place.clone(), size);
        Self { place, size, state, given_back, leases: Mutex::default(), lines }
    }

    /// The connections for questions from within a runtime.
    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Asks on a reader; once more on a new connection when an old one turns out to be dead.
    pub(crate) fn read<T>(&self, work: &impl Fn(&Tx<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let held = self.take();
        let result = self.ask(held, work);
        match result {
            (Err(Error::Away(_) | Error::Again), _) => {
                let (result, session) = self.ask(None, work);
                self.give_back(session);
                result
            }
            (result, session) => {
                self.give_back(session);
                result
            }
        }
    }

    fn ask<T>(
        &self,
        held: Option<Session>,
        work: &impl Fn(&Tx<'_>) -> Result<T, Error>,
    ) -> (Result<T, Error>, Option<Session>) {
        let session = match held.map_or_else(|| Session::connect(&self.place), Ok) {
            Ok(session) => session,
            Err(error) => return (Err(error), None),
        };
        let result = work(&Tx::postgres(&session));
        (result, Some(session))
    }

    /// An idle connection, or leave to make one; waits when all are out.
    fn take(&self) -> Option<Session> {
        let mut state = lock(&self.state);
        loop {
            if let Some(session) = state.idle.pop() {
                state.out += 1;
                return Some(session);
            }
            if state.out < self.size {
                state.out += 1;
                return None;
            }
            state = self.given_back.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    fn give_back(&self, session: Option<Session>) {
        let mut state = lock(&self.state);
        state.out = state.out.saturating_sub(1);
        state.idle.extend(session.filter(|session| !session.is_closed()));
        drop(state);
        self.given_back.notify_one();
    }

    /// Takes a lease that ends with this process at the latest.
    pub(crate) fn lease(&self, key: &str) -> Result<bool, Error> {
        let sql = "/* lease */ SELECT pg_try_advisory_lock(?)";
        let number = self.place.lock_number(key);
        self.with_leases(|tx| tx.query_one(sql, params![number], |row| row.get(0)))
    }

    /// Gives a lease back; one that is gone with its connection is free already.
    pub(crate) fn free(&self, key: &str) {
        let sql = "/* free */ SELECT pg_advisory_unlock(?)";
        let number = self.place.lock_number(key);
        let freed = self.with_leases(|tx| tx.exists(sql, params![number]));
        if let Err(error) = freed {
            tracing::debug!(event = "store.lease-lost", error = %error);
        }
    }

    fn with_leases<T>(&self, work: impl Fn(&Tx<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut held = lock(&self.leases);
        let session = match held.take().filter(|session| !session.is_closed()) {
            Some(session) => session,
            None => Session::connect(&self.place)?,
        };
        let result = work(&Tx::postgres(&session));
        if !matches!(result, Err(Error::Away(_))) {
            *held = Some(session);
        }
        result
    }

    /// Hangs up, which frees every lease.
    pub(crate) fn close(&self) {
        off_runtime(|| {
            lock(&self.leases).take();
            lock(&self.state).idle.clear();
            self.lines.close();
        });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}
