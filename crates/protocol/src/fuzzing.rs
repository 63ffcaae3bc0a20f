//! What fuzzing reaches behind the public face; this room is there only in a build for fuzzing.

use crate::payload::{Body, Item};

/// The items of a plaintext, and the plaintext that this version would write for them.
pub fn payload(plaintext: &[u8]) -> Option<(Vec<Item>, Vec<u8>)> {
    let body = Body::decode(plaintext).ok()?;
    let again = body.encode().ok()?;
    Some((body.items, again))
}
