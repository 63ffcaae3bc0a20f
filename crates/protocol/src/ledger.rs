//! The ledger's checkpoint: origin, size, root, signed by the ledger's keys.
//!
//! *Source*: C2SP tlog-checkpoint, tlog-cosignature; statement format, section 6.1.

use crate::{
    keys::{KeyStatement, NodeKeys},
    manifest,
    note::Note,
    payload::number,
    terms::{Digest, NodeName, Timestamp},
};

/// Why a checkpoint is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a checkpoint of this ledger.
    #[error("the checkpoint is malformed, or of another ledger")]
    Malformed,
    /// A signature is missing or wrong.
    #[error("a signature of the checkpoint is missing or wrong")]
    Signature,
    /// It could not be signed.
    #[error("the checkpoint could not be signed")]
    Sign,
}

/// A ledger's state: how many entries, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries.
    pub size: u64,
    /// Root of their tree.
    pub root: Digest,
}

impl Checkpoint {
    fn text(&self, origin: &str) -> String {
        format!("{origin}\n{}\n{}\n", self.size, self.root.base64())
    }

    /// Signs it as the node's ledger does: Ed25519, and ML-DSA-44 as a cosignature of type 0x06.
    pub fn sign(&self, keys: &NodeKeys, now: Timestamp) -> Result<Vec<u8>, Error> {
        let origin = origin(keys.statement().node());
        let seconds = u64::try_from(now.as_ms() / 1_000).unwrap_or(0);
        let cosigned = self.cosigned(&origin, seconds);
        keys.sign_checkpoint(&self.text(&origin), &cosigned, seconds).map_err(|_| Error::Sign)
    }

    /// Reads a checkpoint and checks both signatures of the ledger.
    pub fn parse(bytes: &[u8], keys: &KeyStatement) -> Result<Self, Error> {
        let note = Note::parse(bytes).map_err(|_| Error::Malformed)?;
        let origin = origin(keys.node());
        let checkpoint = fields(note.text(), &origin).ok_or(Error::Malformed)?;
        let [ed25519, cosigner] = keys.ledger();
        note.verify(ed25519).map_err(|_| Error::Signature)?;
        let cosigned = note.of(cosigner).any(|stamped| {
            stamped.split_first_chunk::<8>().is_some_and(|(seconds, signature)| {
                let message = checkpoint.cosigned(&origin, u64::from_be_bytes(*seconds));
                cosigner.verifies(&message, signature)
            })
        });
        if cosigned { Ok(checkpoint) } else { Err(Error::Signature) }
    }

    /// The `cosigned_message` of tlog-cosignature; the ledger cosigns under its own name.
    fn cosigned(&self, origin: &str, seconds: u64) -> Vec<u8> {
        let name_len = u8::try_from(origin.len()).unwrap_or(u8::MAX);
        let mut message = b"subtree/v1\n\0".to_vec();
        message.push(name_len);
        message.extend_from_slice(origin.as_bytes());
        message.extend_from_slice(&seconds.to_be_bytes());
        message.push(name_len);
        message.extend_from_slice(origin.as_bytes());
        message.extend_from_slice(&0u64.to_be_bytes());
        message.extend_from_slice(&self.size.to_be_bytes());
        message.extend_from_slice(&self.root.0);
        message
    }
}

/// The origin, and key name, of a node's ledger.
fn origin(node: &NodeName) -> String {
    format!("{node}/ledger")
}

fn fields(text: &str, origin: &str) -> Option<Checkpoint> {
    let mut lines = text.lines();
    if lines.next()? != origin {
        return None;
    }
    let size = number(lines.next()?)? as u64;
    let root = manifest::digest(lines.next()?)?;
    Some(Checkpoint { size, root })
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn checkpoint_reads_back_and_an_altered_one_is_refused() {
        let name = "aldermoor.example/channel".parse().unwrap();
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let time = Timestamp::from_ms(1_000);
        let keys = NodeKeys::generate(&name, &[], time, time, &mut rng).unwrap();
        let checkpoint = Checkpoint { size: 17, root: Digest([9; 32]) };
        let note = checkpoint.sign(&keys, time).unwrap();
        assert_eq!(Checkpoint::parse(&note, keys.statement()), Ok(checkpoint));
        for at in (0..note.len()).step_by(7) {
            let mut other = note.clone();
            other[at] ^= 1;
            assert!(Checkpoint::parse(&other, keys.statement()).is_err(), "{at}");
        }
        let ed25519_only = note.split(|byte| *byte == b'\n').take(5).collect::<Vec<_>>();
        let ed25519_only = [ed25519_only.join(&b'\n'), b"\n".to_vec()].concat();
        assert_eq!(Checkpoint::parse(&ed25519_only, keys.statement()), Err(Error::Signature));
    }
}
