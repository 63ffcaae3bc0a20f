//! How a statement went: to each recipient, with its receipt; who did what, when; its recalls.

use exchange::{
    Service,
    intake::{self, ItemEntry, ReceiptEntry},
};
use protocol::terms::StatementId;
use store::{Journal, Passage, Recall, Store};
use uuid::Uuid;

use super::look::{self, Piece};
use crate::problem::Problem;

/// Lines of a journal that one page shows.
const MARKS: u32 = 100;
/// Items of a receipt that one page shows.
const TOLD: usize = 50;

/// One recipient.
pub(super) struct PassageRow {
    pub(super) partner: String,
    pub(super) number: u64,
    pub(super) state: Piece,
    pub(super) delivered: Option<Piece>,
    pub(super) tries: Option<String>,
    pub(super) code: Option<Piece>,
    pub(super) receipt: Option<(String, Piece)>,
    pub(super) seen: Option<Seen>,
    /// Items of which the receipt says more, and how many further ones it has.
    pub(super) items: Vec<ToldRow>,
    pub(super) more: usize,
}

/// What a receipt says of one item.
pub(super) struct ToldRow {
    pub(super) index: u32,
    pub(super) outcome: Piece,
    pub(super) code: Piece,
    pub(super) place: Option<Piece>,
}

impl ToldRow {
    fn of(item: &ItemEntry) -> Self {
        Self {
            index: item.index,
            outcome: look::outcome(item.outcome),
            code: look::quoted(&item.code),
            place: (!item.place.is_empty()).then(|| look::quoted(&item.place)),
        }
    }
}

/// A person there has seen it.
pub(super) struct Seen {
    pub(super) officer: Piece,
    pub(super) at: Piece,
    pub(super) statement: (String, Piece),
}

impl PassageRow {
    fn of(passage: &Passage, told: Option<&ReceiptEntry>) -> Self {
        let items = told.map(|told| told.items.as_slice()).unwrap_or_default();
        let more = told.map_or(0, |told| told.more) + items.len().saturating_sub(TOLD);
        let waits = passage.delivered.is_none() && passage.attempts > 0;
        let tries = waits.then(|| {
            let why = passage.last_error.as_deref().unwrap_or("no answer");
            format!("{}, the last: {why}", look::plural(passage.attempts.into(), "try", "tries"))
        });
        Self {
            partner: passage.partner.short(),
            number: passage.number,
            state: passage.outcome.map_or_else(|| look::delivery(passage.state), look::outcome),
            delivered: passage.delivered.map(look::time),
            tries,
            code: passage.code.as_deref().map(look::quoted),
            receipt: passage
                .receipt
                .map(|id| (format!("/statements/{id}"), look::id(&id.to_string()))),
            items: items.iter().take(TOLD).map(ToldRow::of).collect(),
            more,
            seen: passage.acknowledged.as_ref().map(|seen| Seen {
                officer: look::quoted(&seen.officer),
                at: look::time(seen.at),
                statement: (format!("/statements/{}", seen.told), look::id(&seen.told.to_string())),
            }),
        }
    }
}

pub(super) async fn passages(
    service: &Service,
    id: &StatementId,
) -> Result<Vec<PassageRow>, Problem> {
    let told = intake::receipts_of(service, id).await?;
    let of = |passage: &Passage| {
        let told = told.iter().find(|(partner, _)| *partner == passage.partner);
        PassageRow::of(passage, told.map(|(_, entry)| entry))
    };
    Ok(service.store().passages(id).await?.iter().map(of).collect())
}

/// One recall of a release.
pub(super) struct RecallRow {
    pub(super) state: Piece,
    pub(super) reason: &'static str,
    pub(super) scope: String,
    pub(super) by: String,
    pub(super) at: Piece,
    pub(super) statement: Option<(String, Piece)>,
    pub(super) detail: Option<Piece>,
    pub(super) is_open: bool,
}

impl RecallRow {
    pub(super) fn of(recall: &Recall) -> Self {
        let scope = match &recall.items {
            None => "all of it".to_owned(),
            Some(items) => {
                let numbers: Vec<_> = items.iter().map(ToString::to_string).collect();
                format!("items {}", numbers.join(", "))
            }
        };
        Self {
            state: look::recall_state(&recall.state, recall.answer),
            reason: recall.reason.word(),
            scope,
            by: recall.issued_by.clone(),
            at: look::time(recall.at),
            statement: recall
                .statement
                .map(|id| (format!("/statements/{id}"), look::id(&id.to_string()))),
            detail: recall.detail.as_deref().map(look::quoted),
            is_open: recall.answer.is_none(),
        }
    }
}

/// One thing that somebody did.
pub(super) struct Mark {
    pub(super) at: Piece,
    pub(super) what: String,
    pub(super) by: String,
    pub(super) detail: String,
}

impl Mark {
    pub(super) fn of(line: &Journal) -> Self {
        Self {
            at: look::time(line.at),
            what: words(&line.event),
            by: match line.actor.as_str() {
                "node" => "this node".to_owned(),
                actor => actor.to_owned(),
            },
            detail: line.detail.clone(),
        }
    }
}

/// An event in a person's words; one without words of its own shows its name.
fn words(event: &str) -> String {
    let known = match event {
        "release.drafted" => "drafted",
        "release.awaiting" => "asked for a second person",
        "release.approved" => "confirmed by a releaser",
        "release.returned" => "returned to the drafter",
        "release.refused" => "refused by the agreement",
        "release.sealed" => "sealed, signed, logged",
        "release.received" => "received",
        "quarantine.decided" => "decided by a releaser",
        "recall.decided" => "recall decided",
        "recall.sealed" => "recall sealed, signed, logged",
        "recall.received" => "recall received and obeyed",
        "recall.answered" => "recall answered by the partner",
        "receipt.received" => "receipt received",
        "statement.acknowledged" => "acknowledged",
        "acknowledgement.sealed" => "acknowledgement sealed, signed, logged",
        "acknowledgement.received" => "seen by a person at the partner",
        "account.password" => "password set",
        "auth.locked" => "locked out for guessing",
        other => return other.replace(['.', '-'], " "),
    };
    known.to_owned()
}

/// Who did what with a release or statement, oldest first.
pub(super) async fn marks(
    store: &Store,
    release: Option<Uuid>,
    statement: Option<StatementId>,
) -> Result<Vec<Mark>, Problem> {
    Ok(store.journal_of(release, statement, MARKS).await?.iter().map(Mark::of).collect())
}
