//! What time itself does: expired sessions and links go, sealed payloads that every recipient has
//! receipted go, retention of collections ends.

use protocol::terms::Timestamp;

use crate::{Failure, Service, Step};

/// Objects that one step deletes: bounds how long the writer is busy with it.
const RETIRED_MAX: usize = 1_000;

/// Removes what has expired, and what collections have kept for as long as they do.
///
/// *Atomicity*: a transaction for each; it may run twice.
pub async fn step(service: &Service, now: Timestamp) -> Result<Step, Failure> {
    let removed = service.store().sweep(now).await?;
    let retired = service.store().retire(RETIRED_MAX, now).await?;
    Ok(Step::of(removed + retired))
}
