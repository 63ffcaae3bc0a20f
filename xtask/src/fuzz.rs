//! Fuzzing of every reader of untrusted bytes, guided by coverage, on the stable compiler.
//!
//! `fuzz/` is built with LLVM's coverage counters and linked with libFuzzer; what `cargo fuzz` adds
//! beside that (an address sanitizer) needs a nightly compiler and looks for faults that safe code
//! cannot have. Each target asserts properties; see `fuzz/src/targets.rs`.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::program;

const FOLDER: &str = "target/fuzz";
/// Counters on every edge and values of comparisons, as libFuzzer wants them.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cdebug-assertions -Ccodegen-units=16";
const SECONDS: &str = "10";
const TARGET: &str = "DETENTE_FUZZ_TARGET";

/// Fuzzes the named targets, or all, two at a time; a found input is kept and told.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (seconds, named) = match arguments.split_first() {
        Some((first, rest)) if first.parse::<u32>().is_ok() => (first.as_str(), rest),
        _ => (SECONDS, arguments),
    };
    let target = host()?;
    build(&target)?;
    let fuzzer = Path::new(FOLDER).join(target).join("release/fuzz");
    let listed =
        Command::new(&fuzzer).env(TARGET, "seeds").env("DETENTE_FUZZ_DIR", FOLDER).output()?;
    let listed = String::from_utf8(listed.stdout)?;
    let targets: Vec<&str> =
        listed.lines().filter(|name| named.is_empty() || named.iter().any(|n| n == name)).collect();
    ensure!(!targets.is_empty(), "no such target; there are: {}", listed.replace('\n', " "));
    let mut failed = Vec::new();
    for pair in targets.chunks(2) {
        let started: Vec<_> =
            pair.iter().map(|name| start(&fuzzer, name, seconds)).collect::<Result<_>>()?;
        for (name, child) in pair.iter().zip(started) {
            let output = child.wait_with_output()?;
            report(name, &String::from_utf8_lossy(&output.stderr));
            if !output.status.success() {
                eprintln!("{}", String::from_utf8_lossy(&output.stderr));
                failed.push(*name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("found by {}: the inputs lie in {FOLDER}/found", failed.join(", "));
    }
    Ok(())
}

/// The flags are for the program alone: with a target named, build scripts and macros go without.
fn build(target: &str) -> Result<()> {
    let arguments = ["build", "--quiet", "--release", "--manifest-path", "fuzz/Cargo.toml"];
    let place = ["--target", target, "--target-dir", FOLDER];
    crate::run(program().args(arguments).args(place).env("RUSTFLAGS", FLAGS))
        .context("the fuzz targets do not build")
}

fn host() -> Result<String> {
    let told = Command::new("rustc").args(["--version", "--verbose"]).output()?;
    let told = String::from_utf8(told.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc names no host")
}

fn start(fuzzer: &Path, name: &str, seconds: &str) -> Result<std::process::Child> {
    let found = format!("{FOLDER}/found/");
    let corpus = format!("{FOLDER}/corpus/{name}");
    fs::create_dir_all(&found)?;
    let child = Command::new(fuzzer)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={found}{name}-"))
        .args(["-timeout=5", "-rss_limit_mb=1024", "-max_len=65536", "-print_final_stats=1"])
        .arg(corpus)
        .env(TARGET, name)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    Ok(child)
}

/// One line a target: how many inputs, and how many edges they reached.
fn report(name: &str, told: &str) {
    let runs = told.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let reached = told.lines().rev().find_map(|line| line.split(" cov: ").nth(1));
    let edges = reached.and_then(|rest| rest.split(' ').next()).unwrap_or("?");
    println!("{name}: {} inputs, {edges} edges", runs.unwrap_or("?").trim());
}
