//! How findings are printed: lines for people, JSON, JSON lines, SARIF.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::words::plural;
use serde_json::json;
use stix::{Finding, Report};

use super::validate::{Format, as_json};

/// Prints findings as they come.
pub(super) struct Printer<W> {
    out: W,
    format: Format,
    quiet: bool,
    /// Whether something stands before, so that a comma is due.
    comma: bool,
    /// Rules that were broken, for SARIF.
    rules: BTreeMap<&'static str, &'static str>,
    /// Files that could not be read, and why: a document that is kept says so itself.
    unread: Vec<(String, String)>,
}

impl<W: Write> Printer<W> {
    pub(super) fn new(out: W, format: Format, quiet: bool) -> Self {
        Self { out, format, quiet, comma: false, rules: BTreeMap::new(), unread: Vec::new() }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        match self.format {
            Format::Text | Format::Jsonl => Ok(()),
            Format::Json => self.out.write_all(b"{\"files\":["),
            Format::Sarif => self.out.write_all(
                b"{\"version\":\"2.1.0\",\
                \"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\
                \"runs\":[{\"columnKind\":\"unicodeCodePoints\",\"results\":[",
            ),
        }
    }

    pub(super) fn begin_file(&mut self, file: &str) -> io::Result<()> {
        if self.format == Format::Json {
            self.separate()?;
            write!(self.out, "{{\"file\":{},\"findings\":[", json!(file))?;
            self.comma = false;
        }
        Ok(())
    }

    pub(super) fn finding(
        &mut self,
        file: &str,
        finding: &Finding,
        place: (usize, usize),
    ) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        match self.format {
            Format::Text => self.line(file, finding, place),
            Format::Jsonl => writeln!(self.out, "{}", as_json(file, finding, place)),
            Format::Json => {
                self.separate()?;
                write!(self.out, "{}", as_json(file, finding, place))
            }
            Format::Sarif => {
                self.separate()?;
                self.rules.insert(finding.rule, finding.clause);
                write!(self.out, "{}", sarif(file, finding, place))
            }
        }
    }

    fn separate(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.comma, true) {
            self.out.write_all(b",\n")?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        file: &str,
        finding: &Finding,
        (line, column): (usize, usize),
    ) -> io::Result<()> {
        let level = finding.level.as_str();
        let (rule, message) = (finding.rule, finding.message());
        write!(self.out, "{file}:{line}:{column}: {level}: {rule}: {message}")?;
        if !finding.clause.is_empty() {
            let word = if is_section(finding.clause) { "section " } else { "" };
            write!(self.out, " [{word}{}]", finding.clause)?;
        }
        if !finding.object.is_empty() {
            write!(self.out, " {}", finding.object)?;
        }
        if let Some(remedy) = finding.remedy() {
            write!(self.out, "; {remedy}")?;
        }
        writeln!(self.out)
    }

    pub(super) fn end_file(&mut self, file: &str, report: &Report) -> io::Result<()> {
        let counts = json!({
            "valid": report.is_valid(),
            "objects": report.objects,
            "errors": report.errors,
            "warnings": report.warnings,
            "notes": report.notes,
            "not_shown": report.uncounted,
        });
        match self.format {
            Format::Text => {
                let verdict = if report.is_valid() { "valid" } else { "not valid" };
                let Report { objects, errors, warnings, notes, .. } = report;
                let objects = plural(*objects as u64, "object", "objects");
                let errors = plural(*errors as u64, "error", "errors");
                let warnings = plural(*warnings as u64, "warning", "warnings");
                let notes = plural(*notes as u64, "note", "notes");
                writeln!(self.out, "{file}: {verdict}: {objects}, {errors}, {warnings}, {notes}")
            }
            Format::Jsonl => {
                let counts = counts.to_string();
                let inner = counts.trim_start_matches('{');
                writeln!(self.out, "{{\"file\":{},{inner}", json!(file))
            }
            // The file is named where its findings begin.
            Format::Json => {
                self.comma = true;
                let counts = counts.to_string();
                let inner = counts.trim_start_matches('{');
                write!(self.out, "],{inner}")
            }
            Format::Sarif => Ok(()),
        }
    }

    /// A file that could not be read.
    pub(super) fn unread(&mut self, file: &str, error: &anyhow::Error) {
        self.unread.push((file.to_owned(), format!("{error:#}")));
    }

    pub(super) fn end(&mut self) -> io::Result<()> {
        match self.format {
            Format::Json => {
                let row = |(file, problem): &_| json!({ "file": file, "problem": problem });
                let unread: Vec<_> = self.unread.iter().map(row).collect();
                writeln!(self.out, "],\"unread\":{}}}", json!(unread))?;
            }
            Format::Sarif => {
                let rules: Vec<_> =
                    self.rules.iter().map(|(id, clause)| rule(id, clause)).collect();
                let driver = json!({
                    "name": "detente stix validate",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                });
                let notice =
                    |(_, problem): &_| json!({ "level": "error", "message": { "text": problem } });
                let invocation = json!({
                    "executionSuccessful": self.unread.is_empty(),
                    "toolExecutionNotifications": self.unread.iter().map(notice).collect::<Vec<_>>(),
                });
                let tool = json!({ "driver": driver });
                writeln!(self.out, "],\"invocations\":[{invocation}],\"tool\":{tool}}}]}}")?;
            }
            Format::Text | Format::Jsonl => {}
        }
        self.out.flush()
    }
}

/// Whether a clause is a section of STIX 2.1, not another document.
fn is_section(clause: &str) -> bool {
    clause.starts_with(|c: char| c.is_ascii_digit())
}

/// A rule as SARIF describes it: by the document that decides, where one does.
fn rule(id: &str, clause: &str) -> serde_json::Value {
    let text = match clause {
        "" => return json!({ "id": id }),
        clause if is_section(clause) => format!("STIX 2.1, section {clause}"),
        clause => clause.to_owned(),
    };
    json!({ "id": id, "shortDescription": { "text": text } })
}

/// What of a path stands in an address as it is.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address of a file: of an absolute path with its scheme, else a relative reference.
fn uri_of(file: &str) -> String {
    let scheme = if file.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", utf8_percent_encode(file, PATH))
}

fn sarif(file: &str, finding: &Finding, (line, column): (usize, usize)) -> serde_json::Value {
    json!({
        "ruleId": finding.rule,
        "level": finding.level.as_str(),
        "message": {"text": finding.message()},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri_of(file)},
                "region": {"startLine": line, "startColumn": column, "byteOffset": finding.offset},
            },
            "logicalLocations": [{"fullyQualifiedName": finding.pointer}],
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921",
  "name":7}"#;

    fn printed(format: Format) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out, format, false);
        printer.begin().unwrap();
        for file in ["a.json", "b.json"] {
            printer.begin_file(file).unwrap();
            let mut places = stix::LineColumns::new(TEXT.as_bytes());
            let report =
                stix::validate(TEXT.as_bytes(), &stix::Options::default(), &mut |finding| {
                    let place = places.at(finding.offset);
                    printer.finding(file, finding, place).unwrap();
                });
            printer.end_file(file, &report).unwrap();
        }
        printer.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_has_a_line_for_each_finding_and_file() {
        let text = printed(Format::Text);
        let line = text.lines().find(|line| line.contains("error")).unwrap();
        assert!(line.starts_with("a.json:2:10: error: STIX-12.1-03: /name: expected a string"));
        assert!(text.contains("b.json: not valid: 1 object, 1 error, 1 warning, 0 notes"));
    }

    #[test]
    fn json_and_sarif_are_one_document_and_lines_are_one_each() {
        let json: serde_json::Value = serde_json::from_str(&printed(Format::Json)).unwrap();
        assert_eq!(json["files"][1]["file"], "b.json");
        assert_eq!(json["files"][1]["valid"], false);
        // Each file is named once, and once in each of its findings: no key stands twice.
        let named = printed(Format::Json).matches("\"file\":\"a.json\"").count();
        assert_eq!(named, 1 + json["files"][0]["findings"].as_array().unwrap().len());
        assert_eq!(json["files"][0]["findings"][1]["pointer"], "/name");
        let sarif: serde_json::Value = serde_json::from_str(&printed(Format::Sarif)).unwrap();
        let result = &sarif["runs"][0]["results"][1];
        assert_eq!(result["ruleId"], "STIX-12.1-03");
        assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap().len(), 2);
        for line in printed(Format::Jsonl).lines() {
            let _: serde_json::Value = serde_json::from_str(line).unwrap();
        }
    }

    #[test]
    fn sarif_names_files_by_address_and_rules_by_their_document() {
        assert_eq!(uri_of("two words#1%.json"), "two%20words%231%25.json");
        assert_eq!(uri_of("a/c:é.json"), "a/c%3A%C3%A9.json");
        assert_eq!(uri_of("/srv/feed.json"), "file:///srv/feed.json");
        let text = |clause| rule("x", clause)["shortDescription"]["text"].clone();
        assert_eq!(text("3.2"), "STIX 2.1, section 3.2");
        assert_eq!(text("RFC 8259"), "RFC 8259");
        assert_eq!(rule("LIMIT-3", ""), json!({ "id": "LIMIT-3" }));
    }
}
