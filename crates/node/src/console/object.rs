//! One object: every copy that is held, with its marking, its findings, and its bytes quoted.

use askama::Template;
use axum::extract::State;
use protocol::terms::Timestamp;
use store::{Contradiction, Held};

use super::{
    frame::{Answer, At, Frame, Menu, Person, page},
    items::{self, FindingRow},
    look::{self, Piece},
};
use crate::{desk::Shared, problem::Problem};

/// Copies that one page shows.
const COPIES: u32 = 20;

struct Copy {
    collection: String,
    path: String,
    at: Piece,
    version: Option<Piece>,
    tlp: Piece,
    findings: Vec<FindingRow>,
    body: Piece,
}

impl Copy {
    fn of(held: &Held) -> Self {
        let head = &held.head;
        Self {
            collection: held.collection.clone(),
            path: format!("/collections/{}", held.collection_id),
            at: look::time(Timestamp::from_ms(head.date_added / 1_000)),
            version: head.version.as_deref().map(look::quoted),
            tlp: look::tlp(head.tlp),
            findings: findings(&head.body),
            body: look::document(&items::pretty(&head.body)),
        }
    }
}

/// Everything that is wrong with it, told from its bytes; beyond this many, the command line tells.
fn findings(body: &[u8]) -> Vec<FindingRow> {
    const SHOWN: usize = 100;
    exchange::explain(body).iter().take(SHOWN).map(FindingRow::of).collect()
}

#[derive(Template)]
#[template(path = "object.html")]
struct ObjectPage {
    frame: Frame,
    type_: String,
    name: Option<Piece>,
    id: Piece,
    copies: Vec<Copy>,
    /// Other contents of a version that is here: kept, and not served.
    contradictions: Vec<Other>,
}

struct Other {
    collection: String,
    path: String,
    at: Piece,
    body: Piece,
}

impl Other {
    fn of(one: &Contradiction) -> Self {
        Self {
            collection: one.collection.clone(),
            path: format!("/collections/{}", one.collection_id),
            at: look::time(one.at),
            body: look::document(&items::pretty(&one.body)),
        }
    }
}

pub(super) async fn show(State(desk): State<Shared>, person: Person, At(id): At<String>) -> Answer {
    let view = person.view(&desk).await?;
    let mut held = desk.service.store().held(&id, &view.sight, COPIES).await?;
    let usable: Vec<_> = view.roots.iter().flat_map(|root| &root.collections).collect();
    held.retain(|held| {
        usable.iter().any(|one| one.may.read && one.collection.id == held.collection_id)
    });
    let mut others = exchange::contradictions(&desk.service, &id, &view.sight).await?;
    others.retain(|other| held.iter().any(|held| held.collection_id == other.collection_id));
    let first = held.first().ok_or_else(|| Problem::from(store::Error::NotFound))?;
    Ok(page(&ObjectPage {
        frame: person.frame(&desk, Menu::Collections),
        type_: first.head.type_.clone(),
        name: items::subject(&first.head.body).map(|name| look::quoted(&name)),
        id: look::id(&first.head.id),
        copies: held.iter().map(Copy::of).collect(),
        contradictions: others.iter().map(Other::of).collect(),
    }))
}
