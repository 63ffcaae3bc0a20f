//! Readers of the statement format: what is taken is what would be written, and nothing panics.

use std::sync::LazyLock;

use bytes::Bytes;
use protocol::{
    agreement::Agreement,
    courier::Index,
    envelope::Envelope,
    keys::KeyStatement,
    ledger::Checkpoint,
    manifest::{self, Manifest},
    note::Note,
    seal::{self, Identity},
    slip::Slip,
};

use crate::seeds::VECTOR;

static IDENTITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::parse(&VECTOR.text("identity")).expect("the vector is sound"));
static KEYS: LazyLock<KeyStatement> =
    LazyLock::new(|| KeyStatement::parse(&VECTOR.keys()).expect("the vector is sound"));

/// The text of a note is the beginning of its bytes, and is found again when it stands alone.
pub(crate) fn note(data: &[u8]) {
    let Ok(note) = Note::parse(data) else { return };
    assert!(data.starts_with(note.text().as_bytes()));
    assert!(note.text().ends_with('\n'));
    assert_eq!(data[note.text().len()], b'\n', "a blank line follows the text");
    for key in KEYS.sign() {
        // A note that verifies is one that the key's owner made: the vector's, or none.
        if note.verify(key).is_ok() {
            assert!(VECTOR.texts().iter().any(|text| text.as_slice() == note.text().as_bytes()));
        }
    }
}

/// A manifest that is taken is written in exactly one way.
pub(crate) fn manifest(data: &[u8]) {
    let Ok(read) = Manifest::parse(data) else { return };
    assert!(data.starts_with(read.text().as_bytes()));
    assert_eq!(manifest::id_of(&read.text()), manifest::id_of(&read.text()));
}

/// A slip that is taken is written in exactly one way.
pub(crate) fn slip(data: &[u8]) {
    let Ok(read) = Slip::parse(data) else { return };
    assert_eq!(read.text().as_bytes(), data);
}

/// An index that is taken is written in exactly one way.
pub(crate) fn courier_index(data: &[u8]) {
    let Some(read) = Index::parse(data) else { return };
    let text = read.text();
    assert!(data.starts_with(text.as_bytes()) && data[text.len()] == b'\n');
}

/// An envelope that is taken is written in exactly one way.
pub(crate) fn envelope(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let Ok(read) = Envelope::parse(&data) else { return };
    assert_eq!(read.to_bytes(), data);
}

/// A payload that is taken comes back from what this version writes.
pub(crate) fn payload(data: &[u8]) {
    let Some((items, again)) = protocol::fuzzing::payload(data) else { return };
    let (same, last) = protocol::fuzzing::payload(&again).expect("what we write, we read");
    assert!(items == same && again == last);
}

/// A sealed file that opens is one that was sealed: the vector's.
pub(crate) fn age(data: &[u8]) {
    if seal::open(data, std::slice::from_ref(&*IDENTITY)).is_ok() {
        assert_eq!(data, VECTOR.bytes("payload"), "an altered file opens");
    }
}

/// Files sealed to a passphrase: with one digit of work only, so that inputs stay quick. A larger
/// factor stands in the operator's own files, never in a partner's.
pub(crate) fn age_passphrase(data: &[u8]) {
    let stanza = data.split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
    let factor = stanza.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    if factor.len() == 1 {
        // The seed's passphrase is another, so nothing ever opens.
        assert!(seal::open_passphrase(data, "lamp oil").is_err());
    }
}

/// A key statement that is taken is the vector's: nobody else has its keys.
pub(crate) fn keys(data: &[u8]) {
    let Ok(read) = KeyStatement::parse(data) else { return };
    assert_eq!(read.fingerprint(), KEYS.fingerprint());
    assert_eq!(read.note(), data);
}

/// An agreement's id is a digest of its bytes, and reading it again gives the same agreement.
pub(crate) fn agreement(data: &[u8]) {
    let Ok(read) = Agreement::parse(data) else { return };
    let again = Agreement::parse(data).expect("read before");
    assert_eq!(read.id(), again.id());
    assert!(read.parties().len() >= 2, "an agreement with oneself");
}

/// A checkpoint that is taken is the vector's.
pub(crate) fn checkpoint(data: &[u8]) {
    let Ok(read) = Checkpoint::parse(data, &KEYS) else { return };
    assert_eq!(read, Checkpoint::parse(&VECTOR.checkpoint(), &KEYS).expect("the vector is sound"));
}

/// Whatever is asked, the answer is one line of JSON, and an object.
pub(crate) fn lines(data: &[u8]) {
    let answer = protocol::lines::answer(data);
    assert!(!answer.contains('\n'));
    assert!(serde_json::from_str::<serde_json::Value>(&answer).is_ok_and(|a| a.is_object()));
}
