//! A borrowed JSON tree: every value with its byte offset, numbers as spelled, strings borrowed.
//!
//! The typed relay path ([`crate::split`], [`crate::Head`]) never builds one; a tree is read only
//! when an object is validated, matched or rewritten. Nodes lie in one arena in the order of the
//! text, which is reused from object to object; nothing here recurses. What RFC 8259, 7493 and 3629
//! forbid yet a reader survives (a key twice, a lone surrogate, 1e400) is a [`Fault`] beside the
//! tree; what it does not survive ends the reading.

mod pointer;
mod read;

pub(crate) use pointer::{Pointers, escape_step};

use std::fmt;

use crate::name;

/// What kind of JSON value a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number, kept as spelled.
    Number,
    /// A string.
    String,
    /// A list.
    List,
    /// An object.
    Object,
}

impl Kind {
    /// The kind in words, for findings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

/// A breach of the rules of JSON itself, or of a limit, with its place.
///
/// | rule | what | source |
/// | --- | --- | --- |
/// | `JSON-1` | not the grammar of JSON | RFC 8259 |
/// | `JSON-2` | a key twice in one object | RFC 7493 section 2.3 |
/// | `JSON-3` | not UTF-8 | RFC 3629; RFC 8259 section 8.1 |
/// | `JSON-4` | a lone surrogate | RFC 7493 section 2.1 |
/// | `JSON-5` | a byte order mark | RFC 8259 section 8.1 |
/// | `JSON-6` | a number beyond IEEE 754 double | RFC 7493 section 2.2 |
/// | `JSON-7` | the character NUL | many stores end a text there |
/// | `LIMIT-1` … `LIMIT-7` | document, object, nesting, members, digits, string, pattern | [`crate::limits`] |
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at byte {offset}: {problem}")]
pub struct Fault {
    /// The rule.
    pub rule: &'static str,
    /// Byte offset in the text that was read.
    pub offset: usize,
    /// What is wrong, in our words.
    pub problem: &'static str,
}

/// The buffers of a tree, without the text: handed from one reading to the next.
#[derive(Debug, Default)]
pub struct Arena {
    nodes: Vec<Node>,
    decoded: String,
    faults: Vec<Fault>,
    open: Vec<read::Frame>,
    /// The places of the outermost object's values by the hashes of their keys, the first to come
    /// where several fall together; 0 where none does.
    index: Vec<u32>,
}

/// Many more than an object mostly has members: few of them fall together.
const INDEX_LEN: usize = 256;

/// One value or key. Offsets are `u32`: a document has at most 64 MiB.
#[derive(Debug, Clone, Copy)]
struct Node {
    kind: Kind,
    /// The string has escapes: `a..b` is its decoded text.
    escaped: bool,
    /// Key: its [`name::hash`].
    hash: u16,
    start: u32,
    end: u32,
    /// Container: index of the node behind it. Escaped string: start in `decoded`.
    a: u32,
    /// Container: number of members. Escaped string: end in `decoded`.
    b: u32,
}

impl Node {
    /// Index of the node behind this one and all it holds, given its own.
    fn next(&self, at: u32) -> u32 {
        match self.kind {
            Kind::List | Kind::Object => self.a,
            _ => at + 1,
        }
    }
}

/// A document or one object, read.
#[derive(Debug)]
pub struct Tree<'a> {
    text: &'a str,
    arena: Arena,
}

impl<'a> Tree<'a> {
    /// Reads exactly one JSON value.
    ///
    /// *Errors*: the faults up to and with the one that ended the reading, which is the last:
    /// malformed text, wrong UTF-8, nesting above [`crate::limits::OBJECT_DEPTH_MAX`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, Vec<Fault>> {
        let text = utf8(bytes).map_err(|fault| vec![fault])?;
        let mut arena = Arena::default();
        arena.read(text).map_err(|fault| {
            let mut faults = std::mem::take(&mut arena.faults);
            faults.push(fault);
            faults
        })
    }

    /// The buffers back, for the next reading.
    pub fn into_arena(self) -> Arena {
        self.arena
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { tree: self, at: 0 }
    }

    /// What was wrong and survived, in the order of the text but for keys that stand twice; at most
    /// 10,000.
    pub fn faults(&self) -> &[Fault] {
        &self.arena.faults
    }

    /// The text that was read.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// JSON pointer from the root to the value that stands at, or holds, a byte offset.
    ///
    /// *Source*: RFC 6901.
    pub fn pointer(&self, offset: usize) -> String {
        let mut pointer = String::new();
        Pointers::default().write(self.root(), offset, &mut pointer);
        pointer
    }

    /// The value at a place: [`Value::place`].
    pub(crate) fn value(&self, place: u32) -> Value<'_> {
        Value { tree: self, at: place }
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.arena.nodes.get(at as usize)
    }

    /// The nodes of a member: its key, its value.
    fn member(&self, at: u32) -> Option<&[Node; 2]> {
        self.arena.nodes.get(at as usize..)?.first_chunk()
    }

    fn string(&self, node: &Node) -> &str {
        if node.escaped {
            self.arena.decoded.get(node.a as usize..node.b as usize).unwrap_or_default()
        } else {
            self.text.get(node.start as usize + 1..node.end as usize - 1).unwrap_or_default()
        }
    }
}

impl Arena {
    /// Reads one value from checked text into these buffers; [`Tree::into_arena`] brings them back.
    ///
    /// *Errors*: the fault that ended the reading; the buffers stay here.
    pub fn read<'a>(&mut self, text: &'a str) -> Result<Tree<'a>, Fault> {
        read::read(text, self)?;
        Ok(Tree { text, arena: std::mem::take(self) })
    }
}

/// The text of bytes, or where they stop being UTF-8.
///
/// *Errors*: `JSON-3`; `LIMIT-1` above 64 MiB.
pub fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.len() > crate::limits::DOCUMENT_LEN_MAX {
        return Err(Fault {
            rule: "LIMIT-1",
            offset: 0,
            problem: "a document of more than 64 MiB",
        });
    }
    std::str::from_utf8(bytes).map_err(|error| Fault {
        rule: "JSON-3",
        offset: error.valid_up_to(),
        problem: "not UTF-8",
    })
}

/// A value of a tree. Copied freely: a reference and a number.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    tree: &'t Tree<'t>,
    at: u32,
}

impl<'t> Value<'t> {
    fn node(self) -> Option<&'t Node> {
        self.tree.node(self.at)
    }

    /// Its kind.
    pub fn kind(self) -> Kind {
        self.node().map_or(Kind::Null, |node| node.kind)
    }

    /// The text of a string, escapes decoded.
    pub fn as_str(self) -> Option<&'t str> {
        self.node().filter(|node| node.kind == Kind::String).map(|node| self.tree.string(node))
    }

    /// A number exactly as spelled.
    pub fn as_number(self) -> Option<&'t str> {
        self.node().filter(|node| node.kind == Kind::Number).map(|_| self.source())
    }

    /// A boolean.
    pub fn as_bool(self) -> Option<bool> {
        self.node().filter(|node| node.kind == Kind::Bool).map(|_| self.source() == "true")
    }

    /// A number that is an integer, however spelled (`50`, `50.0`, `5e1`).
    pub fn as_i64(self) -> Option<i64> {
        let text = self.as_number()?;
        if let Ok(number) = text.parse() {
            return Some(number);
        }
        let number: f64 = text.parse().ok()?;
        let whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        whole.then_some(number as i64)
    }

    /// The nearest double of a number.
    pub fn as_f64(self) -> Option<f64> {
        self.as_number()?.parse().ok()
    }

    /// How many items or members; 0 for what holds none.
    pub fn len(self) -> usize {
        let container = self.node().filter(|node| matches!(node.kind, Kind::List | Kind::Object));
        container.map_or(0, |node| node.b as usize)
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The items of a list; none of anything else.
    pub fn items(self) -> Items<'t> {
        Items { tree: self.tree, at: self.at + 1, left: self.len_of(Kind::List) }
    }

    /// The members of an object in the order of the text, doubled keys too.
    pub fn members(self) -> Members<'t> {
        Members { tree: self.tree, at: self.at + 1, left: self.len_of(Kind::Object) }
    }

    /// The value of a key, the first where it stands twice.
    // In line, so that the compiler makes the hash of a name that stands in the source.
    #[inline]
    pub fn get(self, key: &str) -> Option<Value<'t>> {
        self.find(name::hash(key.as_bytes()), key)
    }

    fn find(self, hash: u16, key: &str) -> Option<Value<'t>> {
        let is_it = |name: &Node| name.hash == hash && self.tree.string(name) == key;
        if self.at == 0 {
            let at = *self.tree.arena.index.get(usize::from(hash) % INDEX_LEN)?;
            if is_it(self.tree.node(at.checked_sub(1)?)?) {
                return Some(Value { tree: self.tree, at });
            }
        }
        let mut at = self.at + 1;
        for _ in 0..self.len_of(Kind::Object) {
            let [name, value] = self.tree.member(at)?;
            if is_it(name) {
                return Some(Value { tree: self.tree, at: at + 1 });
            }
            at = value.next(at + 1);
        }
        None
    }

    /// The value that leads along keys: `value.path(&["a", "b"])`.
    pub fn path(self, keys: &[&str]) -> Option<Value<'t>> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Byte offset of its first byte in the text that was read.
    pub fn offset(self) -> usize {
        self.node().map_or(0, |node| node.start as usize)
    }

    /// Its exact bytes.
    pub fn raw(self) -> &'t [u8] {
        self.source().as_bytes()
    }

    /// Its exact text.
    pub fn source(self) -> &'t str {
        let node = self.node();
        node.and_then(|node| self.tree.text.get(node.start as usize..node.end as usize))
            .unwrap_or_default()
    }

    /// The tree it stands in.
    pub fn tree(self) -> &'t Tree<'t> {
        self.tree
    }

    /// Its place in the tree, small enough to be kept instead of a value.
    pub(crate) fn place(self) -> u32 {
        self.at
    }

    fn end(self) -> usize {
        self.node().map_or(0, |node| node.end as usize)
    }

    fn len_of(self, kind: Kind) -> u32 {
        self.node().filter(|node| node.kind == kind).map_or(0, |node| node.b)
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source())
    }
}

/// Equal as JSON values: numbers by value, objects without order.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        // INVARIANT: nesting is at most 256, so this may recurse.
        match (self.kind(), other.kind()) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool, Kind::Bool) => self.as_bool() == other.as_bool(),
            (Kind::String, Kind::String) => self.as_str() == other.as_str(),
            (Kind::Number, Kind::Number) => {
                self.source() == other.source() || self.as_f64() == other.as_f64()
            }
            (Kind::List, Kind::List) => self.len() == other.len() && self.items().eq(other.items()),
            (Kind::Object, Kind::Object) => {
                let same = |(key, value)| other.get(key).is_some_and(|there| there == value);
                self.len() == other.len() && self.members().all(same)
            }
            _ => false,
        }
    }
}

/// The items of a list.
#[derive(Debug, Clone)]
pub struct Items<'t> {
    tree: &'t Tree<'t>,
    at: u32,
    left: u32,
}

impl<'t> Iterator for Items<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        self.left = self.left.checked_sub(1)?;
        let value = Value { tree: self.tree, at: self.at };
        self.at = value.node()?.next(self.at);
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

/// The members of an object.
#[derive(Debug, Clone)]
pub struct Members<'t> {
    tree: &'t Tree<'t>,
    at: u32,
    left: u32,
}

impl<'t> Iterator for Members<'t> {
    type Item = (&'t str, Value<'t>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let [key, node] = self.tree.member(self.at)?;
        let value = Value { tree: self.tree, at: self.at + 1 };
        self.at = node.next(value.at);
        Some((self.tree.string(key), value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

#[cfg(test)]
mod tests;
