//! JSON pointers (RFC 6901) from places in the text.

use std::fmt::Write as _;

use super::{Kind, Value};
use crate::lanes::{self, is};

/// Makes pointers of places that mostly rise: then each stretch of a tree is walked once, however
/// many places are asked for. A place that lies further back begins anew.
#[derive(Default)]
pub(crate) struct Pointers<'t> {
    /// The way to the last place, from the root on.
    way: Vec<Child<'t>>,
    offset: usize,
}

impl<'t> Pointers<'t> {
    /// Appends the pointer to the value that stands at, or holds, a byte offset: always of one tree,
    /// whose root is given.
    pub(crate) fn write(&mut self, root: Value<'t>, offset: usize, pointer: &mut String) {
        if offset < self.offset {
            self.way.clear();
        }
        self.offset = offset;
        let kept = self.way.iter().take_while(|child| child.holds(offset)).count();
        let mut children = match (self.way.get(kept), kept.checked_sub(1)) {
            (Some(passed), _) => passed.rest,
            (None, Some(last)) => self.way.get(last).map_or(root, |child| child.value).into(),
            (None, None) => root.into(),
        };
        self.way.truncate(kept);
        while let Some(child) = children.that_holds(offset) {
            children = child.value.into();
            self.way.push(child);
        }
        for child in &self.way {
            pointer.push('/');
            match child.key() {
                Some(key) => escape_step(key, pointer),
                None => {
                    // Writing to a string cannot fail.
                    let _ = write!(pointer, "{}", child.place);
                }
            }
        }
    }
}

/// A member or an item, and those behind it.
struct Child<'t> {
    /// Its first node: of a member the key, of an item the value itself.
    at: u32,
    place: u32,
    /// Where it begins: a member with its key.
    start: usize,
    value: Value<'t>,
    rest: Children<'t>,
}

impl<'t> Child<'t> {
    /// None for an item of a list.
    fn key(&self) -> Option<&'t str> {
        let Value { tree, at } = self.value;
        (at != self.at).then(|| tree.node(self.at).map_or("", |node| tree.string(node)))
    }

    fn holds(&self, offset: usize) -> bool {
        (self.start..self.value.end()).contains(&offset)
    }
}

/// The members of an object or the items of a list, from some place on.
#[derive(Clone, Copy)]
struct Children<'t> {
    container: Value<'t>,
    /// The node that is next.
    at: u32,
    place: u32,
}

impl<'t> From<Value<'t>> for Children<'t> {
    fn from(container: Value<'t>) -> Self {
        Self { container, at: container.at + 1, place: 0 }
    }
}

impl<'t> Children<'t> {
    fn that_holds(mut self, offset: usize) -> Option<Child<'t>> {
        while let Some(child) = self.next() {
            if child.start > offset {
                return None;
            }
            if child.holds(offset) {
                return Some(child);
            }
        }
        None
    }

    fn next(&mut self) -> Option<Child<'t>> {
        let Value { tree, .. } = self.container;
        if self.place as usize >= self.container.len() {
            return None;
        }
        let first = tree.node(self.at)?;
        let is_member = self.container.kind() == Kind::Object;
        let value = Value { tree, at: if is_member { self.at + 1 } else { self.at } };
        let (at, place, start) = (self.at, self.place, first.start as usize);
        self.at = tree.node(value.at)?.next(value.at);
        self.place += 1;
        Some(Child { at, place, start, value, rest: *self })
    }
}

/// Appends a key as a step of a JSON pointer: `~` as `~0`, `/` as `~1`.
pub(crate) fn escape_step(key: &str, pointer: &mut String) {
    if lanes::all(key.as_bytes(), |bytes| !(is(bytes, b'~') | is(bytes, b'/'))) {
        return pointer.push_str(key);
    }
    for c in key.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    #[test]
    fn pointers_agree_whatever_the_order_of_the_places() {
        let text = r#"{"a":[1,{"b/c":[2,3]},[]],"d~":{"e":"x"},"f":7}"#;
        let tree = Tree::read(text.as_bytes()).unwrap();
        let mut pointers = Pointers::default();
        let rising = 0..text.len();
        for offset in rising.clone().chain(rising.clone().rev()).chain(rising.step_by(7)) {
            let mut pointer = String::new();
            pointers.write(tree.root(), offset, &mut pointer);
            assert_eq!(pointer, tree.pointer(offset), "{offset}");
        }
        assert_eq!(tree.pointer(text.find('3').unwrap()), "/a/1/b~1c/1");
        assert_eq!(tree.pointer(text.find("\"x").unwrap()), "/d~0/e");
    }
}
