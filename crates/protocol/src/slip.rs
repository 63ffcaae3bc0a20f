//! The slip: how one recipient finds itself addressed without seeing the others.
//!
//! *Source*: statement format, section 2.3.

use rand_core::CryptoRng;

use crate::{
    commitment::{TO, commit},
    manifest, merkle,
    refusal::{Refusal, RefusalCode},
    terms::{AgreementId, Digest, NodeName, limits},
};

const VERSION: &str = "detente/slip/v1";
/// Sizes to which the tree of recipients is padded.
const PADDED: [usize; 2] = [1, 8];
/// Entries of the largest tree of recipients.
const ENTRIES_MAX: u64 = 65_536;

/// One recipient's place in the pair's numbering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The recipient.
    pub to: NodeName,
    /// Under which agreement the number counts.
    pub agreement: AgreementId,
    /// The number of this statement for the pair.
    pub number: u64,
    /// The id of the statement with the number before, zeros for the first.
    pub prev: Digest,
}

/// A slip's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Where it goes.
    pub address: Address,
    /// The salt of this recipient's commitment.
    pub salt: Digest,
    /// Place in the tree.
    pub index: u64,
    /// From the entry to the root.
    pub proof: Vec<Digest>,
}

fn entry(address: &Address, salt: &Digest) -> Digest {
    let text = format!(
        "{}\n{}\n{}\n{}",
        address.to,
        address.agreement,
        address.number,
        address.prev.hex()
    );
    commit(TO, salt, &[text.as_bytes()])
}

impl Slip {
    /// The text; a slip is not signed, the manifest commits to it.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{VERSION}\nto {}\nagreement {}\nnumber {}\nprev {}\nsalt {}\nindex {}\n",
            self.address.to,
            self.address.agreement,
            self.address.number,
            self.address.prev.hex(),
            self.salt.base64(),
            self.index
        );
        for hash in &self.proof {
            text.push_str(&format!("proof {}\n", hash.base64()));
        }
        text
    }

    /// Reads a slip.
    ///
    /// *Errors*: `not-addressed` when the text is malformed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = RefusalCode::NotAddressed.because("the slip is malformed");
        if bytes.len() > limits::SLIP_LEN_MAX {
            return Err(RefusalCode::TooLarge.because("the slip exceeds 4 KiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed)?;
        let slip = fields(text).ok_or(malformed)?;
        if slip.text() == text { Ok(slip) } else { Err(malformed) }
    }

    /// Checks that the path leads from this recipient to the manifest's root.
    pub(crate) fn check(&self, root: &Digest, count: u64) -> Result<(), Refusal> {
        let wrong = RefusalCode::NotAddressed.because("the path does not lead to the root");
        if count > ENTRIES_MAX {
            return Err(wrong);
        }
        let leaf = merkle::leaf_hash(&entry(&self.address, &self.salt).0);
        match merkle::root_of_inclusion(leaf, self.index, count, &self.proof) {
            Some(found) if found == *root => Ok(()),
            _ => Err(wrong),
        }
    }
}

fn fields(text: &str) -> Option<Slip> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next()? != VERSION {
        return None;
    }
    let mut field = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
    let to = field("to")?.parse().ok()?;
    let agreement = field("agreement")?.parse().ok()?;
    let number = field("number")?.parse().ok()?;
    let prev = Digest::from_hex(field("prev")?).ok()?;
    let salt = manifest::digest(field("salt")?)?;
    let index = field("index")?.parse().ok()?;
    let proof = lines
        .map(|line| manifest::digest(line.strip_prefix("proof ")?))
        .collect::<Option<Vec<_>>>()?;
    Some(Slip { address: Address { to, agreement, number, prev }, salt, index, proof })
}

/// The recipients' tree: root, padded count, and a slip for each address in the order given.
pub(crate) fn address<R: CryptoRng>(
    addresses: &[Address],
    rng: &mut R,
) -> (Digest, u64, Vec<Slip>) {
    let random = |rng: &mut R| {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Digest(bytes)
    };
    let count = padded(addresses.len());
    let places = shuffled(count, rng);
    let mut entries: Vec<Digest> = (0..count).map(|_| random(rng)).collect();
    let mut salted = Vec::with_capacity(addresses.len());
    for (address, place) in addresses.iter().zip(&places) {
        let salt = random(rng);
        if let Some(slot) = entries.get_mut(*place) {
            *slot = entry(address, &salt);
        }
        salted.push((address, salt, *place));
    }
    let leaves: Vec<_> = entries.iter().map(|entry| merkle::leaf_hash(&entry.0)).collect();
    let slips = salted.into_iter().map(|(address, salt, place)| Slip {
        address: address.clone(),
        salt,
        index: place as u64,
        proof: merkle::inclusion_proof(&leaves, place).unwrap_or_default(),
    });
    let slips = slips.collect();
    (merkle::root(&leaves), count as u64, slips)
}

/// 1, 8, 16, 32 … : the least that holds `count`.
pub(crate) fn padded(count: usize) -> usize {
    PADDED.into_iter().find(|size| count <= *size).unwrap_or_else(|| count.next_power_of_two())
}

/// The numbers below `count` in random order (Fisher and Yates).
pub(crate) fn shuffled<R: CryptoRng>(count: usize, rng: &mut R) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let other = usize::try_from(rng.next_u64() % (last as u64 + 1)).unwrap_or(0);
        places.swap(last, other);
    }
    places
}
