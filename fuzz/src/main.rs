//! One fuzzer for every target: the environment names which (`DETENTE_FUZZ_TARGET`).
//!
//! With the name `seeds` it prints the targets, writes their first inputs below `DETENTE_FUZZ_DIR`
//! and ends: `cargo xtask fuzz` does that first.

#![no_main]

mod protocol_targets;
mod seeds;
mod stix_targets;

use std::sync::OnceLock;

use libfuzzer_sys::{Corpus, fuzz_target};

/// A target takes any bytes, and panics when a property does not hold.
type Target = fn(&[u8]);

/// Every reader of bytes that others wrote.
const TARGETS: [(&str, Target); 19] = [
    ("note", protocol_targets::note),
    ("manifest", protocol_targets::manifest),
    ("slip", protocol_targets::slip),
    ("envelope", protocol_targets::envelope),
    ("payload", protocol_targets::payload),
    ("age", protocol_targets::age),
    ("age-passphrase", protocol_targets::age_passphrase),
    ("keys", protocol_targets::keys),
    ("agreement", protocol_targets::agreement),
    ("checkpoint", protocol_targets::checkpoint),
    ("courier-index", protocol_targets::courier_index),
    ("statement-lines", protocol_targets::lines),
    ("bundle", stix_targets::bundle),
    ("object", stix_targets::object),
    ("tree", stix_targets::tree),
    ("canonical", stix_targets::canonical),
    ("timestamp", stix_targets::timestamp),
    ("pattern", stix_targets::pattern),
    ("stix-lines", stix_targets::lines),
];

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn choose() {
    let name = std::env::var("DETENTE_FUZZ_TARGET").unwrap_or_default();
    if name == "seeds" {
        let folder = std::env::var("DETENTE_FUZZ_DIR").expect("DETENTE_FUZZ_DIR names a folder");
        for (name, _) in TARGETS {
            seeds::write(folder.as_ref(), name).expect("the seeds can be written");
            println!("{name}");
        }
        std::process::exit(0);
    }
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.expect("DETENTE_FUZZ_TARGET names a target");
    CHOSEN.set(*target).expect("chosen once");
}

fuzz_target!(
    init: choose(),
    |data: &[u8]| -> Corpus {
        CHOSEN.get().expect("chosen before the first input")(data);
        Corpus::Keep
    }
);
