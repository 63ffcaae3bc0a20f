//! What is made of files that whoever renews them replaces while a door is open.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;

/// How long the files are taken for what they were.
const LOOK: Duration = Duration::from_secs(1);

/// What stands in its files now; the last good one while nothing can be made of them, as between
/// the replacing of a certificate and of its key.
pub(super) struct Watched<T> {
    files: Vec<PathBuf>,
    make: Box<dyn Fn() -> Result<T> + Send + Sync>,
    held: Mutex<Held<T>>,
}

struct Held<T> {
    value: Arc<T>,
    /// What the files were when they were read last, good or not.
    stamps: Vec<Option<Stamp>>,
    looked: Instant,
}

/// Tells one content of a file from another without reading it: inode, time and length.
type Stamp = (u64, i64, i64, u64);

impl<T> Watched<T> {
    /// Makes it from the files for the first time.
    ///
    /// *Errors*: those of `make`.
    pub(super) fn open(
        files: Vec<PathBuf>,
        make: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        // Before they are read: what is replaced meanwhile is read once more.
        let stamps = stamps(&files);
        let held = Held { value: Arc::new(make()?), stamps, looked: Instant::now() };
        Ok(Self { files, make: Box::new(make), held: Mutex::new(held) })
    }

    /// What is to be used now.
    pub(super) fn current(&self) -> Arc<T> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.looked.elapsed() >= LOOK {
            held.looked = Instant::now();
            let stamps = stamps(&self.files);
            if stamps != held.stamps {
                held.stamps = stamps;
                self.renew(&mut held);
            }
        }
        Arc::clone(&held.value)
    }

    fn renew(&self, held: &mut Held<T>) {
        let files: Vec<_> = self.files.iter().map(|file| file.display().to_string()).collect();
        let files = files.join(", ");
        match (self.make)() {
            Ok(value) => {
                held.value = Arc::new(value);
                tracing::info!(event = "tls.files-renewed", files);
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(
                    event = "tls.files-kept",
                    files,
                    error,
                    "the desk goes on with what it read before, until the files can be used"
                );
            }
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let of = |path: &Path| {
        let known = fs::metadata(path).ok()?;
        Some((known.ino(), known.mtime(), known.mtime_nsec(), known.len()))
    };
    files.iter().map(|path| of(path)).collect()
}
