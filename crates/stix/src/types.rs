//! What a type, an id or an object is: which kind of object, of which edition.

use crate::{
    model::{self, Family},
    tree::{Kind, Value},
};

/// An edition of the standard by its number, as objects spell it.
pub const VERSIONS: [&str; 2] = ["2.0", "2.1"];

/// Kinds of objects that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Domain objects, section 4.
    Domain,
    /// Cyber-observable objects, section 6.
    Observable,
    /// Relationship objects, section 5.
    Relationship,
    /// Any object of the standard, the bundle too.
    Object,
    /// Marking definitions.
    Marking,
}

/// Types of STIX 2.1 that 2.0 did not have.
const NEW_IN_21: [&str; 9] = [
    "extension-definition",
    "grouping",
    "incident",
    "infrastructure",
    "language-content",
    "location",
    "malware-analysis",
    "note",
    "opinion",
];

impl Class {
    /// Whether a type belongs to it in an edition.
    ///
    /// ```
    /// assert!(stix::Class::Observable.has("mutex", "2.1"));
    /// assert!(!stix::Class::Domain.has("grouping", "2.0"));
    /// ```
    pub fn has(self, type_: &str, version: &str) -> bool {
        let Some(family) = family(type_, version) else { return false };
        match self {
            Self::Domain => family == Family::Sdo,
            Self::Observable => family == Family::Sco,
            Self::Relationship => family == Family::Sro,
            Self::Object => true,
            Self::Marking => type_ == "marking-definition",
        }
    }

    /// Whether an object belongs to it: its type does, and the object is of that edition.
    pub fn has_object(self, object: Value<'_>, version: &str) -> Option<bool> {
        let detected = detect_version(object)?;
        let type_ = object.get("type")?.as_str()?;
        Some(detected == version && self.has(type_, version))
    }
}

/// Which family a type has in an edition; none when the edition does not know it.
pub fn family(type_: &str, version: &str) -> Option<Family> {
    let known = match version {
        "2.0" => !NEW_IN_21.contains(&type_),
        "2.1" => true,
        _ => false,
    };
    model::type_of(type_).filter(|_| known).map(|found| found.family)
}

/// The type that a type or an id names.
pub fn type_of_id(text: &str) -> &str {
    crate::id::parts(text).map_or(text, |(type_, _)| type_)
}

/// The edition an object is written in, as far as it tells: `spec_version` of any object but a
/// bundle; 2.0 for a bundle that has one and for what has no id; for another bundle the highest of
/// 2.1 and its objects'; 2.1 for its cyber-observable objects; else 2.0. None for what has no type.
///
/// *Source*: STIX 2.1 section 3.2; STIX 2.0 part 1.
pub fn detect_version<'t>(object: Value<'t>) -> Option<&'t str> {
    let type_ = object.get("type")?.as_str()?;
    if let Some(version) = object.get("spec_version") {
        return if type_ == "bundle" { Some("2.0") } else { version.as_str() };
    }
    if object.get("id").is_none() {
        return Some("2.0");
    }
    if type_ == "bundle" {
        let mut highest = "2.1";
        let Some(objects) = object.get("objects") else { return Some(highest) };
        for inner in objects.items() {
            highest = highest.max(detect_version(inner)?);
        }
        return (objects.kind() == Kind::List).then_some(highest);
    }
    Some(if Class::Observable.has(type_, "2.1") { "2.1" } else { "2.0" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    #[test]
    fn type_belongs_to_its_class_in_its_edition() {
        assert!(Class::Domain.has("report", "2.0"));
        assert!(Class::Relationship.has("sighting", "2.1"));
        assert!(Class::Object.has("bundle", "2.0"));
        assert!(Class::Marking.has("marking-definition", "2.0"));
        assert!(!Class::Domain.has("extension-definition", "2.1"));
        assert!(!Class::Object.has("x-lamp", "2.1"));
        assert!(!Class::Object.has("report", "2.2"));
        assert_eq!(type_of_id("tool--1"), "tool");
    }

    #[test]
    fn version_is_what_the_object_tells() {
        let version = |text: &str| {
            let tree = Tree::read(text.as_bytes()).unwrap();
            detect_version(tree.root()).map(str::to_owned)
        };
        for (text, expected) in [
            (r#"{"type":"tool","id":"tool--1"}"#, Some("2.0")),
            (r#"{"type":"tool","id":"tool--1","spec_version":"2.1"}"#, Some("2.1")),
            (r#"{"type":"bundle","id":"bundle--1","spec_version":"2.1"}"#, Some("2.0")),
            (r#"{"type":"bundle","id":"bundle--1"}"#, Some("2.1")),
            (r#"{"type":"bundle"}"#, Some("2.0")),
            (
                r#"{"type":"bundle","id":"b","objects":[{"type":"x","spec_version":"2.2"}]}"#,
                Some("2.2"),
            ),
            (r#"{"type":"mutex","id":"mutex--1"}"#, Some("2.1")),
            (r#"{"type":"mutex"}"#, Some("2.0")),
            (r#"{"id":"mutex--1"}"#, None),
        ] {
            assert_eq!(version(text).as_deref(), expected, "{text}");
        }
    }
}
