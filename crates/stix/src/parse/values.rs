//! Single values: whether one can be read as the shape that its property has.

use super::{Options, Reader, Unreadable, is_observable, parse};
use crate::{
    HashAlgorithm, is_timestamp,
    markings::selector,
    model::{self, Entries, Family, Format, Property, Shape, Targets, Type},
    tree::{Kind, Value},
    types::{self, Class},
};

impl<'t> Reader<'t, '_> {
    pub(super) fn single(
        &mut self,
        property: &'static Property,
        known: &'static Type,
        value: Value<'t>,
    ) -> Result<(), Unreadable> {
        let readable = match property.shape {
            Shape::Boolean => as_boolean(value).is_some(),
            Shape::Integer(from, to) => as_integer(value).is_some_and(|n| n >= from && n <= to),
            Shape::Float(from, to) => as_float(value).is_some_and(|n| !(n < from || n > to)),
            Shape::Timestamp(_) => value.as_str().is_some_and(is_timestamp),
            Shape::Binary => value.as_str().is_some_and(is_base64),
            Shape::Hex => value.as_str().is_some_and(is_hex),
            Shape::Enum(vocabulary) => vocabulary.has(&as_text(value)),
            Shape::Vocab(_) | Shape::Reserved => true,
            Shape::Text(format) => return self.text(format, property, known, value),
            Shape::Reference(targets) => return self.reference(targets, known, value),
            Shape::Hashes => return self.hashes(value),
            Shape::Dictionary(Entries::Marking) => value.kind() == Kind::Object,
            Shape::Dictionary(_) => return self.dictionary(value),
            Shape::Record(inner) => return self.object(inner, value),
            Shape::Extensions => return self.extensions(value),
            Shape::Container => return self.container(value),
            Shape::Objects => return self.bundled(value),
        };
        if readable {
            return Ok(());
        }
        Err(Unreadable::at(value, format!("`{}` cannot be read as its type", property.name)))
    }

    fn text(
        &self,
        format: Format,
        property: &Property,
        known: &Type,
        value: Value<'t>,
    ) -> Result<(), Unreadable> {
        let text = value.as_str().unwrap_or_default();
        let readable = match format {
            Format::TypeName => text == known.name,
            // On a bundle it says what its objects are written in, and is no property of 2.1.
            Format::SpecVersion => text == self.version || known.family == Family::Bundle,
            Format::Id if self.ignores_id => true,
            Format::Id => {
                let uuid = text.strip_prefix(known.name).and_then(|rest| rest.strip_prefix("--"));
                uuid.is_some_and(is_uuid)
            }
            _ if property.name == "selectors" && known.name == "granular-marking" => {
                is_selector(text)
            }
            _ => true,
        };
        if readable {
            return Ok(());
        }
        Err(Unreadable::at(value, format!("`{}` is not what it must be", property.name)))
    }

    /// An id of one of the types it may lead to; in a container of observables a key.
    fn reference(
        &mut self,
        targets: Targets,
        known: &Type,
        value: Value<'t>,
    ) -> Result<(), Unreadable> {
        let text = value.as_str().unwrap_or_default();
        let in_observable = match known.family {
            Family::Sco | Family::Extension => true,
            _ => known.name == "email-mime-part-type",
        };
        if self.is_20() && in_observable && known.family != Family::Sco {
            return Ok(());
        }
        let local = self.scope.filter(|_| in_observable);
        if let Some(target) = local.and_then(|scope| scope.get(text)) {
            let type_ = target.get("type").and_then(Value::as_str).unwrap_or_default();
            return match targets {
                Targets::Only(types) if !types.contains(&type_) => {
                    Err(Unreadable::at(value, "refers to an object of the wrong type"))
                }
                _ => Ok(()),
            };
        }
        if self.is_20() && in_observable {
            return Err(Unreadable::at(value, "refers to no object of its container"));
        }
        let Some((type_, uuid)) = crate::id::parts(text) else {
            return Err(Unreadable::at(value, "an id is expected"));
        };
        if !is_uuid(uuid) {
            return Err(Unreadable::at(value, "an id is a type, `--` and a UUID"));
        }
        let is_known = Class::Object.has(type_, self.version);
        if !self.may_lead_to(targets, type_, is_known) {
            return Err(Unreadable::at(value, format!("may not refer to `{type_}`")));
        }
        if !is_known || type_.starts_with("x-") {
            self.custom(value, "the type", type_)?;
        }
        Ok(())
    }

    fn may_lead_to(&self, targets: Targets, type_: &str, is_known: bool) -> bool {
        let family = types::family(type_, self.version);
        match targets {
            Targets::Only(types) => types.contains(&type_),
            // What kind a custom type is of cannot be known; it passes where custom content does.
            _ if !is_known => true,
            Targets::Any => family != Some(Family::Bundle),
            Targets::Domain => family == Some(Family::Sdo),
            Targets::DomainOrObservable => matches!(family, Some(Family::Sdo | Family::Sco)),
            Targets::ObservableOrRelationship => matches!(family, Some(Family::Sco | Family::Sro)),
            Targets::Translatable => family != Some(Family::Bundle) && type_ != "language-content",
        }
    }

    fn dictionary(&self, value: Value<'t>) -> Result<(), Unreadable> {
        if value.kind() != Kind::Object || value.is_empty() {
            return Err(Unreadable::at(value, "a dictionary with members is expected"));
        }
        for (key, member) in value.members() {
            let len = if self.is_20() { 3..=256 } else { 1..=250 };
            let chars = key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
            if !chars || !len.contains(&key.len()) {
                return Err(Unreadable::at(member, "a key that no dictionary has"));
            }
        }
        Ok(())
    }

    fn hashes(&mut self, value: Value<'t>) -> Result<(), Unreadable> {
        self.dictionary(value)?;
        for (name, digest) in value.members() {
            match HashAlgorithm::infer(name) {
                Some(algorithm) => {
                    if !digest.as_str().is_some_and(|digest| algorithm.accepts(digest)) {
                        return Err(Unreadable::at(digest, format!("no digest of {name}")));
                    }
                    if !algorithm.is_of(self.version) {
                        self.custom(digest, "the hash", name)?;
                    }
                }
                None => self.custom(digest, "the hash", name)?,
            }
        }
        Ok(())
    }

    fn extensions(&mut self, value: Value<'t>) -> Result<(), Unreadable> {
        if value.kind() != Kind::Object {
            return Err(Unreadable::at(value, "extensions by their keys are expected"));
        }
        for (key, extension) in value.members() {
            if let Some(known) = predefined(key) {
                self.object(known, extension)?;
            } else if let Some(uuid) = key.strip_prefix("extension-definition--") {
                if !is_uuid(uuid) {
                    return Err(Unreadable::at(extension, "no id of an extension definition"));
                }
            } else {
                self.custom(extension, "the extension", key)?;
            }
        }
        Ok(())
    }

    /// `objects` of observed-data: observables by key, which may refer to each other by key.
    fn container(&mut self, value: Value<'t>) -> Result<(), Unreadable> {
        if value.kind() != Kind::Object || value.is_empty() {
            return Err(Unreadable::at(value, "observable objects by key are expected"));
        }
        let outer = self.scope.replace(value);
        for (_, object) in value.members() {
            let Some(type_) = object.get("type").and_then(Value::as_str) else {
                return Err(Unreadable::at(object, "an object with a `type` is expected"));
            };
            match model::type_of(type_).filter(|known| is_observable(known)) {
                Some(known) => self.object(known, object)?,
                None => self.custom(object, "the type", type_)?,
            }
        }
        self.scope = outer;
        Ok(())
    }

    /// An object of a bundle: read by itself, in the edition it is written in.
    fn bundled(&mut self, object: Value<'t>) -> Result<(), Unreadable> {
        if object.get("type").and_then(Value::as_str) == Some("bundle") {
            return Err(Unreadable::at(object, "a bundle may not lie in a bundle"));
        }
        let options = Options { allow_custom: self.allow_custom, version: None };
        self.custom |= parse(object, options)?;
        Ok(())
    }
}

/// The predefined extension of a key, whichever type it is for.
fn predefined(key: &str) -> Option<&'static Type> {
    model::EXTENSIONS.iter().copied().find(|known| known.name == key)
}

/// What a value reads as text: a text is itself, all else as JSON spells it.
fn as_text(value: Value<'_>) -> std::borrow::Cow<'_, str> {
    value.as_str().unwrap_or_else(|| value.source()).into()
}

/// A boolean, 1 or 0, or the boolean that a text spells.
pub(crate) fn as_boolean(value: Value<'_>) -> Option<bool> {
    match value.kind() {
        Kind::Bool => value.as_bool(),
        Kind::Number => match value.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Kind::String => match value.as_str()?.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The whole part of a number, a boolean as 1 or 0, or the integer that a text spells.
pub(crate) fn as_integer(value: Value<'_>) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a cast from double saturates")]
    match value.kind() {
        Kind::Bool => Some(i64::from(value.as_bool() == Some(true))),
        Kind::Number => value.as_i64().or_else(|| value.as_f64().map(|number| number as i64)),
        Kind::String => value.as_str()?.trim().parse().ok(),
        _ => None,
    }
}

fn as_float(value: Value<'_>) -> Option<f64> {
    match value.kind() {
        Kind::Bool => Some(f64::from(value.as_bool() == Some(true))),
        Kind::Number => value.as_f64(),
        Kind::String => value.as_str()?.trim().parse().ok(),
        _ => None,
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// Base64 as lenient decoders read it: what is not of the alphabet is passed over.
fn is_base64(text: &str) -> bool {
    let (mut digits, mut pads) = (0, 0);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {
                digits = (digits + 1) % 4;
                pads = 0;
            }
            b'=' if digits >= 2 => {
                pads += 1;
                if digits + pads >= 4 {
                    return text.is_ascii();
                }
            }
            _ => {}
        }
    }
    digits == 0 && text.is_ascii()
}

/// 8-4-4-4-12 hexadecimal digits of the variant of RFC 4122, of any version.
fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Property names and places joined by dots.
///
/// *Source*: STIX 2.1 section 7.2.3.1.
fn is_selector(text: &str) -> bool {
    let step = |step: &str| {
        let place = step.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match place {
            Some(place) => !place.is_empty() && place.bytes().all(|c| c.is_ascii_digit()),
            None => {
                (1..=250).contains(&step.len())
                    && step.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
            }
        }
    };
    !text.starts_with('[') && text.split('.').all(step)
}

/// Each selector of an object's granular markings selects something.
pub(super) fn check_selectors(object: Value<'_>) -> Result<(), Unreadable> {
    let markings = object.get("granular_markings").into_iter().flat_map(Value::items);
    for marking in markings {
        for item in marking.get("selectors").into_iter().flat_map(Value::items) {
            let text = item.as_str().unwrap_or_default();
            if selector::select(object, text).is_none() {
                return Err(Unreadable::at(item, "the selector selects nothing"));
            }
        }
    }
    Ok(())
}
