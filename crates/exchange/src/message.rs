//! A statement without items: what it says stands in its header alone.

use std::sync::Arc;

use protocol::{
    agreement::{self, Decision, Facts, Permit},
    terms::{AgreementId, NodeName, Precedence, StatementId, StatementType, Status, Timestamp},
};
use rand_core::CryptoRng;
use store::{NewStatement, OutEffect};

use crate::{Failure, Service, release};

/// A statement without items.
pub(crate) struct Message {
    pub(crate) kind: StatementType,
    pub(crate) agreement: AgreementId,
    pub(crate) to: Vec<NodeName>,
    pub(crate) precedence: Precedence,
    pub(crate) re: Vec<StatementId>,
    /// The officer who stands behind it, as partners see them; none where the node itself says it.
    pub(crate) signed_by: Option<String>,
    pub(crate) body: Option<serde_json::Value>,
    pub(crate) effect: OutEffect,
}

/// Decides on it and seals it; none where no article lets it pass.
pub(crate) async fn compose<R: CryptoRng>(
    service: &Service,
    message: Message,
    now: Timestamp,
    rng: &mut R,
) -> Result<Option<NewStatement>, Failure> {
    let Some(permit) = permit(service, &message, now).await? else { return Ok(None) };
    let mut header = release::header(service, message.kind, &permit, &message.to).await?;
    header.precedence = message.precedence;
    header.re.clone_from(&message.re);
    header.signed_by = message.signed_by;
    header.body = message.body;
    let sealed = release::compose(service, header, Vec::new(), &message.to, rng).await?;
    Ok(Some(NewStatement {
        permit: Arc::new(permit),
        sealed: Arc::new(sealed),
        type_: message.kind,
        topic: None,
        to: message.to,
        precedence: message.precedence,
        re: message.re,
        effect: message.effect,
    }))
}

async fn permit(
    service: &Service,
    message: &Message,
    now: Timestamp,
) -> Result<Option<Permit>, Failure> {
    let Some((agreement, standing)) = service.agreement(&message.agreement).await? else {
        return Ok(None);
    };
    let facts = Facts {
        kind: message.kind,
        sender: service.name(),
        recipients: &message.to,
        topic: None,
        precedence: message.precedence,
        status: Status::Actual,
        highest: None,
        drafted_by: None,
        released_by: None,
        standing,
        now,
    };
    Ok(match agreement::decide(&agreement, &facts) {
        Decision::Permit(permit) => Some(permit),
        Decision::Refuse(_) | Decision::NeedsSecondPerson { .. } => None,
    })
}
