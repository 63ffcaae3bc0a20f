//! Published vectors, second implementations and a refusal for each check: what shows that the
//! cryptography is right, from outside the crate.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has failed"
)]

#[path = "vectors/differential.rs"]
mod differential;
#[path = "vectors/hpke.rs"]
mod hpke_suite;
#[path = "vectors/known_answers.rs"]
mod known_answers;
#[path = "vectors/merkle.rs"]
mod merkle;
#[path = "vectors/own.rs"]
mod own;
#[path = "vectors/refusals.rs"]
mod refusals;
#[path = "vectors/world.rs"]
mod world;
#[path = "vectors/wycheproof.rs"]
mod wycheproof_sets;
