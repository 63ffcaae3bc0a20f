//! The age vectors of C2SP/CCTV, and files that cross with another implementation.
//!
//! The vectors come from the npm package `cctv-age` (0BSD, CC0 or Unlicense) and are unpacked by
//! `cargo xtask interop` into the folder that `DETENTE_AGE_DIR` names; without it these tests skip
//! by name. Nothing of them is kept here.

use std::{collections::BTreeMap, fs, path::PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::Digest as _;

use super::*;

/// Files whose header is refused here although others read on: a stanza that is not of ours stands
/// among theirs, and only hybrid recipients, or one passphrase, are accepted.
const STRICTER: [&str; 4] =
    ["hybrid_and_x25519", "hybrid_grease", "hybrid_uppercase", "scrypt_uppercase"];

fn folder(of: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("DETENTE_AGE_DIR").map(|dir| PathBuf::from(dir).join(of));
    if folder.is_none() {
        println!("skipped: DETENTE_AGE_DIR is not set; `cargo xtask interop` sets it");
    }
    folder
}

struct Vector {
    name: String,
    fields: BTreeMap<String, String>,
    identities: Vec<String>,
    file: Vec<u8>,
}

impl Vector {
    fn read(path: &std::path::Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let (mut fields, mut identities) = (BTreeMap::new(), Vec::new());
        for (key, value) in head.lines().map(|line| line.split_once(": ").unwrap()) {
            if key == "identity" {
                identities.push(value.to_owned());
            }
            fields.insert(key.to_owned(), value.to_owned());
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        Self { name, fields, identities, file: bytes[end + 2..].to_vec() }
    }

    fn field(&self, key: &str) -> &str {
        self.fields.get(key).map_or("", String::as_str)
    }

    /// What was opened is the whole payload, or the error is the one that `expect` means.
    fn check(&self, opened: Result<Vec<u8>, Error>) {
        let name = &self.name;
        if STRICTER.contains(&name.as_str()) || self.field("armored") == "yes" {
            assert_eq!(opened.unwrap_err(), Error::Header, "{name}");
            return;
        }
        match (self.field("expect"), opened) {
            ("success", Ok(plain)) => {
                assert_eq!(hex::encode(Sha256::digest(plain)), self.field("payload"), "{name}");
            }
            ("no match", Err(error)) => assert_eq!(error, Error::NotForUs, "{name}"),
            ("HMAC failure", Err(error)) => assert_eq!(error, Error::Header, "{name}"),
            ("payload failure", Err(error)) => assert_eq!(error, Error::Body, "{name}"),
            ("header failure", Err(error)) => assert_eq!(error, Error::Header, "{name}"),
            (expected, other) => panic!("{name}: {expected} is expected, not {other:?}"),
        }
    }
}

fn vectors() -> Vec<Vector> {
    let Some(folder) = folder("cctv") else { return Vec::new() };
    let entries = fs::read_dir(folder).unwrap();
    let all: Vec<_> = entries.map(|entry| Vector::read(&entry.unwrap().path())).collect();
    assert!(all.len() >= 140, "{} vectors", all.len());
    all
}

#[test]
fn cctv_hybrid_vectors_open_or_fail_as_they_say() {
    let mut tried = 0;
    for vector in vectors() {
        let hybrid = |text: &String| text.starts_with("AGE-SECRET-KEY-PQ-");
        if vector.identities.is_empty() || !vector.identities.iter().all(hybrid) {
            continue;
        }
        tried += 1;
        let identities: Vec<_> =
            vector.identities.iter().map(|text| Identity::parse(text).unwrap()).collect();
        vector.check(open(&vector.file, &identities));
    }
    assert!(tried == 0 || tried >= 15, "{tried}");
}

#[test]
fn cctv_scrypt_vectors_open_or_fail_as_they_say() {
    for vector in vectors() {
        let passphrase = vector.field("passphrase");
        if !passphrase.is_empty() {
            vector.check(open_passphrase(&vector.file, passphrase));
        }
    }
}

/// Every other vector: none opens with a key of ours, and where its header is of our form, its
/// body opens with the file key that it names, or fails as it says.
#[test]
fn cctv_stream_vectors_open_or_fail_as_they_say() {
    let ours = Identity::generate(&mut ChaCha20Rng::from_seed([1; 32])).unwrap();
    let mut streams = 0;
    for vector in vectors() {
        assert!(open(&vector.file, std::slice::from_ref(&ours)).is_err(), "{}", vector.name);
        let Ok(header) = read_header(&vector.file) else { continue };
        if !vector.name.starts_with("stream_") {
            continue;
        }
        let file_key = hex::decode(vector.field("file key")).unwrap();
        vector.check(open_with(&file_key, &header));
        streams += 1;
    }
    assert!(folder("cctv").is_none() || streams >= 15, "{streams}");
}

const SIZES: [usize; 5] = [0, 1, CHUNK, CHUNK + 1, 300_000];

fn plaintext(len: usize) -> Vec<u8> {
    (0..len).map(|place| (place % 251) as u8).collect()
}

/// First half of the crossing: files that another implementation is to open.
#[test]
fn crossing_files_are_written_for_another_implementation() {
    let Some(folder) = folder("ours") else { return };
    fs::create_dir_all(&folder).unwrap();
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let keep = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    for len in SIZES {
        let identity = Identity::generate(&mut rng).unwrap();
        let others = (0..9).map(|_| Identity::generate(&mut rng).unwrap().recipient());
        let recipients: Vec<_> = others.chain([identity.recipient()]).collect();
        keep(&format!("{len}.key"), identity.to_secret().as_bytes());
        keep(&format!("{len}.age"), &seal(&plaintext(len), &recipients, &mut rng).unwrap());
        let sealed = seal_passphrase(&plaintext(len), "lamp oil", 10, &mut rng).unwrap();
        keep(&format!("{len}.passphrase.age"), &sealed);
    }
}

/// Second half: files that another implementation wrote, with the keys that it made.
#[test]
fn crossing_files_of_another_implementation_open() {
    let Some(folder) = folder("theirs").filter(|folder| folder.exists()) else { return };
    for len in SIZES {
        let read = |name: String| fs::read(folder.join(name)).unwrap();
        let key = String::from_utf8(read(format!("{len}.key"))).unwrap();
        let identity = Identity::parse(key.trim()).unwrap();
        let recipient = String::from_utf8(read(format!("{len}.recipient"))).unwrap();
        assert_eq!(identity.recipient().to_string(), recipient.trim());
        assert!(open(&read(format!("{len}.age")), &[identity]).unwrap() == plaintext(len));
        let opened = open_passphrase(&read(format!("{len}.passphrase.age")), "lamp oil");
        assert!(opened.unwrap() == plaintext(len));
    }
}
