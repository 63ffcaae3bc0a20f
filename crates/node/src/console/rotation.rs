//! Rotating this node's keys: what it does, for how long, and whether the present ones may be in
//! other hands.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use protocol::terms::Role;
use serde::Deserialize;

use super::{
    form::Form,
    frame::{Answer, Frame, Menu, Person, Trouble, page, page_as},
};
use crate::{
    desk::{Shared, now},
    keyring::Order,
    problem::Problem,
};

#[derive(Template)]
#[template(path = "rotation.html")]
struct RotationPage {
    frame: Frame,
    epoch: u32,
    next: u32,
    ledger: u64,
    typed: Typed,
    trouble: Option<Trouble>,
    asks_password: bool,
}

/// The form; what was typed comes back.
#[derive(Deserialize, Default)]
pub(super) struct Typed {
    csrf: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    compromised: String,
    #[serde(default)]
    last_good: String,
    #[serde(default)]
    password: String,
}

pub(super) async fn show(State(desk): State<Shared>, person: Person) -> Answer {
    person.0.must_be(Role::Administrator)?;
    let typed = Typed { days: Order::DAYS.to_string(), ..Typed::default() };
    Ok(page(&build(&desk, &person, typed, None).await?))
}

async fn build(
    desk: &Shared,
    person: &Person,
    typed: Typed,
    trouble: Option<Trouble>,
) -> Result<RotationPage, Problem> {
    let epoch = desk.service.keys().statement().epoch();
    Ok(RotationPage {
        frame: person.frame(desk, Menu::Settings),
        epoch,
        next: epoch.saturating_add(1),
        ledger: desk.service.store().ledger_tree().await?.0,
        typed,
        trouble,
        asks_password: !person.is_confirmed(),
    })
}

pub(super) async fn rotate(
    State(desk): State<Shared>,
    person: Person,
    Form(form): Form<Typed>,
) -> Answer {
    person.check(&form.csrf)?;
    match apply(&desk, &person, &form).await {
        Ok(()) => Ok(Redirect::to("/settings").into_response()),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let built = build(&desk, &person, form, trouble).await?;
            Ok(page_as(problem.status(), &built))
        }
    }
}

async fn apply(desk: &Shared, person: &Person, form: &Typed) -> Result<(), Problem> {
    person.0.must_be(Role::Administrator)?;
    let number = |text: &str, what: &str| {
        text.trim().parse::<u64>().map_err(|_| {
            let message = format!("{what} is no number");
            let remedy = "type digits only";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "KEY-9", &message, remedy)
        })
    };
    let days = u32::try_from(number(&form.days, "the number of days")?).unwrap_or(u32::MAX);
    let compromised_after = match form.compromised.as_str() {
        "yes" => Some(number(&form.last_good, "the last good size of the ledger")?),
        _ => None,
    };
    person.confirm(desk, &form.password).await?;
    let order = Order { days, compromised_after };
    Ok(desk.keyring.rotate(&desk.service, order, person.name(), now()).await?)
}
