//! Key statements and a node's private keys.
//!
//! Roles never share a key: root, sign, ledger, seal, tls. A key statement is a signed note and a
//! ledger entry; each epoch names the digest of the one before and is signed by its keys.
//!
//! *Source*: statement format, section 5.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::{
    manifest,
    note::{self, KeyKind, Note, VerifierKey},
    seal::Recipient,
    terms::{Digest, NodeName, Timestamp, limits},
};

mod private;
mod revocation;

pub use private::{NodeKeys, SecretFile};
pub use revocation::Revocation;

const VERSION: &str = "detente/keys/v1";

/// Why a key statement or private key is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text does not follow the format.
    #[error("the key statement is malformed: {0}")]
    Malformed(&'static str),
    /// A signature that must stand there is missing or wrong.
    #[error("the key statement's signature by its {0} is missing or wrong")]
    Signature(&'static str),
    /// It does not follow the one before.
    #[error("the key statement does not follow the one held: {0}")]
    Succession(&'static str),
    /// A private key file is missing or damaged.
    #[error("private key `{0}` is missing or damaged")]
    Private(&'static str),
    /// A key could not be made or used.
    #[error("the key could not be made or used")]
    Crypto,
}

impl From<crate::seal::Error> for Error {
    fn from(_: crate::seal::Error) -> Self {
        Self::Crypto
    }
}

/// A key statement whose own signatures verify.
#[derive(Debug, Clone)]
pub struct KeyStatement {
    node: NodeName,
    epoch: u32,
    from: Timestamp,
    until: Timestamp,
    prev: Digest,
    root: [VerifierKey; 2],
    sign: [VerifierKey; 2],
    ledger: [VerifierKey; 2],
    seal: Vec<Recipient>,
    tls: Vec<Digest>,
    note: Vec<u8>,
}

impl KeyStatement {
    /// Reads a key statement and checks the signatures of its own root, sign and ledger keys.
    ///
    /// *Proof*: whoever holds these keys made it; whose they are, two people must compare.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let note = Note::parse(bytes).map_err(|_| Error::Malformed("no signed note"))?;
        let statement = fields(note.text(), bytes)?;
        let signers = [("root", &statement.root), ("sign keys", &statement.sign)];
        for (who, keys) in signers {
            for key in keys {
                note.verify(key).map_err(|_| Error::Signature(who))?;
            }
        }
        let [ledger, _] = &statement.ledger;
        note.verify(ledger).map_err(|_| Error::Signature("ledger key"))?;
        Ok(statement)
    }

    /// Checks that this statement follows `held`: next epoch, its digest, the same root, signed by
    /// its sign keys.
    pub fn check_successor(&self, held: &Self) -> Result<(), Error> {
        if self.node != held.node || self.epoch != held.epoch.saturating_add(1) {
            return Err(Error::Succession("another node, or not the next epoch"));
        }
        if self.prev != held.fingerprint() || self.root != held.root {
            return Err(Error::Succession("another predecessor, or another root"));
        }
        let note = Note::parse(&self.note).map_err(|_| Error::Malformed("no signed note"))?;
        for key in &held.sign {
            note.verify(key).map_err(|_| Error::Succession("not signed by the keys held"))?;
        }
        Ok(())
    }

    /// SHA-256 of the text: what two people compare.
    pub fn fingerprint(&self) -> Digest {
        let text = Note::parse(&self.note).map(|note| note.text().to_owned()).unwrap_or_default();
        Digest(Sha256::digest(text).into())
    }

    /// Whose keys.
    pub fn node(&self) -> &NodeName {
        &self.node
    }

    /// Which epoch.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// From when they hold.
    pub fn from(&self) -> Timestamp {
        self.from
    }

    /// Until when they are meant to hold.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// The keys that sign statements: Ed25519, ML-DSA-44.
    pub fn sign(&self) -> &[VerifierKey; 2] {
        &self.sign
    }

    /// The keys that sign checkpoints: Ed25519, and the cosigner's.
    pub fn ledger(&self) -> &[VerifierKey; 2] {
        &self.ledger
    }

    /// The keys to seal to, the present one first.
    pub fn seal(&self) -> &[Recipient] {
        &self.seal
    }

    /// The keys of its links: SHA-256 of each SubjectPublicKeyInfo.
    pub fn tls(&self) -> &[Digest] {
        &self.tls
    }

    /// The whole signed note.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// Checks that both sign keys signed a note.
    pub fn verify_note(&self, bytes: &[u8]) -> Result<(), note::Error> {
        let note = Note::parse(bytes)?;
        self.sign.iter().try_for_each(|key| note.verify(key))
    }
}

/// A digest as 16 groups of 4 hex digits, for two people to compare by voice.
pub fn spoken(fingerprint: &Digest) -> String {
    let hex = fingerprint.hex();
    let groups: Vec<_> = (0..16).filter_map(|place| hex.get(place * 4..place * 4 + 4)).collect();
    groups.join(" ")
}

/// A time in a key statement: seconds, with or without milliseconds.
fn time(text: &str) -> Option<Timestamp> {
    let with_ms = text.strip_suffix('Z').map(|whole| format!("{whole}.000Z"));
    text.parse().ok().or_else(|| with_ms?.parse().ok())
}

fn fields(text: &str, bytes: &[u8]) -> Result<KeyStatement, Error> {
    let malformed = || Error::Malformed("a line is missing, out of order or malformed");
    if bytes.len() > limits::NOTE_LEN_MAX || !text.is_ascii() {
        return Err(Error::Malformed("too large, or not ASCII"));
    }
    let mut lines = text.strip_suffix('\n').ok_or_else(malformed)?.split('\n').peekable();
    if lines.next() != Some(VERSION) {
        return Err(Error::Malformed("another version"));
    }
    let mut field = |key: &str| {
        let line = lines.next_if(|line| line.split(' ').next() == Some(key))?;
        line.split_once(' ').map(|(_, value)| value)
    };
    let node: NodeName = field("node").and_then(|t| t.parse().ok()).ok_or_else(malformed)?;
    let epoch_text = field("epoch").ok_or_else(malformed)?;
    let epoch: u32 = epoch_text.parse().map_err(|_| malformed())?;
    let from = field("from").and_then(time).ok_or_else(malformed)?;
    let until = field("until").and_then(time).ok_or_else(malformed)?;
    let prev = field("prev").and_then(manifest::digest).ok_or_else(malformed)?;
    let mut pair = |role: &str, name: String, kinds: [KeyKind; 2]| {
        let keys = [field(role), field(role)]
            .map(|text| VerifierKey::parse(text.ok_or_else(malformed)?).map_err(|_| malformed()));
        let [first, second] = keys;
        let keys = [first?, second?];
        let fits =
            keys.iter().zip(kinds).all(|(key, kind)| key.kind() == kind && key.name() == name);
        if fits { Ok(keys) } else { Err(Error::Malformed("a key of another name or kind")) }
    };
    let plain = [KeyKind::Ed25519, KeyKind::MlDsa44];
    let root = pair("root", format!("{node}/root"), plain)?;
    let sign = pair("sign", node.to_string(), plain)?;
    let ledger = pair("ledger", format!("{node}/ledger"), [KeyKind::Ed25519, KeyKind::Cosigner])?;
    let mut several = |role: &str| -> Vec<&str> { std::iter::from_fn(|| field(role)).collect() };
    let (seal, tls) = (several("seal"), several("tls"));
    let end = lines.next().is_none();
    let seal = seal.into_iter().map(Recipient::parse).collect::<Result<Vec<_>, _>>();
    let seal = seal.map_err(|_| Error::Malformed("a seal key is malformed"))?;
    let tls = tls.into_iter().map(manifest::digest).collect::<Option<Vec<_>>>();
    let tls = tls.ok_or(Error::Malformed("a link key is malformed"))?;
    if !end || seal.is_empty() || epoch.to_string() != epoch_text {
        return Err(malformed());
    }
    let note = bytes.to_vec();
    Ok(KeyStatement { node, epoch, from, until, prev, root, sign, ledger, seal, tls, note })
}

/// The text of a statement that is about to be signed.
struct Draft<'a> {
    node: &'a NodeName,
    epoch: u32,
    from: Timestamp,
    until: Timestamp,
    prev: Digest,
    root: &'a [VerifierKey; 2],
    sign: &'a [VerifierKey; 2],
    ledger: &'a [VerifierKey; 2],
    seal: Vec<Recipient>,
    tls: &'a [Digest],
}

impl Draft<'_> {
    fn text(&self) -> String {
        let mut text = format!(
            "{VERSION}\nnode {}\nepoch {}\nfrom {}\nuntil {}\nprev {}\n",
            self.node,
            self.epoch,
            self.from,
            self.until,
            self.prev.base64()
        );
        for (role, keys) in [("root", self.root), ("sign", self.sign), ("ledger", self.ledger)] {
            for key in keys {
                let _ = writeln!(text, "{role} {key}");
            }
        }
        for recipient in &self.seal {
            let _ = writeln!(text, "seal {recipient}");
        }
        for pin in self.tls {
            let _ = writeln!(text, "tls {}", pin.base64());
        }
        text
    }
}

#[cfg(test)]
mod tests;
