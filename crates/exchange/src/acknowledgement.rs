//! Acknowledgement: a person here says that a release which came in was seen.

use protocol::terms::{Role, StatementId, StatementType, Timestamp};
use store::Account;

use crate::{
    Failure, Service,
    rights::{self, Work},
};

/// A person says that a release was seen. Only the first counts.
///
/// *Errors*: `ROLE-1` for whoever is neither releaser nor reader, `ROLE-2` without access to the
/// topic, `ACK-1` for what is no release that came in.
pub async fn give(
    service: &Service,
    id: &StatementId,
    officer: &Account,
    now: Timestamp,
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
    Ok(service.store().acknowledge(*id, officer.name.clone(), now).await?)
}
