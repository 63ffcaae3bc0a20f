//! A real browser against two running nodes: Debian's chromium, playwright-core and axe-core.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::run;

const DIR: &str = "target/browser";
const TESTS: &str = "tests/browser";
/// What the README shows of the screenshots that a walk makes.
const SHOWN: [&str; 4] = ["desk-aldermoor", "desk-brevia-dark", "compose", "release"];
const CHROMIUM: &str = "/usr/bin/chromium";

/// Starts the demo and a third key statement, lets the browser walk, ends the demo.
///
/// `keep_shots` takes over the screenshots that the README shows; without it a run leaves the work
/// tree as it was.
pub(crate) fn walk(keep_shots: bool) -> Result<()> {
    install()?;
    let dir = Path::new(DIR);
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    let program = std::env::var("DETENTE").unwrap_or_else(|_| "target/release/detente".to_owned());
    fs::create_dir_all(dir)?;
    let statement = third(&program)?;
    let mut demo = Command::new(&program)
        .args(["--json", "--dir", DIR, "demo"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} does not start"))?;
    let walked = story(&mut demo).and_then(|story| {
        let shots = format!("{DIR}/screenshots");
        let walk = format!("{TESTS}/walk.mjs");
        run(Command::new("node").args([&walk, &story, &statement, &shots]))?;
        if keep_shots { keep(Path::new(&shots)) } else { Ok(()) }
    });
    // The demo ends its nodes when it is interrupted; a kill would leave them.
    run(Command::new("kill").args(["-INT", &demo.id().to_string()]))?;
    demo.wait()?;
    walked
}

/// What the demo printed, in a file.
fn story(demo: &mut Child) -> Result<String> {
    let output = demo.stdout.take().context("the demo has no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    if line.contains("\"held\":false") || line.is_empty() {
        bail!("the demo did not hold: {line}");
    }
    let path = format!("{DIR}/story.json");
    fs::write(&path, line)?;
    Ok(path)
}

/// The key statement of a node that nobody has met.
fn third(program: &str) -> Result<String> {
    let passphrase = format!("{DIR}/corvane.passphrase");
    fs::write(&passphrase, "an invented passphrase, for the test only\n")?;
    let node = format!("{DIR}/corvane");
    let ports = ["--desk", "127.0.0.1:0", "--partner", "127.0.0.1:0"];
    let name = "corvane.example/channel";
    run(Command::new(program)
        .args(["--dir", &node, "init", name, "--passphrase-file", &passphrase])
        .args(ports)
        .stdout(Stdio::null()))?;
    Ok(format!("{node}/keys/statement-0"))
}

/// Chromium and node from Debian, the rest from npm as the lock file says.
fn install() -> Result<()> {
    for (program, package) in [(CHROMIUM, "chromium"), ("node", "nodejs"), ("npm", "npm")] {
        let found = Command::new(program).arg("--version").output();
        if !found.is_ok_and(|output| output.status.success()) {
            run(Command::new("apt-get").args(["update", "--quiet"]))?;
            run(Command::new("apt-get").args(["install", "--yes", "--quiet", package]))?;
        }
    }
    let install = ["ci", "--no-audit", "--no-fund", "--silent"];
    run(Command::new("npm").args(install).current_dir(TESTS))
}

/// Puts the screenshots where the README looks for them.
fn keep(shots: &Path) -> Result<()> {
    let docs = Path::new("docs/screenshots");
    fs::create_dir_all(docs)?;
    for name in SHOWN {
        let file = format!("{name}.png");
        fs::copy(shots.join(&file), docs.join(&file))
            .with_context(|| format!("the walk made no {file}"))?;
    }
    Ok(())
}
