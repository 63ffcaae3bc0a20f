//! Whether two patterns say the same: both are brought to one normal form and compared.
//!
//! Flatten, order, remove doubles (never of AND between observations, which asks for two), absorb
//! what is implied, distribute AND and FOLLOWEDBY over OR. Constants are compared by value;
//! addresses by network, registry keys without case. These are the rules of the function
//! `equivalent_patterns` of the OASIS library, not truth tables: `a > 5` and `a >= 6` differ.
//!
//! ```
//! use stix::{Spec, pattern};
//! let a = pattern::parse("[mutex:name = 'a' OR mutex:name = 'b']", Spec::V21).unwrap();
//! let b = pattern::parse("[mutex:name = 'b' OR mutex:name = 'a']", Spec::V21).unwrap();
//! assert!(pattern::equivalent(&a, &b).unwrap());
//! ```

mod comparison;
mod value;

use std::collections::BTreeSet;

use self::comparison::{Comparisons, FormId};
use self::value::NumberKey;
use super::syntax::{Comparison, Observation, Pattern, Qualifier};
use crate::version_key;

/// Why patterns cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EquivalenceError {
    /// AND joins comparisons of unlike object types: nothing can match (section 9.5).
    #[error("AND joins different object types in the brackets at byte {offset} (STIX-9.5-08)")]
    MixedTypes {
        /// Byte offset of the first comparison that AND joins.
        offset: usize,
    },
    /// The disjunctive form has more than 10,000 terms.
    #[error("the disjunctive form has more than {TERMS_MAX} terms")]
    TooLarge,
}

/// Terms of a disjunctive form: it can grow exponentially.
const TERMS_MAX: usize = 10_000;

/// Whether two patterns say the same.
///
/// *Errors*: [`EquivalenceError`].
pub fn equivalent(a: &Pattern<'_>, b: &Pattern<'_>) -> Result<bool, EquivalenceError> {
    Equivalence::new(a)?.holds(b)
}

/// One pattern in normal form, to be compared with many.
#[derive(Debug)]
pub struct Equivalence {
    comparisons: Comparisons,
    normal: Node,
}

impl Equivalence {
    /// Brings a pattern to normal form.
    ///
    /// *Errors*: [`EquivalenceError`].
    pub fn new(pattern: &Pattern<'_>) -> Result<Self, EquivalenceError> {
        let mut comparisons = Comparisons::default();
        let normal = normal_form(pattern, &mut comparisons)?;
        Ok(Self { comparisons, normal })
    }

    /// Whether another pattern says the same.
    ///
    /// *Errors*: [`EquivalenceError`], about the other pattern.
    pub fn holds(&mut self, other: &Pattern<'_>) -> Result<bool, EquivalenceError> {
        Ok(normal_form(other, &mut self.comparisons)? == self.normal)
    }
}

impl Pattern<'_> {
    /// Byte offset of the first operand of an AND that joins unlike object types: no object can
    /// satisfy all its operands (section 9.5).
    pub fn mixed_types(&self) -> Option<usize> {
        mixed_types(self)
    }
}

fn mixed_types(pattern: &Pattern<'_>) -> Option<usize> {
    let mut types: Vec<BTreeSet<&str>> = Vec::with_capacity(pattern.comparisons.len());
    let mut starts: Vec<u32> = Vec::with_capacity(pattern.comparisons.len());
    for node in &pattern.comparisons {
        let mut take = |at: u32| types.get_mut(at as usize).map(std::mem::take).unwrap_or_default();
        let start = |at: u32| starts.get(at as usize).copied().unwrap_or_default();
        let (found, first) = match *node {
            Comparison::Test(test) => (BTreeSet::from([test.path.object_type]), test.start),
            Comparison::Group(inner) => (take(inner), start(inner)),
            Comparison::Or(a, b) => {
                let (mut large, mut small) = (take(a), take(b));
                if large.len() < small.len() {
                    std::mem::swap(&mut large, &mut small);
                }
                large.append(&mut small);
                (large, start(a))
            }
            Comparison::And(a, b) => {
                let (left, right) = (take(a), take(b));
                let both: BTreeSet<_> = left.intersection(&right).copied().collect();
                if both.is_empty() {
                    return Some(start(a) as usize);
                }
                (both, start(a))
            }
        };
        types.push(found);
        starts.push(first);
    }
    None
}

/// An observation expression with any number of operands. Its order is that of the OASIS library
/// for the kinds, so that absorption meets them in the same order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Single(FormId),
    And(Vec<Node>),
    Or(Vec<Node>),
    FollowedBy(Vec<Node>),
    Qualified(Vec<QualifierKey>, Box<Node>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum QualifierKey {
    Repeats(NumberKey),
    Within(NumberKey),
    StartStop(String, String),
}

impl QualifierKey {
    fn of(qualifier: Qualifier<'_>) -> Self {
        match qualifier {
            Qualifier::Repeats(count) => Self::Repeats(NumberKey::of(count)),
            Qualifier::Within(seconds) => Self::Within(NumberKey::of(seconds)),
            Qualifier::StartStop(start, stop) => {
                Self::StartStop(version_key(start.text), version_key(stop.text))
            }
        }
    }
}

fn normal_form(
    pattern: &Pattern<'_>,
    comparisons: &mut Comparisons,
) -> Result<Node, EquivalenceError> {
    if let Some(offset) = mixed_types(pattern) {
        return Err(EquivalenceError::MixedTypes { offset });
    }
    let tree = simplify(flat_tree(pattern, comparisons)?);
    let mut alternatives = alternatives(tree)?;
    Ok(match alternatives.pop() {
        Some(only) if alternatives.is_empty() => simplify(only),
        last => simplify(Node::Or(alternatives.into_iter().chain(last).collect())),
    })
}

/// The tree with chains of one operator as one node and without parentheses.
///
/// INVARIANT: its depth is bounded by that of the parentheses, so the walks below may recurse.
fn flat_tree(
    pattern: &Pattern<'_>,
    comparisons: &mut Comparisons,
) -> Result<Node, EquivalenceError> {
    let forms = comparisons.forms(pattern)?;
    let mut nodes: Vec<Option<Node>> = Vec::with_capacity(pattern.observations.len());
    for observation in &pattern.observations {
        let mut take = |at: u32| {
            let node = nodes.get_mut(at as usize).and_then(Option::take);
            node.unwrap_or_else(|| Node::Or(Vec::new()))
        };
        let node = match *observation {
            Observation::Single(root) => {
                Node::Single(forms.get(root as usize).copied().flatten().unwrap_or_default())
            }
            Observation::Group(inner) => take(inner),
            Observation::And(a, b) => Node::And(joined(take(a), take(b), as_and)),
            Observation::Or(a, b) => Node::Or(joined(take(a), take(b), as_or)),
            Observation::FollowedBy(a, b) => {
                Node::FollowedBy(joined(take(a), take(b), as_followed_by))
            }
            Observation::Qualified(inner, qualifier) => {
                let key = QualifierKey::of(qualifier);
                match take(inner) {
                    Node::Qualified(mut keys, inner) => {
                        keys.push(key);
                        Node::Qualified(keys, inner)
                    }
                    inner => Node::Qualified(vec![key], Box::new(inner)),
                }
            }
        };
        nodes.push(Some(node));
    }
    Ok(nodes.pop().flatten().unwrap_or_else(|| Node::Or(Vec::new())))
}

fn as_and(node: Node) -> Result<Vec<Node>, Node> {
    if let Node::And(operands) = node { Ok(operands) } else { Err(node) }
}

fn as_or(node: Node) -> Result<Vec<Node>, Node> {
    if let Node::Or(operands) = node { Ok(operands) } else { Err(node) }
}

fn as_followed_by(node: Node) -> Result<Vec<Node>, Node> {
    if let Node::FollowedBy(operands) = node { Ok(operands) } else { Err(node) }
}

/// The operands of two sides, those of a side with the same operator in its place.
fn joined(left: Node, right: Node, same: fn(Node) -> Result<Vec<Node>, Node>) -> Vec<Node> {
    let mut operands = same(left).unwrap_or_else(|other| vec![other]);
    match same(right) {
        Ok(mut more) => operands.append(&mut more),
        Err(other) => operands.push(other),
    }
    operands
}

fn flattened(nodes: Vec<Node>, same: fn(Node) -> Result<Vec<Node>, Node>) -> Vec<Node> {
    let mut operands = Vec::with_capacity(nodes.len());
    for node in nodes {
        match same(simplify(node)) {
            Ok(mut more) => operands.append(&mut more),
            Err(other) => operands.push(other),
        }
    }
    operands
}

/// Flattens, orders, removes doubles and absorbs, from the leaves up.
fn simplify(node: Node) -> Node {
    match node {
        Node::Single(_) => node,
        Node::Qualified(keys, inner) => match simplify(*inner) {
            Node::Qualified(mut first, inner) => {
                first.extend(keys);
                Node::Qualified(first, inner)
            }
            inner => Node::Qualified(keys, Box::new(inner)),
        },
        Node::FollowedBy(nodes) => Node::FollowedBy(flattened(nodes, as_followed_by)),
        Node::And(nodes) => {
            let mut operands = flattened(nodes, as_and);
            operands.sort();
            Node::And(operands)
        }
        Node::Or(nodes) => {
            let mut operands = flattened(nodes, as_or);
            operands.sort();
            operands.dedup();
            absorb(&mut operands);
            match operands.pop() {
                Some(only) if operands.is_empty() => only,
                last => Node::Or(operands.into_iter().chain(last).collect()),
            }
        }
    }
}

/// `A or (A and B)` is `A`, `A or (A followedby B)` too; not across qualifiers.
fn absorb(operands: &mut Vec<Node>) {
    let joint = |node: &Node| matches!(node, Node::And(_) | Node::FollowedBy(_));
    let candidates: Vec<usize> =
        operands.iter().enumerate().filter(|(_, node)| joint(node)).map(|(at, _)| at).collect();
    let mut keep = vec![true; operands.len()];
    for (at, node) in operands.iter().enumerate() {
        if keep.get(at) != Some(&true) || matches!(node, Node::Qualified(..)) {
            continue;
        }
        for other in candidates.iter().copied().filter(|other| *other != at) {
            let implied = operands.get(other).is_some_and(|other| implies(other, node));
            if let Some(keep) = keep.get_mut(other).filter(|_| implied) {
                *keep = false;
            }
        }
    }
    let mut flags = keep.into_iter();
    operands.retain(|_| flags.next().unwrap_or(true));
}

/// Whether a joint expression asks for all that another one does.
fn implies(joint: &Node, node: &Node) -> bool {
    match (joint, node) {
        (Node::And(all), Node::And(some)) | (Node::FollowedBy(all), Node::FollowedBy(some)) => {
            all.contains(node) || is_subsequence(all, some)
        }
        (Node::And(all) | Node::FollowedBy(all), _) => all.contains(node),
        _ => false,
    }
}

/// Each of `some` has a counterpart of its own in `all`, in the same order; the operands of AND
/// are ordered, so that this is containment.
fn is_subsequence(all: &[Node], some: &[Node]) -> bool {
    let mut rest = all.iter();
    some.iter().all(|node| rest.any(|other| other == node))
}

/// The operands of the disjunctive form: AND and FOLLOWEDBY distributed over OR.
fn alternatives(node: Node) -> Result<Vec<Node>, EquivalenceError> {
    Ok(match node {
        Node::Single(_) => vec![node],
        Node::Qualified(keys, inner) => {
            let mut inner = alternatives(*inner)?;
            let inner = match inner.pop() {
                Some(only) if inner.is_empty() => only,
                last => Node::Or(inner.into_iter().chain(last).collect()),
            };
            vec![Node::Qualified(keys, Box::new(inner))]
        }
        Node::Or(nodes) => {
            let mut all = Vec::with_capacity(nodes.len());
            for node in nodes {
                all.append(&mut alternatives(node)?);
            }
            all
        }
        Node::And(nodes) => product(nodes)?.into_iter().map(Node::And).collect(),
        Node::FollowedBy(nodes) => product(nodes)?.into_iter().map(Node::FollowedBy).collect(),
    })
}

fn product(nodes: Vec<Node>) -> Result<Vec<Vec<Node>>, EquivalenceError> {
    let mut rows = vec![Vec::with_capacity(nodes.len())];
    for node in nodes {
        let choices = alternatives(node)?;
        if rows.len().saturating_mul(choices.len()) > TERMS_MAX.max(rows.len()) {
            return Err(EquivalenceError::TooLarge);
        }
        if let [only] = choices.as_slice() {
            rows.iter_mut().for_each(|row| row.push(only.clone()));
            continue;
        }
        let extend = |row: &Vec<Node>| {
            let with = |choice: &Node| row.iter().cloned().chain([choice.clone()]).collect();
            choices.iter().map(with).collect::<Vec<_>>()
        };
        rows = rows.iter().flat_map(extend).collect();
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
