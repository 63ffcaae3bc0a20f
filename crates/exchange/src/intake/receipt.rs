//! Receipts: one statement answers what one step took in, per partner and agreement.

use std::{collections::BTreeMap, sync::Arc};

use protocol::{
    agreement::{self, Decision, Facts, Permit},
    terms::{
        AgreementId, NodeName, Outcome, Precedence, StatementId, StatementType, Status, Timestamp,
    },
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use store::{NewStatement, OutEffect};

use crate::{Failure, Service, release};

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
    /// Items whose outcome differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemEntry>,
}

/// What became of one item, where it differs from its statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemEntry {
    /// Its index.
    pub index: u32,
    /// The rule that was broken.
    pub code: String,
    /// The place in the item, a JSON pointer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
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
        let Some(permit) = permit(service, &partner, agreement, now).await? else { continue };
        receipts.push(one(service, partner, permit, answers, rng).await?);
    }
    Ok(receipts)
}

async fn one<R: CryptoRng>(
    service: &Service,
    partner: NodeName,
    permit: Permit,
    answers: Vec<Answered>,
    rng: &mut R,
) -> Result<NewStatement, Failure> {
    let agreement = permit.agreement();
    let complete_to = service.store().contiguous(&partner, &agreement).await?;
    let loudest = answers.iter().map(|answer| answer.precedence).min();
    let precedence = loudest.unwrap_or(Precedence::Routine);
    let to = vec![partner];
    let mut header = release::header(service, StatementType::Receipt, &permit, &to).await?;
    header.precedence = precedence;
    header.re = answers.iter().map(|answer| answer.entry.id).collect();
    let statements = answers.into_iter().map(|answer| answer.entry).collect();
    header.body = serde_json::to_value(ReceiptBody { statements, complete_to }).ok();
    let re = header.re.clone();
    let sealed = release::compose(service, header, Vec::new(), &to, rng).await?;
    Ok(NewStatement {
        permit: Arc::new(permit),
        sealed: Arc::new(sealed),
        type_: StatementType::Receipt,
        topic: None,
        to,
        precedence,
        re,
        effect: OutEffect::Receipt,
    })
}

/// Receipts pass wherever the statement that they answer may have passed.
async fn permit(
    service: &Service,
    partner: &NodeName,
    agreement: AgreementId,
    now: Timestamp,
) -> Result<Option<Permit>, Failure> {
    let decision = if agreement == AgreementId::FOUNDING {
        let verified = crate::partner::is_verified(service, partner).await?;
        agreement::decide_founding(StatementType::Receipt, verified)
    } else {
        let Some((held, standing)) = service.agreement(&agreement).await? else {
            return Ok(None);
        };
        let facts = Facts {
            kind: StatementType::Receipt,
            sender: service.name(),
            recipients: std::slice::from_ref(partner),
            topic: None,
            precedence: Precedence::Routine,
            status: Status::Actual,
            highest: None,
            drafted_by: None,
            released_by: None,
            standing,
            now,
        };
        agreement::decide(&held, &facts)
    };
    Ok(match decision {
        Decision::Permit(permit) => Some(permit),
        Decision::Refuse(_) | Decision::NeedsSecondPerson { .. } => None,
    })
}
