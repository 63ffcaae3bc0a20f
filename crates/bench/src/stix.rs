//! STIX on one core: each figure is CPU time of one thread over ATT&CK Enterprise.

mod pattern;
mod peers;
mod validation;

use std::hint::black_box;

use anyhow::Result;
use sha2::{Digest as _, Sha256};

use crate::{
    corpus,
    figure::{Bar, Report, cpu_seconds},
};
use peers::Rates;

/// Measures; a corpus that is absent skips the figures that need it.
pub(crate) fn run(report: &mut Report, _: &[String]) -> Result<()> {
    let bundle = corpus::read(corpus::ATTACK)?;
    let mut rates = Rates::new();
    match &bundle {
        Some(bundle) => {
            relay_path(report, bundle)?;
            rates.insert("validate", validation::full(report, bundle));
            validation::memory(report, bundle)?;
            rates.insert("parse", typed(report, bundle)?);
            canonical_form(report, bundle)?;
        }
        None => {
            for name in ["split + head + SHA-256", "full MUST + SHOULD validation", "JCS"] {
                report.skip(name, "../shared/data is not here");
            }
        }
    }
    validation::start_up(report)?;
    pattern::run(report, &mut rates)?;
    match &bundle {
        Some(bundle) => peers::run(report, bundle, &rates),
        None => Ok(()),
    }
}

/// Every object read as its type, as a typed library does, from its text on.
fn typed(report: &mut Report, bundle: &[u8]) -> Result<f64> {
    let objects = stix::split(bundle)?;
    let seconds = cpu_seconds(|| {
        for object in &objects {
            let options = stix::parse::Options { allow_custom: true, version: None };
            if let Ok(tree) = stix::tree::Tree::read(object) {
                let _ = black_box(stix::parse::parse(tree.root(), options));
            }
        }
    });
    let rate = objects.len() as f64 / seconds;
    report.add("reading objects as their types", rate, "objects/s", Bar::None);
    Ok(rate)
}

/// The canonical form of every object, from the tree as the other crates print from their values;
/// with the reading of the text beside it, which an id or a comparison needs too.
fn canonical_form(report: &mut Report, bundle: &[u8]) -> Result<()> {
    let objects = stix::split(bundle)?;
    let count = objects.len() as f64;
    let trees: Vec<_> = objects.iter().flat_map(|object| stix::tree::Tree::read(object)).collect();
    let mut out = String::new();
    let ours = cpu_seconds(|| {
        for tree in &trees {
            out.clear();
            stix::write_canonical(tree.root(), &mut out);
            black_box(out.len());
        }
    });
    let from_text = cpu_seconds(|| {
        for object in &objects {
            let _ = black_box(stix::canonicalize(object));
        }
    });
    let values: Vec<serde_json::Value> =
        objects.iter().flat_map(|object| serde_json::from_slice(object)).collect();
    let theirs = cpu_seconds(|| {
        for value in &values {
            let _ = black_box(serde_json_canonicalizer::to_vec(value));
        }
    });
    let plain = cpu_seconds(|| {
        for value in &values {
            let _ = black_box(serde_json::to_vec(value));
        }
    });
    report.add("JCS", count / ours, "objects/s", Bar::AtLeast(400_000.0));
    report.add("JCS with reading the text", count / from_text, "objects/s", Bar::None);
    report.add("serde_json_canonicalizer, beside it", count / theirs, "objects/s", Bar::None);
    report.add("serde_json to_vec, beside it", count / plain, "objects/s", Bar::None);
    Ok(())
}

/// What a relay does to each object, beside what `serde_json` needs to read the bundle as values.
fn relay_path(report: &mut Report, bundle: &[u8]) -> Result<()> {
    let count = stix::split(bundle)?.len() as f64;
    let ours = cpu_seconds(|| {
        for object in stix::split(bundle).unwrap_or_default() {
            let _ = black_box(stix::Head::parse(object));
            black_box(Sha256::digest(object));
        }
    });
    let theirs = cpu_seconds(|| {
        let _ = black_box(serde_json::from_slice::<serde_json::Value>(bundle));
    });
    report.add("split + head + SHA-256", count / ours, "objects/s", Bar::AtLeast(400_000.0));
    report.add("serde_json Value, beside it", count / theirs, "objects/s", Bar::None);
    report.add("split + head + SHA-256 / serde_json", theirs / ours, "x", Bar::AtLeast(1.6));
    Ok(())
}
