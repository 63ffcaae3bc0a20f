//! A statement that breaks one check at a time is refused with that check's code and no other.
//!
//! What is inside the seal can be wrong only by a sender's will, so those cases are sealed and
//! signed by the sender's true keys; the vectors of `../shared/data` hold more of them.

use bytes::Bytes;
use protocol::{
    envelope::Envelope,
    header::To,
    statement::{self, Item, RefusalCode, RefusalCode::*},
    terms::{Digest, limits},
};

use crate::world::{World, agreement, stix};

const EVERY: [RefusalCode; 17] = [
    EnvelopeMalformed,
    TooLarge,
    ManifestMalformed,
    SenderUnknown,
    KeysUnknown,
    KeysRevoked,
    SignatureEd25519,
    SignatureMlDsa,
    PayloadAltered,
    NotAddressed,
    AgreementUnknown,
    NotSealedToMe,
    PayloadMalformed,
    CommitmentHeader,
    CommitmentItems,
    HeaderMismatch,
    TypeUnknown,
];

/// Refusals of what is inside a sound seal: only a sender who does not use this program can make
/// them, so they are shown by the vectors of an independent writer (`lines::tests`).
const BY_INDEPENDENT_VECTORS: [RefusalCode; 3] =
    [PayloadMalformed, CommitmentHeader, CommitmentItems];

fn sound(world: &mut World) -> Envelope {
    let header = world.header(1);
    world.envelope(header, vec![stix("{}")])
}

fn replaced(bytes: &Bytes, from: &str, to: &str) -> Bytes {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains(from), "{from} is not there to be replaced");
    Bytes::from(text.replacen(from, to, 1))
}

/// The signature lines of a manifest, in their order: Ed25519, ML-DSA-44.
fn without_signature(manifest: &Bytes, which: usize) -> Bytes {
    let text = String::from_utf8(manifest.to_vec()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.remove(lines.len() - 2 + which);
    Bytes::from(lines.join("\n") + "\n")
}

/// The refusal of a statement that breaks the check of `code`.
fn refusal(code: RefusalCode) -> RefusalCode {
    let mut world = World::new(21);
    let mut envelope = sound(&mut world);
    assert!(world.read(&envelope).is_ok(), "the sound one is taken");
    match code {
        EnvelopeMalformed => {
            let bytes = envelope.to_bytes();
            return world.read_bytes(&bytes.slice(..bytes.len() - 1)).unwrap_err().code;
        }
        TooLarge => {
            let large = vec![b'x'; limits::ENVELOPE_LEN_MAX + 1];
            return world.read_bytes(&Bytes::from(large)).unwrap_err().code;
        }
        ManifestMalformed => envelope.manifest = replaced(&envelope.manifest, "keys 0", "keys 00"),
        SenderUnknown => {
            envelope.manifest = replaced(&envelope.manifest, "from aldermoor", "from caldermoor");
        }
        KeysUnknown => envelope.manifest = replaced(&envelope.manifest, "keys 0", "keys 1"),
        KeysRevoked => {
            let revoked = |_: &_, _| Err(KeysRevoked);
            return statement::verify(&envelope, &world.me(), revoked, |_| true).unwrap_err().code;
        }
        SignatureEd25519 => envelope.manifest = without_signature(&envelope.manifest, 0),
        SignatureMlDsa => envelope.manifest = without_signature(&envelope.manifest, 1),
        PayloadAltered => {
            let mut other = envelope.payload.to_vec();
            *other.last_mut().unwrap() ^= 1;
            envelope.payload = Bytes::from(other);
        }
        NotAddressed => envelope.slip = replaced(&envelope.slip, "number 17", "number 18"),
        AgreementUnknown => {
            let keys = |_: &_, _| Ok(world.a.statement());
            let none = statement::verify(&envelope, &world.me(), keys, |_| false);
            return none.unwrap_err().code;
        }
        NotSealedToMe => {
            let (header, other) = (world.header(1), world.a.statement().clone());
            envelope = world.envelope_to(header, vec![stix("{}")], &other);
        }
        HeaderMismatch => {
            let mut header = world.header(1);
            header.to = To::Names(vec![header.from.clone()]);
            envelope = world.envelope(header, vec![stix("{}")]);
        }
        TypeUnknown => {
            let mut header = world.header(1);
            header.kind = "serenade".to_owned();
            envelope = world.envelope(header, vec![stix("{}")]);
        }
        PayloadMalformed | CommitmentHeader | CommitmentItems => {
            unreachable!("shown by independent vectors")
        }
    }
    world.read(&envelope).unwrap_err().code
}

#[test]
fn each_check_of_taking_in_refuses_with_its_own_code() {
    for code in EVERY {
        if !BY_INDEPENDENT_VECTORS.contains(&code) {
            assert_eq!(refusal(code), code);
        }
    }
}

#[test]
fn every_altered_bit_of_manifest_and_slip_is_refused() {
    let mut world = World::new(22);
    let envelope = sound(&mut world);
    for part in 0..2 {
        let len = if part == 0 { envelope.manifest.len() } else { envelope.slip.len() };
        for place in 0..len {
            let mut other = envelope.clone();
            let bytes = if part == 0 { &mut other.manifest } else { &mut other.slip };
            let mut altered = bytes.to_vec();
            altered[place] ^= 1 << (place % 8);
            *bytes = Bytes::from(altered);
            // The key id in front of a signature is no part of what is signed: a line of another
            // key is skipped, and then a signature is missing.
            assert!(world.read(&other).is_err(), "part {part}, byte {place}");
        }
    }
}

#[test]
fn every_cut_of_an_envelope_is_refused() {
    let mut world = World::new(23);
    let bytes = sound(&mut world).to_bytes();
    for len in 0..bytes.len() {
        assert!(world.read_bytes(&bytes.slice(..len)).is_err(), "{len} bytes");
    }
    let longer = [&bytes[..], b"\n"].concat();
    assert!(world.read_bytes(&Bytes::from(longer)).is_err());
}

#[test]
fn statement_read_by_another_node_is_not_addressed_to_it() {
    let mut world = World::new(24);
    let envelope = sound(&mut world);
    let keys = |_: &_, _| Ok(world.a.statement());
    let other = "caldera.example/channel".parse().unwrap();
    let refused = statement::verify(&envelope, &other, keys, |_| true);
    assert_eq!(refused.unwrap_err().code, NotAddressed);
}

#[test]
fn withheld_item_keeps_its_commitment_and_shows_nothing() {
    let mut world = World::new(25);
    let header = world.header(2);
    let withheld = Item::Withheld(Digest([9; 32]));
    let envelope = world.envelope(header, vec![stix("{}"), withheld.clone()]);
    let opened = world.read(&envelope).unwrap();
    assert_eq!(opened.items()[1], withheld);
    assert_eq!(opened.item_commitments()[1], Digest([9; 32]));
    assert_eq!(opened.verified().address().agreement, agreement());
}
