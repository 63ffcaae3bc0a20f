//! The node from outside: its API as a document says it, its doors, its command line, its process.
//!
//! One binary: modules mirror the rooms of `node`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has failed"
)]

mod access;
mod api;
mod authorisation;
mod commands;
mod desk;
mod dirty;
mod disks;
mod doors;
mod faults;
mod people;
mod process;
mod seals;
mod taxii;
mod wire;
