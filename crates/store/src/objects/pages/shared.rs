//! Questions that many ask at once: whatever queued while the last one was answered is the next
//! one. So many clients share one turn to PostgreSQL, and one that is alone waits for nobody.

use std::{future::Future, marker::PhantomData, sync::Mutex};

use tokio::sync::oneshot;

use crate::{Error, Store, postgres::Lines, store::lock};

/// Questions of one turn: bounds how long the first of them waits.
const ASKED_MAX: usize = 64;

/// What may be asked together with others of its kind.
pub(crate) trait Question: Sized + Send + Sync + 'static {
    /// What comes of one.
    type Answer: Send + 'static;

    /// Where those of a store queue.
    fn queue(store: &Store) -> &Shared<Self>;

    /// Asks all of them by one statement; an answer for each, in their order.
    fn ask(
        lines: &Lines,
        all: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Error>> + Send;
}

/// What waits to be asked, and whether somebody does.
pub(crate) struct Shared<Q: Question>(Mutex<Waiting<Q>>);

struct Waiting<Q: Question> {
    questions: Vec<Q>,
    replies: Vec<Reply<Q>>,
    is_served: bool,
}

type Reply<Q> = oneshot::Sender<Result<<Q as Question>::Answer, Error>>;

impl<Q: Question> Default for Shared<Q> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Q: Question> Default for Waiting<Q> {
    fn default() -> Self {
        Self { questions: Vec::new(), replies: Vec::new(), is_served: false }
    }
}

impl Store {
    /// Waits until a question was asked, by this caller or together with others.
    pub(super) async fn ask_with_others<Q: Question>(
        &self,
        question: Q,
    ) -> Result<Q::Answer, Error> {
        let (reply, answer) = oneshot::channel();
        let is_served = {
            let mut waiting = lock(&Q::queue(self).0);
            waiting.questions.push(question);
            waiting.replies.push(reply);
            std::mem::replace(&mut waiting.is_served, true)
        };
        if !is_served {
            // A task of its own: a client that goes does not take the others' question with it.
            let turn = Turn::<Q> { store: self.clone(), is_over: false, of: PhantomData };
            tokio::spawn(turn.serve());
        }
        // Only where the runtime of whoever asked for us has ended.
        answer.await.map_err(|_| Error::Away(None))?
    }
}

/// The task that asks.
struct Turn<Q: Question> {
    store: Store,
    is_over: bool,
    of: PhantomData<fn() -> Q>,
}

impl<Q: Question> Turn<Q> {
    async fn serve(mut self) {
        while let Some((questions, replies)) = self.next() {
            let answers = match self.store.lines() {
                Some(lines) => Q::ask(lines, &questions).await,
                None => Err(Error::Closed),
            };
            answer::<Q>(replies, answers);
        }
    }

    fn next(&mut self) -> Option<(Vec<Q>, Vec<Reply<Q>>)> {
        let mut waiting = lock(&Q::queue(&self.store).0);
        if waiting.questions.is_empty() {
            waiting.is_served = false;
            self.is_over = true;
            return None;
        }
        let count = waiting.questions.len().min(ASKED_MAX);
        let questions = waiting.questions.drain(..count).collect();
        Some((questions, waiting.replies.drain(..count).collect()))
    }
}

/// Its runtime ended before it did: who waits is told, and the next caller begins another.
impl<Q: Question> Drop for Turn<Q> {
    fn drop(&mut self) {
        if !self.is_over {
            *lock(&Q::queue(&self.store).0) = Waiting::default();
        }
    }
}

/// Gives everybody what is theirs; who has gone by now needs no answer.
fn answer<Q: Question>(replies: Vec<Reply<Q>>, answers: Result<Vec<Q::Answer>, Error>) {
    match answers {
        Ok(answers) => {
            for (reply, answer) in replies.into_iter().zip(answers) {
                let _ = reply.send(Ok(answer));
            }
        }
        Err(error) => {
            for reply in replies {
                let _ = reply.send(Err(error.for_each()));
            }
        }
    }
}
