//! Files or texts -> validated documents and every finding, in one run.
//!
//! Invariant: `documents` holds only what is valid by itself; whoever acts refuses to do so while there is an error.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::among::{self, Resolve};
use super::build::assemble;
use super::digest::{canonical, sha256};
use super::draft::{self, Draft};
use super::files::{self, Source};
use super::schema::Kind;
use super::{references, yaml};
use crate::core::words::Name;
use crate::shell::data::{Finding, Severity};
use crate::shell::spec::Documents;

/// What was loaded.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The valid documents.
    pub documents: Documents,
    /// Everything that is wrong, by file and place.
    pub findings: Vec<Finding>,
    /// The valid documents one by one, by kind and name.
    pub parts: Vec<Part>,
    /// How many documents were found, valid or not.
    pub documents_read: usize,
    /// What was read, for showing findings in their context.
    pub sources: Vec<Source>,
    /// Every document that has a name, valid or not.
    pub present: BTreeSet<(Kind, Name)>,
    /// Files beside the documents that they were read with, such as a curve of adoption.
    pub referred: BTreeSet<PathBuf>,
}

/// One valid document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// Changes with what it says, not with how it is written.
    pub sha256: String,
    /// Its file.
    pub file: String,
    /// Its text, a whole YAML document.
    pub text: String,
    /// Where its name stands in the file, from 1.
    pub line: usize,
    /// The documents that it names, directly.
    pub leans_on: BTreeSet<(Kind, Name)>,
}

impl Loaded {
    /// Whether anything may be done with it.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Loads files, and folders with all `*.yaml` and `*.yml` below them; names must refer to something.
pub fn load(paths: &[PathBuf]) -> Loaded {
    load_paths(paths, Resolve::All)
}

/// Loads documents for a verb that uses them by themselves: names that refer to nothing are left as they are.
pub fn load_alone(paths: &[PathBuf]) -> Loaded {
    load_paths(paths, Resolve::Nothing)
}

fn load_paths(paths: &[PathBuf], resolve: Resolve) -> Loaded {
    let (sources, findings) = files::read(paths);
    load_sources(sources, findings, resolve)
}

/// Loads texts, each with the file name that findings give; names must refer to something.
pub fn load_texts(texts: &[(String, String)]) -> Loaded {
    let source = |(file, text): &(String, String)| Source { file: file.clone(), text: text.clone() };
    let (sources, findings) = files::fitting(texts.iter().map(source).collect());
    load_sources(sources, findings, Resolve::All)
}

/// Loads texts by themselves, as [`load_alone`] does files.
pub fn load_texts_alone(texts: &[(String, String)]) -> Loaded {
    let source = |(file, text): &(String, String)| Source { file: file.clone(), text: text.clone() };
    let (sources, findings) = files::fitting(texts.iter().map(source).collect());
    load_sources(sources, findings, Resolve::Nothing)
}

fn load_sources(sources: Vec<Source>, mut findings: Vec<Finding>, resolve: Resolve) -> Loaded {
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    let mut documents_read = 0;
    for source in &sources {
        for chunk in yaml::parse(&source.text) {
            documents_read += 1;
            drafts.extend(draft::read(source, chunk, &mut findings));
        }
    }
    among::check(&mut drafts, resolve);
    if resolve == Resolve::All {
        references::check(&mut drafts);
    }
    findings.extend(drafts.iter().flat_map(|draft| draft.findings.iter().cloned()));
    findings.sort();
    findings.dedup();
    let (documents, parts) = (assemble(&drafts), parts(&drafts));
    let present = drafts.iter().filter_map(|draft| Some((draft.kind, draft.name.clone()?))).collect();
    let referred = drafts.iter().filter_map(Draft::curve).collect();
    drop(drafts);
    Loaded { documents, findings, parts, documents_read, sources, present, referred }
}

fn parts(drafts: &[Draft<'_>]) -> Vec<Part> {
    let part = |draft: &Draft<'_>| {
        let (file, text) = (draft.source.file.clone(), draft.text.to_owned());
        let (name, sha256) = (draft.name.clone()?, sha256([canonical(&draft.json).as_str()]));
        let (line, leans_on) = (draft.line(), references::documents(draft, drafts));
        Some(Part { kind: draft.kind, name, sha256, file, text, line, leans_on })
    };
    let mut parts: Vec<Part> = drafts.iter().filter(|draft| draft.is_valid()).filter_map(part).collect();
    parts.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    parts
}
