//! What is wrong with a pattern that can be read: the MUSTs of section 9 that grammar alone does
//! not hold, and what can never match.
//!
//! A constant that violates a MUST is an error. Doubtful paths are warnings, for types and
//! properties may be announced elsewhere; so is what is well formed but cannot match.

mod hash;
mod path;

use super::literal::Number;
use super::matching::{Network, is_homogeneous, obstacle};
use super::syntax::{
    Constant, Observation, Pattern, Predicate, Qualifier, Relation, Step, Test, Text,
};
use crate::finding::escaped;
use crate::{Level, Spec};

/// One thing that is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id, or the number of a SHOULD check.
    pub rule: &'static str,
    /// How grave it is.
    pub level: Level,
    /// Byte offset.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What stands there, cut and escaped.
    pub found: String,
    /// What was expected.
    pub expected: &'static str,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rule, line, column, found, expected, .. } = self;
        write!(f, "line {line}, column {column}: expected {expected}, found `{found}` ({rule})")
    }
}

/// Which of the checks on custom types and properties are made: 101 only where 401 is not, 102
/// only where neither is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CustomCheck {
    /// 401: custom content should be an extension.
    #[default]
    ExtensionsUse,
    /// 101: it should begin with `x-` or `x_`, the source and a name.
    Prefix,
    /// 102: it should begin with `x-` or `x_`.
    PrefixLax,
    /// Custom content is not looked at.
    Off,
}

/// All findings about a pattern, in the order of its text.
///
/// *Source*: STIX 2.1 sections 9.2 and 9.5 to 9.7; 2.10; 10 for the lengths of digests.
pub fn findings(pattern: &Pattern<'_>, custom: CustomCheck) -> Vec<Finding> {
    let mut found = Collector { pattern, custom, list: Vec::new() };
    found.start();
    found.qualifiers();
    if let Some(offset) = pattern.mixed_types() {
        found.add(
            Level::Warning,
            "STIX-9.5-08",
            offset,
            "AND over one object type; this cannot match",
        );
    }
    for test in pattern.tests() {
        found.test(test);
        path::check(&mut found, test);
    }
    found.finish()
}

struct Raw {
    level: Level,
    rule: &'static str,
    offset: usize,
    expected: &'static str,
}

struct Collector<'a, 'p> {
    pattern: &'p Pattern<'a>,
    custom: CustomCheck,
    list: Vec<Raw>,
}

impl Collector<'_, '_> {
    fn add(&mut self, level: Level, rule: &'static str, offset: usize, expected: &'static str) {
        self.list.push(Raw { level, rule, offset, expected });
    }

    fn error(&mut self, rule: &'static str, offset: u32, expected: &'static str) {
        self.add(Level::Error, rule, offset as usize, expected);
    }

    fn warn(&mut self, rule: &'static str, offset: u32, expected: &'static str) {
        self.add(Level::Warning, rule, offset as usize, expected);
    }

    /// The grammar of OASIS allows comments, its validator none before the first bracket; the
    /// standard knows no comments at all.
    fn start(&mut self) {
        if !has_brackets(self.pattern.text) {
            self.error("STIX-9.5-01", 0, "`[` or `(` at the beginning");
        }
    }

    /// A kind of qualifier twice: against a MUST NOT behind `]`; behind `)` a group is qualified
    /// twice, which can be meant. 2.0 does not forbid it.
    fn qualifiers(&mut self) {
        let mut seen: Vec<Option<Seen>> = Vec::with_capacity(self.pattern.observations.len());
        for node in &self.pattern.observations {
            let inner = match node {
                Observation::Qualified(inner, _) => seen.get(*inner as usize).copied().flatten(),
                _ => None,
            };
            let after = match node {
                Observation::Single(_) => Some(Seen { brackets: true, kinds: 0 }),
                Observation::Qualified(_, qualifier) => {
                    self.zero(*qualifier);
                    let inner = inner.unwrap_or(Seen { brackets: false, kinds: 0 });
                    let kind = kind_of(*qualifier);
                    if inner.kinds & kind != 0 {
                        self.doubled(*qualifier, inner.brackets);
                    }
                    Some(Seen { kinds: inner.kinds | kind, ..inner })
                }
                _ => None,
            };
            seen.push(after);
        }
    }

    fn doubled(&mut self, qualifier: Qualifier<'_>, brackets: bool) {
        let level = match (brackets, self.pattern.spec) {
            (true, Spec::V21) => Level::Error,
            _ => Level::Warning,
        };
        // The qualifier is no node with a place of its own: its word stands before its operand.
        let operand = self.offset_of(operand_text(qualifier));
        let before = self.pattern.text.get(..operand).unwrap_or_default();
        let offset = before.rfind(word_of(qualifier)).unwrap_or(operand);
        self.add(level, "STIX-9.5.1-01", offset, "each kind of qualifier once");
    }

    fn zero(&mut self, qualifier: Qualifier<'_>) {
        let is_zero = |text: &str| !text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        let (rule, expected) = match qualifier {
            Qualifier::Repeats(count) if is_zero(count) => ("STIX-9.5.1-04", "a positive integer"),
            Qualifier::Within(seconds) if is_zero(seconds) => {
                ("STIX-9.5.1-07", "a positive number")
            }
            _ => return,
        };
        let offset = self.offset_of(operand_text(qualifier));
        self.add(Level::Error, rule, offset, expected);
    }

    /// Where a slice of the pattern's own text begins.
    fn offset_of(&self, part: &str) -> usize {
        let start = self.pattern.text.as_ptr().addr();
        part.as_ptr().addr().saturating_sub(start).min(self.pattern.text.len())
    }

    fn test(&mut self, test: &Test<'_>) {
        let at = test.operand;
        match test.predicate {
            Predicate::Compare(relation, constant) => {
                self.constant(constant, at);
                hash::check(self, test, &[constant], rule_of(relation));
            }
            Predicate::In(span) => {
                let members = self.pattern.members(span).to_vec();
                for member in &members {
                    self.constant(*member, at);
                }
                if is_homogeneous(&members) {
                    hash::check(self, test, &members, "STIX-9.6.1-20");
                } else {
                    self.error("STIX-9.6.1-19", at, "constants of one type in a set");
                }
            }
            Predicate::IsSubset(text) => self.network(text, at, "STIX-9.6.1-32"),
            Predicate::IsSuperset(text) => self.network(text, at, "STIX-9.6.1-34"),
            Predicate::Matches(text) => {
                if let Some(expected) = obstacle(&text.value()) {
                    self.warn("STIX-9.6.1-27", at, expected);
                }
            }
            Predicate::Like(_) | Predicate::Exists => {}
        }
        for step in self.pattern.steps(&test.path) {
            if let Step::Index(text) = step
                && !is_integer(text)
            {
                let offset = self.offset_of(text);
                self.add(Level::Error, "STIX-9.7.2-02", offset, "an index that a list can have");
            }
        }
    }

    fn constant(&mut self, constant: Constant<'_>, at: u32) {
        match constant {
            Constant::Integer(text) if !is_integer(text) => {
                self.error("STIX-2.10-01", at, "an integer within 2^53 - 1 of zero");
            }
            Constant::Float(text) if Number::parse(text).is_none() => {
                self.error("STIX-12.1-03", at, "a number that a double can hold");
            }
            _ => {}
        }
    }

    fn network(&mut self, text: Text<'_>, at: u32, rule: &'static str) {
        if Network::parse(&text.value()).is_none() {
            self.error(rule, at, "an IPv4 or IPv6 address, or a network such as 10.0.0.0/8");
        }
    }

    /// Computes lines and columns in one pass over the text.
    fn finish(mut self) -> Vec<Finding> {
        self.list.sort_by_key(|raw| raw.offset);
        let (mut at, mut line, mut column) = (0, 1, 1);
        let text = self.pattern.text;
        let place = |raw: Raw| {
            for c in text.get(at..raw.offset).unwrap_or_default().chars() {
                (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            at = raw.offset;
            let Raw { level, rule, offset, expected } = raw;
            let found = escaped(token_at(text, offset));
            Finding { rule, level, offset, line, column, found, expected }
        };
        self.list.into_iter().map(place).collect()
    }
}

/// What of a pattern is shown for a place in it: up to the end of a quoted string, else of a word.
fn token_at(text: &str, offset: usize) -> &str {
    let rest = text.get(offset..).unwrap_or_default();
    let quoted = rest.starts_with('\'') || rest.get(1..2) == Some("'");
    let end = if quoted {
        let open = rest.find('\'').unwrap_or_default() + 1;
        let close = rest.get(open..).and_then(|inner| inner.find('\''));
        close.map(|close| open + close + 1)
    } else {
        rest.find(|c: char| c.is_whitespace() || matches!(c, ']' | ')' | ',' | '='))
    };
    match end {
        Some(0) => rest.get(..1).unwrap_or(rest),
        end => rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest),
    }
}

#[derive(Clone, Copy)]
struct Seen {
    brackets: bool,
    kinds: u8,
}

fn kind_of(qualifier: Qualifier<'_>) -> u8 {
    match qualifier {
        Qualifier::Repeats(_) => 1,
        Qualifier::Within(_) => 2,
        Qualifier::StartStop(..) => 4,
    }
}

fn word_of(qualifier: Qualifier<'_>) -> &'static str {
    match qualifier {
        Qualifier::Repeats(_) => "REPEATS",
        Qualifier::Within(_) => "WITHIN",
        Qualifier::StartStop(..) => "START",
    }
}

fn operand_text(qualifier: Qualifier<'_>) -> &str {
    match qualifier {
        Qualifier::Repeats(text) | Qualifier::Within(text) => text,
        Qualifier::StartStop(start, _) => start.text,
    }
}

/// The MUST that asks for a constant of the property's type.
fn rule_of(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "STIX-9.6.1-05",
        Relation::NotEqual => "STIX-9.6.1-08",
        Relation::Greater => "STIX-9.6.1-10",
        Relation::Less => "STIX-9.6.1-12",
        Relation::LessEqual => "STIX-9.6.1-14",
        Relation::GreaterEqual => "STIX-9.6.1-16",
    }
}

/// Within 2^53 - 1 either way (section 2.10).
fn is_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|value| value.unsigned_abs() < 1 << 53)
}

/// Whether a text begins with `[`, blanks and `(` aside.
pub fn has_brackets(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '(').starts_with('[')
}

#[cfg(test)]
mod tests;
