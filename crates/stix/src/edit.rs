//! An object written anew with a few properties changed: all else stays as it was, byte for byte.

use crate::{
    jcs,
    tree::{Kind, Value},
};

/// Changes to the properties of one object, to be written.
///
/// ```
/// let tree = stix::tree::Tree::read(br#"{"type":"x-lamp","size":1.50,"hue":"red"}"#).unwrap();
/// let mut edit = stix::Edit::of(tree.root());
/// edit.set_string("hue", "blue").remove("none").set("lit", "true");
/// assert_eq!(edit.print(), r#"{"type":"x-lamp","size":1.50,"hue":"blue","lit":true}"#);
/// ```
#[derive(Debug)]
pub struct Edit<'t> {
    object: Value<'t>,
    /// Name, and the JSON it gets; none removes it.
    changes: Vec<(String, Option<String>)>,
}

impl<'t> Edit<'t> {
    /// No change yet. A value that is no object has no members and becomes one.
    pub fn of(object: Value<'t>) -> Self {
        Self { object, changes: Vec::new() }
    }

    /// Sets a property to a JSON text; `null`, which is no value in STIX, removes it.
    pub fn set(&mut self, name: &str, json: impl Into<String>) -> &mut Self {
        let json = Some(json.into()).filter(|json| json != "null");
        self.change(name, json)
    }

    /// Sets a property to a string.
    pub fn set_string(&mut self, name: &str, text: &str) -> &mut Self {
        let mut json = String::new();
        jcs::write_string(text, &mut json);
        self.change(name, Some(json))
    }

    /// Removes a property.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.change(name, None)
    }

    fn change(&mut self, name: &str, json: Option<String>) -> &mut Self {
        self.changes.retain(|(known, _)| known != name);
        self.changes.push((name.to_owned(), json));
        self
    }

    /// The object: kept members in their order, then the new ones. A member that is null is left
    /// out.
    pub fn print(&self) -> String {
        let mut out = String::with_capacity(self.object.source().len() + 64);
        out.push('{');
        let mut write = |name: &str, json: &str| {
            if out.len() > 1 {
                out.push(',');
            }
            jcs::write_string(name, &mut out);
            out.push(':');
            out.push_str(json);
        };
        for (name, value) in self.object.members() {
            match self.changes.iter().find(|(changed, _)| changed == name) {
                Some((_, Some(json))) => write(name, json),
                Some((_, None)) => {}
                None if value.kind() == Kind::Null => {}
                None => write(name, value.source()),
            }
        }
        for (name, json) in &self.changes {
            if let (Some(json), None) = (json, self.object.get(name)) {
                write(name, json);
            }
        }
        out.push('}');
        out
    }
}

/// A value without the blanks between its parts, all else as written: numbers as spelled, strings
/// with the escapes they had.
pub fn compact(value: Value<'_>) -> String {
    let mut out = String::with_capacity(value.source().len());
    let mut in_string = false;
    let mut escaped = false;
    for c in value.source().chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = c == '"';
        }
        out.push(c);
    }
    out
}

/// A list of strings as JSON.
pub(crate) fn strings_json<'s>(texts: impl IntoIterator<Item = &'s str>) -> String {
    let mut out = "[".to_owned();
    for text in texts {
        if out.len() > 1 {
            out.push(',');
        }
        jcs::write_string(text, &mut out);
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    #[test]
    fn compact_keeps_every_character_that_is_no_blank_between_parts() {
        let text = "{ \"a \\\" b\" :\n [1.50 , \"\\\\\" , \"x y\"\t] }";
        let tree = Tree::read(text.as_bytes()).unwrap();
        assert_eq!(compact(tree.root()), r#"{"a \" b":[1.50,"\\","x y"]}"#);
    }

    #[test]
    fn edit_leaves_out_null_and_keeps_the_rest_as_spelled() {
        let tree = Tree::read(br#"{"a":null,"b": 1e2 ,"c":{"d":null}}"#).unwrap();
        let mut edit = Edit::of(tree.root());
        edit.set("e", "null").set("b", "2").set("b", "3");
        assert_eq!(edit.print(), r#"{"b":3,"c":{"d":null}}"#);
    }
}
