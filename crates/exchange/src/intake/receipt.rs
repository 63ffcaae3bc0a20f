//! Receipts: one statement answers what one step took in, per partner and agreement.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::{
    header::Header,
    terms::{AgreementId, NodeName, Outcome, Precedence, StatementId, StatementType, Timestamp},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use store::{NewStatement, OutEffect};

use crate::{
    Failure, Service,
    message::{self, Message},
};

/// The parameters of a receipt, in its header's `body`.
///
/// *Source*: statement format, section 2.7.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptBody {
    /// What became of each statement.
    pub statements: Vec<ReceiptEntry>,
    /// Up to which number nothing was missing before this batch.
    pub complete_to: u64,
}

/// What became of one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptEntry {
    /// Which statement.
    pub id: StatementId,
    /// What became of it.
    pub outcome: Outcome,
    /// The refusal's code or the deciding rule's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Items that are refused, stand apart, or were taken in though they break a MUST.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemEntry>,
    /// How many more there are than are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What became of one item, where it differs from its statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemEntry {
    /// Its index.
    pub index: u32,
    /// What became of it.
    #[serde(default = "refused", skip_serializing_if = "is_refused")]
    pub outcome: Outcome,
    /// The rule that was broken.
    pub code: String,
    /// The place in the item, a JSON pointer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
}

fn refused() -> Outcome {
    Outcome::Refused
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_refused(outcome: &Outcome) -> bool {
    *outcome == Outcome::Refused
}

/// Items that one receipt lists: a header has at most 1 MiB.
const ITEMS_MAX: usize = 2_000;

/// What each recipient last said of a statement of ours, as it stands in the signed receipts.
pub async fn receipts_of(
    service: &Service,
    statement: &StatementId,
) -> Result<Vec<(NodeName, ReceiptEntry)>, Failure> {
    let headers = service.store().receipt_headers(statement).await?;
    let entry = |(partner, header): (NodeName, Bytes)| {
        entry_of(&header, statement).map(|entry| (partner, entry))
    };
    Ok(headers.into_iter().filter_map(entry).collect())
}

/// What a receipt says of one statement.
pub(super) fn entry_of(header: &[u8], statement: &StatementId) -> Option<ReceiptEntry> {
    let header: Header = serde_json::from_slice(header).ok()?;
    let body: ReceiptBody = serde_json::from_value(header.body?).ok()?;
    body.statements.into_iter().find(|entry| entry.id == *statement)
}

/// One statement that wants a receipt.
pub(super) struct Answered {
    pub(super) partner: NodeName,
    pub(super) agreement: AgreementId,
    pub(super) precedence: Precedence,
    pub(super) entry: ReceiptEntry,
}

/// Seals one receipt for each partner and agreement among the answered.
pub(super) async fn compose<R: CryptoRng>(
    service: &Service,
    answered: Vec<Answered>,
    now: Timestamp,
    rng: &mut R,
) -> Result<Vec<NewStatement>, Failure> {
    let mut groups: BTreeMap<(NodeName, AgreementId), Vec<Answered>> = BTreeMap::new();
    for answer in answered {
        groups.entry((answer.partner.clone(), answer.agreement)).or_default().push(answer);
    }
    let mut receipts = Vec::with_capacity(groups.len());
    for ((partner, agreement), answers) in groups {
        let receipt = one(service, partner, agreement, answers).await?;
        receipts.extend(message::compose(service, receipt, now, rng).await?);
    }
    Ok(receipts)
}

/// Receipts pass wherever the statement that they answer may have passed.
async fn one(
    service: &Service,
    partner: NodeName,
    agreement: AgreementId,
    answers: Vec<Answered>,
) -> Result<Message, Failure> {
    let complete_to = service.store().contiguous(&partner, &agreement).await?;
    let loudest = answers.iter().map(|answer| answer.precedence).min();
    let re = answers.iter().map(|answer| answer.entry.id).collect();
    let mut left = ITEMS_MAX;
    let bounded = |answer: Answered| {
        let mut entry = answer.entry;
        // What is refused comes first where not all can be listed.
        if entry.items.len() > left {
            entry.items.sort_by_key(|item| (std::cmp::Reverse(item.outcome), item.index));
            entry.more += entry.items.len() - left;
            entry.items.truncate(left);
        }
        left -= entry.items.len();
        entry
    };
    let statements = answers.into_iter().map(bounded).collect();
    Ok(Message {
        precedence: loudest.unwrap_or(Precedence::Routine),
        re,
        body: serde_json::to_value(ReceiptBody { statements, complete_to }).ok(),
        ..Message::new(StatementType::Receipt, agreement, vec![partner], OutEffect::Receipt)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipt_of_before_items_had_outcomes_is_read_as_it_was_meant() {
        let old = format!(
            r#"{{"statements":[{{"id":"{}","outcome":"taken-in-with-findings",
            "code":"item-refused","items":[{{"index":3,"code":"STIX-2.9-01","place":"/id"}}]}}],
            "complete_to":7}}"#,
            "0".repeat(64)
        );
        let body: ReceiptBody = serde_json::from_str(&old).unwrap();
        assert_eq!(body.statements[0].items[0].outcome, Outcome::Refused);
        assert_eq!(body.statements[0].more, 0);
    }
}
