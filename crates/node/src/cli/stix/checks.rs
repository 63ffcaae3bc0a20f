//! `checks`: the SHOULD checks by number and name, and what each asks.

use std::{io::Write, process::ExitCode};

use anyhow::Result;
use serde_json::json;
use stix::{
    Level, Spec,
    validate::{CHECKS, Check, Checks},
};

use crate::cli::exit::{Fault, Kind};

/// Prints every check.
pub(super) fn run(as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    if as_json {
        let rows: Vec<_> = CHECKS.iter().map(row).collect();
        writeln!(out, "{}", serde_json::Value::from(rows))?;
        return Ok(ExitCode::SUCCESS);
    }
    for check in &CHECKS {
        let (rule, name, asks) = (number(check).unwrap_or("-"), check.name, check.asks);
        let editions = editions(check).join(" ");
        let editions = if editions.is_empty() { "when asked" } else { &editions };
        writeln!(out, "{rule:<4} {name:<32} {:<8} {editions:<11} {asks}", LEVEL.as_str())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a SHOULD weighs, unless `--strict` counts it as an error.
const LEVEL: Level = Level::Warning;

fn row(check: &Check) -> serde_json::Value {
    json!({
        "number": number(check),
        "name": check.name,
        "level": LEVEL,
        "editions": editions(check),
        "section": check.clause,
        "asks": check.asks,
    })
}

/// The number that the reference validator gave it, if it did.
fn number(check: &Check) -> Option<&'static str> {
    Some(check.rule).filter(|rule| *rule != check.name)
}

/// The editions whose objects it looks at without being asked for.
fn editions(check: &Check) -> Vec<&'static str> {
    let runs = |spec: &Spec| Checks::default().has(check.number, *spec);
    [Spec::V20, Spec::V21].into_iter().filter(runs).map(Spec::as_str).collect()
}

/// The checks that run; a name that stands for none is refused, not passed over.
pub(super) fn select(disabled: &[String], enabled: &[String]) -> Result<Checks> {
    let unknown = |name: &str| {
        let title = format!("no such check: `{}`", super::input::shown(name));
        Fault::new(Kind::Malformed, "", title, "`detente stix checks` lists them all")
    };
    if let Some(name) = disabled.iter().find(|name| !Checks::is_known(name)) {
        return Err(unknown(name).into());
    }
    let disabled: Vec<&str> = disabled.iter().map(String::as_str).collect();
    let enabled: Vec<&str> = enabled.iter().map(String::as_str).collect();
    Checks::select(&disabled, &enabled).map_err(|error| unknown(&error.0).into())
}
