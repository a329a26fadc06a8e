//! Names that refer to other documents: found by the schema's marks, so that they are checked even in a document that is
//! wrong elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use super::guide::Guide;
use super::limits::MOST_FINDINGS_OF_RUN;
use super::node::{Node, Path, Tree};
use super::schema::{Kind, LATER_KINDS};
use super::suggest;
use crate::core::words::Name;

/// A name that stands for a document or a query.
struct Reference {
    to: String,
    name: Name,
    path: Path,
}

/// Refuses names that refer to nothing among these documents.
///
/// A kind is looked at as soon as a release or any document of that kind is given: a policy that is checked alone may
/// refer to what stands in files that were not.
pub fn check(drafts: &mut [Draft<'_>]) {
    let known = known(drafts);
    let whole = drafts.iter().any(|draft| draft.kind == Kind::Release);
    let mut told = 0;
    // Beyond what is shown nothing is looked up: looking for the name that was meant takes time.
    for draft in drafts {
        if told > MOST_FINDINGS_OF_RUN {
            break;
        }
        let mut notes = draft.notes();
        for reference in of(draft) {
            if notes.is_full() {
                break;
            }
            let names = known.get(reference.to.as_str());
            if LATER_KINDS.contains(&reference.to.as_str()) {
                let message = format!("`{}` is not acted on: this version has no {}", reference.name, reference.to);
                notes.value(reference.path).warning("TM0110", message, "take it out, or do by hand what it stands for");
                continue;
            }
            if names.is_some_and(|names| names.contains(&reference.name)) || (names.is_none() && !whole) {
                continue;
            }
            let what = if reference.to == "query" { "query of a MetricsSource".to_owned() } else { reference.to };
            let help = match names {
                Some(names) => suggest::help(reference.name.as_str(), names.iter().map(Name::as_str)),
                None => "there is none among these files; give all files of the launch to one `tminus check`".to_owned(),
            };
            notes.value(reference.path).error("TM0301", format!("no {what} is called `{}`", reference.name), help);
        }
        let mut findings = notes.into_findings();
        told += findings.len();
        draft.findings.append(&mut findings);
    }
}

/// The sources that have a query, by its name: looked up for every gate and check, so made once.
pub struct Asked(BTreeMap<Name, BTreeSet<Name>>);

impl Asked {
    /// Of all documents.
    pub fn of(drafts: &[Draft<'_>]) -> Self {
        let mut asked: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
        for draft in drafts.iter().filter(|draft| draft.kind == Kind::MetricsSource) {
            for query in draft.notes().keys_at("queries").iter().filter_map(|key| Name::new(key).ok()) {
                asked.entry(query).or_default().extend(draft.name.clone());
            }
        }
        Self(asked)
    }
}

/// The documents that one names; a query stands for the source that has it.
pub fn documents(draft: &Draft<'_>, asked: &Asked) -> BTreeSet<(Kind, Name)> {
    let mut named = BTreeSet::new();
    for reference in of(draft) {
        match Kind::of(&reference.to) {
            Some(kind) => drop(named.insert((kind, reference.name))),
            None if reference.to == "query" => {
                let sources = asked.0.get(&reference.name).into_iter().flatten();
                named.extend(sources.map(|source| (Kind::MetricsSource, source.clone())));
            }
            None => {}
        }
    }
    named
}

/// The names there are, by what they name. Documents with errors count: they are there, and have their own findings.
fn known<'k>(drafts: &[Draft<'_>]) -> BTreeMap<&'k str, BTreeSet<Name>> {
    let mut known: BTreeMap<&str, BTreeSet<Name>> = BTreeMap::new();
    for draft in drafts {
        known.entry(draft.kind.word()).or_default().extend(draft.name.clone());
        if draft.kind == Kind::MetricsSource {
            let names = draft.notes().keys_at("queries").into_iter().filter_map(|key| Name::new(&key).ok());
            known.entry("query").or_default().extend(names);
        }
    }
    known
}

fn of(draft: &Draft<'_>) -> Vec<Reference> {
    let mut found = Vec::new();
    walk(Guide::new(&draft.kind.rules().schema), &draft.root, (&Path::default(), &mut found));
    found
}

fn walk(guide: Guide<'_>, node: &Node, (path, found): (&Path, &mut Vec<Reference>)) {
    if let Some(to) = guide.refers_to() {
        return collect(to, node, (path, found));
    }
    let here = guide.follow(node);
    match &node.tree {
        Tree::Scalar(_) => {}
        Tree::List(items) => {
            for (at, item) in items.iter().enumerate() {
                here.item().into_iter().for_each(|guide| walk(guide, item, (&path.then(at), found)));
            }
        }
        Tree::Map(entries) => {
            for entry in entries {
                let below = here.under(&entry.key);
                if let Some(guide) = below {
                    walk(guide, &entry.value, (&path.then(entry.key.as_str()), found));
                }
            }
        }
    }
}

/// A name, or a list of names.
fn collect(to: &str, node: &Node, (path, found): (&Path, &mut Vec<Reference>)) {
    match &node.tree {
        Tree::Scalar(scalar) if scalar.is_null() => {}
        Tree::Scalar(scalar) => {
            found.extend(Name::new(&scalar.text).ok().map(|name| Reference { to: to.to_owned(), name, path: path.clone() }));
        }
        Tree::List(items) => items.iter().enumerate().for_each(|(at, item)| collect(to, item, (&path.then(at), found))),
        Tree::Map(_) => {}
    }
}
