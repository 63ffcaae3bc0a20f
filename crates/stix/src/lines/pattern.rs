//! Patterns: `pattern`, `pattern-brackets`, `inspect`, `match`, `pattern-normal`,
//! `pattern-equivalent`.

use serde::Serialize;

use super::{Answer, Failure, Kind, Request, document};
use crate::pattern::{
    CustomCheck, Equivalence, EquivalenceError, Error, Finding, MatchError, Observations, Pattern,
    findings, has_brackets, parse,
};
use crate::tree::{Kind as Json, Value};
use crate::{Level, Spec};

/// `{"pattern","version"}` gives `valid`, `errors`, `warnings`.
pub(super) fn pattern(request: &Request<'_>) -> Result<Answer, Failure> {
    let text: String = request.field("pattern")?;
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    match parse(&text, version(request)?) {
        Err(error) => errors.push(Told::of_error(&error)),
        Ok(pattern) => {
            for finding in findings(&pattern, CustomCheck::ExtensionsUse) {
                let list = if finding.level == Level::Error { &mut errors } else { &mut warnings };
                list.push(Told::of_finding(&finding));
            }
        }
    }
    let answer = Answer::new().field("valid", &errors.is_empty());
    Ok(answer.field("errors", &errors).field("warnings", &warnings))
}

/// A finding about a pattern.
#[derive(Serialize)]
struct Told {
    code: &'static str,
    line: usize,
    /// From 0: so has the interface it.
    column: usize,
    message: String,
    expected: &'static str,
    found: String,
}

impl Told {
    fn of_error(error: &Error) -> Self {
        let Error { rule, line, column, expected, found, .. } = error.clone();
        let column = column.saturating_sub(1);
        Self { code: rule, line, column, message: error.to_string(), expected, found }
    }

    fn of_finding(finding: &Finding) -> Self {
        let Finding { rule, line, column, expected, found, .. } = finding.clone();
        let column = column.saturating_sub(1);
        Self { code: rule, line, column, message: finding.to_string(), expected, found }
    }
}

/// `{"pattern"}` gives `brackets`.
pub(super) fn brackets(request: &Request<'_>) -> Result<Answer, Failure> {
    let text: String = request.field("pattern")?;
    Ok(Answer::new().field("brackets", &has_brackets(&text)))
}

/// `{"pattern","version"}` gives `qualifiers`, `observation_ops`, `comparisons`.
pub(super) fn inspect(request: &Request<'_>) -> Result<Answer, Failure> {
    let text: String = request.field("pattern")?;
    let found = read(&text, version(request)?, Kind::Parse)?.inspect();
    let answer = Answer::new().field("qualifiers", &found.qualifiers);
    let answer = answer.field("observation_ops", &found.observation_operators);
    Ok(answer.field("comparisons", &found.comparisons))
}

/// `{"pattern","version","observations"}` gives `matched`, `observations`.
pub(super) fn matches(request: &Request<'_>) -> Result<Answer, Failure> {
    let text: String = request.field("pattern")?;
    let spec = version(request)?;
    let pattern = read(&text, spec, Kind::Parse)?;
    let tree = document("observations", request.required("observations")?)?;
    if tree.root().kind() != Json::List {
        return Err(Failure::request("`observations` is no list"));
    }
    let matcher = pattern.matcher().map_err(of_match)?;
    check_forms(tree.root(), spec)?;
    let observations = Observations::read(tree.root().items())
        .map_err(|error| Failure::new(Kind::Match, error))?;
    let found = matcher.first(&observations).map_err(of_match)?;
    let answer = Answer::new().field("matched", &found.is_some());
    let mut names: Vec<Name<'_>> = Vec::new();
    for place in found.unwrap_or_default() {
        let name = observations.id(place).map_or(Name::Place(place), Name::Id);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(answer.field("observations", &names))
}

/// An observed-data in an answer: its id or, without one, its place in the request.
#[derive(Serialize, PartialEq)]
#[serde(untagged)]
enum Name<'a> {
    Id(&'a str),
    Place(usize),
}

/// Bundles are the form of 2.1; the other form has a dictionary of objects. Not both in a request.
fn check_forms(list: Value<'_>, spec: Spec) -> Result<(), Failure> {
    let is_bundle = |value: &Value<'_>| {
        value.get("objects").is_some_and(|objects| objects.kind() == Json::List)
    };
    let bundles = list.items().filter(is_bundle).count();
    if spec == Spec::V20 && bundles > 0 {
        return Err(Failure::new(Kind::Match, "bundles are a form of 2.1"));
    }
    let dictionary = |value: Value<'_>| {
        value.get("objects").is_some_and(|objects| objects.kind() == Json::Object)
    };
    if bundles > 0 && list.items().any(dictionary) {
        return Err(Failure::new(Kind::Match, "bundles and dictionaries of objects together"));
    }
    Ok(())
}

fn of_match(error: MatchError) -> Failure {
    let kind = if error == MatchError::Undecided { Kind::Limit } else { Kind::Match };
    Failure::new(kind, error)
}

/// `{"pattern","version"}` gives `pattern`, in canonical form.
pub(super) fn normal(request: &Request<'_>) -> Result<Answer, Failure> {
    let text: String = request.field("pattern")?;
    let pattern = read(&text, version(request)?, Kind::Refused)?;
    if let Some(offset) = pattern.mixed_types() {
        return Err(of_equivalence(EquivalenceError::MixedTypes { offset }));
    }
    Ok(Answer::new().field("pattern", &pattern.to_string()))
}

/// `{"a","b"}` gives `equivalent`; `{"pattern","patterns"}` gives `found`.
pub(super) fn equivalent(request: &Request<'_>) -> Result<Answer, Failure> {
    let spec = version(request)?;
    if let Some(others) = request.optional::<Vec<String>>("patterns")? {
        let text: String = request.field("pattern")?;
        let mut searched = normal_form(&text, spec)?;
        let mut found = Vec::new();
        for other in others {
            let pattern = read(&other, spec, Kind::Refused)?;
            if searched.holds(&pattern).map_err(of_equivalence)? {
                found.push(other);
            }
        }
        return Ok(Answer::new().field("found", &found));
    }
    let (a, b): (String, String) = (request.field("a")?, request.field("b")?);
    let other = read(&b, spec, Kind::Refused)?;
    let holds = normal_form(&a, spec)?.holds(&other).map_err(of_equivalence)?;
    Ok(Answer::new().field("equivalent", &holds))
}

fn normal_form(text: &str, spec: Spec) -> Result<Equivalence, Failure> {
    Equivalence::new(&read(text, spec, Kind::Refused)?).map_err(of_equivalence)
}

fn of_equivalence(error: EquivalenceError) -> Failure {
    let kind = match error {
        EquivalenceError::MixedTypes { .. } => Kind::Refused,
        EquivalenceError::TooLarge => Kind::Limit,
    };
    Failure::new(kind, error)
}

fn read(text: &str, spec: Spec, kind: Kind) -> Result<Pattern<'_>, Failure> {
    parse(text, spec).map_err(|error| {
        let kind = if error.rule.starts_with("LIMIT") { Kind::Limit } else { kind };
        Failure::new(kind, error)
    })
}

fn version(request: &Request<'_>) -> Result<Spec, Failure> {
    match request.optional::<String>("version")?.as_deref() {
        None | Some("2.1") => Ok(Spec::V21),
        Some("2.0") => Ok(Spec::V20),
        Some(_) => Err(Failure::request("`version` is 2.0 or 2.1")),
    }
}
