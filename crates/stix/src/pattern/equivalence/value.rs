//! One comparison as a key: equal keys say the same.
//!
//! Constants are taken by value. The constant compared with the value of an address is the network
//! it names, the one compared with a registry key or the name of a registry value has no case;
//! regular expressions are left as they are, for `\D` is not `\d`.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::pattern::literal::{Number, decode_base64, decode_hex};
use crate::pattern::syntax::{Constant, Negation, Pattern, Predicate, Relation, Step, Test};
use crate::version_key;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Atom {
    pub(super) object_type: String,
    path: Vec<StepKey>,
    negation: Negation,
    operator: Operator,
    operand: Operand,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum StepKey {
    Index(String),
    Any,
    Name(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operator {
    Compare(Relation),
    In,
    Like,
    Matches,
    IsSubset,
    IsSuperset,
    Exists,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Operand {
    Nothing,
    Number(NumberKey),
    String(String),
    Boolean(bool),
    Timestamp(String),
    Hex(Vec<u8>),
    Binary(Vec<u8>),
    Set(BTreeSet<Operand>),
}

/// A number, ordered by value.
#[derive(Debug, Clone)]
pub(super) enum NumberKey {
    Value(Number),
    /// More than a double can hold: by its digits.
    Digits(String),
}

impl NumberKey {
    pub(super) fn of(text: &str) -> Self {
        Number::parse(text).map_or_else(|| Self::Digits(text.to_owned()), Self::Value)
    }
}

impl Ord for NumberKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Value(a), Self::Value(b)) => a.compare(*b),
            (Self::Digits(a), Self::Digits(b)) => a.cmp(b),
            (Self::Value(_), Self::Digits(_)) => Ordering::Less,
            (Self::Digits(_), Self::Value(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for NumberKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for NumberKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for NumberKey {}

impl Atom {
    pub(super) fn of(pattern: &Pattern<'_>, test: &Test<'_>) -> Self {
        let path: Vec<StepKey> = pattern.steps(&test.path).iter().map(StepKey::of).collect();
        let meaning = Meaning::of(test.path.object_type, &path);
        let text = |text: &str| Operand::String(meaning.canonical(text));
        let (operator, operand) = match test.predicate {
            Predicate::Compare(relation, constant) => {
                // `!=` is `NOT =`, and so is told by the negation alone.
                let relation =
                    if relation == Relation::NotEqual { Relation::Equal } else { relation };
                (Operator::Compare(relation), Operand::of(constant, meaning))
            }
            Predicate::In(span) => {
                let members = pattern.members(span).iter();
                let members = members.map(|member| Operand::of(*member, meaning)).collect();
                (Operator::In, Operand::Set(members))
            }
            Predicate::Like(like) => (Operator::Like, text(&like.value())),
            Predicate::Matches(regex) => {
                (Operator::Matches, Operand::String(regex.value().into_owned()))
            }
            Predicate::IsSubset(set) => (Operator::IsSubset, text(&set.value())),
            Predicate::IsSuperset(set) => (Operator::IsSuperset, text(&set.value())),
            Predicate::Exists => (Operator::Exists, Operand::Nothing),
        };
        let object_type = test.path.object_type.to_owned();
        Self { object_type, path, negation: negation(test), operator, operand }
    }
}

fn negation(test: &Test<'_>) -> Negation {
    let differs = matches!(test.predicate, Predicate::Compare(Relation::NotEqual, _));
    match (test.negation, differs) {
        (Negation::Plain, false) | (Negation::Not, true) => Negation::Plain,
        _ => Negation::Not,
    }
}

impl StepKey {
    fn of(step: &Step<'_>) -> Self {
        match step {
            Step::Index(text) => Self::Index((*text).to_owned()),
            Step::Any => Self::Any,
            Step::Name(name) => Self::Name((*name).to_owned()),
            Step::Quoted(text) => Self::Name(text.value().into_owned()),
        }
    }
}

impl Operand {
    fn of(constant: Constant<'_>, meaning: Meaning) -> Self {
        match constant {
            Constant::String(text) => Self::String(meaning.canonical(&text.value())),
            Constant::Integer(text) | Constant::Float(text) => Self::Number(NumberKey::of(text)),
            Constant::Boolean(value) => Self::Boolean(value),
            Constant::Timestamp(text) => Self::Timestamp(version_key(text)),
            Constant::Hex(text) => Self::Hex(decode_hex(text).unwrap_or_default()),
            Constant::Binary(text) => Self::Binary(decode_base64(text).unwrap_or_default()),
        }
    }
}

/// What a path's strings are, where several spellings are one value.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    Text,
    Ipv4,
    Ipv6,
    RegistryName,
}

impl Meaning {
    fn of(object_type: &str, path: &[StepKey]) -> Self {
        let is = |step: &StepKey, wanted: &str| matches!(step, StepKey::Name(n) if n == wanted);
        match (object_type, path) {
            ("ipv4-addr", [step]) if is(step, "value") => Self::Ipv4,
            ("ipv6-addr", [step]) if is(step, "value") => Self::Ipv6,
            ("windows-registry-key", [step]) if is(step, "key") => Self::RegistryName,
            ("windows-registry-key", [list, StepKey::Index(_) | StepKey::Any, step])
                if is(list, "values") && is(step, "name") =>
            {
                Self::RegistryName
            }
            _ => Self::Text,
        }
    }

    fn canonical(self, text: &str) -> String {
        let network = match self {
            Self::Text => None,
            Self::RegistryName => Some(text.to_lowercase()),
            Self::Ipv4 => ipv4_network(text),
            Self::Ipv6 => ipv6_network(text),
        };
        network.unwrap_or_else(|| text.to_owned())
    }
}

/// The address and, where there is one, the prefix behind a slash.
fn split_prefix(text: &str, bits: u32) -> Option<(&str, u32)> {
    match text.split_once('/') {
        None => Some((text, bits)),
        Some((address, prefix)) => {
            let prefix: u32 = prefix.parse().ok()?;
            (prefix <= bits).then_some((address, prefix))
        }
    }
}

fn ipv4_network(text: &str) -> Option<String> {
    let (address, prefix) = split_prefix(text, 32)?;
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    let network = Ipv4Addr::from(ipv4_bits(address)? & mask);
    Some(if prefix == 32 { network.to_string() } else { format!("{network}/{prefix}") })
}

/// Reads what `inet_aton` reads: one to four parts, decimal, octal (`010`) or hexadecimal.
fn ipv4_bits(text: &str) -> Option<u32> {
    let mut parts = text.split('.');
    let last = parts.next_back()?;
    let (mut bits, mut left) = (0_u32, 32_u32);
    for part in parts {
        left = left.checked_sub(8).filter(|left| *left > 0)?;
        bits |= number_of(part).filter(|part| *part < 256)?.checked_shl(left)?;
    }
    let last = number_of(last)?;
    (left == 32 || last < 1 << left).then_some(bits | last)
}

fn number_of(part: &str) -> Option<u32> {
    let hex = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
    let (digits, radix) = match hex {
        Some(digits) => (digits, 16),
        None if part.len() > 1 && part.starts_with('0') => (part, 8),
        None => (part, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { u32::from_str_radix(digits, radix).ok() } else { None }
}

fn ipv6_network(text: &str) -> Option<String> {
    let (address, prefix) = split_prefix(text, 128)?;
    let address: Ipv6Addr = address.parse().ok()?;
    let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
    let network = Ipv6Addr::from(u128::from(address) & mask);
    Some(if prefix == 128 { network.to_string() } else { format!("{network}/{prefix}") })
}
