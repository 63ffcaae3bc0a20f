//! What leaves this service: the agreement decides, then header and items are sealed to whoever is
//! to have them. Every statement is made here, whatever it says.

use std::sync::Arc;

use protocol::{
    agreement::{self, Decision, Facts, Permit, Refusal},
    header::{Header, Items, Policy, To},
    statement::{self, Draft, Item},
    terms::{
        AgreementId, NodeName, Precedence, StatementId, StatementType, Status, Timestamp, Topic,
    },
};
use rand_core::CryptoRng;
use store::{NewStatement, OutEffect};

use crate::{Failure, Service, partner};

/// A statement that is to leave.
pub(crate) struct Message {
    pub(crate) kind: StatementType,
    pub(crate) agreement: AgreementId,
    pub(crate) to: Vec<NodeName>,
    pub(crate) topic: Option<Topic>,
    pub(crate) precedence: Precedence,
    pub(crate) status: Status,
    pub(crate) re: Vec<StatementId>,
    /// The officer who stands behind it, as partners see them; none where the node itself says it.
    pub(crate) signed_by: Option<String>,
    /// The second person, as partners see them.
    pub(crate) released_by: Option<String>,
    pub(crate) body: Option<serde_json::Value>,
    pub(crate) items: Vec<Item>,
    pub(crate) effect: OutEffect,
}

impl Message {
    /// One that says nothing yet beyond its type: what else it needs is filled in.
    pub(crate) fn new(
        kind: StatementType,
        agreement: AgreementId,
        to: Vec<NodeName>,
        effect: OutEffect,
    ) -> Self {
        Self {
            kind,
            agreement,
            to,
            topic: None,
            precedence: Precedence::Routine,
            status: Status::Actual,
            re: Vec::new(),
            signed_by: None,
            released_by: None,
            body: None,
            items: Vec::new(),
            effect,
        }
    }
}

/// Decides on it and seals it; none where no article lets it pass.
pub(crate) async fn compose<R: CryptoRng>(
    service: &Service,
    message: Message,
    now: Timestamp,
    rng: &mut R,
) -> Result<Option<NewStatement>, Failure> {
    match decide(service, &message, now).await? {
        Decision::Permit(permit) => Ok(Some(seal(service, message, permit, rng).await?)),
        Decision::Refuse(_) | Decision::NeedsSecondPerson { .. } => Ok(None),
    }
}

/// Decides on it and seals it, for somebody who wants to know why not.
///
/// *Errors*: the article that forbids it.
pub(crate) async fn insist<R: CryptoRng>(
    service: &Service,
    message: Message,
    now: Timestamp,
    rng: &mut R,
) -> Result<NewStatement, Failure> {
    match decide(service, &message, now).await? {
        Decision::Permit(permit) => seal(service, message, permit, rng).await,
        Decision::Refuse(refusal) => Err(Failure::Forbidden(refusal)),
        Decision::NeedsSecondPerson { rule } => {
            Err(Failure::forbidden(&rule, "a second person must confirm", "ask a releaser"))
        }
    }
}

/// What its agreement, or the founding rules, say of a message that needs no topic.
async fn decide(service: &Service, message: &Message, now: Timestamp) -> Result<Decision, Failure> {
    if message.agreement == AgreementId::FOUNDING {
        let mut verified = true;
        for party in &message.to {
            verified &= partner::is_verified(service, party).await?;
        }
        return Ok(agreement::decide_founding(message.kind, verified));
    }
    let Some((agreement, standing)) = service.agreement(&message.agreement).await? else {
        return Ok(Decision::Refuse(Refusal {
            rule: "ART-2".to_owned(),
            message: "there is no such agreement".to_owned(),
            remedy: "see the agreements, and sign one with this partner".to_owned(),
            item: None,
        }));
    };
    let facts = Facts {
        kind: message.kind,
        sender: service.name(),
        recipients: &message.to,
        topic: None,
        precedence: message.precedence,
        status: message.status,
        highest: None,
        drafted_by: None,
        released_by: None,
        standing,
        now,
    };
    Ok(agreement::decide(&agreement, &facts))
}

/// Commits to the items and seals them, with the header, to the recipients (steps 5 and 6 of the
/// way of a release).
pub(crate) async fn seal<R: CryptoRng>(
    service: &Service,
    message: Message,
    permit: Permit,
    rng: &mut R,
) -> Result<NewStatement, Failure> {
    let header = Header {
        from: service.name().clone(),
        kind: message.kind.word().to_owned(),
        status: message.status,
        agreement: permit.agreement(),
        topic: message.topic.clone(),
        precedence: message.precedence,
        to: To::Names(message.to.clone()),
        re: message.re.clone(),
        items: Items { count: message.items.len() },
        policy: Policy::new(permit.policy_digest(), permit.rules()),
        signed_by: message.signed_by,
        released_by: message.released_by,
        seen: seen(service, &message.to).await?,
        body: message.body,
    };
    let recipients = service.recipients(&message.to).await?;
    let recipients: Vec<_> = recipients.iter().map(AsRef::as_ref).collect();
    let sealed = statement::compose(Draft { header, items: message.items }, &recipients, rng)
        .map_err(|error| Failure::Statement(Box::new(error)))?;
    Ok(NewStatement {
        permit: Arc::new(permit),
        sealed: Arc::new(sealed),
        type_: message.kind,
        topic: message.topic,
        to: message.to,
        precedence: message.precedence,
        re: message.re,
        effect: message.effect,
    })
}

/// Signs, numbers and logs one statement, and leaves it to its links (step 7 of the way of a release).
pub(crate) async fn commit<R: CryptoRng>(
    service: &Service,
    statement: NewStatement,
    actor: &str,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), store::Error> {
    let signer = service.signer(now, rng);
    service.store().commit_statements(vec![statement], signer, now, actor.to_owned()).await?;
    Ok(())
}

/// The partner's checkpoint as it was last seen here, which every statement to it alone carries.
async fn seen(service: &Service, to: &[NodeName]) -> Result<Option<String>, Failure> {
    let [partner] = to else { return Ok(None) };
    let seen = service.store().last_seen_checkpoint(partner).await?;
    Ok(seen.map(|seen| String::from_utf8_lossy(&seen.note).into_owned()))
}
