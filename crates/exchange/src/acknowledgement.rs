//! Acknowledgement: a person here says that a release which came in was seen, and the partner is
//! told, signed: a machine's receipt says that it arrived, this says that somebody knows.
//!
//! *Source*: domain, part 2, warning: delivered (machine receipt), acknowledged (human).

use protocol::terms::{Role, StatementId, StatementType, Timestamp};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use store::{Account, NewStatement, OutEffect, Statement};

use crate::{
    Failure, Service,
    message::{self, Message},
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
    match message::commit(service, statement, &officer.name, now, rng).await {
        // Another person was first, in between.
        Err(store::Error::State(..)) => Ok(()),
        committed => Ok(committed?),
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
    let effect = OutEffect::Acknowledgement { of: seen.id, account: officer.name.clone() };
    let to = seen.partner.iter().cloned().collect();
    let message = Message {
        precedence: seen.precedence,
        re: vec![seen.id],
        signed_by: Some(officer.pseudonym.clone()),
        body: serde_json::to_value(AcknowledgementBody { release: seen.id }).ok(),
        ..Message::new(StatementType::Acknowledgement, seen.agreement, to, effect)
    };
    message::compose(service, message, now, rng).await
}
