//! The canonical form of JSON: RFC 8785.
//!
//! Keys in the order of their UTF-16 units, numbers as ECMAScript prints the nearest double,
//! no blanks, as few escapes as possible. It serves ids and equality, never storage: what was
//! received is kept byte for byte. A string without a backslash is canonical as it stands, so most
//! of an object is copied.

use std::cmp::Ordering;

use crate::tree::{Kind, Tree, Value};

/// Why a text has no canonical form, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at byte {offset}: {problem}")]
pub struct NotCanonical {
    /// The rule that is broken.
    pub rule: &'static str,
    /// Byte offset in the text.
    pub offset: usize,
    /// What is wrong.
    pub problem: &'static str,
}

/// The canonical form of a JSON text.
///
/// ```
/// let text = stix::canonicalize(br#"{"b": 1e2, "a": "\u00e9"}"#).unwrap();
/// assert_eq!(text, r#"{"a":"é","b":100}"#);
/// ```
///
/// *Errors*: the first of malformed text, wrong UTF-8, a lone surrogate, a number beyond a double
/// (1e400), a key that stands twice in one object, a limit of [`crate::limits`].
///
/// *Source*: RFC 8785; RFC 7493.
pub fn canonicalize(text: &[u8]) -> Result<String, NotCanonical> {
    let refuse = |fault: &crate::tree::Fault| NotCanonical {
        rule: fault.rule,
        offset: fault.offset,
        problem: fault.problem,
    };
    let tree = Tree::read(text).map_err(|faults| match faults.last() {
        Some(fault) => refuse(fault),
        None => NotCanonical { rule: "JSON-1", offset: 0, problem: "no JSON" },
    })?;
    if let Some(fault) = tree.faults().iter().find(|fault| is_fatal(fault.rule)) {
        return Err(refuse(fault));
    }
    let mut out = String::with_capacity(text.len());
    write(tree.root(), &mut out);
    Ok(out)
}

/// Whether a fault that a reader survives takes the meaning from a text: a key twice, a lone
/// surrogate, no double, a limit.
pub(crate) fn is_fatal(rule: &str) -> bool {
    !matches!(rule, "JSON-5" | "JSON-7")
}

/// Appends the canonical form of a value of a tree without fatal faults.
pub fn write(value: Value<'_>, out: &mut String) {
    Writer { out, members: Vec::new() }.value(value);
}

struct Writer<'t, 'o> {
    out: &'o mut String,
    /// The members of the objects that are open, each object's sorted behind its parent's.
    members: Vec<(&'t str, Value<'t>)>,
}

impl<'t> Writer<'t, '_> {
    /// INVARIANT: a tree nests at most [`crate::limits::OBJECT_DEPTH_MAX`] deep, so this may recurse.
    fn value(&mut self, value: Value<'t>) {
        match value.kind() {
            Kind::Null | Kind::Bool => self.out.push_str(value.source()),
            Kind::Number => write_number(value.source(), self.out),
            Kind::String => self.string(value),
            Kind::List => {
                self.out.push('[');
                for (place, item) in value.items().enumerate() {
                    if place > 0 {
                        self.out.push(',');
                    }
                    self.value(item);
                }
                self.out.push(']');
            }
            Kind::Object => self.object(value),
        }
    }

    fn string(&mut self, value: Value<'t>) {
        let source = value.source();
        if source.contains('\\') {
            write_string(value.as_str().unwrap_or_default(), self.out);
        } else {
            self.out.push_str(source);
        }
    }

    fn object(&mut self, value: Value<'t>) {
        let start = self.members.len();
        self.members.extend(value.members());
        if let Some(mine) = self.members.get_mut(start..) {
            mine.sort_unstable_by(|(a, _), (b, _)| utf16_order(a, b));
        }
        self.out.push('{');
        let mut at = start;
        // By place: what a member holds is pushed behind this object's and gone when it returns.
        while let Some((key, member)) = self.members.get(at).copied() {
            if at > start {
                self.out.push(',');
            }
            write_string(key, self.out);
            self.out.push(':');
            self.value(member);
            at += 1;
        }
        self.out.push('}');
        self.members.truncate(start);
    }
}

/// The order of UTF-16 units. It differs from that of UTF-8 bytes only between U+E000 to U+FFFF
/// and what lies beyond.
pub(crate) fn utf16_order(a: &str, b: &str) -> Ordering {
    let high = |text: &str| text.bytes().any(|byte| byte >= 0xee);
    if high(a) && high(b) { a.encode_utf16().cmp(b.encode_utf16()) } else { a.cmp(b) }
}

/// Appends a string in quotes with as few escapes as JSON allows.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            0x0c => "\\f",
            b'\r' => "\\r",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(text.get(copied..at).unwrap_or_default());
        copied = at + 1;
        if escape.is_empty() {
            out.push_str("\\u00");
            out.push(if byte < 0x10 { '0' } else { '1' });
            out.extend(char::from_digit(u32::from(byte & 0x0f), 16));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out.push('"');
}

/// Appends a number as ECMAScript prints the double nearest to it.
pub(crate) fn write_number(spelled: &str, out: &mut String) {
    let digits = spelled.strip_prefix('-').unwrap_or(spelled);
    // Whole and exact in a double: already as ECMAScript prints it, but for minus zero.
    if digits.len() <= 15 && digits != "0" && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        out.push_str(spelled);
        return;
    }
    let double = spelled.parse().unwrap_or(f64::NAN);
    out.push_str(ryu_js::Buffer::new().format(double));
}

/// Whether a number's nearest double has another value than the number as spelled.
pub fn changes_value(spelled: &str) -> bool {
    let mut printed = String::new();
    write_number(spelled, &mut printed);
    decimal(spelled) != decimal(&printed)
}

/// A number's digits without zeros at either end, and its exponent.
fn decimal(spelled: &str) -> (bool, String, i64) {
    let (negative, rest) = match spelled.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, spelled),
    };
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let trimmed = digits.trim_end_matches('0');
    if trimmed.trim_start_matches('0').is_empty() {
        return (false, String::new(), 0);
    }
    let dropped = i64::try_from(digits.len() - trimmed.len()).unwrap_or(0);
    let point = i64::try_from(fraction.len()).unwrap_or(0);
    let exponent = exponent.parse::<i64>().unwrap_or(0) - point + dropped;
    (negative, trimmed.trim_start_matches('0').to_owned(), exponent)
}

#[cfg(test)]
mod tests;
