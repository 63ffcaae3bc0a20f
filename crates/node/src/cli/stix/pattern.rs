//! `pattern`: check, explain and match STIX patterns.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Args, Subcommand};
use protocol::words::plural;
use serde_json::{Value as Json, json};
use stix::{
    Level, Spec,
    pattern::{CustomCheck, MatchError, Observations, Pattern, findings, parse},
    tree::{Kind as JsonKind, Value},
};

use super::input;
use crate::cli::exit::{Fault, Kind};

/// What can be done with patterns.
#[derive(Subcommand)]
pub(in crate::cli) enum PatternCommand {
    /// Show what is wrong with a pattern, each with its place and rule.
    ///
    /// Ends with status 1 when a pattern has an error; a warning is none.
    #[command(after_help = "Examples:\n  detente stix pattern check \"[file:size > 7]\"\n  \
        detente stix pattern check --from bundle.json")]
    Check(CheckArgs),
    /// Say in plain words what a pattern looks for.
    #[command(after_help = "Example:\n  detente stix pattern explain \"[file:size > 7] \
        FOLLOWEDBY [url:value LIKE '%.example/%'] WITHIN 5 SECONDS\"")]
    Explain(PatternArgs),
    /// Match a pattern against observed data, and name the first that it matches.
    ///
    /// Ends with status 1 when nothing matches.
    #[command(after_help = "Example:\n  detente stix pattern match \"[mutex:name = 'lamp']\" \
        observed.json")]
    Match(MatchArgs),
}

#[derive(Args)]
pub(in crate::cli) struct PatternArgs {
    /// The pattern.
    pattern: String,
    /// The version of the standard whose grammar it follows.
    #[arg(long, value_name = "2.0|2.1", default_value = "2.1", value_parser = spec)]
    spec: Spec,
}

#[derive(Args)]
pub(in crate::cli) struct CheckArgs {
    /// The pattern.
    #[arg(required_unless_present = "from")]
    pattern: Option<String>,
    /// A file with one pattern a line, or with STIX indicators; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The version of the standard whose grammar it follows.
    #[arg(long, value_name = "2.0|2.1", default_value = "2.1", value_parser = spec)]
    spec: Spec,
}

#[derive(Args)]
pub(in crate::cli) struct MatchArgs {
    #[command(flatten)]
    pattern: PatternArgs,
    /// Files of observed data: bundles, lists or single objects; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

fn spec(text: &str) -> Result<Spec, &'static str> {
    match text {
        "2.0" => Ok(Spec::V20),
        "2.1" => Ok(Spec::V21),
        _ => Err("2.0 or 2.1"),
    }
}

pub(super) fn run(
    command: &PatternCommand,
    as_json: bool,
    out: &mut impl Write,
) -> Result<ExitCode> {
    match command {
        PatternCommand::Check(args) => check(args, as_json, out),
        PatternCommand::Explain(args) => explain(args, out),
        PatternCommand::Match(args) => first_match(args, as_json, out),
    }
}

fn check(args: &CheckArgs, as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let mut patterns: Vec<(String, Spec)> = Vec::new();
    patterns.extend(args.pattern.clone().map(|text| (text, args.spec)));
    if let Some(path) = &args.from {
        patterns.extend(patterns_of(path, args.spec)?);
    }
    let judged: Vec<Judged> = patterns.iter().map(|(text, spec)| judge(text, *spec)).collect();
    let valid = judged.iter().all(|judged| judged.valid);
    if as_json {
        let rows: Vec<Json> = judged.iter().map(Judged::row).collect();
        writeln!(out, "{}", Json::from(rows))?;
    } else {
        judged.iter().try_for_each(|judged| judged.show(out))?;
        let wrong = judged.iter().filter(|judged| !judged.valid).count();
        let all = plural(judged.len() as u64, "pattern", "patterns");
        writeln!(out, "{all}, {wrong} with errors")?;
    }
    Ok(if valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The patterns of the STIX indicators of a JSON document, else one a line.
fn patterns_of(path: &Path, spec: Spec) -> Result<Vec<(String, Spec)>> {
    let bytes = input::read(path)?;
    if !matches!(bytes.trim_ascii_start().first(), Some(b'{')) {
        let text = String::from_utf8(bytes).map_err(|_| {
            let title = format!("{} is no UTF-8", path.display());
            Fault::new(Kind::Malformed, "STIX-9.4-01", title, "a pattern is Unicode text")
        })?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        return Ok(lines.map(|line| (line.to_owned(), spec)).collect());
    }
    let tree = input::tree(&bytes, path)?;
    let objects = input::objects(&tree).into_iter();
    let indicators = objects.filter(|object| input::text(*object, "type") == "indicator");
    let stix = indicators.filter(|object| {
        object.get("pattern_type").is_none() || input::text(*object, "pattern_type") == "stix"
    });
    let pattern = |object: Value<'_>| {
        let old = object.get("spec_version").is_none() && object.get("pattern_type").is_none();
        let spec = if old { Spec::V20 } else { spec };
        (input::text(object, "pattern").to_owned(), spec)
    };
    Ok(stix.map(pattern).collect())
}

/// A pattern and what was found about it.
struct Judged {
    pattern: String,
    valid: bool,
    found: Vec<Found>,
}

struct Found {
    level: &'static str,
    rule: &'static str,
    line: usize,
    column: usize,
    message: String,
}

fn judge(text: &str, spec: Spec) -> Judged {
    let found: Vec<Found> = match parse(text, spec) {
        Err(error) => vec![Found {
            level: "error",
            rule: error.rule,
            line: error.line,
            column: error.column,
            message: error.to_string(),
        }],
        Ok(pattern) => findings(&pattern, CustomCheck::ExtensionsUse)
            .iter()
            .map(|finding| Found {
                level: if finding.level == Level::Error { "error" } else { "warning" },
                rule: finding.rule,
                line: finding.line,
                column: finding.column,
                message: finding.to_string(),
            })
            .collect(),
    };
    let valid = found.iter().all(|found| found.level != "error");
    Judged { pattern: text.to_owned(), valid, found }
}

impl Judged {
    fn row(&self) -> Json {
        let list = |level: &str| {
            let found = self.found.iter().filter(|found| found.level == level);
            let row = |found: &Found| {
                json!({ "rule": found.rule, "line": found.line, "column": found.column,
                    "message": found.message })
            };
            found.map(row).collect::<Vec<_>>()
        };
        json!({ "pattern": self.pattern, "valid": self.valid, "errors": list("error"),
            "warnings": list("warning") })
    }

    /// Each finding, with the line of the pattern and a mark under its place.
    fn show(&self, out: &mut impl Write) -> Result<()> {
        for found in &self.found {
            writeln!(out, "{}: {}", found.level, found.message)?;
            let line = self.pattern.lines().nth(found.line.saturating_sub(1)).unwrap_or_default();
            let (shown, column) = around(line, found.column.saturating_sub(1));
            writeln!(out, "  {shown}\n  {:column$}^", "")?;
        }
        Ok(())
    }
}

/// What of a line is shown around a column from 0, and where the column then stands.
fn around(line: &str, column: usize) -> (String, usize) {
    let from = column.saturating_sub(60);
    let part: String = line.chars().skip(from).take(100).collect();
    (input::shown(&part), column - from)
}

fn explain(args: &PatternArgs, out: &mut impl Write) -> Result<ExitCode> {
    write!(out, "{}", read(args)?.explain())?;
    Ok(ExitCode::SUCCESS)
}

fn read(args: &PatternArgs) -> Result<Pattern<'_>> {
    parse(&args.pattern, args.spec).map_err(|error| {
        let remedy = "`detente stix pattern check` shows the place";
        let title = format!("no pattern: {}", error.message());
        Fault::new(Kind::Malformed, error.rule, title, remedy).into()
    })
}

fn first_match(args: &MatchArgs, as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let pattern = read(&args.pattern)?;
    let matcher = pattern.matcher().map_err(unmatched)?;
    let documents = args.files.iter().map(|path| input::read(path));
    let documents = documents.collect::<Result<Vec<_>>>()?;
    let trees = documents.iter().zip(&args.files).map(|(bytes, path)| input::tree(bytes, path));
    let trees = trees.collect::<Result<Vec<_>>>()?;
    let values = trees.iter().flat_map(|tree| match tree.root().kind() {
        JsonKind::List => tree.root().items().collect(),
        _ => vec![tree.root()],
    });
    let mend = |error| input::refused(error, "`detente stix validate` shows what is wrong with it");
    let observations = Observations::read(values).map_err(mend)?;
    let found = matcher.first(&observations).map_err(unmatched)?;
    let names: Vec<Json> =
        found.iter().flatten().map(|place| name(&observations, *place)).collect();
    if as_json {
        writeln!(out, "{}", json!({ "matched": found.is_some(), "observations": names }))?;
    } else if found.is_none() {
        writeln!(out, "no match in {} observed-data", observations.len())?;
    } else {
        for name in &names {
            match name {
                Json::String(id) => writeln!(out, "{}", input::shown(id))?,
                place => writeln!(out, "observed-data at place {place}")?,
            }
        }
    }
    Ok(if names.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Why a pattern cannot be matched, and what helps.
fn unmatched(error: MatchError) -> anyhow::Error {
    let remedy = match &error {
        MatchError::Undecided => "ask a narrower pattern, or of fewer observations",
        _ => "`detente stix pattern check` shows the place",
    };
    input::refused(error, remedy)
}

/// An observed-data's id or, without one, its place among all of them.
fn name(observations: &Observations<'_>, place: usize) -> Json {
    observations.id(place).map_or(Json::from(place), Json::from)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn ran(command: PatternCommand, as_json: bool) -> (ExitCode, String) {
        let mut out = Vec::new();
        let code = run(&command, as_json, &mut out).unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    fn pattern(text: &str) -> PatternArgs {
        PatternArgs { pattern: text.to_owned(), spec: Spec::V21 }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn check_of(pattern: Option<&str>, from: Option<&Path>) -> PatternCommand {
        let (pattern, from) = (pattern.map(str::to_owned), from.map(Path::to_path_buf));
        PatternCommand::Check(CheckArgs { pattern, from, spec: Spec::V21 })
    }

    #[test]
    fn check_marks_the_place_and_ends_with_1_where_there_is_an_error() {
        let (code, text) = ran(check_of(Some("[file:size = 1 AND ]"), None), false);
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        let expected = "error: line 1, column 20: expected an object path such as file:name, found \
            `]` (STIX-9.6-01)\n  [file:size = 1 AND ]\n                     ^\n\
            1 pattern, 1 with errors\n";
        assert_eq!(text, expected);
        let (code, text) = ran(check_of(Some("[x-lamp:hue = 1]"), None), true);
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
        let found: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&found[0]["valid"], &found[0]["warnings"][0]["rule"]),
            (&json!(true), &json!("401"))
        );
    }

    #[test]
    fn check_reads_lines_and_indicators() {
        let lines = file("[file:size = 1]\n\n[file:size = ]\n");
        assert!(
            ran(check_of(None, Some(lines.path())), false)
                .1
                .ends_with("2 patterns, 1 with errors\n")
        );
        let bundle = file(
            r#"{"type":"bundle","objects":[{"type":"tool"},
            {"type":"indicator","pattern_type":"snort","pattern":"x"},
            {"type":"indicator","pattern_type":"stix","pattern":"[file:size = 1]"}]}"#,
        );
        assert_eq!(ran(check_of(None, Some(bundle.path())), false).1, "1 pattern, 0 with errors\n");
    }

    #[test]
    fn match_names_what_it_found_and_ends_with_1_where_there_is_nothing() {
        let observed = file(
            r#"[{"type":"observed-data","id":"observed-data--1","number_observed":1,
            "first_observed":"2031-05-04T10:00:00Z","last_observed":"2031-05-04T10:00:00Z",
            "objects":{"0":{"type":"mutex","name":"lamp"}}}]"#,
        );
        let matching = |text: &str| {
            let files = vec![observed.path().to_path_buf()];
            ran(PatternCommand::Match(MatchArgs { pattern: pattern(text), files }), false)
        };
        assert_eq!(matching("[mutex:name = 'lamp']").1, "observed-data--1\n");
        let (code, text) = matching("[mutex:name = 'oil']");
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(text, "no match in 1 observed-data\n");
    }

    #[test]
    fn explain_prints_words_and_refuses_what_is_no_pattern() {
        let (_, text) = ran(PatternCommand::Explain(pattern("[file:size > 7]")), false);
        assert!(text.contains("file: size is greater than 7"), "{text}");
        let command = PatternCommand::Explain(pattern("[file:size >"));
        let error = run(&command, false, &mut Vec::new()).unwrap_err();
        let expected = "STIX-9.6.1-02: no pattern: line 1, column 13: expected a constant: a string, \
            a number, true, false, b, h or t, found the end; `detente stix pattern check` shows the \
            place";
        assert_eq!(error.to_string(), expected);
    }
}
