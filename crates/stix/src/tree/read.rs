//! The single-pass reader behind [`super::Tree`]: open brackets are a list on the heap.

use super::{Arena, Fault, INDEX_LEN, Kind, Node};
use crate::{lanes::plain_end, limits, name, split::OBJECT_TOO_DEEP};

/// A container that is still open.
#[derive(Debug)]
pub(super) struct Frame {
    node: u32,
    close: u8,
    members: u32,
    /// Bits of the keys so far: a key whose bit is free stands for the first time.
    seen: u64,
}

/// Faults of one text that are kept: a hostile one has millions.
const FAULTS_MAX: usize = 10_000;

/// Objects with more members than this are checked for doubled keys by sorting.
const SORTED_ABOVE: u32 = 48;

/// Reads one value; the buffers hold it afterwards.
pub(super) fn read(text: &str, arena: &mut Arena) -> Result<(), Fault> {
    arena.nodes.clear();
    arena.decoded.clear();
    arena.faults.clear();
    arena.open.clear();
    arena.index.clear();
    arena.index.resize(INDEX_LEN, 0);
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, arena };
    if text.starts_with('\u{feff}') {
        reader.at = 3;
        reader.survive("JSON-5", 0, "a byte order mark");
    }
    reader.value()?;
    reader.blank();
    if reader.at < text.len() {
        return Err(fatal(reader.at, "bytes after the end"));
    }
    Ok(())
}

struct Reader<'a, 'r> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    arena: &'r mut Arena,
}

fn fatal(offset: usize, problem: &'static str) -> Fault {
    Fault { rule: "JSON-1", offset, problem }
}

/// Offsets fit: [`super::utf8`] and the splitter bound a text by 64 MiB.
#[expect(clippy::cast_possible_truncation, reason = "a text has at most 64 MiB")]
fn narrow(offset: usize) -> u32 {
    offset as u32
}

impl Reader<'_, '_> {
    #[cold]
    fn survive(&mut self, rule: &'static str, offset: usize, problem: &'static str) {
        if self.arena.faults.len() < FAULTS_MAX {
            self.arena.faults.push(Fault { rule, offset, problem });
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let (start, end) = (narrow(start), narrow(self.at));
        self.arena.nodes.push(Node { kind, escaped: false, hash: 0, start, end, a: 0, b: 0 });
    }

    /// One value of any kind, with all it holds.
    fn value(&mut self) -> Result<(), Fault> {
        loop {
            self.blank();
            let start = self.at;
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if self.open(bracket)? {
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word("true", Kind::Bool)?,
                Some(b'f') => self.word("false", Kind::Bool)?,
                Some(b'n') => self.word("null", Kind::Null)?,
                Some(b'N' | b'I') => return Err(fatal(start, "no JSON number")),
                Some(_) => return Err(fatal(start, "a value is expected")),
                None => return Err(fatal(start, "the text ends in the middle")),
            }
            if !self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Opens a container; `true` when its first value is to be read next.
    fn open(&mut self, bracket: u8) -> Result<bool, Fault> {
        if self.arena.open.len() >= limits::OBJECT_DEPTH_MAX {
            let problem = OBJECT_TOO_DEEP;
            return Err(Fault { rule: "LIMIT-3", offset: self.at, problem });
        }
        let node = narrow(self.arena.nodes.len());
        self.at += 1;
        let (kind, close) = if bracket == b'{' { (Kind::Object, b'}') } else { (Kind::List, b']') };
        self.push(kind, self.at - 1);
        self.arena.open.push(Frame { node, close, members: 0, seen: 0 });
        self.blank();
        if self.peek() == Some(close) {
            return Ok(false);
        }
        if kind == Kind::Object {
            self.key()?;
        }
        self.count();
        Ok(true)
    }

    fn count(&mut self) {
        let Some(frame) = self.arena.open.last_mut() else { return };
        frame.members += 1;
        if frame.members as usize == limits::MEMBERS_MAX + 1 {
            self.survive("LIMIT-4", self.at, "more than 100,000 members");
        }
    }

    /// Behind a value: closes what closes, steps to the next value; `false` at the end of all.
    fn after_value(&mut self) -> Result<bool, Fault> {
        loop {
            let Some(close) = self.arena.open.last().map(|frame| frame.close) else {
                return Ok(false);
            };
            self.blank();
            match self.peek() {
                Some(byte) if byte == close => {
                    self.at += 1;
                    self.close();
                }
                Some(b',') => {
                    self.at += 1;
                    if close == b'}' {
                        self.blank();
                        self.key()?;
                    }
                    self.count();
                    return Ok(true);
                }
                Some(_) => return Err(fatal(self.at, "`,` or a closing bracket is expected")),
                None => return Err(fatal(self.at, "the text ends in the middle")),
            }
        }
    }

    fn close(&mut self) {
        let Some(frame) = self.arena.open.pop() else { return };
        if frame.close == b'}' && frame.members > SORTED_ABOVE {
            self.find_doubles(frame.node);
        }
        let behind = narrow(self.arena.nodes.len());
        if let Some(node) = self.arena.nodes.get_mut(frame.node as usize) {
            node.end = narrow(self.at);
            node.a = behind;
            node.b = frame.members;
        }
    }

    /// A key, the colon behind it.
    fn key(&mut self) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(fatal(self.at, "a key in quotes is expected"));
        }
        self.string()?;
        self.see();
        self.blank();
        if self.peek() != Some(b':') {
            return Err(fatal(self.at, "`:` is expected"));
        }
        self.at += 1;
        Ok(())
    }

    /// Gives the key that was read last its hash, which mostly tells that it is new.
    fn see(&mut self) {
        let Arena { nodes, decoded, open, index, .. } = &mut *self.arena;
        let value = narrow(nodes.len());
        let (Some(node), Some(frame)) = (nodes.last_mut(), open.last_mut()) else { return };
        let key = if node.escaped {
            decoded.as_bytes().get(node.a as usize..node.b as usize)
        } else {
            self.bytes.get(node.start as usize + 1..node.end as usize - 1)
        };
        node.hash = name::hash(key.unwrap_or_default());
        let bit = 1 << (node.hash % 64);
        let is_suspect = frame.seen & bit != 0 && frame.members <= SORTED_ABOVE;
        frame.seen |= bit;
        if frame.node == 0
            && let Some(place @ 0) = index.get_mut(usize::from(node.hash) % INDEX_LEN)
        {
            *place = value;
        }
        if is_suspect {
            let (object, key) = (frame.node, *node);
            if self.stands_before(object, &key) {
                self.survive("JSON-2", key.start as usize, "a key that stands twice");
            }
        }
    }

    /// Whether the key that was read last stands in its object before.
    #[cold]
    fn stands_before(&self, object: u32, key: &Node) -> bool {
        let mut at = object + 1;
        while let Some(other) = self.arena.nodes.get(at as usize) {
            if other.start == key.start {
                return false;
            }
            if other.hash == key.hash && self.string_of(other) == self.string_of(key) {
                return true;
            }
            at += 1;
            at = self.arena.nodes.get(at as usize).map_or(u32::MAX, |value| value.next(at));
        }
        false
    }

    /// Doubled keys of a large object, by sorting: hostile objects have many. Those of its first
    /// stretch were told when they were read.
    fn find_doubles(&mut self, object: u32) {
        let mut keys = Vec::new();
        let mut at = object + 1;
        let mut place = 0;
        while let Some(key) = self.arena.nodes.get(at as usize) {
            keys.push((self.string_of(key), key.start, place));
            at += 1;
            at = self.arena.nodes.get(at as usize).map_or(u32::MAX, |value| value.next(at));
            place += 1;
        }
        keys.sort_unstable();
        let doubled = keys.windows(2).filter_map(|pair| match pair {
            [(a, ..), (b, offset, place)] if a == b && *place > SORTED_ABOVE => Some(*offset),
            _ => None,
        });
        let doubled: Vec<u32> = doubled.take(FAULTS_MAX).collect();
        for offset in doubled {
            self.survive("JSON-2", offset as usize, "a key that stands twice");
        }
    }

    fn string_of(&self, node: &Node) -> &str {
        if node.escaped {
            self.arena.decoded.get(node.a as usize..node.b as usize).unwrap_or_default()
        } else {
            self.text.get(node.start as usize + 1..node.end as usize - 1).unwrap_or_default()
        }
    }

    // Once for keys, once for values: most nodes are strings, so that the call itself would count.
    #[inline(always)]
    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at = plain_end(self.bytes, start + 1);
        let decoded = match self.peek() {
            Some(b'"') => None,
            _ => Some(self.decode(start)?),
        };
        self.at += 1;
        if self.at - start > limits::STRING_LEN_MAX {
            self.survive("LIMIT-6", start, "a string of more than 8 MiB");
        }
        let (a, b) = decoded.unwrap_or_default();
        let (escaped, start, end) = (decoded.is_some(), narrow(start), narrow(self.at));
        self.arena.nodes.push(Node { kind: Kind::String, escaped, hash: 0, start, end, a, b });
        Ok(())
    }

    /// Decodes a string behind its first plain stretch up to its closing quote; where its text
    /// begins and ends among the decoded ones.
    #[cold]
    fn decode(&mut self, start: usize) -> Result<(u32, u32), Fault> {
        let decoded = narrow(self.arena.decoded.len());
        let mut from = start + 1;
        loop {
            let plain = self.text.get(from..self.at).unwrap_or_default();
            self.arena.decoded.push_str(plain);
            match self.peek() {
                Some(b'"') => return Ok((decoded, narrow(self.arena.decoded.len()))),
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(fatal(self.at, "a control character in a string")),
                None => return Err(fatal(start, "a string does not end")),
            }
            from = self.at;
            self.at = plain_end(self.bytes, from);
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let start = self.at;
        let c = match self.bytes.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(fatal(start, "no such escape")),
        };
        self.at = start + 2;
        self.arena.decoded.push(c);
        Ok(())
    }

    /// `\uXXXX`, a pair of surrogates where it is one.
    fn unicode(&mut self, start: usize) -> Result<(), Fault> {
        let unit = self.hex(start)?;
        self.at = start + 6;
        let code = match unit {
            0xd800..=0xdbff if self.bytes.get(self.at..self.at + 2) == Some(b"\\u") => {
                match self.hex(self.at)? {
                    low @ 0xdc00..=0xdfff => {
                        self.at += 6;
                        0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                    }
                    _ => unit,
                }
            }
            unit => unit,
        };
        if code == 0 {
            self.survive("JSON-7", start, "the character NUL");
        }
        let c = char::from_u32(code).unwrap_or_else(|| {
            self.survive("JSON-4", start, "a lone surrogate");
            char::REPLACEMENT_CHARACTER
        });
        self.arena.decoded.push(c);
        Ok(())
    }

    fn hex(&self, escape: usize) -> Result<u32, Fault> {
        let digits = self.bytes.get(escape + 2..escape + 6).unwrap_or_default();
        let value = digits
            .iter()
            .try_fold(0, |sum, byte| char::from(*byte).to_digit(16).map(|digit| sum * 16 + digit));
        match value {
            Some(value) if digits.len() == 4 => Ok(value),
            _ => Err(fatal(escape, "four hexadecimal digits are expected")),
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let mut plain = true;
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            Some(b'I') => return Err(fatal(start, "no JSON number")),
            _ => return Err(fatal(start, "a number is expected")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            plain = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        let len = self.at - start;
        if len > limits::NUMBER_DIGITS_MAX {
            self.survive("LIMIT-5", start, "a number of more than 1,000 digits");
        } else if !plain || len > 300 {
            let text = self.text.get(start..self.at).unwrap_or_default();
            if text.parse::<f64>().is_ok_and(f64::is_infinite) {
                self.survive("JSON-6", start, "a number beyond IEEE 754 double");
            }
        }
        self.push(Kind::Number, start);
        Ok(())
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(fatal(start, "a digit is expected")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Result<(), Fault> {
        let start = self.at;
        if !self.bytes.get(start..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(fatal(start, "a value is expected"));
        }
        self.at += word.len();
        self.push(kind, start);
        Ok(())
    }
}
