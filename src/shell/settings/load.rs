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
use super::limits::{MOST_DOCUMENTS, MOST_FINDINGS, MOST_FINDINGS_OF_RUN, MOST_NODES_OF_RUN};
use super::node::Node;
use super::schema::Kind;
use super::{pace, references, yaml};
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
    let documents_read = read_drafts(&sources, (&mut drafts, &mut findings));
    among::check(&mut drafts, resolve);
    if resolve == Resolve::All {
        references::check(&mut drafts);
        pace::check(&mut drafts);
    }
    findings.extend(drafts.iter().flat_map(shown));
    let findings = in_order(findings);
    let (documents, parts) = (assemble(&drafts), parts(&drafts));
    let present = drafts.iter().filter_map(|draft| Some((draft.kind, draft.name.clone()?))).collect();
    let referred = drafts.iter().filter_map(Draft::curve).collect();
    drop(drafts);
    Loaded { documents, findings, parts, documents_read, sources, present, referred }
}

/// What is shown of a document's findings; those from other documents come beside those from within.
fn shown<'d>(draft: &'d Draft<'_>) -> impl Iterator<Item = Finding> + 'd {
    let left = draft.findings.get(MOST_FINDINGS).filter(|_| draft.findings.len() > MOST_FINDINGS + 1).map(|next| {
        let message = format!("more than {MOST_FINDINGS} findings in this document; the rest is not shown");
        let (path, code, help) = (String::new(), "TM0111".to_owned(), "mend the ones above and check again".to_owned());
        let severity = draft.findings.iter().map(|found| found.severity).min().unwrap_or(next.severity);
        Finding { path, code, severity, message, help, ..next.clone() }
    });
    let kept = if left.is_some() { MOST_FINDINGS } else { MOST_FINDINGS + 1 };
    draft.findings.iter().take(kept).cloned().chain(left)
}

/// Reads document by document, as far as the limits of a run reach; gives how many there were.
fn read_drafts<'s>(sources: &'s [Source], (drafts, findings): (&mut Vec<Draft<'s>>, &mut Vec<Finding>)) -> usize {
    let (mut documents, mut nodes, mut said) = (0, 0, 0);
    for source in sources {
        let mut empty = true;
        for chunk in yaml::parse(&source.text) {
            documents += 1;
            nodes += chunk.nodes;
            if let Some(what) = exceeded(documents, nodes) {
                findings.push(at(source, chunk.first_line, ("TM0111", Severity::Error), what));
                return documents;
            }
            empty &= chunk.root.as_ref().is_none_or(Node::is_null) && chunk.problems.is_empty();
            let before = findings.len();
            let mut draft = draft::read(source, chunk, findings);
            said += findings.len() - before;
            if let Some(draft) = &mut draft {
                said += draft.findings.len();
                // Far beyond what is shown: one is enough to know that the document is not valid.
                if said > 2 * MOST_FINDINGS_OF_RUN {
                    draft.findings.sort_by_key(|finding| finding.severity);
                    draft.findings.truncate(1);
                }
            }
            drafts.extend(draft);
        }
        if empty {
            let what = ("the file holds no document".to_owned(), "write one, or take the file out of the folder");
            findings.push(at(source, 1, ("TM0116", Severity::Warning), what));
        }
    }
    documents
}

fn exceeded(documents: usize, nodes: usize) -> Option<(String, &'static str)> {
    let what = if documents > MOST_DOCUMENTS {
        format!("more than {MOST_DOCUMENTS} documents")
    } else if nodes > MOST_NODES_OF_RUN {
        format!("more than {MOST_NODES_OF_RUN} values in all documents together")
    } else {
        return None;
    };
    Some((format!("there are {what}, so this document and those after it were not read"), "check fewer files at a time"))
}

fn at(source: &Source, line: usize, (code, severity): (&str, Severity), (message, help): (String, &str)) -> Finding {
    let (file, code, help) = (source.file.clone(), code.to_owned(), help.to_owned());
    Finding { file, line, column: 1, path: String::new(), code, severity, message, help }
}

/// By file and place; what an alias repeats is said once, and of very many only the first are kept.
fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort();
    let mut seen = BTreeSet::new();
    findings.retain(|found| {
        // Messages may name the path, which is another one at each use of an alias; what to do about it is the same.
        let Finding { file, line, column, code, help, .. } = found;
        seen.insert((file.clone(), *line, *column, code.clone(), help.clone()))
    });
    if findings.len() > MOST_FINDINGS_OF_RUN {
        let rest = findings.split_off(MOST_FINDINGS_OF_RUN);
        findings.extend(more(&rest));
    }
    findings
}

/// What stands for those that are not shown: the limits among them, which say what was not read at all, and that there are
/// more; as bad as the worst of them.
fn more(rest: &[Finding]) -> Vec<Finding> {
    let limits = rest.iter().filter(|found| found.code == "TM0111" && found.path.is_empty()).take(10).cloned();
    let worst = rest.iter().min_by_key(|found| found.severity).map(|worst| Finding {
        path: String::new(),
        code: "TM0111".into(),
        message: format!("more than {MOST_FINDINGS_OF_RUN} findings; the rest is not shown"),
        help: "mend the ones above and check again".into(),
        ..worst.clone()
    });
    limits.chain(worst).collect()
}

fn parts(drafts: &[Draft<'_>]) -> Vec<Part> {
    let asked = references::Asked::of(drafts);
    let part = |draft: &Draft<'_>| {
        let (file, text) = (draft.source.file.clone(), draft.text.to_owned());
        let (name, sha256) = (draft.name.clone()?, sha256([canonical(&draft.json).as_str()]));
        let (line, leans_on) = (draft.line(), references::documents(draft, &asked));
        Some(Part { kind: draft.kind, name, sha256, file, text, line, leans_on })
    };
    let mut parts: Vec<Part> = drafts.iter().filter(|draft| draft.is_valid()).filter_map(part).collect();
    parts.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    parts
}
