//! Acknowledgement: a person here says that a release which came in was seen, and the partner is
//! told, signed: a machine's receipt says that it arrived, this says that somebody knows.
//!
//! *Source*: domain, part 2, warning: delivered (machine receipt), acknowledged (human).

use std::sync::Arc;

use protocol::{
    agreement::{self, Decision, Facts, Permit},
    terms::{Role, StatementId, StatementType, Status, Timestamp},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use store::{Account, NewStatement, OutEffect, Statement};

use crate::{
    Failure, Service, release,
    rights::{self, Work},
};

/// The parameters of an acknowledgement, in its header's `body`; the officer stands in `signed_by`,
/// the moment in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgementBody {
    /// The release that was seen.
    pub release: StatementId,
}

/// A person says that a release was seen. Only the first counts, and the sender is told of it.
///
/// *Errors*: `ROLE-1` for whoever is neither releaser nor reader, `ROLE-2` without access to the
/// topic, `ACK-1` for what is no release that came in.
///
/// *Atomicity*: the acknowledgement and the statement that tells of it are one transaction; a
/// second one changes nothing.
pub async fn give<R: CryptoRng>(
    service: &Service,
    id: &StatementId,
    officer: &Account,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    rights::check_role(officer, &[Role::Releaser, Role::Reader])?;
    let row = service.store().statement(id).await?.ok_or(Failure::Unknown("statement"))?;
    let (false, Some(StatementType::Release), Some(topic)) = (row.out, row.kind, &row.topic) else {
        return Err(Failure::forbidden(
            "ACK-1",
            "only a release that came in is acknowledged",
            "see the statements for what came in",
        ));
    };
    rights::check_topic(service, officer, Work::Receive, (&row.agreement, topic)).await?;
    if service.store().acknowledged(id).await?.is_some() {
        return Ok(());
    }
    let Some(statement) = tell(service, &row, officer, now, rng).await? else {
        // Nobody may be told; that somebody has seen it is true all the same.
        return Ok(service.store().acknowledge(*id, officer.name.clone(), now).await?);
    };
    let (signer, actor) = (service.signer(now, rng), officer.name.clone());
    match service.store().commit_statements(vec![statement], signer, now, actor).await {
        // Another person was first, in between.
        Err(store::Error::State(_)) => Ok(()),
        committed => Ok(committed.map(drop)?),
    }
}

/// The statement that tells the sender; none where no article lets it pass.
async fn tell<R: CryptoRng>(
    service: &Service,
    seen: &Statement,
    officer: &Account,
    now: Timestamp,
    rng: &mut R,
) -> Result<Option<NewStatement>, Failure> {
    let Some(permit) = permit(service, seen, now).await? else { return Ok(None) };
    let to: Vec<_> = seen.partner.iter().cloned().collect();
    let kind = StatementType::Acknowledgement;
    let mut header = release::header(service, kind, &permit, &to).await?;
    header.precedence = seen.precedence;
    header.re = vec![seen.id];
    header.signed_by = Some(officer.pseudonym.clone());
    header.body = serde_json::to_value(AcknowledgementBody { release: seen.id }).ok();
    let sealed = release::compose(service, header, Vec::new(), &to, rng).await?;
    Ok(Some(NewStatement {
        permit: Arc::new(permit),
        sealed: Arc::new(sealed),
        type_: kind,
        topic: None,
        to,
        precedence: seen.precedence,
        re: vec![seen.id],
        effect: OutEffect::Acknowledgement { of: seen.id, account: officer.name.clone() },
    }))
}

async fn permit(
    service: &Service,
    seen: &Statement,
    now: Timestamp,
) -> Result<Option<Permit>, Failure> {
    let Some((agreement, standing)) = service.agreement(&seen.agreement).await? else {
        return Ok(None);
    };
    let Some(sender) = &seen.partner else { return Ok(None) };
    let facts = Facts {
        kind: StatementType::Acknowledgement,
        sender: service.name(),
        recipients: std::slice::from_ref(sender),
        topic: None,
        precedence: seen.precedence,
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
