//! The planted bugs: whether each can still be planted, and whether what is written of them is about them.
//!
//! That seeds find them is shown by `tests/long/bugs`. Invariant: nothing here needs git or anything else beside Rust.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Fewer would prove little.
const LEAST: usize = 15;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn patches() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/simulator/bugs")).unwrap();
    let mut patches: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    patches.sort();
    patches
}

/// The files of a patch, each with its hunks: the lines that must stand there for it to apply.
fn hunks(patch: &str) -> Vec<(String, Vec<String>)> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for line in patch.lines().skip_while(|line| !line.starts_with("--- ")) {
        if let Some(path) = line.strip_prefix("--- a/") {
            files.push((path.to_owned(), Vec::new()));
        } else if line.starts_with("@@ ") {
            files.last_mut().unwrap().1.push(String::new());
        } else if let Some(kept) = line.strip_prefix(' ').or_else(|| line.strip_prefix('-'))
            && let Some(hunk) = files.last_mut().and_then(|file| file.1.last_mut())
        {
            hunk.push_str(kept);
            hunk.push('\n');
        }
    }
    files
}

#[test]
fn every_planted_bug_still_applies() {
    let mut stale = Vec::new();
    for path in patches() {
        let files = hunks(&fs::read_to_string(&path).unwrap());
        assert!(files.iter().any(|(_, hunks)| !hunks.is_empty()), "{} changes nothing", path.display());
        for (file, hunks) in files {
            assert!(file.starts_with("src/core/"), "{} plants its bug outside of the core: {file}", path.display());
            let text = fs::read_to_string(root().join(&file)).unwrap_or_default();
            if hunks.iter().any(|hunk| !text.contains(hunk.as_str())) {
                stale.push(format!("{} ({file})", path.file_name().unwrap().display()));
            }
        }
    }
    assert!(
        stale.is_empty(),
        "the code around these planted bugs has changed, so they do not apply any more:\n{}\nPlant each anew: make the same \
         mistake in the code as it is now, write `git diff` under the first line of its patch, take it back, and run \
         `tests/long/bugs --write`.",
        stale.join("\n")
    );
}

#[test]
fn what_was_found_is_written_of_every_planted_bug_and_of_no_other() {
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let planted: BTreeSet<String> = patches().iter().map(name).collect();
    assert!(planted.len() >= LEAST, "{} bugs are planted", planted.len());
    let found = fs::read_to_string(root().join("tests/simulator/FOUND.md")).unwrap();
    let rows = found.lines().filter_map(|line| line.strip_prefix("| [")?.split_once(']'));
    let written: BTreeSet<String> = rows.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(written, planted, "`tests/long/bugs --write` writes tests/simulator/FOUND.md anew");
    for path in patches() {
        let what = fs::read_to_string(&path).unwrap().lines().next().unwrap_or_default().to_owned();
        assert!(what.ends_with('.') && found.contains(&what), "{}: {what:?} is not what FOUND.md says", path.display());
    }
}
