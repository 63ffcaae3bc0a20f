//! Validation: every MUST and SHOULD of the standard that a program can check, with the place.
//!
//! [`validate`] walks a document (a bundle, a TAXII envelope, a list of objects, one object) and
//! hands each [`Finding`] to the caller in the order of the document, so that nothing grows with
//! the number of findings; [`Report`] counts them. One object's tree is held at a time; across
//! objects only a row each.
//!
//! ```
//! let text = br#"{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921"}"#;
//! let mut found = Vec::new();
//! let report = stix::validate(text, &stix::Options::default(), &mut |finding| found.push(finding.clone()));
//! assert!(!report.is_valid());
//! assert_eq!(found[0].pointer, "");
//! assert_eq!(found[0].property(), Some("name"));
//! ```

mod bundle;
mod checks;
mod custom;
mod document;
mod examine;
mod format;
mod judge;
mod markings;
mod object;
mod pattern;
mod remedy;
mod seen;
mod special;
mod v20;
mod value;

pub use checks::{CHECKS, Check, Checks, UnknownCheck};
pub use document::{Outcome, validate, validate_each};
pub use examine::{Examined, Examiner};

/// Loads a user's schemas from a folder, where the program that uses this crate can read one.
pub type LoadSchemas<'a> = &'a dyn Fn(&str) -> Result<Box<dyn Schemas>, String>;

use crate::{Finding, Level, Spec, tree::Value};

/// What is checked, and how strictly. The default is every MUST and every SHOULD check that runs
/// by default.
#[derive(Clone, Default)]
pub struct Options<'a> {
    /// The edition that objects without one of their own are checked by.
    pub version: Option<Spec>,
    /// Which SHOULD checks run.
    pub checks: Checks,
    /// Whether a warning counts as an error.
    pub strict: bool,
    /// Whether types that the standard does not define are a warning.
    pub strict_types: bool,
    /// Whether properties that the standard does not define are a warning.
    pub strict_properties: bool,
    /// Whether a relationship must find its ends in its bundle.
    pub enforce_refs: bool,
    /// Whether the rules of STIX 2.1 Interoperability are checked too.
    pub interop: bool,
    /// More rules of the user's, for example JSON schemas.
    pub schemas: Option<&'a dyn Schemas>,
}

/// Rules of the user's, by object type or extension id; the crate itself reads no files.
pub trait Schemas {
    /// What is wrong with an object by the schema of this name; nothing when there is none.
    fn violations(&self, name: &str, object: Value<'_>) -> Vec<Violation>;
}

/// A rule of the user's that an object breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer from the object.
    pub pointer: String,
    /// What is wrong.
    pub problem: String,
}

/// How a document fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Objects that were looked at, the bundle itself not counted.
    pub objects: usize,
    /// Violated MUSTs.
    pub errors: usize,
    /// Violated SHOULDs.
    pub warnings: usize,
    /// Neither.
    pub notes: usize,
    /// Findings beyond 1,000 an object: counted above, not handed out.
    pub uncounted: usize,
}

impl Report {
    /// A document is valid when it has no error.
    pub fn is_valid(&self) -> bool {
        self.errors == 0
    }

    pub(crate) fn count(&mut self, level: Level) {
        match level {
            Level::Error => self.errors += 1,
            Level::Warning => self.warnings += 1,
            Level::Note => self.notes += 1,
        }
    }
}

/// Findings of one object that are handed out.
pub const FINDINGS_PER_OBJECT_MAX: usize = 1_000;

/// Takes findings as they are made, in the order of the document: each is lent, and written over
/// by the next; who keeps it clones it.
pub type Sink<'s> = &'s mut dyn FnMut(&Finding);

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
