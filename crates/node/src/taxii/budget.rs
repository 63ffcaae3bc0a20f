//! The budget of bodies under way: what all connections together may make the node hold.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// KiB of bodies under way, in and out.
const KIB_MAX: usize = 512 * 1024;

/// The budget. Cheap to clone.
#[derive(Clone)]
pub struct Budget {
    free: Arc<Semaphore>,
}

/// A share of it, given back when dropped.
pub(super) struct Hold {
    budget: Budget,
    permit: OwnedSemaphorePermit,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(KIB_MAX)
    }
}

impl Budget {
    /// A budget of so many KiB.
    pub fn new(kib: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(kib)) }
    }

    /// A share for so many bytes; `None` when there is not so much left.
    pub(super) fn hold(&self, bytes: usize) -> Option<Hold> {
        Some(Hold { budget: self.clone(), permit: self.take(kib(bytes))?, bytes })
    }

    fn take(&self, kib: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(kib).ok()?;
        Arc::clone(&self.free).try_acquire_many_owned(kib).ok()
    }
}

fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1_024)
}

impl Hold {
    /// Makes the share large enough for so many bytes; `false` when there is not so much left.
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let more = kib(bytes).saturating_sub(kib(self.bytes));
        let Some(permit) = self.budget.take(more) else { return false };
        self.permit.merge(permit);
        self.bytes = self.bytes.max(bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_shared_and_given_back() {
        let budget = Budget::new(4);
        let mut one = budget.hold(1_000).unwrap();
        assert!(one.grow(2_048));
        let two = budget.hold(2_048).unwrap();
        assert!(!one.grow(2_049) && budget.hold(1).is_none());
        drop(two);
        assert!(one.grow(2_049));
        drop(one);
        assert!(budget.hold(4_096).is_some());
    }
}
