//! The candidates of a leaf, and the assignment of observations to several leaves at once.
//!
//! Leaves under one AND compete for observations but not for times: whether all can be served is a
//! matching between leaves and observations, found by augmenting paths over the leaves.

use super::timeline::Timeline;

/// The observed-data of a leaf in the order of their ends, with a tree of maxima over their begins.
#[derive(Debug)]
pub(super) struct Candidates {
    places: Vec<u32>,
    /// A complete binary tree: the greatest begin beneath each node, plus one; leaves at the end.
    tree: Vec<u32>,
    width: usize,
}

impl Candidates {
    pub(super) fn new(timeline: &Timeline, members: &[u32]) -> Self {
        let mut places = members.to_vec();
        let end = |place: &u32| timeline.ends.get(*place as usize).copied().unwrap_or_default();
        places.sort_by_key(end);
        let width = places.len().next_power_of_two();
        let mut tree = vec![0; width * 2];
        for (at, place) in places.iter().enumerate() {
            let begin = timeline.begins.get(*place as usize).copied().unwrap_or_default();
            if let Some(slot) = tree.get_mut(width + at) {
                *slot = begin + 1;
            }
        }
        for at in (1..width).rev() {
            let most = tree.get(at * 2).max(tree.get(at * 2 + 1)).copied().unwrap_or_default();
            if let Some(slot) = tree.get_mut(at) {
                *slot = most;
            }
        }
        Self { places, tree, width }
    }

    pub(super) fn at(&self, place: usize) -> Option<u32> {
        self.places.get(place).copied()
    }

    /// The first candidate from a place on that begins at a rank or later: its place, and the
    /// place of the observed-data.
    pub(super) fn next(&self, from: usize, begin: u32) -> Option<(usize, u32)> {
        if from >= self.places.len() {
            return None;
        }
        let reaches = |node: usize| self.tree.get(node).is_some_and(|most| *most > begin);
        let mut node = self.width + from;
        // Up, until a node to the right holds one; then down to the first.
        while !reaches(node) {
            while node & 1 == 1 {
                node >>= 1;
            }
            if node == 0 {
                return None;
            }
            node += 1;
        }
        while node < self.width {
            node = if reaches(node * 2) { node * 2 } else { node * 2 + 1 };
        }
        let place = node - self.width;
        self.at(place).map(|observed| (place, observed))
    }
}

/// Serves several leaves at once with observations in a range of times, those that end first; which
/// observed-data are used how often, or none when not all leaves can be served.
pub(super) fn assign(
    timeline: &Timeline,
    lists: &[&Candidates],
    counts: &[u64],
    left: &[u64],
    (begin, end): (u32, u32),
) -> Option<Vec<(u32, u64)>> {
    let demand = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let offers = offers(timeline, lists, left, (begin, end), demand);
    let mut flow = Flow { counts: counts.to_vec(), taken: Vec::new() };
    for (place, admitting) in offers {
        let mut available = left.get(place as usize).copied().unwrap_or_default();
        flow.taken.push(Taken { place, admitting, given: vec![0; counts.len()] });
        while available > 0 && flow.counts.iter().any(|count| *count > 0) {
            match flow.augment(available) {
                0 => break,
                given => available -= given,
            }
        }
    }
    let served = flow.counts.iter().all(|count| *count == 0);
    let used = |taken: Taken| (taken.place, taken.given.iter().sum::<u64>());
    served.then(|| flow.taken.into_iter().map(used).filter(|(_, count)| *count > 0).collect())
}

/// Observed-data that are left, by their ends, each with the leaves that admit it. No leaf needs
/// more of them than all leaves together demand.
fn offers(
    timeline: &Timeline,
    lists: &[&Candidates],
    left: &[u64],
    (begin, end): (u32, u32),
    demand: u64,
) -> Vec<(u32, Vec<usize>)> {
    let mut found: Vec<(u32, u32, usize)> = Vec::new();
    for (leaf, list) in lists.iter().enumerate() {
        let (mut from, mut offered) = (0, 0);
        while offered < demand
            && let Some((place, observed)) = list.next(from, begin)
        {
            from = place + 1;
            let ends = timeline.ends.get(observed as usize).copied().unwrap_or_default();
            if ends >= end {
                break;
            }
            if left.get(observed as usize).is_some_and(|left| *left > 0) {
                found.push((ends, observed, leaf));
                offered += 1;
            }
        }
    }
    found.sort_unstable();
    let mut offers: Vec<(u32, Vec<usize>)> = Vec::with_capacity(found.len());
    for (_, observed, leaf) in found {
        match offers.last_mut() {
            Some((last, leaves)) if *last == observed => leaves.push(leaf),
            _ => offers.push((observed, vec![leaf])),
        }
    }
    offers
}

/// An observed-data, the leaves that admit it, and how many of its observations each has.
struct Taken {
    place: u32,
    admitting: Vec<usize>,
    given: Vec<u64>,
}

struct Flow {
    /// What each leaf still lacks.
    counts: Vec<u64>,
    taken: Vec<Taken>,
}

impl Flow {
    /// Gives observations of the newest observed-data to a leaf that lacks some, over leaves that
    /// pass on others; how many.
    fn augment(&mut self, available: u64) -> u64 {
        let Some(newest) = self.taken.len().checked_sub(1) else { return 0 };
        // For each leaf the observed-data through which it was reached, and from which leaf.
        let mut reached: Vec<Option<(usize, Option<usize>)>> = vec![None; self.counts.len()];
        let mut queue: Vec<usize> = Vec::new();
        for leaf in self.taken.last().map(|taken| taken.admitting.clone()).unwrap_or_default() {
            if let Some(slot) = reached.get_mut(leaf) {
                *slot = Some((newest, None));
                queue.push(leaf);
            }
        }
        let mut at = 0;
        while let Some(leaf) = queue.get(at).copied() {
            at += 1;
            if self.counts.get(leaf).is_some_and(|count| *count > 0) {
                return self.give(leaf, &reached, available);
            }
            for (place, taken) in self.taken.iter().enumerate() {
                if taken.given.get(leaf).is_none_or(|given| *given == 0) {
                    continue;
                }
                for other in &taken.admitting {
                    if let Some(slot @ None) = reached.get_mut(*other) {
                        *slot = Some((place, Some(leaf)));
                        queue.push(*other);
                    }
                }
            }
        }
        0
    }

    fn give(
        &mut self,
        leaf: usize,
        reached: &[Option<(usize, Option<usize>)>],
        available: u64,
    ) -> u64 {
        let mut amount = available.min(self.counts.get(leaf).copied().unwrap_or_default());
        let mut path = Vec::new();
        let mut to = leaf;
        while let Some((place, from)) = reached.get(to).copied().flatten() {
            path.push((place, from, to));
            let Some(from) = from else { break };
            let given = self.taken.get(place).and_then(|taken| taken.given.get(from)).copied();
            amount = amount.min(given.unwrap_or_default());
            to = from;
        }
        for (place, from, to) in path {
            let Some(taken) = self.taken.get_mut(place) else { continue };
            if let Some(given) = from.and_then(|from| taken.given.get_mut(from)) {
                *given -= amount;
            }
            if let Some(given) = taken.given.get_mut(to) {
                *given += amount;
            }
        }
        if let Some(count) = self.counts.get_mut(leaf) {
            *count -= amount;
        }
        amount
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_found_by_end_and_begin() {
        let timeline = Timeline::of_ranks(&[(0, 5), (1, 1), (2, 7), (3, 3), (4, 9)]);
        let members = [0, 1, 2, 3, 4];
        let candidates = Candidates::new(&timeline, &members);
        let all = |begin| {
            let mut found = Vec::new();
            let mut from = 0;
            while let Some((place, observed)) = candidates.next(from, begin) {
                found.push(observed);
                from = place + 1;
            }
            found
        };
        assert_eq!(all(0), [0, 1, 2, 3, 4]);
        assert_eq!(all(1), [0, 1, 2, 3, 4]);
        assert_eq!(all(2), [0, 2, 3, 4]);
        assert_eq!(all(6), [2, 4]);
        assert_eq!(all(10), [0; 0]);
    }

    #[test]
    fn assignment_passes_observations_on_and_knows_when_it_cannot() {
        let timeline = Timeline::of_ranks(&[(0, 0), (1, 1), (2, 2)]);
        let (all, first) = ([0, 1, 2], [0]);
        let lists = [Candidates::new(&timeline, &all), Candidates::new(&timeline, &first)];
        let lists: Vec<&Candidates> = lists.iter().collect();
        let assign = |counts: &[u64], left: &[u64]| {
            super::assign(&timeline, &lists, counts, left, (0, 3)).is_some()
        };
        assert!(assign(&[2, 1], &[1, 1, 1]));
        assert!(!assign(&[3, 1], &[1, 1, 1]));
        assert!(assign(&[3, 1], &[2, 1, 1]));
        assert!(!assign(&[1, 2], &[1, 1, 1]));
    }
}
