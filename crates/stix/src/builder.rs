//! Objects that are made here: filled, checked, printed in canonical form.

use uuid::Uuid;

use crate::{
    canonicalize, deterministic_id,
    edit::strings_json,
    format_timestamp, jcs, model,
    model::Family,
    parse::{self, Options, Unreadable},
    precision::{Constraint, Precision},
    tree::Tree,
};

/// Why no object came of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The present that was handed in is no timestamp.
    #[error("the present is no timestamp (2.16)")]
    Present,
    /// A value that was set is no JSON.
    #[error("a value that was set is no JSON")]
    NotJson,
    /// The object is not of its type.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// An object of STIX 2.1 in the making.
///
/// ```
/// let random = *b"sixteen random b";
/// let tool = stix::Builder::new("tool")
///     .string("name", "kettle")
///     .strings("labels", &["boils"])
///     .finish(random, "2031-05-04T10:00:00Z")
///     .unwrap();
/// assert!(tool.starts_with(r#"{"created":"2031-05-04T10:00:00.000Z","id":"tool--"#));
///
/// let url = stix::Builder::new("url").string("value", "http://a.example/");
/// let url = url.finish(random, "2031-05-04T10:00:00Z").unwrap();
/// assert!(url.contains("url--eb20583f-73a1-5b19-a8da-89323ff5cc32"));
/// ```
#[derive(Debug, Clone)]
pub struct Builder {
    type_: String,
    members: Vec<(String, String)>,
}

impl Builder {
    /// An object of a type, with nothing in it yet.
    pub fn new(type_: &str) -> Self {
        Self { type_: type_.to_owned(), members: Vec::new() }
    }

    /// Sets a property to a JSON text; the last one counts.
    #[must_use]
    pub fn json(mut self, name: &str, json: impl Into<String>) -> Self {
        self.members.retain(|(known, _)| known != name);
        self.members.push((name.to_owned(), json.into()));
        self
    }

    /// Sets a property to a text.
    #[must_use]
    pub fn string(self, name: &str, text: &str) -> Self {
        let mut json = String::new();
        jcs::write_string(text, &mut json);
        self.json(name, json)
    }

    /// Sets a property to a list of texts; an empty one is left out.
    #[must_use]
    pub fn strings(self, name: &str, texts: &[&str]) -> Self {
        if texts.is_empty() { self } else { self.json(name, strings_json(texts.iter().copied())) }
    }

    /// The object, checked as its type and in canonical form. What was not set is filled in:
    /// `spec_version`, an `id`, and for objects with versions `created` and `modified`. The id is
    /// the deterministic one of an observable object, else a random one; randomness and the present
    /// are handed in.
    pub fn finish(mut self, random: [u8; 16], now: &str) -> Result<String, Error> {
        let now = format_timestamp(now, Precision::Millisecond, Constraint::Min);
        let now = now.ok_or(Error::Present)?;
        let known = model::type_of(&self.type_);
        let type_ = self.type_.clone();
        self = self.string("type", &type_).fill("spec_version", "2.1");
        if known.is_none_or(|known| known.family != Family::Sco) {
            self = self.fill("created", &now);
        }
        if known.is_none_or(model::Type::is_versioned) {
            self = self.fill("modified", &now);
        }
        let id = self.id(random)?;
        self = self.fill("id", &id);
        let text = canonicalize(self.print().as_bytes()).map_err(|_| Error::NotJson)?;
        let tree = Tree::read(text.as_bytes()).map_err(|_| Error::NotJson)?;
        parse::parse(tree.root(), Options { allow_custom: known.is_none(), version: Some("2.1") })?;
        Ok(text)
    }

    fn fill(self, name: &str, text: &str) -> Self {
        if self.members.iter().any(|(known, _)| known == name) {
            self
        } else {
            self.string(name, text)
        }
    }

    fn id(&self, random: [u8; 16]) -> Result<String, Error> {
        let text = self.print();
        let tree = Tree::read(text.as_bytes()).map_err(|_| Error::NotJson)?;
        let made = deterministic_id(tree.root(), None).unwrap_or_default();
        let uuid = uuid::Builder::from_random_bytes(random).into_uuid();
        Ok(made.unwrap_or_else(|| format!("{}--{}", self.type_, Uuid::hyphenated(uuid))))
    }

    fn print(&self) -> String {
        let mut out = "{".to_owned();
        for (name, json) in &self.members {
            if out.len() > 1 {
                out.push(',');
            }
            jcs::write_string(name, &mut out);
            out.push(':');
            out.push_str(json);
        }
        out.push('}');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: [u8; 16] = [7; 16];
    const NOW: &str = "2031-05-04T10:00:00.5Z";

    #[test]
    fn object_is_filled_in_and_canonical() {
        let tool = Builder::new("tool").string("name", "a").string("name", "b");
        assert_eq!(
            tool.finish(RANDOM, NOW).unwrap(),
            "{\"created\":\"2031-05-04T10:00:00.500Z\",\
             \"id\":\"tool--07070707-0707-4707-8707-070707070707\",\
             \"modified\":\"2031-05-04T10:00:00.500Z\",\"name\":\"b\",\"spec_version\":\"2.1\",\
             \"type\":\"tool\"}"
        );
        let marking = Builder::new("marking-definition")
            .string("definition_type", "statement")
            .json("definition", r#"{"statement":"x"}"#);
        let marking = marking.finish(RANDOM, NOW).unwrap();
        assert!(marking.contains("created") && !marking.contains("modified"));
    }

    #[test]
    fn what_was_set_stays_and_what_is_wrong_is_refused() {
        let id = "tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";
        let tool = Builder::new("tool").string("name", "a").string("id", id);
        assert!(tool.finish(RANDOM, NOW).unwrap().contains(id));
        let refused = |builder: Builder| builder.finish(RANDOM, NOW).is_err();
        assert!(refused(Builder::new("tool")));
        assert!(refused(Builder::new("tool").string("name", "a").string("hue", "red")));
        assert!(refused(Builder::new("tool").json("name", "\"a")));
        assert!(refused(Builder::new("mutex").json("name", "\"a\",\"name\":\"b\"")));
        assert_eq!(Builder::new("tool").finish(RANDOM, "now"), Err(Error::Present));
    }
}
