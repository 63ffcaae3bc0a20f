//! Filters over objects: a property, an operator, a value.
//!
//! Timestamps are compared as the texts they are. A question that compares unlike types is refused,
//! but only when it is reached: as python-stix2 asks.

use std::{cmp::Ordering, str::FromStr};

use crate::tree::{Kind, Value};

/// Why a filter cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not an operator.
    #[error("not an operator; one of: = != in > < >= <= contains")]
    Operator,
    /// A value no property can have.
    #[error("the value of a filter may not be null, and a `type` has no underscore")]
    Value,
    /// Values that do not compare.
    #[error("values of unlike types do not compare")]
    Unlike,
}

/// How a property relates to the filter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`.
    Equal,
    /// `!=`.
    Unequal,
    /// `in`: the property is one of the value's items, or a part of its text.
    In,
    /// `contains`: the value is a part of the property.
    Contains,
    /// `>`.
    Greater,
    /// `<`.
    Less,
    /// `>=`.
    GreaterOrEqual,
    /// `<=`.
    LessOrEqual,
}

impl FromStr for Operator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "=" => Self::Equal,
            "!=" => Self::Unequal,
            "in" => Self::In,
            "contains" => Self::Contains,
            ">" => Self::Greater,
            "<" => Self::Less,
            ">=" => Self::GreaterOrEqual,
            "<=" => Self::LessOrEqual,
            _ => return Err(Error::Operator),
        })
    }
}

/// One filter.
///
/// ```
/// use stix::{filter::{Filter, Operator}, tree::Tree};
/// let value = Tree::read(b"\"b\"").unwrap();
/// let object = Tree::read(br#"{"type":"x-lamp","labels":["a","b"]}"#).unwrap();
/// let filter = Filter::new("labels", Operator::Equal, value.root()).unwrap();
/// assert!(filter.holds(object.root()).unwrap());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Filter<'f> {
    property: &'f str,
    operator: Operator,
    value: Value<'f>,
}

impl<'f> Filter<'f> {
    /// A filter; `property` reaches inside by dots.
    pub fn new(property: &'f str, operator: Operator, value: Value<'f>) -> Result<Self, Error> {
        if value.kind() == Kind::Null {
            return Err(Error::Value);
        }
        if property == "type" {
            let underscore = match value.kind() {
                Kind::String => value.as_str().is_some_and(|text| text.contains('_')),
                Kind::List => value.items().any(|item| item.as_str() == Some("_")),
                Kind::Object => value.get("_").is_some(),
                _ => true,
            };
            if underscore {
                return Err(Error::Value);
            }
        }
        Ok(Self { property, operator, value })
    }

    /// Whether an object passes. An absent property never does; a list does if one item does.
    pub fn holds(&self, object: Value<'_>) -> Result<bool, Error> {
        self.reach(self.property, object)
    }

    fn reach(&self, property: &str, object: Value<'_>) -> Result<bool, Error> {
        if object.kind() != Kind::Object {
            return Err(Error::Unlike);
        }
        let (name, rest) = match property.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (property, None),
        };
        let Some(found) = object.get(name) else { return Ok(false) };
        let ask = |value: Value<'_>| match rest {
            Some(rest) => self.reach(rest, value),
            None => self.compare(value),
        };
        if found.kind() != Kind::List {
            return ask(found);
        }
        for item in found.items() {
            if ask(item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn compare(&self, property: Value<'_>) -> Result<bool, Error> {
        let order = || order(property, self.value);
        match self.operator {
            Operator::Equal => Ok(self.equals(property)),
            Operator::Unequal => Ok(!self.equals(property)),
            Operator::In => self.is_in(property),
            Operator::Contains => self.is_contained(property),
            Operator::Greater => Ok(order()?.is_gt()),
            Operator::Less => Ok(order()?.is_lt()),
            Operator::GreaterOrEqual => Ok(order()?.is_ge()),
            Operator::LessOrEqual => Ok(order()?.is_le()),
        }
    }

    /// A list as value is a choice, which no property equals.
    fn equals(&self, property: Value<'_>) -> bool {
        self.value.kind() != Kind::List && equal(property, self.value)
    }

    fn is_in(&self, property: Value<'_>) -> Result<bool, Error> {
        match self.value.kind() {
            Kind::Object if property.kind() == Kind::List => Err(Error::Unlike),
            Kind::List => Ok(self.value.items().any(|item| equal(property, item))),
            Kind::String => part_of(property, self.value),
            Kind::Object => is_key_of(property, self.value),
            _ => Err(Error::Unlike),
        }
    }

    fn is_contained(&self, property: Value<'_>) -> Result<bool, Error> {
        match (self.value.kind(), property.kind()) {
            (Kind::Object, Kind::Object) => {
                Ok(property.members().any(|(_, member)| equal(member, self.value)))
            }
            (Kind::Object, _) => Err(Error::Unlike),
            (_, Kind::String) => part_of(self.value, property),
            (_, Kind::Object) => is_key_of(self.value, property),
            (Kind::List, Kind::List) => Ok(false),
            (_, Kind::List) => Ok(property.items().any(|item| equal(item, self.value))),
            _ => Err(Error::Unlike),
        }
    }
}

fn part_of(part: Value<'_>, whole: Value<'_>) -> Result<bool, Error> {
    let (part, whole) = (part.as_str().ok_or(Error::Unlike)?, whole.as_str());
    Ok(whole.is_some_and(|whole| whole.contains(part)))
}

fn is_key_of(key: Value<'_>, object: Value<'_>) -> Result<bool, Error> {
    let holds = |value: Value<'_>| matches!(value.kind(), Kind::List | Kind::Object);
    match key.kind() {
        Kind::Object => Err(Error::Unlike),
        // A choice of texts and numbers is no key; one that holds more could not even be asked.
        Kind::List if key.items().any(holds) => Err(Error::Unlike),
        Kind::List => Ok(false),
        _ => Ok(key.as_str().is_some_and(|key| object.get(key).is_some())),
    }
}

/// A number, a boolean counted as 1 or 0.
fn number(value: Value<'_>) -> Option<f64> {
    value.as_f64().or_else(|| value.as_bool().map(f64::from))
}

fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

fn order(a: Value<'_>, b: Value<'_>) -> Result<Ordering, Error> {
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(a.cmp(b));
    }
    let numbers = number(a).zip(number(b));
    numbers.and_then(|(a, b)| a.partial_cmp(&b)).ok_or(Error::Unlike)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    const OBJECT: &str = r#"{"type":"x-lamp","size":5,"name":"lamp of a room","lit":true,
        "labels":["a",7,"b"],"parts":[{"hue":"red"},{"hue":"blue","size":2}],"map":{"k":{"v":1}}}"#;

    fn ask(property: &str, operator: &str, value: &str) -> Result<bool, Error> {
        let value = Tree::read(value.as_bytes()).unwrap();
        let object = Tree::read(OBJECT.as_bytes()).unwrap();
        Filter::new(property, operator.parse()?, value.root())?.holds(object.root())
    }

    #[test]
    fn filter_holds_as_its_operator_says() {
        for (property, operator, value, expected) in [
            ("size", "=", "5.0", true),
            ("lit", "=", "1", true),
            ("size", "!=", "5", false),
            ("labels", "!=", "\"a\"", true),
            ("labels", "=", "[\"a\"]", false),
            ("size", "in", "[4,5]", true),
            ("name", "in", "\"a lamp of a room\"", true),
            ("name", "contains", "\"amp\"", true),
            ("map", "contains", "\"k\"", true),
            ("map", "contains", "{\"v\":1}", true),
            ("size", ">", "4.5", true),
            ("name", "<=", "\"lamp\"", false),
            ("parts.hue", "=", "\"blue\"", true),
            ("parts.size", ">=", "3", false),
            ("map.k.v", "<", "2", true),
            ("none", "!=", "1", false),
            ("parts.none", "=", "1", false),
            ("labels", ">", "\"A\"", true),
        ] {
            assert_eq!(
                ask(property, operator, value),
                Ok(expected),
                "{property} {operator} {value}"
            );
        }
    }

    #[test]
    fn filter_that_makes_no_sense_is_refused() {
        for (property, operator, value, expected) in [
            ("size", "~", "5", Error::Operator),
            ("size", "=", "null", Error::Value),
            ("type", "=", "\"x_lamp\"", Error::Value),
            ("type", "in", "[\"_\"]", Error::Value),
            ("size", ">", "\"5\"", Error::Unlike),
            ("labels", ">", "\"z\"", Error::Unlike),
            ("labels.hue", "=", "1", Error::Unlike),
            ("size", "contains", "5", Error::Unlike),
            ("size", "in", "5", Error::Unlike),
            ("map", "in", "\"text\"", Error::Unlike),
            ("name", "contains", "{}", Error::Unlike),
        ] {
            assert_eq!(
                ask(property, operator, value),
                Err(expected),
                "{property} {operator} {value}"
            );
        }
    }
}
