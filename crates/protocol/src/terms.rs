//! The glossary as types: names, ids, times, kinds, states and limits, one word each.
//!
//! Everything else in the workspace speaks in these. No behaviour lives here beyond parsing,
//! printing and ordering. Source of the words: the domain's glossary; of the formats: statement
//! format, section 2.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a term could not be read. The text that was refused is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not `[a-z0-9.-]+(/[a-z0-9.-]+)*`, or longer than [`limits::NODE_NAME_LEN_MAX`].
    #[error("not a name: lower-case letters, digits, dots and hyphens, parts joined by a slash")]
    NodeName,
    /// Not 64 lower-case hex digits.
    #[error("not an id: 64 lower-case hexadecimal digits are expected")]
    Digest,
    /// Not `YYYY-MM-DDThh:mm:ss.mmmZ`.
    #[error("not a time: `YYYY-MM-DDThh:mm:ss.mmmZ` is expected")]
    Timestamp,
    /// Not a word of the list.
    #[error("not one of: {0}")]
    Word(&'static str),
    /// Not `[a-z0-9-]{1,64}`.
    #[error("not a topic: 1 to 64 lower-case letters, digits and hyphens")]
    Topic,
}

/// A node's name, such as `aldermoor.example/channel`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

impl NodeName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first label of the name with a capital: how the console calls a partner.
    pub fn short(&self) -> String {
        let label: String = self.0.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let mut letters = label.chars();
        letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect()
    }
}

impl FromStr for NodeName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let part_ok = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
        };
        if text.len() <= limits::NODE_NAME_LEN_MAX && text.split('/').all(part_ok) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::NodeName)
        }
    }
}

/// SHA-256 of something named by the field that holds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// 32 zero bytes: "none yet", "founding".
    pub const ZERO: Self = Self([0; 32]);

    /// Lower-case hex, for what people see.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Standard base64 with padding, for what machines read.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// From lower-case hex only: upper case would be a second spelling of one id.
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(Error::Digest);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| Error::Digest)?;
        Ok(Self(bytes))
    }

    /// From bytes of any slice of the right length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::Digest)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex())
    }
}

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Digest);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0.hex())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0.hex())
            }
        }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                Digest::from_hex(text).map(Self)
            }
        }
        text_serde!($name);
    };
}

/// Serialize as the text of `Display`, deserialize through `FromStr`.
macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                String::deserialize(input)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_serde!(NodeName);

digest_id!(
    /// Identity of a statement: SHA-256 of its manifest's text (2.1).
    StatementId
);
digest_id!(
    /// Identity of an agreement: SHA-256 of its bytes; zeros stand for the founding rules.
    AgreementId
);

impl AgreementId {
    /// The built-in rules under which key statements and the first agreement travel (2.7).
    pub const FOUNDING: Self = Self(Digest::ZERO);
}

/// An instant in UTC to the millisecond.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z, held within the years 0000 to 9999.
    pub fn from_ms(ms: i64) -> Self {
        Self(ms.clamp(-62_167_219_200_000, 253_402_207_200_000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_ms(self) -> i64 {
        self.0
    }

    /// This instant and `ms` milliseconds (or before, when negative).
    pub fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant, zero when it lies ahead.
    pub fn since_ms(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => Err(fmt::Error),
        }
    }
}
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Timestamp {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| Error::Timestamp)?;
        let parsed = Self(instant.as_millisecond());
        // One spelling only: what does not print as it was read is refused.
        if parsed.to_string() == text { Ok(parsed) } else { Err(Error::Timestamp) }
    }
}
text_serde!(Timestamp);

/// A compartment of an agreement, such as `counter-terrorism`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(String);

impl Topic {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl FromStr for Topic {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let ok = (1..=64).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if ok { Ok(Self(text.to_owned())) } else { Err(Error::Topic) }
    }
}
text_serde!(Topic);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as it stands in headers, rows and interfaces.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(Error::Word(concat!($($word, " "),+))),
                }
            }
        }
        text_serde!($name);
    };
}

words!(
    /// Speed of service, and only that: never importance. Loudest first, so that order is urgency.
    Precedence {
        /// At once, interrupts everything; acknowledged by a person within 10 minutes.
        Flash = "FLASH",
        /// Within 30 minutes.
        Immediate = "IMMEDIATE",
        /// Within 3 hours.
        Priority = "PRIORITY",
        /// Within 6 hours.
        Routine = "ROUTINE",
    }
);

words!(
    /// Whether a statement is meant; the three never mix.
    Status {
        /// It happened.
        Actual = "actual",
        /// Part of an exercise.
        Exercise = "exercise",
        /// A technical test.
        Test = "test",
    }
);

words!(
    /// The statement types that this version speaks; any other is refused as `type-unknown`.
    StatementType {
        /// A key statement of the sender (founding).
        Keys = "keys",
        /// The sender's signature under an agreement's text (founding).
        Agreement = "agreement",
        /// Objects handed over.
        Release = "release",
        /// What became of statements that were received.
        Receipt = "receipt",
        /// Stop use and delete.
        Recall = "recall",
        /// What was done about a recall.
        RecallAnswer = "recall-answer",
        /// A person there has seen a release.
        Acknowledgement = "acknowledgement",
    }
);

words!(
    /// What an account may do. Rights add up; nobody has all four by default.
    Role {
        /// Sets up the node, partners and accounts. Reads no content.
        Administrator = "administrator",
        /// Writes items and drafts.
        Drafter = "drafter",
        /// Confirms precedence and releases what another drafted.
        Releaser = "releaser",
        /// Reads collections.
        Reader = "reader",
    }
);

words!(
    /// Which way a topic flows, seen from the agreement's first party.
    Direction {
        /// From the first party to the second.
        FirstToSecond = "first-to-second",
        /// From the second party to the first.
        SecondToFirst = "second-to-first",
        /// Both ways.
        Both = "both",
    }
);

words!(
    /// How a party stands to an agreement that was once in force.
    PartyStanding {
        /// Releases flow.
        InForce = "in-force",
        /// Releases stop; receipts, recalls and their answers go on.
        Suspended = "suspended",
        /// Releases stop for good; duties for what was received stay.
        Ended = "ended",
    }
);

words!(
    /// What became of a statement at its recipient (2.7), best first.
    Outcome {
        /// Taken in, nothing found.
        TakenIn = "taken-in",
        /// Taken in; findings stand beside items.
        TakenInWithFindings = "taken-in-with-findings",
        /// Kept apart until a person decides.
        Quarantined = "quarantined",
        /// Refused, with a code.
        Refused = "refused",
    }
);

words!(
    /// What becomes of an object in which something was found; the later ones are the graver.
    Treatment {
        /// It is taken, and nothing is said.
        Accept = "accept",
        /// It is taken, with its findings beside it.
        AcceptWithFindings = "accept-with-findings",
        /// It stands apart, in no collection, until a person decides.
        Quarantine = "quarantine",
        /// It is not taken; whoever brought it is told the rule and the place.
        Refuse = "refuse",
    }
);

words!(
    /// Why something is recalled.
    RecallReason {
        /// Factually wrong.
        Wrong = "wrong",
        /// Unlawfully held or passed.
        Unlawful = "unlawful",
        /// A consent it rested on was withdrawn.
        ConsentWithdrawn = "consent-withdrawn",
        /// A source is in danger; answered first.
        SourceDanger = "source-danger",
        /// Went to the wrong recipient.
        Misdirected = "misdirected",
    }
);

words!(
    /// The answer to a recall.
    RecallAnswer {
        /// Nothing of it is left.
        DeletedEverywhere = "deleted-everywhere",
        /// Deleted but for copies that are listed with their reason.
        DeletedExcept = "deleted-except",
        /// The recalled release has not arrived; it will not be served when it does.
        NotHeld = "not-held",
    }
);

/// Limits on everything, each with its reason.
pub mod limits {
    /// Bytes of a node name: fits any line of a manifest with room to spare.
    pub const NODE_NAME_LEN_MAX: usize = 200;
    /// Bytes of a manifest: 2.1.
    pub const MANIFEST_LEN_MAX: usize = 6 * 1024;
    /// Bytes of a line of a manifest or slip: 2.1.
    pub const LINE_LEN_MAX: usize = 1_000;
    /// Bytes of a slip: 16 proof lines and a head.
    pub const SLIP_LEN_MAX: usize = 4 * 1024;
    /// Decoded bytes of a payload body: a bulk release of 10,000 objects fits.
    pub const PAYLOAD_LEN_MAX: usize = 72 * 1024 * 1024;
    /// Bytes of a whole envelope on the wire: a payload that does not compress, and its seal.
    pub const ENVELOPE_LEN_MAX: usize = 80 * 1024 * 1024;
    /// Items of one statement: a bulk release is cut into several beyond it.
    pub const ITEMS_MAX: usize = 100_000;
    /// Bytes of one item.
    pub const ITEM_LEN_MAX: usize = 16 * 1024 * 1024;
    /// Bytes of an age header: 1,024 stanzas.
    pub const SEAL_HEADER_LEN_MAX: usize = 2 * 1024 * 1024;
    /// Recipients of one statement.
    pub const RECIPIENTS_MAX: usize = 1_000;
    /// Statements that one receipt may answer: 2.7.
    pub const RECEIPT_STATEMENTS_MAX: usize = 1_000;
    /// Bytes of a header: a receipt of 1,000 statements fits.
    pub const HEADER_LEN_MAX: usize = 1024 * 1024;
    /// Bytes of an agreement's text.
    pub const AGREEMENT_LEN_MAX: usize = 256 * 1024;
    /// Bytes of a signed note: C2SP signed-note.
    pub const NOTE_LEN_MAX: usize = 64 * 1024;
    /// Signatures of a note: C2SP signed-note.
    pub const NOTE_SIGNATURES_MAX: usize = 100;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_prints_24_characters_and_reads_back() {
        let text = "2026-11-24T09:30:00.123Z";
        let time: Timestamp = text.parse().unwrap();
        assert_eq!(time.to_string(), text);
        assert_eq!(Timestamp::from_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn timestamp_beyond_what_can_be_written_is_held_at_the_ends() {
        assert_eq!(Timestamp::from_ms(i64::MAX).to_string(), "9999-12-30T22:00:00.000Z");
        assert_eq!(Timestamp::from_ms(0).plus_ms(i64::MAX), Timestamp::from_ms(i64::MAX));
        assert_eq!(Timestamp::from_ms(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn timestamp_in_another_spelling_is_refused() {
        for text in
            ["2026-11-24T09:30:00Z", "2026-11-24 09:30:00.123Z", "2026-11-24T09:30:00.123+00:00"]
        {
            assert_eq!(text.parse::<Timestamp>(), Err(Error::Timestamp), "{text}");
        }
    }

    #[test]
    fn node_name_follows_the_grammar() {
        assert!("aldermoor.example/channel".parse::<NodeName>().is_ok());
        for text in ["", "A.example", "a//b", "/a", "a b", "a/"] {
            assert_eq!(text.parse::<NodeName>(), Err(Error::NodeName), "{text}");
        }
    }

    #[test]
    fn precedence_orders_loudest_first() {
        assert!(Precedence::Flash < Precedence::Routine);
    }
}
