//! What is held apart: what was sent, what was found in it, and the decision of a releaser.

use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect},
};
use exchange::{
    Failure,
    intake::{self, HeldObject},
};
use protocol::terms::{Outcome, Role, StatementId};
use serde::Deserialize;
use store::Statement;

use super::{
    compose::{self, FindingRow},
    frame::{Answer, Person, Trouble, page_as},
    items,
    look::{self, Piece},
    statement,
};
use crate::{
    desk::{Shared, now, rng},
    problem::Problem,
};

/// Objects that one page shows.
const SHOWN: usize = 100;

/// A statement that is held apart, as its page shows it.
pub(super) struct Held {
    pub(super) found: String,
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
    pub(super) refused: Option<(String, String)>,
    pub(super) findings: Vec<FindingRow>,
}

impl HeldRow {
    fn of(held: HeldObject) -> Self {
        match held.object {
            Ok(object) => Self {
                index: held.index,
                name: items::subject(&object.body).map(|name| look::quoted(&name)),
                type_: object.type_,
                tlp: look::tlp(object.tlp),
                refused: None,
                findings: object.findings.as_deref().map(compose::findings).unwrap_or_default(),
            },
            Err(refused) => Self {
                index: held.index,
                name: None,
                type_: "unreadable".to_owned(),
                tlp: look::tlp(None),
                refused: Some(refused),
                findings: Vec::new(),
            },
        }
    }
}

/// What a person sees of a statement that is held apart; nothing where none is, or no longer.
pub(super) async fn of(
    desk: &Shared,
    person: &Person,
    statement: &Statement,
) -> Result<Option<Held>, Problem> {
    if statement.out || statement.outcome != Some(Outcome::Quarantined) {
        return Ok(None);
    }
    let Some(row) = desk.service.store().quarantined_one(&statement.id).await? else {
        return Ok(None);
    };
    let looked = intake::look_at_quarantined(&desk.service, &statement.id, &person.0.account).await;
    let denied = matches!(looked, Err(Failure::Denied(_)));
    let mut held = Held {
        found: look::plural(row.findings.into(), "finding", "findings"),
        objects: Vec::new(),
        hidden: 0,
        cut: 0,
        closed: None,
        why_not: match () {
            () if !person.is(Role::Releaser) => Some("it asks for the role releaser"),
            () if denied => Some("it asks for access to its topic"),
            () => None,
        },
        asks_password: !person.is_confirmed(),
    };
    match looked {
        Ok(opened) => {
            held.hidden = opened.hidden;
            held.cut = opened.objects.len().saturating_sub(SHOWN);
            held.objects = opened.objects.into_iter().take(SHOWN).map(HeldRow::of).collect();
        }
        Err(Failure::Unknown(_)) => return Ok(None),
        Err(failure @ (Failure::Denied(_) | Failure::Forbidden(_))) => {
            held.closed = Some(Trouble::from(&Problem::from(failure)));
        }
        Err(failure) => return Err(failure.into()),
    }
    Ok(Some(held))
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
    let id: StatementId = id.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    match apply(&desk, &person, &id, &form).await {
        Ok(()) => Ok(Redirect::to(&format!("/statements/{id}")).into_response()),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let built = statement::again(&desk, &person, &id, trouble).await?;
            Ok(page_as(problem.status(), &built))
        }
    }
}

async fn apply(
    desk: &Shared,
    person: &Person,
    id: &StatementId,
    form: &Decided,
) -> Result<(), Problem> {
    let (service, officer) = (&desk.service, &person.0.account);
    person.confirm(desk, &form.password).await?;
    if form.decision == "accept" {
        intake::accept_quarantined(service, id, officer, now(), &mut rng()).await?;
    } else {
        intake::refuse_quarantined(service, id, officer, now(), &mut rng()).await?;
    }
    Ok(())
}
