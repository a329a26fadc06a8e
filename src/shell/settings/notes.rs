//! Collects the findings of one document, each put at its place in the tree.
//!
//! Invariant: what a finding says of a document's text moves no cursor and has a bounded length.

use super::hidden::{one_line, shortened};
use super::limits::{LONGEST_MESSAGE, LONGEST_PATH, MOST_FINDINGS};
use super::node::{Node, Path, Place, Tree};
use crate::shell::data::{Finding, Severity};

/// The findings of one document.
pub struct Notes<'d> {
    file: &'d str,
    root: &'d Node,
    findings: Vec<Finding>,
}

/// A place that something is said about.
pub struct Spot<'n, 'd> {
    notes: &'n mut Notes<'d>,
    path: Path,
    place: Place,
}

impl<'d> Notes<'d> {
    /// For a document of a file.
    pub fn new(file: &'d str, root: &'d Node) -> Self {
        Self { file, root, findings: Vec::new() }
    }

    /// About the value there.
    pub fn value(&mut self, path: Path) -> Spot<'_, 'd> {
        // Looking for a place takes time, and of so many findings not all are kept.
        let place = if self.is_full() { Place::default() } else { self.root.place_of(&path) };
        Spot { notes: self, path, place }
    }

    /// About the key there.
    pub fn key(&mut self, path: Path) -> Spot<'_, 'd> {
        let place = if self.is_full() { Place::default() } else { self.root.key_place_of(&path) };
        Spot { notes: self, path, place }
    }

    /// The keys of the mapping under a key of the document, as written.
    pub fn keys_at(&self, key: &str) -> Vec<String> {
        match self.root.entry(key).map(|entry| &entry.value.tree) {
            Some(Tree::Map(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
            _ => Vec::new(),
        }
    }

    /// What was found.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Whether no more is taken.
    pub fn is_full(&self) -> bool {
        self.findings.len() > MOST_FINDINGS
    }

    /// Whether nothing was found yet.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Spot<'_, '_> {
    /// The document cannot be used.
    pub fn error(self, code: &str, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Error, code, (message.into(), help.into()));
    }

    /// The document is used all the same.
    pub fn warning(self, code: &str, message: impl Into<String>, help: impl Into<String>) {
        self.push(Severity::Warning, code, (message.into(), help.into()));
    }

    fn push(self, severity: Severity, code: &str, (message, help): (String, String)) {
        let Place { line, column } = self.place;
        let path = shortened(&self.path.to_string(), LONGEST_PATH);
        let file = self.notes.file.to_owned();
        if self.notes.is_full() {
            return;
        }
        let last = self.notes.findings.len() == MOST_FINDINGS;
        let (code, severity, message, help) = if last {
            let message = format!("more than {MOST_FINDINGS} findings in this document; the rest is not shown");
            ("TM0111", Severity::Error, message, "mend the ones above and check again".to_owned())
        } else {
            (code, severity, message, help)
        };
        let (message, help) = (one_line(&shortened(&message, LONGEST_MESSAGE)), one_line(&shortened(&help, LONGEST_MESSAGE)));
        self.notes.findings.push(Finding { file, line, column, path, code: code.to_owned(), severity, message, help });
    }
}
