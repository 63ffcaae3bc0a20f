//! Documents that a command reads, and the objects in them.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, Result};
use stix::tree::{Kind as JsonKind, Tree, Value};

use crate::cli::exit::{Fault, Kind};

/// The bytes of a file; `-` is standard input. Of a document that is too large one byte more than is
/// allowed: enough for the library to say so.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        return bounded(std::io::stdin().lock(), 0).context("standard input cannot be read");
    }
    let read = || {
        let file = File::open(path)?;
        let len = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        bounded(file, len)
    };
    read().with_context(|| format!("{} cannot be read", path.display()))
}

fn bounded(input: impl Read, len: usize) -> std::io::Result<Vec<u8>> {
    let len_max = stix::limits::DOCUMENT_LEN_MAX + 1;
    let mut bytes = Vec::with_capacity(len.min(len_max));
    input.take(len_max as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A document, read; refused where it means nothing or two things.
pub(super) fn tree<'a>(bytes: &'a [u8], path: &Path) -> Result<Tree<'a>> {
    let tree = Tree::read(bytes).map_err(|faults| match faults.last() {
        Some(fault) => malformed(bytes, path, fault),
        None => Fault::new(Kind::Malformed, "JSON-1", "no JSON", "check the file").into(),
    })?;
    match tree.faults().iter().find(|fault| !matches!(fault.rule, "JSON-5" | "JSON-7")) {
        Some(fault) => Err(malformed(bytes, path, fault)),
        None => Ok(tree),
    }
}

/// What is wrong with a document that cannot be read, with its place.
pub(super) fn malformed(bytes: &[u8], path: &Path, fault: &stix::tree::Fault) -> anyhow::Error {
    let (line, column) = stix::line_column(bytes, fault.offset);
    let title = format!("{}, line {line}, column {column}: {}", path.display(), fault.problem);
    let remedy = "`detente stix validate` lists everything that is wrong";
    Fault::new(Kind::Malformed, fault.rule, title, remedy).into()
}

/// The objects of a bundle, an envelope, a list, or the one object that the document is.
pub(super) fn objects<'t>(tree: &'t Tree<'_>) -> Vec<Value<'t>> {
    let root = tree.root();
    match (root.kind(), root.get("objects")) {
        (JsonKind::List, _) => root.items().collect(),
        (_, Some(objects)) if objects.kind() == JsonKind::List => objects.items().collect(),
        (_, _) if root.get("type").and_then(Value::as_str) == Some("bundle") => Vec::new(),
        _ => vec![root],
    }
}

/// The object of an id, or the only one where no id is asked for.
pub(super) fn one<'t>(tree: &'t Tree<'_>, id: Option<&str>) -> Result<Value<'t>> {
    let objects = objects(tree);
    let Some(id) = id else {
        return match objects.as_slice() {
            [only] => Ok(*only),
            _ => {
                let title = format!("{} objects stand there", objects.len());
                Err(Fault::new(Kind::Malformed, "", title, "name one with --id").into())
            }
        };
    };
    // Of several versions the latest is the object's state.
    let named = objects.into_iter().filter(|object| text(*object, "id") == id);
    let latest = named.max_by(|a, b| {
        let version = |object: &Value<'_>| stix::version_key(text(*object, "modified"));
        version(a).cmp(&version(b))
    });
    latest.ok_or_else(|| {
        let title = format!("no object has the id {id}");
        Fault::new(Kind::NotFound, "", title, "`detente stix markings` lists the ids").into()
    })
}

/// A property that is a text; empty without.
pub(super) fn text<'t>(object: Value<'t>, name: &str) -> &'t str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// What the library refuses, whose message names the clause; and what helps.
pub(super) fn refused(error: impl std::fmt::Display, remedy: &str) -> anyhow::Error {
    Fault::new(Kind::Refused, "", error.to_string(), remedy).into()
}

/// Why there is no new version, and what helps.
pub(super) fn unversioned(error: stix::VersionError) -> anyhow::Error {
    use stix::VersionError as Error;
    let remedy = match &error {
        Error::NotObject | Error::Id => "`detente stix validate` lists everything that is wrong",
        Error::Unversioned(_) | Error::NotCreated => "write another object instead",
        Error::Revoked => "write a new object, with an id of its own",
        Error::Constant(_) => "change other properties, or write a new object",
        Error::Timestamp(_) => "write it as 2031-05-04T10:00:00.000Z",
        Error::NotLater => "leave it out, and it is the time of now",
    };
    refused(error, remedy)
}

/// What others wrote, safe on a terminal.
pub(super) fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().take(120).map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gigabyte_is_not_read_to_its_end() {
        let digits = std::io::repeat(b'9').take(1 << 30);
        let bytes = bounded(digits, 1 << 30).unwrap();
        assert_eq!(bytes.len(), stix::limits::DOCUMENT_LEN_MAX + 1);
        let mut found = Vec::new();
        stix::validate(&bytes, &stix::Options::default(), &mut |finding| found.push(finding.rule));
        assert_eq!(found, ["LIMIT-1"]);
    }
}
