//! What is held apart: what was sent, what was found in it, and the decision of a releaser.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use exchange::{
    Failure,
    quarantine::{self, By, Decision},
};
use protocol::terms::Role;
use store::{HeldObject, Source};

use super::{
    form::Form,
    frame::{Answer, At, Frame, Menu, Person, Trouble, page, page_as},
    items::{self, FindingRow},
    look::{self, Piece},
    statement,
};
use crate::{
    desk::{Shared, now, rng},
    problem::Problem,
};

/// Objects that one page shows.
const SHOWN: usize = 100;
/// Findings of one object that it shows.
const FINDINGS: usize = 20;

/// Objects of a statement or a request that stand apart, as their page shows them.
pub(super) struct Held {
    pub(super) count: String,
    pub(super) objects: Vec<HeldRow>,
    pub(super) hidden: usize,
    pub(super) cut: usize,
    /// Why its objects are not shown, where they are not.
    pub(super) closed: Option<Trouble>,
    /// Why this person cannot decide, where that is so.
    pub(super) why_not: Option<&'static str>,
    pub(super) asks_password: bool,
    /// When it is refused if nobody decides.
    pub(super) until: Option<Piece>,
    /// Where a decision goes.
    pub(super) path: String,
    /// Whether it is on all of it, also on what is not listed.
    pub(super) all: bool,
    pub(super) reason: String,
}

impl Held {
    /// How many of its objects the page does not list.
    pub(super) fn unlisted(&self) -> usize {
        self.hidden + self.cut
    }
}

/// One object of it.
pub(super) struct HeldRow {
    pub(super) index: u32,
    /// The decision is on it, too.
    pub(super) chosen: bool,
    pub(super) type_: String,
    pub(super) name: Option<Piece>,
    pub(super) tlp: Piece,
    /// In a line, where its bytes cannot be shown.
    pub(super) found: Option<(Piece, String)>,
    pub(super) findings: Vec<FindingRow>,
}

impl HeldRow {
    fn of(held: HeldObject, typed: Option<&Decided>) -> Self {
        let body = held.body.as_ref();
        let findings = body.map(|body| exchange::explain(body)).unwrap_or_default();
        Self {
            index: held.place,
            chosen: typed.is_none_or(|typed| typed.objects.contains(&held.place)),
            name: body.and_then(|body| items::subject(body)).map(|name| look::quoted(&name)),
            tlp: look::tlp(held.audience.tlp),
            found: items::summary(&held.findings).filter(|_| body.is_none()),
            findings: findings.iter().take(FINDINGS).map(FindingRow::of).collect(),
            type_: held.type_,
        }
    }
}

/// What a person sees of a source that is held apart; nothing where nothing waits, or no longer.
pub(super) async fn of(
    desk: &Shared,
    person: &Person,
    source: Source,
    typed: Option<&Decided>,
) -> Result<Option<Held>, Problem> {
    let looked = quarantine::look(&desk.service, source, &person.0.account).await;
    let mut held = Held {
        count: String::new(),
        objects: Vec::new(),
        hidden: 0,
        cut: 0,
        closed: None,
        why_not: (!person.is(Role::Releaser)).then_some("it asks for the role releaser"),
        asks_password: !person.is_confirmed(),
        until: None,
        path: format!("{}/decide", path(source)),
        all: typed.is_some_and(|typed| typed.all),
        reason: typed.map(|typed| typed.reason.clone()).unwrap_or_default(),
    };
    match looked {
        Ok(mut found) => {
            held.count = look::plural(found.row.objects.into(), "object", "objects");
            held.hidden = found.hidden;
            held.until = found.row.until().map(look::time);
            held.cut = found.objects.len().saturating_sub(SHOWN);
            found.objects.truncate(SHOWN);
            match quarantine::unseal(&desk.service, &mut found).await {
                Ok(()) => {}
                Err(failure @ Failure::Forbidden(_)) => {
                    held.closed = Some(Trouble::from(&Problem::from(failure)));
                }
                Err(failure) => return Err(failure.into()),
            }
            held.objects =
                found.objects.into_iter().map(|object| HeldRow::of(object, typed)).collect();
        }
        Err(Failure::Unknown(_)) => return Ok(None),
        Err(failure @ Failure::Denied(_)) => {
            held.why_not = held.why_not.or(Some("it asks for access to its topic"));
            held.closed = Some(Trouble::from(&Problem::from(failure)));
        }
        Err(failure) => return Err(failure.into()),
    }
    Ok(Some(held))
}

/// What a request of the service's own people brought and stands apart.
#[derive(Template)]
#[template(path = "held.html")]
struct HeldPage {
    frame: Frame,
    trouble: Option<Trouble>,
    held: Option<Held>,
}

async fn build(
    desk: &Shared,
    person: &Person,
    source: Source,
    refused: Option<(Trouble, &Decided)>,
) -> Result<HeldPage, Problem> {
    let (trouble, typed) = refused.unzip();
    let held = of(desk, person, source, typed).await?;
    Ok(HeldPage { frame: person.frame(desk, Menu::Collections), trouble, held })
}

pub(super) async fn show(State(desk): State<Shared>, person: Person, At(id): At<String>) -> Answer {
    let source: Source = id.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    if let Source::Statement(_) = source {
        return Ok(Redirect::to(&path(source)).into_response());
    }
    Ok(page(&build(&desk, &person, source, None).await?))
}

/// Where what came from a source is shown.
fn path(source: Source) -> String {
    match source {
        Source::Statement(id) => format!("/statements/{id}"),
        Source::Submission(id) => format!("/quarantine/{id}"),
    }
}

/// What a releaser decides, as the form has it.
#[derive(Default)]
pub(super) struct Decided {
    csrf: String,
    decision: String,
    password: String,
    reason: String,
    /// The objects that are ticked.
    objects: BTreeSet<u32>,
    /// All of it, also what the page does not list.
    all: bool,
}

impl Decided {
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut read = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "csrf" => read.csrf = value,
                "decision" => read.decision = value,
                "password" => read.password = value,
                "reason" => read.reason = value.trim().to_owned(),
                "object" => read.objects.extend(value.parse::<u32>()),
                "all" => read.all = true,
                _ => {}
            }
        }
        read
    }

    /// The places that it is about: none named is all of them.
    fn places(&self) -> Result<Option<Vec<u32>>, Problem> {
        if self.all {
            return Ok(None);
        }
        if self.objects.is_empty() {
            let remedy = "tick at least one, and decide again";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Problem::new(status, "HLD-2", "no object is chosen", remedy));
        }
        Ok(Some(self.objects.iter().copied().collect()))
    }
}

pub(super) async fn decide(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let form = Decided::read(pairs);
    person.check(&form.csrf)?;
    let source: Source = id.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    let problem = match apply(&desk, &person, source, &form).await {
        Ok(()) => return Ok(Redirect::to(&path(source)).into_response()),
        Err(problem) => problem,
    };
    let refused = Some((Trouble::from(&problem), &form));
    match source {
        Source::Statement(id) => {
            let built = statement::again(&desk, &person, &id, refused).await?;
            Ok(page_as(problem.status(), &built))
        }
        Source::Submission(_) => {
            Ok(page_as(problem.status(), &build(&desk, &person, source, refused).await?))
        }
    }
}

async fn apply(
    desk: &Shared,
    person: &Person,
    source: Source,
    form: &Decided,
) -> Result<(), Problem> {
    let places = form.places()?;
    person.confirm(desk, &form.password).await?;
    let decision = match form.decision.as_str() {
        "accept" => Decision::Accept,
        "refuse" => Decision::Refuse,
        _ => {
            let remedy = "use the form of this page";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Problem::new(status, "HLD-3", "nothing was decided", remedy));
        }
    };
    let by = By { officer: &person.0.account, reason: &form.reason, now: now() };
    let places = places.as_deref();
    quarantine::decide(&desk.service, source, places, decision, by, &mut rng()).await?;
    Ok(())
}
