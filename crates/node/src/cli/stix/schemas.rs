//! JSON schemas of the user's, by object type or extension id, from one folder.
//!
//! Only that folder is read: a reference to another file of it is resolved, a reference to the
//! network is an error when the schema is read, never a request.

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result};
use jsonschema::{Retrieve, Uri, Validator};
use stix::{
    tree::Value,
    validate::{Schemas, Violation},
};

use crate::cli::exit::{Fault, Kind};

/// Compiled schemas by the name of their file without `.json`.
pub(super) struct SchemaFolder(HashMap<String, Validator>);

impl SchemaFolder {
    /// Reads every `NAME.json` of a folder and of the folders in it.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        collect(folder, &mut files)?;
        let known: HashMap<String, serde_json::Value> =
            files.iter().map(|file| (file.uri.clone(), file.schema.clone())).collect();
        let mut compiled = HashMap::new();
        for file in files {
            let validator = jsonschema::options()
                .with_base_uri(file.uri.clone())
                .with_retriever(Files(known.clone()))
                .build(&file.schema)
                .map_err(|error| wrong(&file.uri, &error))?;
            compiled.insert(file.name, validator);
        }
        Ok(Self(compiled))
    }
}

/// A schema as it lies in the folder.
struct File {
    uri: String,
    name: String,
    schema: serde_json::Value,
}

/// What references may lead to: the files of the folder, nothing else.
struct Files(HashMap<String, serde_json::Value>);

impl Retrieve for Files {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<serde_json::Value, Box<dyn std::error::Error + Send + Sync>> {
        let found = self.0.get(uri.as_str()).cloned();
        found.ok_or_else(|| format!("{uri} lies not in the folder, and nothing is fetched").into())
    }
}

fn wrong(place: &str, error: &impl std::fmt::Display) -> anyhow::Error {
    let title = format!("{place}: {error}");
    Fault::new(Kind::Malformed, "SCHEMA", title, "check the schema; the network is not asked")
        .into()
}

/// The schemas of a folder and of those in it. Links are not followed, so the walk ends.
fn collect(folder: &Path, found: &mut Vec<File>) -> Result<()> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut entries: Vec<_> = entries.collect::<std::io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            collect(&path, found)?;
            continue;
        }
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let bytes =
            std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let uri = format!("file://{}", std::path::absolute(&path)?.display());
        let schema = serde_json::from_slice(&bytes).map_err(|error| wrong(&uri, &error))?;
        found.push(File { uri, name, schema });
    }
    Ok(())
}

/// Reads a folder for `detente stix lines`.
pub(super) fn load(folder: &str) -> Result<Box<dyn Schemas>, String> {
    match SchemaFolder::read(Path::new(folder)) {
        Ok(schemas) => Ok(Box::new(schemas)),
        Err(error) => Err(format!("{error:#}")),
    }
}

impl Schemas for SchemaFolder {
    fn violations(&self, name: &str, object: Value<'_>) -> Vec<Violation> {
        let Some(validator) = self.0.get(name) else { return Vec::new() };
        let Ok(json) = serde_json::from_str(object.source()) else { return Vec::new() };
        let violation = |error: jsonschema::ValidationError<'_>| Violation {
            pointer: error.instance_path().to_string(),
            problem: error.to_string(),
        };
        validator.iter_errors(&json).map(violation).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_found_by_type_and_refer_to_files_of_their_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("mutex.json", r#"{"allOf":[{"$ref":"lamp.json"}]}"#);
        write("lamp.json", r#"{"required":["lit"]}"#);
        let schemas = SchemaFolder::read(folder.path()).unwrap();
        let tree = stix::tree::Tree::read(br#"{"type":"mutex"}"#).unwrap();
        assert_eq!(schemas.violations("mutex", tree.root()).len(), 1);
        assert!(schemas.violations("tool", tree.root()).is_empty());
        write("tool.json", r#"{"$ref":"http://schemas.example/tool.json"}"#);
        assert!(SchemaFolder::read(folder.path()).is_err());
    }
}
