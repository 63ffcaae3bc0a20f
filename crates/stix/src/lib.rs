//! STIX 2.1: objects that keep their exact bytes, a typed head, findings, markings.
//!
//! Whoever republishes an object with a change must give it a new id, so nothing here prints an
//! object again: [`split`] hands out slices of the received document, [`Head`] borrows from them,
//! [`check`] judges beside them. No I/O, no clock, nothing of any application's domain.
//!
//! ```
//! let bundle = br#"{"type":"bundle","id":"bundle--1","objects":[
//!   {"type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921","name":"lamp"}]}"#;
//! let objects = stix::split(bundle).unwrap();
//! let head = stix::Head::parse(objects[0]).unwrap();
//! assert_eq!(head.type_, "mutex");
//! ```

mod builder;
mod check;
mod confidence;
mod deterministic;
mod diff;
mod edit;
pub mod filter;
mod finding;
mod hash;
mod head;
mod id;
mod jcs;
mod lanes;
mod language;
pub mod lines;
pub mod markings;
pub mod model;
mod name;
pub mod parse;
pub mod pattern;
mod precision;
pub mod registry;
mod split;
mod time;
mod tlp;
pub mod tree;
pub mod types;
pub mod validate;
pub mod versioning;
pub mod view;

pub use builder::{Builder, Error as BuildError};
pub use check::{Checked, Marking, Refused, check};
pub use confidence::{Scale, UnknownScale};
pub use deterministic::{Error as IdError, deterministic_id};
pub use diff::{Change, Difference, diff, is_same_object};
pub use edit::{Edit, compact};
pub use finding::{Finding, FindingKind, Level, LineColumns, line_column};
pub use hash::HashAlgorithm;
pub use head::{Head, HeadError, Spec};
pub use id::{is_id, is_marking_id, is_type_name};
pub use jcs::{NotCanonical, canonicalize, changes_value, write as write_canonical};
pub use language::{Error as TranslationError, Translation, translate};
pub use precision::{Constraint, Precision, UnknownPrecision, format_timestamp};
pub use split::{SplitError, split};
pub use time::{compare_timestamps, is_timestamp, version_key};
pub use tlp::{Tlp, UnknownTlp};
pub use types::{Class, detect_version};
pub use validate::{Examined, Examiner, Options, Report, Sink, validate};
pub use versioning::{Error as VersionError, new_version, remove_custom, revoke};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Limits, each with bounded time and memory behind it.
pub mod limits {
    /// Bytes of a document.
    pub const DOCUMENT_LEN_MAX: usize = 64 * 1024 * 1024;
    /// Bytes of one object.
    pub const OBJECT_LEN_MAX: usize = 16 * 1024 * 1024;
    /// Nesting of an object, its own braces counted.
    pub const OBJECT_DEPTH_MAX: usize = 256;
    /// Nesting of a document.
    pub const DOCUMENT_DEPTH_MAX: usize = 1_000;
    /// Members of one list or object.
    pub const MEMBERS_MAX: usize = 100_000;
    /// Bytes of one string, as written.
    pub const STRING_LEN_MAX: usize = 8 * 1024 * 1024;
    /// Bytes of a pattern.
    pub const PATTERN_LEN_MAX: usize = 1024 * 1024;
    /// Digits of a number.
    pub const NUMBER_DIGITS_MAX: usize = 1_000;
    /// Bytes of an id that can be kept.
    pub const ID_LEN_MAX: usize = 300;
    /// Bytes of a type name.
    pub const TYPE_LEN_MAX: usize = 250;
}
