//! The list of releases, by state and by key; and the search by id.

use std::str::FromStr;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use protocol::terms::{StatementId, Timestamp};
use serde::Deserialize;
use store::{Release, ReleaseKey, ReleaseState, StatementKey};
use uuid::Uuid;

use super::{
    desk::Row,
    form::Form,
    frame::{Answer, Frame, Menu, Person, page},
    look::{self, Piece},
    query::Query,
};
use crate::desk::Shared;

const ROWS: u32 = 50;

/// States that people think of as one.
const GROUPS: [(&str, &str, &[ReleaseState]); 5] = [
    ("waiting", "Waiting for a releaser", &[ReleaseState::AwaitingRelease]),
    (
        "under-way",
        "Under way",
        &[ReleaseState::Drafted, ReleaseState::Sealed, ReleaseState::Delivered],
    ),
    ("taken-in", "Taken in", &[ReleaseState::TakenIn, ReleaseState::TakenInWithFindings]),
    (
        "stopped",
        "Refused or returned",
        &[
            ReleaseState::Refused,
            ReleaseState::Returned,
            ReleaseState::RefusedByPartner,
            ReleaseState::Quarantined,
        ],
    ),
    ("recalled", "Recalled", &[ReleaseState::Recalled]),
];

struct Filter {
    word: &'static str,
    path: String,
    here: bool,
}

struct ReleaseRow {
    path: String,
    at: Piece,
    precedence: Piece,
    status: Piece,
    what: String,
    by: String,
    state: Piece,
}

impl ReleaseRow {
    fn of(release: &Release) -> Self {
        let objects = look::plural(release.items.into(), "object", "objects");
        let by = match &release.released_by {
            Some(releaser) => format!("{}, released by {releaser}", release.drafted_by),
            None => release.drafted_by.clone(),
        };
        Self {
            path: format!("/releases/{}", release.id),
            at: look::time(release.created),
            precedence: look::precedence(release.precedence),
            status: look::status(release.status),
            what: format!("{objects}, {}", release.topic),
            by,
            state: look::release_state(release.state),
        }
    }
}

#[derive(Template)]
#[template(path = "releases.html")]
struct ReleasesPage {
    frame: Frame,
    filters: Vec<Filter>,
    rows: Vec<ReleaseRow>,
    older: Option<String>,
    is_first: bool,
}

/// Where a list goes on: after what of which time.
fn key<Id: FromStr>(text: &str) -> Option<(Timestamp, Id)> {
    let (ms, id) = text.split_once('_')?;
    Some((Timestamp::from_ms(ms.parse().ok()?), id.parse().ok()?))
}

pub(super) async fn list(State(desk): State<Shared>, person: Person, query: Query) -> Answer {
    let group = query.get("state", |state| GROUPS.iter().find(|(word, ..)| *word == state))?;
    let states = group.map_or(&[] as &[_], |(_, _, states)| states);
    let before = query.get("before", key)?.map(|(created, id)| ReleaseKey { created, id });
    let key = before.unwrap_or_else(ReleaseKey::newest);
    let rows = desk.service.store().release_page(states, key, ROWS).await?;
    let full = rows.len() >= ROWS as usize;
    let older = rows.last().filter(|_| full).map(|last| {
        let state = group.map(|(word, ..)| format!("state={word}&")).unwrap_or_default();
        format!("/releases?{state}before={}_{}", last.created.as_ms(), last.id)
    });
    let all = Filter { word: "All", path: "/releases".to_owned(), here: group.is_none() };
    let one = |(word, title, _): &(&'static str, &'static str, &[ReleaseState])| Filter {
        word: title,
        path: format!("/releases?state={word}"),
        here: group.is_some_and(|(here, ..)| here == word),
    };
    Ok(page(&ReleasesPage {
        frame: person.frame(&desk, Menu::Releases),
        filters: std::iter::once(all).chain(GROUPS.iter().map(one)).collect(),
        rows: rows.iter().map(ReleaseRow::of).collect(),
        older,
        is_first: before.is_none(),
    }))
}

#[derive(Template)]
#[template(path = "statements.html")]
struct StatementsPage {
    frame: Frame,
    rows: Vec<Row>,
    older: Option<String>,
    is_first: bool,
}

pub(super) async fn statements(State(desk): State<Shared>, person: Person, query: Query) -> Answer {
    let before = query.get("before", key)?.map(|(at, id)| StatementKey { at, id });
    let key = before.unwrap_or_else(StatementKey::newest);
    let found = desk.service.store().crossings(key, ROWS).await?;
    let older = found.last().filter(|_| found.len() >= ROWS as usize).map(|last| {
        let last = &last.statement;
        format!("/statements?before={}_{}", last.at.as_ms(), last.id)
    });
    Ok(page(&StatementsPage {
        frame: person.frame(&desk, Menu::Releases),
        rows: found.iter().map(Row::dated).collect(),
        older,
        is_first: before.is_none(),
    }))
}

/// What is searched: in a form's body, so that it stands in no address and no log.
#[derive(Deserialize)]
pub(super) struct Search {
    csrf: String,
    #[serde(default)]
    words: String,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    words: String,
}

/// An id leads straight to its page: of a release, a statement, an agreement, an object.
pub(super) async fn search(
    State(desk): State<Shared>,
    person: Person,
    Form(form): Form<Search>,
) -> Answer {
    person.check(&form.csrf)?;
    let words = form.words.trim();
    let store = desk.service.store();
    if let Ok(id) = words.parse::<Uuid>()
        && store.release(id).await?.is_some()
    {
        return Ok(Redirect::to(&format!("/releases/{id}")).into_response());
    }
    if let Ok(id) = words.parse::<StatementId>() {
        if let Some(statement) = store.statement(&id).await? {
            let path = statement.release.map(|release| format!("/releases/{release}"));
            let path = path.unwrap_or_else(|| format!("/statements/{id}"));
            return Ok(Redirect::to(&path).into_response());
        }
        if store.agreement(&protocol::terms::AgreementId(id.0)).await?.is_some() {
            return Ok(Redirect::to(&format!("/agreements/{id}")).into_response());
        }
    }
    let view = person.view(&desk).await?;
    if stix::is_id(words) && !store.held(words, &view.sight, 1).await?.is_empty() {
        return Ok(Redirect::to(&format!("/objects/{words}")).into_response());
    }
    let frame = person.frame(&desk, Menu::None);
    Ok(page(&SearchPage { frame, words: form.words }))
}
