//! How a command ends: what went wrong in one line, and an exit status by kind of failure.

use std::{fmt, process::ExitCode};

use serde_json::json;

/// What `detente help exit-codes` prints.
pub(super) const HELP: &str = "\
Exit status, by kind of failure. Every failure is one line on standard error: what is wrong, and
what can be done. With --json it is one JSON object with `rule`, `title`, `remedy` and `exit`.

   0  done
   1  the answer is no: ledgers contradict, a step of the demo did not hold, findings
   2  usage: the command line itself is wrong
   3  refused by a rule; its id is named
   4  what was named is not there
   5  malformed: a file or value that was handed in
   6  not allowed: no account, a wrong token, a role that is missing
   7  the node does not answer, or asks for patience; trying again helps
   8  this machine: a file, a port, a passphrase, a disk, a database
   9  a failure of the program itself; the node's log says more
";

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A rule forbids it.
    Refused,
    /// It is not there.
    NotFound,
    /// What was handed in is malformed.
    Malformed,
    /// Nobody that may.
    NotAllowed,
    /// The node does not answer.
    Unreachable,
    /// A file, a port, a passphrase of this machine.
    Machine,
    /// Ours.
    Failed,
}

impl Kind {
    /// The exit status.
    fn status(self) -> u8 {
        match self {
            Self::Refused => 3,
            Self::NotFound => 4,
            Self::Malformed => 5,
            Self::NotAllowed => 6,
            Self::Unreachable => 7,
            Self::Machine => 8,
            Self::Failed => 9,
        }
    }

    /// The kind of an answer of the desk.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::NotAllowed,
            404 => Self::NotFound,
            409 | 422 => Self::Refused,
            429 | 502..=504 => Self::Unreachable,
            400..=499 => Self::Malformed,
            _ => Self::Failed,
        }
    }
}

/// A failure whose kind is known.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: Kind,
    rule: String,
    title: String,
    remedy: String,
}

impl Fault {
    /// A failure with its remedy.
    pub(crate) fn new(
        kind: Kind,
        rule: impl Into<String>,
        title: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { kind, rule: rule.into(), title: title.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.rule.is_empty() {
            write!(f, "{}: ", self.rule)?;
        }
        write!(f, "{}; {}", self.title, self.remedy)
    }
}

impl std::error::Error for Fault {}

/// Prints a failure and gives its exit status.
pub(super) fn report(error: &anyhow::Error, as_json: bool) -> ExitCode {
    let fault = error.chain().find_map(|cause| cause.downcast_ref::<Fault>());
    // What no fault describes is a file, a port or a database of this machine.
    let kind = fault.map_or(Kind::Machine, |fault| fault.kind);
    let line = one_line(&format!("{error:#}"));
    if as_json {
        let (rule, title, remedy) = fault.map_or(
            ("CLI-10", line.as_str(), "see to the file, port, disk or database that is named"),
            |fault| (&fault.rule, &fault.title, &fault.remedy),
        );
        let body = json!({ "rule": rule, "title": title, "remedy": remedy, "exit": kind.status() });
        eprintln!("{body}");
    } else {
        eprintln!("detente: {line}");
    }
    ExitCode::from(kind.status())
}

/// One line, without control characters: what a partner wrote may be quoted in it.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(char::is_control, "")
}
