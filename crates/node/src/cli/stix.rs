//! `detente stix`: the library of STIX 2.1 at the command line. No node is asked.
//!
//! A file is a bundle, a TAXII envelope, a list of objects or one object; `-` is standard input.

mod checks;
mod diff;
mod input;
mod markings;
mod objects;
mod pattern;
mod report;
mod schemas;
mod summary;
mod validate;

use std::{
    io::{BufWriter, ErrorKind, Write},
    process::ExitCode,
};

use anyhow::Result;
use clap::Subcommand;

use super::lines::{self, LineOptions};
use crate::desk;

/// What can be done with STIX objects.
#[derive(Subcommand)]
pub(super) enum StixCommand {
    /// List everything that is wrong with STIX documents: rule, place, what was expected.
    ///
    /// Ends with status 1 when a file is not valid: when a MUST is violated.
    #[command(after_help = "Examples:\n  detente stix validate bundle.json\n  \
        detente stix validate --strict --disable 302,401 *.json\n  \
        curl -s https://feed.example/bundle | detente stix validate --format jsonl -")]
    Validate(validate::ValidateArgs),
    /// List the SHOULD checks: number, name, level, editions where it runs unasked, what it asks.
    #[command(after_help = "Example:\n  detente stix checks")]
    Checks,
    /// Show what is in a document: types, markings, versions, what is missing, what is unknown.
    #[command(after_help = "Example:\n  detente stix summary bundle.json")]
    Summary(summary::SummaryArgs),
    /// Print a JSON document in its canonical form (RFC 8785).
    #[command(
        after_help = "Example:\n  echo '{\"b\": 1e2, \"a\": \"x\"}' | detente stix canonicalize -"
    )]
    Canonicalize(objects::FileArgs),
    /// Show the deterministic id of each observable object, and whether the object has it.
    ///
    /// Ends with status 1 when a deterministic id is not the one that the object makes.
    #[command(after_help = "Examples:\n  detente stix id bundle.json\n  \
        detente stix id lamp.json --contributing hue --contributing size")]
    Id(objects::IdArgs),
    /// Print a new version of an object; everything that is not changed stays as written.
    #[command(
        after_help = "Example:\n  detente stix new-version tool.json --set 'labels=[\"kettle\"]' \
        --remove description"
    )]
    NewVersion(objects::VersionArgs),
    /// Print an object revoked.
    #[command(after_help = "Example:\n  detente stix revoke bundle.json --id \
        tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921")]
    Revoke(objects::ObjectArgs),
    /// Show what each object is marked with, in words; or print an object with other markings.
    #[command(after_help = "Examples:\n  detente stix markings bundle.json\n  \
        detente stix markings tool.json --add TLP:GREEN --selector name")]
    Markings(markings::MarkingArgs),
    /// Show what differs between two files, by id, version and property.
    ///
    /// A line begins with `+` where only the second file has the object, with `-` where only the
    /// first has it, with `>` where the second has a newer version, with `<` where it has an older
    /// one, with `!` where both have the same version with other content. Behind the colon stand the
    /// properties that differ.
    ///
    /// Ends with status 1 when something differs.
    #[command(after_help = "Example:\n  detente stix diff yesterday.json today.json")]
    Diff(diff::DiffArgs),
    /// Check, explain and match patterns.
    #[command(
        subcommand,
        after_help = "Examples:\n  \
        detente stix pattern check \"[file:name = 'kettle.exe']\"\n  \
        detente stix pattern explain \"[file:name = 'kettle.exe']\""
    )]
    Pattern(pattern::PatternCommand),
    /// One JSON request a line in, one JSON answer a line out, for programs in other languages.
    #[command(after_help = "Example:\n  echo '{\"id\":1,\"op\":\"confidence\",\"scale\":\"wep\",\
        \"value\":64}' | detente stix lines")]
    Lines(LineOptions),
}

/// Runs a command. A reader that goes away early, such as `head`, is no failure.
pub(super) fn run(command: StixCommand, json: bool) -> Result<ExitCode> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let done = dispatch(command, json, &mut out).and_then(|code| {
        out.flush()?;
        Ok(code)
    });
    match done {
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        done => done,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

fn dispatch(command: StixCommand, json: bool, out: &mut impl Write) -> Result<ExitCode> {
    match command {
        StixCommand::Validate(args) => validate::run(&args, json, out),
        StixCommand::Checks => checks::run(json, out),
        StixCommand::Summary(args) => summary::run(&args, json, out),
        StixCommand::Canonicalize(args) => objects::canonicalize(&args, out),
        StixCommand::Id(args) => objects::id(&args, json, out),
        StixCommand::NewVersion(args) => objects::new_version(&args, out),
        StixCommand::Revoke(args) => objects::revoke(&args, out),
        StixCommand::Markings(args) => markings::run(&args, json, out),
        StixCommand::Diff(args) => diff::run(&args, json, out),
        StixCommand::Pattern(command) => pattern::run(&command, json, out),
        StixCommand::Lines(options) => {
            let now = || desk::now().to_string();
            lines::serve(&options, out, |line| {
                stix::lines::answer_with(line, &now, &schemas::load)
            })?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[cfg(test)]
mod tests;
