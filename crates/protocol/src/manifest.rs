//! The manifest: what anyone who holds the ledger may read of a statement.
//!
//! *Source*: statement format, section 2.1.

use sha2::{Digest as _, Sha256};

use crate::{
    note::{self, Note, VerifierKey, decode},
    refusal::{Refusal, RefusalCode},
    terms::{Digest, NodeName, StatementId, Timestamp, limits},
};

const VERSION: &str = "detente/statement/v1";

/// A manifest's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Who sends.
    pub from: NodeName,
    /// When it was signed.
    pub time: Timestamp,
    /// The sender's key epoch.
    pub keys: u32,
    /// Digest of the sealed payload.
    pub payload: Digest,
    /// Bytes of the sealed payload.
    pub payload_len: u64,
    /// Commitment to the header.
    pub header: Digest,
    /// Commitment to the items.
    pub items: Digest,
    /// Root over the recipients' commitments.
    pub to: Digest,
    /// Entries of the recipients' tree, padding counted.
    pub to_count: u64,
}

impl Manifest {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!(
            "{VERSION}\nfrom {}\ntime {}\nkeys {}\npayload {} {}\nheader {}\nitems {}\nto {} {}\n",
            self.from,
            self.time,
            self.keys,
            self.payload.base64(),
            self.payload_len,
            self.header.base64(),
            self.items.base64(),
            self.to.base64(),
            self.to_count
        )
    }

    /// Reads a signed manifest without believing it.
    ///
    /// *Errors*: `too-large`, `manifest-malformed`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        read(bytes).map(|(manifest, _)| manifest)
    }
}

/// The id of the statement whose manifest has this text.
pub fn id_of(text: &str) -> StatementId {
    StatementId(Digest(Sha256::digest(text).into()))
}

/// Reads fields and note together.
pub(crate) fn read(bytes: &[u8]) -> Result<(Manifest, Note<'_>), Refusal> {
    let malformed = |detail| RefusalCode::ManifestMalformed.because(detail);
    if bytes.len() > limits::MANIFEST_LEN_MAX {
        return Err(RefusalCode::TooLarge.because("the manifest exceeds 6 KiB"));
    }
    let note = Note::parse(bytes).map_err(|error| match error {
        note::Error::TooLarge => RefusalCode::TooLarge.because("the manifest is too large"),
        _ => malformed("no signed note"),
    })?;
    let text = note.text();
    if !text.is_ascii() || text.lines().any(|line| line.len() > limits::LINE_LEN_MAX) {
        return Err(malformed("a line is too long or not ASCII"));
    }
    let manifest = fields(text).ok_or(malformed("a field is missing, doubled or malformed"))?;
    // One text for one statement: what does not print as it was read is refused.
    if manifest.text() != text {
        return Err(malformed("a field is not in its one spelling"));
    }
    Ok((manifest, note))
}

fn fields(text: &str) -> Option<Manifest> {
    let mut lines = text.split('\n');
    if lines.next()? != VERSION {
        return None;
    }
    let mut field = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
    let from = field("from")?.parse().ok()?;
    let time = field("time")?.parse().ok()?;
    let keys = field("keys")?.parse().ok()?;
    let (payload, payload_len) = digest_and_number(field("payload")?)?;
    let header = digest(field("header")?)?;
    let items = digest(field("items")?)?;
    let (to, to_count) = digest_and_number(field("to")?)?;
    let end = lines.next()?.is_empty() && lines.next().is_none();
    end.then_some(Manifest { from, time, keys, payload, payload_len, header, items, to, to_count })
}

/// Base64 of 32 bytes, in its one spelling.
pub(crate) fn digest(text: &str) -> Option<Digest> {
    Digest::from_slice(&decode(text)?).ok()
}

fn digest_and_number(text: &str) -> Option<(Digest, u64)> {
    let (left, right) = text.split_once(' ')?;
    Some((digest(left)?, right.parse().ok()?))
}

/// Checks both signatures.
pub(crate) fn check_signatures(
    note: &Note<'_>,
    [ed25519, ml_dsa]: &[VerifierKey; 2],
) -> Result<(), Refusal> {
    note.verify(ed25519).map_err(|_| RefusalCode::SignatureEd25519.because("missing or wrong"))?;
    note.verify(ml_dsa).map_err(|_| RefusalCode::SignatureMlDsa.because("missing or wrong"))
}
