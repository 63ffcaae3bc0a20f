//! What a pattern says: expressions, paths, constants, as slices of its text.
//!
//! Expressions stand in two lists, children before parents, so that every walk from the leaves up
//! is a loop over a list, and no input can exhaust the stack. Nothing is decoded here: a constant
//! is kept as it was spelled.

use std::borrow::Cow;

use crate::Spec;

/// A pattern that follows the grammar of section 9.
#[derive(Debug, Clone)]
pub struct Pattern<'a> {
    pub(super) text: &'a str,
    pub(super) spec: Spec,
    pub(super) observations: Vec<Observation<'a>>,
    pub(super) comparisons: Vec<Comparison<'a>>,
    pub(super) steps: Vec<Step<'a>>,
    pub(super) members: Vec<Constant<'a>>,
}

impl<'a> Pattern<'a> {
    /// The text it was read from.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The version whose grammar it was read by.
    pub fn spec(&self) -> Spec {
        self.spec
    }

    pub(super) fn root(&self) -> u32 {
        id(self.observations.len()) - 1
    }

    pub(super) fn steps(&self, path: &Path<'a>) -> &[Step<'a>] {
        slice(&self.steps, path.steps)
    }

    pub(super) fn members(&self, span: Span) -> &[Constant<'a>] {
        slice(&self.members, span)
    }

    pub(super) fn tests(&self) -> impl Iterator<Item = &Test<'a>> {
        self.comparisons.iter().filter_map(|comparison| match comparison {
            Comparison::Test(test) => Some(test),
            _ => None,
        })
    }
}

/// From and to in one of the pattern's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub(super) u32, pub(super) u32);

fn slice<T>(list: &[T], span: Span) -> &[T] {
    list.get(span.0 as usize..span.1 as usize).unwrap_or_default()
}

/// A place in a list; the limit on a pattern's length keeps it small.
pub(super) fn id(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// An observation expression; numbers are places in the list of its own kind.
#[derive(Debug, Clone, Copy)]
pub(super) enum Observation<'a> {
    /// `[ comparison ]`.
    Single(u32),
    And(u32, u32),
    Or(u32, u32),
    FollowedBy(u32, u32),
    /// `( … )`.
    Group(u32),
    Qualified(u32, Qualifier<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qualifier<'a> {
    Repeats(&'a str),
    Within(&'a str),
    StartStop(Moment<'a>, Moment<'a>),
}

/// The operand of START or STOP: a timestamp, in 2.0 also as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment<'a> {
    pub(super) text: &'a str,
    pub(super) literal: MomentLiteral,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MomentLiteral {
    Timestamp,
    String,
}

/// A comparison expression.
#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison<'a> {
    Test(Test<'a>),
    And(u32, u32),
    Or(u32, u32),
    Group(u32),
}

/// One comparison: path, operator, constant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Test<'a> {
    pub(super) path: Path<'a>,
    pub(super) negation: Negation,
    pub(super) predicate: Predicate<'a>,
    /// Byte offset of its first token.
    pub(super) start: u32,
    /// Byte offset of its operator, NOT aside.
    pub(super) operator: u32,
    /// Byte offset of its operand.
    pub(super) operand: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Negation {
    Plain,
    Not,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) object_type: &'a str,
    pub(super) steps: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    Name(&'a str),
    Quoted(Text<'a>),
    Index(&'a str),
    Any,
}

/// The inside of a string literal, escapes as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl<'a> Text<'a> {
    /// The string it stands for.
    pub(super) fn value(self) -> Cow<'a, str> {
        if !self.0.contains('\\') {
            return Cow::Borrowed(self.0);
        }
        let mut out = String::with_capacity(self.0.len());
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            out.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        Cow::Owned(out)
    }
}

impl<'a> Step<'a> {
    /// The property's name, if it is one.
    pub(super) fn name(self) -> Option<Cow<'a, str>> {
        match self {
            Step::Name(name) => Some(Cow::Borrowed(name)),
            Step::Quoted(text) => Some(text.value()),
            Step::Index(_) | Step::Any => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Predicate<'a> {
    Compare(Relation, Constant<'a>),
    In(Span),
    Like(Text<'a>),
    Matches(Text<'a>),
    IsSubset(Text<'a>),
    IsSuperset(Text<'a>),
    Exists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// A constant as it was spelled, without prefix and quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Constant<'a> {
    String(Text<'a>),
    Integer(&'a str),
    Float(&'a str),
    Boolean(bool),
    Binary(&'a str),
    Hex(&'a str),
    Timestamp(&'a str),
}
