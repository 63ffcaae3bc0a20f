//! Collections: the list, and one collection with its objects by type, markings, findings, time
//! line, readers, address, and a snippet for each client that reads it.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{OriginalUri, Path, Query, State},
    http::HeaderMap,
};
use protocol::terms::{Role, Timestamp};
use serde::Deserialize;
use stix::Tlp;
use store::{Collection, Flow, ObjectHead, Portrait};
use uuid::Uuid;

use super::{
    frame::{Answer, Frame, Menu, Person, base, page},
    items,
    look::{self, Piece},
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
}

#[derive(Template)]
#[template(path = "collections.html")]
struct CollectionsPage {
    frame: Frame,
    rows: Vec<CollectionRow>,
    address: String,
}

fn flow(flow: Flow) -> &'static str {
    match flow {
        Flow::Local => "our own",
        Flow::Outgoing => "goes out: what is posted becomes a draft for release",
        Flow::Incoming => "comes in: what a partner released",
        Flow::Aggregate => "an aggregate: what other collections hold",
    }
}

pub(super) async fn list(
    State(desk): State<Shared>,
    person: Person,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let view = person.view(&desk).await?;
    let usable = view.roots.iter().flat_map(|root| &root.collections);
    let row = |collection: &Collection| CollectionRow {
        path: format!("/collections/{}", collection.id),
        flow: flow(collection.flow),
        title: collection.title.clone(),
        root: collection.root.clone(),
    };
    Ok(page(&CollectionsPage {
        frame: person.frame(&desk, Menu::Collections),
        rows: usable.map(|usable| row(&usable.collection)).collect(),
        address: format!("{}/taxii2/", base(&desk, &headers, &uri)),
    }))
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
    has_findings: bool,
}

impl ObjectRow {
    fn of(head: &ObjectHead) -> Self {
        Self {
            at: look::time(Timestamp::from_ms(head.date_added / 1_000)),
            type_: head.type_.clone(),
            name: items::subject(&head.body).map(|name| look::quoted(&name)),
            path: format!("/objects/{}", head.id),
            tlp: look::tlp(head.tlp),
            has_findings: head.findings.is_some(),
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
    with_findings: String,
    days: Vec<Day>,
    readers: Vec<(String, String)>,
    address: String,
    snippets: Vec<Snippet>,
    rows: Vec<ObjectRow>,
    older: Option<i64>,
    is_first: bool,
}

#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<i64>,
}

pub(super) async fn show(
    State(desk): State<Shared>,
    person: Person,
    Path(id): Path<Uuid>,
    Query(asked): Query<Before>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Answer {
    // The administrator sets up; content is for those who work with it.
    let view = person.view(&desk).await?;
    let mut usable = view.roots.iter().flat_map(|root| &root.collections);
    let found = usable.find(|usable| usable.may.read && usable.collection.id == id);
    let collection = &found.ok_or(store::Error::NotFound)?.collection;
    let store = desk.service.store();
    let before = asked.before.unwrap_or(i64::MAX);
    let heads = store.objects_before(collection, &view.sight, before, ROWS).await?;
    let older = heads.last().filter(|_| heads.len() >= ROWS as usize).map(|last| last.date_added);
    let portrait = store.portrait(collection, &view.sight, COUNTED).await?;
    let base = base(&desk, &headers, &uri);
    let address = format!("{base}/{}/collections/{}/", collection.root, collection.id);
    Ok(page(&CollectionPage {
        frame: person.frame(&desk, Menu::Collections),
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
        with_findings: with_findings(&portrait),
        days: days(&portrait, now()),
        readers: readers(&desk, collection).await?,
        snippets: snippets::of(&base, collection),
        address,
        rows: heads.iter().map(ObjectRow::of).collect(),
        older,
        is_first: asked.before.is_none(),
        title: collection.title.clone(),
    }))
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

fn with_findings(portrait: &Portrait) -> String {
    let found = portrait.tallies.iter().filter(|tally| tally.has_findings);
    look::count(found.map(|tally| tally.count).sum())
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
        let (reads_here, _) = store.bounds(&account.name).await?.of(collection);
        if !account.disabled && reads && reads_here {
            let roles: Vec<_> = account.roles.iter().map(|role| role.word()).collect();
            found.push((account.name, roles.join(", ")));
        }
    }
    Ok(found)
}
