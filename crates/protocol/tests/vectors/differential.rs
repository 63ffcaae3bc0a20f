//! Two implementations of each signature must agree, on what is right and on what is one bit off.

use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, PqdsaKeyPair,
    UnparsedPublicKey,
};
use ed25519_dalek::Signer as _;
use ml_dsa::{MlDsa44, SigningKey, signature::Keypair as _};
use proptest::prelude::*;

use crate::wycheproof_sets::verify_ml_dsa;

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut other = bytes.to_vec();
    let bit = bit % (other.len() * 8);
    other[bit / 8] ^= 1 << (bit % 8);
    other
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ed25519_signatures_are_the_same_bytes_and_verify_alike(
        seed in any::<[u8; 32]>(), message in any::<Vec<u8>>(), bit in any::<usize>(),
    ) {
        let ours = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let theirs = ed25519_dalek::SigningKey::from_bytes(&seed);
        let public = theirs.verifying_key();
        prop_assert_eq!(ours.public_key().as_ref(), public.as_bytes());
        let signature = ours.sign(&message);
        prop_assert_eq!(signature.as_ref(), &theirs.sign(&message).to_bytes());
        let wrong = flipped(signature.as_ref(), bit);
        let key = UnparsedPublicKey::new(&ED25519, ours.public_key().as_ref().to_vec());
        prop_assert!(key.verify(&message, &wrong).is_err());
        let wrong = ed25519_dalek::Signature::from_slice(&wrong).unwrap();
        prop_assert!(public.verify_strict(&message, &wrong).is_err());
    }

    #[test]
    fn ml_dsa_44_keys_are_the_same_and_each_verifies_what_the_other_signs(
        seed in any::<[u8; 32]>(), message in any::<Vec<u8>>(), bit in any::<usize>(),
    ) {
        let ours = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, &seed).unwrap();
        let theirs = SigningKey::<MlDsa44>::from_seed(&seed.into());
        let public = ours.public_key().as_ref().to_vec();
        prop_assert_eq!(&public[..], &theirs.verifying_key().encode()[..]);
        let key = UnparsedPublicKey::new(&ML_DSA_44, public.clone());
        let mut signature = vec![0; ML_DSA_44_SIGNING.signature_len()];
        ours.sign(&message, &mut signature).unwrap();
        prop_assert!(verify_ml_dsa(&public, &message, &signature));
        let other = theirs.expanded_key().sign_deterministic(&message, &[]).unwrap().encode();
        prop_assert!(key.verify(&message, &other).is_ok());
        let wrong = flipped(&signature, bit);
        prop_assert!(key.verify(&message, &wrong).is_err());
        prop_assert!(!verify_ml_dsa(&public, &message, &wrong));
    }
}
