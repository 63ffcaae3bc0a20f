//! Partners: the list, meeting one, and one partner: link, agreements, numbers, ledger, keys, and
//! the comparison of its fingerprint.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use exchange::partner;
use protocol::{
    keys::{self, KeyStatement},
    terms::{Digest, NodeName, Role},
};
use serde::Deserialize;
use store::{Partner, PartnerState};

use super::{
    form::Form,
    frame::{Answer, At, Frame, Menu, Person, Trouble, page, page_as},
    look::{self, Piece},
    policy::{self, PolicyForm},
};
use crate::{
    api::partners::fingerprint,
    desk::{Shared, now},
    problem::Problem,
};

struct PartnerRow {
    name: String,
    whole: String,
    path: String,
    state: Piece,
    link: Piece,
    heard: Option<Piece>,
    missing: u64,
}

#[derive(Template)]
#[template(path = "partners.html")]
struct PartnersPage {
    frame: Frame,
    rows: Vec<PartnerRow>,
    agreements: Vec<AgreementLine>,
    me: String,
    spoken: String,
    statement: Piece,
    trouble: Option<Trouble>,
    typed: Meet,
    administers: bool,
}

struct AgreementLine {
    title: String,
    path: String,
    state: Piece,
}

#[derive(Deserialize, Default)]
pub(super) struct Meet {
    csrf: String,
    #[serde(default)]
    statement: String,
    #[serde(default)]
    url: String,
}

pub(super) async fn list(State(desk): State<Shared>, person: Person) -> Answer {
    Ok(page(&build_list(&desk, &person, None, Meet::default()).await?))
}

async fn build_list(
    desk: &Shared,
    person: &Person,
    trouble: Option<Trouble>,
    typed: Meet,
) -> Result<PartnersPage, Problem> {
    let (store, time) = (desk.service.store(), now());
    let mut rows = Vec::new();
    for partner in store.partners().await? {
        rows.push(PartnerRow {
            name: partner.name.short(),
            whole: partner.name.to_string(),
            path: format!("/partners/{}", partner.name),
            state: look::partner_state(partner.state),
            link: look::link(&partner),
            heard: partner.last_contact.map(|at| look::ago(at, time)),
            missing: store.missing(&partner.name).await?,
        });
    }
    let keys = desk.service.keys();
    Ok(PartnersPage {
        frame: person.frame(desk, Menu::Partners),
        rows,
        agreements: agreements(desk, None).await?,
        me: desk.service.name().to_string(),
        spoken: keys::spoken(&keys.statement().fingerprint()),
        statement: look::document(&String::from_utf8_lossy(keys.statement().note())),
        trouble,
        typed,
        administers: person.is(Role::Administrator),
    })
}

async fn agreements(desk: &Shared, of: Option<&NodeName>) -> Result<Vec<AgreementLine>, Problem> {
    let rows = desk.service.store().agreements().await?;
    let with = |row: &store::AgreementRow| of.is_none_or(|name| row.parties.contains(name));
    let line = |row: store::AgreementRow| AgreementLine {
        path: format!("/agreements/{}", row.id),
        state: look::agreement_state(row.state),
        title: row.title,
    };
    Ok(rows.into_iter().filter(with).map(line).collect())
}

pub(super) async fn meet(
    State(desk): State<Shared>,
    person: Person,
    Form(form): Form<Meet>,
) -> Answer {
    person.check(&form.csrf)?;
    match met(&desk, &person, &form).await {
        Ok(partner) => Ok(Redirect::to(&format!("/partners/{}", partner.name)).into_response()),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let built = build_list(&desk, &person, trouble, form).await?;
            Ok(page_as(problem.status(), &built))
        }
    }
}

async fn met(desk: &Shared, person: &Person, form: &Meet) -> Result<Partner, Problem> {
    person.0.must_be(Role::Administrator)?;
    // A browser sends line ends as CRLF; a note has LF, and a last one that pasting may lose.
    let mut text = form.statement.replace("\r\n", "\n").trim_matches('\n').to_owned();
    text.push('\n');
    let url = Some(form.url.trim().to_owned()).filter(|url| !url.is_empty());
    Ok(partner::meet(&desk.service, Bytes::from(text), url, now()).await?)
}

struct KeyRow {
    epoch: u32,
    from: Piece,
    until: Piece,
    seals: usize,
    fingerprint: Piece,
    state: Piece,
}

#[derive(Template)]
#[template(path = "partner.html")]
struct PartnerPage {
    frame: Frame,
    partner: Partner,
    short: String,
    state: Piece,
    link: Piece,
    heard: Option<Piece>,
    next: &'static str,
    added: Piece,
    waiting: u64,
    open: u64,
    missing: u64,
    ledger: Option<(String, Piece)>,
    agreements: Vec<AgreementLine>,
    spoken: Vec<String>,
    ours: Vec<String>,
    keys: Vec<KeyRow>,
    trouble: Option<Trouble>,
    typed: String,
    may_verify: bool,
    /// For the administrator alone.
    policy: Option<PolicyForm>,
}

pub(super) async fn show(
    State(desk): State<Shared>,
    person: Person,
    At(name): At<String>,
) -> Answer {
    Ok(page(&build(&desk, &person, &known(&desk, &name).await?).await?))
}

async fn known(desk: &Shared, name: &str) -> Result<Partner, Problem> {
    let name: NodeName = name.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    Ok(desk.service.store().partner(&name).await?.ok_or(store::Error::NotFound)?)
}

async fn build(desk: &Shared, person: &Person, partner: &Partner) -> Result<PartnerPage, Problem> {
    let (store, name) = (desk.service.store(), &partner.name);
    let (waiting, open) = store.outbox_counts(name).await?;
    let seen = store.last_seen_checkpoint(name).await?;
    let administers = person.is(Role::Administrator);
    let next = match (partner.state, administers) {
        (PartnerState::Met, true) => {
            "Compare the fingerprint with a person there, by voice or in person."
        }
        (PartnerState::Met, false) => {
            "An administrator compares the fingerprint with a person there."
        }
        _ => "",
    };
    let groups = |digest: &Digest| keys::spoken(digest).split(' ').map(str::to_owned).collect();
    Ok(PartnerPage {
        frame: person.frame(desk, Menu::Partners),
        short: name.short(),
        state: look::partner_state(partner.state),
        link: look::link(partner),
        heard: partner.last_contact.map(|at| look::ago(at, now())),
        next,
        added: look::time(partner.added),
        waiting,
        open,
        missing: store.missing(name).await?,
        ledger: seen.map(|seen| (look::count(seen.size), look::time(seen.at))),
        agreements: agreements(desk, Some(name)).await?,
        spoken: groups(&partner.fingerprint),
        ours: groups(&desk.service.keys().statement().fingerprint()),
        keys: key_rows(desk, name).await?,
        trouble: None,
        typed: String::new(),
        policy: administers.then(|| {
            let otherwise = desk.service.intake_policy(None);
            PolicyForm::of(partner.policy.as_ref(), &otherwise)
        }),
        may_verify: partner.state == PartnerState::Met && administers,
        partner: partner.clone(),
    })
}

async fn key_rows(desk: &Shared, name: &NodeName) -> Result<Vec<KeyRow>, Problem> {
    let (store, time) = (desk.service.store(), now());
    let (held, revoked) = (store.key_statements(name).await?, store.revocations(name).await?);
    let newest = held.iter().map(|(epoch, _)| *epoch).max();
    let row = |(_, note): &(u32, Bytes)| {
        let statement = KeyStatement::parse(note).ok()?;
        Some(KeyRow {
            epoch: statement.epoch(),
            from: look::time(statement.from()),
            until: look::time(statement.until()),
            seals: statement.seal().len(),
            fingerprint: look::id(&statement.fingerprint().hex()),
            state: match revoked.iter().find(|one| one.epoch == statement.epoch()) {
                Some(one) => look::bad(&format!("revoked from its entry {} on", one.size)),
                None if statement.until() <= time => look::attention("ended"),
                None if Some(statement.epoch()) == newest => look::good("in force"),
                None => look::plain("replaced"),
            },
        })
    };
    Ok(held.iter().filter_map(row).collect())
}

#[derive(Deserialize)]
pub(super) struct Verify {
    csrf: String,
    #[serde(default)]
    fingerprint: String,
}

pub(super) async fn verify(
    State(desk): State<Shared>,
    person: Person,
    At(name): At<String>,
    Form(form): Form<Verify>,
) -> Answer {
    person.check(&form.csrf)?;
    let partner = known(&desk, &name).await?;
    match verified(&desk, &person, &partner, &form.fingerprint).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let built = build(&desk, &person, &partner).await?;
            let built = PartnerPage { trouble, typed: form.fingerprint, ..built };
            Ok(page_as(problem.status(), &built))
        }
    }
}

async fn verified(
    desk: &Shared,
    person: &Person,
    partner: &Partner,
    typed: &str,
) -> Result<Response, Problem> {
    person.0.must_be(Role::Administrator)?;
    let fingerprint = fingerprint(typed)?;
    partner::verify(&desk.service, &partner.name, fingerprint, person.name(), now()).await?;
    Ok(Redirect::to(&format!("/partners/{}", partner.name)).into_response())
}

/// What becomes of what this partner sends and breaks the standard's rules.
pub(super) async fn treat(
    State(desk): State<Shared>,
    person: Person,
    At(name): At<String>,
    Form(form): Form<policy::Typed>,
) -> Answer {
    person.check(&form.csrf)?;
    person.0.must_be(Role::Administrator)?;
    let partner = known(&desk, &name).await?;
    match form.change() {
        Ok(change) => {
            let (store, actor) = (desk.service.store(), person.name().to_owned());
            store.change_partner(partner.name.clone(), None, Some(change), actor, now()).await?;
            let path = format!("/partners/{}#findings-title", partner.name);
            Ok(Redirect::to(&path).into_response())
        }
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let policy = Some(PolicyForm::typed(&form, &desk.service.intake_policy(None)));
            let built = build(&desk, &person, &partner).await?;
            Ok(page_as(problem.status(), &PartnerPage { trouble, policy, ..built }))
        }
    }
}
