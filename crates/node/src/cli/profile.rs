//! Which node a command talks to: one on this machine by its data directory, or one elsewhere by
//! address, token and certificate; the latter may be kept under a name.
//!
//! Profiles lie in `$XDG_CONFIG_HOME/detente/profiles.toml`. They name the file of a token, never
//! the token itself.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    client::Client,
    exit::{Fault, Kind},
};

/// Where the node is; without any of these, the profile in use, else `detente-node`.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Which node")]
pub(crate) struct Target {
    /// Data directory of the node on this machine; `detente-node` where none is given. The demo
    /// keeps everything in it.
    #[arg(long, global = true, conflicts_with_all = ["node", "profile"])]
    pub(crate) dir: Option<PathBuf>,
    /// Address of a desk elsewhere, such as `https://desk.aldermoor.example:8420`.
    #[arg(long, global = true, value_name = "URL", requires = "token_file")]
    node: Option<String>,
    /// File with an account's token: for `--node`, or to act as another account than the profile's
    /// or the operator's.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// File with the certificate (PEM) that the desk elsewhere is known by.
    #[arg(long, global = true, value_name = "FILE", requires = "node")]
    ca: Option<PathBuf>,
    /// A node elsewhere, by the name that `detente profile add` gave it.
    #[arg(long, global = true, conflicts_with = "node")]
    profile: Option<String>,
}

/// A node elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    node: String,
    token_file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<PathBuf>,
}

/// The file of profiles.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profiles {
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    in_use: Option<String>,
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

impl Target {
    /// The data directory that is meant when the command needs one.
    pub(crate) fn directory(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(|| PathBuf::from("detente-node"))
    }

    /// A client of the node that is meant.
    pub(crate) fn client(&self) -> Result<Client> {
        if let (Some(node), Some(token_file)) = (&self.node, &self.token_file) {
            return Client::remote(node, token_file, self.ca.as_deref());
        }
        let client = self.known_client()?;
        match &self.token_file {
            Some(file) => client.with_token_of(file),
            None => Ok(client),
        }
    }

    /// Of the node on this machine, or of a profile, with the token that is kept there.
    fn known_client(&self) -> Result<Client> {
        if self.dir.is_some() {
            return Client::local(&self.directory());
        }
        let profiles = Profiles::read()?;
        let name = self.profile.as_ref().or(profiles.in_use.as_ref());
        let Some(name) = name else { return Client::local(&self.directory()) };
        let profile = profiles.profile.get(name).ok_or_else(|| no_profile(name))?;
        Client::remote(&profile.node, &profile.token_file, profile.ca.as_deref())
    }

    /// Keeps this target under a name.
    pub(crate) fn keep(&self, name: &str) -> Result<Value> {
        let (Some(node), Some(token_file)) = (&self.node, &self.token_file) else {
            return Err(Fault::new(
                Kind::Malformed,
                "CLI-1",
                "a profile needs an address and a token",
                "give --node and --token-file",
            )
            .into());
        };
        let whole = |path: &Path| {
            fs::canonicalize(path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let profile = Profile {
            node: node.trim_end_matches('/').to_owned(),
            token_file: whole(token_file)?,
            ca: self.ca.as_deref().map(whole).transpose()?,
        };
        let mut profiles = Profiles::read()?;
        profiles.profile.insert(name.to_owned(), profile);
        profiles.write()?;
        Ok(json!({ "added": name }))
    }
}

fn no_profile(name: &str) -> Fault {
    Fault::new(
        Kind::NotFound,
        "CLI-2",
        format!("there is no profile `{name}`"),
        "see `detente profile list`",
    )
}

impl Profiles {
    fn path() -> Result<PathBuf> {
        let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        let base = base.or(home).context("neither XDG_CONFIG_HOME nor HOME is set; set one")?;
        Ok(base.join("detente/profiles.toml"))
    }

    fn read() -> Result<Self> {
        let Ok(path) = Self::path() else { return Ok(Self::default()) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        toml::from_str(&text).with_context(|| format!("{} is malformed", path.display()))
    }

    /// Replaces the file whole, so that a crash leaves the old one.
    fn write(&self) -> Result<()> {
        let path = Self::path()?;
        let kept = || format!("{} cannot be written", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(kept)?;
        }
        let fresh = path.with_extension("new");
        fs::write(&fresh, toml::to_string(self)?).with_context(kept)?;
        fs::rename(&fresh, &path).with_context(kept)
    }
}

/// Every profile.
pub(crate) fn list() -> Result<Value> {
    let profiles = Profiles::read()?;
    let rows = profiles.profile.iter().map(|(name, profile)| {
        json!({
            "name": name,
            "node": profile.node,
            "token_file": profile.token_file,
            "ca": profile.ca,
            "in_use": profiles.in_use.as_ref() == Some(name),
        })
    });
    Ok(json!({ "profiles": rows.collect::<Vec<_>>() }))
}

/// Makes a profile the one that is meant; none makes the node on this machine.
pub(crate) fn put_in_use(name: Option<&str>) -> Result<Value> {
    let mut profiles = Profiles::read()?;
    if let Some(name) = name
        && !profiles.profile.contains_key(name)
    {
        return Err(no_profile(name).into());
    }
    profiles.in_use = name.map(str::to_owned);
    profiles.write()?;
    Ok(json!({ "in_use": name }))
}

/// Forgets a profile.
pub(crate) fn remove(name: &str) -> Result<Value> {
    let mut profiles = Profiles::read()?;
    profiles.profile.remove(name).ok_or_else(|| no_profile(name))?;
    if profiles.in_use.as_deref() == Some(name) {
        profiles.in_use = None;
    }
    profiles.write()?;
    Ok(json!({ "removed": name }))
}
