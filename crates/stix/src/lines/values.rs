//! Operations on single values: `detect-version`, `type-check`, `timestamp`, `hash-check`,
//! `canonicalize`.

use super::{Answer, Failure, Kind, Request, document};
use crate::{
    Class, Constraint, HashAlgorithm, Precision, canonicalize as canonical, format_timestamp,
    tree::Kind as JsonKind,
    types::{self, VERSIONS},
};

/// `{"object"}` gives `version`.
pub(super) fn detect_version(request: &Request<'_>) -> Result<Answer, Failure> {
    let tree = document("object", request.required("object")?)?;
    match types::detect_version(tree.root()) {
        Some(version) => Ok(Answer::new().field("version", version)),
        None => Err(Failure::refused("an object without `type` is of no version")),
    }
}

/// `{"check","value","version"}` gives `value`.
pub(super) fn type_check(request: &Request<'_>) -> Result<Answer, Failure> {
    let class = match request.field::<String>("check")?.as_str() {
        "sdo" => Class::Domain,
        "sco" => Class::Observable,
        "sro" => Class::Relationship,
        "object" => Class::Object,
        "marking" => Class::Marking,
        _ => return Err(Failure::request("`check` is one of: sdo sco sro object marking")),
    };
    let version = request.optional::<String>("version")?.unwrap_or_else(|| "2.1".to_owned());
    if !VERSIONS.contains(&version.as_str()) {
        return Err(Failure::refused("`version` is one of: 2.0 2.1"));
    }
    let tree = document("value", request.required("value")?)?;
    let value = tree.root();
    let found = match (value.as_str(), value.kind()) {
        (Some(text), _) => Some(class.has(types::type_of_id(text), &version)),
        (None, JsonKind::Object) => class.has_object(value, &version),
        _ => return Err(Failure::request("`value` is a type, an id or an object")),
    };
    match found {
        Some(found) => Ok(Answer::new().field("value", &found)),
        None => Err(Failure::refused("an object without `type` is of no class")),
    }
}

/// `{"value","precision","constraint"}` gives `text`.
pub(super) fn timestamp(request: &Request<'_>) -> Result<Answer, Failure> {
    let value: String = request.field("value")?;
    let precision = request.optional::<String>("precision")?;
    let precision: Precision =
        precision.as_deref().unwrap_or("any").parse().map_err(Failure::request)?;
    let constraint = request.optional::<String>("constraint")?;
    let constraint: Constraint =
        constraint.as_deref().unwrap_or("exact").parse().map_err(Failure::request)?;
    match format_timestamp(&value, precision, constraint) {
        Some(text) => Ok(Answer::new().field("text", &text)),
        None => Err(Failure::refused("`value` is no timestamp (2.16)")),
    }
}

/// `{"algorithm","value"}` gives `known`, and `value` for a known one.
pub(super) fn hash_check(request: &Request<'_>) -> Result<Answer, Failure> {
    let name: String = request.field("algorithm")?;
    let value: String = request.field("value")?;
    let algorithm = HashAlgorithm::infer(&name);
    let answer = Answer::new().field("known", &algorithm.is_some());
    Ok(match algorithm {
        Some(algorithm) => answer.field("value", &algorithm.accepts(&value)),
        None => answer,
    })
}

/// `{"value"}` gives `text`: the one operation whose value may be null.
pub(super) fn canonicalize(request: &Request<'_>) -> Result<Answer, Failure> {
    let value = request.present("value").ok_or_else(|| Failure::request("`value` is missing"))?;
    let text = canonical(value.as_bytes()).map_err(|error| {
        let kind = if error.rule.starts_with("LIMIT") { Kind::Limit } else { Kind::Refused };
        Failure::new(kind, error)
    })?;
    Ok(Answer::new().field("text", &text))
}
