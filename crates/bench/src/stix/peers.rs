//! The Python packages of OASIS beside us, in the same run: `tests/interop/stix_speed.py`.
//!
//! They are asked about samples, since all of ATT&CK takes the validator minutes; what it costs
//! to start Python and to import them is not counted. Seconds are CPU time on both sides.

use std::{
    collections::HashMap,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json, value::RawValue};

use crate::{
    corpus,
    figure::{Bar, Report},
};

/// The Python that has the packages; `cargo xtask bench stix` names one where it can install them.
const PYTHON: &str = "DETENTE_PYTHON";

/// What we reached in this run, by the part of the script that does the same.
pub(super) type Rates = HashMap<&'static str, f64>;

/// What is compared: the script's part, what it asks of what, the unit, the bar of our ratio.
const PARTS: [(&str, &str, &str, Bar); 4] = [
    ("validate", "full validation", "objects/s", Bar::AtLeast(900.0)),
    ("parse", "reading objects as their types", "objects/s", Bar::None),
    ("pattern", "parse of real patterns", "patterns/s", Bar::None),
    ("match", "match one expression", "observations/s", Bar::None),
];

/// Objects, patterns and observations that the packages are asked about.
const SAMPLES: usize = 400;

/// Measures the packages, and adds a row and a ratio for each.
pub(super) fn run(report: &mut Report, bundle: &[u8], ours: &Rates) -> Result<()> {
    let Some(python) = std::env::var_os(PYTHON) else {
        for (_, what, ..) in PARTS {
            report.skip(&format!("{what}, by the package of PyPI"), "no Python has the packages");
        }
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let request = folder.path().join("samples.json");
    std::fs::write(&request, samples(bundle)?.to_string())?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/interop/stix_speed.py");
    let output =
        Command::new(python).arg(script).arg(&request).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("tests/interop/stix_speed.py ended with {}", output.status);
    }
    let told: Value = serde_json::from_slice(&output.stdout)?;
    for (part, what, unit, bar) in PARTS {
        let theirs = told.get(part).with_context(|| format!("the script tells no {part}"))?;
        let package = theirs.get("package").and_then(Value::as_str).unwrap_or_default();
        let rate = theirs.get("rate").and_then(Value::as_f64).context("a rate")?;
        report.add(&format!("{what}, by {package}"), rate, unit, Bar::None);
        if let Some(our) = ours.get(part) {
            report.add(&format!("{what} / {package}"), our / rate, "x", bar);
        }
    }
    Ok(())
}

/// Every so-manieth object of the bundle and real pattern, and observations as the matching figures have
/// them.
fn samples(bundle: &[u8]) -> Result<Value> {
    let all = stix::split(bundle)?;
    let step = (all.len() / SAMPLES).max(1);
    let objects: Vec<&RawValue> = all
        .iter()
        .step_by(step)
        .map(|object| serde_json::from_slice(object))
        .collect::<Result<_, _>>()?;
    let patterns = corpus::patterns()?.unwrap_or_default();
    let step = (patterns.len() / SAMPLES).max(1);
    let patterns: Vec<&String> = patterns.iter().step_by(step).collect();
    Ok(json!({
        "objects": objects,
        "patterns": patterns,
        "observations": super::pattern::observations(SAMPLES),
        "expression": super::pattern::ONE_EXPRESSION,
    }))
}
