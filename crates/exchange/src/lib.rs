//! The use cases of the channel: what happens next, and what must happen together.
//!
//! Each use case is a function over a [`Service`]; each worker is one bounded `step` that node or
//! a test world calls again and again. Time and randomness come in as parameters; the way to a
//! partner comes in as a [`relay::Link`]. No HTTP, no files, no loops that never end.

pub mod accord;
pub mod acknowledgement;
pub mod collections;
pub mod courier;
pub mod gaps;
pub mod intake;
pub mod keys;
pub mod oversight;
pub mod partner;
pub mod preview;
pub mod quarantine;
pub mod recall;
pub mod relay;
pub mod release;
pub mod rights;
pub mod submit;
pub mod sweep;
pub mod waiting;

mod examine;
mod message;
mod service;

pub use examine::{contradictions, explain};
pub use service::{Failure, Policies, Service, Step};
