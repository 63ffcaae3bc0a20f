//! Full validation of ATT&CK Enterprise on one core, and the program that does it: its memory, its
//! start.

use std::{
    fs,
    hint::black_box,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use stix::Options;

use crate::{
    figure::{Bar, Report, cpu_seconds},
    nodes::program,
};

/// Every MUST and SHOULD of every object; objects a second.
pub(super) fn full(report: &mut Report, bundle: &[u8]) -> f64 {
    let mut counted = stix::Report::default();
    let ours = cpu_seconds(|| {
        counted = stix::validate(bundle, &Options::default(), &mut |finding| {
            black_box(finding);
        });
    });
    let theirs = cpu_seconds(|| {
        let _ = black_box(serde_json::from_slice::<serde_json::Value>(bundle));
    });
    let rate = counted.objects as f64 / ours;
    let findings = (counted.errors + counted.warnings + counted.notes) as f64;
    report.add("full MUST + SHOULD validation", rate, "objects/s", Bar::AtLeast(150_000.0));
    report.add("the same against serde_json Value", theirs / ours, "x", Bar::None);
    let each = findings / counted.objects as f64;
    report.add("findings that are handed out meanwhile", each, "an object", Bar::None);
    rate
}

/// Peak memory of `detente stix validate`, against the size of the file.
pub(super) fn memory(report: &mut Report, bundle: &[u8]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bundle.json");
    fs::write(&file, bundle)?;
    let peak = peak_bytes(start(&file)?)?;
    report.add("peak memory validating a file", peak / 1e6, "MB", Bar::None);
    let size = bundle.len() as f64;
    report.add("the same against the file's size", peak / size, "x", Bar::AtMost(2.0));
    Ok(())
}

/// Starts of the program; the figure is the middle one.
const STARTS: usize = 41;

/// From start to end of `detente stix validate` on one small object.
pub(super) fn start_up(report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("lamp.json");
    fs::write(
        &file,
        r#"{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921","name":"lamp"}"#,
    )?;
    let mut taken = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        start(&file)?.wait()?;
        taken.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    taken.sort_by(f64::total_cmp);
    let middle = taken.get(STARTS / 2).copied().unwrap_or(f64::NAN);
    report.add("detente stix validate, a tiny file", middle, "ms", Bar::AtMost(20.0));
    Ok(())
}

fn start(file: &Path) -> Result<Child> {
    Command::new(program())
        .args(["stix", "validate"])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} does not start", program().display()))
}

/// The most memory that a process held. The kernel keeps it while the process lives, so it is read
/// again and again until the end.
fn peak_bytes(mut child: Child) -> Result<f64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0.0_f64;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = line.and_then(|line| line.trim().strip_suffix(" kB")) {
            peak_kib = peak_kib.max(kib.trim().parse()?);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    anyhow::ensure!(peak_kib > 0.0, "the program ended before its memory was read");
    Ok(peak_kib * 1_024.0)
}
