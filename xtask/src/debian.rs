//! Debian's packages that tests and benches use, installed where they are missing.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Installs a package.
///
/// *Errors*: with the command to run by hand.
pub(crate) fn install(package: &str) -> Result<()> {
    // Standard output belongs to whoever asked: a bench's is one document.
    eprintln!("{package} is not here: installing Debian's package");
    let by_hand = || format!("install it by hand: `apt-get install {package}`");
    let status = Command::new("apt-get")
        .args(["install", "--yes", "--quiet", "--no-install-recommends", package])
        .stdout(Stdio::null())
        .status()
        .with_context(by_hand)?;
    ensure!(status.success(), by_hand());
    Ok(())
}

/// Installs a package where its program does not answer to `-v`.
pub(crate) fn install_unless(program: &str, package: &str) -> Result<()> {
    let asked =
        Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if asked.is_ok() { Ok(()) } else { install(package) }
}
