//! Object paths against the model of cyber-observable objects: unknown types and properties,
//! indexes where there is no list, constants of another type than the property's.

use super::{Collector, CustomCheck, rule_of};
use crate::model::{Family, Property, Shape, Targets, Type, type_of};
use crate::pattern::matching::is_homogeneous;
use crate::pattern::syntax::{Constant, Predicate, Step, Test};
use crate::{Level, Spec};

/// Checks one path. The properties of 2.0 differ in places, so there only types are looked at.
pub(super) fn check(found: &mut Collector<'_, '_>, test: &Test<'_>) {
    let name = test.path.object_type;
    match type_of(name).filter(|known| known.family == Family::Sco) {
        Some(known) if found.pattern.spec == Spec::V21 => {
            let steps = found.pattern.steps(&test.path).to_vec();
            if let Some(shape) = walk(found, test, known, &steps) {
                network(found, test, shape);
                constants(found, test, shape);
            }
        }
        Some(_) => {}
        None if is_name(name, b'-') => custom(found, test, name, '-'),
        None => found.warn("STIX-9.7-01", test.start, "a type name: 3 to 250 of a-z, 0-9, -"),
    }
}

fn is_name(name: &str, joint: u8) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == joint;
    (3..=250).contains(&name.len()) && name.bytes().all(plain)
}

/// A type or property that the standard does not have.
fn custom(found: &mut Collector<'_, '_>, test: &Test<'_>, name: &str, joint: char) {
    let mut parts = name.split(joint);
    let lax = parts.next() == Some("x") && parts.next().is_some_and(|part| !part.is_empty());
    let with_source = lax && parts.next().is_some_and(|part| !part.is_empty());
    match found.custom {
        CustomCheck::ExtensionsUse => {
            found.warn("401", test.start, "a type and property of the standard, or an extension");
        }
        CustomCheck::Prefix if !with_source => {
            found.warn("101", test.start, "a custom name that begins with x and its source");
        }
        CustomCheck::PrefixLax if !lax => {
            found.warn("102", test.start, "a custom name that begins with x");
        }
        _ => {}
    }
}

/// Follows a path as far as the model knows it; what its value is, when it ends there.
fn walk(
    found: &mut Collector<'_, '_>,
    test: &Test<'_>,
    start: &'static Type,
    steps: &[Step<'_>],
) -> Option<Shape> {
    let mut types: Vec<&'static Type> = vec![start];
    let mut rule = "STIX-9.7-02";
    let mut rest = steps;
    while let [step, after @ ..] = rest {
        let name = step.name()?;
        let Some(property) = types.iter().find_map(|known| known.property(&name)) else {
            unknown(found, test, &name, rule);
            return None;
        };
        rest = index(found, test, property, after);
        match (property.shape, rest) {
            (shape, []) => return Some(shape),
            (Shape::Record(inner), _) => types = vec![inner],
            (Shape::Reference(targets), _) => {
                types = target_types(targets)?;
                rule = "STIX-9.7.4-02";
            }
            (Shape::Extensions, [key, inner @ ..]) => {
                let key = key.name()?;
                types = vec![types.iter().find_map(|known| known.extension(&key))?];
                rest = inner;
            }
            (Shape::Hashes | Shape::Dictionary(_) | Shape::Container, _) => return None,
            _ => {
                let expected = "no further step: the property has no parts";
                found.add(Level::Warning, "STIX-9.7.3-01", test.start as usize, expected);
                return None;
            }
        }
    }
    None
}

fn unknown(found: &mut Collector<'_, '_>, test: &Test<'_>, name: &str, rule: &'static str) {
    if is_name(name, b'_') {
        custom(found, test, name, '_');
    } else {
        found.warn(rule, test.start, "a property name: 3 to 250 of a-z, 0-9, _");
    }
}

/// Takes the index behind a list; an index elsewhere, or a list without one, leads nowhere.
fn index<'s, 'a>(
    found: &mut Collector<'_, '_>,
    test: &Test<'_>,
    property: &Property,
    rest: &'s [Step<'a>],
) -> &'s [Step<'a>] {
    let (indexed, after) = match rest {
        [Step::Index(_) | Step::Any, after @ ..] => (true, after),
        _ => (false, rest),
    };
    if indexed && !property.list {
        found.warn("STIX-9.7.2-01", test.start, "an index only behind a list");
    }
    if !indexed && property.list && !matches!(test.predicate, Predicate::Exists) {
        found.warn("STIX-9.7.2-01", test.start, "an index or [*] behind a list");
    }
    after
}

fn target_types(targets: Targets) -> Option<Vec<&'static Type>> {
    match targets {
        Targets::Only(names) => Some(names.iter().filter_map(|name| type_of(name)).collect()),
        _ => None,
    }
}

fn network(found: &mut Collector<'_, '_>, test: &Test<'_>, shape: Shape) {
    let rule = match test.predicate {
        Predicate::IsSubset(_) => "STIX-9.6.1-31",
        Predicate::IsSuperset(_) => "STIX-9.6.1-33",
        _ => return,
    };
    let last = found.pattern.steps(&test.path).last().and_then(|step| step.name());
    if last.as_deref() != Some("value") || !matches!(shape, Shape::Text(_)) {
        found.warn(rule, test.start, "the value of an ipv4-addr or ipv6-addr");
    }
}

/// A constant of another type is never equal, so the comparison says nothing.
fn constants(found: &mut Collector<'_, '_>, test: &Test<'_>, shape: Shape) {
    let (rule, fits) = match test.predicate {
        Predicate::Compare(relation, constant) => (rule_of(relation), fits(shape, constant)),
        Predicate::In(span) => {
            let members = found.pattern.members(span);
            // Of unlike types, which is told already, some are not the property's of need.
            if !is_homogeneous(members) {
                return;
            }
            ("STIX-9.6.1-20", members.iter().all(|member| fits(shape, *member)))
        }
        _ => return,
    };
    if !fits {
        found.warn(rule, test.operand, "a constant of the property's type");
    }
}

fn fits(shape: Shape, constant: Constant<'_>) -> bool {
    match shape {
        Shape::Boolean => matches!(constant, Constant::Boolean(_)),
        Shape::Integer(..) | Shape::Float(..) => {
            matches!(constant, Constant::Integer(_) | Constant::Float(_))
        }
        Shape::Timestamp(_) => matches!(constant, Constant::Timestamp(_)),
        Shape::Text(_) | Shape::Enum(_) | Shape::Vocab(_) | Shape::Binary | Shape::Hex => {
            matches!(constant, Constant::String(_) | Constant::Binary(_) | Constant::Hex(_))
        }
        _ => true,
    }
}
