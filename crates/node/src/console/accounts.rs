//! People of this node: accounts, their roles, their tokens and certificates.

use std::collections::{BTreeSet, HashMap};

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use protocol::{
    secrets,
    terms::{Role, Timestamp},
};
use stix::Tlp;
use store::{Account, Sight};

use super::{
    form::Form,
    frame::{Answer, At, Frame, Menu, Person, Trouble, page, page_as},
    look::{self, Piece},
};
use crate::{
    api::{
        accounts::{check_name, hashed},
        certificates::keep,
    },
    desk::{Shared, now, rng},
    init,
    problem::Problem,
};

const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// Days that a token holds at most, where it ends.
const TOKEN_DAYS_MAX: i64 = 36_500;

struct TokenLine {
    id: String,
    label: String,
    created: Piece,
    expires: Option<Piece>,
}

struct CertificateLine {
    id: String,
    label: String,
    created: Piece,
}

struct AccountRow {
    name: String,
    pseudonym: String,
    roles: Vec<(Role, bool)>,
    created: Piece,
    has_password: bool,
    disabled: bool,
    is_me: bool,
    tokens: Vec<TokenLine>,
    certificates: Vec<CertificateLine>,
    ceiling: Tlp,
    /// Ids of its communities, one a line; every one where nothing stands.
    communities: String,
}

/// What was made and is shown once.
struct Made {
    what: String,
    secret: String,
    hint: &'static str,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    rows: Vec<AccountRow>,
    trouble: Option<Trouble>,
    made: Option<Made>,
    typed: Typed,
    asks_password: bool,
}

impl AccountsPage {
    fn ceilings() -> &'static [Tlp] {
        &Tlp::ALL
    }

    fn all_roles() -> &'static [Role] {
        Role::ALL
    }

    /// What a role may do, in a line.
    fn explained(role: &Role) -> &'static str {
        match role {
            Role::Administrator => "sets up partners, agreements and accounts; reads no content",
            Role::Drafter => "writes items and drafts releases",
            Role::Releaser => "releases what another drafted, recalls, acknowledges",
            Role::Reader => "reads collections",
        }
    }
}

/// Every form of this page; its button says which.
#[derive(Default)]
pub(super) struct Typed {
    csrf: String,
    act: String,
    name: String,
    roles: Vec<Role>,
    password: String,
    label: String,
    days: String,
    /// Id of what is to be ended.
    ends: String,
    pem: String,
    confirm: String,
    ceiling: String,
    communities: String,
}

impl Typed {
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        // A button says what to do, and which thing it stands beside where there are many.
        for (name, value) in pairs {
            match name.as_str() {
                "csrf" => typed.csrf = value,
                "act" => typed.act = value,
                "name" => typed.name = value.trim().to_owned(),
                "role" => typed.roles.extend(value.parse::<Role>()),
                "password" => typed.password = value,
                "label" => typed.label = value.trim().to_owned(),
                "days" => typed.days = value,
                "end-token" | "end-certificate" => (typed.act, typed.ends) = (name, value),
                "pem" => typed.pem = value,
                "confirm" => typed.confirm = value,
                "ceiling" => typed.ceiling = value,
                "communities" => typed.communities = value,
                _ => {}
            }
        }
        typed
    }
}

pub(super) async fn list(State(desk): State<Shared>, person: Person) -> Answer {
    person.0.must_be(Role::Administrator)?;
    Ok(page(&build(&desk, &person, Outcome::default()).await?))
}

/// What the last form came to.
#[derive(Default)]
struct Outcome {
    trouble: Option<Trouble>,
    made: Option<Made>,
    typed: Typed,
}

async fn build(desk: &Shared, person: &Person, outcome: Outcome) -> Result<AccountsPage, Problem> {
    let store = desk.service.store();
    let (tokens, certificates) = (store.token_rows().await?, store.certificates(None).await?);
    let mut sights = HashMap::new();
    let accounts = store.accounts().await?;
    for account in &accounts {
        sights.insert(account.name.clone(), store.bounds(&account.name).await?.sight);
    }
    let sight = |name: &str| sights.get(name).cloned().unwrap_or_default();
    let row = |account: Account| AccountRow {
        ceiling: sight(&account.name).ceiling,
        communities: lines(&sight(&account.name)),
        roles: Role::ALL.iter().map(|role| (*role, account.roles.contains(role))).collect(),
        created: look::time(account.created),
        has_password: account.password_hash.is_some(),
        disabled: account.disabled,
        is_me: account.name == person.name(),
        tokens: tokens
            .iter()
            .filter(|token| token.account == account.name)
            .map(|token| TokenLine {
                id: token.id.clone(),
                label: token.label.clone(),
                created: look::time(token.created),
                expires: token.expires.map(look::time),
            })
            .collect(),
        certificates: certificates
            .iter()
            .filter(|certificate| certificate.account == account.name)
            .map(|certificate| CertificateLine {
                id: certificate.id.clone(),
                label: certificate.label.clone(),
                created: look::time(certificate.created),
            })
            .collect(),
        pseudonym: account.pseudonym,
        name: account.name,
    };
    Ok(AccountsPage {
        frame: person.frame(desk, Menu::Accounts),
        rows: accounts.into_iter().map(row).collect(),
        trouble: outcome.trouble,
        made: outcome.made,
        typed: outcome.typed,
        asks_password: !person.is_confirmed(),
    })
}

/// Makes an account.
pub(super) async fn create(
    State(desk): State<Shared>,
    person: Person,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let typed = Typed::read(pairs);
    person.check(&typed.csrf)?;
    match made(&desk, &person, &typed).await {
        Ok(()) => Ok(Redirect::to("/accounts").into_response()),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let outcome = Outcome { trouble, typed, made: None };
            Ok(page_as(problem.status(), &build(&desk, &person, outcome).await?))
        }
    }
}

fn unprocessable(rule: &str, message: &str, remedy: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, rule, message, remedy)
}

async fn made(desk: &Shared, person: &Person, typed: &Typed) -> Result<(), Problem> {
    person.0.must_be(Role::Administrator)?;
    check_name(&typed.name)?;
    person.confirm(desk, &typed.confirm).await?;
    let hash = match typed.password.as_str() {
        "" => None,
        password => Some(hashed(password)?),
    };
    let (name, roles) = (typed.name.clone(), typed.roles.clone());
    let actor = person.name().to_owned();
    Ok(desk.service.store().create_account(name, roles, hash, actor, now()).await?)
}

/// Changes one account: roles, password, door, tokens, certificates, a login link.
pub(super) async fn change(
    State(desk): State<Shared>,
    person: Person,
    At(name): At<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let typed = Typed::read(pairs);
    person.check(&typed.csrf)?;
    match changed(&desk, &person, &name, &typed).await {
        Ok(None) => Ok(Redirect::to("/accounts").into_response()),
        Ok(made) => {
            let outcome = Outcome { made, ..Outcome::default() };
            Ok(page(&build(&desk, &person, outcome).await?))
        }
        Err(problem) => {
            let outcome = Outcome { trouble: Some(Trouble::from(&problem)), ..Outcome::default() };
            Ok(page_as(problem.status(), &build(&desk, &person, outcome).await?))
        }
    }
}

async fn changed(
    desk: &Shared,
    person: &Person,
    name: &str,
    typed: &Typed,
) -> Result<Option<Made>, Problem> {
    person.0.must_be(Role::Administrator)?;
    person.confirm(desk, &typed.confirm).await?;
    let (store, time, actor) = (desk.service.store(), now(), person.name().to_owned());
    let account = store.account(name).await?.ok_or(store::Error::NotFound)?;
    match typed.act.as_str() {
        "password" => {
            store.set_password(account.name, hashed(&typed.password)?, actor, time).await?
        }
        "token" => return Ok(Some(token(desk, account, typed, time).await?)),
        "end-token" => store.end_token(typed.ends.clone(), actor, time).await?,
        "certificate" => {
            keep(desk, &account.name, (&typed.pem, &typed.label), actor).await?;
        }
        "end-certificate" => {
            store.remove_certificate(account.name, typed.ends.clone(), actor, time).await?;
        }
        "link" => return Ok(Some(link(desk, &account.name).await?)),
        "sight" => return Ok(Some(see(desk, account.name, typed, actor).await?)),
        "shut" | "open" => {
            let shut = typed.act == "shut";
            store.change_account(account.name, account.roles, shut, actor, time).await?;
        }
        "roles" => {
            let roles = typed.roles.clone();
            store.change_account(account.name, roles, account.disabled, actor, time).await?;
        }
        _ => return Err(store::Error::NotFound.into()),
    }
    Ok(None)
}

fn lines(sight: &Sight) -> String {
    sight.communities.iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// Says what an account may see.
async fn see(desk: &Shared, name: String, typed: &Typed, actor: String) -> Result<Made, Problem> {
    let wrong =
        |message: &str| unprocessable("COL-3", message, "see the ids of marking definitions");
    let ceiling: Tlp = typed.ceiling.parse().map_err(|_| wrong("that is no label of TLP"))?;
    let communities: BTreeSet<String> =
        typed.communities.split_whitespace().map(str::to_owned).collect();
    if !communities.iter().all(|id| stix::is_marking_id(id)) {
        return Err(wrong("a community is named by the id of its marking definition"));
    }
    let sight = Sight::new(ceiling, (!communities.is_empty()).then_some(communities));
    desk.service.store().set_sight(name.clone(), sight, actor, now()).await?;
    Ok(Made {
        what: format!("{name} sees up to {ceiling}"),
        secret: String::new(),
        hint: "Where that is more than before, its tools meet the rest when they poll from the start.",
    })
}

/// How long a token holds: for good where nothing is said, never where something else is.
fn days(typed: &str) -> Result<Option<i64>, Problem> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let days = typed.parse().ok().filter(|days| (1..=TOKEN_DAYS_MAX).contains(days));
    let remedy = "give a whole number of days, or leave it empty for a token that does not end";
    let wrong = || unprocessable("TOK-2", "a token holds 1 to 36500 days; none was made", remedy);
    days.map(Some).ok_or_else(wrong)
}

async fn token(
    desk: &Shared,
    account: Account,
    typed: &Typed,
    time: Timestamp,
) -> Result<Made, Problem> {
    if typed.label.is_empty() {
        let remedy = "say what uses it, such as `OpenCTI on server 3`";
        return Err(unprocessable("ACC-4", "a token needs a label", remedy));
    }
    let expires = days(&typed.days)?.map(|days| time.plus_ms(days * DAY_MS));
    let (token, digest) = secrets::token(&mut rng());
    let label = typed.label.clone();
    desk.service.store().add_token(digest, account.name.clone(), label, expires, time).await?;
    Ok(Made {
        what: format!("Token of {}", account.name),
        secret: token.to_string(),
        hint: "Copy it now: it is kept only as a digest and is never shown again.",
    })
}

async fn link(desk: &Shared, name: &str) -> Result<Made, Problem> {
    let path = init::login_link(desk.service.store(), name, now())
        .await
        .map_err(|_| Problem::from(store::Error::Closed))?;
    Ok(Made {
        what: format!("Login link of {name}"),
        secret: path,
        hint: "It works once, within 24 hours, behind this desk's address.",
    })
}
