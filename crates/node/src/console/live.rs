//! The live desk: server-sent events with what changed since the last one. The page reads without
//! it; the script decides when a row may move.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
    time::Duration,
};

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::Stream;
use store::SESSION_IDLE_MS;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{
    desk::View,
    frame::{Person, guard},
};
use crate::desk::{Shared, now};

/// Live desks at once: each holds a connection and looks at the store when something changes.
const LIVE_MAX: usize = 256;
/// The shortest time between two looks: a bulk of thousands is one look, not thousands.
const BREATH: Duration = Duration::from_millis(250);
/// The longest: other processes over the same store commit without telling us.
const TICK: Duration = Duration::from_secs(3);

static SEATS: LazyLock<std::sync::Arc<Semaphore>> =
    LazyLock::new(|| std::sync::Arc::new(Semaphore::new(LIVE_MAX)));

/// The stream of one desk.
pub(super) async fn stream(State(desk): State<Shared>, person: Person) -> Response {
    let Ok(seat) = std::sync::Arc::clone(&SEATS).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let (out, events) = mpsc::channel(16);
    tokio::spawn(watch(desk, person, out, seat));
    let events = events_of(events);
    let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    guard(response.headers_mut());
    response
}

fn events_of(
    events: mpsc::Receiver<Event>,
) -> impl Stream<Item = Result<Event, std::convert::Infallible>> {
    futures_util::stream::unfold(events, |mut events| async move {
        events.recv().await.map(|event| (Ok(event), events))
    })
}

/// Looks again whenever something was committed, until the reader goes or the session ends.
async fn watch(
    desk: Shared,
    person: Person,
    out: mpsc::Sender<Event>,
    _seat: OwnedSemaphorePermit,
) {
    let mut changes = desk.service.store().changes();
    let mut shown = Shown::default();
    while is_open(&desk, &person).await {
        changes.mark_unchanged();
        let Ok(view) = View::read(&desk, &person.0.account).await else { return };
        for (name, html) in shown.differences(&view) {
            if out.send(Event::default().event(name).data(html)).await.is_err() {
                return;
            }
        }
        let rested = async {
            tokio::time::sleep(BREATH).await;
            let _ = tokio::time::timeout(TICK, changes.changed()).await;
        };
        tokio::select! {
            () = rested => {}
            () = out.closed() => return,
        }
    }
    // Whoever reads on would read for somebody who has left.
    let _ = out.send(Event::default().event("ended").data("the session has ended")).await;
}

async fn is_open(desk: &Shared, person: &Person) -> bool {
    let Some(digest) = person.0.session else { return false };
    match desk.service.store().session(&digest).await {
        Ok(Some(session)) => {
            !session.account.disabled && now() <= session.seen.plus_ms(SESSION_IDLE_MS)
        }
        _ => false,
    }
}

/// What the reader has, by name.
#[derive(Default)]
struct Shown {
    marks: HashMap<String, u64>,
}

impl Shown {
    /// Parts and rows that are not what the reader has; rows oldest first, as they are put on top.
    fn differences(&mut self, view: &View) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let parts = [
            ("waiting", view.waiting.render()),
            ("partners", view.partners.render()),
            ("counts", view.counts.render()),
        ];
        for (name, html) in parts {
            let Ok(html) = html else { continue };
            if self.is_new(name, &html) {
                found.push((name, one_line(&html)));
            }
        }
        for row in view.rows.iter().rev() {
            let Ok(html) = row.render() else { continue };
            if self.is_new(&row.key, &html) {
                found.push(("row", one_line(&html)));
            }
        }
        self.marks
            .retain(|key, _| !key.starts_with("s-") || view.rows.iter().any(|row| row.key == *key));
        found
    }

    fn is_new(&mut self, key: &str, html: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        // What a clock says changes by itself; the script lets it run.
        for piece in html.split("<time ") {
            let (head, tail) = piece.split_once('>').unwrap_or((piece, ""));
            head.hash(&mut hasher);
            tail.split_once("</time>").map_or(tail, |(_, rest)| rest).hash(&mut hasher);
        }
        let mark = hasher.finish();
        self.marks.insert(key.to_owned(), mark) != Some(mark)
    }
}

/// A carriage return would end the event.
fn one_line(html: &str) -> String {
    html.replace(['\r', '\n'], " ")
}
