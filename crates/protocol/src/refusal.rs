//! Why an envelope is refused: one code for each check, in the order of the checks.

/// The code of a refusal.
///
/// *Source*: statement format, section 2.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// The envelope's framing.
    EnvelopeMalformed,
    /// A limit.
    TooLarge,
    /// The manifest's grammar.
    ManifestMalformed,
    /// No such partner.
    SenderUnknown,
    /// No key statement of that epoch.
    KeysUnknown,
    /// Keys revoked at that position.
    KeysRevoked,
    /// The Ed25519 signature.
    SignatureEd25519,
    /// The ML-DSA-44 signature.
    SignatureMlDsa,
    /// The payload is another than the manifest says.
    PayloadAltered,
    /// The slip does not lead to this node.
    NotAddressed,
    /// No such agreement in force.
    AgreementUnknown,
    /// None of our seal keys opens it.
    NotSealedToMe,
    /// The payload's framing.
    PayloadMalformed,
    /// The header is another than was committed to.
    CommitmentHeader,
    /// The items are others than were committed to.
    CommitmentItems,
    /// The header contradicts manifest or slip, or is no header.
    HeaderMismatch,
    /// A statement type that this version does not speak.
    TypeUnknown,
}

impl RefusalCode {
    /// The code as text.
    pub fn code(self) -> &'static str {
        match self {
            Self::EnvelopeMalformed => "envelope-malformed",
            Self::TooLarge => "too-large",
            Self::ManifestMalformed => "manifest-malformed",
            Self::SenderUnknown => "sender-unknown",
            Self::KeysUnknown => "keys-unknown",
            Self::KeysRevoked => "keys-revoked",
            Self::SignatureEd25519 => "signature-ed25519",
            Self::SignatureMlDsa => "signature-ml-dsa",
            Self::PayloadAltered => "payload-altered",
            Self::NotAddressed => "not-addressed",
            Self::AgreementUnknown => "agreement-unknown",
            Self::NotSealedToMe => "not-sealed-to-me",
            Self::PayloadMalformed => "payload-malformed",
            Self::CommitmentHeader => "commitment-header",
            Self::CommitmentItems => "commitment-items",
            Self::HeaderMismatch => "header-mismatch",
            Self::TypeUnknown => "type-unknown",
        }
    }

    pub(crate) fn because(self, detail: &'static str) -> Refusal {
        Refusal { code: self, detail }
    }
}

/// A refusal with what we say about it: never what the sender wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", code.code())]
pub struct Refusal {
    /// The code.
    pub code: RefusalCode,
    /// What is wrong.
    pub detail: &'static str,
}
