//! STIX on one core: each figure is CPU time of one thread over ATT&CK Enterprise.

use std::hint::black_box;

use anyhow::Result;
use sha2::{Digest as _, Sha256};

use crate::{
    corpus,
    figure::{Bar, Report, cpu_seconds},
};

/// Measures; a corpus that is absent skips the figures that need it.
pub(crate) fn run(report: &mut Report, _: &[String]) -> Result<()> {
    match corpus::read(corpus::ATTACK)? {
        Some(bundle) => relay_path(report, &bundle)?,
        None => report.skip("split + head + SHA-256", "../shared/data is not here"),
    }
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
