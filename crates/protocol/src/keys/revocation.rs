//! The note by which a node's root revokes an epoch of its keys.
//!
//! ```text
//! detente/revoke/v1
//! node aldermoor.example/channel
//! epoch 7
//! size 1234
//! time 2026-11-24T09:30:00.123Z
//!
//! — both signatures of the root
//! ```
//!
//! `size` is the last good position: entries of the node's ledger below it were made by its owner.
//!
//! *Source*: statement format, section 5, compromise.

use super::{Error, KeyStatement};
use crate::{
    note::Note,
    payload::number,
    terms::{NodeName, Timestamp},
};

const VERSION: &str = "detente/revoke/v1";

/// A revocation whose root signatures verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    node: NodeName,
    epoch: u32,
    size: u64,
}

pub(super) fn text(statement: &KeyStatement, size: u64, now: Timestamp) -> String {
    let (node, epoch) = (statement.node(), statement.epoch());
    format!("{VERSION}\nnode {node}\nepoch {epoch}\nsize {size}\ntime {now}\n")
}

impl Revocation {
    /// Reads a revocation and checks both signatures of the root of a key statement that is held.
    ///
    /// *Errors*: malformed, of another node, or not signed by the root.
    pub fn parse(bytes: &[u8], held: &KeyStatement) -> Result<Self, Error> {
        let note = Note::parse(bytes).map_err(|_| Error::Malformed("no signed note"))?;
        let found = fields(note.text()).ok_or(Error::Malformed("no revocation"))?;
        if found.node != held.node {
            return Err(Error::Succession("another node"));
        }
        for key in &held.root {
            note.verify(key).map_err(|_| Error::Signature("root"))?;
        }
        Ok(found)
    }

    /// The epoch that is revoked.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The last good size of the ledger.
    pub fn size(&self) -> u64 {
        self.size
    }
}

fn fields(text: &str) -> Option<Revocation> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next()? != VERSION {
        return None;
    }
    let mut field = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
    let node = field("node")?.parse().ok()?;
    let epoch = u32::try_from(number(field("epoch")?)?).ok()?;
    let size = number(field("size")?)? as u64;
    let _: Timestamp = field("time")?.parse().ok()?;
    lines.next().is_none().then_some(Revocation { node, epoch, size })
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::keys::NodeKeys;

    #[test]
    fn revocation_reads_back_and_only_the_root_makes_one() {
        let (time, mut rng) = (Timestamp::from_ms(1_000), ChaCha20Rng::from_seed([5; 32]));
        let mut keys = |name: &str| {
            NodeKeys::generate(&name.parse().unwrap(), &[], time, time, &mut rng).unwrap()
        };
        let (ours, other) = (keys("aldermoor.example"), keys("brevia.example"));
        let note = ours.revoke(17, time).unwrap();
        let read = Revocation::parse(&note, ours.statement()).unwrap();
        assert_eq!((read.epoch(), read.size()), (0, 17));
        assert!(Revocation::parse(&note, other.statement()).is_err());
        for at in (0..note.len()).step_by(5) {
            let mut altered = note.clone();
            altered[at] ^= 1;
            assert!(Revocation::parse(&altered, ours.statement()).is_err(), "{at}");
        }
        let by_sign = ours.sign_note(&text(ours.statement(), 17, time)).unwrap();
        assert_eq!(Revocation::parse(&by_sign, ours.statement()), Err(Error::Signature("root")));
    }
}
