//! Salted commitments: one item, the header, or one recipient can be opened without the rest.
//!
//! *Source*: statement format, section 2.2.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::terms::Digest;

/// Label of a header's commitment.
pub const HEADER: &str = "detente/header/v1";
/// Label of the items' commitment.
pub const ITEMS: &str = "detente/items/v1";
/// Label of one item's commitment.
pub const ITEM: &str = "detente/item/v1";
/// Label of a recipient's commitment.
pub const TO: &str = "detente/to/v1";

/// `SHA-256(label || 0x00 || salt || data)`, the data handed in as parts.
pub fn commit(label: &str, salt: &Digest, data: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(label.as_bytes());
    hash.update([0]);
    hash.update(salt.0);
    for part in data {
        hash.update(part);
    }
    Digest(hash.finalize().into())
}

/// The commitment to one item: its kind, a zero byte, its bytes.
pub fn commit_item(salt: &Digest, kind: &str, data: &[u8]) -> Digest {
    commit(ITEM, salt, &[kind.as_bytes(), &[0], data])
}

/// The commitment to all items: their count and the root of their tree.
pub fn commit_items(salt: &Digest, count: usize, root: &Digest) -> Digest {
    commit(ITEMS, salt, &[count.to_string().as_bytes(), b"\n", &root.0])
}

/// The seed of a statement, from which every salt follows. Opening shows single salts, never it.
#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the sealed payload and the store.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// `HMAC-SHA-256(seed, name)`.
    pub fn salt(&self, name: &str) -> Digest {
        // A key of 32 bytes is always accepted.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Digest::ZERO };
        mac.update(name.as_bytes());
        Digest(mac.finalize().into_bytes().into())
    }

    /// The salt of the item at `index`.
    pub fn item_salt(&self, index: usize) -> Digest {
        self.salt(&format!("item/{index}"))
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed")
    }
}
