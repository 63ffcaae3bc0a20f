//! One node process over either database, and how to come to it.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use store::Store;

use super::{
    cpu::Processes,
    target::{Target, basic},
};
use crate::nodes::{program, until};

/// The variable that names a PostgreSQL; `cargo xtask bench taxii` sets it.
pub(super) const POSTGRES: &str = "DETENTE_POSTGRES";
const PASSPHRASE: &str = "an invented passphrase, for the bench only\n";
const PASSWORD: &str = "an invented password";

/// Where a node keeps what it has.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// In a file.
    Sqlite,
    /// In a schema of its own.
    Postgres {
        /// The server.
        server: String,
        /// The schema.
        schema: String,
    },
}

impl Kept {
    /// A new store of this kind: in PostgreSQL, a new schema of the one that the environment names.
    pub(super) fn new(name: &str) -> Result<Self> {
        static SCHEMAS: AtomicU32 = AtomicU32::new(1);
        match name {
            "SQLite" => Ok(Self::Sqlite),
            "PostgreSQL" => {
                let server = std::env::var(POSTGRES).context("no PostgreSQL is named")?;
                let schema = format!("bench_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
                let drop = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
                ask(&server, &format!("{drop}; CREATE SCHEMA {schema}"))?;
                Ok(Self::Postgres { server, schema })
            }
            _ => bail!("{name} is no store"),
        }
    }

    /// As `store` in `node.toml` takes it; none is a file.
    fn url(&self) -> Option<String> {
        let Self::Postgres { server, schema } = self else { return None };
        let mark = if server.contains('?') { '&' } else { '?' };
        Some(format!("{server}{mark}options=-csearch_path%3D{schema}"))
    }
}

fn ask(server: &str, sql: &str) -> Result<()> {
    tokio::task::block_in_place(|| {
        Ok(postgres::Client::connect(server, postgres::NoTls)?.batch_execute(sql)?)
    })
}

/// A node, running or not.
pub(super) struct Server {
    /// Its TAXII door.
    pub(super) target: Target,
    kept: Kept,
    dir: PathBuf,
    passphrase: PathBuf,
    child: Option<Child>,
    /// Whether the store goes with it.
    owns_store: bool,
    /// Holds all its files; goes last.
    _folder: tempfile::TempDir,
}

impl Server {
    /// Makes a node and starts it; the desk speaks plain HTTP on loopback, TLS elsewhere.
    pub(super) async fn start(kept: &Kept, tls: bool) -> Result<Self> {
        let mut server = Self::make(kept, tls)?;
        server.serve().await?;
        Ok(server)
    }

    /// Makes a node that does not run.
    pub(super) fn make(kept: &Kept, tls: bool) -> Result<Self> {
        // Beside the build, on a real disk: a temporary folder may lie in memory.
        let folder = tempfile::tempdir_in(program().parent().context("no target folder")?)?;
        let (dir, passphrase) = (folder.path().join("node"), folder.path().join("passphrase"));
        fs::write(&passphrase, PASSPHRASE)?;
        let (host, scheme) = if tls { ("0.0.0.0", "https") } else { ("127.0.0.1", "http") };
        let port = free_port()?;
        let mut init = Command::new(program());
        init.args(["init", "aldermoor.example/channel", "--desk", &format!("{host}:{port}")])
            .args(["--partner", &format!("127.0.0.1:{}", free_port()?), "--dir"])
            .arg(&dir)
            .arg("--passphrase-file")
            .arg(&passphrase);
        if let Some(url) = kept.url() {
            init.args(["--store", &url]);
        }
        let output = init.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        let token = fs::read_to_string(dir.join("keys/desk.token"))?;
        let target = Target {
            base: format!("{scheme}://127.0.0.1:{port}"),
            root: "/local/".to_owned(),
            collection: "workbench".to_owned(),
            authorization: format!("Bearer {token}"),
            processes: Processes::default(),
        };
        let kept = kept.clone();
        Ok(Self { target, kept, dir, passphrase, child: None, owns_store: true, _folder: folder })
    }

    /// Starts the process and waits for its first answer.
    pub(super) async fn serve(&mut self) -> Result<()> {
        let log = fs::File::create(self.dir.with_extension("log"))?;
        let child = Command::new(program())
            .args(["serve", "--dir"])
            .arg(&self.dir)
            .arg("--passphrase-file")
            .arg(&self.passphrase)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.target.processes.single = vec![child.id()];
        self.child = Some(child);
        if let Some(url) = self.kept.url() {
            self.target.processes.families = vec![postmaster(&url)?];
        }
        let http = self.target.client()?;
        let url = format!("{}/taxii2/", self.target.base);
        until("the first answer", async || Ok(http.get(&url).send().await.ok())).await?;
        Ok(())
    }

    /// One more process of the same node, over the same PostgreSQL.
    pub(super) async fn beside(&self) -> Result<Self> {
        let folder = tempfile::tempdir_in(program().parent().context("no target folder")?)?;
        let (dir, passphrase) = (folder.path().join("node"), folder.path().join("passphrase"));
        copy(&self.dir, &dir)?;
        fs::copy(&self.passphrase, &passphrase)?;
        let text = fs::read_to_string(dir.join("node.toml"))?;
        let (desk, partner) = (free_port()?, free_port()?);
        let lines = text.lines().map(|line| match line.split_once(" = ") {
            Some(("desk", _)) => format!("desk = \"127.0.0.1:{desk}\""),
            Some(("partner", _)) => format!("partner = \"127.0.0.1:{partner}\""),
            _ => line.to_owned(),
        });
        fs::write(dir.join("node.toml"), lines.collect::<Vec<_>>().join("\n"))?;
        let target = Target { base: format!("http://127.0.0.1:{desk}"), ..self.target.clone() };
        let kept = self.kept.clone();
        let mut server =
            Self { target, kept, dir, passphrase, child: None, owns_store: false, _folder: folder };
        server.serve().await?;
        Ok(server)
    }

    /// The store itself, while the node does not run.
    pub(super) fn open_store(&self, options: store::Options) -> Result<Store> {
        Ok(match self.kept.url() {
            None => Store::open(&self.dir.join("node.db"), options)?,
            Some(url) => tokio::task::block_in_place(|| Store::connect(&url, options))?,
        })
    }

    /// What PostgreSQL does by itself within a minute of much that was written, done now: it is not
    /// to be counted among the pages.
    pub(super) fn settle(&self) -> Result<()> {
        let Kept::Postgres { server, schema } = &self.kept else { return Ok(()) };
        ask(server, &format!("VACUUM (ANALYZE) {schema}.entry, {schema}.blob"))
    }

    /// The `Authorization` of the operator with a password, which is set here.
    pub(super) fn with_password(&self) -> Result<String> {
        let mut set = Command::new(program())
            .args(["account", "password", "operator", "--password-file", "/dev/stdin", "--dir"])
            .arg(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        set.stdin.take().context("no standard input")?.write_all(PASSWORD.as_bytes())?;
        ensure!(set.wait()?.success(), "no password can be set");
        Ok(basic("operator", PASSWORD))
    }

    /// Durable commits since it started.
    pub(super) async fn commits(&self) -> Result<u64> {
        let url = format!("{}/api/node", self.target.base);
        let node: Value = self.target.client()?.get(url).send().await?.json().await?;
        node.get("commits").and_then(Value::as_u64).context("the node counts no commits")
    }

    /// Memory that the node holds now, in bytes.
    pub(super) fn memory_bytes(&self) -> Result<f64> {
        let single = self.target.processes.single.clone();
        Processes { single, families: Vec::new() }.memory_bytes()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended on its own; that is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
        if let (Kept::Postgres { server, schema }, true) = (&self.kept, self.owns_store)
            && let Err(error) = ask(server, &format!("DROP SCHEMA {schema} CASCADE"))
        {
            eprintln!("bench: {schema} stays: {error:#}");
        }
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

/// The server's first process: the parent of the one that answers.
fn postmaster(url: &str) -> Result<u32> {
    let status = tokio::task::block_in_place(|| -> Result<String> {
        let mut client = postgres::Client::connect(url, postgres::NoTls)?;
        let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[])?.try_get(0)?;
        Ok(fs::read_to_string(format!("/proc/{backend}/status"))?)
    })?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    Ok(parent.context("no parent")?.trim().parse()?)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
