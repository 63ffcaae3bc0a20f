//! Tokens of programs: made for an account, shown once, kept as digests.

use axum::{extract::State, http::StatusCode};
use protocol::{
    secrets,
    terms::{Role, Timestamp},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Answer, Endpoint, absent,
    accounts::named,
    done,
    extract::{Json, Path, Query},
    list, malformed, parse_opt,
};
use crate::{
    auth::Caller,
    desk::{Shared, now, rng},
    problem::Problem,
};

/// Characters of a label.
const LABEL_LEN_MAX: usize = 100;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/tokens", tokens)
            .gives(
                "Tokens of the asking account, newest first; never the tokens themselves",
                "TokenList",
            )
            .with("all", "Flag", "of every account, for an administrator"),
        Endpoint::post("/tokens", create)
            .takes("NewToken")
            .gives("Make a token; it is shown this once", "TokenMade"),
        Endpoint::delete("/tokens/{token}", revoke)
            .gives("Revoke a token at once: one's own, or any for an administrator", "Revoked"),
    ]
}

fn is_administrator(caller: &Caller) -> bool {
    caller.account.roles.contains(&Role::Administrator)
}

fn others_are_the_administrators() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "ROLE-1",
        "other accounts' tokens are an administrator's",
        "ask an administrator",
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(default)]
    all: bool,
}

async fn tokens(State(desk): State<Shared>, caller: Caller, Query(which): Query<Which>) -> Answer {
    if which.all && !is_administrator(&caller) {
        return Err(others_are_the_administrators());
    }
    let mut rows = desk.service.store().token_rows().await?;
    rows.retain(|row| which.all || row.account == caller.account.name);
    done(list("tokens", rows))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    label: String,
    expires: Option<String>,
    account: Option<String>,
}

async fn create(State(desk): State<Shared>, caller: Caller, Json(new): Json<NewToken>) -> Answer {
    let owner = new.account.unwrap_or_else(|| caller.account.name.clone());
    if owner != caller.account.name && !is_administrator(&caller) {
        return Err(others_are_the_administrators());
    }
    let store = desk.service.store();
    named(&desk, &owner).await?;
    if new.label.trim().is_empty() || new.label.chars().count() > LABEL_LEN_MAX {
        return Err(malformed("TOK-1", "a label has 1 to 100 characters"));
    }
    let expires: Option<Timestamp> = parse_opt(new.expires.as_deref(), "expires")?;
    if expires.is_some_and(|expires| expires <= now()) {
        return Err(malformed("TOK-2", "`expires` is over already"));
    }
    let (token, digest) = secrets::token(&mut rng());
    store.add_token(digest, owner.clone(), new.label, expires, now()).await?;
    done(json!({
        "token": token.as_str(),
        "id": store::token_id(&digest),
        "account": owner,
        "expires": expires,
    }))
}

async fn revoke(State(desk): State<Shared>, caller: Caller, Path(id): Path<String>) -> Answer {
    let store = desk.service.store();
    // Another's token is as unknown to whoever is no administrator as one that is not there.
    let may = |owner: &str| owner == caller.account.name || is_administrator(&caller);
    if !store.token_row(&id).await?.is_some_and(|row| may(&row.account)) {
        return Err(absent(&format!("there is no token {id:?}"), "see the list of tokens"));
    }
    store.end_token(id.clone(), caller.account.name, now()).await?;
    done(json!({ "revoked": id }))
}
