//! What time itself does: expired sessions and links go, sealed payloads that every recipient has
//! receipted go, retention ends.

use protocol::terms::Timestamp;

use crate::{Failure, Service, Step};

/// Removes what has expired.
///
/// *Atomicity*: one transaction; it may run twice.
pub async fn step(service: &Service, now: Timestamp) -> Result<Step, Failure> {
    let removed = service.store().sweep(now).await?;
    Ok(Step::of(removed))
}
