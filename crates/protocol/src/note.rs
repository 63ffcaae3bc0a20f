//! C2SP signed notes: text, a blank line, signature lines.
//!
//! One small parser serves statements, key statements, checkpoints and courier indexes. Unknown
//! signatures are skipped, a known key's wrong signature makes the note invalid.
//!
//! *Source*: C2SP signed-note; statement format, section 4.

use std::fmt;

use aws_lc_rs::signature::{ED25519, ML_DSA_44, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::terms::limits;

/// Why a note or a verifier key is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes do not follow the format.
    #[error("the note is malformed")]
    Malformed,
    /// More bytes or signatures than the limits allow.
    #[error("the note is too large")]
    TooLarge,
    /// The verifier key does not follow the format, or its key id is not its own.
    #[error("the verifier key is malformed")]
    Key,
    /// A signature is missing or wrong.
    #[error("the {0} signature is missing or wrong")]
    Signature(KeyKind),
}

/// Which signature a key makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Ed25519, type 0x01.
    Ed25519,
    /// ML-DSA-44 over a note's text, type 0xff "detente/ml-dsa-44".
    MlDsa44,
    /// ML-DSA-44 cosignature of a checkpoint, type 0x06.
    Cosigner,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519",
            Self::MlDsa44 => "ML-DSA-44",
            Self::Cosigner => "ML-DSA-44 cosigner's",
        })
    }
}

const ML_DSA_TYPE: &[u8] = b"\xffdetente/ml-dsa-44";
const ED25519_KEY_LEN: usize = 32;
const ML_DSA_KEY_LEN: usize = 1_312;

impl KeyKind {
    fn type_bytes(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &[0x01],
            Self::MlDsa44 => ML_DSA_TYPE,
            Self::Cosigner => &[0x06],
        }
    }

    fn key_len(self) -> usize {
        match self {
            Self::Ed25519 => ED25519_KEY_LEN,
            Self::MlDsa44 | Self::Cosigner => ML_DSA_KEY_LEN,
        }
    }
}

/// A key that verifies, with the name under which it signs.
///
/// *Shape*: `<name>+<key id, 8 hex>+<base64 of type and key>`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    id: [u8; 4],
    key: Vec<u8>,
}

impl VerifierKey {
    /// A key of a kind under a name.
    pub fn new(name: &str, kind: KeyKind, key: &[u8]) -> Result<Self, Error> {
        let name_ok = !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace());
        if !name_ok || key.len() != kind.key_len() {
            return Err(Error::Key);
        }
        let mut hash = Sha256::new();
        hash.update(name.as_bytes());
        hash.update(b"\n");
        hash.update(kind.type_bytes());
        hash.update(key);
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
        Ok(Self { name: name.to_owned(), kind, id: [a, b, c, d], key: key.to_vec() })
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, rest) = text.split_once('+').ok_or(Error::Key)?;
        let (id, encoded) = rest.split_once('+').ok_or(Error::Key)?;
        let bytes = decode(encoded).ok_or(Error::Key)?;
        let kinds = [KeyKind::Ed25519, KeyKind::MlDsa44, KeyKind::Cosigner];
        let (kind, key) = kinds
            .into_iter()
            .find_map(|kind| {
                let key = bytes.strip_prefix(kind.type_bytes())?;
                (key.len() == kind.key_len()).then_some((kind, key))
            })
            .ok_or(Error::Key)?;
        let key = Self::new(name, kind, key)?;
        if hex::encode(key.id) == id { Ok(key) } else { Err(Error::Key) }
    }

    /// The name under which it signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which signature it makes.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The first bytes of its hash, which signature lines carry.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The raw public key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.kind {
            KeyKind::Ed25519 => {
                UnparsedPublicKey::new(&ED25519, &self.key).verify(message, signature).is_ok()
            }
            KeyKind::MlDsa44 | KeyKind::Cosigner => {
                UnparsedPublicKey::new(&ML_DSA_44, &self.key).verify(message, signature).is_ok()
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.kind.type_bytes().to_vec();
        bytes.extend_from_slice(&self.key);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.name, hex::encode(self.id))
    }
}

/// Canonical base64 only: decoding and encoding must give the same text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text).ok()?;
    (STANDARD.encode(&bytes) == text).then_some(bytes)
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line<'a> {
    name: &'a str,
    id: [u8; 4],
    signature: Vec<u8>,
}

/// A note that was read; no signature has been believed yet.
#[derive(Debug, Clone)]
pub struct Note<'a> {
    text: &'a str,
    lines: Vec<Line<'a>>,
}

impl<'a> Note<'a> {
    /// Splits text and signature lines.
    ///
    /// *Errors*: [`Error::Malformed`], [`Error::TooLarge`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > limits::NOTE_LEN_MAX {
            return Err(Error::TooLarge);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| Error::Malformed)?;
        if whole.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Error::Malformed);
        }
        let cut = whole.rfind("\n\n").ok_or(Error::Malformed)?;
        let text = whole.get(..=cut).ok_or(Error::Malformed)?;
        let signatures = whole.get(cut + 2..).ok_or(Error::Malformed)?;
        let signatures = signatures.strip_suffix('\n').ok_or(Error::Malformed)?;
        let lines = signatures.split('\n').map(line).collect::<Option<Vec<_>>>();
        let lines = lines.ok_or(Error::Malformed)?;
        if lines.len() > limits::NOTE_SIGNATURES_MAX {
            return Err(Error::TooLarge);
        }
        Ok(Self { text, lines })
    }

    /// The text, up to and with the line feed before the blank line.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Checks that `key` signed the text, and that none of its lines is wrong.
    pub fn verify(&self, key: &VerifierKey) -> Result<(), Error> {
        let mut signed = false;
        for line in self.of(key) {
            if !key.verifies(self.text.as_bytes(), line) {
                return Err(Error::Signature(key.kind()));
            }
            signed = true;
        }
        if signed { Ok(()) } else { Err(Error::Signature(key.kind())) }
    }

    /// The signatures of a key, as they stand.
    pub fn of(&self, key: &VerifierKey) -> impl Iterator<Item = &[u8]> {
        let (name, id) = (key.name().to_owned(), key.id());
        self.lines
            .iter()
            .filter(move |line| line.name == name && line.id == id)
            .map(|line| line.signature.as_slice())
    }
}

fn line(text: &str) -> Option<Line<'_>> {
    let (name, encoded) = text.strip_prefix("— ")?.split_once(' ')?;
    let bytes = decode(encoded)?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    let name_ok = !name.is_empty() && !name.contains('+');
    (name_ok && !signature.is_empty()).then(|| Line {
        name,
        id: *id,
        signature: signature.to_vec(),
    })
}

/// One signature line, with its line feed.
pub(crate) fn signature_line(key: &VerifierKey, signature: &[u8]) -> String {
    let mut bytes = key.id().to_vec();
    bytes.extend_from_slice(signature);
    format!("— {} {}\n", key.name(), STANDARD.encode(bytes))
}
