//! One document between text and use: its tree, its JSON, its typed form, and everything that is wrong with it alone.

use serde_json::Value;

use super::diagnose::diagnose;
use super::guide::Guide;
use super::limits::MOST_FINDINGS;
use super::node::{Entry, Node, Path, Tree, way};
use super::notes::Notes;
use super::schema::Kind;
use super::yaml::Chunk;
use super::{files::Source, head, kinds, problem, rules, suggest};
use crate::core::words::Name;
use crate::shell::data::{Finding, Severity};

/// A document that was read; with errors it still has a name, so that others may refer to it.
pub struct Draft<'s> {
    /// Where it came from.
    pub source: &'s Source,
    /// Its kind.
    pub kind: Kind,
    /// Its name, if it has a usable one.
    pub name: Option<Name>,
    /// Its tree.
    pub root: Node,
    /// What it says, in JSON.
    pub json: Value,
    /// What it says, if it can be read by type.
    pub typed: Option<Typed>,
    /// Its text in the file.
    pub text: &'s str,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// A document by its kind.
#[derive(Debug)]
pub enum Typed {
    /// The daemon's own settings.
    Settings(kinds::settings::Settings),
    /// One launch.
    Release(Box<kinds::release::Release>),
    /// What must be green.
    Checklist(kinds::checklist::Checklist),
    /// The gas pedal.
    ThrottlePolicy(kinds::throttle::ThrottlePolicy),
    /// Where numbers come from.
    MetricsSource(kinds::metrics::MetricsSource),
    /// When a step is SAFE.
    GatePolicy(Box<kinds::gate::GatePolicy>),
    /// How many instances.
    ScalingPolicy(Box<kinds::scaling::ScalingPolicy>),
    /// Which caches.
    PrimingPolicy(Box<kinds::priming::PrimingPolicy>),
    /// Who is told.
    Notifier(kinds::notifier::Notifier),
}

impl Draft<'_> {
    /// Whether it may be used.
    pub fn is_valid(&self) -> bool {
        self.typed.is_some() && self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// `file:line` of its name, for messages about two documents.
    pub fn whereabouts(&self) -> String {
        self.place(&way!["name"])
    }

    /// `file:line` of a value.
    pub fn place(&self, path: &Path) -> String {
        format!("{}:{}", self.source.file, self.root.key_place_of(path).line)
    }

    /// The line of its name.
    pub fn line(&self) -> usize {
        self.root.key_place_of(&way!["name"]).line
    }

    /// The file with the measured curve of a release.
    pub fn curve(&self) -> Option<std::path::PathBuf> {
        let Some(Typed::Release(release)) = &self.typed else { return None };
        let curve = release.audience.as_ref()?.adoption.as_ref()?.curve.as_ref()?;
        Some(self.source.folder().join(&curve.0))
    }

    /// For further findings of this document.
    pub fn notes(&self) -> Notes<'_> {
        Notes::new(&self.source.file, &self.root)
    }
}

/// Reads one document of a file: `None` where nothing tells what it is; the findings then stand in `lost`.
pub fn read<'s>(source: &'s Source, chunk: Chunk<'s>, lost: &mut Vec<Finding>) -> Option<Draft<'s>> {
    let mut findings: Vec<Finding> =
        chunk.problems.iter().map(|problem| problem::finding(&source.file, &chunk, problem)).collect();
    let broken = chunk.problems.iter().any(|problem| problem.kind.is_fatal());
    // `---` with nothing under it is no document.
    let root = chunk.root.filter(|root| !broken && !root.is_null());
    let Some(root) = root else {
        lost.append(&mut findings);
        return None;
    };
    let (kind, mut heads) = head::read(&source.file, &root);
    findings.append(&mut heads);
    let Some(kind) = kind else {
        lost.append(&mut findings);
        return None;
    };
    Some(check(source, (kind, root, chunk.text), findings))
}

fn check<'s>(source: &'s Source, (kind, root, text): (Kind, Node, &'s str), mut findings: Vec<Finding>) -> Draft<'s> {
    let rules = kind.rules();
    let json = Guide::new(&rules.schema).convert(&root);
    let mut notes = Notes::new(&source.file, &root);
    diagnose(rules, &root, (&json, &mut notes));
    let parsed = parse(kind, &repaired(rules, &root, &json));
    match &parsed {
        Ok(typed) => rules::check(typed, source, &mut notes),
        // The schema lets through what the types refuse: never used, and never silent.
        Err(error) if notes.is_empty() && findings.is_empty() => {
            notes.value(Path::default()).error("TM0106", format!("cannot be read: {error}"), "compare it with `tminus schema`");
        }
        Err(_) => {}
    }
    findings.append(&mut notes.into_findings());
    let name = root.text_of("name").and_then(|name| Name::new(name).ok());
    Draft { source, kind, name, json, typed: parsed.ok(), text, findings, root }
}

/// What a document would say without its unknown keys: a misspelt key takes the place of the one it was meant as, so that
/// the rules beyond the shape are checked in the same run.
fn repaired(rules: &super::schema::Rules, root: &Node, json: &Value) -> Value {
    fn repair(guide: Guide<'_>, node: &Node, (json, left): (&mut Value, &mut usize)) {
        let here = guide.follow(node);
        match (&node.tree, json) {
            (Tree::List(items), Value::Array(values)) => {
                let Some(at) = here.item() else { return };
                items.iter().zip(values).for_each(|(item, value)| repair(at, item, (value, left)));
            }
            (Tree::Map(entries), Value::Object(map)) => {
                for entry in entries {
                    match (here.under(&entry.key), map.get_mut(&entry.key)) {
                        (Some(at), Some(value)) => repair(at, &entry.value, (value, left)),
                        (None, Some(_)) if !here.keys().is_empty() => rename(here, entry, (map, left)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    fn rename(here: Guide<'_>, entry: &Entry, (map, left): (&mut serde_json::Map<String, Value>, &mut usize)) {
        map.remove(&entry.key);
        // Looking for the key that was meant takes time, and of so many misspelt ones not all are told.
        if *left == 0 {
            return;
        }
        *left -= 1;
        let meant = suggest::nearest(&entry.key, here.keys()).filter(|meant| !map.contains_key(*meant));
        if let Some((meant, at)) = meant.and_then(|meant| Some((meant, here.under(meant)?))) {
            map.insert(meant.to_owned(), at.convert(&entry.value));
        }
    }
    let (mut json, mut left) = (json.clone(), MOST_FINDINGS);
    repair(Guide::new(&rules.schema), root, (&mut json, &mut left));
    json
}

fn parse(kind: Kind, json: &Value) -> Result<Typed, serde_json::Error> {
    use serde::Deserialize;
    let mut body = json.clone();
    if let Some(map) = body.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
    }
    Ok(match kind {
        Kind::Settings => Typed::Settings(Deserialize::deserialize(body)?),
        Kind::Release => Typed::Release(Deserialize::deserialize(body)?),
        Kind::Checklist => Typed::Checklist(Deserialize::deserialize(body)?),
        Kind::ThrottlePolicy => Typed::ThrottlePolicy(Deserialize::deserialize(body)?),
        Kind::MetricsSource => Typed::MetricsSource(Deserialize::deserialize(body)?),
        Kind::GatePolicy => Typed::GatePolicy(Deserialize::deserialize(body)?),
        Kind::ScalingPolicy => Typed::ScalingPolicy(Deserialize::deserialize(body)?),
        Kind::PrimingPolicy => Typed::PrimingPolicy(Deserialize::deserialize(body)?),
        Kind::Notifier => Typed::Notifier(Deserialize::deserialize(body)?),
    })
}
