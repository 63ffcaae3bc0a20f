//! Détente, a partner channel: the node. Doors, accounts, workers' loops, command line.
//!
//! Who asks, over which wire, as whom: that is decided here, and nothing else is. Handlers parse,
//! authorise, call one use case, encode.

pub mod api;
pub mod auth;
pub mod cli;
pub mod config;
pub mod console;
pub mod demo;
pub mod desk;
pub mod init;
pub mod keyring;
pub mod link;
pub mod listen;
pub mod metrics;
pub mod partner_door;
mod private;
pub mod problem;
pub mod register;
pub mod serve;
pub mod taxii;
pub mod tls;
mod window;
