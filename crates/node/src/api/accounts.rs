//! People: accounts, passwords, login links.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use protocol::{secrets, terms::Role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Account;
use uuid::Uuid;

use super::{
    Answer, Endpoint, absent, done,
    extract::{Json, Path},
    list,
};
use crate::{
    auth::{Caller, Origin, Refusal},
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
        Endpoint::get("/accounts/{name}", one)
            .by(&[Role::Administrator])
            .gives("One account: what it sees, where it may use its roles", "AccountView"),
        Endpoint::patch("/accounts/{name}", change)
            .by(&[Role::Administrator])
            .takes("AccountChange")
            .gives("Say what an account may do, or shut or open it", "AccountView"),
        Endpoint::post("/accounts/{name}/password", set_password)
            .by(&[Role::Administrator])
            .takes("NewPassword")
            .gives("Set an account's password", "Changed"),
        Endpoint::post("/me/password", own_password)
            .takes("OwnPassword")
            .gives("Change one's own password", "Changed"),
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
///
/// *Errors*: `ACC-2`.
pub(crate) fn hashed(password: &str) -> Result<String, Problem> {
    let weak = || {
        let message = "a password has at least 12 characters";
        let remedy = "choose a longer one; a few words in a row are easy to keep";
        Problem::new(StatusCode::BAD_REQUEST, "ACC-2", message, remedy)
    };
    if password.chars().count() < PASSWORD_LEN_MIN {
        return Err(weak());
    }
    secrets::hash_password(password, &mut rng()).ok_or_else(weak)
}

/// A name that an account can bear.
///
/// *Errors*: `ACC-1`.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let plain = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._@".contains(&b));
    if plain {
        return Ok(());
    }
    let message = "a name has 1 to 64 letters, digits and the signs - . _ @";
    let remedy = "choose a name of these alone";
    Err(Problem::new(StatusCode::BAD_REQUEST, "ACC-1", message, remedy))
}

async fn create(State(desk): State<Shared>, caller: Caller, Json(new): Json<NewAccount>) -> Answer {
    check_name(&new.name)?;
    let hash = new.password.as_deref().map(hashed).transpose()?;
    let (actor, name) = (caller.account.name, new.name.clone());
    desk.service.store().create_account(name, new.roles, hash, actor, now()).await?;
    done(json!({ "created": new.name }))
}

/// The account of a name.
///
/// *Errors*: `API-404`, which names it.
pub(super) async fn named(desk: &Shared, name: &str) -> Result<Account, Problem> {
    let found = desk.service.store().account(name).await?;
    found
        .ok_or_else(|| absent(&format!("there is no account {name:?}"), "see the list of accounts"))
}

/// An account, what it sees, and where it may use its roles.
#[derive(Serialize)]
struct AccountView {
    #[serde(flatten)]
    account: Account,
    sight: Value,
    access: Vec<Value>,
}

async fn one(State(desk): State<Shared>, Path(name): Path<String>) -> Answer {
    let account = named(&desk, &name).await?;
    let store = desk.service.store();
    let (sight, all) = (store.bounds(&name).await?.sight, store.collections().await?);
    let address = |id: Uuid| {
        all.iter().find(|one| one.id == id).map(|one| format!("{}/{}", one.root, one.alias))
    };
    let access = store.access().await?.into_iter().filter(|row| row.account == name);
    let access: Vec<_> = access
        .map(|row| {
            json!({
                "collection": row.collection,
                "address": row.collection.and_then(address),
                "read": row.read,
                "write": row.write,
            })
        })
        .collect();
    let sight = json!({ "ceiling": sight.ceiling.to_string(), "communities": sight.communities });
    done(json!(AccountView { account, sight, access }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    roles: Option<Vec<Role>>,
    disabled: Option<bool>,
}

async fn change(
    State(desk): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Json(change): Json<Change>,
) -> Answer {
    let store = desk.service.store();
    let account = named(&desk, &name).await?;
    let roles = change.roles.unwrap_or(account.roles);
    let disabled = change.disabled.unwrap_or(account.disabled);
    store.change_account(name.clone(), roles, disabled, caller.account.name, now()).await?;
    one(State(desk), Path(name)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: String,
}

async fn set_password(
    State(desk): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Json(new): Json<NewPassword>,
) -> Answer {
    named(&desk, &name).await?;
    let (hash, actor) = (hashed(&new.password)?, caller.account.name);
    desk.service.store().set_password(name.clone(), hash, actor, now()).await?;
    done(json!({ "changed": name }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnPassword {
    old: String,
    new: String,
}

async fn own_password(
    State(desk): State<Shared>,
    caller: Caller,
    Origin(address): Origin,
    Json(body): Json<OwnPassword>,
) -> Answer {
    let known = desk.auth.confirm(&desk, &caller.account, &body.old, address).await;
    if !known.map_err(Refusal::from)? {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "AUTH-3",
            "the old password is another one",
            "give it again, or ask an administrator to set a new one",
        ));
    }
    let (hash, name) = (hashed(&body.new)?, caller.account.name);
    desk.service.store().set_password(name.clone(), hash, name.clone(), now()).await?;
    done(json!({ "changed": name }))
}

async fn login_link(
    State(desk): State<Shared>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let path = init::login_link(desk.service.store(), &caller.account.name, now())
        .await
        .map_err(|_| Problem::from(store::Error::Closed))?;
    let base = desk.address(&headers, &uri);
    done(json!({ "path": path, "url": format!("{base}{path}") }))
}
