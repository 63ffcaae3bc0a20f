//! Collections: the list, and one collection with its objects by type, markings, findings, time
//! line, readers, address, and a snippet for each client that reads it.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Redirect},
};
use exchange::collections::{self, Older};
use protocol::terms::{Role, Timestamp, Topic};
use stix::Tlp;
use store::{Collection, CollectionChange, Flow, NewCollection, ObjectHead, Portrait, Rights};
use uuid::Uuid;

use super::{
    form::Form,
    frame::{Answer, At, Frame, Menu, Person, Trouble, page, page_as},
    items,
    look::{self, Piece},
    policy::{self, PolicyForm},
    query::Query,
    snippets::{self, Snippet},
};
use crate::{
    desk::{Shared, now},
    problem::Problem,
};

/// Objects on one page.
const ROWS: u32 = 50;
/// Objects that a portrait counts at most: what bounds the time of the page.
const COUNTED: u32 = 50_000;
/// Days of the time line.
const DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

struct CollectionRow {
    title: String,
    root: String,
    path: String,
    flow: &'static str,
    keeps: String,
}

#[derive(Template)]
#[template(path = "collections.html")]
struct CollectionsPage {
    frame: Frame,
    rows: Vec<CollectionRow>,
    address: String,
    trouble: Option<Trouble>,
    typed: Typed,
    /// What a new aggregate can be fed from; for the administrator alone.
    sources: Vec<Source>,
    administers: bool,
}

/// A collection that can feed an aggregate, and whether it does.
struct Source {
    id: Uuid,
    address: String,
    feeds: bool,
}

fn flow(flow: Flow) -> &'static str {
    match flow {
        Flow::Local => "our own",
        Flow::Outgoing => "goes out: what is posted becomes a draft for release",
        Flow::Incoming => "comes in: what a partner released",
        Flow::Aggregate => "an aggregate: what other collections hold",
    }
}

/// What the forms of these pages carry.
#[derive(Default)]
pub(super) struct Typed {
    csrf: String,
    alias: String,
    title: String,
    description: String,
    days: String,
    deletes_older: bool,
    sources: Vec<Uuid>,
}

impl Typed {
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "csrf" => typed.csrf = value,
                "alias" => typed.alias = value.trim().to_owned(),
                "title" => typed.title = value.trim().to_owned(),
                "description" => typed.description = value.trim().to_owned(),
                "days" => typed.days = value.trim().to_owned(),
                "delete_older" => typed.deletes_older = true,
                "source" => typed.sources.extend(value.parse::<Uuid>()),
                _ => {}
            }
        }
        typed
    }

    /// Days; an empty field is for good.
    fn days(&self) -> Result<Option<u32>, Problem> {
        if self.days.is_empty() {
            return Ok(None);
        }
        let wrong = |_| {
            let remedy = "give whole days, or leave the field empty for good";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "COL-6", "no number of days", remedy)
        };
        self.days.parse().map(Some).map_err(wrong)
    }
}

/// The collections that can feed an aggregate.
async fn sources(desk: &Shared, of: &[Uuid]) -> Result<Vec<Source>, Problem> {
    let all = desk.service.store().collections().await?;
    let plain = all.iter().filter(|one| one.flow != Flow::Aggregate);
    let source = |one: &Collection| Source {
        id: one.id,
        address: format!("{}/{}", one.root, one.alias),
        feeds: of.contains(&one.id),
    };
    Ok(plain.map(source).collect())
}

async fn chosen(desk: &Shared, ids: &[Uuid]) -> Result<Vec<Collection>, Problem> {
    let all = desk.service.store().collections().await?;
    Ok(all.into_iter().filter(|one| ids.contains(&one.id)).collect())
}

fn keeps(collection: &Collection) -> String {
    match collection.retention_days {
        Some(days) => format!("for {}", look::plural(days.into(), "day", "days")),
        None => "for good".to_owned(),
    }
}

pub(super) async fn list(
    State(desk): State<Shared>,
    person: Person,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let address = format!("{}/taxii2/", desk.address(&headers, &uri));
    Ok(page(&overview(&desk, &person, address, (None, Typed::default())).await?))
}

async fn overview(
    desk: &Shared,
    person: &Person,
    address: String,
    (trouble, typed): (Option<Trouble>, Typed),
) -> Result<CollectionsPage, Problem> {
    let view = person.view(desk).await?;
    let usable = view.roots.iter().flat_map(|root| &root.collections);
    let row = |collection: &Collection| CollectionRow {
        path: format!("/collections/{}", collection.id),
        flow: flow(collection.flow),
        title: collection.title.clone(),
        root: collection.root.clone(),
        keeps: keeps(collection),
    };
    let administers = person.is(Role::Administrator);
    let rows = match administers {
        // The administrator sets up what others read: it sees that they are there, not what is in.
        true => desk.service.store().collections().await?.iter().map(row).collect(),
        false => usable.map(|usable| row(&usable.collection)).collect(),
    };
    let sources = if administers { sources(desk, &typed.sources).await? } else { Vec::new() };
    let frame = person.frame(desk, Menu::Collections);
    Ok(CollectionsPage { frame, rows, address, trouble, typed, sources, administers })
}

/// Makes a collection of the service's own.
pub(super) async fn create(
    State(desk): State<Shared>,
    person: Person,
    uri: Uri,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let typed = Typed::read(pairs);
    person.check(&typed.csrf)?;
    match made(&desk, &person, &typed).await {
        Ok(id) => Ok(Redirect::to(&format!("/collections/{id}")).into_response()),
        Err(problem) => {
            let address = format!("{}/taxii2/", desk.address(&headers, &uri));
            let said = (Some(Trouble::from(&problem)), typed);
            Ok(page_as(problem.status(), &overview(&desk, &person, address, said).await?))
        }
    }
}

async fn made(desk: &Shared, person: &Person, typed: &Typed) -> Result<Uuid, Problem> {
    person.0.must_be(Role::Administrator)?;
    let alias = typed.alias.parse::<Topic>().map_err(|_| {
        let remedy = "choose 1 to 64 lower-case letters, digits and hyphens";
        let message = "the alias cannot be used";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "COL-10", message, remedy)
    })?;
    let id = Uuid::new_v4();
    let new = NewCollection {
        id,
        root: "local".to_owned(),
        title: if typed.title.is_empty() { alias.to_string() } else { typed.title.clone() },
        alias: alias.to_string(),
        retention_days: typed.days()?,
        sources: chosen(desk, &typed.sources).await?,
    };
    collections::create(&desk.service, new, person.name(), now()).await?;
    Ok(id)
}

async fn known(desk: &Shared, id: Uuid) -> Result<Collection, Problem> {
    let all = desk.service.store().collections().await?;
    Ok(all.into_iter().find(|one| one.id == id).ok_or(store::Error::NotFound)?)
}

/// Changes a collection.
pub(super) async fn change(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
    uri: Uri,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let typed = Typed::read(pairs);
    person.check(&typed.csrf)?;
    person.0.must_be(Role::Administrator)?;
    let problem = match changed(&desk, &person, id, &typed).await {
        Ok(()) => return Ok(Redirect::to(&format!("/collections/{id}")).into_response()),
        Err(problem) => problem,
    };
    let mut built = build(&desk, &person, (id, None), &desk.address(&headers, &uri)).await?;
    if let Some(settings) = &mut built.settings {
        settings.asks_of_older = problem.rule() == "COL-13";
        settings.title = typed.title;
        settings.description = typed.description;
        settings.days = typed.days;
        settings.sources.iter_mut().for_each(|one| one.feeds = typed.sources.contains(&one.id));
    }
    let trouble = Some(Trouble::from(&problem));
    Ok(page_as(problem.status(), &CollectionPage { trouble, ..built }))
}

async fn changed(desk: &Shared, person: &Person, id: Uuid, typed: &Typed) -> Result<(), Problem> {
    let collection = known(desk, id).await?;
    let feeds = match collection.flow {
        Flow::Aggregate => Some(chosen(desk, &typed.sources).await?),
        _ => None,
    };
    let change = CollectionChange {
        title: Some(typed.title.clone()).filter(|title| *title != collection.title),
        description: Some(typed.description.clone())
            .filter(|description| *description != collection.description),
        retention_days: Some(typed.days()?).filter(|days| *days != collection.retention_days),
        policy: None,
    };
    let older = Older::deleted_if(typed.deletes_older);
    let what = (change, feeds);
    collections::change(&desk.service, collection, what, older, person.name(), now()).await?;
    Ok(())
}

/// A count beside its share of the largest.
pub(super) struct Share {
    pub(super) label: Piece,
    pub(super) count: String,
    pub(super) percent: u64,
}

fn shares(counts: Vec<(Piece, u64)>) -> Vec<Share> {
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let share = |(label, count): (Piece, u64)| Share {
        label,
        count: look::count(count),
        percent: (count * 100).div_ceil(most),
    };
    counts.into_iter().map(share).collect()
}

struct Day {
    x: i64,
    y: u64,
    height: u64,
    title: String,
}

struct ObjectRow {
    at: Piece,
    type_: String,
    name: Option<Piece>,
    path: String,
    tlp: Piece,
    found: Option<(Piece, String)>,
}

impl ObjectRow {
    fn of(head: &ObjectHead) -> Self {
        Self {
            at: look::time(Timestamp::from_ms(head.date_added / 1_000)),
            type_: head.type_.clone(),
            name: items::subject(&head.body).map(|name| look::quoted(&name)),
            path: format!("/objects/{}", head.id),
            tlp: look::tlp(head.tlp),
            found: items::summary(&head.findings),
        }
    }
}

#[derive(Template)]
#[template(path = "collection.html")]
struct CollectionPage {
    frame: Frame,
    id: Uuid,
    title: String,
    flow: &'static str,
    agreement: Option<String>,
    total: String,
    cut: bool,
    types: Vec<Share>,
    markings: Vec<Share>,
    with_errors: String,
    days: Vec<Day>,
    readers: Vec<(String, String)>,
    address: String,
    snippets: Vec<Snippet>,
    rows: Vec<ObjectRow>,
    older: Option<i64>,
    is_first: bool,
    description: String,
    keeps: String,
    fed_from: Vec<(String, String)>,
    settings: Option<Settings>,
    reads: bool,
    trouble: Option<Trouble>,
}

/// What the administrator may change.
struct Settings {
    title: String,
    description: String,
    /// Objects would go at once: the form asks whether they shall.
    asks_of_older: bool,
    days: String,
    is_aggregate: bool,
    sources: Vec<Source>,
    accounts: Vec<String>,
    access: Vec<(String, &'static str)>,
    /// Where objects are submitted to it.
    policy: Option<PolicyForm>,
}

pub(super) async fn show(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
    query: Query,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let before = query.get("before", |text| text.parse().ok())?;
    Ok(page(&build(&desk, &person, (id, before), &desk.address(&headers, &uri)).await?))
}

async fn build(
    desk: &Shared,
    person: &Person,
    (id, before): (Uuid, Option<i64>),
    base: &str,
) -> Result<CollectionPage, Problem> {
    let view = person.view(desk).await?;
    let store = desk.service.store();
    let mut usable = view.roots.iter().flat_map(|root| &root.collections);
    let found = usable.find(|usable| usable.may.read && usable.collection.id == id);
    let reads = found.is_some();
    let collection = match found {
        Some(usable) => usable.collection.clone(),
        // The administrator sets up; content is for those who work with it.
        None if person.is(Role::Administrator) => known(desk, id).await?,
        None => return Err(store::Error::NotFound.into()),
    };
    let is_first = before.is_none();
    let before = before.unwrap_or(i64::MAX);
    let (heads, portrait) = match reads {
        true => (
            store.objects_before(&collection, &view.sight, before, ROWS).await?,
            store.portrait(&collection, &view.sight, COUNTED).await?,
        ),
        false => (Vec::new(), Portrait::default()),
    };
    let older = heads.last().filter(|_| heads.len() >= ROWS as usize).map(|last| last.date_added);
    let address = format!("{base}/{}/collections/{}/", collection.root, collection.id);
    Ok(CollectionPage {
        frame: person.frame(desk, Menu::Collections),
        id,
        flow: flow(collection.flow),
        agreement: collection.agreement.map(|id| format!("/agreements/{id}")),
        total: look::plural(
            portrait.tallies.iter().map(|tally| tally.count).sum(),
            "object",
            "objects",
        ),
        cut: portrait.cut,
        types: by_type(&portrait),
        markings: by_marking(&portrait),
        with_errors: with_errors(&portrait),
        days: days(&portrait, now()),
        readers: readers(desk, &collection).await?,
        snippets: snippets::of(base, &collection),
        address,
        rows: heads.iter().map(ObjectRow::of).collect(),
        older,
        is_first,
        description: collection.description.clone(),
        keeps: keeps(&collection),
        fed_from: fed_from(desk, &collection).await?,
        settings: settings(desk, person, &collection).await?,
        reads,
        trouble: None,
        title: collection.title,
    })
}

/// Addresses and titles of what feeds an aggregate.
async fn fed_from(
    desk: &Shared,
    collection: &Collection,
) -> Result<Vec<(String, String)>, Problem> {
    let sources = chosen(desk, &collection.sources).await?;
    Ok(sources.into_iter().map(|one| (format!("/collections/{}", one.id), one.title)).collect())
}

async fn settings(
    desk: &Shared,
    person: &Person,
    collection: &Collection,
) -> Result<Option<Settings>, Problem> {
    if !person.is(Role::Administrator) {
        return Ok(None);
    }
    Ok(Some(Settings {
        title: collection.title.clone(),
        description: collection.description.clone(),
        asks_of_older: false,
        days: collection.retention_days.map(|days| days.to_string()).unwrap_or_default(),
        is_aggregate: collection.flow == Flow::Aggregate,
        sources: sources(desk, &collection.sources).await?,
        accounts: desk.service.store().accounts().await?.into_iter().map(|one| one.name).collect(),
        access: access(desk, collection).await?,
        policy: matches!(collection.flow, Flow::Local | Flow::Outgoing).then(|| {
            let otherwise = desk.service.submit_policy(None);
            PolicyForm::of(collection.policy.as_ref(), &otherwise)
        }),
    }))
}

/// Who may use it, as far as that is said of accounts: their roles are the other half.
async fn access(
    desk: &Shared,
    collection: &Collection,
) -> Result<Vec<(String, &'static str)>, Problem> {
    let all = desk.service.store().access().await?;
    let here = all.into_iter().filter(|one| one.collection.is_none_or(|id| id == collection.id));
    let words = |one: store::Access| {
        let words = match (one.read, one.write, one.collection.is_some()) {
            (true, true, true) => "reads and writes here",
            (true, false, true) => "reads here",
            (_, _, true) => "writes here",
            (true, true, false) => "reads and writes in every collection",
            (true, false, false) => "reads in every collection",
            (_, _, false) => "writes in every collection",
        };
        (one.account, words)
    };
    Ok(here.map(words).collect())
}

/// What becomes of what is submitted here and breaks the standard's rules.
pub(super) async fn treat(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
    uri: Uri,
    headers: HeaderMap,
    Form(form): Form<policy::Typed>,
) -> Answer {
    person.check(&form.csrf)?;
    person.0.must_be(Role::Administrator)?;
    let problem = match treated(&desk, &person, id, &form).await {
        Ok(()) => {
            let path = format!("/collections/{id}#findings-title");
            return Ok(Redirect::to(&path).into_response());
        }
        Err(problem) => problem,
    };
    let mut built = build(&desk, &person, (id, None), &desk.address(&headers, &uri)).await?;
    if let Some(settings) = &mut built.settings {
        let typed = || PolicyForm::typed(&form, &desk.service.submit_policy(None));
        settings.policy = settings.policy.take().map(|_| typed());
    }
    let trouble = Some(Trouble::from(&problem));
    Ok(page_as(problem.status(), &CollectionPage { trouble, ..built }))
}

async fn treated(
    desk: &Shared,
    person: &Person,
    id: Uuid,
    form: &policy::Typed,
) -> Result<(), Problem> {
    let change = CollectionChange { policy: Some(form.change()?), ..CollectionChange::default() };
    let place = known(desk, id).await?;
    let (what, older) = ((change, None), Older::Ask);
    collections::change(&desk.service, place, what, older, person.name(), now()).await?;
    Ok(())
}

/// Lets an account use its roles here; neither to read nor to write takes that away.
pub(super) async fn grant(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let value = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    person.check(&value("csrf"))?;
    person.0.must_be(Role::Administrator)?;
    let may = pairs.iter().filter(|(name, _)| name == "may");
    let may: Vec<&str> = may.map(|(_, value)| value.as_str()).collect();
    let may = Rights { read: may.contains(&"read"), write: may.contains(&"write") };
    let place = known(&desk, id).await?;
    let actor = person.name().to_owned();
    desk.service.store().grant(value("account"), Some(place), may, actor, now()).await?;
    Ok(Redirect::to(&format!("/collections/{id}#access-title")).into_response())
}

fn by_type(portrait: &Portrait) -> Vec<Share> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for tally in &portrait.tallies {
        *counts.entry(&tally.type_).or_default() += tally.count;
    }
    let mut counts: Vec<_> =
        counts.into_iter().map(|(type_, count)| (look::plain(type_), count)).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    shares(counts)
}

fn by_marking(portrait: &Portrait) -> Vec<Share> {
    let mut counts: BTreeMap<Option<Tlp>, u64> = BTreeMap::new();
    for tally in &portrait.tallies {
        *counts.entry(tally.tlp).or_default() += tally.count;
    }
    shares(counts.into_iter().map(|(tlp, count)| (look::tlp(tlp), count)).collect())
}

fn with_errors(portrait: &Portrait) -> String {
    let found = portrait.tallies.iter().filter(|tally| tally.has_error);
    errors_in_words(found.map(|tally| tally.count).sum())
}

fn errors_in_words(objects: u64) -> String {
    let (broken, beside) = match objects {
        0 => return "No object breaks a MUST of the standard.".to_owned(),
        1 => ("object breaks", "it"),
        _ => ("objects break", "each"),
    };
    let count = look::count(objects);
    format!("{count} {broken} a MUST of the standard; what was found stands beside {beside}.")
}

/// Thirty bars, the last is today.
fn days(portrait: &Portrait, now: Timestamp) -> Vec<Day> {
    let today = now.as_ms().div_euclid(DAY_MS);
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for tally in &portrait.tallies {
        *counts.entry(tally.day).or_default() += tally.count;
    }
    let most = counts.values().max().copied().unwrap_or(1).max(1);
    let bar = |place: i64| {
        let day = today - (DAYS - 1) + place;
        let count = counts.get(&day).copied().unwrap_or_default();
        let height = (count * 64).div_ceil(most);
        let date = Timestamp::from_ms(day * DAY_MS).to_string();
        Day {
            x: place * 10,
            y: 64 - height,
            height,
            title: format!("{}: {}", date.get(..10).unwrap_or_default(), look::count(count)),
        }
    };
    (0..DAYS).map(bar).collect()
}

/// Who reads it: every open account whose roles and bounds allow it.
async fn readers(desk: &Shared, collection: &Collection) -> Result<Vec<(String, String)>, Problem> {
    let store = desk.service.store();
    let mut found = Vec::new();
    for account in store.accounts().await? {
        let reads = account.roles.iter().any(|role| *role != Role::Administrator);
        let here = store.bounds(&account.name).await?.of(collection);
        if !account.disabled && reads && here.read {
            let roles: Vec<_> = account.roles.iter().map(|role| role.word()).collect();
            found.push((account.name, roles.join(", ")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_break_a_must_are_told_in_a_sentence() {
        assert_eq!(errors_in_words(0), "No object breaks a MUST of the standard.");
        assert!(errors_in_words(1).starts_with("1 object breaks a MUST"));
        assert!(errors_in_words(2).ends_with("stands beside each."));
    }
}
