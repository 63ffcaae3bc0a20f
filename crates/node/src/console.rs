//! The console: what people see. Rendered here, readable without scripts.
//!
//! One file for each page; `frame` knows the person and the form token, `look` gives every term its
//! one look. Handlers read a form, call one use case, and show a page.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::desk::Shared;

mod accounts;
mod agreements;
mod assets;
mod collections;
mod compose;
mod desk;
mod evidence;
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
mod release;
mod releases;
mod rotation;
mod settings;
mod snippets;
mod standing;
mod statement;
mod way;

/// A form with an uploaded document.
const BODY_LEN_MAX: usize = 20 * 1024 * 1024;

/// The console's routes.
pub fn router() -> Router<Shared> {
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
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
}
