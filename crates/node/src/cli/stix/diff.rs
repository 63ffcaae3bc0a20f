//! `diff`: what differs between two files.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Args;
use serde_json::json;
use stix::{Change, Difference};

use super::input;

#[derive(Args)]
pub(in crate::cli) struct DiffArgs {
    /// One file.
    a: PathBuf,
    /// The other.
    b: PathBuf,
}

pub(super) fn run(args: &DiffArgs, as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let (a, b) = (input::read(&args.a)?, input::read(&args.b)?);
    let (a, b) = (input::tree(&a, &args.a)?, input::tree(&b, &args.b)?);
    let found = stix::diff(&input::objects(&a), &input::objects(&b));
    if as_json {
        let rows: Vec<_> = found.iter().map(row).collect();
        writeln!(out, "{}", serde_json::Value::from(rows))?;
    } else {
        found.iter().try_for_each(|one| writeln!(out, "{}", line(one)))?;
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(found: &Difference<'_>) -> serde_json::Value {
    json!({
        "id": found.id,
        "name": found.name,
        "change": found.change.word(),
        "properties": found.properties,
    })
}

fn line(found: &Difference<'_>) -> String {
    let sign = match found.change {
        Change::Added => '+',
        Change::Removed => '-',
        Change::Newer => '>',
        Change::Older => '<',
        Change::Contradicts => '!',
    };
    let (id, name) = (input::shown(found.id), input::shown(found.name));
    let properties = input::shown(&found.properties.join(", "));
    let line = match properties.is_empty() {
        true => format!("{sign} {id} {name}"),
        false => format!("{sign} {id} {name}: {properties}"),
    };
    line.trim_end().to_owned()
}
