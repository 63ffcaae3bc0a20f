//! People: accounts, passwords, login links.

use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use protocol::{secrets, terms::Role};
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Endpoint, done, extract::Json, list, malformed};
use crate::{
    auth::Caller,
    desk::{Shared, now, rng},
    init,
    problem::Problem,
};

/// Characters of a password at least.
const PASSWORD_LEN_MIN: usize = 12;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/accounts", accounts)
            .by(&[Role::Administrator])
            .gives("Every account", "AccountList"),
        Endpoint::post("/accounts", create)
            .by(&[Role::Administrator])
            .takes("NewAccount")
            .gives("Make an account", "Created"),
        Endpoint::post("/login-link", login_link).gives(
            "A one-time address that logs the asking account in at the console",
            "LoginLink",
        ),
    ]
}

async fn accounts(State(desk): State<Shared>) -> Answer {
    done(list("accounts", desk.service.store().accounts().await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    name: String,
    roles: Vec<Role>,
    password: Option<String>,
}

/// The hash of a password that is good enough.
fn hashed(password: &str) -> Result<String, Problem> {
    if password.chars().count() < PASSWORD_LEN_MIN {
        return Err(malformed("ACC-2", "a password has at least 12 characters"));
    }
    secrets::hash_password(password, &mut rng())
        .ok_or_else(|| malformed("ACC-2", "the password cannot be hashed"))
}

async fn create(State(desk): State<Shared>, caller: Caller, Json(new): Json<NewAccount>) -> Answer {
    let plain = !new.name.is_empty()
        && new.name.len() <= 64
        && new.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._@".contains(&b));
    if !plain {
        return Err(malformed("ACC-1", "a name has 1 to 64 letters, digits and -._@"));
    }
    let hash = new.password.as_deref().map(hashed).transpose()?;
    let (actor, name) = (caller.account.name, new.name.clone());
    desk.service.store().create_account(name, new.roles, hash, actor, now()).await?;
    done(json!({ "created": new.name }))
}

async fn login_link(State(desk): State<Shared>, caller: Caller, headers: HeaderMap) -> Answer {
    let path = init::login_link(desk.service.store(), &caller.account.name, now())
        .await
        .map_err(|_| Problem::from(store::Error::Closed))?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let plain = desk.config.desk.ip().is_loopback() && !desk.config.behind_proxy;
    let scheme = if plain { "http" } else { "https" };
    done(json!({ "path": path, "url": format!("{scheme}://{host}{path}") }))
}
