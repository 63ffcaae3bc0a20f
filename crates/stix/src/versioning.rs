//! New versions of an object, its revocation, and an object without its custom properties.
//!
//! What is not changed stays as it was written. The clock is handed in.

use crate::{
    Constraint, Edit, compare_timestamps, format_timestamp, model,
    precision::{Precision, later},
    tree::{Kind, Value},
    types::{self, Class},
};

/// Why there is no new version. All of these are the caller's fault; none goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No JSON object, or one without `type`.
    #[error("only an object with a `type` has versions")]
    NotObject,
    /// Objects of this type have none.
    #[error("objects of type `{0}` have no versions (3.6)")]
    Unversioned(String),
    /// There is no `created`.
    #[error("without `created` there are no versions (3.6)")]
    NotCreated,
    /// The object is revoked.
    #[error("the object is revoked, and that is final (3.6)")]
    Revoked,
    /// A property that all versions share.
    #[error("`{0}` is the same in all versions (3.6)")]
    Constant(String),
    /// An id that is none, where its kind matters.
    #[error("`id` is no identifier (2.9)")]
    Id,
    /// A version's time that is no timestamp.
    #[error("`{0}` is no timestamp (2.16)")]
    Timestamp(&'static str),
    /// `modified` does not come after the object's own.
    #[error("`modified` must be later than before (3.6)")]
    NotLater,
}

/// The properties that hold a version; with all of them an object of any type has versions.
const VERSION: [&str; 3] = ["created", "modified", "revoked"];
const CONSTANT: [&str; 4] = ["created", "created_by_ref", "id", "type"];

/// A new version: `changes` are names and JSON texts, `null` removes a property. `modified` is the
/// changes' own or `now`, pushed to the moment after the object's own where `now` is not later.
///
/// ```
/// let text = br#"{"type":"x-lamp","created":"2031-05-04T10:00:00.000Z"}"#;
/// let tree = stix::tree::Tree::read(text).unwrap();
/// let new = stix::new_version(tree.root(), &[("lit", "true")], "2031-05-04T11:00:00Z").unwrap();
/// assert!(new.ends_with(r#""lit":true,"modified":"2031-05-04T11:00:00.000Z"}"#));
/// ```
///
/// *Source*: STIX 2.1 section 3.6.
pub fn new_version(
    object: Value<'_>,
    changes: &[(&str, &str)],
    now: &str,
) -> Result<String, Error> {
    let version = check_versioned(object)?;
    check_changes(object, changes)?;
    let constraint = if version == "2.0" { Constraint::Exact } else { Constraint::Min };
    let old = truthy_get(object, "modified").or_else(|| object.get("created"));
    let old = old.and_then(Value::as_str).ok_or(Error::Timestamp("modified"))?;
    let mut edit = Edit::of(object);
    for (name, json) in changes {
        edit.set(name, *json);
    }
    match changes.iter().find(|(name, _)| *name == "modified") {
        Some((_, json)) => check_later(old, json, constraint)?,
        None => {
            let next = later(old, now, constraint).ok_or(Error::Timestamp("modified"))?;
            edit.set_string("modified", &next);
        }
    }
    Ok(edit.print())
}

/// The object revoked.
///
/// *Source*: STIX 2.1 section 3.6.2.
pub fn revoke(object: Value<'_>, now: &str) -> Result<String, Error> {
    if object.kind() != Kind::Object {
        return Err(Error::NotObject);
    }
    new_version(object, &[("revoked", "true")], now)
}

/// A new version without its top-level properties that begin with `x_`; as it is when there are
/// none; nothing of an object whose type begins with `x-`.
///
/// *Source*: STIX 2.1 section 11.
pub fn remove_custom(object: Value<'_>, now: &str) -> Result<Option<String>, Error> {
    let type_ = object.get("type").and_then(Value::as_str).ok_or(Error::NotObject)?;
    if type_.starts_with("x-") {
        return Ok(None);
    }
    let custom = object.members().map(|(name, _)| name).filter(|name| name.starts_with("x_"));
    let changes: Vec<_> = custom.map(|name| (name, "null")).collect();
    if changes.is_empty() {
        return Ok(Some(object.source().to_owned()));
    }
    new_version(object, &changes, now).map(Some)
}

/// The edition of an object that can have a new version.
fn check_versioned(object: Value<'_>) -> Result<&str, Error> {
    let version = types::detect_version(object).ok_or(Error::NotObject)?;
    if !VERSION.iter().all(|name| object.get(name).is_some()) {
        let type_ = object.get("type").and_then(Value::as_str).unwrap_or_default();
        let known = types::family(type_, version).and_then(|_| model::type_of(type_));
        if known.is_some_and(|known| !known.is_versioned()) {
            return Err(Error::Unversioned(type_.to_owned()));
        }
        if object.get("created").is_none_or(|created| created.kind() == Kind::Null) {
            return Err(Error::NotCreated);
        }
    }
    if truthy_get(object, "revoked").is_some() {
        return Err(Error::Revoked);
    }
    Ok(version)
}

/// The value of a property unless it is false, zero or empty: what counts as not there.
fn truthy_get<'t>(object: Value<'t>, name: &str) -> Option<Value<'t>> {
    object.get(name).filter(|value| match value.kind() {
        Kind::Null => false,
        Kind::Bool => value.as_bool() == Some(true),
        Kind::Number => value.as_f64() != Some(0.0),
        Kind::String => value.as_str() != Some(""),
        Kind::List | Kind::Object => !value.is_empty(),
    })
}

/// No change touches what all versions share; of an object with a deterministic id neither what
/// that id was made of.
fn check_changes(object: Value<'_>, changes: &[(&str, &str)]) -> Result<(), Error> {
    let mut constant = CONSTANT.to_vec();
    if Class::Observable.has_object(object, "2.1") == Some(true) {
        let id = object.get("id").and_then(Value::as_str).ok_or(Error::Id)?;
        let uuid = id.len().checked_sub(36).and_then(|at| id.get(at..)).ok_or(Error::Id)?;
        let uuid = uuid::Uuid::try_parse(uuid).map_err(|_| Error::Id)?;
        let type_ = object.get("type").and_then(Value::as_str).unwrap_or_default();
        if uuid.get_version_num() == 5 && uuid.get_variant() == uuid::Variant::RFC4122 {
            constant.extend(model::type_of(type_).into_iter().flat_map(|known| known.contributing));
        }
    }
    match changes.iter().find(|(name, _)| constant.contains(name)) {
        Some((name, _)) => Err(Error::Constant((*name).to_owned())),
        None => Ok(()),
    }
}

/// The `modified` of the changes comes after the object's own, at the precision of the edition.
fn check_later(old: &str, json: &str, constraint: Constraint) -> Result<(), Error> {
    let new: String = serde_json::from_str(json).map_err(|_| Error::Timestamp("modified"))?;
    let at = |text: &str| {
        format_timestamp(text, Precision::Millisecond, constraint)
            .ok_or(Error::Timestamp("modified"))
    };
    if compare_timestamps(&at(&new)?, &at(old)?).is_gt() { Ok(()) } else { Err(Error::NotLater) }
}

#[cfg(test)]
mod tests;
