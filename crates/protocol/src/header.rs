//! The header: what recipients and overseers read of a statement. Never content.
//!
//! Printed once by its sender, then hashed and kept as bytes, never printed again.
//!
//! *Source*: statement format, section 2.5.

use serde::{Deserialize, Serialize};

use crate::terms::{AgreementId, Digest, NodeName, Precedence, StatementId, Status, Topic};

/// A header's fields. Unknown fields of a newer sender are tolerated and kept in the bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The sender, as in the manifest.
    pub from: NodeName,
    /// The statement type's word; one that is not known is refused as `type-unknown`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is meant.
    pub status: Status,
    /// Under which agreement, as in the slip.
    pub agreement: AgreementId,
    /// Under which topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// How fast.
    #[serde(default = "routine")]
    pub precedence: Precedence,
    /// Who is to have it.
    pub to: To,
    /// What it answers, recalls or corrects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub re: Vec<StatementId>,
    /// How many items.
    #[serde(default)]
    pub items: Items,
    /// Which rules permitted it.
    #[serde(default)]
    pub policy: Policy,
    /// Pseudonym of the officer who drafted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Pseudonym of the officer who released it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_by: Option<String>,
    /// The last checkpoint of the recipient's ledger that the sender holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// Parameters of the statement type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
}

/// Recipients by name, or blind to one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum To {
    /// By name.
    Names(Vec<NodeName>),
    /// `"blind"`.
    Blind(Blind),
}

/// The one word `blind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blind {
    /// Recipients do not see one another.
    #[serde(rename = "blind")]
    Blind,
}

impl To {
    /// Whether `me` is among the recipients, as far as the header tells.
    pub fn includes(&self, me: &NodeName) -> bool {
        match self {
            Self::Names(names) => names.contains(me),
            Self::Blind(_) => true,
        }
    }
}

/// What the header tells of the items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items {
    /// How many.
    #[serde(default)]
    pub count: usize,
}

/// Which rules permitted the statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// SHA-256 of the rendered rules, lower-case hex.
    #[serde(default)]
    pub digest: String,
    /// The articles.
    #[serde(default)]
    pub rules: Vec<String>,
}

impl Policy {
    /// Of a digest and the articles.
    pub fn new(digest: Digest, rules: &[String]) -> Self {
        Self { digest: digest.hex(), rules: rules.to_vec() }
    }
}

fn routine() -> Precedence {
    Precedence::Routine
}
