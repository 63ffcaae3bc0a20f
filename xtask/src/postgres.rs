//! A real PostgreSQL for tests and benches: Debian's package, its own directory under `target/`,
//! a socket of its own, stopped when the value goes.
//!
//! PostgreSQL refuses to run as root, so root hands the work to the user `postgres`, which the
//! package makes.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::debian;

/// The variable that tells tests where the server is.
pub(crate) const VARIABLE: &str = "DETENTE_POSTGRES";
const USER: &str = "postgres";
/// The database of tests and benches.
const DATABASE: &str = "detente";
/// A socket's address has room for about a hundred bytes.
const SOCKET_LEN_MAX: usize = 80;
const SETTINGS: &str = "-c listen_addresses='' -c max_connections=200";

/// How much a server is given.
#[derive(Clone, Copy)]
pub(crate) enum Size {
    /// For tests: little memory.
    Small,
    /// For figures: what a small machine that serves it alone gives.
    Whole,
}

impl Size {
    fn settings(self) -> &'static str {
        match self {
            Self::Small => "-c shared_buffers=128MB",
            Self::Whole => "-c shared_buffers=1GB -c max_wal_size=4GB",
        }
    }
}

/// A running server.
pub(crate) struct Server {
    programs: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    as_root: bool,
}

impl Server {
    /// Makes a new cluster and starts it; installs Debian's package where it is missing.
    pub(crate) fn start(size: Size) -> Result<Self> {
        let as_root = is_root()?;
        let programs = match programs() {
            Some(found) => found,
            None => install()?,
        };
        let home = std::env::current_dir()?.join("target/postgres");
        // Whatever an earlier run that was killed has left.
        let _ = fs::remove_dir_all(&home);
        let mut socket = home.join("run");
        if socket.as_os_str().len() > SOCKET_LEN_MAX {
            socket = std::env::temp_dir().join(format!("detente-{}", std::process::id()));
        }
        let data = home.join("data");
        for folder in [&home, &socket] {
            fs::create_dir_all(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
        let server = Self { programs, data, socket, as_root };
        if as_root {
            run(Command::new("chown").arg(USER).arg(&home).arg(&server.socket))?;
        }
        server.make(size)?;
        Ok(server)
    }

    fn make(&self, size: Size) -> Result<()> {
        let made = ["--auth=trust", "--username=detente", "--encoding=UTF8", "--locale=C.UTF-8"];
        run(self.program("initdb").args(made).arg("--pgdata").arg(&self.data))?;
        let settings = format!("{SETTINGS} {} -k {}", size.settings(), self.socket.display());
        run(self
            .program("pg_ctl")
            .args(["start", "--wait", "--silent", "--options"])
            .arg(settings)
            .arg("--log")
            .arg(self.data.with_file_name("log"))
            .arg("--pgdata")
            .arg(&self.data))?;
        self.make_database(DATABASE)
    }

    /// Makes one more database.
    pub(crate) fn make_database(&self, name: &str) -> Result<()> {
        let mut createdb = self.program("createdb");
        run(createdb.arg("--host").arg(&self.socket).args(["--username", "detente", name]))
    }

    /// Its address, as `store` in `node.toml` takes it.
    pub(crate) fn url(&self) -> String {
        self.url_of(DATABASE)
    }

    /// The address of one of its databases.
    pub(crate) fn url_of(&self, database: &str) -> String {
        let host = self.socket.display().to_string().replace('/', "%2F");
        format!("postgres://detente@{host}/{database}")
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if self.as_root {
            let mut command = Command::new("runuser");
            command.args(["-u", USER, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/").stdout(Stdio::null());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        stop.args(["stop", "--mode", "immediate", "--silent", "--pgdata"]).arg(&self.data);
        if let Err(error) = run(&mut stop) {
            eprintln!("xtask: {error:#}");
        }
        // The log stays; what was stored may be large.
        let _ = fs::remove_dir_all(&self.data);
    }
}

fn is_root() -> Result<bool> {
    let id = Command::new("id").arg("-u").output()?;
    Ok(id.stdout.trim_ascii() == b"0")
}

/// The newest server that Debian's package put here.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    found.sort_by_key(|folder| version_of(folder));
    found.pop()
}

fn version_of(folder: &Path) -> u32 {
    let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}

fn install() -> Result<PathBuf> {
    debian::install("postgresql")?;
    programs().context("Debian's package put no server under /usr/lib/postgresql")
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} cannot be run"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
