//! The desk: what waits for a person, what went out and came in, and the partners.

use askama::Template;
use axum::{extract::State, response::Redirect};
use exchange::waiting::{self, Act, Task};
use protocol::terms::{Role, StatementType, Timestamp};
use store::{Account, Crossing, Delivery, StatementKey, Store, Traffic};

use super::{
    frame::{Answer, Frame, Menu, Person, page},
    look::{self, Piece},
};
use crate::{
    desk::{Shared, now},
    problem::Problem,
};

/// Rows of the desk.
pub(super) const ROWS: u32 = 40;
const DAY_MS: i64 = 24 * 3_600 * 1_000;

/// Each lands where their work is.
pub(super) async fn home(person: Person) -> Redirect {
    let at = match () {
        () if person.is(Role::Releaser) => "/desk",
        () if person.is(Role::Drafter) => "/compose",
        () if person.is(Role::Administrator) => "/partners",
        () if person.0.account.roles.is_empty() => "/oversight",
        () => "/collections",
    };
    Redirect::to(at)
}

#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage {
    frame: Frame,
    view: View,
}

pub(super) async fn show(State(desk): State<Shared>, person: Person) -> Answer {
    let view = View::read(&desk, &person.0.account).await?;
    Ok(page(&DeskPage { frame: person.frame(&desk, Menu::Desk), view }))
}

/// What the desk shows at one moment; the live stream sends what differs from the last one.
pub(super) struct View {
    pub(super) waiting: Waiting,
    pub(super) partners: Partners,
    pub(super) counts: Counts,
    pub(super) rows: Vec<Row>,
}

impl View {
    pub(super) async fn read(desk: &Shared, person: &Account) -> Result<Self, Problem> {
        let (store, time) = (desk.service.store(), now());
        let tasks = waiting::tasks(&desk.service, person, time).await?;
        let mut waiting = Waiting { mine: Vec::new(), others: Vec::new() };
        for task in &tasks {
            let list = if task.mine { &mut waiting.mine } else { &mut waiting.others };
            list.push(WaitingRow::of(task, time));
        }
        let partners = Partners::read(store, time).await?;
        let midnight = Timestamp::from_ms(time.as_ms().div_euclid(DAY_MS) * DAY_MS);
        let counts = Counts {
            traffic: store.traffic_since(midnight).await?,
            missing: partners.rows.iter().map(|row| row.missing).sum(),
        };
        let crossings = store.crossings(StatementKey::newest(), ROWS).await?;
        Ok(Self { waiting, partners, counts, rows: crossings.iter().map(Row::of).collect() })
    }
}

/// What waits: for this person, and for others.
#[derive(Template)]
#[template(path = "parts/waiting.html")]
pub(super) struct Waiting {
    mine: Vec<WaitingRow>,
    others: Vec<WaitingRow>,
}

struct WaitingRow {
    loudness: &'static str,
    precedence: Piece,
    act: &'static str,
    what: String,
    path: String,
    clock: Option<Piece>,
}

impl WaitingRow {
    fn of(task: &Task, time: Timestamp) -> Self {
        let (act, what, path) = words(&task.act);
        Self {
            loudness: task.precedence.word(),
            precedence: look::precedence(task.precedence),
            act,
            what,
            path,
            clock: task.due.map(|due| look::clock(due, time)),
        }
    }
}

/// What is to be done, in words: the act, more about it, where.
pub(super) fn words(act: &Act) -> (&'static str, String, String) {
    match act {
        Act::Acknowledge(statement) => {
            let from = statement.partner.as_ref().map(protocol::terms::NodeName::short);
            let topic = statement.topic.as_ref().map(ToString::to_string).unwrap_or_default();
            let what = format!("from {}, {topic}", from.unwrap_or_default());
            ("Acknowledge", what, format!("/statements/{}", statement.id))
        }
        Act::Decide(row) => {
            let objects = look::plural(row.objects.into(), "object", "objects");
            let from = match (&row.partner, &row.account) {
                (Some(partner), _) => partner.short(),
                (None, account) => account.clone().unwrap_or_default(),
            };
            let what = format!("{objects} held apart from {from}, {}", row.collection.title);
            ("Accept or refuse", what, format!("/quarantine/{}", row.id))
        }
        Act::Release(release) => {
            let objects = look::plural(release.items.into(), "object", "objects");
            let what = format!("{objects}, {}, drafted by {}", release.topic, release.drafted_by);
            ("Release or return", what, format!("/releases/{}", release.id))
        }
        Act::Correct(release) => {
            let objects = look::plural(release.items.into(), "object", "objects");
            let what = format!("{objects}, {}, {}", release.topic, release.state);
            ("Correct", what, format!("/releases/{}", release.id))
        }
        Act::AskWhetherSeen(unseen) => {
            let what = format!("by {}, {}: not acknowledged", unseen.partner.short(), unseen.topic);
            ("Ask whether seen", what, format!("/releases/{}", unseen.release))
        }
        Act::AwaitAnswer { release, reason, .. } => {
            ("Await answer", format!("to a recall: {reason}"), format!("/releases/{release}"))
        }
        Act::Verify(name) => {
            ("Compare fingerprint", format!("of {}", name.short()), format!("/partners/{name}"))
        }
        Act::Sign { id, title, partner_signed } => {
            let signed =
                if *partner_signed { "the partner has signed" } else { "nobody has signed" };
            ("Read and sign", format!("{title}, {signed}"), format!("/agreements/{id}"))
        }
        Act::Renew => ("Renew keys", "of this node".to_owned(), "/settings".to_owned()),
    }
}

/// The partners and how their links are.
#[derive(Template)]
#[template(path = "parts/partners.html")]
pub(super) struct Partners {
    rows: Vec<PartnerRow>,
}

struct PartnerRow {
    name: String,
    path: String,
    link: Piece,
    heard: Option<Piece>,
    waiting: u64,
    open: u64,
    missing: u64,
}

impl Partners {
    async fn read(store: &Store, time: Timestamp) -> Result<Self, Problem> {
        let mut rows = Vec::new();
        for partner in store.partners().await? {
            let (waiting, open) = store.outbox_counts(&partner.name).await?;
            rows.push(PartnerRow {
                name: partner.name.short(),
                path: format!("/partners/{}", partner.name),
                link: look::link(&partner),
                heard: partner.last_contact.map(|at| look::ago(at, time)),
                waiting,
                open,
                missing: store.missing(&partner.name).await?,
            });
        }
        Ok(Self { rows })
    }
}

/// The numbers of this day.
#[derive(Template)]
#[template(path = "parts/counts.html")]
pub(super) struct Counts {
    traffic: Traffic,
    missing: u64,
}

/// One statement that crossed.
#[derive(Template)]
#[template(path = "parts/row.html")]
pub(super) struct Row {
    pub(super) key: String,
    at: Piece,
    arrow: &'static str,
    way: &'static str,
    whom: String,
    precedence: Piece,
    what: String,
    path: String,
    states: Vec<Piece>,
    is_receipt: bool,
}

impl Row {
    /// With its date, for lists of many days.
    pub(super) fn dated(crossing: &Crossing) -> Self {
        Self { at: look::time(crossing.statement.at), ..Self::of(crossing) }
    }

    pub(super) fn of(crossing: &Crossing) -> Self {
        let statement = &crossing.statement;
        let names = |all: &[Delivery]| {
            let all: Vec<_> = all.iter().map(|delivery| delivery.partner.short()).collect();
            all.join(", ")
        };
        let (arrow, way, whom) = match &statement.partner {
            Some(partner) => ("←", "from", partner.short()),
            None => ("→", "to", names(&statement.deliveries)),
        };
        let path = match statement.release {
            Some(release) => format!("/releases/{release}"),
            None => format!("/statements/{}", statement.id),
        };
        Self {
            key: format!("s-{}", statement.id.to_string().get(..16).unwrap_or_default()),
            at: look::clock_time(statement.at),
            arrow,
            way,
            whom,
            precedence: look::precedence(statement.precedence),
            what: what(crossing),
            path,
            states: states(crossing),
            is_receipt: statement.kind == Some(StatementType::Receipt),
        }
    }
}

fn what(crossing: &Crossing) -> String {
    let statement = &crossing.statement;
    let topic = statement.topic.as_ref().map(|topic| format!(", {topic}")).unwrap_or_default();
    let re = crossing.re.map(|id| id.to_string());
    let re = re.and_then(|id| id.get(..8).map(|head| format!(" for {head}…"))).unwrap_or_default();
    match statement.kind {
        None => format!("unopened, {}", look::bytes(statement.bytes)),
        Some(StatementType::Release) => {
            format!("release, {}{topic}", look::plural(crossing.items, "object", "objects"))
        }
        Some(StatementType::RecallAnswer) => format!("answer to a recall{re}"),
        Some(StatementType::Receipt | StatementType::Recall | StatementType::Acknowledgement) => {
            format!("{}{re}", statement.kind.map_or("", StatementType::word))
        }
        Some(StatementType::Agreement) => "signature under an agreement".to_owned(),
        Some(StatementType::Keys) => "key statement".to_owned(),
        #[allow(unreachable_patterns, reason = "further types get their own words when they land")]
        Some(other) => other.word().to_owned(),
    }
}

fn states(crossing: &Crossing) -> Vec<Piece> {
    let statement = &crossing.statement;
    if let Some(outcome) = statement.outcome {
        return vec![look::outcome(outcome)];
    }
    let one = |delivery: &Delivery| match delivery.outcome {
        Some(outcome) => look::outcome(outcome),
        None => look::delivery(delivery.state),
    };
    statement.deliveries.iter().map(one).collect()
}
