//! What collections owe to each other and to what came late: objects whose marking is known now are
//! dated anew, and aggregates follow their sources.

use protocol::terms::Timestamp;

use crate::{Failure, Service, Step, submit};

/// Objects of one step: bounds how long the writer is busy with it.
const BATCH: usize = 1_000;

/// Dates anew what waited for a marking definition, and feeds aggregates.
///
/// *Atomicity*: two transactions; each may run twice.
pub async fn step(service: &Service, now: Timestamp) -> Result<Step, Failure> {
    let redated = redate(service, now).await?;
    let fed = service.store().feed(BATCH, now).await?;
    Ok(Step::of(redated + fed))
}

/// Reads again, with the markings that are here now, the objects whose definitions have come.
async fn redate(service: &Service, now: Timestamp) -> Result<usize, Failure> {
    let store = service.store();
    let waiting = store.awaiting(u32::try_from(BATCH).unwrap_or(u32::MAX)).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let markings = store.markings().await?;
    let read = |entry: store::Awaiting| {
        // What was kept reads; what a later version of this program refuses stays the strictest.
        let object = submit::new_object(&entry.body, &entry.body, &markings).ok()?;
        Some((entry, object))
    };
    let entries: Vec<_> = waiting.into_iter().filter_map(read).collect();
    let count = entries.len();
    store.redate(entries, now).await?;
    Ok(count)
}
