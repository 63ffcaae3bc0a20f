//! Logging in, by a password or by a one-time link, and out.

use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use protocol::secrets;
use serde::Deserialize;

use super::{
    form::Form,
    frame::{Answer, At, Frame, Person, Trouble, page, page_as},
};
use crate::{
    auth::{COOKIE, Origin, Refusal},
    desk::{Shared, now, rng},
    problem::Problem,
};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    name: String,
    trouble: Option<Trouble>,
}

#[derive(Template)]
#[template(path = "login_link.html")]
struct LinkPage {
    frame: Frame,
    token: String,
}

pub(super) async fn show(State(desk): State<Shared>) -> Response {
    page(&LoginPage { frame: Frame::outside(&desk), name: String::new(), trouble: None })
}

/// Whatever opens a link to look at it, a mail scanner or a preview, must not use it up: the page
/// has a button, and the script presses it.
pub(super) async fn show_link(State(desk): State<Shared>, At(token): At<String>) -> Response {
    page(&LinkPage { frame: Frame::outside(&desk), token })
}

#[derive(Deserialize)]
pub(super) struct Login {
    name: String,
    password: String,
}

pub(super) async fn by_password(
    State(desk): State<Shared>,
    Origin(address): Origin,
    Form(login): Form<Login>,
) -> Answer {
    match desk.auth.log_in(&desk, &login.name, &login.password, address).await {
        Ok(account) => Ok(open_session(&desk, account.name.clone()).await?),
        Err(Refusal::Unknown) => Ok(refused(&desk, login.name, "name or password are not right")),
        Err(Refusal::TooMany(too_many)) => {
            let problem = Problem::from(too_many);
            let trouble = Some(Trouble::from(&problem));
            let frame = Frame::outside(&desk);
            let login = LoginPage { frame, name: login.name, trouble };
            let wait = [(header::RETRY_AFTER, too_many.retry_after_s.to_string())];
            Ok((wait, page_as(problem.status(), &login)).into_response())
        }
        Err(Refusal::Store(error)) => Err(error.into()),
    }
}

pub(super) async fn by_link(State(desk): State<Shared>, At(token): At<String>) -> Answer {
    let digest = secrets::token_digest(&token);
    match desk.service.store().use_login_link(digest, now()).await? {
        Some(account) => Ok(open_session(&desk, account).await?),
        None => Ok(refused(&desk, String::new(), "this link was used already or has ended")),
    }
}

fn refused(desk: &Shared, name: String, message: &str) -> Response {
    let trouble = Trouble {
        rule: "AUTH-1".to_owned(),
        message: message.to_owned(),
        remedy: "try again, or ask an administrator for a login link".to_owned(),
    };
    let login = LoginPage { frame: Frame::outside(desk), name, trouble: Some(trouble) };
    page_as(StatusCode::UNAUTHORIZED, &login)
}

async fn open_session(desk: &Shared, account: String) -> Result<Response, Problem> {
    let (token, digest) = secrets::token(&mut rng());
    let (csrf, _) = secrets::token(&mut rng());
    desk.service.store().add_session(digest, account, csrf.to_string(), now()).await?;
    let secure = if desk.config.is_reached_over_tls() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict{secure}", token.as_str());
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

#[derive(Deserialize)]
pub(super) struct Logout {
    csrf: String,
}

pub(super) async fn logout(
    State(desk): State<Shared>,
    person: Person,
    Form(form): Form<Logout>,
) -> Answer {
    person.check(&form.csrf)?;
    if let Some(session) = person.0.session {
        desk.service.store().end_session(session).await?;
    }
    Ok(Redirect::to("/login").into_response())
}
