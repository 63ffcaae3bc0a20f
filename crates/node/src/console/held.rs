//! What is held apart: what was sent, what was found in it, and the decision of a releaser.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect},
};
use exchange::{
    Failure,
    quarantine::{self, Decision},
};
use protocol::terms::Role;
use serde::Deserialize;
use store::{HeldObject, Source};

use super::{
    frame::{Answer, Frame, Menu, Person, Trouble, page, page_as},
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
}

/// One object of it.
pub(super) struct HeldRow {
    pub(super) index: u32,
    pub(super) type_: String,
    pub(super) name: Option<Piece>,
    pub(super) tlp: Piece,
    /// In a line, where its bytes cannot be shown.
    pub(super) found: Option<(Piece, String)>,
    pub(super) findings: Vec<FindingRow>,
}

impl HeldRow {
    fn of(held: HeldObject) -> Self {
        let body = held.body.as_ref();
        let findings = body.map(|body| exchange::explain(body)).unwrap_or_default();
        Self {
            index: held.place,
            name: body.and_then(|body| items::subject(body)).map(|name| look::quoted(&name)),
            tlp: look::tlp(held.tlp),
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
    };
    match looked {
        Ok(mut found) => {
            held.count = look::plural(found.row.objects.into(), "object", "objects");
            held.hidden = found.hidden;
            held.cut = found.objects.len().saturating_sub(SHOWN);
            found.objects.truncate(SHOWN);
            match quarantine::unseal(&desk.service, &mut found).await {
                Ok(()) => {}
                Err(failure @ Failure::Forbidden(_)) => {
                    held.closed = Some(Trouble::from(&Problem::from(failure)));
                }
                Err(failure) => return Err(failure.into()),
            }
            held.objects = found.objects.into_iter().map(HeldRow::of).collect();
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
    source: Source,
    trouble: Option<Trouble>,
    held: Option<Held>,
}

async fn build(
    desk: &Shared,
    person: &Person,
    source: Source,
    trouble: Option<Trouble>,
) -> Result<HeldPage, Problem> {
    let held = of(desk, person, source).await?;
    Ok(HeldPage { frame: person.frame(desk, Menu::Collections), source, trouble, held })
}

pub(super) async fn show(
    State(desk): State<Shared>,
    person: Person,
    Path(id): Path<String>,
) -> Answer {
    let source: Source = id.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    if let Source::Statement(id) = source {
        return Ok(Redirect::to(&format!("/statements/{id}")).into_response());
    }
    Ok(page(&build(&desk, &person, source, None).await?))
}

/// What a releaser decides.
#[derive(Deserialize)]
pub(super) struct Decided {
    csrf: String,
    decision: String,
    #[serde(default)]
    password: String,
}

pub(super) async fn decide(
    State(desk): State<Shared>,
    person: Person,
    Path(id): Path<String>,
    Form(form): Form<Decided>,
) -> Answer {
    person.check(&form.csrf)?;
    let source: Source = id.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    let path = match source {
        Source::Statement(id) => format!("/statements/{id}"),
        Source::Submission(id) => format!("/quarantine/{id}"),
    };
    let problem = match apply(&desk, &person, source, &form).await {
        Ok(()) => return Ok(Redirect::to(&path).into_response()),
        Err(problem) => problem,
    };
    let trouble = Some(Trouble::from(&problem));
    match source {
        Source::Statement(id) => {
            let built = statement::again(&desk, &person, &id, trouble).await?;
            Ok(page_as(problem.status(), &built))
        }
        Source::Submission(_) => {
            Ok(page_as(problem.status(), &build(&desk, &person, source, trouble).await?))
        }
    }
}

async fn apply(
    desk: &Shared,
    person: &Person,
    source: Source,
    form: &Decided,
) -> Result<(), Problem> {
    person.confirm(desk, &form.password).await?;
    let decision = match form.decision.as_str() {
        "accept" => Decision::Accept,
        _ => Decision::Refuse,
    };
    let who = (&person.0.account, now());
    quarantine::decide(&desk.service, source, None, decision, who, &mut rng()).await?;
    Ok(())
}
