//! The vocabulary of the channel and what can be proven with it: sign, seal, open, verify, decide,
//! ledger. Pure functions and state structs: no clock, no randomness of its own, no socket, no
//! file, no SQL, no async.

pub mod agreement;
pub mod commitment;
pub mod comparison;
pub mod courier;
pub mod envelope;
pub mod findings;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod header;
pub mod keys;
pub mod ledger;
pub mod lines;
pub mod manifest;
pub mod merkle;
pub mod note;
pub mod payload;
pub mod seal;
pub mod secrets;
pub mod slip;
pub mod statement;
pub mod terms;
pub mod words;

mod refusal;
