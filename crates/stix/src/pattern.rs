//! Patterns (section 9, conformance level 3): reading, printing, comparing, checking, matching.
//!
//! A pattern is read by a grammar without recursion into lists that borrow from its text
//! ([`parse()`]).
//! Objects and their validation are elsewhere; nothing here reads a clock or a file.
//!
//! ```
//! use stix::{Spec, pattern};
//! let text = "[file:size > 7] FOLLOWEDBY [url:value LIKE '%.example/%'] WITHIN 5 SECONDS";
//! assert!(pattern::parse(text, Spec::V21).is_ok());
//! let error = pattern::parse("[url:value = 'http://a.example/' AND ]", Spec::V21).unwrap_err();
//! assert_eq!((error.line, error.column, error.rule), (1, 38, "STIX-9.6-01"));
//! ```

mod check;
mod equivalence;
mod error;
mod explain;
mod inspect;
mod lexer;
mod literal;
mod matching;
mod parse;
mod print;
mod syntax;

pub use check::{CustomCheck, Finding, findings, has_brackets};
pub use equivalence::{Equivalence, EquivalenceError, equivalent};
pub use error::Error;
pub use explain::Explanation;
pub use inspect::{InspectedStep, Inspection};
pub use matching::{MatchError, Matcher, ObservationError, Observations};
pub use parse::parse;
pub use syntax::Pattern;

#[cfg(test)]
mod tests;
