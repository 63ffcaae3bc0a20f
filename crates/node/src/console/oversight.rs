//! What an overseer sees first: who must still decide and until when, which clocks were kept, what
//! crossed with whom; and beside each number, how it is checked. Never a word of what was said.

use askama::Template;
use axum::extract::State;
use exchange::waiting::{self, Act, Task};
use store::{Clocks, Traffic};

use super::{
    desk::words,
    frame::{Answer, Frame, Menu, Person, page},
    look::{self, Piece},
};
use crate::{
    desk::{Shared, now},
    problem::Problem,
};

const DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// Something that somebody must still decide.
struct Open {
    precedence: Piece,
    who: String,
    act: &'static str,
    until: Option<Piece>,
    list: &'static str,
    path: String,
}

impl Open {
    fn of(task: &Task) -> Self {
        let (act, _, path) = words(&task.act);
        let (who, list) = who(&task.act);
        Self {
            precedence: look::precedence(task.precedence),
            who,
            act,
            until: task.due.map(|due| look::clock(due, now())),
            list,
            path,
        }
    }
}

/// Who must act, and which list says so.
fn who(act: &Act) -> (String, &'static str) {
    match act {
        Act::Acknowledge(_) => ("a releaser or a reader here".to_owned(), "Clocks by precedence"),
        Act::Decide(_) => ("a releaser here".to_owned(), "Held apart"),
        Act::Release(release) => {
            (format!("a releaser other than {}", release.drafted_by), "Article 6 of the agreement")
        }
        Act::Correct(release) => (release.drafted_by.clone(), "Returned and refused drafts"),
        Act::AskWhetherSeen(unseen) => {
            let who = format!("a releaser here, then {}", unseen.partner.short());
            (who, "Clocks by precedence")
        }
        Act::AwaitAnswer { .. } => ("the partner".to_owned(), "Recalls"),
        Act::Verify(_) => ("two people, one on each side".to_owned(), "Partners"),
        Act::Sign { .. } => ("an administrator here".to_owned(), "Agreements"),
        Act::Renew => ("an administrator here".to_owned(), "Keys and their dates"),
    }
}

struct ClockRow {
    what: &'static str,
    allowed: &'static str,
    clocks: Clocks,
    check: &'static str,
}

struct PartnerRow {
    name: String,
    whole: String,
    path: String,
    open: u64,
    missing: u64,
    ledger: Option<(String, Piece)>,
}

#[derive(Template)]
#[template(path = "oversight.html")]
struct OversightPage {
    frame: Frame,
    days: i64,
    open: Vec<Open>,
    clocks: Vec<ClockRow>,
    traffic: Traffic,
    partners: Vec<PartnerRow>,
    leaves: String,
    root: Piece,
}

pub(super) async fn show(State(desk): State<Shared>, person: Person) -> Answer {
    let (store, time) = (desk.service.store(), now());
    let since = time.plus_ms(-DAYS * DAY_MS);
    let tasks = waiting::tasks(&desk.service, &person.0.account, time).await?;
    let (leaves, root) = store.ledger_tree().await?;
    Ok(page(&OversightPage {
        frame: person.frame(&desk, Menu::Oversight),
        days: DAYS,
        open: tasks.iter().map(Open::of).collect(),
        clocks: clocks(&waiting::kept(&desk.service, since, time).await?),
        traffic: store.traffic_since(since).await?,
        partners: partners(&desk).await?,
        leaves: look::count(leaves),
        root: look::id(&root.hex()),
    }))
}

fn clocks(kept: &waiting::Kept) -> Vec<ClockRow> {
    const BY_PRECEDENCE: &str =
        "FLASH 10 min, IMMEDIATE 30 min, PRIORITY 3 h, ROUTINE 6 h from the draft";
    vec![
        ClockRow {
            what: "A second person decides on a draft",
            allowed: BY_PRECEDENCE,
            clocks: kept.decisions,
            check: "detente journal: release.drafted to release.approved or release.returned",
        },
        ClockRow {
            what: "A person acknowledges what came in loud",
            allowed: "FLASH 10 min, IMMEDIATE 30 min from its arrival",
            clocks: kept.acknowledgements,
            check: "detente journal: statement.acknowledged; the partner holds it signed",
        },
        ClockRow {
            what: "A person at a partner acknowledges what we sent loud",
            allowed: "FLASH 10 min, IMMEDIATE 30 min from its delivery",
            clocks: kept.seen_there,
            check: "detente statements: each acknowledgement is a statement that the partner signed",
        },
        ClockRow {
            what: "A partner answers a recall of ours",
            allowed: "10 min where a source is in danger, else 12 h",
            clocks: kept.answers,
            check: "detente recalls: each answer is a statement that the partner signed",
        },
    ]
}

async fn partners(desk: &Shared) -> Result<Vec<PartnerRow>, Problem> {
    let (store, mut rows) = (desk.service.store(), Vec::new());
    for partner in store.partners().await? {
        let (waiting, receipts) = store.outbox_counts(&partner.name).await?;
        let seen = store.last_seen_checkpoint(&partner.name).await?;
        rows.push(PartnerRow {
            name: partner.name.short(),
            path: format!("/partners/{}", partner.name),
            open: waiting + receipts,
            missing: store.missing(&partner.name).await?,
            ledger: seen.map(|seen| (look::count(seen.size), look::time(seen.at))),
            whole: partner.name.to_string(),
        });
    }
    Ok(rows)
}
