//! What can be seen of files without reading them: enough to tell whether they changed.
//!
//! Size, times and the file behind a name: an editor that renames over, a symbolic link that is turned, a file that was
//! written in place all leave a trace in one of them. Invariant: nothing is opened.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files;
use crate::shell::data::Finding;

/// What can be seen of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// There is something.
    Seen {
        /// Device and number of what stands behind the name.
        file: (u64, u64),
        /// Its size in bytes.
        size: u64,
        /// When it was written, in seconds and nanoseconds.
        modified: (i64, i64),
        /// When anything about it changed: a writer may set the time of writing, not this one.
        changed: (i64, i64),
    },
    /// It cannot be looked at.
    Unseen(std::io::ErrorKind),
}

/// What can be seen of many files and folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prints {
    files: BTreeMap<PathBuf, Print>,
    /// Folders that could not be looked into.
    blind: Vec<Finding>,
}

impl Prints {
    /// Looks at every document below the paths, and at the files they are read with.
    pub fn of<'p>(paths: &[PathBuf], beside: impl IntoIterator<Item = &'p PathBuf>) -> Self {
        let (found, blind) = files::found(paths);
        let all = found.into_iter().chain(beside.into_iter().cloned());
        Self { files: all.map(|path| (path.clone(), print(&path))).collect(), blind }
    }

    /// Whether something that was there then is not there now, or cannot be looked at.
    pub fn lacks(&self, then: &Self) -> bool {
        let is_seen = |path: &PathBuf| matches!(self.files.get(path), Some(Print::Seen { .. }));
        let was_seen = then.files.iter().filter(|(_, print)| matches!(print, Print::Seen { .. }));
        was_seen.map(|(path, _)| path).any(|path| !is_seen(path)) || self.blind.len() > then.blind.len()
    }
}

fn print(path: &Path) -> Print {
    match fs::metadata(path) {
        Ok(found) => Print::Seen {
            file: (found.dev(), found.ino()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        },
        Err(error) => Print::Unseen(error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: &str, change: impl Fn(&Path), (differs, lacks): (bool, bool)) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("..one")).unwrap();
        fs::create_dir(root.join("..two")).unwrap();
        for name in ["..one/a.yaml", "..two/a.yaml", "b.yaml", "note.txt", "curve.csv"] {
            fs::write(root.join(name), "same").unwrap();
        }
        std::os::unix::fs::symlink("..one", root.join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
        let look = || Prints::of(std::slice::from_ref(&root), &[root.join("curve.csv")]);
        let before = look();
        assert_eq!(before.files.len(), 3, "{before:?}");
        assert_eq!(before, look(), "nothing happened");
        change(&root);
        let after = look();
        assert_eq!((after != before, after.lacks(&before)), (differs, lacks), "{what}");
    }

    #[test]
    fn every_way_of_changing_a_file_is_seen_without_opening_it() {
        check("another file is no document", |root| fs::write(root.join("note.txt"), "x").unwrap(), (false, false));
        check("written in place", |root| fs::write(root.join("b.yaml"), "more").unwrap(), (true, false));
        check("a curve", |root| fs::write(root.join("curve.csv"), "longer").unwrap(), (true, false));
        check("added", |root| fs::write(root.join("c.yaml"), "same").unwrap(), (true, false));
        check("removed", |root| fs::remove_file(root.join("b.yaml")).unwrap(), (true, true));
        let rename = |root: &Path| {
            fs::write(root.join(".b.swp"), "same").unwrap();
            fs::rename(root.join(".b.swp"), root.join("b.yaml")).unwrap();
        };
        check("renamed over with the same text", rename, (true, false));
        let turned = |root: &Path| {
            std::os::unix::fs::symlink("..two", root.join("..new")).unwrap();
            fs::rename(root.join("..new"), root.join("..data")).unwrap();
        };
        check("a link of a volume is turned", turned, (true, false));
        check("the folder goes", |root| fs::rename(root, root.with_extension("gone")).unwrap(), (true, true));
    }

    #[test]
    fn a_time_of_writing_that_is_set_back_hides_nothing() {
        let back = |root: &Path| {
            let path = root.join("b.yaml");
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            fs::write(&path, "four").unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
        };
        check("same size, same time", back, (true, false));
    }
}
