//! Deterministic ids: the id that an observable object's contributing properties make.

use uuid::Uuid;

use crate::{
    Constraint, HashAlgorithm, format_timestamp, jcs,
    model::{self, Family, Property, Shape, Type},
    parse,
    precision::Precision,
    tree::{Kind, Value},
};

/// The namespace of observable objects.
const NAMESPACE: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// Why an object has no deterministic id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not of a type that has contributing properties, and none were named.
    #[error("no observable object of the standard, and no contributing properties are named (3.4)")]
    NotObservable,
    /// A null among what the id is made of.
    #[error("a null is no value (3.1), and no id is made of it")]
    Null,
    /// The object cannot be read as its type.
    #[error(transparent)]
    Unreadable(#[from] parse::Unreadable),
}

/// The id that an object's contributing properties make; none when none of them is there, and a
/// random UUID must be used. `id` itself is not looked at.
///
/// Of several hashes one counts: MD5, SHA-1, SHA-256, SHA-512, else the first. Timestamps count in
/// their shortest form.
///
/// ```
/// let tree = stix::tree::Tree::read(br#"{"type":"url","value":"http://a.example/"}"#).unwrap();
/// let id = stix::deterministic_id(tree.root(), None).unwrap();
/// assert_eq!(id.as_deref(), Some("url--eb20583f-73a1-5b19-a8da-89323ff5cc32"));
/// ```
///
/// *Source*: STIX 2.1 sections 2.9 and 3.4.
pub fn deterministic_id(
    object: Value<'_>,
    contributing: Option<&[&str]>,
) -> Result<Option<String>, Error> {
    let type_ = object.get("type").and_then(Value::as_str).ok_or(Error::NotObservable)?;
    let known = model::type_of(type_).filter(|known| known.family == Family::Sco);
    let contributing = match (contributing, known) {
        (Some(named), _) => named,
        (None, Some(known)) => known.contributing,
        (None, None) => return Err(Error::NotObservable),
    };
    if let Some(known) = known {
        parse::read_without_id(known, object)?;
    }
    let own = known.map_or(&[][..], |known| known.contributing);
    let present = contributing.iter().chain(own).filter_map(|name| object.get(name));
    if present.filter(|value| parse::is_present(*value)).any(holds_null) {
        return Err(Error::Null);
    }
    let mut members: Vec<(&str, String)> = Vec::new();
    for name in contributing.iter().filter(|name| **name != "id") {
        let Some(value) = object.get(name).filter(|value| parse::is_present(*value)) else {
            continue;
        };
        let property = known.and_then(|known| known.property(name));
        let mut json = String::new();
        match property {
            _ if *name == "hashes" => write_hash(value, &mut json),
            Some(property) => write_property(property, value, &mut json),
            None => jcs::write(value, &mut json),
        }
        members.push((name, json));
    }
    if members.is_empty() {
        return Ok(None);
    }
    let uuid = Uuid::new_v5(&NAMESPACE, object_json(members).as_bytes());
    Ok(Some(format!("{type_}--{uuid}")))
}

fn holds_null(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Null => true,
        Kind::List => value.items().any(holds_null),
        Kind::Object => value.members().any(|(_, member)| holds_null(member)),
        _ => false,
    }
}

/// An object of members whose values are canonical, in canonical order, each name once.
fn object_json(mut members: Vec<(&str, String)>) -> String {
    members.sort_by(|(a, _), (b, _)| jcs::utf16_order(a, b));
    members.dedup_by(|(a, _), (b, _)| a == b);
    let mut out = "{".to_owned();
    for (name, json) in members {
        if out.len() > 1 {
            out.push(',');
        }
        jcs::write_string(name, &mut out);
        out.push(':');
        out.push_str(&json);
    }
    out.push('}');
    out
}

/// The one hash that counts, under the standard's spelling of its name.
fn write_hash(hashes: Value<'_>, out: &mut String) {
    const PREFERRED: [&str; 4] = ["MD5", "SHA-1", "SHA-256", "SHA-512"];
    let spelled = |name: &'_ str| HashAlgorithm::infer(name).and_then(HashAlgorithm::spelling);
    let named =
        |wanted: &str| hashes.members().find(|(name, _)| spelled(name).unwrap_or(name) == wanted);
    let chosen = PREFERRED.iter().find_map(|wanted| named(wanted));
    let Some((name, digest)) = chosen.or_else(|| hashes.members().next()) else { return };
    let mut json = String::new();
    jcs::write(digest, &mut json);
    out.push_str(&object_json(vec![(spelled(name).unwrap_or(name), json)]));
}

fn write_property(property: &Property, value: Value<'_>, out: &mut String) {
    if !property.list {
        return write_single(property.shape, value, out);
    }
    out.push('[');
    if value.kind() == Kind::List {
        for (place, item) in value.items().enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_single(property.shape, item, out);
        }
    } else {
        write_single(property.shape, value, out);
    }
    out.push(']');
}

/// A value as the type that it is read as.
fn write_single(shape: Shape, value: Value<'_>, out: &mut String) {
    match shape {
        Shape::Timestamp(precision) => {
            let wanted = match precision {
                model::Precision::Seconds => Precision::Second,
                _ => Precision::Any,
            };
            let text = value.as_str().unwrap_or_default();
            let short = format_timestamp(text, wanted, Constraint::Exact);
            jcs::write_string(short.as_deref().unwrap_or(text), out);
        }
        Shape::Integer(..) => match parse::as_integer(value) {
            Some(number) => jcs::write_number(&number.to_string(), out),
            None => jcs::write(value, out),
        },
        Shape::Boolean => match parse::as_boolean(value) {
            Some(true) => out.push_str("true"),
            Some(false) => out.push_str("false"),
            None => jcs::write(value, out),
        },
        Shape::Text(_) | Shape::Enum(_) | Shape::Vocab(_) if value.kind() == Kind::Number => {
            jcs::write_string(value.source(), out);
        }
        Shape::Record(known) => write_record(known, value, out),
        Shape::Extensions => write_members(value, out, |name, extension, out| {
            match model::EXTENSIONS.iter().find(|known| known.name == name) {
                Some(known) => write_record(known, extension, out),
                None => jcs::write(extension, out),
            }
        }),
        _ => jcs::write(value, out),
    }
}

fn write_record(known: &Type, value: Value<'_>, out: &mut String) {
    write_members(value, out, |name, member, out| match known.property(name) {
        Some(property) => write_property(property, member, out),
        None => jcs::write(member, out),
    });
}

fn write_members(
    object: Value<'_>,
    out: &mut String,
    write: impl Fn(&str, Value<'_>, &mut String),
) {
    let present = object.members().filter(|(_, member)| parse::is_present(*member));
    let members = present.map(|(name, member)| {
        let mut json = String::new();
        write(name, member, &mut json);
        (name, json)
    });
    out.push_str(&object_json(members.collect()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn id(text: &str, contributing: Option<&[&str]>) -> Result<Option<String>, Error> {
        let tree = Tree::read(text.as_bytes()).unwrap();
        deterministic_id(tree.root(), contributing)
    }

    #[test]
    fn one_hash_counts_whatever_the_order_and_spelling() {
        let md5 = "a".repeat(32);
        let sha256 = "b".repeat(64);
        let one = id(&format!(r#"{{"type":"file","hashes":{{"MD5":"{md5}"}}}}"#), None);
        let two = format!(r#"{{"type":"file","hashes":{{"SHA-256":"{sha256}","md5":"{md5}"}}}}"#);
        assert!(one.clone().unwrap().is_some());
        assert_eq!(id(&two, None), one);
    }

    #[test]
    fn timestamps_count_in_their_shortest_form() {
        let traffic = |start: &str| {
            let text = format!(
                r#"{{"type":"network-traffic","start":"{start}","protocols":["tcp"],
                "src_ref":"ipv4-addr--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921"}}"#
            );
            id(&text, None).unwrap().unwrap()
        };
        assert_eq!(traffic("2031-05-04T10:00:00.500Z"), traffic("2031-05-04T10:00:00.5Z"));
        assert_eq!(traffic("2031-05-04T10:00:00.000Z"), traffic("2031-05-04T10:00:00Z"));
    }

    #[test]
    fn id_is_not_looked_at_and_none_comes_of_nothing() {
        let plain = id(r#"{"type":"mutex","name":"lamp"}"#, None).unwrap();
        assert_eq!(id(r#"{"type":"mutex","id":"mutex--1","name":"lamp"}"#, None).unwrap(), plain);
        assert_eq!(id(r#"{"type":"process","pid":1}"#, None), Ok(None));
        let lamp = r#"{"type":"x-lamp","hue":"red"}"#;
        assert_eq!(id(lamp, None), Err(Error::NotObservable));
        assert_eq!(id(lamp, Some(&["size"])), Ok(None));
        assert!(id(lamp, Some(&["hue", "hue"])).unwrap().unwrap().starts_with("x-lamp--"));
        assert!(matches!(id(r#"{"type":"mutex"}"#, None), Err(Error::Unreadable(_))));
    }
}
