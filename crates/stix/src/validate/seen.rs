//! Texts that were seen before, known by 64 bits each: a document of many objects stays small.
//!
//! The hashes are made with a key that no document can know (the standard library's, drawn when a
//! document begins), so none can be made to fall together; by chance two of a million texts do so
//! once in 37 million documents.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher, RandomState},
};

/// Makes the hashes of one document.
#[derive(Default)]
pub(super) struct Key(RandomState);

impl Key {
    pub(super) fn hash(&self, value: impl Hash) -> u64 {
        self.0.hash_one(value)
    }
}

/// The hash of a text that is mostly the one asked for before.
#[derive(Default)]
pub(super) struct Repeated {
    text: String,
    hash: Option<u64>,
}

impl Repeated {
    pub(super) fn hash(&mut self, key: &Key, text: &str) -> u64 {
        match self.hash {
            Some(hash) if self.text == text => hash,
            _ => {
                self.text.clear();
                self.text.push_str(text);
                *self.hash.insert(key.hash(text))
            }
        }
    }
}

/// What is known by a hash: it is not hashed again.
pub(super) type Table = HashMap<u64, u64, BuildHasherDefault<Hashed>>;

/// Hashes alone.
pub(super) type Set = HashSet<u64, BuildHasherDefault<Hashed>>;

/// Takes the one hash that it is given as it is.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
