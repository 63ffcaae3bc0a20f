//! One statement: what came in, or what left besides releases; and the acknowledgement of a loud
//! one.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};
use exchange::{acknowledgement, rights::Work};
use protocol::terms::{Outcome, Role, StatementId, StatementType};
use serde::Deserialize;
use store::{ReceivedRecall, Source, Statement};

use super::{
    evidence::Proof,
    form::Form,
    frame::{Answer, At, Frame, Menu, Person, Trouble, page},
    held::{self, Decided, Held},
    items::{self, ITEMS, ItemRow},
    look::{self, Piece},
    query::Query,
    way::{self, Mark},
};
use crate::{
    desk::{Shared, now, rng},
    problem::Problem,
};

#[derive(Template)]
#[template(path = "statement.html")]
pub(super) struct StatementPage {
    frame: Frame,
    title: String,
    id: StatementId,
    precedence: Piece,
    states: Vec<Piece>,
    at: Piece,
    group: String,
    whom: (&'static str, String, String),
    topic: String,
    agreement: Option<(String, String)>,
    bytes: String,
    code: Option<Piece>,
    next: Option<String>,
    may_acknowledge: bool,
    acknowledged: Option<(String, Piece)>,
    clock: Option<Piece>,
    items: Vec<ItemRow>,
    from: u32,
    more: Option<u32>,
    passages: Vec<way::PassageRow>,
    marks: Vec<Mark>,
    proof: Option<Proof>,
    held: Option<Held>,
    recall: Option<Recalled>,
    trouble: Option<Trouble>,
}

/// What a partner recalled, and what was done here.
struct Recalled {
    target: String,
    id: Piece,
    done: String,
    answer: Piece,
}

impl Recalled {
    fn of(recall: &ReceivedRecall) -> Self {
        let kept = match recall.kept.as_slice() {
            [] => String::new(),
            kept => format!("; {} kept, held before it came", kept.join(", ")),
        };
        let deleted = look::plural(recall.deleted, "object", "objects");
        Self {
            target: format!("/statements/{}", recall.target),
            id: look::id(&recall.target.to_string()),
            done: format!("{deleted} deleted{kept}"),
            answer: look::recall_state("drafted", recall.answer),
        }
    }
}

pub(super) async fn show(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<String>,
    query: Query,
) -> Answer {
    let id: StatementId = id.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    let statement = desk.service.store().statement(&id).await?.ok_or(store::Error::NotFound)?;
    let from = items::from(&query)?;
    Ok(page(&build(&desk, &person, &statement, from, None).await?))
}

/// The page again, with what was refused.
pub(super) async fn again(
    desk: &Shared,
    person: &Person,
    id: &StatementId,
    refused: Option<(Trouble, &Decided)>,
) -> Result<StatementPage, Problem> {
    let (trouble, typed) = refused.unzip();
    let statement = desk.service.store().statement(id).await?.ok_or(store::Error::NotFound)?;
    Ok(StatementPage { trouble, ..build(desk, person, &statement, 0, typed).await? })
}

async fn build(
    desk: &Shared,
    person: &Person,
    statement: &Statement,
    from: u32,
    typed: Option<&Decided>,
) -> Result<StatementPage, Problem> {
    let (store, id) = (desk.service.store(), statement.id);
    let view = person.view(desk).await?;
    let mut heads = store.received_from(&id, &view.sight, from, ITEMS + 1).await?;
    let work = if statement.out { Work::Send } else { Work::Receive };
    let may = |topic| view.may(work, &statement.agreement, topic);
    let works_here = statement.topic.as_ref().is_none_or(may);
    if !works_here {
        heads.clear();
    }
    let more = items::cut(&mut heads);
    let acknowledged = store.acknowledged(&id).await?;
    let loud = is_loud(statement);
    let due = statement.at.plus_ms(exchange::waiting::clock_ms(statement.precedence));
    let agreement = store.agreement(&statement.agreement).await?;
    let open = loud && acknowledged.is_none();
    let held = match statement.outcome {
        Some(Outcome::Quarantined) if !statement.out => {
            held::of(desk, person, Source::Statement(id), typed).await?
        }
        _ => None,
    };
    let next = match (&held, open) {
        (Some(_), _) => {
            Some("A releaser takes it in or refuses it; nothing of it is served.".to_owned())
        }
        (None, true) => Some("Somebody of this desk acknowledges that it was seen.".to_owned()),
        (None, false) => None,
    };
    Ok(StatementPage {
        frame: person.frame(desk, Menu::Releases),
        title: title(statement),
        id,
        precedence: look::precedence(statement.precedence),
        states: states(statement),
        at: look::time(statement.at),
        group: look::date_time_group(statement.at),
        whom: whom(statement),
        topic: statement.topic.as_ref().map(ToString::to_string).unwrap_or_default(),
        agreement: agreement.map(|row| (row.title, format!("/agreements/{}", row.id))),
        bytes: look::bytes(statement.bytes),
        code: statement.code.as_deref().map(look::quoted),
        next,
        may_acknowledge: open
            && works_here
            && (person.is(Role::Releaser) || person.is(Role::Reader)),
        clock: open.then(|| look::clock(due, now())),
        acknowledged: acknowledged.map(|(account, at)| (account, look::time(at))),
        items: heads.iter().map(ItemRow::of).collect(),
        from,
        more,
        passages: way::passages(&desk.service, &id).await?,
        marks: way::marks(store, None, Some(id)).await?,
        proof: Proof::of(store, &id).await?,
        recall: store.received_recall(&id).await?.as_ref().map(Recalled::of),
        trouble: None,
        held,
    })
}

/// A release that came in loud asks for a person.
fn is_loud(statement: &Statement) -> bool {
    let urgent = exchange::waiting::clock_ms(statement.precedence) <= 30 * 60_000;
    urgent && !statement.out && statement.kind == Some(StatementType::Release)
}

fn title(statement: &Statement) -> String {
    let kind = statement.kind.map_or("unopened statement", StatementType::word);
    let mut letters = kind.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let kind: String = first.into_iter().chain(letters).collect();
    let (way, _, whom) = whom(statement);
    format!("{kind} {way} {whom}")
}

fn whom(statement: &Statement) -> (&'static str, String, String) {
    match &statement.partner {
        Some(partner) => ("from", format!("/partners/{partner}"), partner.short()),
        None => {
            let to: Vec<_> = statement.deliveries.iter().map(|one| one.partner.clone()).collect();
            let path = to.first().map(|partner| format!("/partners/{partner}"));
            ("to", path.unwrap_or_default(), super::items::named(&to))
        }
    }
}

fn states(statement: &Statement) -> Vec<Piece> {
    let one = |delivery: &store::Delivery| {
        delivery.outcome.map_or_else(|| look::delivery(delivery.state), look::outcome)
    };
    match statement.outcome {
        Some(outcome) => vec![look::outcome(outcome)],
        None => statement.deliveries.iter().map(one).collect(),
    }
}

#[derive(Deserialize)]
pub(super) struct Seen {
    csrf: String,
}

pub(super) async fn acknowledge(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<String>,
    Form(form): Form<Seen>,
) -> Answer {
    person.check(&form.csrf)?;
    let id: StatementId = id.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    acknowledgement::give(&desk.service, &id, &person.0.account, now(), &mut rng()).await?;
    Ok(Redirect::to(&format!("/statements/{id}")).into_response())
}
