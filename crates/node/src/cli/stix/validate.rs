//! `detente stix validate`: every finding of every file, with rule, place, what was expected.
//!
//! Findings are printed as they are made, so that memory does not grow with their number. Status 0
//! when every file is valid, 1 when one is not, 8 when one cannot be read; the others are judged.

use std::{
    io::{IsTerminal as _, Write, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;
use stix::{Finding, LineColumns, Options, Report, Spec, validate::Schemas};

use super::{report::Printer, schemas::SchemaFolder};
use crate::cli::{Progress, exit};

/// What is validated, and how strictly.
#[derive(Args)]
pub(in crate::cli) struct ValidateArgs {
    /// Files: bundles, TAXII envelopes, lists of objects, single objects; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Count warnings as errors.
    #[arg(long)]
    strict: bool,
    /// Warn of types that the standard does not define.
    #[arg(long)]
    strict_types: bool,
    /// Warn of properties that the standard does not define.
    #[arg(long)]
    strict_properties: bool,
    /// Warn of relationships whose ends are not in the bundle.
    #[arg(long)]
    enforce_refs: bool,
    /// Check the rules of STIX 2.1 Interoperability too.
    #[arg(long)]
    interop: bool,
    /// Edition of objects that name none.
    #[arg(long, value_name = "2.0|2.1", value_parser = parse_spec)]
    spec: Option<Spec>,
    /// SHOULD checks that do not run: numbers, names, groups (1, 2, 210, 270, all); `detente stix
    /// checks` lists them.
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    disable: Vec<String>,
    /// SHOULD checks that run; alone, only those.
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    enable: Vec<String>,
    /// Folder of JSON schemas, each NAME.json for an object type or an extension's id.
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print only whether each file is valid.
    #[arg(long, short)]
    quiet: bool,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One line a finding, for people and editors.
    Text,
    /// One document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
}

fn parse_spec(text: &str) -> Result<Spec, String> {
    match text {
        "2.0" => Ok(Spec::V20),
        "2.1" => Ok(Spec::V21),
        _ => Err("2.0 or 2.1".to_owned()),
    }
}

/// Validates the files.
pub(super) fn run(args: &ValidateArgs, as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let checks = super::checks::select(&args.disable, &args.enable)?;
    let folder = args.schemas.as_deref().map(SchemaFolder::read).transpose()?;
    let options = Options {
        version: args.spec,
        checks,
        strict: args.strict,
        strict_types: args.strict_types,
        strict_properties: args.strict_properties,
        enforce_refs: args.enforce_refs,
        interop: args.interop,
        schemas: folder.as_ref().map(|folder| folder as &dyn Schemas),
    };
    let format = if as_json && args.format == Format::Text { Format::Json } else { args.format };
    let mut printer = Printer::new(out, format, args.quiet);
    let mut bar = Bar::of(args);
    let (mut all_valid, mut unread) = (true, None);
    printer.begin()?;
    for path in &args.files {
        match super::input::read(path) {
            Ok(bytes) => {
                all_valid &= file(path, &bytes, &options, &mut printer, &mut bar)?.is_valid();
            }
            Err(error) => {
                printer.unread(&path.display().to_string(), &error);
                unread = Some(exit::report(&error, as_json));
            }
        }
    }
    printer.end()?;
    let verdict = if all_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    Ok(unread.unwrap_or(verdict))
}

/// Validates one file; the first failure to print is told when it is over.
fn file(
    path: &Path,
    bytes: &[u8],
    options: &Options<'_>,
    printer: &mut Printer<impl Write>,
    bar: &mut Bar,
) -> Result<Report> {
    let name = path.display().to_string();
    let mut places = LineColumns::new(bytes);
    let (mut done, mut failed) = (0, Ok(()));
    printer.begin_file(&name)?;
    let report = stix::validate(bytes, options, &mut |finding| {
        bar.add(finding.offset.saturating_sub(done));
        done = done.max(finding.offset);
        if failed.is_ok() && !printer.is_quiet() {
            bar.give_way();
            failed = printer.finding(&name, finding, places.at(finding.offset));
        }
    });
    failed.context("standard output cannot be written")?;
    bar.add(bytes.len().saturating_sub(done));
    printer.end_file(&name, &report)?;
    Ok(report)
}

/// One bar over all files.
struct Bar {
    progress: Option<Progress>,
    /// Whether findings are printed on the terminal that it stands on.
    shared: bool,
}

impl Bar {
    fn of(args: &ValidateArgs) -> Self {
        let what = match args.files.as_slice() {
            [one] => format!("validating {}", super::input::shown(&one.display().to_string())),
            files => format!("validating {} files", files.len()),
        };
        let progress = (!args.quiet).then(|| Progress::bytes(&what, len_of(&args.files)));
        Self { progress, shared: stdout().is_terminal() }
    }

    fn add(&self, bytes: usize) {
        if let Some(progress) = &self.progress {
            progress.add(bytes);
        }
    }

    /// What is printed shows the progress itself, and must not run into the bar.
    fn give_way(&mut self) {
        if self.shared {
            self.progress = None;
        }
    }
}

/// How many bytes files have together; none where one is no file, such as standard input.
fn len_of(files: &[PathBuf]) -> Option<u64> {
    let len = |path: &PathBuf| match std::fs::metadata(path) {
        Ok(data) => data.is_file().then_some(data.len()),
        // What is not there has nothing to read.
        Err(_) => (path.as_os_str() != "-").then_some(0),
    };
    files.iter().map(len).sum()
}

/// A finding as JSON, with its place in the file.
pub(super) fn as_json(
    file: &str,
    finding: &Finding,
    (line, column): (usize, usize),
) -> serde_json::Value {
    json!({
        "file": file,
        "line": line,
        "column": column,
        "offset": finding.offset,
        "pointer": finding.pointer,
        "object": finding.object,
        "level": finding.level,
        "rule": finding.rule,
        "code": finding.code(),
        "found": finding.found,
        "expected": finding.expected,
        "clause": finding.clause,
        "remedy": finding.remedy(),
    })
}
