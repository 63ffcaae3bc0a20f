//! The desk's own certificate, in two files that whoever renews it replaces while the desk is open.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// How long the files are taken for what they were.
const LOOK: Duration = Duration::from_secs(1);

/// Shows the certificate that stands in its files now; the last good one while they do not belong
/// together, as between the replacing of one and of the other.
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    shown: Mutex<Shown>,
}

struct Shown {
    certified: Arc<CertifiedKey>,
    /// What the files were when they were read last, good or not.
    stamp: Option<Stamp>,
    looked: Instant,
}

/// Tells one content of both files from another without reading them.
type Stamp = [(u64, i64, i64, u64); 2];

impl Files {
    /// Opens both files.
    ///
    /// *Errors*: a file that cannot be read or holds no PEM; a key of another certificate.
    pub(super) fn open(
        certificate: PathBuf,
        key: PathBuf,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self> {
        let stamp = stamp(&certificate, &key);
        let certified = Arc::new(read(&certificate, &key, provider)?);
        warn_of_readers(&key);
        let shown = Mutex::new(Shown { certified, stamp, looked: Instant::now() });
        Ok(Self { certificate, key, provider: Arc::clone(provider), shown })
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.looked.elapsed() >= LOOK {
            shown.looked = Instant::now();
            let stamp = stamp(&self.certificate, &self.key);
            if stamp != shown.stamp {
                shown.stamp = stamp;
                self.renew(&mut shown);
            }
        }
        Arc::clone(&shown.certified)
    }

    fn renew(&self, shown: &mut Shown) {
        let file = self.certificate.display();
        match read(&self.certificate, &self.key, &self.provider) {
            Ok(certified) => {
                shown.certified = Arc::new(certified);
                tracing::info!(event = "desk.certificate-renewed", %file);
                warn_of_readers(&self.key);
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(
                    event = "desk.certificate-kept", %file, error,
                    "the desk shows the one it had until both files belong together"
                );
            }
        }
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

fn stamp(certificate: &Path, key: &Path) -> Option<Stamp> {
    let of = |path: &Path| {
        let known = fs::metadata(path).ok()?;
        Some((known.ino(), known.mtime(), known.mtime_nsec(), known.len()))
    };
    Some([of(certificate)?, of(key)?])
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey> {
    let chain = chain(certificate)?;
    let no_pem = || format!("{} holds no private key in PEM that can be read", key.display());
    let key = PrivateKeyDer::from_pem_file(key).with_context(no_pem)?;
    CertifiedKey::from_der(chain, key, provider)
        .context("the certificate and the key of the desk do not belong together")
}

/// The certificates in a file, at least one.
pub(crate) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let no_pem = || format!("{} holds no certificate in PEM that can be read", path.display());
    let chain = CertificateDer::pem_file_iter(path)
        .with_context(no_pem)?
        .collect::<Result<Vec<_>, _>>()
        .with_context(no_pem)?;
    ensure!(!chain.is_empty(), no_pem());
    Ok(chain)
}

/// The key is the operator's file: who may read it is said, not changed.
fn warn_of_readers(key: &Path) {
    let open = fs::metadata(key).is_ok_and(|known| known.permissions().mode() & 0o007 != 0);
    if open {
        let mend = format!("chmod o= {}", key.display());
        tracing::warn!(event = "desk.key-open", mend, "every account of this machine may use it");
    }
}
