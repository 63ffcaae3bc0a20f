//! A node of the demo: a process of its own, with its own directory, keys and ports.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

use super::{client, free_port, program, until};
use crate::cli::Client;

/// A node process; it is ended when this goes.
pub(super) struct Node {
    pub(super) name: &'static str,
    pub(super) dir: PathBuf,
    pub(super) partner_port: u16,
    child: Option<Child>,
}

impl Node {
    /// Makes the data directory, over SQLite or the database whose address is given.
    pub(super) async fn make(base: &Path, name: &'static str, store: Option<&str>) -> Result<Self> {
        let short = name.split('.').next().unwrap_or(name);
        let dir = base.join(short);
        std::fs::create_dir_all(base)?;
        let passphrase = base.join(format!("{short}.passphrase"));
        std::fs::write(&passphrase, "an invented passphrase, for the demo only\n")?;
        let (desk, partner_port) = (free_port()?, free_port()?);
        let mut init = Command::new(program()?);
        init.args(["init", name, "--desk", &format!("127.0.0.1:{desk}")])
            .args(["--partner", &format!("127.0.0.1:{partner_port}"), "--dir"])
            .arg(&dir)
            .arg("--passphrase-file")
            .arg(&passphrase);
        if let Some(store) = store {
            init.args(["--store", &store.replace("{node}", short)]);
        }
        let output = init.output().await?;
        if !output.status.success() {
            bail!("init failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(Self { name, dir, partner_port, child: None })
    }

    /// Starts the process and waits for its first answer.
    pub(super) async fn start(&mut self) -> Result<()> {
        let log = self.dir.with_extension("log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let child = Command::new(program()?)
            .arg("serve")
            .arg("--dir")
            .arg(&self.dir)
            .arg("--passphrase-file")
            .arg(self.dir.with_extension("passphrase"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        self.child = Some(child);
        let client = self.client()?;
        until("the first answer", 20, || async { Ok(client.get("/api/node").await.ok()) }).await?;
        Ok(())
    }

    /// Ends the process as a crash would.
    pub(super) async fn kill(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the node is not running")?;
        child.kill().await?;
        Ok(())
    }

    /// A client of its desk.
    pub(super) fn client(&self) -> Result<Client> {
        client(&self.dir)
    }
}
