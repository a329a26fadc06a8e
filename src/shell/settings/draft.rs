//! One document between text and use: its tree, its JSON, its typed form, and everything that is wrong with it alone.

use serde_json::Value;

use super::diagnose::diagnose;
use super::guide::Guide;
use super::node::{Node, Path, Tree, way};
use super::notes::Notes;
use super::schema::{API_VERSION, Kind, LATER_KINDS};
use super::yaml::Chunk;
use super::{files::Source, kinds, problem, rules, suggest};
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
    let (kind, mut heads) = head(source, &root);
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
        Err(error) if notes.is_empty() => {
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
    fn repair(guide: Guide<'_>, node: &Node, json: &mut Value) {
        let here = guide.follow(node);
        match (&node.tree, json) {
            (Tree::List(items), Value::Array(values)) => {
                items.iter().zip(values).for_each(|(item, value)| here.item().into_iter().for_each(|at| repair(at, item, value)));
            }
            (Tree::Map(entries), Value::Object(map)) => {
                for entry in entries {
                    match (here.under(&entry.key), map.get_mut(&entry.key)) {
                        (Some(at), Some(value)) => repair(at, &entry.value, value),
                        (None, Some(_)) if !here.keys().is_empty() => rename(here, &entry.key, map),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    fn rename(here: Guide<'_>, key: &str, map: &mut serde_json::Map<String, Value>) {
        let Some(value) = map.remove(key) else { return };
        if let Some(meant) = suggest::nearest(key, here.keys()).filter(|meant| !map.contains_key(*meant)) {
            map.insert(meant.to_owned(), value);
        }
    }
    let mut json = json.clone();
    repair(Guide::new(&rules.schema), root, &mut json);
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

/// `apiVersion` and `kind`: what the document is.
fn head(source: &Source, root: &Node) -> (Option<Kind>, Vec<Finding>) {
    let mut notes = Notes::new(&source.file, root);
    if !matches!(root.tree, Tree::Map(_)) {
        let message = format!("a document is a mapping, not {}", root.shape());
        notes.value(way![]).error("TM0106", message, "begin it with `apiVersion: tminus/v1`, `kind` and `name`");
        return (None, notes.into_findings());
    }
    match root.text_of("apiVersion") {
        Some(API_VERSION) => {}
        Some(other) => {
            let message = format!("`{}` is not a version this tminus reads", other.chars().take(60).collect::<String>());
            notes.value(way!["apiVersion"]).error("TM0109", message, format!("write `apiVersion: {API_VERSION}`"));
        }
        None => {
            let message = "the document does not say `apiVersion`";
            notes.value(way!["apiVersion"]).error("TM0109", message, format!("write `apiVersion: {API_VERSION}`"));
        }
    }
    let kind = root.text_of("kind");
    let known = Kind::ALL.map(Kind::word);
    match kind.map(|word| (word, Kind::of(word))) {
        Some((_, Some(kind))) => return (Some(kind), notes.into_findings()),
        Some((word, None)) if LATER_KINDS.contains(&word) => {
            let help = "take the document out of the folder until then";
            notes.value(way!["kind"]).error("TM0110", format!("`{word}` is not in this version"), help);
        }
        Some((word, None)) => {
            let message = format!("`{}` is not a kind of document", word.chars().take(60).collect::<String>());
            notes.value(way!["kind"]).error("TM0109", message, suggest::help(word, known));
        }
        None => {
            let help = format!("add `kind`, one of {}", suggest::listed(&known));
            notes.value(way!["kind"]).error("TM0109", "the document does not say its `kind`", help);
        }
    }
    (None, notes.into_findings())
}
