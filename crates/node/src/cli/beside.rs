//! The desk beside the command line: reached on this machine, and known by exactly what its
//! configuration says that it shows, whatever names stand there and whoever signed it.

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use protocol::{keys::KeyStatement, terms::Digest};

use super::{
    client,
    exit::{Fault, Kind},
};
use crate::{config::Config, tls};

/// A client of the desk that is configured in a directory, and the desk's address.
pub(super) fn client(config: &Config, dir: &Path) -> Result<(reqwest::Client, String)> {
    let address = beside(config.desk);
    if !config.speaks_tls() {
        return Ok((client::system()?, format!("http://{address}")));
    }
    let tls = config.tls.clone().unwrap_or_default();
    let pins = match (&tls.certificate, &tls.acme) {
        (Some(file), _) => vec![own(&dir.join(file))?],
        (None, Some(_)) => by_acme(&dir.join(tls::desk::acme::CACHE))?,
        (None, None) => of_link(&dir.join("keys"))?,
    };
    let http = client::builder().tls_backend_preconfigured(tls::known_by(pins)?).build();
    Ok((http.context(client::NO_CLIENT)?, format!("https://{address}")))
}

/// A desk on every address is on loopback too.
fn beside(desk: SocketAddr) -> SocketAddr {
    let ip = match desk {
        _ if !desk.ip().is_unspecified() => desk.ip(),
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, desk.port())
}

fn own(file: &Path) -> Result<Digest> {
    let chain = tls::desk::files::chain(file)?;
    let leaf = chain.first().with_context(|| format!("{} is empty", file.display()))?;
    tls::pin(leaf).with_context(|| format!("{} holds no X.509 certificate", file.display()))
}

/// The certificates that an authority gave, as the desk keeps them.
///
/// *Errors*: where there is none yet: the desk shows none then, and its log says why.
fn by_acme(cache: &Path) -> Result<Vec<Digest>> {
    let files = fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_certificate = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("cached_cert_"))
    };
    let pins = files.filter(is_certificate).map(|file| own(&file)).collect::<Result<Vec<_>>>()?;
    if pins.is_empty() {
        return Err(Fault::new(
            Kind::Unreachable,
            "CLI-11",
            "the authority has given the desk no certificate yet",
            "wait, or see `acme.failed` in the log of `detente serve`",
        )
        .into());
    }
    Ok(pins)
}

/// Without a certificate of its own the desk shows the link's, whose key stands in the node's key
/// statements.
fn of_link(keys: &Path) -> Result<Vec<Digest>> {
    let unread = || format!("{} cannot be read", keys.display());
    let mut pins = Vec::new();
    for entry in fs::read_dir(keys).with_context(unread)? {
        let path = entry.with_context(unread)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("statement-")
            && let Ok(statement) = KeyStatement::parse(&super::read(&path)?)
        {
            pins.extend_from_slice(statement.tls());
        }
    }
    Ok(pins)
}
