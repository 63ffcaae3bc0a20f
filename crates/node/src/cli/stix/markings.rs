//! `markings`: what each object is marked with, in words; and other markings for one object.

use std::{collections::HashMap, io::Write, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use stix::{Tlp, markings, tree::Value};

use super::input;
use crate::{
    cli::exit::{Fault, Kind},
    desk,
};

#[derive(Args)]
pub(in crate::cli) struct MarkingArgs {
    /// A JSON document; `-` is standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Only this object.
    #[arg(long)]
    id: Option<String>,
    /// Print the object with this marking added: an id, a TLP 2.0 label or a language.
    #[arg(long, value_name = "MARKING", group = "change")]
    add: Option<String>,
    /// Print the object without this marking.
    #[arg(long, value_name = "MARKING", group = "change")]
    remove: Option<String>,
    /// Print the object with this marking instead of those it has.
    #[arg(long, value_name = "MARKING", group = "change")]
    set: Option<String>,
    /// Print the object without any marking.
    #[arg(long, group = "change")]
    clear: bool,
    /// The part to mark, such as `labels.[0]`; may be repeated. The whole object where none is.
    #[arg(long, value_name = "SELECTOR", requires = "change")]
    selector: Vec<String>,
}

pub(super) fn run(args: &MarkingArgs, as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let bytes = input::read(&args.file)?;
    let tree = input::tree(&bytes, &args.file)?;
    if args.add.is_some() || args.remove.is_some() || args.set.is_some() || args.clear {
        writeln!(out, "{}", change(args, input::one(&tree, args.id.as_deref())?)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(id) = args.id.as_deref() {
        input::one(&tree, Some(id))?;
    }
    let objects = input::objects(&tree);
    let definitions: HashMap<&str, Value<'_>> = objects
        .iter()
        .filter(|object| input::text(**object, "type") == "marking-definition")
        .map(|object| (input::text(*object, "id"), *object))
        .collect();
    let mut rows = Vec::new();
    for object in &objects {
        let id = input::text(*object, "id");
        if args.id.as_deref().is_some_and(|wanted| wanted != id) {
            continue;
        }
        let resolve = |marking: &str| definitions.get(marking).copied();
        let found = markings::of(*object, &resolve).map_err(refused)?;
        if as_json {
            rows.push(json!({ "id": id, "markings": found.iter().map(row).collect::<Vec<_>>() }));
        } else {
            print_object(id, &found, out)?;
        }
    }
    if as_json {
        writeln!(out, "{}", serde_json::Value::from(rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(found: &markings::definition::Effective<'_>) -> serde_json::Value {
    json!({
        "selector": found.selector,
        "marking": found.marking,
        "tlp": found.meaning.tlp.map(Tlp::label),
        "words": found.meaning.words,
        "problem": found.meaning.problem.as_ref().map(ToString::to_string),
    })
}

fn print_object(
    id: &str,
    found: &[markings::definition::Effective<'_>],
    out: &mut impl Write,
) -> std::io::Result<()> {
    writeln!(out, "{}", input::shown(id))?;
    if found.is_empty() {
        writeln!(out, "    unmarked")?;
    }
    for one in found {
        writeln!(out, "    {one}")?;
        if let Some(problem) = &one.meaning.problem {
            writeln!(out, "    ! its definition: {problem}")?;
        }
    }
    Ok(())
}

fn change(args: &MarkingArgs, object: Value<'_>) -> Result<String> {
    let now = desk::now().to_string();
    let selectors: Vec<&str> = args.selector.iter().map(String::as_str).collect();
    let selectors = (!selectors.is_empty()).then_some(selectors.as_slice());
    let reach = markings::Reach::default();
    let new = match (&args.add, &args.remove, &args.set) {
        (Some(text), ..) => {
            markings::add(object, &[&marking_of(text, selectors)?], selectors, &now)
        }
        // What should never have been written may be taken away.
        (_, Some(text), _) => markings::remove(object, &[&id_of(text)], selectors, &now),
        (.., Some(text)) => {
            markings::set(object, &[&marking_of(text, selectors)?], selectors, reach, &now)
        }
        _ => markings::clear(object, selectors, reach, &now),
    };
    new.map_err(refused)
}

/// The id behind a TLP label; any other text as it is.
fn id_of(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), |tlp: Tlp| tlp.published_2().to_owned())
}

/// What may be written as a marking: the id of a marking definition or, on parts, a language.
fn marking_of(text: &str, selectors: Option<&[&str]>) -> Result<String> {
    let id = id_of(text);
    if stix::is_marking_id(&id) {
        return Ok(id);
    }
    let (title, remedy) = match (stix::registry::is_language_tag(&id), selectors) {
        (true, Some(_)) => return Ok(id),
        (true, None) => (
            format!("a language such as `{}` marks parts of an object (7.2.3)", input::shown(&id)),
            "name the part with --selector",
        ),
        (false, _) => (
            format!("`{}` is no marking", input::shown(&id)),
            "name the id of a marking definition, a TLP 2.0 label such as TLP:GREEN or, for parts, \
            a language",
        ),
    };
    Err(Fault::new(Kind::Malformed, "", title, remedy).into())
}

/// Why markings cannot be read or changed, and what helps.
fn refused(error: markings::Error) -> anyhow::Error {
    use markings::Error;
    let remedy = match error {
        Error::Version(error) => return input::unversioned(error),
        Error::Selector(_) | Error::NoSelector => "name a property, such as `name` or `labels.[0]`",
        Error::NotFound => "`detente stix markings` lists those that it has",
        Error::Malformed(_) => "`detente stix validate` shows what is wrong",
    };
    input::refused(error, remedy)
}
