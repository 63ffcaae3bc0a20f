//! The seal: age v1 files with native post-quantum hybrid recipients only.
//!
//! Stock age 1.3 and the npm package `age-encryption` open what is sealed here, and the other way
//! round. The number of stanzas is padded with stanzas to throw-away keys, so that it tells
//! nothing but its magnitude.
//!
//! *Source*: C2SP age.md; statement format, section 3; RFC 9180; X-Wing.

use std::fmt;

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use curve25519_dalek::montgomery::MontgomeryPoint;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use hpke::{
    Deserializable, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::XWing,
};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::{slip::padded, terms::limits};

mod bech32;

type Kem = XWing;
type PublicKey = <Kem as hpke::Kem>::PublicKey;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;

const INTRO: &str = "age-encryption.org/v1";
const STANZA: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const FILE_KEY_LEN: usize = 16;
const STANZAS_MAX: usize = 1_024;

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not an `age1pq1…` recipient.
    #[error("not a post-quantum hybrid age recipient")]
    Recipient,
    /// Not an `AGE-SECRET-KEY-PQ-1…` identity.
    #[error("not a post-quantum hybrid age identity")]
    Identity,
    /// The file's header does not follow the format.
    #[error("the age header is malformed")]
    Header,
    /// No identity opens any stanza.
    #[error("sealed to other keys")]
    NotForUs,
    /// The body is damaged or cut off.
    #[error("the sealed body is damaged or cut off")]
    Body,
    /// None, or more recipients than the limit.
    #[error("no recipient, or too many")]
    Recipients,
}

/// A public seal key.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(PublicKey);

impl Recipient {
    /// Reads `age1pq1…`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = bech32::decode("age1pq", text).ok_or(Error::Recipient)?;
        PublicKey::from_bytes(&bytes).map(Self).map_err(|_| Error::Recipient)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode("age1pq", &self.0.to_bytes()))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient")
    }
}

/// A private seal key.
#[derive(Clone)]
pub struct Identity {
    key: PrivateKey,
    seed: Zeroizing<[u8; 32]>,
}

impl Identity {
    /// A new key.
    pub fn generate<R: CryptoRng>(rng: &mut R) -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut());
        Self::of_seed(seed)
    }

    fn of_seed(seed: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        let key = PrivateKey::from_bytes(seed.as_ref()).map_err(|_| Error::Identity)?;
        Ok(Self { key, seed })
    }

    /// Reads `AGE-SECRET-KEY-PQ-1…`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let upper = text.bytes().all(|byte| !byte.is_ascii_lowercase());
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let bytes = bech32::decode("age-secret-key-pq-", &lower).filter(|_| upper);
        let mut bytes = bytes.ok_or(Error::Identity)?;
        let seed = bytes.as_slice().try_into().map(Zeroizing::new).map_err(|_| Error::Identity);
        bytes.zeroize();
        Self::of_seed(seed?)
    }

    /// The text form: a secret.
    pub fn to_secret(&self) -> Zeroizing<String> {
        let text = bech32::encode("age-secret-key-pq-", self.seed.as_ref());
        Zeroizing::new(text.to_ascii_uppercase())
    }

    /// The public half.
    pub fn recipient(&self) -> Recipient {
        Recipient(<Kem as hpke::Kem>::sk_to_pk(&self.key))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

/// Seals to every recipient.
///
/// *Errors*: [`Error::Recipients`] for none or more than the limit.
pub fn seal<R: CryptoRng>(
    plaintext: &[u8],
    recipients: &[Recipient],
    rng: &mut R,
) -> Result<Vec<u8>, Error> {
    if recipients.is_empty() || recipients.len() > limits::RECIPIENTS_MAX {
        return Err(Error::Recipients);
    }
    let mut file_key = Zeroizing::new([0u8; FILE_KEY_LEN]);
    rng.fill_bytes(file_key.as_mut());
    let mut stanzas = Vec::with_capacity(padded(recipients.len()));
    for recipient in recipients {
        stanzas.push(stanza(recipient, file_key.as_ref(), rng)?);
    }
    while stanzas.len() < padded(recipients.len()) {
        let nobody = Identity::generate(rng)?.recipient();
        stanzas.push(stanza(&nobody, file_key.as_ref(), rng)?);
    }
    let order = crate::slip::shuffled(stanzas.len(), rng);
    let stanzas: Vec<_> = order.iter().filter_map(|place| stanzas.get(*place).cloned()).collect();
    finish(file_key.as_ref(), &stanzas, plaintext, rng)
}

/// A whole file from its file key and stanzas.
fn finish<R: CryptoRng>(
    file_key: &[u8],
    stanzas: &[String],
    plaintext: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(sealed_len(plaintext.len(), stanzas.len()));
    out.extend_from_slice(INTRO.as_bytes());
    out.push(b'\n');
    for stanza in stanzas {
        out.extend_from_slice(stanza.as_bytes());
    }
    out.extend_from_slice(b"---");
    let mac = header_mac(file_key, &out)?.finalize().into_bytes();
    out.extend_from_slice(format!(" {}\n", STANDARD_NO_PAD.encode(mac)).as_bytes());
    let mut nonce = [0; 16];
    rng.fill_bytes(&mut nonce);
    out.extend_from_slice(&nonce);
    seal_body(&body_key(file_key, &nonce)?, plaintext, &mut out)?;
    Ok(out)
}

fn sealed_len(plaintext: usize, stanzas: usize) -> usize {
    plaintext + (plaintext / CHUNK + 1) * TAG + stanzas * 1_600 + 128
}

fn stanza<R: CryptoRng>(
    recipient: &Recipient,
    file_key: &[u8],
    rng: &mut R,
) -> Result<String, Error> {
    let (enc, body) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeS::Base,
        &recipient.0,
        INFO,
        file_key,
        &[],
        rng,
    )
    .map_err(|_| Error::Recipient)?;
    let (enc, body) = (STANDARD_NO_PAD.encode(enc.to_bytes()), STANDARD_NO_PAD.encode(body));
    // 32 bytes are 43 characters: one short line, as the format asks for the last one.
    Ok(format!("-> {STANZA} {enc}\n{body}\n"))
}

fn header_mac(file_key: &[u8], header: &[u8]) -> Result<Hmac<Sha256>, Error> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, file_key)
        .expand(b"header", key.as_mut())
        .map_err(|_| Error::Header)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_ref()).map_err(|_| Error::Header)?;
    mac.update(header);
    Ok(mac)
}

fn body_key(file_key: &[u8], nonce: &[u8]) -> Result<LessSafeKey, Error> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(nonce), file_key)
        .expand(b"payload", key.as_mut())
        .map_err(|_| Error::Body)?;
    let key = UnboundKey::new(&aead::CHACHA20_POLY1305, key.as_ref()).map_err(|_| Error::Body)?;
    Ok(LessSafeKey::new(key))
}

/// STREAM's nonce: 11 bytes of counter and the flag of the last chunk.
fn nonce(counter: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    for (slot, byte) in bytes.iter_mut().skip(3).zip(counter.to_be_bytes()) {
        *slot = byte;
    }
    if let Some(flag) = bytes.last_mut() {
        *flag = u8::from(last);
    }
    Nonce::assume_unique_for_key(bytes)
}

fn seal_body(key: &LessSafeKey, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let chunks = plaintext.len().div_ceil(CHUNK).max(1);
    for counter in 0..chunks {
        let start = counter * CHUNK;
        let end = (start + CHUNK).min(plaintext.len());
        let chunk = plaintext.get(start..end).unwrap_or_default();
        let from = out.len();
        out.extend_from_slice(chunk);
        let nonce = nonce(counter as u64, counter + 1 == chunks);
        let sealed = out.get_mut(from..).ok_or(Error::Body)?;
        let tag =
            key.seal_in_place_separate_tag(nonce, Aad::empty(), sealed).map_err(|_| Error::Body)?;
        out.extend_from_slice(tag.as_ref());
    }
    Ok(())
}

/// Opens with the first identity that fits.
///
/// *Errors*: [`Error::NotForUs`] when none does; the others for damage. Work is bounded by 1,024
/// stanzas and the bytes handed in.
pub fn open(sealed: &[u8], identities: &[Identity]) -> Result<Vec<u8>, Error> {
    let header = read_header(sealed)?;
    // Only hybrid recipients are written or accepted.
    let stanzas = header.stanzas.iter().map(hybrid).collect::<Option<Vec<_>>>();
    let stanzas = stanzas.ok_or(Error::Header)?;
    for (identity, stanza) in
        identities.iter().flat_map(|identity| stanzas.iter().map(move |stanza| (identity, stanza)))
    {
        if let Some(file_key) = unwrap(identity, stanza)? {
            return open_with(&file_key, &header);
        }
    }
    Err(Error::NotForUs)
}

/// Encapsulated key and wrapped file key of a hybrid stanza.
fn hybrid<'a>(stanza: &'a Stanza<'a>) -> Option<(Vec<u8>, &'a [u8])> {
    match stanza.words.as_slice() {
        [STANZA, enc] => {
            let enc = unpadded(enc).filter(|enc| enc.len() == 1_120)?;
            Some((enc, &stanza.body))
        }
        _ => None,
    }
}

fn open_with(file_key: &[u8], header: &Header<'_>) -> Result<Vec<u8>, Error> {
    header_mac(file_key, header.signed)?.verify_slice(&header.mac).map_err(|_| Error::Header)?;
    let (nonce, body) = header.rest.split_first_chunk::<16>().ok_or(Error::Header)?;
    open_body(&body_key(file_key, nonce)?, body)
}

struct Stanza<'a> {
    words: Vec<&'a str>,
    body: Vec<u8>,
}

struct Header<'a> {
    stanzas: Vec<Stanza<'a>>,
    signed: &'a [u8],
    mac: Vec<u8>,
    rest: &'a [u8],
}

fn read_header(sealed: &[u8]) -> Result<Header<'_>, Error> {
    let mut at = 0;
    let mut stanzas = Vec::new();
    if next_line(sealed, &mut at)? != INTRO {
        return Err(Error::Header);
    }
    loop {
        let start = at;
        let line = next_line(sealed, &mut at)?;
        if let Some(mac) = line.strip_prefix("--- ") {
            let signed = sealed.get(..start + 3).ok_or(Error::Header)?;
            let mac = unpadded(mac).filter(|mac| mac.len() == 32).ok_or(Error::Header)?;
            let rest = sealed.get(at..).unwrap_or_default();
            if stanzas.is_empty() {
                return Err(Error::Header);
            }
            return Ok(Header { stanzas, signed, mac, rest });
        }
        if stanzas.len() >= STANZAS_MAX {
            return Err(Error::Header);
        }
        let words = line.strip_prefix("-> ").ok_or(Error::Header)?.split(' ').collect();
        let body = unpadded(next_line(sealed, &mut at)?).ok_or(Error::Header)?;
        if body.len() != FILE_KEY_LEN + TAG {
            return Err(Error::Header);
        }
        stanzas.push(Stanza { words, body });
    }
}

fn next_line<'a>(sealed: &'a [u8], at: &mut usize) -> Result<&'a str, Error> {
    let rest = sealed.get(*at..).unwrap_or_default();
    let end = rest.iter().take(4_096).position(|byte| *byte == b'\n').ok_or(Error::Header)?;
    *at += end + 1;
    rest.get(..end).and_then(|line| std::str::from_utf8(line).ok()).ok_or(Error::Header)
}

fn unpadded(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    (STANDARD_NO_PAD.encode(&bytes) == text).then_some(bytes)
}

/// The file key, where the stanza is to this identity.
///
/// *Errors*: [`Error::Header`] for a low-order X25519 point, which would give a shared secret that
/// anyone knows; the crates take it.
fn unwrap(
    identity: &Identity,
    (enc, body): &(Vec<u8>, &[u8]),
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let point = enc.get(1_088..).and_then(|point| <[u8; 32]>::try_from(point).ok());
    let point = MontgomeryPoint(point.ok_or(Error::Header)?);
    if point.mul_clamped([1; 32]).to_bytes() == [0; 32] {
        return Err(Error::Header);
    }
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(enc).map_err(|_| Error::Header)?;
    let file_key = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        &identity.key,
        &enc,
        INFO,
        body,
        &[],
    );
    Ok(file_key.ok().filter(|key| key.len() == FILE_KEY_LEN).map(Zeroizing::new))
}

fn open_body(key: &LessSafeKey, body: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(body.len());
    let chunks = body.len().div_ceil(CHUNK + TAG).max(1);
    for counter in 0..chunks {
        let start = counter * (CHUNK + TAG);
        let end = (start + CHUNK + TAG).min(body.len());
        let chunk = body.get(start..end).unwrap_or_default();
        // Only a whole plaintext may be empty, and only in its one chunk.
        if chunk.len() < TAG || (chunk.len() == TAG && counter > 0) {
            return Err(Error::Body);
        }
        let from = out.len();
        out.extend_from_slice(chunk);
        let nonce = nonce(counter as u64, counter + 1 == chunks);
        let opened = out.get_mut(from..).ok_or(Error::Body)?;
        let plain = key.open_in_place(nonce, Aad::empty(), opened).map_err(|_| Error::Body)?;
        let len = plain.len();
        out.truncate(from + len);
    }
    Ok(out)
}

const SCRYPT: &str = "scrypt";
const SCRYPT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
/// The largest work factor that is read: about 4 GiB of memory.
const SCRYPT_LOG_N_MAX: u8 = 22;

/// Seals to a passphrase, with `2^log_n` rounds of scrypt.
pub fn seal_passphrase<R: CryptoRng>(
    plaintext: &[u8],
    passphrase: &str,
    log_n: u8,
    rng: &mut R,
) -> Result<Vec<u8>, Error> {
    let mut file_key = Zeroizing::new([0u8; FILE_KEY_LEN]);
    rng.fill_bytes(file_key.as_mut());
    let mut salt = [0; 16];
    rng.fill_bytes(&mut salt);
    let key = passphrase_key(passphrase, &salt, log_n)?;
    let mut body = file_key.to_vec();
    let tag = key
        .seal_in_place_separate_tag(nonce(0, false), Aad::empty(), &mut body)
        .map_err(|_| Error::Header)?;
    body.extend_from_slice(tag.as_ref());
    let (salt, body) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(body));
    let stanza = format!("-> {SCRYPT} {salt} {log_n}\n{body}\n");
    finish(file_key.as_ref(), &[stanza], plaintext, rng)
}

/// Opens what [`seal_passphrase`], or stock age with a passphrase, made.
///
/// *Errors*: [`Error::NotForUs`] for another passphrase.
pub fn open_passphrase(sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, Error> {
    let header = read_header(sealed)?;
    let [stanza] = header.stanzas.as_slice() else { return Err(Error::Header) };
    let [SCRYPT, salt, log_n] = stanza.words.as_slice() else { return Err(Error::Header) };
    let salt = unpadded(salt).filter(|salt| salt.len() == 16).ok_or(Error::Header)?;
    // Without a sign or a leading zero: other readers would take such a number for another one.
    let log_n = crate::payload::number(log_n).and_then(|log_n| u8::try_from(log_n).ok());
    let log_n = log_n.ok_or(Error::Header)?;
    let key = passphrase_key(passphrase, &salt, log_n)?;
    let mut body = Zeroizing::new(stanza.body.clone());
    let file_key =
        key.open_in_place(nonce(0, false), Aad::empty(), &mut body).map_err(|_| Error::NotForUs)?;
    open_with(file_key, &header)
}

fn passphrase_key(passphrase: &str, salt: &[u8], log_n: u8) -> Result<LessSafeKey, Error> {
    if !(1..=SCRYPT_LOG_N_MAX).contains(&log_n) {
        return Err(Error::Header);
    }
    let params = scrypt::Params::new(log_n, 8, 1).map_err(|_| Error::Header)?;
    let salt = [SCRYPT_LABEL, salt].concat();
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.as_bytes(), &salt, &params, key.as_mut())
        .map_err(|_| Error::Header)?;
    let key = UnboundKey::new(&aead::CHACHA20_POLY1305, key.as_ref()).map_err(|_| Error::Header)?;
    Ok(LessSafeKey::new(key))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
