//! Whether observed data match a pattern, and which: the first binding that is found.
//!
//! Each `[ ]` is asked of each observed-data once. What stands between them (AND, OR, FOLLOWEDBY,
//! REPEATS, WITHIN, START STOP) is then decided over the sorted times in O(n log n), with no bound
//! on the number of observations ([`timeline`]); where expressions compete for the same
//! observations, a search decides who takes which ([`search`]).
//!
//! An observed-data is `number_observed` observations at unknown moments from `first_observed` to
//! `last_observed` (section 9.1): each counts, and a time condition holds when moments can be
//! chosen so.

mod assign;
mod moment;
mod network;
mod observations;
mod plan;
mod regular;
mod search;
mod timeline;
mod value;

use self::plan::Plan;
use self::value::Compiled;
use super::syntax::{Comparison, Observation, Pattern, id};

pub(super) use network::Network;
pub use observations::{ObservationError, Observations};
pub(super) use regular::obstacle;
pub(super) use value::is_homogeneous;

/// Why a pattern cannot be matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// A set with constants of unlike types.
    #[error("a set of unlike types at byte {offset} (STIX-9.6.1-19)")]
    MixedSet {
        /// Byte offset of the set.
        offset: usize,
    },
    /// A regular expression with look-around, a back reference, or an error.
    #[error("a regular expression that cannot be searched at byte {offset} (STIX-9.6.1-27)")]
    Regex {
        /// Byte offset of the expression.
        offset: usize,
    },
    /// `REPEATS 0`.
    #[error("REPEATS needs a positive integer (STIX-9.5.1-04)")]
    Repeats,
    /// `WITHIN 0`.
    #[error("WITHIN needs a positive number (STIX-9.5.1-07)")]
    Within,
    /// A string that is no timestamp where a timestamp is compared.
    #[error("a value that is no timestamp is compared with one (STIX-9.6.1-05)")]
    NoTimestamp,
    /// Who takes which observation was not decided within the limit of steps.
    #[error("more than {} steps to choose among observations", search::STEPS_MAX)]
    Undecided,
}

/// A pattern, ready to be matched against any number of observed data.
#[derive(Debug)]
pub struct Matcher {
    tests: Vec<Compiled>,
    expressions: Vec<Expression>,
    roots: Vec<u32>,
    plan: Plan,
}

/// A comparison expression, operands before operators, chains of one operator as one.
#[derive(Debug)]
enum Expression {
    Test(usize),
    All(Vec<u32>),
    Any(Vec<u32>),
}

impl Pattern<'_> {
    /// Prepares the pattern for matching.
    ///
    /// *Errors*: what can never be matched: a set of unlike types, a regular expression that cannot
    /// be searched, `REPEATS 0`, `WITHIN 0`.
    pub fn matcher(&self) -> Result<Matcher, MatchError> {
        let mut tests = Vec::new();
        let mut expressions: Vec<Expression> = Vec::with_capacity(self.comparisons.len());
        // Where each comparison of the pattern stands among the expressions.
        let mut places: Vec<u32> = Vec::with_capacity(self.comparisons.len());
        for node in &self.comparisons {
            let place = |at: u32| places.get(at as usize).copied().unwrap_or_default();
            let next = id(expressions.len());
            let place = match *node {
                Comparison::Group(inner) => place(inner),
                Comparison::Test(test) => {
                    tests.push(Compiled::new(self, &test)?);
                    expressions.push(Expression::Test(tests.len() - 1));
                    next
                }
                Comparison::And(a, b) => {
                    let operands = operands(&mut expressions, [place(a), place(b)], true);
                    expressions.push(Expression::All(operands));
                    next
                }
                Comparison::Or(a, b) => {
                    let operands = operands(&mut expressions, [place(a), place(b)], false);
                    expressions.push(Expression::Any(operands));
                    next
                }
            };
            places.push(place);
        }
        let single = |node: &Observation<'_>| match node {
            Observation::Single(root) => places.get(*root as usize).copied(),
            _ => None,
        };
        let roots = self.observations.iter().filter_map(single).collect();
        Ok(Matcher { tests, expressions, roots, plan: Plan::new(self)? })
    }
}

/// The operands of two sides; those of a left side with the same operator are taken over.
fn operands(expressions: &mut [Expression], [a, b]: [u32; 2], all: bool) -> Vec<u32> {
    let taken = match expressions.get_mut(a as usize) {
        Some(Expression::All(list)) if all => std::mem::take(list),
        Some(Expression::Any(list)) if !all => std::mem::take(list),
        _ => vec![a],
    };
    taken.into_iter().chain([b]).collect()
}

impl Matcher {
    /// The places of the observed-data of the first binding that is found, ascending; none when
    /// the pattern does not match.
    ///
    /// *Errors*: [`MatchError::NoTimestamp`], [`MatchError::Undecided`].
    pub fn first(&self, observations: &Observations<'_>) -> Result<Option<Vec<usize>>, MatchError> {
        self.check_moments(observations)?;
        if let Some(root) = self.plan.only_expression().and_then(|at| self.roots.get(at)) {
            for place in 0..observations.len() {
                if self.holds(*root, observations, place)? {
                    return Ok(Some(vec![place]));
                }
            }
            return Ok(None);
        }
        let mut matched = Vec::with_capacity(self.roots.len());
        for root in &self.roots {
            let mut places = Vec::new();
            for place in 0..observations.len() {
                if self.holds(*root, observations, place)? {
                    places.push(id(place));
                }
            }
            matched.push(places);
        }
        search::first(&self.plan, observations, &matched)
    }

    /// A string that is no timestamp is an error wherever a timestamp is compared, also where the
    /// rest of the pattern would not have come to it.
    fn check_moments(&self, observations: &Observations<'_>) -> Result<(), MatchError> {
        for test in self.tests.iter().filter(|test| test.asks_for_moments()) {
            for entry in &observations.entries {
                let objects = observations.objects(entry);
                for object in objects.iter().filter(|o| o.object_type == test.object_type) {
                    test.holds(object.value, objects)?;
                }
            }
        }
        Ok(())
    }

    /// Whether one object of an observed-data satisfies an expression (section 9.5: all its
    /// comparisons start from the same object).
    fn holds(
        &self,
        root: u32,
        observations: &Observations<'_>,
        place: usize,
    ) -> Result<bool, MatchError> {
        let Some(entry) = observations.entries.get(place) else { return Ok(false) };
        let objects = observations.objects(entry);
        for object in objects {
            if self.eval(root, object, objects)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// INVARIANT: chains are one expression, so that the depth is that of the parentheses.
    fn eval(
        &self,
        at: u32,
        object: &observations::Object<'_>,
        objects: &[observations::Object<'_>],
    ) -> Result<bool, MatchError> {
        match self.expressions.get(at as usize) {
            Some(Expression::Test(test)) => match self.tests.get(*test) {
                Some(test) if test.object_type == object.object_type => {
                    test.holds(object.value, objects)
                }
                _ => Ok(false),
            },
            Some(Expression::All(operands)) => {
                for operand in operands {
                    if !self.eval(*operand, object, objects)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Some(Expression::Any(operands)) => {
                for operand in operands {
                    if self.eval(*operand, object, objects)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
