//! This node: its name, its doors, its keys and their dates, its store, its version. What changes
//! here changes in `node.toml`; keys are rotated on a page of their own.

use askama::Template;
use axum::extract::State;
use protocol::{
    keys,
    terms::{Role, Timestamp},
};
use store::Journal;

use super::{
    frame::{Answer, Frame, Menu, Person, page},
    look::{self, Piece},
    way::Mark,
};
use crate::desk::{Shared, now};

/// Lines of the journal on this page.
const LINES: u32 = 30;
const DAY_MS: u64 = 24 * 3_600 * 1_000;

struct Door {
    name: &'static str,
    address: String,
    over: &'static str,
}

struct Keys {
    epoch: u32,
    from: Piece,
    until: Piece,
    left: u64,
    fingerprint: String,
    seals: usize,
    retired: String,
    revoked: Vec<(u32, u64)>,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    name: String,
    version: &'static str,
    doors: Vec<Door>,
    keys: Keys,
    leaves: String,
    root: Piece,
    commits: String,
    account: String,
    roles: String,
    marks: Vec<Mark>,
    administers: bool,
}

pub(super) async fn show(State(desk): State<Shared>, person: Person) -> Answer {
    let store = desk.service.store();
    let (leaves, root) = store.ledger_tree().await?;
    let keys = desk.service.keys();
    let held = keys.statement();
    let lines: Vec<Journal> = match person.is(Role::Administrator) {
        true => store.journal_before(i64::MAX, LINES).await?,
        false => Vec::new(),
    };
    let revoked = store.revocations(desk.service.name()).await?;
    Ok(page(&SettingsPage {
        frame: person.frame(&desk, Menu::Settings),
        name: desk.config.name.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        doors: vec![
            Door {
                name: "Desk",
                address: desk.config.desk.to_string(),
                over: match (desk.config.speaks_tls(), desk.config.behind_proxy) {
                    (true, _) => "TLS",
                    (_, true) => "behind a proxy that speaks TLS",
                    _ => "plain HTTP, on loopback only",
                },
            },
            Door {
                name: "Partner",
                address: desk.config.partner.to_string(),
                over: "mutual TLS 1.3, pinned keys",
            },
        ],
        keys: Keys {
            epoch: held.epoch(),
            from: look::time(held.from()),
            until: look::time(held.until()),
            left: left(held.until()),
            fingerprint: keys::spoken(&held.fingerprint()),
            seals: held.seal().len(),
            retired: epochs(keys.retired_seals()),
            revoked: revoked.iter().map(|one| (one.epoch, one.size)).collect(),
        },
        leaves: look::count(leaves),
        root: look::id(&root.hex()),
        commits: look::count(store.commits()),
        account: person.name().to_owned(),
        roles: person.0.account.roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", "),
        marks: lines.iter().map(Mark::of).collect(),
        administers: person.is(Role::Administrator),
    }))
}

/// Epochs, as a sentence has them.
fn epochs(all: &[u32]) -> String {
    all.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

/// Whole days until then.
fn left(until: Timestamp) -> u64 {
    until.since_ms(now()) / DAY_MS
}
