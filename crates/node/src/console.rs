//! The console: what people see. Rendered here, readable without scripts.
//!
//! One file for each page; `frame` knows the person and the form token, `look` gives every term its
//! one look. Handlers read a form, call one use case, and show a page.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts, Request},
    http::{Method, StatusCode},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use crate::{desk::Shared, problem::Problem};

mod accounts;
mod agreements;
mod assets;
mod collections;
mod compose;
mod desk;
mod evidence;
mod form;
mod frame;
mod held;
mod items;
mod live;
mod login;
mod look;
mod object;
mod oversight;
mod partners;
mod policy;
mod query;
mod release;
mod releases;
mod rotation;
mod settings;
mod snippets;
mod standing;
mod statement;
mod way;

use frame::{Failed, Menu, Person};

/// A form with an uploaded document.
const BODY_LEN_MAX: usize = 20 * 1024 * 1024;

/// The console's routes.
pub fn router(desk: &Shared) -> Router<Shared> {
    Router::new()
        .route("/", get(desk::home))
        .route("/desk", get(desk::show))
        .route("/desk/live", get(live::stream))
        .route("/releases", get(releases::list))
        .route("/releases/{id}", get(release::show))
        .route("/releases/{id}/decide", post(release::decide))
        .route("/releases/{id}/again", post(release::draft_again))
        .route("/releases/{id}/recall", get(release::recall_form).post(release::recall))
        .route("/statements", get(releases::statements))
        .route("/statements/{id}", get(statement::show))
        .route("/statements/{id}/decide", post(held::decide))
        .route("/quarantine/{id}", get(held::show))
        .route("/quarantine/{id}/decide", post(held::decide))
        .route("/statements/{id}/acknowledge", post(statement::acknowledge))
        .route("/compose", get(compose::show).post(compose::send))
        .route("/compose/check", post(compose::check))
        .route("/partners", get(partners::list).post(partners::meet))
        .route("/partners/{*name}", get(partners::show).post(partners::verify))
        .route("/findings/{*name}", post(partners::treat))
        .route("/agreements", get(agreements::list).post(agreements::draft))
        .route("/agreements/{id}", get(agreements::show))
        .route("/agreements/{id}/sign", post(agreements::sign))
        .route("/agreements/{id}/{change}", get(standing::show).post(standing::apply))
        .route("/collections", get(collections::list).post(collections::create))
        .route("/collections/{id}", get(collections::show).post(collections::change))
        .route("/collections/{id}/access", post(collections::grant))
        .route("/collections/{id}/findings", post(collections::treat))
        .route("/objects/{id}", get(object::show))
        .route("/accounts", get(accounts::list).post(accounts::create))
        .route("/accounts/{name}", post(accounts::change))
        .route("/oversight", get(oversight::show))
        .route("/settings", get(settings::show))
        .route("/settings/keys", get(rotation::show).post(rotation::rotate))
        .route("/search", post(releases::search))
        .route("/login", get(login::show).post(login::by_password))
        .route("/login/{token}", get(login::show_link).post(login::by_link))
        .route("/logout", post(login::logout))
        .route("/assets/console.css", get(assets::css))
        .route("/assets/console.js", get(assets::js))
        .route("/assets/mark.svg", get(assets::mark))
        .route("/healthz", get(|| async { "ok" }))
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(from_fn_with_state(Arc::clone(desk), frame::with_menu))
}

/// What people are told at an address that no door knows; who is not logged in does that first, as
/// at every other.
pub async fn nowhere(desk: &Shared, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    match Person::from_request_parts(&mut parts, desk).await {
        Ok(person) => Failed::nowhere().within(person.frame(desk, Menu::None)),
        Err(login) => login.into_response(),
    }
}

/// An address that a form leads to, opened without it; or the other way round.
async fn not_allowed(_: Person, method: Method) -> Failed {
    let title = match method {
        Method::GET | Method::HEAD => "only a form leads to this address",
        _ => "no form leads to this address",
    };
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "API-405", title, "go on from the desk").into()
}

#[cfg(test)]
mod tests {
    use crate::taxii::RESERVED_ROOTS;

    #[test]
    fn no_api_root_may_have_the_name_of_a_page() {
        let routes = include_str!("console.rs").split(".route(\"/").skip(1);
        let names = routes.map(|route| route.split(['/', '"']).next().unwrap());
        let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            assert!(RESERVED_ROOTS.contains(&name), "{name}");
        }
    }
}
