//! Files that only the node's own account may read: made so, and made so again where an older build
//! or a hand left them open.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Files of the data directory that the node makes itself.
const OWN: [&str; 4] = ["node.toml", "node.db", "node.db-wal", "node.db-shm"];
/// What others than the owner may do.
const OTHERS: u32 = 0o077;
/// That others may go through a directory to what lies in it.
const OTHERS_PASS: u32 = 0o011;
/// That others may write.
const OTHERS_WRITE: u32 = 0o022;

/// Makes a directory that only its owner may look into; one that is there stays.
pub(crate) fn make_dir(dir: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("{} cannot be made", dir.display()))
}

/// Takes from others what they may do with the node's files and keys, and says so in the log.
///
/// The data directory itself may be shared or made by a service manager: names may be read there.
/// Where others may write in it they could put a database of theirs in place, so that is said, with
/// the command that mends it.
pub(crate) fn tighten(dir: &Path) {
    if mode(dir).is_some_and(|mode| mode & OTHERS_WRITE != 0) {
        let mend = format!("chmod go-w {}", dir.display());
        let directory = dir.display();
        tracing::warn!(event = "directory.open", %directory, mend, "others may write in it");
    }
    let is_passed = is_passed(dir);
    OWN.iter().for_each(|name| close(&dir.join(name), 0o600, is_passed));
    close_all(&dir.join("keys"), is_passed);
}

fn is_passed(dir: &Path) -> bool {
    mode(dir).is_some_and(|mode| mode & OTHERS_PASS != 0)
}

/// `is_passed`: others could come as far as this directory.
fn close_all(dir: &Path, is_passed: bool) {
    let is_passed_itself = is_passed && self::is_passed(dir);
    close(dir, 0o700, is_passed);
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    for path in paths {
        match path.is_dir() {
            true => close_all(&path, is_passed_itself),
            false => close(&path, 0o600, is_passed_itself),
        }
    }
}

fn close(path: &Path, right: u32, could_be_reached: bool) {
    let Some(found) = mode(path).filter(|mode| mode & OTHERS != 0) else { return };
    let file = path.display();
    let was = format!("{:04o}", found & 0o7777);
    match fs::set_permissions(path, fs::Permissions::from_mode(right)) {
        // As ACME's files are, behind a directory that nobody else passes: no news.
        Ok(()) if !could_be_reached => {}
        Ok(()) => tracing::warn!(
            event = "file.closed", %file, was,
            "others could read it; take back or delete copies they may have made"
        ),
        Err(error) => tracing::error!(
            event = "file.open", %file, was, cause = %cause(&error),
            mend = format!("chown it to the node's account, or chmod go= {file}"),
        ),
    }
}

fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|known| known.permissions().mode())
}

fn cause(error: &io::Error) -> String {
    error.kind().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(path: &Path, right: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(right)).unwrap();
    }

    fn rights(path: &Path) -> u32 {
        mode(path).unwrap() & 0o7777
    }

    #[test]
    fn own_files_and_keys_are_closed_and_the_rest_of_the_directory_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let keys = dir.join("keys/acme");
        make_dir(&keys).unwrap();
        let files = ["node.db", "node.db-wal", "keys/root.age", "keys/acme/cached_cert_x"];
        for name in files {
            fs::write(dir.join(name), "").unwrap();
            set(&dir.join(name), 0o664);
        }
        fs::write(dir.join("desk.pem"), "").unwrap();
        set(&dir.join("desk.pem"), 0o644);
        set(&keys, 0o775);
        set(dir, 0o777);
        tighten(dir);
        for name in files {
            assert_eq!(rights(&dir.join(name)), 0o600, "{name}");
        }
        assert_eq!(rights(&keys), 0o700);
        assert_eq!(rights(&dir.join("desk.pem")), 0o644, "what the operator put there");
        assert_eq!(rights(dir), 0o777, "others' directory: the log says so");
    }
}
