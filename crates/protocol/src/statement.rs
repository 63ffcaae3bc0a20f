//! The statement: composed, sealed, numbered and signed; verified and opened.
//!
//! Each step hands its proof to the next as a type that only this module makes: [`Sealed`] before
//! numbers are given, [`Signed`] after, [`Verified`] at the door, [`Opened`] at intake.
//!
//! *Source*: statement format, sections 2 and 2.7.

use bytes::Bytes;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

use crate::{
    commitment::{self, Seed},
    envelope::Envelope,
    header::Header,
    keys::{self, KeyStatement, NodeKeys},
    manifest::{self, Manifest},
    merkle,
    payload::Body,
    seal::{self, Identity},
    slip::{self, Slip},
    terms::{AgreementId, Digest, NodeName, StatementId, StatementType, Timestamp, limits},
};
pub use crate::{
    payload::{Item, ItemKind},
    refusal::{Refusal, RefusalCode},
    slip::Address,
};

/// Why a statement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More items, or larger ones, than the limits allow.
    #[error("the statement is above a limit: {0}")]
    TooLarge(&'static str),
    /// The header could not be printed.
    #[error("the header could not be printed")]
    Header(#[source] serde_json::Error),
    /// The body could not be compressed.
    #[error("the body could not be compressed")]
    Compress(#[source] std::io::Error),
    /// The seal.
    #[error("the payload could not be sealed")]
    Seal(#[source] seal::Error),
    /// The signature.
    #[error("the manifest could not be signed")]
    Sign(#[source] keys::Error),
}

/// What is to be sealed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The header; printed here, once.
    pub header: Header,
    /// The items, in order.
    pub items: Vec<Item>,
}

/// A statement that is committed to and sealed, but not yet numbered and signed.
#[derive(Debug)]
pub struct Sealed {
    payload: Bytes,
    payload_digest: Digest,
    header: Bytes,
    header_commitment: Digest,
    items_commitment: Digest,
    item_commitments: Vec<Digest>,
    seed: Seed,
}

impl Sealed {
    /// The sealed payload.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The header's bytes.
    pub fn header(&self) -> &Bytes {
        &self.header
    }

    /// The seed of every salt: a secret of the parties.
    pub fn seed(&self) -> &[u8; 32] {
        self.seed.bytes()
    }

    /// The commitment to each item, in order.
    pub fn item_commitments(&self) -> &[Digest] {
        &self.item_commitments
    }
}

/// Commits to header and items and seals them to the recipients (steps 5 and 6).
///
/// *Errors*: [`Error::TooLarge`] above a limit; the rest are our bugs or the machine's.
pub fn compose<R: CryptoRng>(
    draft: Draft,
    recipients: &[&KeyStatement],
    rng: &mut R,
) -> Result<Sealed, Error> {
    let header = serde_json::to_vec(&draft.header).map(Bytes::from).map_err(Error::Header)?;
    check_limits(&header, &draft.items)?;
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    let seed = Seed::new(seed);
    let item_commitments = commit_each(&seed, &draft.items);
    let body = Body { seed: seed.clone(), header: header.clone(), items: draft.items };
    let plaintext = zeroize::Zeroizing::new(body.encode().map_err(Error::Compress)?);
    let to: Vec<_> = recipients.iter().filter_map(|keys| keys.seal().first().cloned()).collect();
    let payload = seal::seal(&plaintext, &to, rng).map_err(Error::Seal)?;
    Ok(Sealed {
        payload_digest: Digest(Sha256::digest(&payload).into()),
        payload: Bytes::from(payload),
        header_commitment: commit_header(&seed, &header),
        items_commitment: commit_all(&seed, &item_commitments),
        header,
        item_commitments,
        seed,
    })
}

fn check_limits(header: &[u8], items: &[Item]) -> Result<(), Error> {
    let len = |item: &Item| match item {
        Item::Data { data, .. } => data.len() + 32,
        Item::Withheld(_) => 64,
    };
    if header.len() > limits::HEADER_LEN_MAX {
        return Err(Error::TooLarge("the header"));
    }
    if items.len() > limits::ITEMS_MAX {
        return Err(Error::TooLarge("the number of items"));
    }
    if items.iter().any(|item| len(item) > limits::ITEM_LEN_MAX) {
        return Err(Error::TooLarge("an item"));
    }
    if header.len() + items.iter().map(len).sum::<usize>() + 256 > limits::PAYLOAD_LEN_MAX {
        return Err(Error::TooLarge("the whole"));
    }
    Ok(())
}

fn commit_header(seed: &Seed, header: &[u8]) -> Digest {
    commitment::commit(commitment::HEADER, &seed.salt("header"), &[header])
}

fn commit_each(seed: &Seed, items: &[Item]) -> Vec<Digest> {
    let commit = |(index, item): (usize, &Item)| match item {
        Item::Data { kind, data } => {
            commitment::commit_item(&seed.item_salt(index), kind.word(), data)
        }
        Item::Withheld(commitment) => *commitment,
    };
    items.iter().enumerate().map(commit).collect()
}

fn leaves(commitments: &[Digest]) -> Vec<Digest> {
    commitments.iter().map(|commitment| merkle::leaf_hash(&commitment.0)).collect()
}

fn commit_all(seed: &Seed, commitments: &[Digest]) -> Digest {
    let root = merkle::root(&leaves(commitments));
    commitment::commit_items(&seed.salt("items"), commitments.len(), &root)
}

/// A statement as it leaves: its id, its signed manifest, a slip for each recipient.
#[derive(Debug, Clone)]
pub struct Signed {
    id: StatementId,
    manifest: Bytes,
    slips: Vec<(NodeName, Bytes)>,
}

impl Signed {
    /// Its id.
    pub fn id(&self) -> StatementId {
        self.id
    }

    /// The signed manifest: the ledger's entry.
    pub fn manifest(&self) -> &Bytes {
        &self.manifest
    }

    /// A slip for each address, in the order given.
    pub fn slips(&self) -> &[(NodeName, Bytes)] {
        &self.slips
    }
}

/// Signs a sealed statement once its numbers are given: the closure of step 7.
pub fn sign<R: CryptoRng>(
    sealed: &Sealed,
    addresses: &[Address],
    keys: &NodeKeys,
    now: Timestamp,
    rng: &mut R,
) -> Result<Signed, Error> {
    let (to, to_count, slips) = slip::address(addresses, rng);
    let manifest = Manifest {
        from: keys.statement().node().clone(),
        time: now,
        keys: keys.statement().epoch(),
        payload: sealed.payload_digest,
        payload_len: sealed.payload.len() as u64,
        header: sealed.header_commitment,
        items: sealed.items_commitment,
        to,
        to_count,
    };
    let text = manifest.text();
    let note = keys.sign_note(&text).map_err(Error::Sign)?;
    let slips = slips.into_iter().map(|slip| {
        let text = Bytes::from(slip.text());
        (slip.address.to, text)
    });
    Ok(Signed { id: manifest::id_of(&text), manifest: Bytes::from(note), slips: slips.collect() })
}

/// A statement whose checks 1 to 6 hold: who sent it, that it is whole, that it is for us.
#[derive(Debug, Clone)]
pub struct Verified {
    id: StatementId,
    manifest: Manifest,
    address: Address,
    envelope: Envelope,
    me: NodeName,
}

impl Verified {
    /// Its id.
    pub fn id(&self) -> StatementId {
        self.id
    }

    /// Its sender.
    pub fn from(&self) -> &NodeName {
        &self.manifest.from
    }

    /// When its sender signed it.
    pub fn time(&self) -> Timestamp {
        self.manifest.time
    }

    /// Where it stands in the pair's numbering.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The parts that were verified.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }
}

/// Checks 1 to 6 of section 2.7, in their order.
///
/// `key_statement` gives the sender's statement of an epoch, or `sender-unknown`, `keys-unknown`
/// or `keys-revoked`; `in_force` tells whether an agreement is (founding zeros included).
pub fn verify<'k>(
    envelope: &Envelope,
    me: &NodeName,
    key_statement: impl Fn(&NodeName, u32) -> Result<&'k KeyStatement, RefusalCode>,
    in_force: impl Fn(&AgreementId) -> bool,
) -> Result<Verified, Refusal> {
    let (manifest, note) = manifest::read(&envelope.manifest)?;
    let keys = key_statement(&manifest.from, manifest.keys)
        .map_err(|code| code.because("no such key statement is held"))?;
    manifest::check_signatures(&note, keys.sign())?;
    let altered = RefusalCode::PayloadAltered.because("another payload than was signed");
    if envelope.payload.len() as u64 != manifest.payload_len
        || Digest(Sha256::digest(&envelope.payload).into()) != manifest.payload
    {
        return Err(altered);
    }
    let slip = Slip::parse(&envelope.slip)?;
    slip.check(&manifest.to, manifest.to_count)?;
    if slip.address.to != *me {
        return Err(RefusalCode::NotAddressed.because("addressed to another node"));
    }
    if !in_force(&slip.address.agreement) {
        return Err(RefusalCode::AgreementUnknown.because("no such agreement is in force"));
    }
    let id = manifest::id_of(note.text());
    let envelope = envelope.clone();
    Ok(Verified { id, manifest, address: slip.address, envelope, me: me.clone() })
}

/// A statement whose checks 8 to 10 hold: what it says is what was signed.
#[derive(Debug, Clone)]
pub struct Opened {
    verified: Verified,
    kind: StatementType,
    header: Header,
    header_bytes: Bytes,
    seed: Seed,
    items: Vec<Item>,
    item_commitments: Vec<Digest>,
}

impl Opened {
    /// What was known before it was opened.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Its type.
    pub fn kind(&self) -> StatementType {
        self.kind
    }

    /// Its header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header's bytes, as they were committed to.
    pub fn header_bytes(&self) -> &Bytes {
        &self.header_bytes
    }

    /// The seed of every salt.
    pub fn seed(&self) -> &[u8; 32] {
        self.seed.bytes()
    }

    /// Its items, in order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The commitment to each item, in order.
    pub fn item_commitments(&self) -> &[Digest] {
        &self.item_commitments
    }
}

/// Checks 8 to 10 of section 2.7, in their order.
pub fn open(verified: Verified, identities: &[Identity]) -> Result<Opened, Refusal> {
    let plaintext = seal::open(&verified.envelope.payload, identities)
        .map_err(|_| RefusalCode::NotSealedToMe.because("none of our seal keys opens it"))?;
    let body = Body::decode(&zeroize::Zeroizing::new(plaintext))?;
    if commit_header(&body.seed, &body.header) != verified.manifest.header {
        return Err(RefusalCode::CommitmentHeader.because("another header than was signed"));
    }
    let item_commitments = commit_each(&body.seed, &body.items);
    if commit_all(&body.seed, &item_commitments) != verified.manifest.items {
        return Err(RefusalCode::CommitmentItems.because("other items than were signed"));
    }
    let (header, kind) = read_header(&body.header, &verified)?;
    Ok(Opened {
        verified,
        kind,
        header,
        header_bytes: body.header,
        seed: body.seed,
        items: body.items,
        item_commitments,
    })
}

fn read_header(bytes: &[u8], verified: &Verified) -> Result<(Header, StatementType), Refusal> {
    let mismatch = |detail| RefusalCode::HeaderMismatch.because(detail);
    let header: Header =
        serde_json::from_slice(bytes).map_err(|_| mismatch("no header of this version"))?;
    if header.agreement != verified.address.agreement {
        return Err(mismatch("another agreement than the slip"));
    }
    if header.from != verified.manifest.from {
        return Err(mismatch("another sender than the manifest"));
    }
    if !header.to.includes(&verified.me) {
        return Err(mismatch("this node is not among its recipients"));
    }
    let kind = header
        .kind
        .parse()
        .map_err(|_| RefusalCode::TypeUnknown.because("a type that this version does not speak"))?;
    Ok((header, kind))
}

/// The proof of one item, for a court: nothing else of the statement is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemProof {
    /// The item's salt.
    pub salt: Digest,
    /// From its commitment to the root of the items.
    pub path: Vec<Digest>,
    /// The salt of the items' commitment.
    pub items_salt: Digest,
    /// How many items there are.
    pub count: usize,
}

/// Proves one item of a statement whose seed and item commitments are held.
pub fn prove_item(seed: [u8; 32], commitments: &[Digest], index: usize) -> Option<ItemProof> {
    let seed = Seed::new(seed);
    Some(ItemProof {
        salt: seed.item_salt(index),
        path: merkle::inclusion_proof(&leaves(commitments), index)?,
        items_salt: seed.salt("items"),
        count: commitments.len(),
    })
}

/// Whether a manifest commits to these bytes of this kind at this index.
pub fn proves_item(
    manifest: &Manifest,
    index: usize,
    kind: &str,
    data: &[u8],
    proof: &ItemProof,
) -> bool {
    let leaf = merkle::leaf_hash(&commitment::commit_item(&proof.salt, kind, data).0);
    let root = merkle::root_of_inclusion(leaf, index as u64, proof.count as u64, &proof.path);
    root.is_some_and(|root| {
        commitment::commit_items(&proof.items_salt, proof.count, &root) == manifest.items
    })
}

#[cfg(test)]
mod tests;
