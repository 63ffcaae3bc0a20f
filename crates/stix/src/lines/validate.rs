//! `validate`: the findings of a document, for programs in other languages.

use serde::{Deserialize, Serialize};

use super::{Answer, Failure, Kind, Request};
use crate::{
    Finding, Level, LineColumns, Options, Spec,
    validate::{Checks, LoadSchemas, Outcome, Schemas, validate_each},
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    version: Option<String>,
    strict: Option<bool>,
    disabled: Option<Names>,
    enabled: Option<Names>,
    strict_types: Option<bool>,
    strict_properties: Option<bool>,
    enforce_refs: Option<bool>,
    interop: Option<bool>,
    schema_dir: Option<String>,
}

/// Checks by number or name: a list, or one text with commas.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    List(Vec<Name>),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Number(u16),
}

impl Names {
    fn texts(names: Option<Self>) -> Vec<String> {
        let texts = match names {
            None => Vec::new(),
            Some(Self::Text(text)) => text.split(',').map(|name| name.trim().to_owned()).collect(),
            Some(Self::List(names)) => names
                .into_iter()
                .map(|name| match name {
                    Name::Text(text) => text,
                    Name::Number(number) => number.to_string(),
                })
                .collect(),
        };
        texts.into_iter().filter(|name| !name.is_empty()).collect()
    }
}

/// Validates a text.
pub(super) fn validate(request: &Request<'_>, load: LoadSchemas<'_>) -> Result<Answer, Failure> {
    let text: String = request.field("text")?;
    let asked: Asked = request.optional("options")?.unwrap_or_default();
    let schemas = match &asked.schema_dir {
        Some(folder) => Some(load(folder).map_err(|problem| Failure::new(Kind::Options, problem))?),
        None => None,
    };
    let options = options(asked, schemas.as_deref())?;
    let results = judge(&text, &options)?;
    let is_list = text.trim_start().starts_with('[');
    if is_list {
        return Ok(Answer::new().field("results", &results));
    }
    let Some(result) = results.into_iter().next() else {
        return Err(Failure::new(Kind::Input, "there is no object"));
    };
    Ok(Answer::new()
        .field("valid", &result.valid)
        .field("errors", &result.errors)
        .field("warnings", &result.warnings)
        .field("notes", &result.notes)
        .field("object_id", &result.object_id))
}

fn options<'a>(asked: Asked, schemas: Option<&'a dyn Schemas>) -> Result<Options<'a>, Failure> {
    let version = match asked.version.as_deref() {
        None => None,
        Some("2.0") => Some(Spec::V20),
        Some("2.1") => Some(Spec::V21),
        Some(_) => return Err(Failure::new(Kind::Options, "`version` is 2.0 or 2.1")),
    };
    let (disabled, enabled) = (Names::texts(asked.disabled), Names::texts(asked.enabled));
    let disabled: Vec<&str> = disabled.iter().map(String::as_str).collect();
    let enabled: Vec<&str> = enabled.iter().map(String::as_str).collect();
    let checks = Checks::select(&disabled, &enabled)
        .map_err(|unknown| Failure::new(Kind::Options, unknown))?;
    let is = |option: Option<bool>| option.unwrap_or_default();
    Ok(Options {
        version,
        checks,
        strict: is(asked.strict),
        strict_types: is(asked.strict_types),
        strict_properties: is(asked.strict_properties),
        enforce_refs: is(asked.enforce_refs),
        interop: is(asked.interop),
        schemas,
    })
}

#[derive(Serialize)]
struct Judged {
    valid: bool,
    errors: Vec<Found>,
    warnings: Vec<Found>,
    notes: Vec<Found>,
    object_id: Option<String>,
}

/// One finding as lines print it.
#[derive(Serialize)]
struct Found {
    code: &'static str,
    message: String,
    rule: &'static str,
    path: String,
    line: usize,
    column: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    found: String,
    expected: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    clause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<&'static str>,
}

fn judge(text: &str, options: &Options<'_>) -> Result<Vec<Judged>, Failure> {
    let findings = std::cell::RefCell::new(Vec::new());
    let mut places = LineColumns::new(text.as_bytes());
    let mut results = Vec::new();
    let mut failure = None;
    validate_each(
        text.as_bytes(),
        options,
        &mut |finding| findings.borrow_mut().push(found(finding, &mut places)),
        &mut |outcome| {
            failure = failure.take().or_else(|| unreadable(&outcome));
            results.push(judged(outcome, findings.take()));
        },
    );
    failure.map_or(Ok(results), Err)
}

fn unreadable(outcome: &Outcome) -> Option<Failure> {
    let kind = |problem| if problem == "not JSON" { Kind::Json } else { Kind::Input };
    outcome.unreadable.map(|problem| Failure::new(kind(problem), problem))
}

fn judged(outcome: Outcome, findings: Vec<(Level, Found)>) -> Judged {
    let mut result = Judged {
        valid: outcome.report.is_valid(),
        errors: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        object_id: outcome.id,
    };
    for (level, found) in findings {
        match level {
            Level::Error => result.errors.push(found),
            Level::Warning => result.warnings.push(found),
            Level::Note => result.notes.push(found),
        }
    }
    result
}

fn found(finding: &Finding, places: &mut LineColumns<'_>) -> (Level, Found) {
    let (line, column) = places.at(finding.offset);
    let found = Found {
        code: finding.code(),
        message: finding.message(),
        rule: finding.rule,
        line,
        column,
        expected: finding.expected.to_string(),
        clause: finding.clause,
        property: finding.property().map(str::to_owned),
        other: finding.other(),
        path: finding.pointer.clone(),
        found: finding.found.clone(),
    };
    (finding.level, found)
}

#[cfg(test)]
mod tests {
    use crate::lines::answer;

    fn ask(text: &str, options: &str) -> serde_json::Value {
        let text = serde_json::to_string(text).unwrap();
        let line = format!(r#"{{"id":1,"op":"validate","text":{text},"options":{options}}}"#);
        let answer = answer(line.as_bytes(), &|| "2031-05-04T10:00:00.000Z".to_owned());
        serde_json::from_slice(&answer).unwrap()
    }

    const NAMELESS: &str = r#"{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"}"#;

    #[test]
    fn validate_answers_as_the_lines_specification_shows() {
        let answer = ask(NAMELESS, "{}");
        assert_eq!(answer["valid"], false);
        assert_eq!(answer["errors"][0]["code"], "required");
        assert_eq!(answer["errors"][0]["property"], "name");
        assert_eq!(answer["errors"][0]["line"], 1);
        assert_eq!(answer["object_id"], "mutex--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921");
        assert!(answer["warnings"].as_array().unwrap().is_empty());
    }

    #[test]
    fn validate_of_a_list_answers_for_each() {
        let answer =
            ask(&format!("[{NAMELESS},{}]", NAMELESS.replace('}', ",\"name\":\"a\"}")), "{}");
        let results = answer["results"].as_array().unwrap();
        assert_eq!((&results[0]["valid"], &results[1]["valid"]), (&false.into(), &true.into()));
    }

    #[test]
    fn validate_tells_what_cannot_be_judged() {
        for (text, kind) in [
            ("{", "json"),
            ("17", "input"),
            (r#"{"type":"mutex"}"#, "input"),
            (r#"{"id":"mutex--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"}"#, "input"),
            (
                r#"{"type":"bundle","id":"bundle--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921","objects":[{}]}"#,
                "input",
            ),
        ] {
            assert_eq!(ask(text, "{}")["error"]["kind"], kind, "{text}");
        }
        assert_eq!(ask(NAMELESS, r#"{"enabled":["lamp"]}"#)["error"]["kind"], "options");
        assert_eq!(ask(NAMELESS, r#"{"disabled":["lamp"]}"#)["valid"], false);
        assert_eq!(ask(NAMELESS, r#"{"version":"3"}"#)["error"]["kind"], "options");
    }

    #[test]
    fn validate_says_by_code_what_custom_content_and_times_lack() {
        let tool = r#"{"type":"campaign","id":"campaign--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921",
            "spec_version":"2.1","created":"2031-05-04T10:00:00.000Z","name":"lamp","hue":"red",
            "modified":"2031-05-04T10:00:00.000Z","first_seen":"2031-05-04T10:00:00Z",
            "last_seen":"2031-05-03T10:00:00Z"}"#;
        let answer = ask(tool, "{}");
        assert_eq!(answer["errors"][0]["code"], "timestamp-compare");
        assert_eq!(answer["errors"][0]["property"], "last_seen");
        assert_eq!(answer["errors"][0]["other"], "first_seen");
        assert_eq!(answer["warnings"][0]["code"], "extensions-use");
        assert_eq!(answer["warnings"][0]["property"], "hue");
    }
}
