//! The vocabulary of the channel and what can be proven with it: sign, seal, open, verify, decide,
//! ledger. Pure functions and state structs: no clock, no randomness of its own, no socket, no
//! file, no SQL, no async.

pub mod agreement;
pub mod terms;
