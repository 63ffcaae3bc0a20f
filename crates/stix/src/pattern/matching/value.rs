//! One comparison, ready to be asked of many objects.
//!
//! A path that leads nowhere makes the comparison false, with NOT too; NOT EXISTS asks for just
//! that. Otherwise NOT negates, between unlike types as well (sections 9.6, 9.6.1).

use std::borrow::Cow;
use std::cmp::Ordering;

use regex::Regex;
use regex::bytes::Regex as BytesRegex;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::MatchError;
use super::moment::Moment;
use super::network::Network;
use super::observations::{Object, find};
use super::regular;
use crate::pattern::literal::{Number, decode_base64, decode_hex};
use crate::pattern::syntax::{Constant, Negation, Pattern, Predicate, Relation, Step, Test};
use crate::tree::{Kind, Value};

#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) object_type: String,
    steps: Vec<Move>,
    negation: Negation,
    question: Question,
}

#[derive(Debug)]
enum Move {
    Key { name: String, leads: Leads },
    Index(usize),
    Any,
}

/// What the name of a property says about its value (sections 9.6.4 and 9.7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    Value,
    Base64,
    Hex,
    Reference,
    References,
}

#[derive(Debug)]
enum Question {
    Compare(Relation, Operand),
    In(Vec<Operand>),
    /// A text asked of strings, and of octets where its code points are below U+0100.
    Search(Regex, Option<BytesRegex>),
    IsSubset(Network),
    IsSuperset(Network),
    Exists,
    /// A constant that is none: never true (section 9.4).
    Never,
}

/// A constant, decoded.
#[derive(Debug)]
enum Operand {
    /// With its octets, where its code points are below U+0100.
    String(String, Option<Vec<u8>>),
    Octets(Vec<u8>),
    Number(Number),
    Boolean(bool),
    Moment(Moment),
    /// A number beyond all bounds.
    Nothing,
}

/// A value of an object as the property's type has it.
#[derive(Clone, Copy)]
enum Found<'t> {
    Json(Value<'t>),
    Text(&'t str, Leads),
}

impl Compiled {
    /// *Errors*: a set of unlike types, a regular expression that cannot be run.
    pub(super) fn new(pattern: &Pattern<'_>, test: &Test<'_>) -> Result<Self, MatchError> {
        let steps = pattern.steps(&test.path).iter().map(Move::of).collect();
        let offset = test.operand as usize;
        let question = match test.predicate {
            Predicate::Compare(relation, constant) => {
                Question::Compare(relation, Operand::of(constant))
            }
            Predicate::In(span) => {
                let members = pattern.members(span);
                if !is_homogeneous(members) {
                    return Err(MatchError::MixedSet { offset });
                }
                Question::In(members.iter().map(|member| Operand::of(*member)).collect())
            }
            Predicate::Like(text) => search(&regular::like(&nfc(&text.value())), offset)?,
            Predicate::Matches(text) => search(&regular::matches(&nfc(&text.value())), offset)?,
            Predicate::IsSubset(text) => {
                Network::parse(&text.value()).map_or(Question::Never, Question::IsSubset)
            }
            Predicate::IsSuperset(text) => {
                Network::parse(&text.value()).map_or(Question::Never, Question::IsSuperset)
            }
            Predicate::Exists => Question::Exists,
        };
        let object_type = test.path.object_type.to_owned();
        Ok(Self { object_type, steps, negation: test.negation, question })
    }

    /// Whether it compares moments, which asks for timestamps in all objects.
    pub(super) fn asks_for_moments(&self) -> bool {
        match &self.question {
            Question::Compare(_, operand) => matches!(operand, Operand::Moment(_)),
            Question::In(members) => matches!(members.first(), Some(Operand::Moment(_))),
            _ => false,
        }
    }

    /// Whether it holds for an object, other objects being found among `objects`.
    ///
    /// *Errors*: a string that is no timestamp where one is compared.
    pub(super) fn holds(
        &self,
        object: Value<'_>,
        objects: &[Object<'_>],
    ) -> Result<bool, MatchError> {
        let negated = self.negation == Negation::Not;
        match self.question {
            Question::Never => Ok(false),
            Question::Exists => {
                let there = self.walk(object, objects, &mut |_| Ok(true))?;
                Ok(there != negated)
            }
            _ => self.walk(object, objects, &mut |found| Ok(self.ask(found)? != negated)),
        }
    }

    /// Whether `ask` says yes to one of the values that the path leads to. A walk with a stack of
    /// its own: where `[*]` branches, the rest waits.
    fn walk<'t>(
        &self,
        object: Value<'t>,
        objects: &[Object<'t>],
        ask: &mut dyn FnMut(Found<'t>) -> Result<bool, MatchError>,
    ) -> Result<bool, MatchError> {
        let mut waiting: Vec<(usize, Found<'t>)> = Vec::new();
        let mut next = Some((0, Found::Json(object)));
        while let Some((at, found)) = next.or_else(|| waiting.pop()) {
            next = match (self.steps.get(at), found) {
                (None, found) => {
                    if ask(found)? {
                        return Ok(true);
                    }
                    None
                }
                (Some(Move::Any), Found::Json(list)) => {
                    let from = waiting.len();
                    waiting.extend(list.items().map(|item| (at + 1, Found::Json(item))));
                    if let Some(items) = waiting.get_mut(from..) {
                        items.reverse();
                    }
                    None
                }
                (Some(step), found) => {
                    let last = at + 1 == self.steps.len();
                    self.take(step, found, objects, last).map(|found| (at + 1, found))
                }
            };
            // A list of references is followed item by item, before its index is taken.
            if let Some((at, Found::Json(list))) = next
                && self.follows_list(at)
            {
                next = None;
                let items = self.references(at, list, objects);
                waiting.extend(items.into_iter().rev());
            }
        }
        Ok(false)
    }

    /// Whether the step before was a list of references and an index comes now.
    fn follows_list(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.steps.get(before));
        matches!(before, Some(Move::Key { leads: Leads::References, .. }))
            && matches!(self.steps.get(at), Some(Move::Index(_) | Move::Any))
    }

    fn references<'t>(
        &self,
        at: usize,
        list: Value<'t>,
        objects: &[Object<'t>],
    ) -> Vec<(usize, Found<'t>)> {
        let resolve = |item: Value<'t>| {
            let object = find(objects, item.as_str()?)?;
            Some((at + 1, Found::Json(object)))
        };
        match self.steps.get(at) {
            Some(Move::Index(place)) => {
                list.items().nth(*place).and_then(resolve).into_iter().collect()
            }
            _ => list.items().filter_map(resolve).collect(),
        }
    }

    fn take<'t>(
        &self,
        step: &Move,
        found: Found<'t>,
        objects: &[Object<'t>],
        last: bool,
    ) -> Option<Found<'t>> {
        let Found::Json(value) = found else { return None };
        match step {
            Move::Any => None,
            Move::Index(place) => value.items().nth(*place).map(Found::Json),
            Move::Key { name, leads } => {
                let value = value.get(name)?;
                match leads {
                    Leads::Value | Leads::References => Some(Found::Json(value)),
                    Leads::Base64 | Leads::Hex => match value.as_str() {
                        Some(text) => Some(Found::Text(text, *leads)),
                        None => Some(Found::Json(value)),
                    },
                    // That a reference exists can be seen without what it leads to.
                    Leads::Reference if last && matches!(self.question, Question::Exists) => {
                        Some(Found::Json(value))
                    }
                    Leads::Reference => find(objects, value.as_str()?).map(Found::Json),
                }
            }
        }
    }

    fn ask(&self, found: Found<'_>) -> Result<bool, MatchError> {
        let found = match found {
            Found::Json(value) => Native::of(value),
            Found::Text(text, Leads::Hex) => Native::octets(decode_hex(text)),
            Found::Text(text, _) => Native::octets(decode_base64(text)),
        };
        Ok(match &self.question {
            Question::Compare(relation, operand) => {
                let order = operand.order(&found)?;
                match relation {
                    Relation::Equal => order == Some(Ordering::Equal),
                    Relation::NotEqual => order != Some(Ordering::Equal),
                    Relation::Less => order.is_some_and(Ordering::is_lt),
                    Relation::LessEqual => order.is_some_and(Ordering::is_le),
                    Relation::Greater => order.is_some_and(Ordering::is_gt),
                    Relation::GreaterEqual => order.is_some_and(Ordering::is_ge),
                }
            }
            Question::In(members) => {
                for member in members {
                    if member.order(&found)? == Some(Ordering::Equal) {
                        return Ok(true);
                    }
                }
                false
            }
            Question::Search(text, octets) => match found {
                Native::String(value) => text.is_match(&nfc(value)),
                Native::Octets(value) => {
                    octets.as_ref().is_some_and(|octets| octets.is_match(&value))
                }
                _ => false,
            },
            Question::IsSubset(set) => found.network().is_some_and(|found| set.holds(found)),
            Question::IsSuperset(set) => found.network().is_some_and(|found| found.holds(*set)),
            Question::Exists => true,
            Question::Never => false,
        })
    }
}

impl Move {
    fn of(step: &Step<'_>) -> Self {
        match step {
            Step::Any => Self::Any,
            Step::Index(text) => Self::Index(text.parse().unwrap_or(usize::MAX)),
            Step::Name(_) | Step::Quoted(_) => {
                let name = step.name().unwrap_or_default().into_owned();
                let leads = match name.as_str() {
                    name if name.ends_with("_ref") => Leads::Reference,
                    name if name.ends_with("_refs") => Leads::References,
                    name if name.ends_with("_hex") => Leads::Hex,
                    name if name.ends_with("_bin") => Leads::Base64,
                    _ => Leads::Value,
                };
                Self::Key { name, leads }
            }
        }
    }
}

/// A value in its native format (section 9.6.4).
enum Native<'t> {
    String(&'t str),
    Octets(Vec<u8>),
    Number(Number),
    Boolean(bool),
    Other,
}

impl<'t> Native<'t> {
    fn of(value: Value<'t>) -> Self {
        match value.kind() {
            Kind::String => Self::String(value.as_str().unwrap_or_default()),
            Kind::Number => {
                value.as_number().and_then(Number::parse).map_or(Self::Other, Self::Number)
            }
            Kind::Bool => value.as_bool().map_or(Self::Other, Self::Boolean),
            _ => Self::Other,
        }
    }

    fn octets(octets: Option<Vec<u8>>) -> Self {
        octets.map_or(Self::Other, Self::Octets)
    }

    fn network(&self) -> Option<Network> {
        if let Self::String(text) = self { Network::parse(text) } else { None }
    }
}

impl Operand {
    fn of(constant: Constant<'_>) -> Self {
        match constant {
            Constant::String(text) => {
                let text = text.value().into_owned();
                let octets = latin1(&text);
                Self::String(text, octets)
            }
            Constant::Integer(text) | Constant::Float(text) => {
                Number::parse(text).map_or(Self::Nothing, Self::Number)
            }
            Constant::Boolean(value) => Self::Boolean(value),
            Constant::Binary(text) => Self::Octets(decode_base64(text).unwrap_or_default()),
            Constant::Hex(text) => Self::Octets(decode_hex(text).unwrap_or_default()),
            Constant::Timestamp(text) => Moment::parse(text).map_or(Self::Nothing, Self::Moment),
        }
    }

    /// How a value stands to this constant; none between unlike types.
    ///
    /// *Errors*: a string that is no timestamp, where this is one.
    fn order(&self, found: &Native<'_>) -> Result<Option<Ordering>, MatchError> {
        Ok(match (self, found) {
            (Self::String(text, _), Native::String(value)) => Some((*value).cmp(text.as_str())),
            (Self::String(_, Some(octets)), Native::Octets(value)) => Some(value.cmp(octets)),
            (Self::Octets(octets), Native::Octets(value)) => Some(value.cmp(octets)),
            (Self::Octets(octets), Native::String(value)) => {
                latin1(value).map(|value| value.cmp(octets))
            }
            (Self::Number(number), Native::Number(value)) => Some(value.compare(*number)),
            // Truth has no order, but one that is not equal is not equal.
            (Self::Boolean(a), Native::Boolean(b)) => Some(b.cmp(a)),
            (Self::Moment(moment), Native::String(value)) => {
                let value = Moment::parse(value).ok_or(MatchError::NoTimestamp)?;
                Some(value.cmp(moment))
            }
            _ => None,
        })
    }
}

/// The octets of a string whose code points are all below U+0100 (section 9.2).
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

fn search(regex: &str, offset: usize) -> Result<Question, MatchError> {
    let error = |_| MatchError::Regex { offset };
    let text = regular::text(regex).map_err(error)?;
    let octets = regular::octets(regex).transpose().map_err(error)?;
    Ok(Question::Search(text, octets))
}

/// One type in a set, where integers and floats are one, and binary and hex too (section 9.6.1).
pub(in crate::pattern) fn is_homogeneous(members: &[Constant<'_>]) -> bool {
    let class = |constant: &Constant<'_>| match constant {
        Constant::String(_) => 0,
        Constant::Integer(_) | Constant::Float(_) => 1,
        Constant::Boolean(_) => 2,
        Constant::Binary(_) | Constant::Hex(_) => 3,
        Constant::Timestamp(_) => 4,
    };
    members.windows(2).all(|pair| match pair {
        [a, b] => class(a) == class(b),
        _ => true,
    })
}
