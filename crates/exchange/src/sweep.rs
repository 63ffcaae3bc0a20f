//! What time itself does: expired sessions and links go, sealed payloads that every recipient has
//! receipted go, retention of collections ends, and with it the wait of what stands apart.

use protocol::terms::Timestamp;
use rand_core::CryptoRng;

use crate::{Failure, Service, Step, quarantine};

/// Objects that one step deletes: bounds how long the writer is busy with it.
const RETIRED_MAX: usize = 1_000;

/// Removes what has expired, and what collections have kept for as long as they do; what stands apart
/// waits no longer than that.
///
/// *Atomicity*: a transaction for each; it may run twice.
pub async fn step<R: CryptoRng>(
    service: &Service,
    now: Timestamp,
    rng: &mut R,
) -> Result<Step, Failure> {
    service.store().let_go_of_deleted();
    let removed = service.store().sweep(now).await?;
    let retired = service.store().retire(RETIRED_MAX, now).await?;
    let expired = quarantine::expire(service, now, rng).await?;
    Ok(Step::of(removed + retired + expired))
}
