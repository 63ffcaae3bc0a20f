//! `deny.toml` held without `cargo deny`, which takes minutes to build: who may depend on what, and
//! which licences may stand in the tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::program;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    license: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

/// Holds licences and walls against the whole tree, whatever feature or target asks for it.
pub(super) fn check(root: &Path, wrong: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(root.join("deny.toml"))?;
    let deny: Deny = toml::from_str(&text).context("deny.toml is malformed")?;
    let output =
        program().args(["metadata", "--format-version", "1"]).current_dir(root).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree: Metadata = serde_json::from_slice(&output.stdout)?;
    for package in &tree.packages {
        let license = package.license.as_deref().unwrap_or("none");
        if !is_allowed(license, &deny.licenses.allow) {
            wrong.push(format!("{}: the licence `{license}` is not in deny.toml", package.name));
        }
    }
    let names: BTreeMap<&str, &str> =
        tree.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
    for node in &tree.resolve.nodes {
        let parent = names.get(node.id.as_str()).copied().unwrap_or_default();
        for id in &node.dependencies {
            let child = names.get(id.as_str()).copied().unwrap_or_default();
            let banned = deny.bans.deny.iter().find(|banned| banned.name == child);
            if banned.is_some_and(|banned| !banned.wrappers.iter().any(|name| name == parent)) {
                wrong.push(format!("{parent}: `{child}` may not stand here; see deny.toml"));
            }
        }
    }
    Ok(())
}

/// Whether a licence expression can be met by allowed licences alone.
///
/// *Source*: SPDX 2.3 annex D; the old `/` between licences means OR. AND binds closer.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    any(&words, &mut at, allowed) && at == words.len()
}

fn any(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = all(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all(words, at, allowed);
    }
    met
}

fn all(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let met = any(words, at, allowed);
        *at += 1;
        return met;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return allowed.contains(&format!("{word} WITH {exception}"));
    }
    allowed.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_met_by_what_is_allowed() {
        let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        for (expression, met) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0/MIT", true),
            ("MIT AND GPL-3.0", false),
            ("MIT AND (ISC OR GPL-3.0)", true),
            ("ISC AND GPL-3.0 OR MIT", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed), met, "{expression}");
        }
    }
}
