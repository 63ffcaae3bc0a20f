//! `detente stix lines`: one JSON request in, one JSON answer out, for programs in any language.
//!
//! [`answer`] is pure: it reads a line, runs one operation of this crate and writes a line; the
//! clock is handed in. Each operation lies in the room beneath that knows it. Reading lines,
//! flushing and the longest line are the business of the program.
//!
//! *Source*: the lines specification, section `detente stix lines`.

use std::{
    borrow::Cow,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    jcs::is_fatal,
    tree::{Fault, Tree},
    validate::LoadSchemas,
};

mod confidence;
mod filter;
mod markings;
mod objects;
mod pattern;
mod validate;
mod values;

/// The present, as a timestamp: taken only by operations that date something.
pub type Clock<'a> = &'a dyn Fn() -> String;

/// Answers one line, without a line's end: never an error, never a panic. Users' schemas, which
/// `validate` may ask for, are read by a program that can read files: [`answer_with`].
pub fn answer(line: &[u8], now: Clock<'_>) -> Vec<u8> {
    answer_with(line, now, &|_| Err("no folders are read here".to_owned()))
}

/// Answers one line; `load` reads the schemas of a folder.
pub fn answer_with(line: &[u8], now: Clock<'_>, load: LoadSchemas<'_>) -> Vec<u8> {
    let request = match Request::parse(line) {
        Ok(request) => request,
        Err(failure) => return failure.print("null"),
    };
    let id = request.raw("id").unwrap_or("null");
    let Some(op) = request.optional::<Cow<'_, str>>("op").ok().flatten() else {
        return Failure::request("`op` is missing").print(id);
    };
    // A panic is a bug of ours; the caller has other lines to ask, and hears whose fault it was.
    let ran = catch_unwind(AssertUnwindSafe(|| run(&op, &request, now, load)));
    match ran {
        Ok(Some(Ok(answer))) => answer.print(id),
        Ok(Some(Err(failure))) => failure.print(id),
        Ok(None) => Answer::new().field("unsupported", &op).print(id),
        Err(_) => Failure::new(Kind::Internal, "the operation failed").print(id),
    }
}

/// Runs an operation; none when there is no such one.
fn run(
    op: &str,
    request: &Request<'_>,
    now: Clock<'_>,
    load: LoadSchemas<'_>,
) -> Option<Result<Answer, Failure>> {
    Some(match op {
        "validate" => validate::validate(request, load),
        "parse" => objects::parse(request),
        "make-id" => objects::make_id(request),
        "canonicalize" => values::canonicalize(request),
        "new-version" => objects::new_version(request, &now()),
        "revoke" => objects::revoke(request, &now()),
        "remove-custom" => objects::remove_custom(request, &now()),
        "markings" => markings::markings(request, &now()),
        "confidence" => confidence::confidence(request),
        "detect-version" => values::detect_version(request),
        "type-check" => values::type_check(request),
        "timestamp" => values::timestamp(request),
        "hash-check" => values::hash_check(request),
        "filter" => filter::filter(request),
        "pattern" => pattern::pattern(request),
        "pattern-brackets" => pattern::brackets(request),
        "inspect" => pattern::inspect(request),
        "match" => pattern::matches(request),
        "pattern-normal" => pattern::normal(request),
        "pattern-equivalent" => pattern::equivalent(request),
        _ => return None,
    })
}

/// What kind of failure an answer reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No JSON object, no `op`, a field missing or of the wrong type.
    Request,
    /// A text that is no JSON.
    Json,
    /// JSON that holds no object to judge.
    Input,
    /// No such check.
    Options,
    /// A pattern that does not parse.
    Parse,
    /// Observations that cannot be matched.
    Match,
    /// Understood, and forbidden by the standard.
    Refused,
    /// Beyond a limit.
    Limit,
    /// A bug of ours.
    Internal,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Json => "json",
            Self::Input => "input",
            Self::Options => "options",
            Self::Parse => "parse",
            Self::Match => "match",
            Self::Refused => "refused",
            Self::Limit => "limit",
            Self::Internal => "internal",
        }
    }
}

/// Why an operation has no result.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl ToString) -> Self {
        Self { kind, message: message.to_string() }
    }

    pub(crate) fn request(message: impl ToString) -> Self {
        Self::new(Kind::Request, message)
    }

    pub(crate) fn refused(message: impl ToString) -> Self {
        Self::new(Kind::Refused, message)
    }

    fn print(&self, id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Error<'a> {
            kind: &'a str,
            message: &'a str,
        }
        let error = Error { kind: self.kind.word(), message: &self.message };
        Answer::new().field("error", &error).print(id)
    }
}

/// A request: its fields as they stand, read when an operation asks for them.
pub(crate) struct Request<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

/// A key, borrowed where it has no escapes.
#[derive(Deserialize, PartialEq, Eq, Hash)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Request<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, Failure> {
        let fields: HashMap<Key<'a>, &'a RawValue> = serde_json::from_slice(line)
            .map_err(|error| Failure::request(format!("a JSON object is expected: {error}")))?;
        Ok(Self(fields.into_iter().map(|(key, value)| (key.0, value)).collect()))
    }

    /// A field as it stands, null too.
    pub(crate) fn present(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|value| value.get())
    }

    /// A field as it stands; null means absent.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        self.present(name).filter(|text| *text != "null")
    }

    /// A field as it stands.
    pub(crate) fn required(&self, name: &str) -> Result<&'a str, Failure> {
        self.raw(name).ok_or_else(|| Failure::request(format!("`{name}` is missing")))
    }

    /// A field that may be absent, read as its type.
    pub(crate) fn optional<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, Failure> {
        self.raw(name).map(|text| read(name, text)).transpose()
    }

    /// A field that must be there, read as its type.
    pub(crate) fn field<T: Deserialize<'a>>(&self, name: &str) -> Result<T, Failure> {
        read(name, self.required(name)?)
    }
}

fn read<'a, T: Deserialize<'a>>(name: &str, text: &'a str) -> Result<T, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::request(format!("`{name}` is of the wrong type: {error}")))
}

/// A field that holds a document of its own, read into a tree.
pub(crate) fn document<'a>(name: &str, text: &'a str) -> Result<Tree<'a>, Failure> {
    let tree = Tree::read(text.as_bytes()).map_err(|faults| {
        fatal(&faults).unwrap_or_else(|| Failure::request(format!("`{name}` is no JSON")))
    })?;
    match fatal(tree.faults()) {
        Some(failure) => Err(failure),
        None => Ok(tree),
    }
}

/// The failure that the first fault makes which takes the meaning from a text.
pub(crate) fn fatal(faults: &[Fault]) -> Option<Failure> {
    let fault = faults.iter().find(|fault| is_fatal(fault.rule))?;
    let kind = if fault.rule.starts_with("LIMIT") { Kind::Limit } else { Kind::Refused };
    Some(Failure::new(kind, fault))
}

/// An answer: a JSON object, written field by field.
pub(crate) struct Answer(String);

impl Answer {
    pub(crate) fn new() -> Self {
        Self(String::new())
    }

    /// Adds a field.
    pub(crate) fn field(self, name: &str, value: &(impl Serialize + ?Sized)) -> Self {
        // INVARIANT: what is serialised here has text keys and cannot fail.
        let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
        self.raw(name, &text)
    }

    /// Adds a field whose JSON is at hand.
    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        self.0.push_str(",\"");
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(json);
        self
    }

    fn print(self, id: &str) -> Vec<u8> {
        format!("{{\"id\":{id}{}}}", self.0).into_bytes()
    }
}

#[cfg(test)]
mod tests;
