//! Paths -> texts: files as given, folders walked for `*.yaml` and `*.yml` in the order of their names.
//!
//! A file that cannot be read is a finding and never stops the others. Invariant: nothing over the size limit is read.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::yaml::LARGEST_FILE;
use crate::shell::data::{Finding, Severity};

/// Deepest folder below a given one; a symbolic link to its own parent ends here.
const DEEPEST_FOLDER: usize = 16;

/// Most files below one path. Three hundred documents is a large installation.
const MOST_FILES: usize = 10_000;

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

/// The files below the paths, each once, and the folders that could not be looked into.
pub fn found(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Finding>) {
    let (mut files, mut findings) = (Vec::new(), Vec::new());
    for path in paths {
        walk(path, 0, &mut (&mut files, &mut findings));
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file: &PathBuf| seen.insert(file.clone()));
    (files, findings)
}

/// Reads everything below the paths. One path given twice is read once.
pub fn read(paths: &[PathBuf]) -> (Vec<Source>, Vec<Finding>) {
    let (files, mut findings) = found(paths);
    let mut sources = Vec::new();
    for file in files {
        match read_file(&file) {
            Ok(source) => sources.push(source),
            Err(finding) => findings.push(*finding),
        }
    }
    (sources, findings)
}

/// The same limit for texts that came another way.
pub fn fitting(sources: Vec<Source>) -> (Vec<Source>, Vec<Finding>) {
    let (fit, large): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| source.text.len() <= LARGEST_FILE);
    let told = format!("it is larger than {} MiB", LARGEST_FILE >> 20);
    (fit, large.iter().map(|source| unreadable(Path::new(&source.file), &told, "split the file")).collect())
}

fn walk(path: &Path, depth: usize, out: &mut (&mut Vec<PathBuf>, &mut Vec<Finding>)) {
    if !path.is_dir() {
        return out.0.push(path.to_owned());
    }
    let entries = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>());
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return out.1.push(unreadable(path, &error.to_string(), "check the permissions of the folder")),
    };
    entries.sort();
    if depth >= DEEPEST_FOLDER || out.0.len() + entries.len() > MOST_FILES {
        let told = format!("more than {DEEPEST_FOLDER} folders deep or {MOST_FILES} files");
        return out.1.push(unreadable(path, &told, "name the folders that hold documents"));
    }
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let yaml = entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if !hidden && (yaml || entry.is_dir()) {
            walk(&entry, depth + 1, out);
        }
    }
}

fn read_file(path: &Path) -> Result<Source, Box<Finding>> {
    let failed = |error: std::io::Error| Box::new(unreadable(path, &error.to_string(), "check the path and its permissions"));
    // A pipe or device could block or never end; documents are regular files.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(Box::new(unreadable(path, "it is not a regular file", "name a file or a folder")));
    }
    let mut bytes = Vec::new();
    let limit = LARGEST_FILE as u64 + 1;
    fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() > LARGEST_FILE {
        return Err(Box::new(unreadable(path, &format!("it is larger than {} MiB", LARGEST_FILE >> 20), "split the file")));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source { file: path.to_string_lossy().into_owned(), text: without_mark(text) }),
        Err(error) => Err(Box::new(not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to()))),
    }
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
    Finding { line, column, ..unreadable(path, "it is not UTF-8", "save the file as UTF-8") }
}

fn unreadable(path: &Path, reason: &str, help: &str) -> Finding {
    Finding {
        file: path.to_string_lossy().into_owned(),
        line: 1,
        column: 1,
        path: String::new(),
        code: "TM0101".into(),
        severity: Severity::Error,
        message: format!("cannot be read: {reason}"),
        help: help.into(),
    }
}
