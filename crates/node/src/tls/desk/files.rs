//! The desk's own certificate, in two files that whoever renews it replaces while the desk is open.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::tls::watched::Watched;

/// Shows the certificate that stands in its files now.
pub(super) struct Files(Watched<CertifiedKey>);

impl Files {
    /// Opens both files.
    ///
    /// *Errors*: a file that cannot be read or holds no PEM; a key of another certificate.
    pub(super) fn open(
        certificate: PathBuf,
        key: PathBuf,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self> {
        let (files, provider) = (vec![certificate.clone(), key.clone()], Arc::clone(provider));
        Watched::open(files, move || read(&certificate, &key, &provider)).map(Self)
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current())
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey> {
    let chain = chain(certificate)?;
    let no_pem = || format!("{} holds no private key in PEM that can be read", key.display());
    let private = PrivateKeyDer::from_pem_file(key).with_context(no_pem)?;
    let certified = CertifiedKey::from_der(chain, private, provider)
        .context("the certificate and the key of the desk do not belong together")?;
    warn_of_readers(key);
    Ok(certified)
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
