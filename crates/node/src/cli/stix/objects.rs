//! `canonicalize`, `id`, `new-version`, `revoke`.

use std::{collections::HashSet, io::Write, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use stix::{
    model::Family,
    parse::Reading,
    tree::{Tree, Value},
};

use super::input;
use crate::{
    cli::exit::{Fault, Kind},
    desk,
};

/// A file.
#[derive(Args)]
pub(in crate::cli) struct FileArgs {
    /// A JSON document; `-` is standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
}

/// One object of a file.
#[derive(Args)]
pub(in crate::cli) struct ObjectArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Which object, where there are several; of its versions the latest.
    #[arg(long)]
    id: Option<String>,
}

#[derive(Args)]
pub(in crate::cli) struct IdArgs {
    #[command(flatten)]
    file: FileArgs,
    /// A contributing property, instead of those of the type; may be repeated.
    #[arg(long, value_name = "NAME")]
    contributing: Vec<String>,
}

#[derive(Args)]
pub(in crate::cli) struct VersionArgs {
    #[command(flatten)]
    object: ObjectArgs,
    /// A property and its value, JSON or a bare text; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// A property to leave out; may be repeated.
    #[arg(long, value_name = "NAME")]
    remove: Vec<String>,
    /// Allow what the standard does not define in an object that has nothing of the kind yet.
    #[arg(long)]
    allow_custom: bool,
}

pub(super) fn canonicalize(args: &FileArgs, out: &mut impl Write) -> Result<ExitCode> {
    let bytes = input::read(&args.file)?;
    let text = stix::canonicalize(&bytes).map_err(|error| {
        let (line, column) = stix::line_column(&bytes, error.offset);
        let place = format!("line {line}, column {column}: {}", error.problem);
        Fault::new(Kind::Malformed, error.rule, place, "RFC 8785 gives it no canonical form")
    })?;
    writeln!(out, "{text}")?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn id(args: &IdArgs, as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let bytes = input::read(&args.file.file)?;
    let tree = input::tree(&bytes, &args.file.file)?;
    let named: Vec<&str> = args.contributing.iter().map(String::as_str).collect();
    let named = (!named.is_empty()).then_some(named.as_slice());
    let mut rows = Vec::new();
    let mut all_agree = true;
    // Other objects have no deterministic id, unless the caller says what it is made of.
    let has_one = |object: &Value<'_>| {
        let type_ = stix::model::type_of(input::text(*object, "type"));
        named.is_some() || type_.is_some_and(|type_| type_.family == Family::Sco)
    };
    for object in input::objects(&tree).into_iter().filter(has_one) {
        let row = Row::of(object, named);
        all_agree &= row.verdict != "differs";
        rows.push(row);
    }
    if as_json {
        let rows: Vec<_> = rows.iter().map(Row::json).collect();
        writeln!(out, "{}", serde_json::Value::from(rows))?;
    } else {
        if rows.is_empty() {
            writeln!(out, "no observable objects: only they have deterministic ids")?;
        }
        for row in rows {
            writeln!(out, "{}", row.line())?;
        }
    }
    Ok(if all_agree { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What an object's deterministic id comes to.
struct Row {
    id: String,
    made: Option<String>,
    verdict: &'static str,
    problem: String,
}

impl Row {
    fn of(object: Value<'_>, contributing: Option<&[&str]>) -> Self {
        let id = input::shown(input::text(object, "id"));
        let (made, problem) = match stix::deterministic_id(object, contributing) {
            Ok(made) => (made, String::new()),
            Err(stix::IdError::NotObservable) => (None, String::new()),
            Err(error) => (None, error.to_string()),
        };
        let is_random = id.rsplit_once("--").and_then(|(_, uuid)| uuid.get(14..15)) != Some("5");
        let verdict = match &made {
            _ if !problem.is_empty() => "unreadable",
            None => "not deterministic",
            Some(_) if id.is_empty() => "made",
            Some(made) if *made == id => "agrees",
            Some(_) if is_random => "random",
            Some(_) => "differs",
        };
        Self { id, made, verdict, problem }
    }

    fn json(&self) -> serde_json::Value {
        json!({ "id": self.id, "made": self.made, "verdict": self.verdict, "problem": self.problem })
    }

    fn line(&self) -> String {
        let made = self.made.as_deref().unwrap_or(&self.problem);
        let line = format!("{:<17} {} {made}", self.verdict, self.id);
        line.trim_end().to_owned()
    }
}

pub(super) fn new_version(args: &VersionArgs, out: &mut impl Write) -> Result<ExitCode> {
    let bytes = input::read(&args.object.file.file)?;
    let tree = input::tree(&bytes, &args.object.file.file)?;
    let object = input::one(&tree, args.object.id.as_deref())?;
    let changes = changes_of(args, object)?;
    let changes: Vec<_> =
        changes.iter().map(|(name, json)| (name.as_str(), json.as_str())).collect();
    let now = desk::now().to_string();
    let new = stix::new_version(object, &changes, &now).map_err(input::unversioned)?;
    check_reads(&new, object, args.allow_custom)?;
    writeln!(out, "{new}")?;
    Ok(ExitCode::SUCCESS)
}

/// The changes that are asked for, each of another property.
fn changes_of(args: &VersionArgs, object: Value<'_>) -> Result<Vec<(String, String)>> {
    let mut changes = Vec::new();
    for change in &args.set {
        changes.push(parse_change(change)?);
    }
    for name in &args.remove {
        if object.get(name).is_none() {
            let title = format!("the object has no `{}`", input::shown(name));
            let remedy = "only what stands there can be removed";
            return Err(Fault::new(Kind::NotFound, "", title, remedy).into());
        }
        changes.push((name.clone(), "null".to_owned()));
    }
    let mut names = HashSet::new();
    match changes.iter().find(|(name, _)| !names.insert(name)) {
        Some((name, _)) => {
            let title = format!("`{}` is to change twice", input::shown(name));
            Err(Fault::new(Kind::Malformed, "", title, "name each property once").into())
        }
        None => Ok(changes),
    }
}

/// An object that reads as its type still does when it is changed.
fn check_reads(new: &str, old: Value<'_>, allow_custom: bool) -> Result<()> {
    let Some(mut reading) = Reading::of(old) else { return Ok(()) };
    reading.allow_custom |= allow_custom;
    let tree = Tree::read(new.as_bytes()).map_err(|faults| {
        let problem = faults.last().map_or("no JSON", |fault| fault.problem);
        input::refused(problem, "write values of JSON")
    })?;
    if stix::detect_version(tree.root()) != stix::detect_version(old) {
        let title = "the new version would be of another edition of STIX";
        return Err(input::refused(title, "leave `spec_version` as it is"));
    }
    let type_ = input::shown(input::text(old, "type"));
    reading.check(tree.root()).map_err(|error| {
        let title = format!("the new version would be no {type_}: {error}");
        let remedy = "give each property a value of its type; --allow-custom allows what the \
            standard does not define";
        input::refused(title, remedy)
    })
}

/// `NAME=VALUE`: the value as JSON, or as a text where it is no JSON.
fn parse_change(change: &str) -> Result<(String, String)> {
    let Some((name, value)) = change.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        let title = format!("`{}` sets nothing", input::shown(change));
        return Err(Fault::new(Kind::Malformed, "", title, "write --set NAME=VALUE").into());
    };
    let json = match serde_json::from_str::<serde::de::IgnoredAny>(value) {
        Ok(_) => value.to_owned(),
        Err(_) => serde_json::Value::from(value).to_string(),
    };
    Ok((name.to_owned(), json))
}

pub(super) fn revoke(args: &ObjectArgs, out: &mut impl Write) -> Result<ExitCode> {
    let bytes = input::read(&args.file.file)?;
    let tree = input::tree(&bytes, &args.file.file)?;
    let object = input::one(&tree, args.id.as_deref())?;
    let now = desk::now().to_string();
    writeln!(out, "{}", stix::revoke(object, &now).map_err(input::unversioned)?)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_of_a_change_is_json_or_a_text() {
        let json = |change: &str| parse_change(change).unwrap().1;
        assert_eq!(json("labels=[\"a\"]"), "[\"a\"]");
        assert_eq!(json("name=a kettle"), "\"a kettle\"");
        assert_eq!(json("name=\"5\""), "\"5\"");
        assert_eq!(json("url=a=b"), "\"a=b\"");
        assert!(parse_change("name").is_err() && parse_change("=a").is_err());
    }
}
