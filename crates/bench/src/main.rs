//! Figures of every part, each beside the bar of its issue: `cargo xtask bench NAME [--json]`.
//!
//! One module for each NAME; a module measures and writes rows into the [`figure::Report`]. The
//! exit status is 0 when every bar holds, 1 when one does not, 2 for a name that is none.

mod channel;
mod corpus;
mod figure;
mod nodes;
mod stix;
mod taxii;

use std::process::ExitCode;

use anyhow::Result;
use figure::Report;

/// A bench: its name, what it measures, and the measuring.
type Bench = (&'static str, &'static str, fn(&mut Report, &[String]) -> Result<()>);

const BENCHES: [Bench; 3] = [
    ("channel", "two nodes, end to end; --build adds a clean build", channel::run),
    ("stix", "objects split, checked, canonical; patterns; one core", stix::run),
    ("taxii", "the TAXII door over both stores; --full, --sqlite, --postgres", taxii::run),
];

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = take(&mut arguments, "--json");
    let name = if arguments.is_empty() { String::new() } else { arguments.remove(0) };
    let Some((_, _, run)) = BENCHES.iter().find(|(known, ..)| *known == name) else {
        eprintln!("usage: cargo xtask bench NAME [--json]\n");
        for (name, what, _) in BENCHES {
            eprintln!("  {name:<8} {what}");
        }
        return ExitCode::from(2);
    };
    let mut report = Report::new(&name, &arguments);
    let outcome = run(&mut report, &arguments);
    if json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    match outcome {
        Ok(()) if report.holds() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Takes a flag out of the arguments, and tells whether it stood there.
fn take(arguments: &mut Vec<String>, flag: &str) -> bool {
    let before = arguments.len();
    arguments.retain(|argument| argument != flag);
    arguments.len() < before
}
