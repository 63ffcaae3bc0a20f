//! Known answers of ML-DSA-44, ML-KEM-768 and RFC 9180, as PyPI's `cryptography-vectors` carries
//! them; nothing of it is kept here.
//!
//! `cargo xtask age` installs the package and names its folder in `DETENTE_KNOWN_ANSWERS`; without
//! it the tests skip, aloud.

use std::{collections::HashMap, fs, path::PathBuf};

use aws_lc_rs::{
    kem::{Ciphertext, DecapsulationKey, ML_KEM_768},
    signature::{KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, PqdsaKeyPair, UnparsedPublicKey},
};
use hpke::{
    Deserializable as _, OpModeR, aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::X25519HkdfSha256,
    setup_receiver,
};
use ml_dsa::{EncodedSignature, EncodedVerifyingKey, MlDsa44, Signature, VerifyingKey};

const SIGNATURE_LEN: usize = 2_420;

/// The text of a file of the package.
fn read(file: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("DETENTE_KNOWN_ANSWERS") else {
        println!("skipped: {file}: DETENTE_KNOWN_ANSWERS names no folder");
        return None;
    };
    Some(fs::read_to_string(PathBuf::from(folder).join(file)).unwrap())
}

/// The cases of a file of lines `name = hexadecimal`; `count` begins one.
fn cases(text: &str) -> Vec<HashMap<&str, Vec<u8>>> {
    let mut cases: Vec<HashMap<&str, Vec<u8>>> = Vec::new();
    for line in text.lines() {
        match line.split_once(" = ").or_else(|| Some((line.strip_suffix(" =")?, ""))) {
            Some(("count", _)) => cases.push(HashMap::new()),
            Some((name, value)) => {
                // Lengths are decimal; nobody asks for them.
                let value = hex::decode(value).unwrap_or_default();
                cases.last_mut().unwrap().insert(name, value);
            }
            None => assert!(line.is_empty() || line.starts_with('#'), "{line}"),
        }
    }
    cases
}

#[test]
fn ml_dsa_44_makes_the_keys_and_takes_the_signatures_that_are_known() {
    let Some(text) = read("asymmetric/MLDSA/kat_MLDSA_44_det_pure.rsp") else { return };
    let cases = cases(&text);
    for case in &cases {
        let ours = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, &case["xi"]).unwrap();
        assert_eq!(ours.public_key().as_ref(), case["pk"]);
        let signature = &case["sm"][..SIGNATURE_LEN];
        let key = EncodedVerifyingKey::<MlDsa44>::try_from(&case["pk"][..]).unwrap();
        let read = Signature::decode(&EncodedSignature::<MlDsa44>::try_from(signature).unwrap());
        let theirs = VerifyingKey::<MlDsa44>::decode(&key);
        assert!(theirs.verify_with_context(&case["msg"], &case["ctx"], &read.unwrap()));
        // Ours knows the empty context alone, and takes no signature under another.
        let ours = UnparsedPublicKey::new(&ML_DSA_44, &case["pk"]);
        let taken = ours.verify(&case["msg"], signature).is_ok();
        assert_eq!(taken, case["ctx"].is_empty());
    }
    assert!(cases.len() >= 100, "{}", cases.len());
}

#[test]
fn ml_kem_768_of_the_link_decapsulates_what_is_known() {
    let Some(text) = read("asymmetric/MLKEM/kat_MLKEM_768.rsp") else { return };
    let cases = cases(&text);
    for case in &cases {
        let key = DecapsulationKey::new(&ML_KEM_768, &case["sk"]).unwrap();
        // The second is no true ciphertext: the key is another then, and not refused.
        for (sealed, secret) in [("ct", "ss"), ("ct_n", "ss_n")] {
            let opened = key.decapsulate(Ciphertext::from(&case[sealed][..])).unwrap();
            assert_eq!(opened.as_ref(), case[secret], "{sealed}");
        }
    }
    assert!(cases.len() >= 100, "{}", cases.len());
}

#[test]
fn hpke_opens_what_rfc_9180_seals() {
    let Some(text) = read("HPKE/test-vectors.json") else { return };
    let all: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    // Base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
    let ours = all.iter().filter(|one| {
        ["mode", "kem_id", "kdf_id", "aead_id"].map(|name| one[name].as_u64())
            == [Some(0), Some(0x20), Some(1), Some(3)]
    });
    let mut opened = 0;
    for suite in ours {
        let bytes =
            |one: &serde_json::Value, name: &str| hex::decode(one[name].as_str().unwrap()).unwrap();
        let key = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(&bytes(suite, "skRm"));
        let enc = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&bytes(suite, "enc"));
        let mut receiver = setup_receiver::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &key.unwrap(),
            &enc.unwrap(),
            &bytes(suite, "info"),
        )
        .unwrap();
        for message in suite["encryptions"].as_array().unwrap() {
            let plain = receiver.open(&bytes(message, "ct"), &bytes(message, "aad")).unwrap();
            assert_eq!(plain, bytes(message, "pt"));
            opened += 1;
        }
    }
    assert!(opened > 0);
}
