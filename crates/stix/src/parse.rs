//! Reading an object as its type: whether a typed library could take it.
//!
//! It reads, it does not judge: SHOULDs, registries, unresolved references and the inside of
//! unknown types are not looked at; [`mod@crate::validate`] does that. Nothing is changed either: what
//! was read is the JSON that was written. A value counts as its type when it can be turned into it
//! without a guess, as python-stix2 reads: `"5"` is an integer, a lone text a list of one.

mod rules;
mod values;

use crate::{
    model::{self, Delta, Family, Property, Shape, Type},
    tree::{Kind, Value},
    types,
};

pub(crate) use values::{as_boolean, as_integer};

/// How to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'o> {
    /// Whether custom types, properties, extensions and hashes are allowed.
    pub allow_custom: bool,
    /// The edition, `2.0` or `2.1`; else the one that [`types::detect_version`] finds.
    pub version: Option<&'o str>,
}

/// Why an object cannot be read as its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at `{pointer}`: {problem}")]
pub struct Unreadable {
    /// JSON pointer from the root of the tree.
    pub pointer: String,
    /// What is wrong, in our words.
    pub problem: String,
}

impl Unreadable {
    fn at(value: Value<'_>, problem: impl Into<String>) -> Self {
        Self { pointer: value.tree().pointer(value.offset()), problem: problem.into() }
    }
}

/// Reads an object as its type; whether it has custom content.
///
/// ```
/// use stix::{parse, tree::Tree};
/// let tree = Tree::read(br#"{"type":"url","value":"http://a.example/"}"#).unwrap();
/// assert_eq!(parse::parse(tree.root(), parse::Options::default()), Ok(false));
/// ```
pub fn parse(object: Value<'_>, options: Options<'_>) -> Result<bool, Unreadable> {
    let type_ = match (object.kind(), object.get("type")) {
        (Kind::Object, Some(type_)) => type_,
        _ => return Err(Unreadable::at(object, "an object with a `type` is expected")),
    };
    let Some(type_) = type_.as_str() else {
        return Err(Unreadable::at(type_, "`type` is a text"));
    };
    let Some(version) = options.version.or_else(|| types::detect_version(object)) else {
        return Err(Unreadable::at(object, "`spec_version` is a text"));
    };
    let mut reader = Reader::new(version, options.allow_custom);
    match known_type(type_, version) {
        Some(known) => reader.object(known, object)?,
        None => reader.unknown(type_, object)?,
    }
    Ok(reader.custom)
}

/// How an object reads as its type, so that what is made of it can be held to the same.
///
/// ```
/// use stix::{parse::Reading, tree::Tree};
/// let lamp = Tree::read(br#"{"type":"mutex","name":"lamp"}"#).unwrap();
/// let nameless = Tree::read(br#"{"type":"mutex"}"#).unwrap();
/// let reading = Reading::of(lamp.root()).unwrap();
/// assert!(reading.check(lamp.root()).is_ok() && reading.check(nameless.root()).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct Reading {
    /// Whether custom content is allowed: as in the object, until somebody says otherwise.
    pub allow_custom: bool,
    version: String,
}

impl Reading {
    /// None of an object of an unknown type, or that cannot be read as its type itself.
    pub fn of(object: Value<'_>) -> Option<Self> {
        let type_ = object.get("type").and_then(Value::as_str).unwrap_or_default();
        let version = types::detect_version(object)?;
        types::family(type_, version)?;
        let read = parse(object, Options { allow_custom: true, version: None });
        let version = version.to_owned();
        read.ok().map(|allow_custom| Self { allow_custom, version })
    }

    /// Whether an object can be read as the one that this is of: its edition, custom content only
    /// where it is allowed.
    pub fn check(&self, object: Value<'_>) -> Result<(), Unreadable> {
        let version = Some(self.version.as_str());
        parse(object, Options { allow_custom: self.allow_custom, version }).map(drop)
    }
}

/// The table of a type in an edition. The observables of 2.0 have those of 2.1, read by [`old`].
fn known_type(type_: &str, version: &str) -> Option<&'static Type> {
    let of_21 = model::type_of(type_);
    match version {
        "2.0" => model::old_type_of(type_).or(of_21.filter(|known| is_observable(known))),
        "2.1" => of_21,
        _ => None,
    }
}

/// Reads a value as an embedded type, nothing custom allowed.
pub(crate) fn read_as(known: &'static Type, value: Value<'_>) -> Result<(), Unreadable> {
    Reader::new("2.1", false).object(known, value)
}

/// Reads an observable object of STIX 2.1 whose `id` does not matter, custom content allowed.
pub(crate) fn read_without_id(known: &'static Type, object: Value<'_>) -> Result<(), Unreadable> {
    Reader { ignores_id: true, ..Reader::new("2.1", true) }.object(known, object)
}

/// An object being read, with what it lies in.
struct Reader<'t, 'o> {
    allow_custom: bool,
    version: &'o str,
    custom: bool,
    ignores_id: bool,
    /// The container of cyber-observable objects that references by key lead into.
    scope: Option<Value<'t>>,
}

impl<'t, 'o> Reader<'t, 'o> {
    fn new(version: &'o str, allow_custom: bool) -> Self {
        Self { allow_custom, version, custom: false, ignores_id: false, scope: None }
    }

    fn is_20(&self) -> bool {
        self.version == "2.0"
    }

    /// Something that is neither the standard's nor announced.
    fn custom(&mut self, value: Value<'t>, what: &str, name: &str) -> Result<(), Unreadable> {
        self.custom = true;
        if self.allow_custom {
            return Ok(());
        }
        Err(Unreadable::at(value, format!("{what} `{}` is custom", crate::finding::escaped(name))))
    }

    /// An object of a type the edition does not know: announced by an extension definition, or
    /// custom.
    fn unknown(&mut self, type_: &str, object: Value<'t>) -> Result<(), Unreadable> {
        if self.allow_custom {
            self.custom = true;
            return Ok(());
        }
        let extensions = object.get("extensions");
        for (key, extension) in extensions.into_iter().flat_map(Value::members) {
            if extension.kind() != Kind::Object {
                return Err(Unreadable::at(extension, "an extension is an object"));
            }
            let kind = match extension.get("extension_type") {
                None => "",
                Some(kind) => kind
                    .as_str()
                    .ok_or_else(|| Unreadable::at(kind, "`extension_type` is a text"))?,
            };
            if key.starts_with("extension-definition--") && !kind.contains("property-extension") {
                return Ok(());
            }
        }
        self.custom(object, "the type", type_)
    }

    /// An object, extension or embedded value of a known type.
    fn object(&mut self, known: &'static Type, object: Value<'t>) -> Result<(), Unreadable> {
        if object.kind() != Kind::Object {
            let expected = format!("an object of the kind {} is expected", known.name);
            return Err(Unreadable::at(object, expected));
        }
        let open = self.is_open(object)?;
        for (name, value) in object.members() {
            match self.property(known, name) {
                Some(property) if is_present(value) => self.value(property, known, value)?,
                Some(_) => {}
                None if open => {}
                // 2.0 has it, 2.1 has not, and real bundles of 2.1 carry it: never an error.
                None if known.family == Family::Bundle && name == "spec_version" => {}
                None => {
                    self.check_custom_name(name, value)?;
                    self.custom(value, "the property", name)?;
                }
            }
        }
        self.check_required(known, object)?;
        rules::check(known, object, self)
    }

    fn property(&self, known: &'static Type, name: &str) -> Option<&'static Property> {
        let found =
            if self.is_20() { model::old_property(known, name) } else { known.property(name) };
        found.filter(|property| !matches!(property.shape, Shape::Reserved))
    }

    /// Whether an extension announces properties at the top level that are nowhere described here:
    /// then none of them can be called custom.
    fn is_open(&self, object: Value<'t>) -> Result<bool, Unreadable> {
        let Some(extensions) = object.get("extensions").filter(|value| is_present(*value)) else {
            return Ok(false);
        };
        let mut open = false;
        for (_, extension) in extensions.members() {
            if extension.kind() != Kind::Object {
                return Err(Unreadable::at(extension, "an extension is an object"));
            }
            let kind = extension.get("extension_type").and_then(Value::as_str);
            open |= kind == Some("toplevel-property-extension");
        }
        Ok(open)
    }

    /// *Source*: STIX 2.1 section 3.1: a property name begins with a letter.
    fn check_custom_name(&self, name: &str, value: Value<'t>) -> Result<(), Unreadable> {
        if self.is_20() || name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Ok(());
        }
        Err(Unreadable::at(value, "the name of a property begins with one of a to z"))
    }

    /// What must be there is; `id`, `created`, `modified` and `spec_version` may be filled in.
    fn check_required(&self, known: &'static Type, object: Value<'t>) -> Result<(), Unreadable> {
        let all = known.properties.iter().chain(known.common);
        let required = all.filter(|property| property.required).map(|property| property.name);
        let delta = Delta::of(known).filter(|_| self.is_20());
        let of_20 = delta.map_or(&[] as &[&str], Delta::required);
        for name in required.chain(of_20.iter().copied()) {
            if matches!(name, "id" | "created" | "modified" | "spec_version") {
                continue;
            }
            if !object.get(name).is_some_and(is_present) {
                return Err(Unreadable::at(object, format!("`{name}` is missing")));
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        property: &'static Property,
        known: &'static Type,
        value: Value<'t>,
    ) -> Result<(), Unreadable> {
        if !property.list {
            return self.single(property, known, value);
        }
        match value.kind() {
            Kind::List => value.items().try_for_each(|item| self.single(property, known, item)),
            Kind::String => self.single(property, known, value),
            _ => Err(Unreadable::at(value, "a list is expected")),
        }
    }
}

/// Null and the empty list count as not there.
pub(crate) fn is_present(value: Value<'_>) -> bool {
    !(value.kind() == Kind::Null || (value.kind() == Kind::List && value.is_empty()))
}

/// Whether a type is a cyber-observable object.
fn is_observable(known: &Type) -> bool {
    known.family == Family::Sco
}

#[cfg(test)]
mod tests;
