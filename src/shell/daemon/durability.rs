//! Whether decisions can be made durable now, and why not.
//!
//! It hears of every write that failed, and looks at the file system in between, so that a full disk is known before
//! somebody's order is refused. Not here: what is done about it; the loop goes on and refuses.
//! Invariant: after a failed write it is trouble until a write of about a decision's size has gone through.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statvfs};

use crate::shell::store::StoreError;

/// The try that ends the trouble: larger than the compressed snapshot of most decisions, gone at once.
const TRY_BYTES: usize = 1 << 20;

/// The file of that try, in the data folder.
const TRY_FILE: &str = "try-to-write";

/// See the module.
pub(super) struct Durability {
    folder: PathBuf,
    trouble: Option<Trouble>,
}

struct Trouble {
    sentence: String,
    /// Whether it may end without anybody doing anything to this process.
    passing: bool,
}

impl Durability {
    pub(super) fn of(folder: &Path) -> Self {
        // Left behind when the process was killed in the middle of a try.
        let _ = std::fs::remove_file(folder.join(TRY_FILE));
        Self { folder: folder.into(), trouble: None }
    }

    /// A write failed.
    pub(super) fn failed(&mut self, error: &StoreError) {
        if let StoreError::NotOpen { .. } | StoreError::TooMuch { .. } = error {
            // The store refused what was asked; it could have written.
            return;
        }
        self.trouble = Some(Trouble { sentence: error.to_string(), passing: error.is_passing() });
    }

    /// A decision was made durable; with that, what looked lasting is over as well.
    pub(super) fn written(&mut self) {
        self.trouble = self.trouble.take().filter(|trouble| trouble.passing);
    }

    /// Why nothing can be made durable now; looks again, at the price of one system call while all is well.
    pub(super) fn look(&mut self) -> Option<String> {
        match &self.trouble {
            None => self.trouble = no_room(&self.folder).map(|sentence| Trouble { sentence, passing: true }),
            Some(trouble) if trouble.passing && self.can_write() => {
                tracing::info!("decisions can be made durable again");
                self.trouble = None;
            }
            Some(_) => {}
        }
        self.trouble.as_ref().map(|trouble| trouble.sentence.clone())
    }

    fn can_write(&self) -> bool {
        let path = self.folder.join(TRY_FILE);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&vec![0; TRY_BYTES])?;
            file.sync_all()
        });
        let removed = std::fs::remove_file(&path);
        written.is_ok() && removed.is_ok()
    }
}

/// Whether the file system says by itself that there is no room. What cannot be asked is left to the next write.
fn no_room(folder: &Path) -> Option<String> {
    let found = statvfs(folder).ok()?;
    if found.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Some(format!("the file system of {} is read-only; mount it writable", folder.display()));
    }
    // Some file systems have no size of their own and say 0 of 0.
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let full = found.f_blocks > 0 && free < TRY_BYTES as u64;
    full.then(|| format!("the disk of {} has only {free} bytes free; free some space", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_lasts_until_a_write_goes_through() {
        let folder = tempfile::tempdir().unwrap();
        let mut durability = Durability::of(folder.path());
        assert_eq!(durability.look(), None);
        durability.failed(&StoreError::NotOpen { key: "k".into(), state: None });
        assert_eq!(durability.look(), None, "a refusal is no trouble of the disk");
        // A folder in the place of the file: nothing can be written there.
        std::fs::create_dir(folder.path().join(TRY_FILE)).unwrap();
        durability.failed(&StoreError::DiskFull);
        assert!(durability.look().unwrap().contains("is full"));
        durability.written();
        assert!(durability.look().is_some(), "a small write says nothing of a large one");
        std::fs::remove_dir(folder.path().join(TRY_FILE)).unwrap();
        assert_eq!(durability.look(), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the try leaves nothing behind");
    }

    #[test]
    fn damage_does_not_pass_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let mut durability = Durability::of(folder.path());
        durability.failed(&StoreError::Damaged("page 7".into()));
        assert!(durability.look().is_some() && durability.look().is_some());
        durability.written();
        assert_eq!(durability.look(), None);
    }
}
