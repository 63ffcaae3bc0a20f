//! Agreements: drafted as a text, signed by each party as a founding statement, in force once
//! every signature is there.

use bytes::Bytes;
use protocol::{
    agreement::{self, Agreement},
    statement::Item,
    terms::{AgreementId, NodeName, PartyStanding, Precedence, StatementType, Timestamp},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use store::{AgreementState, OutEffect, TopicSpec};

use crate::{
    Failure, Service,
    message::{self, Message},
};

/// Keeps a text as a draft, after reading it as an agreement to which this node is a party.
///
/// *Errors*: rules AGR-1 to AGR-5, `ART-1` where this node is no party.
pub async fn draft(
    service: &Service,
    text: Bytes,
    account: &str,
    now: Timestamp,
) -> Result<Agreement, Failure> {
    let agreement = Agreement::parse(&text).map_err(|error| malformed(&error))?;
    if !agreement.parties().contains(service.name()) {
        return Err(Failure::forbidden(
            "ART-1",
            "this node is not a party of the agreement",
            "name this node among `parties`",
        ));
    }
    let (id, title) = (agreement.id(), agreement.title().to_owned());
    let parties = agreement.parties().to_vec();
    service.store().draft_agreement(id, title, text, parties, now, account.to_owned()).await?;
    Ok(agreement)
}

fn malformed(error: &agreement::Error) -> Failure {
    let text = error.to_string();
    let (rule, message) = text.split_once(": ").unwrap_or(("AGR", &text));
    let rule = match rule {
        "AGR-1" => "AGR-1",
        "AGR-2" => "AGR-2",
        "AGR-3" => "AGR-3",
        "AGR-4" => "AGR-4",
        _ => "AGR-5",
    };
    Failure::Malformed { rule, message: message.to_owned() }
}

/// Signs an agreement: a founding statement with its text goes to every other party.
///
/// *Errors*: `FND-2` while a party's fingerprint has not been compared, `AGR-6` when signed
/// already.
pub async fn sign<R: CryptoRng>(
    service: &Service,
    id: &AgreementId,
    account: &str,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let row = service.store().agreement(id).await?.ok_or(Failure::Unknown("agreement"))?;
    let signed = row.signatures.iter().any(|(by, ..)| by == service.name());
    if signed || !matches!(row.state, AgreementState::Drafted | AgreementState::Signed) {
        return Err(Failure::forbidden(
            "AGR-6",
            "this node has signed it already",
            "wait for the other parties' signatures",
        ));
    }
    let agreement = Agreement::parse(&row.text).map_err(|error| malformed(&error))?;
    check_supersedes(service, &agreement).await?;
    let to = agreement.others(service.name());
    let effect = OutEffect::Agreement {
        id: *id,
        by: service.name().clone(),
        topics: topic_specs(&agreement, service.name()),
        supersedes: agreement.supersedes(),
    };
    let message = Message {
        precedence: Precedence::Priority,
        items: vec![Item::text(row.text.clone())],
        ..Message::new(StatementType::Agreement, AgreementId::FOUNDING, to, effect)
    };
    let statement = message::insist(service, message, now, rng).await?;
    message::commit(service, statement, account, now, rng).await?;
    Ok(())
}

/// What a party says about an agreement that was signed, in the header's `body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingBody {
    /// Which agreement.
    pub agreement: AgreementId,
    /// How the sender stands to it.
    pub standing: PartyStanding,
    /// Why, in its words.
    pub reason: String,
}

/// Characters of a reason.
pub(crate) const REASON_LEN_MAX: usize = 500;

/// Suspends, resumes or ends an agreement: in force here at once, and every other party is told.
///
/// *Errors*: `AGR-8` where it is in another state or the reason is missing or too long.
pub async fn stand<R: CryptoRng>(
    service: &Service,
    id: &AgreementId,
    (standing, reason): (PartyStanding, &str),
    account: &str,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let row = service.store().agreement(id).await?.ok_or(Failure::Unknown("agreement"))?;
    if !matches!(row.state, AgreementState::InForce | AgreementState::Suspended) {
        return Err(Failure::forbidden(
            "AGR-8",
            format!("the agreement is {}: there is nothing to suspend, resume or end", row.state),
            "see the agreements for the one that is in force",
        ));
    }
    if reason.trim().is_empty() || reason.chars().count() > REASON_LEN_MAX {
        let message = format!("a reason of 1 to {REASON_LEN_MAX} characters goes to the partner");
        return Err(Failure::Malformed { rule: "AGR-8", message });
    }
    let to: Vec<_> = row.parties.into_iter().filter(|name| name != service.name()).collect();
    let (by, reason) = (service.name().clone(), reason.to_owned());
    let body = StandingBody { agreement: *id, standing, reason: reason.clone() };
    let effect = OutEffect::Standing { id: *id, by, standing, reason };
    let message = Message {
        precedence: Precedence::Flash,
        body: serde_json::to_value(body).ok(),
        ..Message::new(StatementType::Agreement, AgreementId::FOUNDING, to, effect)
    };
    let statement = message::insist(service, message, now, rng).await?;
    message::commit(service, statement, account, now, rng).await?;
    Ok(())
}

/// Only an agreement of the same parties, in the same order, is superseded.
async fn check_supersedes(service: &Service, agreement: &Agreement) -> Result<(), Failure> {
    let Some(before) = agreement.supersedes() else { return Ok(()) };
    let held = service.store().agreement(&before).await?;
    if held.is_some_and(|row| row.parties == agreement.parties()) {
        return Ok(());
    }
    Err(Failure::forbidden(
        "AGR-7",
        "what it supersedes is no agreement of the same parties in the same order",
        "name the id of the agreement whose place it takes, or leave `supersedes` out",
    ))
}

/// Which collections an agreement's topics need here, so that the store needs no parser.
pub(crate) fn topic_specs(agreement: &Agreement, me: &NodeName) -> Vec<TopicSpec> {
    let others = agreement.others(me);
    let spec = |terms: &agreement::TopicTerms| TopicSpec {
        topic: terms.topic.clone(),
        outgoing: agreement.flows_from(terms, me),
        incoming: others.iter().any(|other| agreement.flows_from(terms, other)),
        retention_days: Some(terms.retention_days),
    };
    agreement.topics().iter().map(spec).collect()
}
