//! A node's private keys: made from seeds, kept as secrets, rotated by epoch.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, ML_DSA_44_SIGNING, PqdsaKeyPair};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Draft, Error, KeyStatement};
use crate::{
    note::{KeyKind, VerifierKey, signature_line},
    seal::Identity,
    terms::{Digest, NodeName, Timestamp},
};

/// A private key as it is kept: a name for the file, and the secret text.
pub struct SecretFile {
    /// Such as `sign-3`, `seal-3`, by epoch; `root`, `ledger`.
    pub name: String,
    /// The secret.
    pub secret: Zeroizing<Vec<u8>>,
}

/// One role's pair of signing keys.
struct Pair {
    seeds: Zeroizing<[u8; 64]>,
    ed25519: Ed25519KeyPair,
    ml_dsa: PqdsaKeyPair,
    verifiers: [VerifierKey; 2],
}

impl Pair {
    fn generate<R: CryptoRng>(name: &str, kind: KeyKind, rng: &mut R) -> Result<Self, Error> {
        let mut seeds = Zeroizing::new([0; 64]);
        rng.fill_bytes(seeds.as_mut());
        Self::of_seeds(name, kind, seeds)
    }

    fn of_seeds(name: &str, kind: KeyKind, seeds: Zeroizing<[u8; 64]>) -> Result<Self, Error> {
        let (first, second) = seeds.split_at(32);
        let ed25519 = Ed25519KeyPair::from_seed_unchecked(first).map_err(|_| Error::Crypto)?;
        let ml_dsa =
            PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, second).map_err(|_| Error::Crypto)?;
        let key = |kind, bytes: &[u8]| VerifierKey::new(name, kind, bytes);
        let verifiers = [
            key(KeyKind::Ed25519, ed25519.public_key().as_ref()).map_err(|_| Error::Crypto)?,
            key(kind, ml_dsa.public_key().as_ref()).map_err(|_| Error::Crypto)?,
        ];
        Ok(Self { seeds, ed25519, ml_dsa, verifiers })
    }

    fn sign_ed25519(&self, message: &[u8]) -> Vec<u8> {
        self.ed25519.sign(message).as_ref().to_vec()
    }

    fn sign_ml_dsa(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; ML_DSA_44_SIGNING.signature_len()];
        self.ml_dsa.sign(message, &mut signature).map_err(|_| Error::Crypto)?;
        Ok(signature)
    }

    fn lines(&self, text: &str) -> Result<String, Error> {
        let [ed25519, ml_dsa] = &self.verifiers;
        let mut lines = signature_line(ed25519, &self.sign_ed25519(text.as_bytes()));
        lines.push_str(&signature_line(ml_dsa, &self.sign_ml_dsa(text.as_bytes())?));
        Ok(lines)
    }
}

/// The private keys of a node in its present epoch, with the statement that announces them.
pub struct NodeKeys {
    root: Option<Pair>,
    sign: Pair,
    ledger: Pair,
    /// The present one first, then the retired ones that still open what is under way.
    seal: Vec<Identity>,
    /// The epoch of each of them.
    seal_epochs: Vec<u32>,
    statement: KeyStatement,
}

impl NodeKeys {
    /// The first keys of a node: epoch 0.
    pub fn generate<R: CryptoRng>(
        node: &NodeName,
        tls: &[Digest],
        from: Timestamp,
        until: Timestamp,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let root = Pair::generate(&format!("{node}/root"), KeyKind::MlDsa44, rng)?;
        let sign = Pair::generate(node.as_str(), KeyKind::MlDsa44, rng)?;
        let ledger = Pair::generate(&format!("{node}/ledger"), KeyKind::Cosigner, rng)?;
        let seal = vec![Identity::generate(rng)?];
        let draft = Draft {
            node,
            epoch: 0,
            from,
            until,
            prev: Digest::ZERO,
            root: &root.verifiers,
            sign: &sign.verifiers,
            ledger: &ledger.verifiers,
            seal: seal.iter().map(Identity::recipient).collect(),
            tls,
        };
        let statement = announce(&draft.text(), &[&root, &sign], &ledger)?;
        Ok(Self { root: Some(root), sign, ledger, seal, seal_epochs: vec![0], statement })
    }

    /// The next epoch: new sign keys signed by the present ones, a new seal key in front of the
    /// retired ones, the same root and ledger keys.
    ///
    /// *Errors*: [`Error::Private`] while the root key is away.
    pub fn rotated<R: CryptoRng>(
        &self,
        tls: &[Digest],
        from: Timestamp,
        until: Timestamp,
        rng: &mut R,
    ) -> Result<Self, Error> {
        let held = self.root.as_ref().ok_or(Error::Private("root"))?;
        let node = self.statement.node();
        let root = Pair::of_seeds(&format!("{node}/root"), KeyKind::MlDsa44, held.seeds.clone())?;
        let sign = Pair::generate(node.as_str(), KeyKind::MlDsa44, rng)?;
        let ledger = Pair::of_seeds(
            &format!("{node}/ledger"),
            KeyKind::Cosigner,
            self.ledger.seeds.clone(),
        )?;
        let mut seal = vec![Identity::generate(rng)?];
        seal.extend(self.seal.iter().cloned());
        let epoch = self.statement.epoch().saturating_add(1);
        let seal_epochs = std::iter::once(epoch).chain(self.seal_epochs.iter().copied()).collect();
        let draft = Draft {
            node,
            epoch,
            from,
            until,
            prev: self.statement.fingerprint(),
            root: &root.verifiers,
            sign: &sign.verifiers,
            ledger: &ledger.verifiers,
            seal: seal.iter().take(1).map(Identity::recipient).collect(),
            tls,
        };
        let statement = announce(&draft.text(), &[&root, &self.sign, &sign], &ledger)?;
        Ok(Self { root: Some(root), sign, ledger, seal, seal_epochs, statement })
    }

    /// The same keys without the retired seal keys of some epochs, which open nothing any more.
    pub fn without_seals(&self, dead: &[u32]) -> Result<Self, Error> {
        let files = self.to_files().into_iter().filter(|file| {
            let epoch = file.name.strip_prefix("seal-").and_then(|epoch| epoch.parse().ok());
            epoch.is_none_or(|epoch: u32| !dead.contains(&epoch))
        });
        Self::from_files(self.statement.note(), &files.collect::<Vec<_>>())
    }

    /// The epochs of the retired seal keys that are still here, newest first.
    pub fn retired_seals(&self) -> &[u32] {
        self.seal_epochs.get(1..).unwrap_or_default()
    }

    /// The note by which the root revokes the present epoch, but for what stands in the ledger
    /// below `size`.
    ///
    /// *Errors*: [`Error::Private`] while the root key is away.
    pub fn revoke(&self, size: u64, now: Timestamp) -> Result<Vec<u8>, Error> {
        let root = self.root.as_ref().ok_or(Error::Private("root"))?;
        let text = super::revocation::text(&self.statement, size, now);
        Ok(format!("{text}\n{}", root.lines(&text)?).into_bytes())
    }

    /// The key statement of this epoch.
    pub fn statement(&self) -> &KeyStatement {
        &self.statement
    }

    /// The private seal keys, the present one first.
    pub fn seal_identities(&self) -> &[Identity] {
        &self.seal
    }

    /// Signs a text with both sign keys, as a note.
    pub fn sign_note(&self, text: &str) -> Result<Vec<u8>, Error> {
        Ok(format!("{text}\n{}", self.sign.lines(text)?).into_bytes())
    }

    /// Signs a checkpoint's text: Ed25519 over the note, and the ledger's own cosignature.
    pub(crate) fn sign_checkpoint(
        &self,
        text: &str,
        cosigned: &[u8],
        seconds: u64,
    ) -> Result<Vec<u8>, Error> {
        let [ed25519, cosigner] = &self.ledger.verifiers;
        let mut stamped = seconds.to_be_bytes().to_vec();
        stamped.extend_from_slice(&self.ledger.sign_ml_dsa(cosigned)?);
        let lines = [
            signature_line(ed25519, &self.ledger.sign_ed25519(text.as_bytes())),
            signature_line(cosigner, &stamped),
        ];
        Ok(format!("{text}\n{}", lines.concat()).into_bytes())
    }

    /// Everything secret, one file for each key.
    pub fn to_files(&self) -> Vec<SecretFile> {
        let mut files = Vec::new();
        let sign = format!("sign-{}", self.statement.epoch());
        let pairs = [
            ("root", self.root.as_ref()),
            (sign.as_str(), Some(&self.sign)),
            ("ledger", Some(&self.ledger)),
        ];
        for (name, pair) in pairs {
            if let Some(pair) = pair {
                let secret = Zeroizing::new(hex::encode(pair.seeds.as_ref()).into_bytes());
                files.push(SecretFile { name: name.to_owned(), secret });
            }
        }
        for (epoch, identity) in self.seal_epochs.iter().zip(&self.seal) {
            let secret = Zeroizing::new(identity.to_secret().as_bytes().to_vec());
            files.push(SecretFile { name: format!("seal-{epoch}"), secret });
        }
        files
    }

    /// Takes the keys back from their files and the statement that announces them. The root may be
    /// away; a seal key that the statement names may not.
    ///
    /// *Errors*: [`Error::Private`] names the file that is missing or not the statement's.
    pub fn from_files(statement: &[u8], files: &[SecretFile]) -> Result<Self, Error> {
        let statement = KeyStatement::parse(statement)?;
        let node = statement.node();
        let epoch = statement.epoch();
        let root = pair(files, ("root", "root"), &format!("{node}/root"), KeyKind::MlDsa44)?;
        let sign_file = format!("sign-{epoch}");
        let sign = pair(files, (&sign_file, "sign"), node.as_str(), KeyKind::MlDsa44)?
            .ok_or(Error::Private("sign"))?;
        let name = format!("{node}/ledger");
        let ledger = pair(files, ("ledger", "ledger"), &name, KeyKind::Cosigner)?
            .ok_or(Error::Private("ledger"))?;
        let (mut seal, mut seal_epochs) = (Vec::new(), Vec::new());
        let mut numbered: Vec<(u32, &SecretFile)> = files
            .iter()
            .filter_map(|file| Some((file.name.strip_prefix("seal-")?.parse().ok()?, file)))
            .collect();
        // A later epoch's key lies there before it is announced.
        numbered.retain(|(number, _)| *number <= epoch);
        numbered.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        for (number, file) in numbered {
            seal_epochs.push(number);
            let text = std::str::from_utf8(&file.secret).map_err(|_| Error::Private("seal"))?;
            seal.push(Identity::parse(text).map_err(|_| Error::Private("seal"))?);
        }
        if sign.verifiers != *statement.sign() {
            return Err(Error::Private("sign"));
        }
        if ledger.verifiers != *statement.ledger() {
            return Err(Error::Private("ledger"));
        }
        let named = statement.seal().first();
        if seal.first().map(Identity::recipient).as_ref() != named {
            return Err(Error::Private("seal"));
        }
        Ok(Self { root, sign, ledger, seal, seal_epochs, statement })
    }
}

fn announce(text: &str, signers: &[&Pair], ledger: &Pair) -> Result<KeyStatement, Error> {
    let mut note = format!("{text}\n");
    for pair in signers {
        note.push_str(&pair.lines(text)?);
    }
    let [ed25519, _] = &ledger.verifiers;
    note.push_str(&signature_line(ed25519, &ledger.sign_ed25519(text.as_bytes())));
    KeyStatement::parse(note.as_bytes())
}

fn pair(
    files: &[SecretFile],
    (file, role): (&str, &'static str),
    name: &str,
    kind: KeyKind,
) -> Result<Option<Pair>, Error> {
    let Some(found) = files.iter().find(|found| found.name == file) else { return Ok(None) };
    let mut seeds = Zeroizing::new([0; 64]);
    hex::decode_to_slice(found.secret.as_slice(), seeds.as_mut())
        .map_err(|_| Error::Private(role))?;
    Pair::of_seeds(name, kind, seeds).map(Some)
}

impl std::fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeKeys of {} epoch {}", self.statement.node(), self.statement.epoch())
    }
}
