//! Terms to columns and back: one place that knows how a term is kept.

use std::str::FromStr;

use protocol::terms::{Digest, Precedence, Timestamp};

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
