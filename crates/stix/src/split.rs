//! A bundle or a TAXII envelope, split into the exact bytes of its objects.
//!
//! One pass by a scanner of our own that keeps its stack on the heap: nesting of any depth ends
//! in an error, never in a stack overflow, and a slice is never copied.

use crate::{lanes::plain_end, limits, line_column, tree::Fault};

/// Why a document could not be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// Not JSON, with the place.
    #[error("{rule}: not JSON at line {line}, column {column}: {problem}")]
    NotJson {
        /// The rule.
        rule: &'static str,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// JSON, yet neither a bundle nor an envelope.
    #[error("{rule}: neither a bundle nor an envelope: {problem}")]
    NotEnvelope {
        /// The rule.
        rule: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// Larger than a limit allows.
    #[error("LIMIT-1: the document has more than {} bytes", limits::DOCUMENT_LEN_MAX)]
    TooLarge,
}

/// The exact bytes of each object of a bundle (`{"type":"bundle","objects":[…]}`) or of a TAXII
/// envelope (`{"objects":[…]}`). A byte order mark is skipped; other properties are ignored.
///
/// *Errors*: [`SplitError::NotJson`] for malformed text, nesting above 1,000, NaN, trailing bytes,
/// `objects` twice, wrong UTF-8, a cut-off body; [`SplitError::NotEnvelope`] for a bare object, a
/// list, a string, `objects` that is no list.
///
/// *Source*: TAXII 2.1 sections 3.7, 5.5; STIX 2.1 section 8.
pub fn split(document: &[u8]) -> Result<Vec<&[u8]>, SplitError> {
    if document.len() > limits::DOCUMENT_LEN_MAX {
        return Err(SplitError::TooLarge);
    }
    let body = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    if let Err(error) = std::str::from_utf8(body) {
        return Err(Scanner::new(body).fail(error.valid_up_to(), "JSON-3", "not UTF-8"));
    }
    let mut scanner = Scanner::new(body);
    let objects = scanner.document()?;
    Ok(objects)
}

/// What a document is on the outside.
pub(crate) enum Shell<'a> {
    /// A list of values.
    List(Vec<&'a [u8]>),
    /// Any other value, without what stands around it, and the objects of a bundle or an envelope.
    One(&'a [u8], Option<Vec<&'a [u8]>>),
}

/// The outside of a document that is UTF-8: nesting and numbers of any size pass here, so that one
/// object's excess stays its own.
pub(crate) fn shell(document: &[u8]) -> Result<Shell<'_>, Fault> {
    let mut scanner = Scanner::unbounded(document);
    if document.starts_with(b"\xef\xbb\xbf") {
        scanner.at = 3;
    }
    scanner.outside().map_err(|(offset, problem)| Fault { rule: "JSON-1", offset, problem })
}

/// The objects of a value that is a bundle or an envelope: it has a list `objects`, and its type
/// is `bundle` or absent.
pub(crate) fn objects_of(value: &[u8]) -> Option<Vec<&[u8]>> {
    Scanner::unbounded(value).objects().flatten()
}

/// What is wrong beyond [`limits::OBJECT_DEPTH_MAX`].
pub(crate) const OBJECT_TOO_DEEP: &str = "nested more than 256 deep";
/// What is wrong beyond [`limits::DOCUMENT_DEPTH_MAX`].
const DOCUMENT_TOO_DEEP: &str = "nested more than 1,000 deep";

/// Checks that `bytes` are exactly one JSON value within the nesting limit; the offset and the
/// problem otherwise.
pub(crate) fn scan_value(bytes: &[u8], depth_max: usize) -> Result<(), (usize, &'static str)> {
    let mut scanner = Scanner::new(bytes);
    scanner.depth_max = depth_max;
    scanner.blank();
    scanner.value()?;
    scanner.blank();
    if scanner.at < bytes.len() { Err((scanner.at, "bytes after the end")) } else { Ok(()) }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    digits_max: usize,
}

type Place = (usize, &'static str);

impl<'a> Scanner<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let (depth_max, digits_max) = (limits::DOCUMENT_DEPTH_MAX, limits::NUMBER_DIGITS_MAX);
        Self { bytes, at: 0, depth_max, digits_max }
    }

    /// As [`Scanner::new`], with numbers and nesting of any size.
    fn unbounded(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth_max: usize::MAX, digits_max: usize::MAX }
    }

    fn fail(&self, offset: usize, rule: &'static str, problem: &'static str) -> SplitError {
        let (line, column) = line_column(self.bytes, offset);
        SplitError::NotJson { rule, line, column, problem }
    }

    fn json<T>(&self, result: Result<T, Place>) -> Result<T, SplitError> {
        result.map_err(|(offset, problem)| self.fail(offset, "JSON-1", problem))
    }

    fn document(&mut self) -> Result<Vec<&'a [u8]>, SplitError> {
        self.blank();
        if self.peek() != Some(b'{') {
            let whole = self.value().and_then(|()| self.end());
            self.json(whole)?;
            let problem = "an object with `objects` is expected";
            return Err(SplitError::NotEnvelope { rule: "TAXII-3.7-01", problem });
        }
        let (objects, kind) = self.members()?;
        let end = self.end();
        self.json(end)?;
        match (objects, kind) {
            (Some(objects), _) => Ok(objects),
            (None, Some(kind)) if kind != b"\"bundle\"" => Err(SplitError::NotEnvelope {
                rule: "TAXII-3.7-01",
                problem: "a bare object; put it into {\"objects\":[…]}",
            }),
            (None, _) => Ok(Vec::new()),
        }
    }

    /// The members of the outermost object: the slices of `objects`, and the bytes of `type`.
    #[expect(clippy::type_complexity, reason = "two optional slices, used once")]
    fn members(&mut self) -> Result<(Option<Vec<&'a [u8]>>, Option<&'a [u8]>), SplitError> {
        let (mut objects, mut kind) = (None, None);
        self.at += 1;
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok((objects, kind));
        }
        loop {
            let key = self.key();
            let key = self.json(key)?;
            if key == b"\"objects\"" {
                if objects.is_some() {
                    return Err(self.fail(self.at, "JSON-2", "`objects` stands twice"));
                }
                objects = Some(self.list()?);
            } else {
                let start = self.at;
                let value = self.value();
                self.json(value)?;
                if key == b"\"type\"" {
                    kind = self.bytes.get(start..self.at);
                }
            }
            self.blank();
            match self.take() {
                Some(b',') => self.blank(),
                Some(b'}') => return Ok((objects, kind)),
                _ => return Err(self.fail(self.at, "JSON-1", "`,` or `}` is expected")),
            }
        }
    }

    fn list(&mut self) -> Result<Vec<&'a [u8]>, SplitError> {
        if self.peek() != Some(b'[') {
            let value = self.value();
            self.json(value)?;
            let problem = "`objects` is no list";
            return Err(SplitError::NotEnvelope { rule: "TAXII-3.7-02", problem });
        }
        let values = self.values();
        self.json(values)
    }

    fn outside(&mut self) -> Result<Shell<'a>, Place> {
        self.blank();
        let start = self.at;
        let shell = if self.peek() == Some(b'[') {
            Shell::List(self.values()?)
        } else {
            let objects = self.objects();
            if objects.is_none() {
                self.at = start;
                self.value()?;
            }
            Shell::One(self.bytes.get(start..self.at).unwrap_or_default(), objects.flatten())
        };
        self.end()?;
        Ok(shell)
    }

    /// Reads an object that is next: with its objects, where it is a bundle or an envelope. None
    /// where it cannot be read so.
    fn objects(&mut self) -> Option<Option<Vec<&'a [u8]>>> {
        if self.peek() != Some(b'{') {
            return None;
        }
        let (objects, kind) = self.members().ok()?;
        Some(objects.filter(|_| kind.is_none_or(|kind| kind == b"\"bundle\"")))
    }

    /// The items of a list whose bracket is next.
    fn values(&mut self) -> Result<Vec<&'a [u8]>, Place> {
        let mut values = Vec::new();
        self.at += 1;
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(values);
        }
        loop {
            let start = self.at;
            self.value()?;
            values.extend(self.bytes.get(start..self.at));
            self.blank();
            match self.take() {
                Some(b',') => self.blank(),
                Some(b']') => return Ok(values),
                _ => return Err((self.at, "`,` or `]` is expected")),
            }
        }
    }

    fn end(&mut self) -> Result<(), Place> {
        self.blank();
        if self.at < self.bytes.len() { Err((self.at, "bytes after the end")) } else { Ok(()) }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A key with its quotes, and the colon and blanks behind it.
    fn key(&mut self) -> Result<&'a [u8], Place> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err((self.at, "a key in quotes is expected"));
        }
        self.string()?;
        let key = self.bytes.get(start..self.at).unwrap_or_default();
        self.blank();
        if self.take() != Some(b':') {
            return Err((self.at, "`:` is expected"));
        }
        self.blank();
        Ok(key)
    }

    /// One value of any nesting; open brackets are a list on the heap.
    fn value(&mut self) -> Result<(), Place> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if open.len() >= self.depth_max {
                        let is_object = self.depth_max == limits::OBJECT_DEPTH_MAX;
                        let problem = if is_object { OBJECT_TOO_DEEP } else { DOCUMENT_TOO_DEEP };
                        return Err((self.at, problem));
                    }
                    self.at += 1;
                    open.push(bracket + 2);
                    self.blank();
                    if self.peek() == open.last().copied() {
                        // Empty: falls through to the closing below.
                    } else if bracket == b'{' {
                        self.key()?;
                        continue;
                    } else {
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(_) => return Err((self.at, "a value is expected")),
                None => return Err((self.at, "the text ends in the middle")),
            }
            if !self.after_value(&mut open)? {
                return Ok(());
            }
        }
    }

    /// Behind a value: closes what closes, and steps to the next value. `false` at the end.
    fn after_value(&mut self, open: &mut Vec<u8>) -> Result<bool, Place> {
        loop {
            let Some(close) = open.last().copied() else { return Ok(false) };
            self.blank();
            match self.take() {
                Some(byte) if byte == close => {
                    open.pop();
                }
                Some(b',') => {
                    self.blank();
                    if close == b'}' {
                        self.key()?;
                    }
                    return Ok(true);
                }
                Some(_) => return Err((self.at - 1, "`,` or a closing bracket is expected")),
                None => return Err((self.at, "the text ends in the middle")),
            }
        }
    }

    fn string(&mut self) -> Result<(), Place> {
        self.at = plain_end(self.bytes, self.at + 1);
        if self.peek() != Some(b'"') {
            return self.escapes();
        }
        self.at += 1;
        Ok(())
    }

    /// The rest of a string behind its first plain stretch, with its closing quote.
    #[cold]
    fn escapes(&mut self) -> Result<(), Place> {
        loop {
            match self.take() {
                None => return Err((self.at, "a string does not end")),
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape()?,
                _ => return Err((self.at - 1, "a control character in a string")),
            }
            self.at = plain_end(self.bytes, self.at);
        }
    }

    fn escape(&mut self) -> Result<(), Place> {
        match self.take() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
                if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err((self.at, "four hexadecimal digits are expected"));
                }
                self.at += 4;
                Ok(())
            }
            _ => Err((self.at, "no such escape")),
        }
    }

    fn number(&mut self) -> Result<(), Place> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.take() {
            Some(b'0') => {}
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err((start, "a number is expected")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        if self.at - start > self.digits_max {
            return Err((start, "a number of too many digits"));
        }
        Ok(())
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Place> {
        let start = self.at;
        self.digits();
        if self.at == start { Err((start, "a digit is expected")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Place> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            return Ok(());
        }
        Err((self.at, "a value is expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(document: &str) -> Vec<&str> {
        split(document.as_bytes())
            .unwrap()
            .into_iter()
            .map(|bytes| std::str::from_utf8(bytes).unwrap())
            .collect()
    }

    fn problem(document: &[u8]) -> &'static str {
        match split(document).unwrap_err() {
            SplitError::NotJson { problem, .. } | SplitError::NotEnvelope { problem, .. } => {
                problem
            }
            SplitError::TooLarge => "too large",
        }
    }

    #[test]
    fn split_keeps_every_byte_of_each_object() {
        let document =
            "\u{feff}{ \"more\":false, \"objects\" : [ {\"a\" : 1.50 } ,{\"b\":[ ]}\n] }";
        assert_eq!(texts(document), ["{\"a\" : 1.50 }", "{\"b\":[ ]}"]);
        assert_eq!(texts(r#"{"objects":["no object",1,null]}"#), ["\"no object\"", "1", "null"]);
    }

    #[test]
    fn split_without_objects_is_empty_for_bundle_and_envelope_only() {
        assert!(texts("{}").is_empty());
        assert!(texts(r#"{"type":"bundle","id":"bundle--x"}"#).is_empty());
        assert_eq!(problem(br#"{"type":"tool"}"#), "a bare object; put it into {\"objects\":[…]}");
    }

    #[test]
    fn split_of_other_values_says_what_is_expected() {
        for text in [&b"[]"[..], b"\"x\"", b"1"] {
            assert_eq!(problem(text), "an object with `objects` is expected");
        }
        assert_eq!(problem(br#"{"objects":{}}"#), "`objects` is no list");
    }

    #[test]
    fn split_names_the_place_of_malformed_text() {
        let error = split(b"{\"objects\":[\n  {\"a\": NaN}]}").unwrap_err();
        assert!(matches!(error, SplitError::NotJson { line: 2, column: 9, .. }), "{error}");
    }

    #[test]
    fn split_refuses_what_is_not_json() {
        let cases: [(&[u8], &str); 9] = [
            (b"{\"objects\":[{}]", "`,` or `}` is expected"),
            (b"{\"objects\":[{}]} x", "bytes after the end"),
            (b"{\"objects\":[{\"a\":1", "the text ends in the middle"),
            (b"{\"objects\":[],\"objects\":[]}", "`objects` stands twice"),
            (b"{\"objects\":[\"\xff\"]}", "not UTF-8"),
            (b"{\"objects\":[01]}", "`,` or `]` is expected"),
            (b"{\"objects\":[\"\\x\"]}", "no such escape"),
            (b"{\"objects\":[\"a\nb\"]}", "a control character in a string"),
            (b"{\"objects\":[{\"a\" 1}]}", "`:` is expected"),
        ];
        for (document, expected) in cases {
            assert_eq!(problem(document), expected, "{}", String::from_utf8_lossy(document));
        }
    }

    #[test]
    fn split_bounds_nesting_and_digits() {
        let deep = format!("{{\"objects\":[{}]}}", "[".repeat(100_000));
        assert_eq!(problem(deep.as_bytes()), DOCUMENT_TOO_DEEP);
        let long = format!("{{\"objects\":[{}]}}", "9".repeat(2_000));
        assert_eq!(problem(long.as_bytes()), "a number of too many digits");
    }
}
