//! Language content: an object as it reads in another language.
//!
//! A translation is for eyes. It is not a version of the object and must not be published as one.

use crate::{
    edit::compact,
    jcs,
    tree::{Kind, Value},
};

/// Why a translation cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No language content.
    #[error("no language-content object (7.1)")]
    NotContent,
    /// It translates another object.
    #[error("`object_ref` names another object (7.1.1)")]
    OtherObject,
    /// It does not have the language, nor a wider one.
    #[error("there is no translation into this language (7.1.1)")]
    NoLanguage,
}

/// An object in another language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// The object with its translated texts, and with `lang` set to the language they are in.
    pub text: String,
    /// The language that was found: the one asked for, or a wider one (`de` for `de-AT`).
    pub language: String,
    /// What was ignored: JSON pointers into the object, and why.
    pub notes: Vec<(String, &'static str)>,
}

/// Applies language content to the object it translates.
///
/// Lists are mirrored item by item, an empty text leaves an item as it is, what does not exist in
/// the object is ignored with a note. `object_modified` that names another version is a note too.
///
/// ```
/// use stix::tree::Tree;
/// let object = Tree::read(br#"{"type":"tool","id":"tool--1","name":"kettle","labels":["a","b"]}"#).unwrap();
/// let content = Tree::read(br#"{"type":"language-content","object_ref":"tool--1",
///   "contents":{"de":{"name":"Kessel","labels":["","c"],"hue":"rot"}}}"#).unwrap();
/// let found = stix::translate(object.root(), content.root(), "de-AT").unwrap();
/// assert_eq!(found.text, r#"{"type":"tool","id":"tool--1","name":"Kessel","labels":["a","c"],"lang":"de"}"#);
/// assert_eq!(found.notes, [("/hue".to_owned(), "not in the object")]);
/// ```
///
/// *Source*: STIX 2.1 section 7.1; RFC 4647 section 3.4 for the wider language.
pub fn translate(
    object: Value<'_>,
    content: Value<'_>,
    language: &str,
) -> Result<Translation, Error> {
    let text =
        |value: Value<'_>, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let contents = content.get("contents").filter(|contents| contents.kind() == Kind::Object);
    let contents = contents.ok_or(Error::NotContent)?;
    if text(content, "object_ref") != text(object, "id") {
        return Err(Error::OtherObject);
    }
    let (found, translated) = lookup(contents, language).ok_or(Error::NoLanguage)?;
    let mut translator = Translator { out: String::new(), notes: Vec::new() };
    if let Some(modified) = text(content, "object_modified")
        && Some(modified) != text(object, "modified")
    {
        translator.notes.push(("/modified".to_owned(), "translated from another version"));
    }
    translator.members(object, translated, "", Some(found));
    let Translator { out, notes } = translator;
    Ok(Translation { text: out, language: found.to_owned(), notes })
}

/// The translation into a language, else into the widest that holds it, case apart.
fn lookup<'t>(contents: Value<'t>, language: &str) -> Option<(&'t str, Value<'t>)> {
    let mut wanted = language;
    loop {
        let mut members = contents.members();
        if let Some(found) = members.find(|(tag, _)| tag.eq_ignore_ascii_case(wanted)) {
            return Some(found);
        }
        wanted = wanted.rsplit_once('-')?.0;
    }
}

struct Translator {
    out: String,
    notes: Vec<(String, &'static str)>,
}

impl Translator {
    /// INVARIANT: a tree nests at most [`crate::limits::OBJECT_DEPTH_MAX`] deep, so this may recurse.
    fn value(&mut self, original: Value<'_>, translated: Value<'_>, pointer: &str) {
        match (original.kind(), translated.kind()) {
            (Kind::Object, Kind::Object) => self.members(original, translated, pointer, None),
            (Kind::List, Kind::List) => self.items(original, translated, pointer),
            (Kind::String, Kind::String) if translated.as_str() == Some("") => self.keep(original),
            (Kind::String, Kind::String) => self.keep(translated),
            _ => {
                self.notes.push((pointer.to_owned(), "of another type in the object"));
                self.keep(original);
            }
        }
    }

    fn keep(&mut self, value: Value<'_>) {
        self.out.push_str(&compact(value));
    }

    fn members(
        &mut self,
        original: Value<'_>,
        translated: Value<'_>,
        pointer: &str,
        lang: Option<&str>,
    ) {
        let start = self.out.len();
        self.out.push('{');
        let key = |translator: &mut Self, name: &str| {
            if translator.out.len() > start + 1 {
                translator.out.push(',');
            }
            jcs::write_string(name, &mut translator.out);
            translator.out.push(':');
        };
        for (name, value) in original.members() {
            if lang.is_some() && name == "lang" {
                continue;
            }
            key(self, name);
            match translated.get(name) {
                Some(translation) => self.value(value, translation, &step(pointer, name)),
                None => self.keep(value),
            }
        }
        if let Some(lang) = lang {
            key(self, "lang");
            jcs::write_string(lang, &mut self.out);
        }
        self.out.push('}');
        for (name, _) in translated.members().filter(|(name, _)| original.get(name).is_none()) {
            self.notes.push((step(pointer, name), "not in the object"));
        }
    }

    fn items(&mut self, original: Value<'_>, translated: Value<'_>, pointer: &str) {
        self.out.push('[');
        let mut translations = translated.items();
        for (place, item) in original.items().enumerate() {
            if place > 0 {
                self.out.push(',');
            }
            match translations.next() {
                Some(translation) => self.value(item, translation, &format!("{pointer}/{place}")),
                None => self.keep(item),
            }
        }
        self.out.push(']');
        if original.len() != translated.len() {
            self.notes.push((pointer.to_owned(), "a list of another length in the object"));
        }
    }
}

fn step(pointer: &str, name: &str) -> String {
    let mut pointer = format!("{pointer}/");
    crate::tree::escape_step(name, &mut pointer);
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    const OBJECT: &str = r#"{"id":"tool--1","lang":"en","modified":"2031-05-04T10:00:00.000Z",
        "name":"kettle","size":1.50,"phases":[{"phase_name":"boil"},{"phase_name":"pour"}]}"#;

    fn german(contents: &str) -> Result<Translation, Error> {
        let content = format!(r#"{{"object_ref":"tool--1","contents":{{"de":{contents}}}}}"#);
        let (object, content) = (Tree::read(OBJECT.as_bytes()), Tree::read(content.as_bytes()));
        translate(object.unwrap().root(), content.unwrap().root(), "de")
    }

    #[test]
    fn translation_mirrors_lists_and_dictionaries() {
        let found = german(r#"{"phases":[{"phase_name":""},{"phase_name":"giessen"}]}"#).unwrap();
        let expected = "{\"id\":\"tool--1\",\"modified\":\"2031-05-04T10:00:00.000Z\",\
            \"name\":\"kettle\",\"size\":1.50,\
            \"phases\":[{\"phase_name\":\"boil\"},{\"phase_name\":\"giessen\"}],\"lang\":\"de\"}";
        assert_eq!((found.text.as_str(), found.notes.len()), (expected, 0));
    }

    #[test]
    fn what_does_not_fit_is_ignored_with_a_note() {
        let found = german(r#"{"size":"gross","phases":[{"a/b":"c"}],"hue":"rot"}"#).unwrap();
        let notes: Vec<_> = found.notes.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(notes, ["/size", "/phases/0/a~1b", "/phases", "/hue"]);
        assert!(found.text.contains("1.50") && found.text.contains("boil"));
    }

    #[test]
    fn content_of_another_object_or_language_is_refused() {
        let apply = |content: &str, language: &str| {
            let (object, content) = (Tree::read(OBJECT.as_bytes()), Tree::read(content.as_bytes()));
            translate(object.unwrap().root(), content.unwrap().root(), language).map(|_| ())
        };
        let other = r#"{"object_ref":"tool--2","contents":{"de":{}}}"#;
        assert_eq!(apply(other, "de"), Err(Error::OtherObject));
        let german = r#"{"object_ref":"tool--1","contents":{"de":{}}}"#;
        assert_eq!(apply(german, "fr"), Err(Error::NoLanguage));
        assert_eq!(apply(german, "DE-at-1996"), Ok(()));
        assert_eq!(apply("{}", "de"), Err(Error::NotContent));
    }
}
