//! The data folder and the lock that keeps a second daemon out of it.
//!
//! Not here: the database itself. Invariant: while a `Lock` lives, no other one on the same folder can be had; the
//! kernel gives it back when the process ends, however it ends.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::StoreError;
use crate::shell::lock;

/// The lock file; it stays when the daemon ends, only the lock on it goes.
const LOCK: &str = "tminus.lock";

/// The database's name in the folder.
const DATABASE: &str = "tminus.db";

/// Holds the folder until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Where the database of a data folder is.
pub(super) fn database(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

/// Creates the folder where it is missing, for its owner alone: audit records hold everything people wrote.
pub(super) fn create(folder: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Folder { doing: "creating the data folder", path: folder.into(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)
}

/// Puts the name of a file on the disk: after a power cut its folder knows it.
pub(super) fn sync(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Takes the folder, or names who has it.
pub(super) fn lock(folder: &Path) -> Result<Lock, StoreError> {
    let path = folder.join(LOCK);
    let failed = |doing| {
        let path = path.clone();
        move |source: std::io::Error| StoreError::Folder { doing, path, source }
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed("opening the lock file"))?;
    match lock::take(&file) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(StoreError::Locked { folder: folder.into(), process: holder(&mut file) });
        }
        Err(error) => return Err(failed("locking")(error.into())),
    }
    // The id is for the message of whoever comes second; the lock holds without it, so a full disk does not stop us here.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(Lock { _file: file })
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    // A process id has at most 10 digits; whatever else stands there is not read further.
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_by_name_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        let Err(StoreError::Locked { folder: named, process }) = lock(folder.path()) else { panic!("not refused") };
        assert_eq!((named.as_path(), process), (folder.path(), Some(std::process::id())));
        drop(first);
        lock(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error_with_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = create(&file.path().join("data")).unwrap_err().to_string();
        assert!(error.contains("creating the data folder"), "{error}");
    }
}
