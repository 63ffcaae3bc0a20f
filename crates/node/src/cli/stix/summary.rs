//! `detente stix summary`: what is in a bundle, before anybody judges it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Args;
use protocol::words::plural;
use serde_json::json;
use stix::{
    Tlp,
    markings::definition::Meaning,
    model::{published_extension, type_of},
    tree::{Arena, Kind, Value},
};

/// Which file is summed up.
#[derive(Args)]
pub(in crate::cli) struct SummaryArgs {
    /// A bundle, a TAXII envelope, a list of objects, one object; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What stands in a document.
#[derive(Default)]
struct Summary {
    objects: usize,
    unreadable: usize,
    types: BTreeMap<String, usize>,
    /// Types that the standard does not define.
    custom_types: BTreeSet<String>,
    editions: BTreeMap<&'static str, usize>,
    markings: BTreeMap<String, usize>,
    /// What the marking definitions of the document say, by id.
    definitions: HashMap<String, String>,
    unmarked: usize,
    granular: usize,
    /// `modified` of each version of each id.
    versions: HashMap<String, BTreeSet<String>>,
    repeated: usize,
    revoked: usize,
    references: BTreeSet<String>,
    extensions: BTreeMap<String, usize>,
}

/// Sums up a file.
pub(super) fn run(args: &SummaryArgs, as_json: bool, out: &mut impl Write) -> Result<ExitCode> {
    let bytes = super::input::read(&args.file)?;
    let objects = objects_of(&bytes, &args.file)?;
    let mut summary = Summary::default();
    let mut arena = Arena::default();
    for object in objects {
        summary.objects += 1;
        let read = std::str::from_utf8(object).ok().map(|text| arena.read(text));
        match read {
            Some(Ok(tree)) => {
                summary.add(tree.root());
                arena = tree.into_arena();
            }
            _ => summary.unreadable += 1,
        }
    }
    if as_json {
        writeln!(out, "{}", summary.as_json())?;
    } else {
        write!(out, "{}", summary.as_text())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The objects of a bundle or envelope, of a list, or the one object.
fn objects_of<'a>(bytes: &'a [u8], path: &Path) -> Result<Vec<&'a [u8]>> {
    if let Ok(objects) = stix::split(bytes) {
        return Ok(objects);
    }
    let tree = super::input::tree(bytes, path)?;
    let root = tree.root();
    let place = |value: Value<'_>| value.offset()..value.offset() + value.raw().len();
    let places: Vec<_> = match root.kind() {
        Kind::List => root.items().map(place).collect(),
        _ => vec![place(root)],
    };
    Ok(places.into_iter().filter_map(|place| bytes.get(place)).collect())
}

fn text<'t>(value: Value<'t>, name: &str) -> Option<&'t str> {
    value.get(name).and_then(Value::as_str)
}

impl Summary {
    fn add(&mut self, object: Value<'_>) {
        let Some(type_) = text(object, "type") else {
            self.unreadable += 1;
            return;
        };
        *self.types.entry(type_.to_owned()).or_default() += 1;
        if type_of(type_).is_none() {
            self.custom_types.insert(type_.to_owned());
        }
        let edition = match text(object, "spec_version") {
            Some("2.0") => "2.0",
            None if object.get("created").is_some() => "2.0",
            _ => "2.1",
        };
        *self.editions.entry(edition).or_default() += 1;
        self.add_version(object);
        if let ("marking-definition", Some(id)) = (type_, text(object, "id")) {
            let words = Meaning::of_definition(object).words;
            self.definitions.insert(id.to_owned(), words);
        }
        self.add_markings(object);
        for (key, _) in object.get("extensions").into_iter().flat_map(Value::members) {
            *self.extensions.entry(key.to_owned()).or_default() += 1;
        }
        self.add_references(object);
    }

    fn add_version(&mut self, object: Value<'_>) {
        self.revoked += usize::from(object.get("revoked").and_then(Value::as_bool) == Some(true));
        let Some(id) = text(object, "id") else { return };
        let version = text(object, "modified").unwrap_or_default().to_owned();
        if !self.versions.entry(id.to_owned()).or_default().insert(version) {
            self.repeated += 1;
        }
    }

    fn add_markings(&mut self, object: Value<'_>) {
        let granular = object.get("granular_markings").is_some();
        self.granular += usize::from(granular);
        let mut marked = granular;
        for id in object.get("object_marking_refs").into_iter().flat_map(Value::items) {
            let Some(id) = id.as_str() else { continue };
            marked = true;
            let label = match Tlp::of_marking_id(id) {
                Some(tlp) => tlp.label().to_owned(),
                None => id.to_owned(),
            };
            *self.markings.entry(label).or_default() += 1;
        }
        self.unmarked += usize::from(!marked);
    }

    /// Every id that the object names, at any depth.
    fn add_references(&mut self, value: Value<'_>) {
        // INVARIANT: nesting is at most 256, so this may recurse.
        for (key, member) in value.members() {
            if key.ends_with("_ref") || key.ends_with("_refs") {
                let single = member.as_str().into_iter();
                let ids = single.chain(member.items().filter_map(Value::as_str));
                self.references.extend(ids.filter(|id| stix::is_id(id)).map(str::to_owned));
            } else if member.kind() == Kind::Object {
                self.add_references(member);
            } else {
                member.items().for_each(|item| self.add_references(item));
            }
        }
    }

    fn dangling(&self) -> Vec<&str> {
        let missing =
            |id: &&String| !self.versions.contains_key(*id) && Tlp::of_marking_id(id).is_none();
        self.references.iter().filter(missing).map(String::as_str).collect()
    }

    fn with_versions(&self) -> BTreeMap<&str, usize> {
        let several = self.versions.iter().filter(|(_, versions)| versions.len() > 1);
        several.map(|(id, versions)| (id.as_str(), versions.len())).collect()
    }

    fn unknown_extensions(&self) -> Vec<&str> {
        let is_known = |key: &&String| {
            published_extension(key).is_some()
                || stix::model::EXTENSIONS.iter().any(|known| known.name == key.as_str())
                || self.versions.contains_key(*key)
        };
        self.extensions.keys().filter(|key| !is_known(key)).map(String::as_str).collect()
    }

    fn as_json(&self) -> serde_json::Value {
        json!({
            "objects": self.objects,
            "unreadable": self.unreadable,
            "types": self.types,
            "custom_types": self.custom_types,
            "editions": self.editions,
            "markings": self.markings,
            "unmarked": self.unmarked,
            "granular_markings": self.granular,
            "several_versions": self.with_versions(),
            "repeated": self.repeated,
            "revoked": self.revoked,
            "dangling_references": self.dangling(),
            "extensions": self.extensions,
            "unknown_extensions": self.unknown_extensions(),
        })
    }

    fn as_text(&self) -> String {
        let mut out = format!("{}\n", plural(self.objects as u64, "object", "objects"));
        let mut line = |name: &str, value: String| {
            if !value.is_empty() && value != "0" {
                out.push_str(&format!("  {name:<22}{value}\n"));
            }
        };
        line("cannot be read", self.unreadable.to_string());
        line("types", counts(self.types.iter().map(|(name, count)| (name.as_str(), *count))));
        line("not of the standard", listed(self.custom_types.iter().map(String::as_str)));
        line("editions", counts(self.editions.iter().map(|(name, count)| (*name, *count))));
        let in_words = |(name, count): (&'_ String, &usize)| {
            (self.definitions.get(name).unwrap_or(name).clone(), *count)
        };
        let markings: Vec<(String, usize)> = self.markings.iter().map(in_words).collect();
        line("markings", counts(markings.iter().map(|(name, count)| (name.as_str(), *count))));
        line("without marking", self.unmarked.to_string());
        line("with granular ones", self.granular.to_string());
        line("in several versions", counts(self.with_versions().into_iter()));
        line("the same again", self.repeated.to_string());
        line("revoked", self.revoked.to_string());
        line("dangling references", listed(self.dangling().into_iter()));
        let extensions = self
            .extensions
            .iter()
            .map(|(key, count)| (published_extension(key).unwrap_or(key.as_str()), *count));
        line("extensions", counts(extensions));
        line("unknown extensions", listed(self.unknown_extensions().into_iter()));
        out
    }
}

/// Most of one kind shown to people; `--json` has all.
const SHOWN_MAX: usize = 12;

/// Names with their counts, the largest first.
fn counts<'a>(rows: impl Iterator<Item = (&'a str, usize)>) -> String {
    let mut rows: Vec<(&str, usize)> = rows.collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words: Vec<String> = rows.iter().map(|(name, count)| format!("{name} {count}")).collect();
    listed(words.iter().map(String::as_str))
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    // Names are what others wrote.
    let shown: Vec<String> =
        words.iter().take(SHOWN_MAX).map(|word| super::input::shown(word)).collect();
    let shown = shown.join(", ");
    match words.len().checked_sub(SHOWN_MAX) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use stix::tree::Tree;

    use super::*;

    #[test]
    fn summary_tells_types_markings_versions_and_what_is_missing() {
        let tool = |modified: &str| {
            format!(
                r#"{{"type":"tool","id":"tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921","spec_version":"2.1",
                "created":"2031-05-04T10:00:00.000Z","modified":"{modified}","name":"lamp",
                "created_by_ref":"identity--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921",
                "object_marking_refs":["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"],
                "extensions":{{"extension-definition--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a999":
                {{"extension_type":"property-extension","hue":1}}}}}}"#
            )
        };
        let bundle = format!(
            r#"{{"type":"bundle","id":"bundle--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921","objects":[{},{},{},7]}}"#,
            tool("2031-05-04T10:00:00.000Z"),
            tool("2031-05-05T10:00:00.000Z"),
            r#"{"type":"x-lamp","id":"x-lamp--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"}"#,
        );
        let mut summary = Summary::default();
        for object in objects_of(bundle.as_bytes(), Path::new("-")).unwrap() {
            let tree = Tree::read(object).unwrap();
            summary.add(tree.root());
        }
        assert_eq!(summary.types["tool"], 2);
        assert_eq!(summary.markings["TLP:RED"], 2);
        assert_eq!(summary.with_versions().len(), 1);
        assert_eq!(summary.dangling(), ["identity--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"]);
        assert_eq!(summary.unknown_extensions().len(), 1);
        assert_eq!((summary.unmarked, summary.unreadable), (1, 1));
        assert!(summary.as_text().contains("not of the standard   x-lamp"));
        let hostile = Tree::read(br#"{"type":"x-\u001b[31mred"}"#).unwrap();
        summary.add(hostile.root());
        assert!(!summary.as_text().contains('\u{1b}'));
    }
}
