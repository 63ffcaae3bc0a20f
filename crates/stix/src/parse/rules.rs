//! What ties the properties of one object together.

use super::{Reader, Unreadable, as_boolean, is_present, values::check_selectors};
use crate::{
    Constraint, HashAlgorithm, Precision, Spec, Tlp, compare_timestamps, format_timestamp,
    model::{Family, Type},
    pattern,
    tree::{Kind, Value},
};

/// The MUSTs between properties that decide whether an object can be read.
pub(super) fn check<'t>(
    known: &'static Type,
    object: Value<'t>,
    reader: &mut Reader<'t, '_>,
) -> Result<(), Unreadable> {
    for order in known.orders {
        check_order(object, order.earlier, order.later, order.strict)?;
    }
    check_least(known, object)?;
    check_selectors(object)?;
    if reader.is_20() { check_old(known, object) } else { check_new(known, object) }?;
    check_type(known, object, reader)
}

/// At least one of the properties that the table names is there.
fn check_least(known: &'static Type, object: Value<'_>) -> Result<(), Unreadable> {
    let Some(least) = known.least else {
        return match known.family {
            Family::Extension if object.is_empty() => fail(object, "an extension needs a property"),
            _ => Ok(()),
        };
    };
    // A process may consist of its extensions; python-stix2 and we let an empty registry value and
    // empty certificate extensions be read, which only the validator minds.
    let spared = match known.name {
        "process" => has(object, "extensions"),
        "windows-registry-value-type" | "x509-v3-extensions-type" => true,
        _ => false,
    };
    let of: Vec<&str> = match least.of {
        [] => known.properties.iter().map(|property| property.name).collect(),
        of => of.to_vec(),
    };
    if spared || any(object, &of) {
        return Ok(());
    }
    fail(object, format!("at least one is needed of: {}", of.join(" ")))
}

/// Rules that both editions have.
fn check_type(
    known: &'static Type,
    object: Value<'_>,
    reader: &Reader<'_, '_>,
) -> Result<(), Unreadable> {
    let exactly_one = |a, b| {
        if has(object, a) != has(object, b) {
            return Ok(());
        }
        fail(object, format!("exactly one is needed of: {a} {b}"))
    };
    match known.name {
        "indicator" => check_pattern(object, reader.is_20()),
        "relationship" if object.get("relationship_type").is_some_and(is_empty) => {
            fail(object, "`relationship_type` is empty")
        }
        "observed-data" => exactly_one("objects", "object_refs"),
        "granular-marking" => exactly_one("lang", "marking_ref"),
        "artifact" => {
            exactly_one("payload_bin", "url")?;
            match has(object, "url") && !has(object, "hashes") {
                true => fail(object, "an artifact by `url` needs `hashes`"),
                false => Ok(()),
            }
        }
        "email-message" => check_email(object),
        "socket-ext" => check_socket(object),
        "marking-definition" => check_marking(object, reader.is_20()),
        _ => Ok(()),
    }
}

/// Rules that only 2.1 has.
fn check_new(known: &'static Type, object: Value<'_>) -> Result<(), Unreadable> {
    match known.name {
        "location" => check_location(object),
        "malware" if truthy(object, "is_family") && !has(object, "name") => {
            fail(object, "a family of malware needs a `name`")
        }
        "network-traffic" => check_traffic(object),
        "external-reference" => check_hash_names(object),
        _ => Ok(()),
    }
}

/// Rules that only 2.0 has.
fn check_old(known: &'static Type, object: Value<'_>) -> Result<(), Unreadable> {
    let encrypted = any(object, &["encryption_algorithm", "decryption_key"]);
    if known.name == "file" && encrypted && !truthy(object, "is_encrypted") {
        return fail(object, "an encryption needs `is_encrypted`");
    }
    Ok(())
}

fn fail(object: Value<'_>, problem: impl Into<String>) -> Result<(), Unreadable> {
    Err(Unreadable::at(object, problem))
}

fn has(object: Value<'_>, name: &str) -> bool {
    object.get(name).is_some_and(is_present)
}

fn any(object: Value<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| has(object, name))
}

/// False, zero and what holds nothing: where a text must say something, it says nothing.
fn is_empty(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::String => value.as_str() == Some(""),
        Kind::Number => value.as_f64() == Some(0.0),
        Kind::Bool => value.as_bool() == Some(false),
        _ => value.is_empty(),
    }
}

fn truthy(object: Value<'_>, name: &str) -> bool {
    object.get(name).and_then(as_boolean) == Some(true)
}

fn check_order(
    object: Value<'_>,
    earlier: &str,
    later: &str,
    strict: bool,
) -> Result<(), Unreadable> {
    let text = |name| object.get(name).and_then(Value::as_str);
    let (Some(first), Some(last)) = (text(earlier), text(later)) else { return Ok(()) };
    let order = compare_timestamps(first, last);
    if order.is_gt() || (strict && order.is_eq()) {
        return Err(Unreadable::at(object, format!("`{later}` stands before `{earlier}`")));
    }
    Ok(())
}

/// A pattern in STIX patterning parses, in the edition that it names.
fn check_pattern(object: Value<'_>, is_20: bool) -> Result<(), Unreadable> {
    let text = |name| object.get(name).and_then(Value::as_str);
    if !is_20 && text("pattern_type") != Some("stix") {
        return Ok(());
    }
    let spec = match text("pattern_version") {
        _ if is_20 => Spec::V20,
        None | Some("2.1") => Spec::V21,
        Some(_) => Spec::V20,
    };
    let Some(pattern) = object.get("pattern") else { return Ok(()) };
    match pattern::parse(pattern.as_str().unwrap_or_else(|| pattern.source()), spec) {
        Ok(_) => Ok(()),
        Err(error) => Err(Unreadable::at(pattern, error.to_string())),
    }
}

fn check_location(object: Value<'_>) -> Result<(), Unreadable> {
    let (latitude, longitude) = (has(object, "latitude"), has(object, "longitude"));
    if latitude != longitude || (has(object, "precision") && !latitude) {
        return Err(Unreadable::at(object, "latitude and longitude stand together"));
    }
    if !latitude && !any(object, &["region", "country"]) {
        let expected = "at least one is needed of: region, country, latitude and longitude";
        return Err(Unreadable::at(object, expected));
    }
    Ok(())
}

/// *Source*: STIX 2.1 section 2.5: the names come from the vocabulary, custom ones too.
fn check_hash_names(object: Value<'_>) -> Result<(), Unreadable> {
    for (name, digest) in object.get("hashes").into_iter().flat_map(Value::members) {
        if !HashAlgorithm::infer(name).is_some_and(|known| known.is_of("2.1")) {
            return Err(Unreadable::at(digest, "no name of the vocabulary of hashes"));
        }
    }
    Ok(())
}

fn check_email(object: Value<'_>) -> Result<(), Unreadable> {
    let multipart = truthy(object, "is_multipart");
    if !multipart && has(object, "body_multipart") {
        return Err(Unreadable::at(object, "`body_multipart` needs `is_multipart`"));
    }
    let body = object.get("body").filter(|body| body.as_str() != Some(""));
    if multipart && body.is_some_and(is_present) {
        return Err(Unreadable::at(object, "a multipart message has no `body`"));
    }
    Ok(())
}

fn check_traffic(object: Value<'_>) -> Result<(), Unreadable> {
    let inactive = has(object, "is_active") && !truthy(object, "is_active");
    if has(object, "end") && !inactive {
        return Err(Unreadable::at(object, "traffic with an `end` has `is_active` false"));
    }
    Ok(())
}

fn check_socket(object: Value<'_>) -> Result<(), Unreadable> {
    const PREFIXES: [&str; 8] =
        ["SO_", "ICMP_", "ICMP6_", "IP_", "IPV6_", "MCAST_", "TCP_", "IRLMP_"];
    for (key, value) in object.get("options").into_iter().flat_map(Value::members) {
        let prefix = key.find('_').and_then(|at| key.get(..=at)).unwrap_or_default();
        if !PREFIXES.contains(&prefix) {
            return Err(Unreadable::at(value, "no name of a socket option"));
        }
        let whole = value.as_number().is_some_and(|text| !text.contains(['.', 'e', 'E']));
        if !whole && value.kind() != Kind::Bool {
            return Err(Unreadable::at(value, "a socket option is an integer"));
        }
    }
    Ok(())
}

/// A marking of the standard has its body; TLP 1.0 has none but its four.
fn check_marking(object: Value<'_>, is_20: bool) -> Result<(), Unreadable> {
    let at = |problem: &str| Err(Unreadable::at(object, problem));
    let text = |name| object.get(name).and_then(Value::as_str);
    let extended = object.get("extensions").is_some_and(|extensions| !extensions.is_empty());
    let definition = object.get("definition").filter(|value| is_present(*value));
    let Some(kind) = object.get("definition_type").filter(|value| is_present(*value)) else {
        return match definition {
            Some(definition) => Err(Unreadable::at(definition, "needs a `definition_type`")),
            None if extended && !is_20 => Ok(()),
            None => at("a marking needs a definition or an extension"),
        };
    };
    let Some(definition) = definition else {
        return if extended && !is_20 && kind.as_str() != Some("tlp") {
            Ok(())
        } else {
            at("`definition` is missing")
        };
    };
    let word = match kind.as_str() {
        Some("tlp") => "tlp",
        Some("statement") => "statement",
        _ => return at("`definition_type` is `tlp` or `statement`"),
    };
    if definition.len() != 1 || !has(definition, word) {
        return Err(Unreadable::at(definition, format!("exactly `{word}` is expected")));
    }
    if word == "statement" {
        return if definition.get(word).is_some_and(is_empty) {
            at("`statement` is empty")
        } else {
            Ok(())
        };
    }
    let colour = definition.get(word).and_then(Value::as_str).unwrap_or_default();
    let constraint = if is_20 { Constraint::Exact } else { Constraint::Min };
    let created = text("created")
        .and_then(|created| format_timestamp(created, Precision::Millisecond, constraint));
    let is_published = Tlp::published_1(colour).is_some_and(|id| text("id") == Some(id))
        && created.as_deref() == Some("2017-01-20T00:00:00.000Z");
    if is_published { Ok(()) } else { at("TLP 1.0 has four markings, and this is none of them") }
}
