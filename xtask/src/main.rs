//! Checks that are code, and tests of everything: `cargo xtask check`, `cargo xtask test`.

mod age;
mod browser;
mod debian;
mod fuzz;
mod interop;
mod postgres;
mod tidy;

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage: cargo xtask <command>

  check   format, lints, tidy rules, fast tests (minutes)
  test    everything
  bench   figures against their bars: bench NAME [--json]
  browser a real browser walks both consoles, and keeps its screenshots (after a release build)
  interop real clients against two nodes (after a release build), and age
  age     cryptography beside others' alone: age files, vectors, statements
  fuzz    every reader of untrusted bytes: fuzz [SECONDS each] [TARGET…]
  tidy    the rules that are code, alone";

/// Seeded histories of the whole test: about two minutes on two cores.
const HISTORIES: &str = "2000";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let result = match command.as_str() {
        "check" => check(),
        "test" => test(),
        "bench" => bench(),
        "browser" => step("browser", || browser::walk(true)),
        "interop" => interop_all(),
        "age" => beside_others(),
        "fuzz" => fuzz::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        "tidy" => step("tidy", tidy::run),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<()> {
    step("format", || cargo(&["fmt", "--all", "--check"]))?;
    step("lints", || {
        cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])
    })?;
    step("tidy", tidy::run)?;
    step("tests", || cargo(&["test", "--quiet", "--workspace"]))
}

fn test() -> Result<()> {
    check()?;
    step("tests over PostgreSQL", || {
        let server = postgres::Server::start(postgres::Size::Small)?;
        let arguments = ["test", "--quiet", "--package", "store", "--package", "testkit"];
        run(program().args(arguments).env(postgres::VARIABLE, server.url()))?;
        // A binary of its own, and last: it crashes the server.
        let killed = ["test", "--quiet", "--package", "node", "--test", "killed"];
        run(program().args(killed).env(postgres::VARIABLE, server.url()))
    })?;
    step("release build", || cargo(&["build", "--release", "--package", "node"]))?;
    step("histories", || {
        let arguments = ["test", "--quiet", "--package", "testkit", "--test", "channel"];
        let seeded = ["seeded_histories_deliver"];
        run(program().args(arguments).args(seeded).env("DETENTE_HISTORIES", HISTORIES))
    })?;
    interop_all()?;
    step("browser", || browser::walk(false))?;
    step("fuzzing, a short round", || fuzz::run(&["5".to_owned()]))?;
    step("demo", || {
        let demo = ["run", "--quiet", "--release", "--", "demo", "--once", "--kill-rounds", "30"];
        cargo(&demo)
    })?;
    step("demo with a real bundle", demo_with_real_bundle)
}

/// All of ATT&CK Enterprise crosses as it is.
fn demo_with_real_bundle() -> Result<()> {
    const PACKED: &str = "../shared/data/attack-enterprise-18.1.json.xz";
    if !std::path::Path::new(PACKED).exists() {
        println!("skipped: {PACKED} is absent");
        return Ok(());
    }
    let bundle = "target/attack-enterprise.json";
    let unpack = "import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], 'wb'))";
    run(Command::new("python3").args(["-c", unpack, PACKED, bundle]))?;
    cargo(&["run", "--quiet", "--release", "--", "demo", "--once", "--bundle", bundle])
}

fn interop_all() -> Result<()> {
    step("real clients", interop::run_clients)?;
    beside_others()
}

fn beside_others() -> Result<()> {
    step("cryptography beside others'", age::run_beside_others)
}

/// Builds node and bench for release, and hands every argument on. Nothing but the bench's own
/// output goes to standard output, so that `--json` is one document.
fn bench() -> Result<()> {
    cargo(&["build", "--quiet", "--release", "--package", "node", "--package", "bench"])?;
    let mut bench = Command::new("target/release/bench");
    bench.args(std::env::args().skip(2));
    match std::env::args().nth(2).as_deref() {
        Some("taxii") => {
            if let Err(error) = debian::install_unless("nginx", "nginx-light") {
                eprintln!("xtask: the rows beside nginx are skipped: {error:#}");
            }
            let server = postgres::Server::start(postgres::Size::Whole)?;
            run(bench.env(postgres::VARIABLE, server.url()))
        }
        Some("stix") => {
            match interop::python(&interop::STIX_PACKAGES) {
                Ok(python) => {
                    bench.env("DETENTE_PYTHON", python);
                }
                Err(error) => eprintln!("the packages of PyPI are not measured: {error:#}"),
            }
            run(&mut bench)
        }
        _ => run(&mut bench),
    }
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {name}");
    let start = Instant::now();
    work().with_context(|| format!("{name} failed"))?;
    println!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    run(program().args(arguments))
}

fn program() -> Command {
    Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
