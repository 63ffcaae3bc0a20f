//! What a check found: rule, level, place, what stood there, what was expected.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::lanes::{self, is_in};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Neither a MUST nor a SHOULD.
    Note,
    /// A SHOULD is violated.
    Warning,
    /// A MUST is violated.
    Error,
}

impl Level {
    /// `error`, `warning` or `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One violation of one rule at one place.
///
/// *Shape*: `found` is cut to 80 characters and escaped, so that it is safe on a page or in a log.
/// Line and column are computed from `offset` by [`line_column`] only when something is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's id, stable once published.
    pub rule: &'static str,
    /// How grave it is.
    pub level: Level,
    /// Id of the object, empty when it has none that can be read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// JSON pointer from the document's root.
    pub pointer: String,
    /// Byte offset in the document.
    pub offset: usize,
    /// What stood there.
    pub found: String,
    /// What was expected.
    pub expected: Cow<'static, str>,
    /// The clause that decides: a section of STIX 2.1 Errata 01 or another document.
    pub clause: &'static str,
    /// The kind by which programs tell findings apart: [`Finding::code`].
    #[serde(skip)]
    pub kind: FindingKind,
}

/// Findings that programs treat apart from their rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FindingKind {
    /// Nothing beyond its rule.
    #[default]
    Plain,
    /// A required property is missing.
    Required(&'static str),
    /// The first property must stand later than the second.
    Order(&'static str, &'static str),
    /// A custom property, type or extension without the extension mechanism.
    Custom(String),
    /// No JSON, or beyond a limit: what is wrong.
    Fault(&'static str),
    /// A language of three letters, as STIX 2.0 had it.
    ThreeLetterLanguage,
}

impl Finding {
    pub(crate) fn error(
        rule: &'static str,
        clause: &'static str,
        pointer: impl Into<String>,
        found: &str,
        expected: &'static str,
    ) -> Self {
        Self {
            rule,
            level: Level::Error,
            object: String::new(),
            pointer: pointer.into(),
            offset: 0,
            found: escaped(found),
            expected: Cow::Borrowed(expected),
            clause,
            kind: FindingKind::Plain,
        }
    }

    /// The code of the lines interface: the rule, but `required`, `timestamp-compare`,
    /// `extensions-use` and `software-language-iso639` for what they say.
    pub fn code(&self) -> &'static str {
        match self.kind {
            FindingKind::Plain | FindingKind::Fault(_) => self.rule,
            FindingKind::Required(_) => "required",
            FindingKind::Order(..) => "timestamp-compare",
            FindingKind::Custom(_) => "extensions-use",
            FindingKind::ThreeLetterLanguage => "software-language-iso639",
        }
    }

    /// The property that it is about, where [`Finding::code`] is not the rule.
    pub fn property(&self) -> Option<&str> {
        match &self.kind {
            FindingKind::Required(name) | FindingKind::Order(name, _) => Some(name),
            FindingKind::Custom(name) => Some(name),
            FindingKind::Plain | FindingKind::Fault(_) | FindingKind::ThreeLetterLanguage => None,
        }
    }

    /// The property that [`Finding::property`] must be later than.
    pub fn other(&self) -> Option<&'static str> {
        match self.kind {
            FindingKind::Order(_, other) => Some(other),
            _ => None,
        }
    }

    /// The pointer as it may be shown anywhere: its steps are keys of the document, so it is cut to
    /// 200 characters, control characters and direction marks escaped.
    pub fn place(&self) -> String {
        let mut place = String::new();
        escape_to(&self.pointer, 200, &mut place);
        place
    }

    /// One sentence, safe on a terminal or a page: the place as [`Finding::place`] gives it.
    pub fn message(&self) -> String {
        let place = if self.pointer.is_empty() { "the document" } else { &self.place() };
        match &self.kind {
            FindingKind::Required(name) => format!("{place}: `{name}` is missing"),
            FindingKind::Order(later, earlier) => {
                format!("{place}: `{later}` must be later than `{earlier}`")
            }
            FindingKind::Fault(problem) if self.found.is_empty() => format!("{place}: {problem}"),
            FindingKind::Fault(problem) => format!("{place}: {problem}, at `{}`", self.found),
            _ if self.found.is_empty() => format!("{place}: expected {}", self.expected),
            _ => format!("{place}: expected {}, found {}", self.expected, self.found),
        }
    }
}

/// At most 80 characters, control characters and direction marks escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    escape_into(text, &mut out);
    out
}

/// As [`escaped`], behind what stands in `out`.
pub(crate) fn escape_into(text: &str, out: &mut String) {
    let start = text.as_bytes().get(..80).unwrap_or(text.as_bytes());
    let is_plain = lanes::all(start, |bytes| is_in(bytes, b' '..=b'~'));
    // INVARIANT: 80 bytes of ASCII end where a character ends.
    match text.get(..start.len()).filter(|_| is_plain) {
        Some(start) => out.push_str(start),
        None => escape_to(text, 80, out),
    }
}

fn escape_to(text: &str, len_max: usize, out: &mut String) {
    for c in text.chars().take(len_max) {
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
}

/// Line from 1 and column from 1 of a byte offset: computed only when something is printed.
pub fn line_column(document: &[u8], offset: usize) -> (usize, usize) {
    let before = document.get(..offset.min(document.len())).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let last = before.get(start..).unwrap_or_default();
    (line, String::from_utf8_lossy(last).chars().count() + 1)
}

/// Lines and columns of offsets that mostly rise: each stretch of the document is counted once,
/// however many findings are printed.
#[derive(Debug, Clone)]
pub struct LineColumns<'a> {
    document: &'a [u8],
    offset: usize,
    line: usize,
    column: usize,
}

impl<'a> LineColumns<'a> {
    /// Stands before the first byte of a document.
    pub fn new(document: &'a [u8]) -> Self {
        Self { document, offset: 0, line: 1, column: 1 }
    }

    /// Line from 1 and column from 1, in characters, of a byte offset.
    pub fn at(&mut self, offset: usize) -> (usize, usize) {
        if offset < self.offset {
            *self = Self::new(self.document);
        }
        let stretch = self.document.get(self.offset..offset.min(self.document.len()));
        for byte in stretch.unwrap_or_default() {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // Continuation bytes of UTF-8 are no characters of their own.
                0x80..=0xbf => {}
                _ => self.column += 1,
            }
        }
        self.offset = self.offset.max(offset.min(self.document.len()));
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_escapes_the_keys_of_the_place() {
        let finding = Finding::error("STIX-2.9-01", "2.9", "/\u{1b}[31m\u{202e}", "x", "an id");
        assert_eq!(finding.message(), "/\\u{1b}[31m\\u{202e}: expected an id, found x");
    }

    #[test]
    fn lines_and_columns_agree_whatever_the_order() {
        let text = "a\né\u{1f600}b\n\nc".as_bytes();
        let mut cursor = LineColumns::new(text);
        for offset in [0, 1, 2, 4, 8, 9, 10, 11, 99, 4, 0] {
            assert_eq!(cursor.at(offset), line_column(text, offset), "{offset}");
        }
    }
}
