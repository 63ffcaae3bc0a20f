//! `detente stix`: the library of STIX 2.1 at the command line. No node is asked.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use super::lines::{self, LineOptions};
use crate::desk;

/// What can be done with STIX objects.
#[derive(Subcommand)]
pub(super) enum StixCommand {
    /// One JSON request a line in, one JSON answer a line out, for programs in other languages.
    #[command(after_help = "Example:\n  echo '{\"id\":1,\"op\":\"confidence\",\"scale\":\"wep\",\
        \"value\":64}' | detente stix lines")]
    Lines(LineOptions),
}

/// Runs a command.
pub(super) fn run(command: StixCommand, _json: bool) -> Result<ExitCode> {
    match command {
        StixCommand::Lines(options) => {
            let now = || desk::now().to_string();
            lines::serve(&options, |line| stix::lines::answer(line, &now))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
