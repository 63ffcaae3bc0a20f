//! Operations on objects: `parse`, `make-id`, `new-version`, `revoke`, `remove-custom`.

use serde::Deserialize;

use super::{Answer, Failure, Request, document, fatal};
use crate::{
    Constraint, Precision, deterministic_id,
    edit::compact,
    format_timestamp,
    parse::{self, Options, Reading},
    tree::{Kind, Tree, Value},
    types, versioning,
};

/// `{"text","allow_custom","version","accept"}` gives `object`.
pub(super) fn parse(request: &Request<'_>) -> Result<Answer, Failure> {
    let text: String = request.field("text")?;
    let allow_custom = request.optional("allow_custom")?.unwrap_or(false);
    let version: Option<String> = request.optional("version")?;
    let any = request.optional::<String>("accept")?.is_some_and(|accept| accept == "any");
    let tree = Tree::read(text.as_bytes())
        .map_err(|faults| fatal(&faults).unwrap_or_else(|| Failure::refused("no JSON")))?;
    if let Some(failure) = fatal(tree.faults()) {
        return Err(failure);
    }
    let object = tree.root();
    if any {
        if object.get("type").is_none() {
            return Err(Failure::refused("a JSON object with a `type` is expected"));
        }
    } else {
        let options = Options { allow_custom, version: version.as_deref() };
        parse::parse(object, options).map_err(Failure::refused)?;
    }
    Ok(Answer::new().raw("object", &compact(object)))
}

/// `{"object","contributing"}` gives `object_id`.
pub(super) fn make_id(request: &Request<'_>) -> Result<Answer, Failure> {
    let tree = document("object", request.required("object")?)?;
    let named: Option<Vec<String>> = request.optional("contributing")?;
    let named: Option<Vec<&str>> =
        named.as_ref().map(|names| names.iter().map(String::as_str).collect());
    let id = deterministic_id(tree.root(), named.as_deref()).map_err(Failure::refused)?;
    Ok(Answer::new().field("object_id", &id))
}

/// `{"object","changes","typed","allow_custom"}` gives `object`.
pub(super) fn new_version(request: &Request<'_>, now: &str) -> Result<Answer, Failure> {
    let tree = document("object", request.required("object")?)?;
    let changes = document("changes", request.raw("changes").unwrap_or("{}"))?;
    if changes.root().kind() != Kind::Object {
        return Err(Failure::request("`changes` is an object"));
    }
    let typed = Typed::read(request, tree.root(), None)?;
    let is_typed = typed.0.is_some();
    let modified = changes.root().get("modified").and_then(Value::as_str);
    let modified = modified.filter(|_| is_typed);
    // A typed object prints `modified` at the precision that it must have.
    let modified = modified.and_then(|text| precise(tree.root(), text));
    let changes: Vec<_> = changes
        .root()
        .members()
        // An object read as its type has its edition, whatever is taken away.
        .filter(|(name, value)| {
            !(is_typed && *name == "spec_version" && !parse::is_present(*value))
        })
        .map(|(name, value)| match &modified {
            Some(text) if name == "modified" => (name, text.as_str()),
            _ => (name, value.source()),
        })
        .collect();
    let new = versioning::new_version(tree.root(), &changes, now).map_err(Failure::refused)?;
    typed.answer(new)
}

/// A version's time in quotes, at least, in STIX 2.0 exactly, to the millisecond.
fn precise(object: Value<'_>, text: &str) -> Option<String> {
    let is_20 = types::detect_version(object) == Some("2.0");
    let constraint = if is_20 { Constraint::Exact } else { Constraint::Min };
    format_timestamp(text, Precision::Millisecond, constraint).map(|text| format!("\"{text}\""))
}

/// `{"object","typed"}` gives `object`.
pub(super) fn revoke(request: &Request<'_>, now: &str) -> Result<Answer, Failure> {
    let tree = document("object", request.required("object")?)?;
    let typed = Typed::read(request, tree.root(), None)?;
    typed.answer(versioning::revoke(tree.root(), now).map_err(Failure::refused)?)
}

/// `{"object","typed"}` gives `object`, null for a custom one.
pub(super) fn remove_custom(request: &Request<'_>, now: &str) -> Result<Answer, Failure> {
    let tree = document("object", request.required("object")?)?;
    let left = versioning::remove_custom(tree.root(), now).map_err(Failure::refused)?;
    match left {
        None => Ok(Answer::new().raw("object", "null")),
        // Unchanged: nothing was made that could fail to be of its type.
        Some(same) if same == tree.root().source() => Ok(Answer::new().raw("object", &same)),
        Some(new) => Typed::read(request, tree.root(), Some(false))?.answer(new),
    }
}

/// Whether what an operation makes must be readable as its type, and with which custom content.
pub(super) struct Typed(Option<Reading>);

#[derive(Deserialize)]
#[serde(transparent)]
struct Flag(bool);

impl Typed {
    /// `typed` (true) asks for it, where the object itself can be read as a known type.
    /// `allow_custom` is as the operation has it, else as asked, else whether the object has some.
    pub(super) fn read(
        request: &Request<'_>,
        object: Value<'_>,
        allow_custom: Option<bool>,
    ) -> Result<Self, Failure> {
        let typed = request.optional::<Flag>("typed")?.is_none_or(|flag| flag.0);
        let asked = request.optional::<Flag>("allow_custom")?.map(|flag| flag.0);
        let mut reading = Reading::of(object).filter(|_| typed);
        if let (Some(reading), Some(allowed)) = (&mut reading, allow_custom.or(asked)) {
            reading.allow_custom = allowed;
        }
        Ok(Self(reading))
    }

    /// The answer with a new object.
    pub(super) fn answer(self, new: String) -> Result<Answer, Failure> {
        if let Self(Some(reading)) = self {
            let tree = document("object", &new)?;
            reading.check(tree.root()).map_err(Failure::refused)?;
        }
        Ok(Answer::new().raw("object", &new))
    }
}
