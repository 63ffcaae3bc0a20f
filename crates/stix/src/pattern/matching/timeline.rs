//! What can be satisfied when: for each demand and each moment the earliest end.
//!
//! All that an outer time condition sees of the observations chosen for a demand is the latest
//! `first_observed` among them, its *end*, and the earliest `last_observed`, its *begin*:
//!
//! - FOLLOWEDBY holds when the end of the left is not after the begin of the right;
//! - WITHIN n holds when the end is less than n after the begin.
//!
//! So a demand is described by one ascending list: for each begin, by rank, the least end that can
//! be reached with observations that do not begin earlier. AND is the greater of two lists, OR the
//! lesser, FOLLOWEDBY asks the right list from the end of the left on, WITHIN keeps the ends that
//! are near enough, REPEATS counts in a heap. Each is one pass; the sorting is O(n log n).
//!
//! The lists leave one thing open: that two demands may want the same observation. What they call
//! impossible is so; what they call possible, [`super::search`] confirms.

use std::collections::BinaryHeap;

use super::observations::Observations;
use super::plan::{Demand, Plan};
use crate::pattern::syntax::id;

/// No end can be reached.
pub(super) const NEVER: u32 = u32::MAX;

/// The observed-data in the order of their times; ranks begin at 0, equal times share one.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Rank of each observed-data's `first_observed`.
    pub(super) ends: Vec<u32>,
    /// Rank of each observed-data's `last_observed`.
    pub(super) begins: Vec<u32>,
    /// Places of the observed-data by falling `last_observed`.
    by_begin: Vec<u32>,
    /// Places of the observed-data by rising `first_observed`.
    pub(super) by_end: Vec<u32>,
    /// For each rank of an end, the first rank of a begin that is not before it.
    begin_from_end: Vec<u32>,
    /// How many different begins there are.
    pub(super) begin_count: u32,
    /// How many different ends there are.
    pub(super) end_count: u32,
}

impl Timeline {
    pub(super) fn new(observations: &Observations<'_>) -> Self {
        let entries = &observations.entries;
        let (by_end, ends, firsts) = ranked(entries.iter().map(|entry| entry.first));
        let (mut by_begin, begins, lasts) = ranked(entries.iter().map(|entry| entry.last));
        by_begin.reverse();
        let mut begin = 0;
        let begin_from_end = firsts.iter().map(|first| {
            while lasts.get(begin).is_some_and(|last| last < first) {
                begin += 1;
            }
            id(begin)
        });
        let begin_from_end = begin_from_end.collect();
        Self {
            begin_count: id(lasts.len()),
            end_count: id(firsts.len()),
            ends,
            begins,
            by_begin,
            by_end,
            begin_from_end,
        }
    }

    /// A timeline of ends and begins by rank, with nothing else.
    #[cfg(test)]
    pub(super) fn of_ranks(ranks: &[(u32, u32)]) -> Self {
        let (ends, begins) = ranks.iter().copied().unzip();
        let (by_begin, by_end, begin_from_end) = (Vec::new(), Vec::new(), Vec::new());
        Self { ends, begins, by_begin, by_end, begin_from_end, begin_count: 0, end_count: 0 }
    }

    pub(super) fn begin_after(&self, end: u32) -> u32 {
        self.begin_from_end.get(end as usize).copied().unwrap_or(self.begin_count)
    }
}

/// Places in order, the rank of each, and the values by rank.
fn ranked<T: Copy + Ord>(values: impl Iterator<Item = T>) -> (Vec<u32>, Vec<u32>, Vec<T>) {
    let mut order: Vec<(T, u32)> = values.enumerate().map(|(at, value)| (value, id(at))).collect();
    order.sort();
    let mut ranks = vec![0; order.len()];
    let mut distinct: Vec<T> = Vec::new();
    for (value, place) in &order {
        if distinct.last() != Some(value) {
            distinct.push(*value);
        }
        if let Some(rank) = ranks.get_mut(*place as usize) {
            *rank = id(distinct.len()) - 1;
        }
    }
    (order.into_iter().map(|(_, place)| place).collect(), ranks, distinct)
}

/// For each demand of a plan the least end by begin; and for each WITHIN the bound on its ends.
#[derive(Debug)]
pub(super) struct Reach {
    least: Vec<Vec<u32>>,
    bounds: Vec<Vec<u32>>,
}

impl Reach {
    pub(super) fn new(
        plan: &Plan,
        observations: &Observations<'_>,
        timeline: &Timeline,
        members: &[Vec<u32>],
    ) -> Self {
        let mut reach = Self { least: Vec::new(), bounds: Vec::new() };
        for node in &plan.nodes {
            let mut bound = Vec::new();
            let least = match node {
                Demand::Leaf { leaf, count } => {
                    let members = members.get(*leaf).map(Vec::as_slice).unwrap_or_default();
                    leaf_least(observations, timeline, members, *count)
                }
                Demand::All(operands) => reach.merged(timeline, operands, 0, u32::max),
                Demand::Any(operands) => reach.merged(timeline, operands, NEVER, u32::min),
                Demand::Then(left, right) => {
                    let begins = 0..timeline.begin_count;
                    begins.map(|begin| reach.then(timeline, *left, *right, begin)).collect()
                }
                Demand::Repeat(inner, _) => reach.list(*inner).to_vec(),
                Demand::Within(inner, span) => {
                    bound = bounds(observations, timeline, *span);
                    within_least(reach.list(*inner), &bound)
                }
            };
            reach.least.push(least);
            reach.bounds.push(bound);
        }
        reach
    }

    fn list(&self, at: u32) -> &[u32] {
        self.least.get(at as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// The least end of a demand with observations that do not begin before a rank.
    pub(super) fn least(&self, at: u32, begin: u32) -> u32 {
        self.list(at).get(begin as usize).copied().unwrap_or(NEVER)
    }

    /// The rank that the ends of a WITHIN stay below, when its earliest begin is the given one.
    pub(super) fn bound(&self, at: u32, begin: u32) -> u32 {
        let bounds = self.bounds.get(at as usize).map(Vec::as_slice).unwrap_or_default();
        bounds.get(begin as usize).copied().unwrap_or(0)
    }

    fn then(&self, timeline: &Timeline, left: u32, right: u32, begin: u32) -> u32 {
        match self.least(left, begin) {
            NEVER => NEVER,
            end => end.max(self.least(right, begin.max(timeline.begin_after(end)))),
        }
    }

    fn merged(
        &self,
        timeline: &Timeline,
        operands: &[u32],
        start: u32,
        choose: fn(u32, u32) -> u32,
    ) -> Vec<u32> {
        let mut out = vec![start; timeline.begin_count as usize];
        for operand in operands {
            for (least, other) in out.iter_mut().zip(self.list(*operand)) {
                *least = choose(*least, *other);
            }
        }
        out
    }
}

/// For each begin the end of the `count` observations of a set that end first.
fn leaf_least(
    observations: &Observations<'_>,
    timeline: &Timeline,
    members: &[u32],
    count: u64,
) -> Vec<u32> {
    let mut is_member = vec![false; observations.len()];
    for member in members {
        if let Some(flag) = is_member.get_mut(*member as usize) {
            *flag = true;
        }
    }
    let mut out = vec![NEVER; timeline.begin_count as usize];
    // The observations that end first, as few as make up the count; the last of them on top.
    let mut chosen: BinaryHeap<(u32, u64)> = BinaryHeap::new();
    let mut total: u64 = 0;
    let mut open = timeline.begin_count;
    let mut fill = |open: &mut u32, to: u32, end: u32| {
        for begin in to..*open {
            if let Some(least) = out.get_mut(begin as usize) {
                *least = end;
            }
        }
        *open = to.min(*open);
    };
    let mut end = NEVER;
    for place in &timeline.by_begin {
        let at = *place as usize;
        if is_member.get(at) != Some(&true) {
            continue;
        }
        let begin = timeline.begins.get(at).copied().unwrap_or_default();
        fill(&mut open, begin + 1, end);
        let number = observations.entries.get(at).map_or(0, |entry| entry.number);
        chosen.push((timeline.ends.get(at).copied().unwrap_or_default(), number));
        total = total.saturating_add(number);
        while let Some((_, number)) =
            chosen.peek().filter(|(_, n)| total.saturating_sub(*n) >= count)
        {
            total -= number;
            chosen.pop();
        }
        end = chosen.peek().filter(|_| total >= count).map_or(NEVER, |(end, _)| *end);
    }
    fill(&mut open, 0, end);
    out
}

/// For each begin how many ends lie less than a span after it.
fn bounds(
    observations: &Observations<'_>,
    timeline: &Timeline,
    span: super::moment::Span,
) -> Vec<u32> {
    let entry = |place: &u32| observations.entries.get(*place as usize);
    let mut out = vec![0; timeline.begin_count as usize];
    let mut ends = timeline.by_end.iter().peekable();
    let mut bound = 0;
    for place in timeline.by_begin.iter().rev() {
        let Some(limit) = entry(place).map(|entry| entry.last.plus(span)) else { continue };
        while let Some(next) = ends.next_if(|next| entry(next).is_some_and(|e| e.first < limit)) {
            bound = timeline.ends.get(*next as usize).map_or(bound, |end| end + 1);
        }
        let begin = timeline.begins.get(*place as usize).copied().unwrap_or_default();
        if let Some(slot) = out.get_mut(begin as usize) {
            *slot = bound;
        }
    }
    out
}

fn within_least(inner: &[u32], bounds: &[u32]) -> Vec<u32> {
    let mut out = vec![NEVER; inner.len()];
    let mut best = NEVER;
    for ((slot, least), bound) in out.iter_mut().zip(inner).zip(bounds).rev() {
        if least < bound {
            best = best.min(*least);
        }
        *slot = best;
    }
    out
}
