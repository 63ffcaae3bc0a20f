//! Secrets of the node itself: key files at rest, passwords, tokens, tags for cursors.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    seal::{self, Identity},
    terms::Digest,
};

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// The key that encrypts the other key files: an age identity behind a scrypt passphrase, so that
/// start-up runs scrypt once.
pub struct KeyEncryptionKey(Identity);

impl KeyEncryptionKey {
    /// A new one.
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Result<Self, seal::Error> {
        Identity::generate(rng).map(Self)
    }

    /// Opens its file.
    ///
    /// *Errors*: [`seal::Error::NotForUs`] for a wrong passphrase.
    pub fn open(file: &[u8], passphrase: &str) -> Result<Self, seal::Error> {
        let text = Zeroizing::new(seal::open_passphrase(file, passphrase)?);
        let text = std::str::from_utf8(&text).map_err(|_| seal::Error::Identity)?;
        Identity::parse(text.trim_end()).map(Self)
    }

    /// Its file, under a passphrase.
    pub fn to_file<R: CryptoRng>(
        &self,
        passphrase: &str,
        log_n: u8,
        rng: &mut R,
    ) -> Result<Vec<u8>, seal::Error> {
        seal::seal_passphrase(self.0.to_secret().as_bytes(), passphrase, log_n, rng)
    }

    /// Encrypts a key file.
    pub fn seal<R: CryptoRng>(&self, secret: &[u8], rng: &mut R) -> Result<Vec<u8>, seal::Error> {
        seal::seal(secret, &[self.0.recipient()], rng)
    }

    /// Decrypts a key file.
    pub fn unseal(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, seal::Error> {
        seal::open(file, std::slice::from_ref(&self.0)).map(Zeroizing::new)
    }
}

/// A password's Argon2id hash, in PHC form.
pub fn hash_password<R: CryptoRng>(password: &str, rng: &mut R) -> Option<String> {
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.ok().map(|hash| hash.to_string())
}

/// Whether a password is the one that was hashed.
pub fn is_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
}

/// A bearer secret: 32 random bytes in URL-safe base64, and the digest that is kept of it.
pub fn token<R: CryptoRng>(rng: &mut R) -> (Zeroizing<String>, Digest) {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(bytes.as_mut());
    let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()));
    let digest = token_digest(&text);
    (text, digest)
}

/// The digest under which a bearer secret is kept.
pub fn token_digest(token: &str) -> Digest {
    sha256(token.as_bytes())
}

/// A tag of 16 bytes over a message, for what this node hands out and takes back.
pub fn tag(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 16] };
    mac.update(message);
    let bytes: [u8; 32] = mac.finalize().into_bytes().into();
    let mut tag = [0; 16];
    tag.copy_from_slice(bytes.split_at(16).0);
    tag
}

/// Equality in constant time.
pub fn is_equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn key_files_open_with_the_passphrase_only() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let kek = KeyEncryptionKey::generate(&mut rng).unwrap();
        let file = kek.to_file("lamp oil", 4, &mut rng).unwrap();
        let secret = kek.seal(b"sign", &mut rng).unwrap();
        let again = KeyEncryptionKey::open(&file, "lamp oil").unwrap();
        assert_eq!(again.unseal(&secret).unwrap().as_slice(), b"sign");
        assert_eq!(KeyEncryptionKey::open(&file, "lamp").err(), Some(seal::Error::NotForUs));
    }

    #[test]
    fn password_verifies_and_another_does_not() {
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let hash = hash_password("tea at four", &mut rng).unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(is_password("tea at four", &hash));
        assert!(!is_password("tea at five", &hash));
        assert!(!is_password("tea at four", "no hash"));
    }

    #[test]
    fn tag_depends_on_key_and_message() {
        assert_ne!(tag(&[1; 32], b"a"), tag(&[2; 32], b"a"));
        assert_ne!(tag(&[1; 32], b"a"), tag(&[1; 32], b"b"));
    }
}
