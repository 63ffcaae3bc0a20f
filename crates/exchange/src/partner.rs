//! Partners: met by their key statement, trusted once two people have compared its fingerprint.

use bytes::Bytes;
use protocol::{
    keys::KeyStatement,
    terms::{Digest, NodeName, Timestamp},
};
use store::{Partner, PartnerState};

use crate::{Failure, Service};

/// Keeps a partner's first key statement. Nothing is trusted yet.
///
/// *Errors*: `KEY-1` malformed or not signed by its own keys, `KEY-2` our own, `KEY-3` another
/// statement than the one held.
pub async fn meet(
    service: &Service,
    note: Bytes,
    url: Option<String>,
    now: Timestamp,
) -> Result<Partner, Failure> {
    let statement = KeyStatement::parse(&note)
        .map_err(|error| Failure::Malformed { rule: "KEY-1", message: error.to_string() })?;
    if statement.node() == service.name() {
        return Err(Failure::forbidden(
            "KEY-2",
            "this is this node's own key statement",
            "ask the partner for theirs",
        ));
    }
    let name = statement.node().clone();
    let fingerprint = statement.fingerprint();
    if let Some(held) = service.store().partner(&name).await?
        && held.fingerprint != fingerprint
    {
        return Err(Failure::forbidden(
            "KEY-3",
            format!("another key statement of {name} is held"),
            "compare fingerprints with the partner by voice before anything else",
        ));
    }
    let store = service.store();
    store.add_partner(name.clone(), url, statement.epoch(), note, fingerprint, now).await?;
    store.partner(&name).await?.ok_or(Failure::Unknown("partner"))
}

/// Two people have compared the fingerprint: the partner may be dealt with.
///
/// *Errors*: `KEY-4` when the fingerprint is another one.
pub async fn verify(
    service: &Service,
    name: &NodeName,
    fingerprint: Digest,
    account: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    let held = service.store().partner(name).await?.ok_or(Failure::Unknown("partner"))?;
    if held.fingerprint != fingerprint {
        return Err(Failure::forbidden(
            "KEY-4",
            "the fingerprint is not that of the key statement held",
            "stop: compare again by voice, then ask the partner for its key statement anew",
        ));
    }
    Ok(service.store().verify_partner(name.clone(), account.to_owned(), now).await?)
}

/// Whether two people have compared this partner's fingerprint.
pub(crate) async fn is_verified(service: &Service, name: &NodeName) -> Result<bool, Failure> {
    let partner = service.store().partner(name).await?;
    Ok(partner.is_some_and(|partner| partner.state == PartnerState::Verified))
}
