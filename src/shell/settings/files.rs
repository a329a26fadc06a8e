//! Paths -> texts: files as given, folders walked for `*.yaml` and `*.yml` in the order of their names.
//!
//! What a person names is read wherever its links lead. Below a named folder a link is followed only while it stays in that
//! folder: a checkout must not be able to print a file of the machine that checks it. Each folder and file is read once,
//! however many links lead to it. A file that cannot be read is a finding and never stops the others.
//! Invariant: nothing but regular files is read, and of nothing more than its limit.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::limits::{DEEPEST_FOLDER, LARGEST_FILE, LARGEST_RUN, MOST_ENTRIES, MOST_FILES};
use crate::shell::data::{Finding, Severity};

/// A text with its place in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file as findings name it.
    pub file: String,
    /// The text, without a byte order mark.
    pub text: String,
}

impl Source {
    /// Where relative paths in it start.
    pub fn folder(&self) -> &Path {
        Path::new(&self.file).parent().unwrap_or(Path::new(""))
    }
}

/// The files below the paths, each once, whatever ways lead to it, and what could not be looked into.
pub fn found(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Finding>) {
    let mut walk = Walk::default();
    for path in paths {
        walk.given(path);
    }
    (walk.files, walk.findings)
}

/// Reads everything below the paths.
pub fn read(paths: &[PathBuf]) -> (Vec<Source>, Vec<Finding>) {
    let (files, mut findings) = found(paths);
    let (mut sources, mut left) = (Vec::new(), LARGEST_RUN);
    for file in files {
        match read_file(&file) {
            Ok(source) if source.text.len() > left => {
                let told =
                    format!("the files together are larger than {} MiB, so this one and those after it", LARGEST_RUN >> 20);
                findings.push(refused(&file, "TM0111", (format!("{told} were not read"), "check fewer files at a time")));
                break;
            }
            Ok(source) => {
                left -= source.text.len();
                sources.push(source);
            }
            Err(finding) => findings.push(*finding),
        }
    }
    (sources, findings)
}

/// The same limits for texts that came another way.
pub fn fitting(sources: Vec<Source>) -> (Vec<Source>, Vec<Finding>) {
    let (fit, large): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| source.text.len() <= LARGEST_FILE);
    let too_large = |source: &Source| unreadable(Path::new(&source.file), &larger(LARGEST_FILE), "split the file");
    let unmarked = |source: Source| Source { text: without_mark(source.text), ..source };
    let findings = large.iter().map(too_large).collect();
    (fit.into_iter().map(unmarked).collect(), findings)
}

/// What a walk has met.
#[derive(Default)]
struct Walk {
    files: Vec<PathBuf>,
    findings: Vec<Finding>,
    /// Files and folders by where they really are.
    seen: BTreeSet<PathBuf>,
    entries: usize,
    /// A limit was reached: it is told once.
    full: bool,
}

impl Walk {
    /// A path that a person named.
    fn given(&mut self, path: &Path) {
        // What does not exist is told when it is read.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.enter(path, (&real, &real), 0);
    }

    /// A file or folder, with where it really is, and the folder that it must not lead out of.
    fn enter(&mut self, path: &Path, (real, root): (&Path, &Path), depth: usize) {
        if self.full || !self.seen.insert(real.to_owned()) {
            return;
        }
        if !real.is_dir() {
            return self.take(path);
        }
        if depth >= DEEPEST_FOLDER {
            let told = format!("it is more than {DEEPEST_FOLDER} folders deep");
            return self.findings.push(unreadable(path, &told, "name the folders that hold documents"));
        }
        let entries = match self.list(path) {
            Ok(entries) => entries,
            Err(error) => {
                let finding = unreadable(path, &reason(&error), "check the permissions of the folder");
                return self.findings.push(finding);
            }
        };
        for (entry, is_link) in entries {
            if is_link {
                self.follow(&entry, root, depth);
            } else {
                let real = real.join(entry.file_name().unwrap_or_default());
                self.enter(&entry, (&real, root), depth + 1);
            }
        }
    }

    fn take(&mut self, path: &Path) {
        if self.files.len() >= MOST_FILES {
            let told = format!("there are more than {MOST_FILES} files, so this one and those after it were not read");
            return self.stop(path, told);
        }
        self.files.push(path.to_owned());
    }

    /// The entries that may hold documents, by name, and whether each is a link.
    fn list(&mut self, path: &Path) -> std::io::Result<Vec<(PathBuf, bool)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                let told = format!("the folders hold more than {MOST_ENTRIES} entries, so what comes after was not read");
                self.stop(path, told);
                break;
            }
            let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let yaml = entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
            if !hidden && (yaml || kind.is_dir() || (kind.is_symlink() && entry.is_dir())) {
                entries.push((entry, kind.is_symlink()));
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// A link, as far as it stays in the folder.
    fn follow(&mut self, entry: &Path, root: &Path, depth: usize) {
        match fs::canonicalize(entry) {
            Ok(real) if real.starts_with(root) => self.enter(entry, (&real, root), depth + 1),
            Ok(_) if self.full => {}
            Ok(_) => {
                let message = "a link that leads out of the folder is not followed, so this was not read".to_owned();
                let help = "copy the file into the folder, or name it beside the folder";
                self.findings.push(refused(entry, "TM0115", (message, help)));
            }
            // A link to itself, or to nothing.
            Err(error) => self.findings.push(unreadable(entry, &reason(&error), "mend or remove the link")),
        }
    }

    fn stop(&mut self, path: &Path, told: String) {
        if !self.full {
            self.findings.push(refused(path, "TM0111", (told, "name the folders and files that hold documents")));
        }
        self.full = true;
    }
}

/// Reads a regular file of at most `most` bytes. A pipe or a device could block or never end, so it is opened without
/// waiting, and looked at before anything is read.
pub fn read_regular(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| reason(&error))?;
    let facts = file.metadata().map_err(|error| reason(&error))?;
    if facts.is_dir() {
        return Err("it is a folder".into());
    }
    if !facts.is_file() {
        return Err("it is not a regular file".into());
    }
    let mut bytes = Vec::new();
    // The size may change while it is read, so it is counted as well.
    if facts.len() <= most as u64 {
        file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    }
    if facts.len() > most as u64 || bytes.len() > most { Err(larger(most)) } else { Ok(bytes) }
}

fn read_file(path: &Path) -> Result<Source, Box<Finding>> {
    let bytes = read_regular(path, LARGEST_FILE).map_err(|told| {
        let help = match told.as_str() {
            "it is not a regular file" => "name a file or a folder",
            told if told.starts_with("it is larger") => "split the file",
            _ => "check the path and its permissions",
        };
        Box::new(unreadable(path, &told, help))
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source { file: path.to_string_lossy().into_owned(), text: without_mark(text) }),
        Err(error) => Err(Box::new(not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to()))),
    }
}

/// What the system says, without its number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".into(),
        std::io::ErrorKind::PermissionDenied => "this user may not read it".into(),
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => "its links lead in a circle".into(),
        _ => error.to_string(),
    }
}

fn larger(most: usize) -> String {
    format!("it is larger than {} MiB", most >> 20)
}

fn without_mark(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

fn not_utf8(path: &Path, bytes: &[u8], valid: usize) -> Finding {
    let before = String::from_utf8_lossy(&bytes[..valid]).into_owned();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let reason = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16, not UTF-8".to_owned(),
        _ => format!("it is not UTF-8: the byte 0x{:02x} stands here", bytes.get(valid).copied().unwrap_or_default()),
    };
    Finding { line, column, ..unreadable(path, &reason, "save the file as UTF-8") }
}

fn unreadable(path: &Path, reason: &str, help: &str) -> Finding {
    refused(path, "TM0101", (format!("cannot be read: {reason}"), help))
}

fn refused(path: &Path, code: &str, (message, help): (String, &str)) -> Finding {
    Finding {
        file: path.to_string_lossy().into_owned(),
        line: 1,
        column: 1,
        path: String::new(),
        code: code.into(),
        severity: Severity::Error,
        message,
        help: help.into(),
    }
}
