//! Wycheproof: the primitives that this crate uses, against edge cases collected from real faults.
//!
//! *Source*: C2SP/wycheproof, Apache-2.0, through the crate `wycheproof`; nothing of it is kept here.

use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    signature::{ED25519, ML_DSA_44, UnparsedPublicKey},
};
use curve25519_dalek::montgomery::MontgomeryPoint;
use ml_dsa::{EncodedSignature, EncodedVerifyingKey, MlDsa44, Signature, VerifyingKey};
use wycheproof::{TestResult, aead, eddsa, hkdf, mldsa_verify, xdh};

#[test]
fn ed25519_of_both_implementations_decides_as_wycheproof_says() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut tried = 0;
    for group in &set.test_groups {
        let key: [u8; 32] = group.key.pk[..].try_into().unwrap();
        let dalek = ed25519_dalek::VerifyingKey::from_bytes(&key).unwrap();
        for test in &group.tests {
            let ours = UnparsedPublicKey::new(&ED25519, key).verify(&test.msg, &test.sig).is_ok();
            let theirs = ed25519_dalek::Signature::from_slice(&test.sig)
                .is_ok_and(|signature| dalek.verify_strict(&test.msg, &signature).is_ok());
            let valid = test.result == TestResult::Valid;
            assert_eq!((ours, theirs), (valid, valid), "case {}", test.tc_id);
            tried += 1;
        }
    }
    assert!(tried >= 100, "{tried}");
}

#[test]
fn ml_dsa_44_of_both_implementations_decides_as_wycheproof_says() {
    let set = mldsa_verify::TestSet::load(mldsa_verify::TestName::MlDsa44Verify).unwrap();
    let mut tried = 0;
    for group in &set.test_groups {
        for test in &group.tests {
            // Ours signs with an empty context only, so no reader here takes any other.
            let empty = test.ctx.as_ref().is_none_or(|context| context.is_empty());
            if !empty {
                continue;
            }
            let valid = test.result == TestResult::Valid;
            let key = UnparsedPublicKey::new(&ML_DSA_44, &group.pubkey[..]);
            let ours = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(ours, valid, "case {}: {}", test.tc_id, test.comment);
            let theirs = verify_ml_dsa(&group.pubkey, &test.msg, &test.sig);
            assert_eq!(theirs, valid, "case {}: {}", test.tc_id, test.comment);
            tried += 1;
        }
    }
    assert!(tried >= 50, "{tried}");
}

/// The second implementation's verdict.
pub(crate) fn verify_ml_dsa(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = EncodedVerifyingKey::<MlDsa44>::try_from(key) else { return false };
    let Ok(signature) = EncodedSignature::<MlDsa44>::try_from(signature) else { return false };
    let key = VerifyingKey::<MlDsa44>::decode(&key);
    Signature::decode(&signature)
        .is_some_and(|signature| key.verify_with_context(message, &[], &signature))
}

#[test]
fn x25519_agrees_and_low_order_points_are_seen() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let mut low = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let (Ok(public), Ok(private)) = (
            <[u8; 32]>::try_from(&test.public_key[..]),
            <[u8; 32]>::try_from(&test.private_key[..]),
        ) else {
            continue;
        };
        let shared = MontgomeryPoint(public).mul_clamped(private).to_bytes();
        assert_eq!(shared, test.shared_secret[..], "case {}", test.tc_id);
        // What `seal` asks of the point of a stanza.
        let order_is_low = MontgomeryPoint(public).mul_clamped([1; 32]).to_bytes() == [0; 32];
        assert_eq!(order_is_low, shared == [0; 32], "case {}", test.tc_id);
        low += usize::from(order_is_low);
    }
    assert!(low >= 5, "{low}");
}

#[test]
fn chacha20_poly1305_decides_as_wycheproof_says() {
    let set = aead::TestSet::load(aead::TestName::ChaCha20Poly1305).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let Ok(nonce) = Nonce::try_assume_unique_for_key(&test.nonce) else {
            assert!(test.result.must_fail(), "case {}", test.tc_id);
            continue;
        };
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &test.key).unwrap());
        let mut sealed = [&test.ct[..], &test.tag[..]].concat();
        let opened = key.open_in_place(nonce, Aad::from(&test.aad[..]), &mut sealed);
        match test.result {
            TestResult::Valid => assert_eq!(opened.unwrap(), &test.pt[..], "case {}", test.tc_id),
            _ => assert!(opened.is_err(), "case {}", test.tc_id),
        }
    }
}

#[test]
fn hkdf_sha256_gives_what_wycheproof_says() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut out = vec![0; test.size];
        let expanded = ::hkdf::Hkdf::<sha2::Sha256>::new(Some(&test.salt), &test.ikm)
            .expand(&test.info, &mut out);
        match test.result {
            TestResult::Invalid => assert!(expanded.is_err(), "case {}", test.tc_id),
            _ => assert_eq!(out, test.okm[..], "case {}", test.tc_id),
        }
    }
}
