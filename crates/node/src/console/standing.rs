//! Suspending, resuming and ending an agreement: a page that says what it does to the partner, asks
//! for the reason and the password, and does it.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use exchange::accord;
use protocol::terms::{AgreementId, PartyStanding, Role};
use serde::Deserialize;
use store::{AgreementRow, AgreementState};

use super::{
    agreements::{known, with},
    form::Form,
    frame::{Answer, At, Frame, Menu, Person, Trouble, page, page_as},
    look::{self, Piece},
};
use crate::{
    desk::{Shared, now, rng},
    problem::Problem,
};

/// What a party may do to an agreement that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    Suspend,
    Resume,
    End,
}

impl Change {
    fn standing(self) -> PartyStanding {
        match self {
            Self::Suspend => PartyStanding::Suspended,
            Self::Resume => PartyStanding::InForce,
            Self::End => PartyStanding::Ended,
        }
    }

    /// Its word in an address and on a button.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Suspend => ("suspend", "Suspend the agreement"),
            Self::Resume => ("resume", "Resume the agreement"),
            Self::End => ("end", "End the agreement for good"),
        }
    }

    /// What it does to the partner.
    fn does(self, with: &str) -> String {
        match self {
            Self::Suspend => format!(
                "{with} is told at once. No release passes, either way, until this side resumes \
                 it; what is drafted meanwhile is refused. Receipts, recalls and their answers \
                 still pass."
            ),
            Self::Resume => format!(
                "{with} is told at once, and releases may flow again, unless another party has \
                 suspended it too. Releases that were refused meanwhile are drafted again by hand."
            ),
            Self::End => format!(
                "{with} is told at once. Nothing is released under it any more, either way. Duties \
                 for what was received stay: recalls and their answers still pass. This cannot be \
                 taken back; a new agreement can be signed."
            ),
        }
    }
}

/// Why a party does not stand plainly to an agreement, in its own words.
pub(super) struct Party {
    pub(super) by: String,
    pub(super) what: &'static str,
    pub(super) since: Piece,
    pub(super) reason: Piece,
}

pub(super) fn parties(row: &AgreementRow) -> Vec<Party> {
    let party = |one: &store::StandingRow| Party {
        by: one.by.short(),
        what: if one.standing == PartyStanding::Ended { "ended it" } else { "suspended it" },
        since: look::time(one.at),
        reason: look::quoted(&one.reason),
    };
    row.standing.iter().map(party).collect()
}

/// What this side may do now, with the words of each link.
pub(super) fn changes(desk: &Shared, row: &AgreementRow) -> Vec<(&'static str, &'static str)> {
    let me = desk.service.name();
    let suspended = row.standing.iter().any(|one| one.by == *me);
    let all: &[Change] = match (row.state, suspended) {
        (AgreementState::InForce | AgreementState::Suspended, true) => {
            &[Change::Resume, Change::End]
        }
        (AgreementState::InForce | AgreementState::Suspended, false) => {
            &[Change::Suspend, Change::End]
        }
        _ => &[],
    };
    all.iter().map(|change| change.words()).collect()
}

#[derive(Template)]
#[template(path = "standing.html")]
struct StandingPage {
    frame: Frame,
    id: AgreementId,
    with: String,
    title: Piece,
    state: Piece,
    word: &'static str,
    button: &'static str,
    does: String,
    grave: bool,
    reason: String,
    trouble: Option<Trouble>,
    asks_password: bool,
}

pub(super) async fn show(
    State(desk): State<Shared>,
    person: Person,
    At((id, change)): At<(String, Change)>,
) -> Answer {
    person.0.must_be(Role::Administrator)?;
    let row = known(&desk, &id).await?;
    Ok(page(&build(&desk, &person, &row, change, String::new(), None)))
}

fn build(
    desk: &Shared,
    person: &Person,
    row: &AgreementRow,
    change: Change,
    reason: String,
    trouble: Option<Trouble>,
) -> StandingPage {
    let with = with(desk, &row.parties);
    let (word, button) = change.words();
    StandingPage {
        frame: person.frame(desk, Menu::Partners),
        id: row.id,
        title: look::quoted(&row.title),
        state: look::agreement_state(row.state),
        word,
        button,
        does: change.does(&with),
        grave: change != Change::Resume,
        reason,
        trouble,
        asks_password: !person.is_confirmed(),
        with,
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    csrf: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    password: String,
}

pub(super) async fn apply(
    State(desk): State<Shared>,
    person: Person,
    At((id, change)): At<(String, Change)>,
    Form(form): Form<Asked>,
) -> Answer {
    person.check(&form.csrf)?;
    let row = known(&desk, &id).await?;
    match stand(&desk, &person, &row.id, change, &form).await {
        Ok(()) => Ok(Redirect::to(&format!("/agreements/{}", row.id)).into_response()),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let built = build(&desk, &person, &row, change, form.reason, trouble);
            Ok(page_as(problem.status(), &built))
        }
    }
}

async fn stand(
    desk: &Shared,
    person: &Person,
    id: &AgreementId,
    change: Change,
    form: &Asked,
) -> Result<(), Problem> {
    person.0.must_be(Role::Administrator)?;
    person.confirm(desk, &form.password).await?;
    let said = (change.standing(), form.reason.trim());
    Ok(accord::stand(&desk.service, id, said, person.name(), now(), &mut rng()).await?)
}
