//! Other people's programs against ours: `taxii2-client` and `stix2` from PyPI against two running
//! nodes, and `stix2` against `detente stix lines`, request by request.

use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::{
    postgres::{Server, Size},
    run,
};

/// The packages of OASIS that STIX is compared with.
pub(crate) const STIX_PACKAGES: [&str; 4] =
    ["stix2==3.0.2", "stix2-validator==3.3.2", "stix2-patterns==2.1.2", "stix2-matcher==3.0.0"];

/// Lets the clients walk the demo over each of the two stores, then compares lines.
pub(crate) fn run_clients() -> Result<()> {
    let python = python(&[&["taxii2-client"], STIX_PACKAGES.as_slice()].concat())?;
    walk_demo(&python, Path::new("target/interop"), None)?;
    let server = Server::start(Size::Small)?;
    for node in ["aldermoor", "brevia"] {
        server.make_database(node)?;
    }
    let store = server.url_of("{node}");
    walk_demo(&python, Path::new("target/interop-postgres"), Some(&store))?;
    drop(server);
    compare_lines(&python)
}

/// Starts the demo, lets the clients walk it, ends it.
fn walk_demo(python: &str, dir: &Path, store: Option<&str>) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    println!("real clients over {}", if store.is_some() { "PostgreSQL" } else { "SQLite" });
    let mut demo = Command::new("target/release/detente");
    demo.arg("--json").arg("--dir").arg(dir).arg("demo").stdin(Stdio::null());
    if let Some(store) = store {
        demo.args(["--store", store]);
    }
    let demo = demo.stdout(Stdio::piped()).spawn();
    let mut demo = demo.context("target/release/detente does not start")?;
    let told = wait_for_story(&mut demo);
    let (a, b) = (dir.join("aldermoor"), dir.join("brevia"));
    let walked = told.and_then(|()| {
        run(Command::new(python).arg("tests/interop/taxii.py").args([&a, &b]))?;
        run(Command::new(python).arg("tests/interop/taxii.py").args([&b, &a]))?;
        walk_rights(python, &a)
    });
    // The demo ends its nodes when it is interrupted; a kill would leave them.
    run(Command::new("kill").args(["-INT", &demo.id().to_string()]))?;
    demo.wait()?;
    walked
}

/// Accounts that differ in rights, by taxii2-client and stix2, and the same desk by curl.
fn walk_rights(python: &str, dir: &Path) -> Result<()> {
    let config = fs::read_to_string(dir.join("node.toml"))?;
    let desk = config.lines().find_map(|line| line.strip_prefix("desk = \"")?.strip_suffix('"'));
    let base = format!("http://{}", desk.context("node.toml names no desk")?);
    let token = fs::read_to_string(dir.join("keys/desk.token"))?;
    let (name, password) = ("interop-reader", "a long and dull password");
    let file = dir.join("interop.password");
    fs::write(&file, password)?;
    let mut add = Command::new("target/release/detente");
    add.arg("--dir").arg(dir).args(["account", "add", name, "--role", "reader"]);
    run(add.arg("--password-file").arg(&file))?;
    let script = ["tests/interop/taxii_rights.py", &base, &token, name, password];
    run(Command::new(python).args(script))?;
    run(Command::new("sh").args(["tests/interop/curl.sh", &base, &token]))
}

/// The same requests to `detente stix lines` and to the packages; a script skips by name the
/// corpora that are not at hand.
fn compare_lines(python: &str) -> Result<()> {
    let validate = "tests/interop/stix_validate.py";
    let strict = ["--strict", "--damaged", "300", "--seed", "1"];
    for (script, options) in
        [("tests/interop/stix_lines.py", [].as_slice()), (validate, &[]), (validate, &strict)]
    {
        let arguments = [script, "target/release/detente", "../shared/data"];
        run(Command::new(python).args(arguments).args(options))?;
    }
    let script = ["tests/interop/stix_patterns.py", "--cases", "500"];
    let lines = ["target/release/detente", "stix", "lines"];
    run(Command::new(python).args(script).args(lines))
}

fn wait_for_story(demo: &mut Child) -> Result<()> {
    let output = demo.stdout.take().context("the demo has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    if line.contains("\"held\":false") || line.is_empty() {
        bail!("the demo did not hold: {line}");
    }
    Ok(())
}

/// A Python with these packages, in an environment of its own. What the tools say goes to
/// standard error: standard output may be one JSON document.
pub(crate) fn python(packages: &[&str]) -> Result<String> {
    let made = Command::new("python3").args(["-m", "venv", "target/venv"]).status();
    if !made.is_ok_and(|status| status.success()) {
        let mut install = Command::new("apt-get");
        run(install.args(["install", "--yes", "--quiet", "python3-venv"]).stdout(io::stderr()))?;
        run(Command::new("python3").args(["-m", "venv", "target/venv"]))?;
    }
    let python = "target/venv/bin/python".to_owned();
    let install = ["-m", "pip", "install", "--quiet"];
    run(Command::new(&python).args(install).args(packages).stdout(io::stderr()))?;
    Ok(python)
}
