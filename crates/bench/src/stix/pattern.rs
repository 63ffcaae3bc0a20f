//! Patterns on one core: reading the real ones, and matching over a million observations.
//!
//! Each matching figure is one that must look at everything: a pattern that no observation
//! satisfies, though most of them satisfy its parts. The observations are made, not real: one
//! observed-data of 2.0 form each second, an address or a mutex in it.

use std::hint::black_box;

use anyhow::{Context as _, Result};
use stix::{
    Spec,
    pattern::{Observations, parse},
    tree::Tree,
};

use super::peers::Rates;
use crate::{
    corpus,
    figure::{Bar, Report, cpu_seconds},
};

/// Measures; the real patterns are skipped where they are absent.
pub(super) fn run(report: &mut Report, rates: &mut Rates) -> Result<()> {
    match corpus::patterns()? {
        Some(patterns) => {
            rates.insert("pattern", reading(report, &patterns));
        }
        None => report.skip("parse of real patterns", "../shared/data is not here"),
    }
    matching(report, rates)
}

fn reading(report: &mut Report, patterns: &[String]) -> f64 {
    let bytes: usize = patterns.iter().map(String::len).sum();
    let seconds = cpu_seconds(|| {
        for pattern in patterns {
            let _ = black_box(parse(black_box(pattern), Spec::V21));
        }
    });
    let rate = patterns.len() as f64 / seconds;
    report.add("parse of real patterns", rate, "patterns/s", Bar::AtLeast(300_000.0));
    report.add("the same, by size", bytes as f64 / seconds / 1e6, "MB/s", Bar::None);
    rate
}

/// Observed-data of one document, and documents.
const PER_DOCUMENT: u32 = 100_000;
const DOCUMENTS: u32 = 10;

/// An expression that no observation satisfies.
pub(super) const ONE_EXPRESSION: &str = "[ipv4-addr:value = '192.0.2.1']";

/// What is matched, and what makes it look at everything.
const PATTERNS: [(&str, &str); 6] = [
    ("one expression", ONE_EXPRESSION),
    ("AND", "[ipv4-addr:value LIKE '10.%'] AND [mutex:name = 'none']"),
    (
        "FOLLOWEDBY",
        "[mutex:name LIKE 'late%'] START t'2031-01-02T00:00:00Z' STOP t'2032-01-01T00:00:00Z' \
         FOLLOWEDBY \
         [ipv4-addr:value LIKE '10.%'] START t'2031-01-01T00:00:00Z' STOP t'2031-01-02T00:00:00Z'",
    ),
    ("WITHIN", "([ipv4-addr:value LIKE '10.%'] AND [mutex:name LIKE '%']) WITHIN 1 SECONDS"),
    ("REPEATS", "[ipv4-addr:value LIKE '10.%'] REPEATS 1000 TIMES WITHIN 1500 SECONDS"),
    (
        "the same twice",
        "([ipv4-addr:value LIKE '10.%'] FOLLOWEDBY [ipv4-addr:value LIKE '%']) WITHIN 1 SECONDS",
    ),
];

fn matching(report: &mut Report, rates: &mut Rates) -> Result<()> {
    let documents: Vec<String> = (0..DOCUMENTS).map(document).collect();
    let trees = documents.iter().map(|text| Tree::read(text.as_bytes()));
    let trees = trees.collect::<Result<Vec<_>, _>>().ok().context("the made observations")?;
    let sizes = [125_000_usize, 250_000, 500_000, 1_000_000];
    let mut seconds = vec![Vec::new(); PATTERNS.len()];
    for size in sizes {
        let values = trees.iter().flat_map(|tree| tree.root().items()).take(size);
        let observations = Observations::read(values)?;
        for ((_, text), seconds) in PATTERNS.iter().zip(&mut seconds) {
            let matcher = parse(text, Spec::V21)?.matcher()?;
            let mut matched = true;
            seconds.push(cpu_seconds(|| {
                matched = matcher.first(&observations).is_ok_and(|found| found.is_some());
            }));
            anyhow::ensure!(!matched, "`{text}` is made not to match");
        }
    }
    for ((name, _), seconds) in PATTERNS.iter().zip(&seconds) {
        let [.., largest] = seconds.as_slice() else { continue };
        let rate = 1e6 / largest;
        let bar = if *name == "one expression" { Bar::AtLeast(1_000_000.0) } else { Bar::None };
        report.add(&format!("match {name}, 1,000,000"), rate, "observations/s", bar);
        for (size, time) in sizes.iter().zip(seconds) {
            let name = format!("match {name}, {size}: each");
            report.add(&name, time * 1e9 / *size as f64, "ns", Bar::None);
        }
        // Eight times as many take 8 x 20 / 17 times as long when it is n log n, 64 times when it
        // is quadratic; memory that no longer fits into the caches is in the figure too.
        let grown = seconds.first().map_or(f64::NAN, |smallest| largest / smallest);
        let name = format!("match {name}, 8 x as many: time grows");
        report.add(&name, grown, "x", Bar::AtMost(16.0));
    }
    rates.insert("match", whole(report, &documents)?);
    Ok(())
}

/// From text to answer: reading the tree, the observations and matching.
fn whole(report: &mut Report, documents: &[String]) -> Result<f64> {
    let document = documents.first().context("a document")?;
    let matcher = parse(ONE_EXPRESSION, Spec::V21)?.matcher()?;
    let seconds = cpu_seconds(|| {
        if let Ok(tree) = Tree::read(document.as_bytes())
            && let Ok(observations) = Observations::read(tree.root().items())
        {
            let _ = black_box(matcher.first(&observations));
        }
    });
    let rate = f64::from(PER_DOCUMENT) / seconds;
    report.add("match one expression, JSON text read too", rate, "observations/s", Bar::None);
    Ok(rate)
}

/// The first of the made observations, as values.
pub(super) fn observations(count: usize) -> Vec<serde_json::Value> {
    let all: Vec<_> = serde_json::from_str(&document(0)).unwrap_or_default();
    all.into_iter().take(count).collect()
}

/// A list of observed-data: two seconds apart, four in five with an address.
fn document(number: u32) -> String {
    let mut out = String::from("[");
    for place in number * PER_DOCUMENT..(number + 1) * PER_DOCUMENT {
        let seconds = place * 2;
        let (day, hour) = (seconds / 86_400, seconds / 3_600 % 24);
        let (month, day) = (1 + day / 28, 1 + day % 28);
        let (minute, second) = (seconds / 60 % 60, seconds % 60);
        let time = format!("2031-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
        let object = match place % 5 {
            0 => format!(r#"{{"type":"mutex","name":"late{place}"}}"#),
            _ => {
                let [_, b, c, d] = place.to_be_bytes();
                format!(r#"{{"type":"ipv4-addr","value":"10.{b}.{c}.{d}"}}"#)
            }
        };
        let comma = if out.len() > 1 { "," } else { "" };
        out.push_str(&format!(
            r#"{comma}{{"type":"observed-data","first_observed":"{time}","last_observed":"{time}","number_observed":1,"objects":{{"0":{object}}}}}"#
        ));
    }
    out.push(']');
    out
}
