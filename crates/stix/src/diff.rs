//! What differs between two collections of objects: by id, version and property.

use std::{cmp::Ordering, collections::BTreeMap};

use crate::{
    compare_timestamps,
    jcs::{self, is_fatal},
    tree::{Kind, Tree, Value},
};

/// How an object of one collection stands to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Only in the second.
    Added,
    /// Only in the first.
    Removed,
    /// The second has a later version.
    Newer,
    /// The second has an earlier version.
    Older,
    /// The same version with other content, which must not be.
    Contradicts,
}

impl Change {
    /// The change in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Newer => "newer",
            Self::Older => "older",
            Self::Contradicts => "contradicts",
        }
    }
}

/// One object that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'t> {
    /// Its id; empty for an object without one.
    pub id: &'t str,
    /// Its `name`, `value` or `relationship_type`; empty without any.
    pub name: &'t str,
    /// How it stands.
    pub change: Change,
    /// The properties that differ, by name, where both have the object.
    pub properties: Vec<&'t str>,
}

/// What differs between two collections, by id. Of several versions in one collection the latest
/// counts; blanks, order of properties and the spelling of numbers and times are no difference, nor
/// is a default that is left out.
///
/// ```
/// let a = stix::tree::Tree::read(br#"{"id":"mutex--1","name":"a","defanged":false}"#).unwrap();
/// let b = stix::tree::Tree::read(br#"{"name":"b","id":"mutex--1"}"#).unwrap();
/// let found = stix::diff(&[a.root()], &[b.root()]);
/// assert_eq!((found[0].change, found[0].properties.as_slice()), (stix::Change::Contradicts, &["name"][..]));
/// ```
///
/// *Source*: STIX 2.1 section 3.6.
pub fn diff<'t>(a: &[Value<'t>], b: &[Value<'t>]) -> Vec<Difference<'t>> {
    let (a, b) = (latest(a), latest(b));
    let mut found = Vec::new();
    for (key, old) in &a {
        match b.get(key) {
            None => found.push(difference(*old, Change::Removed, Vec::new())),
            Some(new) => found.extend(compare(*old, *new)),
        }
    }
    let added = b.iter().filter(|(key, _)| !a.contains_key(*key));
    found.extend(added.map(|(_, new)| difference(*new, Change::Added, Vec::new())));
    found
}

/// The latest version of each object, by id; an object without id by its text.
fn latest<'t>(objects: &[Value<'t>]) -> BTreeMap<&'t str, Value<'t>> {
    let mut by_id: BTreeMap<&str, Value<'t>> = BTreeMap::new();
    for object in objects {
        let id = object.get("id").and_then(Value::as_str).unwrap_or(object.source());
        let held = by_id.entry(id).or_insert(*object);
        if version_order(*object, *held).is_gt() {
            *held = *object;
        }
    }
    by_id
}

fn version<'t>(object: Value<'t>) -> Option<&'t str> {
    object.get("modified").or_else(|| object.get("created")).and_then(Value::as_str)
}

fn version_order(a: Value<'_>, b: Value<'_>) -> Ordering {
    match (version(a), version(b)) {
        (Some(a), Some(b)) => compare_timestamps(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

fn compare<'t>(old: Value<'t>, new: Value<'t>) -> Option<Difference<'t>> {
    let mut properties: Vec<&str> = Vec::new();
    for (name, _) in old.members().chain(new.members()) {
        if !properties.contains(&name) && !same(name, old.get(name), new.get(name)) {
            properties.push(name);
        }
    }
    properties.sort_unstable();
    let change = match version_order(new, old) {
        Ordering::Greater => Change::Newer,
        Ordering::Less => Change::Older,
        Ordering::Equal if properties.is_empty() => return None,
        Ordering::Equal => Change::Contradicts,
    };
    Some(difference(new, change, properties))
}

fn same(name: &str, a: Option<Value<'_>>, b: Option<Value<'_>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => equal(a, b),
        (Some(one), None) | (None, Some(one)) => is_default(name, one),
        (None, None) => true,
    }
}

/// The defaults of the standard.
fn is_default(name: &str, value: Value<'_>) -> bool {
    matches!(name, "revoked" | "defanged" | "summary") && value.as_bool() == Some(false)
}

/// Whether two texts are one object: their canonical forms are the same, a default that is left
/// out aside. What has no canonical form equals nothing but its own bytes.
///
/// ```
/// assert!(stix::is_same_object(br#"{"id":"a","n":1.0}"#, br#"{ "n": 1, "id": "a", "revoked": false }"#));
/// assert!(!stix::is_same_object(br#"{"id":"a","n":1}"#, br#"{"id":"a","n":2}"#));
/// ```
///
/// *Source*: RFC 8785; STIX 2.1 section 3.6.
pub fn is_same_object(a: &[u8], b: &[u8]) -> bool {
    a == b || canonical_members(a).is_some_and(|one| canonical_members(b) == Some(one))
}

/// The canonical form of each member, by name, without defaults.
fn canonical_members(object: &[u8]) -> Option<BTreeMap<String, String>> {
    let tree = Tree::read(object).ok()?;
    let is_sound = !tree.faults().iter().any(|fault| is_fatal(fault.rule));
    let root = Some(tree.root()).filter(|root| is_sound && root.kind() == Kind::Object)?;
    let members = root.members().filter(|(name, value)| !is_default(name, *value));
    Some(members.map(|(name, value)| (name.to_owned(), canonical(value))).collect())
}

fn canonical(value: Value<'_>) -> String {
    let mut out = String::new();
    jcs::write(value, &mut out);
    out
}

/// Equal as JSON values, times as instants.
fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.kind(), a.as_str(), b.as_str()) {
        (Kind::String, Some(a), Some(b)) => a == b || compare_timestamps(a, b).is_eq(),
        _ => a == b,
    }
}

fn difference<'t>(object: Value<'t>, change: Change, properties: Vec<&'t str>) -> Difference<'t> {
    let text = |name| object.get(name).and_then(Value::as_str);
    let name = text("name").or_else(|| text("value")).or_else(|| text("relationship_type"));
    Difference {
        id: text("id").unwrap_or_default(),
        name: name.unwrap_or_default(),
        change,
        properties,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(a: &str, b: &str) -> Vec<(String, Change, Vec<String>)> {
        let (a, b) = (Tree::read(a.as_bytes()).unwrap(), Tree::read(b.as_bytes()).unwrap());
        let objects = |tree: &Tree<'_>| tree.root().items().count();
        assert!(objects(&a) + objects(&b) > 0);
        let (a, b): (Vec<_>, Vec<_>) = (a.root().items().collect(), b.root().items().collect());
        diff(&a, &b)
            .into_iter()
            .map(|found| {
                let properties = found.properties.iter().map(|name| (*name).to_owned()).collect();
                (found.id.to_owned(), found.change, properties)
            })
            .collect()
    }

    #[test]
    fn one_object_in_two_spellings_is_the_same_and_an_unsound_one_equals_itself_alone() {
        let same = |a: &str, b: &str| is_same_object(a.as_bytes(), b.as_bytes());
        assert!(same(
            r#"{"a":"\u0041","b":[1e2,{"x":1,"y":2}]}"#,
            r#"{"b":[100,{"y":2,"x":1}],"a":"A"}"#
        ));
        assert!(same(r#"{"a":1,"defanged":false}"#, r#"{"a":1}"#));
        assert!(!same(r#"{"a":1,"revoked":true}"#, r#"{"a":1}"#));
        assert!(!same(r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#));
        assert!(!same(r#"{"a":1,"a":1}"#, r#"{"a":1}"#), "a key twice means nothing");
        assert!(!same("[1]", "[ 1]"), "no object");
        assert!(same("{", "{"), "the same bytes");
        let many = |step: usize| {
            let keys = (0..20_000).map(|n| n * step % 20_000);
            let keys: Vec<_> = keys.map(|n| format!(r#""k{n}":{n}"#)).collect();
            format!("{{{}}}", keys.join(","))
        };
        assert!(same(&many(1), &many(7)), "in bounded time, whatever the order");
    }

    #[test]
    fn spelling_order_and_defaults_are_no_difference() {
        let a = r#"[{"id":"a","x":1.50,"modified":"2031-01-01T00:00:00.000Z","revoked":false}]"#;
        let b = r#"[{"modified":"2031-01-01T00:00:00Z", "x":15e-1, "id":"a"}]"#;
        assert_eq!(changes(a, b), []);
    }

    #[test]
    fn objects_come_go_and_change() {
        let a = r#"[{"id":"gone"},{"id":"same","x":1},{"id":"new","modified":"2031-01-01T00:00:00Z","x":1},
            {"id":"bad","modified":"2031-01-01T00:00:00Z","x":1}]"#;
        let b = r#"[{"id":"come"},{"id":"same","x":1},{"id":"new","modified":"2031-01-02T00:00:00Z","x":2},
            {"id":"new","modified":"2030-01-02T00:00:00Z"},{"id":"bad","modified":"2031-01-01T00:00:00Z","y":1}]"#;
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected = vec![
            ("bad".to_owned(), Change::Contradicts, names(&["x", "y"])),
            ("gone".to_owned(), Change::Removed, names(&[])),
            ("new".to_owned(), Change::Newer, names(&["modified", "x"])),
            ("come".to_owned(), Change::Added, names(&[])),
        ];
        assert_eq!(changes(a, b), expected);
        assert_eq!(changes(b, a)[2].1, Change::Older);
    }
}
