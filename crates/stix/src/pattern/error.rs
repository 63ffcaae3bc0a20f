//! Why a text is no pattern: the rule, the place, what was expected, what stood there.

use std::fmt;

use crate::finding::escaped;

/// A text that is no pattern.
///
/// *Units*: lines and columns from 1, both in characters; the offset in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The rule's id.
    pub rule: &'static str,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Byte offset.
    pub offset: usize,
    /// What the grammar allows there.
    pub expected: &'static str,
    /// What stands there, cut and escaped; empty at the end of the text.
    pub found: String,
}

impl Error {
    /// One sentence, without the rule.
    pub fn message(&self) -> String {
        let Self { line, column, expected, .. } = self;
        let found = match self.found.as_str() {
            "" => "the end".to_owned(),
            found => format!("`{found}`"),
        };
        format!("line {line}, column {column}: expected {expected}, found {found}")
    }

    /// Computes line and column, once, when there is an error to tell.
    pub(super) fn at(
        text: &str,
        rule: &'static str,
        (start, end): (usize, usize),
        expected: &'static str,
    ) -> Self {
        let (line, column) = line_column(text, start);
        let found = escaped(text.get(start..end).unwrap_or_default());
        Self { rule, line, column, offset: start, expected, found }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.rule)
    }
}

impl std::error::Error for Error {}

/// Line from 1 and column from 1 of a byte offset, counted in characters.
pub(super) fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}
