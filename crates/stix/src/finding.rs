//! What a check found: rule, level, place, what stood there, what was expected.

use serde::Serialize;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Neither a MUST nor a SHOULD.
    Note,
    /// A SHOULD is violated.
    Warning,
    /// A MUST is violated.
    Error,
}

/// One violation of one rule at one place.
///
/// *Shape*: `found` is cut to 80 characters and escaped, so that it is safe on a page or in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's id, stable once published.
    pub rule: &'static str,
    /// How grave it is.
    pub level: Level,
    /// JSON pointer from the object's root.
    pub pointer: String,
    /// What stood there.
    pub found: String,
    /// What was expected.
    pub expected: &'static str,
    /// The clause of STIX 2.1 Errata 01 that decides.
    pub clause: &'static str,
}

impl Finding {
    pub(crate) fn error(
        rule: &'static str,
        clause: &'static str,
        pointer: impl Into<String>,
        found: &str,
        expected: &'static str,
    ) -> Self {
        let pointer = pointer.into();
        Self { rule, level: Level::Error, pointer, found: escaped(found), expected, clause }
    }
}

/// At most 80 characters, control characters and direction marks escaped.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(80) {
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Line from 1 and column from 1 of a byte offset: computed only when something is printed.
pub fn line_column(document: &[u8], offset: usize) -> (usize, usize) {
    let before = document.get(..offset.min(document.len())).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let last = before.get(start..).unwrap_or_default();
    (line, String::from_utf8_lossy(last).chars().count() + 1)
}
