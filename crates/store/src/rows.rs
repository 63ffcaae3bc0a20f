//! Terms to columns and back: one place that knows how a term is kept.

use std::str::FromStr;

use protocol::{
    findings::{self, FindingsChange, Found},
    terms::{Digest, Precedence, Timestamp},
};

use crate::{Error, tx::Row};

/// A column of text that reads as a term.
pub(crate) fn term<T: FromStr>(row: &Row<'_>, column: &str) -> Result<T, Error> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| Error::Corrupt("a term"))
}

/// A column of text that reads as a term, or is null.
pub(crate) fn term_opt<T: FromStr>(row: &Row<'_>, column: &str) -> Result<Option<T>, Error> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| Error::Corrupt("a term"))).transpose()
}

/// A column of milliseconds.
pub(crate) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_ms(row.get(column)?))
}

/// A column of milliseconds, or null.
pub(crate) fn time_opt(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, Error> {
    let ms: Option<i64> = row.get(column)?;
    Ok(ms.map(Timestamp::from_ms))
}

/// A column of 32 bytes.
pub(crate) fn digest(row: &Row<'_>, column: &str) -> Result<Digest, Error> {
    let bytes: Vec<u8> = row.get(column)?;
    Digest::from_slice(&bytes).map_err(|_| Error::Corrupt("a digest"))
}

/// Precedence is kept as its rank, so that order is urgency.
pub(crate) fn rank(precedence: Precedence) -> i64 {
    precedence as i64
}

/// The precedence of a rank.
pub(crate) fn precedence(row: &Row<'_>, column: &str) -> Result<Precedence, Error> {
    let rank: i64 = row.get(column)?;
    let found = usize::try_from(rank).ok().and_then(|rank| Precedence::ALL.get(rank));
    found.copied().ok_or(Error::Corrupt("a precedence"))
}

/// A TLP label is kept as its rank.
pub(crate) fn tlp(row: &Row<'_>, column: &str) -> Result<Option<stix::Tlp>, Error> {
    let rank: Option<u8> = row.get(column)?;
    Ok(rank.and_then(|rank| stix::Tlp::ALL.get(usize::from(rank)).copied()))
}

/// Communities are kept one a line.
pub(crate) fn communities<C: FromIterator<String>>(text: &str) -> C {
    text.lines().map(str::to_owned).collect()
}

/// The same for a column.
pub(crate) fn communities_column<'a>(communities: impl IntoIterator<Item = &'a String>) -> String {
    communities.into_iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// What was found in an object, as JSON or null.
pub(crate) fn found(row: &Row<'_>, column: &str) -> Result<Vec<Found>, Error> {
    let text: Option<String> = row.get(column)?;
    Ok(findings::kept(text.as_deref()))
}

/// The same for a column: null where nothing was found, so that a row stays small.
pub(crate) fn found_column(found: &[Found]) -> Option<String> {
    (!found.is_empty()).then(|| serde_json::to_string(found).unwrap_or_default())
}

/// The column `policy`: in what a policy differs from the node's own.
pub(crate) fn policy(row: &Row<'_>) -> Result<Option<FindingsChange>, Error> {
    let text: Option<String> = row.get("policy")?;
    let read = |text: String| serde_json::from_str(&text).map_err(|_| Error::Corrupt("a policy"));
    text.map(read).transpose()
}

/// The same for the column.
pub(crate) fn policy_column(policy: Option<&FindingsChange>) -> Option<String> {
    policy.and_then(|policy| serde_json::to_string(policy).ok())
}

/// A column with an enumeration whose variants are words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// The word, as it stands in rows and interfaces.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
        impl std::str::FromStr for $name {
            type Err = crate::Error;
            fn from_str(text: &str) -> Result<Self, crate::Error> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(crate::Error::Corrupt("a word")),
                }
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.serialize_str(self.word())
            }
        }
    };
}
pub(crate) use words;
