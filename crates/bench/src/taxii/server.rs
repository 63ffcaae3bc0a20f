//! One node process over either database, with the CPU time of both.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::nodes::{program, until};

/// The variable that names a PostgreSQL; `cargo xtask bench taxii` sets it.
pub(super) const POSTGRES: &str = "DETENTE_POSTGRES";
const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
const PASSPHRASE: &str = "an invented passphrase, for the bench only\n";
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a node keeps what it has.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// In a file.
    Sqlite,
    /// In a schema of its own.
    Postgres(String),
}

impl Kept {
    /// A new schema in the PostgreSQL that the environment names.
    pub(super) fn postgres(schema: &str) -> Result<Option<Self>> {
        let Ok(server) = std::env::var(POSTGRES) else { return Ok(None) };
        let anew = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        tokio::task::block_in_place(|| {
            postgres::Client::connect(&server, postgres::NoTls)?.batch_execute(&anew)
        })?;
        let mark = if server.contains('?') { '&' } else { '?' };
        Ok(Some(Self::Postgres(format!("{server}{mark}options=-csearch_path%3D{schema}"))))
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// A running node and a client of its TAXII door.
pub(super) struct Server {
    /// Its data directory.
    pub(super) dir: PathBuf,
    /// Address of the desk.
    pub(super) base: String,
    /// The operator's token.
    pub(super) token: String,
    child: Child,
    postmaster: Option<u32>,
    folder: Option<tempfile::TempDir>,
}

impl Server {
    /// Makes a node and starts it; the desk speaks plain HTTP on loopback, TLS elsewhere.
    pub(super) async fn start(kept: &Kept, tls: bool) -> Result<Self> {
        // Beside the build, on a real disk: a temporary folder may lie in memory.
        let folder = tempfile::tempdir_in(program().parent().context("no target folder")?)?;
        let dir = folder.path().join("node");
        let passphrase = folder.path().join("passphrase");
        fs::write(&passphrase, PASSPHRASE)?;
        let host = if tls { "0.0.0.0" } else { "127.0.0.1" };
        let desk = format!("{host}:{}", free_port()?);
        let mut init = Command::new(program());
        init.args(["init", "aldermoor.example/channel", "--desk", &desk, "--partner"])
            .arg(format!("127.0.0.1:{}", free_port()?))
            .arg("--dir")
            .arg(&dir)
            .arg("--passphrase-file")
            .arg(&passphrase);
        if let Kept::Postgres(url) = kept {
            init.args(["--store", url]);
        }
        let output = init.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        let token = fs::read_to_string(dir.join("keys/desk.token"))?;
        let scheme = if tls { "https" } else { "http" };
        let base = format!("{scheme}://127.0.0.1:{}", desk.rsplit(':').next().unwrap_or_default());
        let child = serve(&dir, &passphrase)?;
        let postmaster = match kept {
            Kept::Sqlite => None,
            Kept::Postgres(url) => Some(postmaster(url)?),
        };
        let server = Self { dir, base, token, child, postmaster, folder: Some(folder) };
        server.answers().await?;
        Ok(server)
    }

    /// One more process of the same node, over the same PostgreSQL.
    pub(super) async fn beside(&self) -> Result<Self> {
        let folder = tempfile::tempdir_in(program().parent().context("no target folder")?)?;
        let dir = folder.path().join("node");
        copy(&self.dir, &dir)?;
        let text = fs::read_to_string(dir.join("node.toml"))?;
        let (desk, partner) = (free_port()?, free_port()?);
        let lines = text.lines().map(|line| match line.split_once(" = ") {
            Some(("desk", _)) => format!("desk = \"127.0.0.1:{desk}\""),
            Some(("partner", _)) => format!("partner = \"127.0.0.1:{partner}\""),
            _ => line.to_owned(),
        });
        fs::write(dir.join("node.toml"), lines.collect::<Vec<_>>().join("\n"))?;
        let passphrase = folder.path().join("passphrase");
        fs::write(&passphrase, PASSPHRASE)?;
        let child = serve(&dir, &passphrase)?;
        let (base, token) = (format!("http://127.0.0.1:{desk}"), self.token.clone());
        let postmaster = self.postmaster;
        let server = Self { dir, base, token, child, postmaster, folder: Some(folder) };
        server.answers().await?;
        Ok(server)
    }

    async fn answers(&self) -> Result<()> {
        let http = self.client()?;
        let url = format!("{}/taxii2/", self.base);
        until("the first answer", async || Ok(http.get(&url).send().await.ok())).await?;
        Ok(())
    }

    /// A client with one connection, or as many as it needs at once.
    pub(super) fn client(&self) -> Result<reqwest::Client> {
        self.client_as(&format!("Bearer {}", self.token))
    }

    /// A client with other credentials.
    pub(super) fn client_as(&self, authorization: &str) -> Result<reqwest::Client> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization)?);
        headers.insert(ACCEPT, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        Ok(reqwest::Client::builder()
            .default_headers(headers)
            .tls_danger_accept_invalid_certs(true)
            .http1_only()
            .tcp_nodelay(true)
            .timeout(PATIENCE)
            .build()?)
    }

    /// Address of the local collection's resources.
    pub(super) fn local(&self, rest: &str) -> String {
        format!("{}/local/collections/workbench/{rest}", self.base)
    }

    /// CPU seconds of the node, and of PostgreSQL when it is used, to the nanosecond.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        let mut all = of_threads(self.child.id())?;
        if let Some(postmaster) = self.postmaster {
            all += of_threads(postmaster)? + of_reaped(postmaster)?;
            for process in children(postmaster)? {
                // One that has ended since is among the reaped next time.
                all += of_threads(process).unwrap_or(0.0);
            }
        }
        Ok(all)
    }

    /// Memory that the process holds now, in bytes.
    pub(super) fn memory_bytes(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
        Ok(kib.trim().parse::<f64>()? * 1_024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own; that is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        drop(self.folder.take());
    }
}

fn serve(dir: &Path, passphrase: &Path) -> Result<Child> {
    let log = fs::File::create(dir.with_extension("log"))?;
    let mut serve = Command::new(program());
    serve.args(["serve", "--dir"]).arg(dir).arg("--passphrase-file").arg(passphrase);
    Ok(serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?)
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

/// CPU seconds of the threads that a process has now.
fn of_threads(process: u32) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += text.split(' ').next().context("no schedstat")?.parse::<f64>()?;
    }
    Ok(nanoseconds / 1e9)
}

/// CPU seconds of the children that a process has waited for.
fn of_reaped(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let behind = stat.rsplit_once(") ").context("/proc says something else")?.1;
    let ticks = behind.split(' ').skip(13).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / rustix::param::clock_ticks_per_second() as f64)
}

fn children(process: u32) -> Result<Vec<u32>> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(path)?;
    Ok(text.split_whitespace().filter_map(|id| id.parse().ok()).collect())
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
