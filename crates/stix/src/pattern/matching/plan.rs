//! What a pattern asks between its observations: demands on sets of observations and on times.

use super::MatchError;
use super::moment::{Moment, Span};
use crate::pattern::syntax::{Observation, Pattern, Qualifier, id};

/// Children before parents; the root last.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) nodes: Vec<Demand>,
    pub(super) leaves: Vec<Leaf>,
}

/// A demand; numbers are places in the plan.
#[derive(Debug, Clone)]
pub(super) enum Demand {
    /// So many observations of a leaf.
    Leaf { leaf: usize, count: u64 },
    /// All of them, on different observations.
    All(Vec<u32>),
    /// One of them.
    Any(Vec<u32>),
    /// The right one not before the left one.
    Then(u32, u32),
    /// All observations in less than a span.
    Within(u32, Span),
    /// Several times, on different observations.
    Repeat(u32, u64),
}

/// A comparison expression in brackets, with the STARTs and STOPs that it stands under.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// Its place among the expressions in brackets.
    pub(super) expression: usize,
    windows: Vec<(Moment, Moment)>,
}

impl Leaf {
    /// Whether a moment from `first` to `last` lies in each window, its stop excluded.
    pub(super) fn admits(&self, first: Moment, last: Moment) -> bool {
        self.windows.iter().all(|(start, stop)| start < stop && first < *stop && last >= *start)
    }
}

impl Plan {
    /// *Errors*: `REPEATS 0`, `WITHIN 0`.
    pub(super) fn new(pattern: &Pattern<'_>) -> Result<Self, MatchError> {
        let mut plan = Self { nodes: Vec::new(), leaves: Vec::new() };
        let mut windows = windows(pattern);
        let mut places: Vec<u32> = Vec::with_capacity(pattern.observations.len());
        for (at, node) in pattern.observations.iter().enumerate() {
            let place = |at: u32| places.get(at as usize).copied().unwrap_or_default();
            let place = match *node {
                Observation::Single(_) => {
                    let windows = windows.get_mut(at).map(std::mem::take).unwrap_or_default();
                    let leaf = plan.leaves.len();
                    plan.leaves.push(Leaf { expression: leaf, windows });
                    plan.add(Demand::Leaf { leaf, count: 1 })
                }
                Observation::Group(inner) => place(inner),
                Observation::And(a, b) => {
                    let all = plan.joined(place(a), place(b), Demand::All(Vec::new()));
                    plan.add(Demand::All(all))
                }
                Observation::Or(a, b) => {
                    let any = plan.joined(place(a), place(b), Demand::Any(Vec::new()));
                    plan.add(Demand::Any(any))
                }
                Observation::FollowedBy(a, b) => plan.add(Demand::Then(place(a), place(b))),
                Observation::Qualified(inner, Qualifier::StartStop(..)) => place(inner),
                Observation::Qualified(inner, Qualifier::Within(seconds)) => {
                    let span = Span::parse(seconds).ok_or(MatchError::Within)?;
                    plan.add(Demand::Within(place(inner), span))
                }
                Observation::Qualified(inner, Qualifier::Repeats(count)) => {
                    // More than can be counted is more than there is.
                    let count = count.parse().unwrap_or(u64::MAX);
                    plan.repeat(place(inner), count)?
                }
            };
            places.push(place);
        }
        Ok(plan)
    }

    fn add(&mut self, demand: Demand) -> u32 {
        self.nodes.push(demand);
        self.root()
    }

    pub(super) fn root(&self) -> u32 {
        id(self.nodes.len()).saturating_sub(1)
    }

    pub(super) fn node(&self, at: u32) -> Option<&Demand> {
        self.nodes.get(at as usize)
    }

    /// The expression, when there is nothing else than one in brackets.
    pub(super) fn only_expression(&self) -> Option<usize> {
        match (self.nodes.as_slice(), self.leaves.as_slice()) {
            ([Demand::Leaf { count: 1, .. }], [leaf]) if leaf.windows.is_empty() => {
                Some(leaf.expression)
            }
            _ => None,
        }
    }

    /// The operands of two sides, those of a left side of the same kind taken over.
    fn joined(&mut self, a: u32, b: u32, kind: Demand) -> Vec<u32> {
        let left = match (self.nodes.get_mut(a as usize), kind) {
            (Some(Demand::All(list)), Demand::All(_))
            | (Some(Demand::Any(list)), Demand::Any(_)) => std::mem::take(list),
            _ => vec![a],
        };
        left.into_iter().chain([b]).collect()
    }

    /// REPEATS is short for AND (section 9.5.1): over expressions without times of their own it is
    /// a greater demand on each.
    fn repeat(&mut self, inner: u32, count: u64) -> Result<u32, MatchError> {
        if count == 0 {
            return Err(MatchError::Repeats);
        }
        let leaves: Vec<u32> = match self.node(inner) {
            Some(Demand::Leaf { .. }) => vec![inner],
            Some(Demand::All(list)) => list.clone(),
            _ => Vec::new(),
        };
        let is_leaf = |at: &u32| matches!(self.node(*at), Some(Demand::Leaf { .. }));
        if leaves.is_empty() || !leaves.iter().all(is_leaf) {
            return Ok(self.add(Demand::Repeat(inner, count)));
        }
        for at in leaves {
            if let Some(Demand::Leaf { count: known, .. }) = self.nodes.get_mut(at as usize) {
                *known = known.saturating_mul(count);
            }
        }
        Ok(inner)
    }
}

/// The windows that each observation expression stands under, from the root down.
fn windows(pattern: &Pattern<'_>) -> Vec<Vec<(Moment, Moment)>> {
    let mut windows: Vec<Vec<(Moment, Moment)>> = vec![Vec::new(); pattern.observations.len()];
    for (at, node) in pattern.observations.iter().enumerate().rev() {
        let mut own = windows.get_mut(at).map(std::mem::take).unwrap_or_default();
        let mut give = |to: u32, own: &Vec<_>| {
            if let Some(place) = windows.get_mut(to as usize) {
                place.clone_from(own);
            }
        };
        match *node {
            Observation::Single(_) => {
                if let Some(place) = windows.get_mut(at) {
                    *place = own;
                }
            }
            Observation::And(a, b) | Observation::Or(a, b) | Observation::FollowedBy(a, b) => {
                give(a, &own);
                give(b, &own);
            }
            Observation::Group(inner) => give(inner, &own),
            Observation::Qualified(inner, qualifier) => {
                if let Qualifier::StartStop(start, stop) = qualifier {
                    let moment = |text| Moment::parse(text).unwrap_or(Moment(0));
                    own.push((moment(start.text), moment(stop.text)));
                    own.dedup();
                }
                give(inner, &own);
            }
        }
    }
    windows
}
