//! Whom a commit wakes: the workers for whom it left something to do, and whoever follows every
//! change.
//!
//! A release is some eight commits at two nodes. Were every worker woken by each of them to look
//! and find nothing, most of a small release's time would be spent on looking.

use tokio::sync::watch;

/// What a commit may leave to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A release that is to be decided on and sealed.
    Drafts,
    /// A recall to be issued or answered.
    Recalls,
    /// A statement that is due for its link.
    Outbox,
    /// An envelope to be opened.
    Inbox,
    /// A request that was kept whole.
    Submissions,
    /// A collection that aggregates are fed from, or a marking that objects waited for.
    Collections,
    /// Bodies that are gone: copies in memory are to be let go of.
    Deleted,
    /// Accounts, their tokens, certificates and bounds, collections, markings: what requests ask
    /// again and again is to be read anew.
    Register,
}

/// Every kind of work, in the order of their bits.
const ALL: [Work; 8] = [
    Work::Drafts,
    Work::Recalls,
    Work::Outbox,
    Work::Inbox,
    Work::Submissions,
    Work::Collections,
    Work::Deleted,
    Work::Register,
];

/// The work that a group of jobs leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Left(u8);

impl Left {
    /// Every kind: what another process left while nobody listened.
    pub(crate) const ALL: Self = Self(u8::MAX);

    /// What a commit leaves of which nobody knows whether it was made: no worker finds anything
    /// new that its clock would not show it, but nothing that was kept is relied on any more.
    pub(crate) const UNCERTAIN: Self = Self(0).with(Work::Deleted).with(Work::Register);

    pub(crate) const fn with(self, work: Work) -> Self {
        Self(self.0 | (1 << work as u8))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, work: Work) -> bool {
        self.0 & (1 << work as u8) != 0
    }

    /// As it is told to other processes.
    pub(crate) fn number(self) -> u8 {
        self.0
    }

    /// As another process told it; whoever says something else is newer, and everybody looks.
    pub(crate) fn read(text: &str) -> Self {
        text.parse().map_or(Self::ALL, Self)
    }
}

/// The bells of one store: one for each kind of work, and one that every commit rings.
pub(crate) struct Bells {
    every: watch::Sender<u64>,
    work: [watch::Sender<u64>; ALL.len()],
}

impl Default for Bells {
    fn default() -> Self {
        Self { every: watch::Sender::new(0), work: ALL.map(|_| watch::Sender::new(0)) }
    }
}

impl Bells {
    pub(crate) fn ring(&self, left: Left) {
        let wanted = ALL.iter().zip(&self.work).filter(|(work, _)| left.has(**work));
        for bell in wanted.map(|(_, bell)| bell).chain([&self.every]) {
            bell.send_modify(|count| *count += 1);
        }
    }

    pub(crate) fn every(&self) -> watch::Receiver<u64> {
        self.every.subscribe()
    }

    pub(crate) fn of(&self, work: Work) -> watch::Receiver<u64> {
        let bell = ALL.iter().zip(&self.work).find(|(one, _)| **one == work);
        bell.map_or(&self.every, |(_, bell)| bell).subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bells_of_what_was_left_ring() {
        let bells = Bells::default();
        let heard = |receivers: &[watch::Receiver<u64>]| -> Vec<bool> {
            receivers.iter().map(|receiver| receiver.has_changed().unwrap()).collect()
        };
        let receivers: Vec<_> =
            ALL.map(|work| bells.of(work)).into_iter().chain([bells.every()]).collect();
        bells.ring(Left::default().with(Work::Outbox).with(Work::Inbox));
        let rung = [false, false, true, true, false, false, false, false, true];
        assert_eq!(heard(&receivers), rung);
    }

    #[test]
    fn what_is_told_to_another_process_is_what_it_reads() {
        let left = Left::default().with(Work::Submissions).with(Work::Drafts);
        assert_eq!(Left::read(&left.number().to_string()), left);
        assert_eq!(Left::read("something newer"), Left::ALL);
    }
}
