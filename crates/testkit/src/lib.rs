//! Worlds for tests: fake clock, seeded randomness, an in-memory network, N nodes in one thread.

mod base;
pub mod history;
mod network;
mod world;

pub use base::{Base, POSTGRES};
pub use network::{Network, Weather};
pub use world::{Kept, Node, Worker, World, officer, seeded, tool};
