//! The documents in force: those of files, over them those applied through the API, and under both what vanished and is
//! kept as it last was.
//!
//! Not here: reading files ([`super::reload_weigh`]) and what has to be kept ([`super::reload_needed`]). Invariant: what
//! is in force was loaded without an error, as a whole; a proposal with an error leaves everything as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::reload_needed::{marks, needed, objections};
use crate::core::decide::{Config, Person, Rejected, State};
use crate::core::release::{Missing, Phase};
use crate::core::words::Name;
use crate::shell::control::{Applied, NotRemoved, Papers, Reloaded};
use crate::shell::settings::{self, Finding, Kind, Loaded, Part, Severity, Source, sha256};
use crate::shell::spec::{Documents, Settings};
use crate::shell::store::{AppliedDocument, DocumentInForce};

/// The file name of applied text in findings.
const APPLIED: &str = "applied";

/// What names a document.
pub(super) type Key = (Kind, Name);

/// `Kind/name`, as people write it.
pub(super) fn spelt((kind, name): &Key) -> String {
    format!("{}/{name}", kind.word())
}

/// What a configuration is made of, from the bottom up; an upper document stands in for a lower one of its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    /// Documents that vanished, as they last were, with the files they stood in.
    pub(super) kept: BTreeMap<Key, Part>,
    /// The files.
    pub(super) files: Vec<Source>,
    /// The documents of the files one by one.
    pub(super) parts: Vec<Part>,
    /// Documents applied through the API.
    pub(super) applied: BTreeMap<Key, Part>,
}

impl Layers {
    /// Every text: files as they are, unless one of their documents is stood in for; then the others one by one.
    fn texts(&self) -> Vec<(String, String)> {
        let stood_in = |part: &&Part| self.applied.contains_key(&key(part));
        let split: BTreeSet<&str> = self.parts.iter().filter(stood_in).map(|part| part.file.as_str()).collect();
        let whole = |source: &&Source| !split.contains(source.file.as_str());
        let files = self.files.iter().filter(whole).map(|source| (source.file.clone(), source.text.clone()));
        let left = |part: &&Part| split.contains(part.file.as_str()) && !self.applied.contains_key(&key(part));
        let parts = self.parts.iter().filter(left).map(|part| (format!("{} ({})", part.file, part.name), part.text.clone()));
        let over = self.applied.iter().map(|(key, part)| (format!("{APPLIED} {}", spelt(key)), part.text.clone()));
        let under = self.kept.iter().filter(|(key, _)| !self.applied.contains_key(*key));
        let under = under.map(|(_, part)| (format!("{} (as it last was)", part.file), part.text.clone()));
        files.chain(parts).chain(over).chain(under).collect()
    }

    /// Loads all of it.
    pub(super) fn load(&self) -> Loaded {
        settings::load_texts(&self.texts())
    }

    /// Puts every document where it stands, whatever text it was loaded from.
    fn placed(&self, parts: Vec<Part>) -> BTreeMap<Key, Part> {
        // The first one of a name is the one that counts.
        let mut own: BTreeMap<Key, &Part> = BTreeMap::new();
        for part in &self.parts {
            own.entry(key(part)).or_insert(part);
        }
        let file = |key: &Key| match own.get(key) {
            _ if self.applied.contains_key(key) => Some(format!("{APPLIED} {}", spelt(key))),
            Some(own) => Some(own.file.clone()),
            None => self.kept.get(key).map(|kept| kept.file.clone()),
        };
        let place = |part: Part| {
            let key = key(&part);
            let file = file(&key).unwrap_or_else(|| part.file.clone());
            (key, Part { file, ..part })
        };
        parts.into_iter().map(place).collect()
    }
}

/// A configuration as a whole.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    /// The settings, flags included.
    pub(super) settings: Settings,
    /// What is decided and acted by.
    pub(super) documents: Documents,
    /// Every document with its text and the file it stands in.
    pub(super) parts: BTreeMap<Key, Part>,
    /// What it was made of.
    pub(super) layers: Layers,
    /// What was remarked about it.
    pub(super) remarks: Vec<Finding>,
}

impl InForce {
    /// Puts together what was loaded from these layers.
    pub(super) fn new(settings: Settings, loaded: Loaded, layers: Layers) -> Self {
        let parts = layers.placed(loaded.parts);
        let mut documents = loaded.documents;
        let gone = layers.kept.iter().map(|(key, part)| (key.clone(), part.file.clone())).collect();
        documents.config.vanished = marks(&parts, &documents.config, &gone);
        Self { settings, documents, parts, layers, remarks: loaded.findings }
    }

    /// The same with other layers; every finding if they do not load, or change what may not change any more.
    fn with(&self, layers: Layers, state: &State) -> Result<Self, Vec<Finding>> {
        let loaded = layers.load();
        if loaded.has_errors() {
            return Err(loaded.findings);
        }
        let mut next = Self::new(self.settings.clone(), loaded, layers);
        // Settings come from the file and flags alone.
        next.documents.settings.clone_from(&self.documents.settings);
        let objections = objections(self, &next, state);
        if objections.is_empty() { Ok(next) } else { Err(objections) }
    }
}

/// See the module.
pub(super) struct Library {
    current: Arc<InForce>,
    /// What listens and stores by them was made at the start.
    started: Settings,
    papers: Papers,
    rejected: Option<Rejected>,
    /// What the last reading missed, needed or not, by the file it stood in.
    gone: BTreeMap<Key, String>,
    /// What of it stays in force.
    held: BTreeSet<Key>,
    version: u64,
}

/// A proposal that loads.
pub(super) struct Change {
    pub(super) applied: Applied,
    pub(super) releases: Vec<Name>,
    new: Vec<Part>,
    next: InForce,
}

impl Change {
    /// The configuration with it in force.
    pub(super) fn config(&self) -> &Config {
        &self.next.documents.config
    }

    /// What the store keeps.
    pub(super) fn records(&self, by: &Name, at: Timestamp) -> Vec<AppliedDocument> {
        let record = |part: &Part| AppliedDocument {
            kind: part.kind.word().into(),
            name: part.name.clone(),
            text: part.text.clone(),
            by: Some(by.clone()),
            at,
        };
        self.new.iter().map(record).collect()
    }

    /// Everything that would be in force.
    pub(super) fn in_force(&self) -> Vec<DocumentInForce> {
        in_force(&self.next)
    }
}

impl Library {
    /// A library that starts with these documents.
    pub(super) fn new(current: InForce, gone: BTreeMap<Key, String>, now: Timestamp) -> Self {
        let papers = Papers { loaded_at: now, findings: current.remarks.clone(), ..Papers::default() };
        let (started, held) = (current.settings.clone(), current.layers.kept.keys().cloned().collect());
        let mut library = Self { current: Arc::new(current), started, papers, rejected: None, gone, held, version: 0 };
        library.papers.vanished = library.missing();
        library
    }

    /// Puts what was applied earlier over the files. What no longer fits is reported and left out, so that one document
    /// cannot keep the daemon down.
    pub(super) fn with_applied(mut self, records: Vec<AppliedDocument>, state: &State) -> Self {
        for record in records {
            match self.propose(&record.text, state) {
                Ok(change) => self.adopt(change),
                Err(findings) => {
                    let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
                    tracing::error!(document.kind = record.kind, document.name = %record.name, first, "an applied document does not fit any more and is left out");
                    self.papers.findings.extend(findings);
                }
            }
        }
        self
    }

    /// The settings, flags included.
    pub(super) fn settings(&self) -> &Settings {
        &self.current.settings
    }

    /// What is in force.
    pub(super) fn documents(&self) -> &Documents {
        &self.current.documents
    }

    /// What is in force, to be compared with what files say.
    pub(super) fn current(&self) -> Arc<InForce> {
        self.current.clone()
    }

    /// Rises with every change of what is in force.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// How they stand, for people.
    pub(super) fn papers(&self) -> &Papers {
        &self.papers
    }

    /// The files as they are now, if they have errors.
    pub(super) fn rejected(&self) -> Option<&Rejected> {
        self.rejected.as_ref()
    }

    /// Everything in force, for the store.
    pub(super) fn in_force(&self) -> Vec<DocumentInForce> {
        in_force(&self.current)
    }

    /// People by the hash of their token.
    pub(super) fn people(&self) -> Vec<(String, Person)> {
        self.current.settings.people.iter().map(|person| (person.token_sha256.clone(), person.person.clone())).collect()
    }

    /// Loads everything with this text in it; every finding, if there is an error.
    pub(super) fn propose(&self, text: &str, state: &State) -> Result<Change, Vec<Finding>> {
        let outline = settings::load_texts_alone(&[(APPLIED.into(), text.into())]);
        if outline.has_errors() {
            return Err(outline.findings);
        }
        if outline.parts.is_empty() {
            return Err(vec![refused("there is no document in it", "a document has apiVersion, kind and name")]);
        }
        if outline.parts.iter().any(|part| part.kind == Kind::Settings) {
            return Err(vec![refused("settings stand in a file and cannot be applied", "change tminus.yaml; it is read again")]);
        }
        let mut layers = self.current.layers.clone();
        layers.applied.extend(outline.parts.iter().map(|part| (key(part), part.clone())));
        layers.kept.retain(|key, _| !layers.applied.contains_key(key));
        let next = self.current.with(layers, state)?;
        let releases = outline.parts.iter().filter(|part| part.kind == Kind::Release).map(|part| part.name.clone()).collect();
        let mut applied = self.compare(&outline.parts);
        applied.voided = crate::core::decide::voided(state, &self.current.documents.config, &next.documents.config);
        Ok(Change { applied, releases, new: outline.parts, next })
    }

    /// Takes a proposal into force.
    pub(super) fn adopt(&mut self, change: Change) {
        self.put(change.next);
    }

    fn put(&mut self, next: InForce) {
        self.gone.retain(|key, _| next.layers.kept.contains_key(key) || !next.parts.contains_key(key));
        if self.rejected.is_none() {
            self.papers.findings.clone_from(&next.remarks);
        }
        self.held = next.layers.kept.keys().cloned().collect();
        self.current = Arc::new(next);
        self.version += 1;
        self.papers.vanished = self.missing();
    }

    /// Everything without one document that stands in no file; the releases that go with it.
    pub(super) fn without(&self, wanted: &Key, state: &State) -> Result<(InForce, Vec<Name>), NotRemoved> {
        let refuse = |code: &str, message: String| {
            NotRemoved::Refused(crate::core::decide::Told {
                code: code.into(),
                message: format!("{message}; nothing was changed"),
            })
        };
        let document = spelt(wanted);
        let Some(part) = self.current.parts.get(wanted) else {
            return Err(refuse("unknown_document", format!("there is no {document} in force")));
        };
        let mut layers = self.current.layers.clone();
        let was_above = [layers.applied.remove(wanted).is_some(), layers.kept.remove(wanted).is_some()].contains(&true);
        if !was_above {
            let place = format!("{document} stands in {}:{}", part.file, part.line);
            return Err(refuse("in_file", format!("{place}: take it out there, and the file is read again")));
        }
        if wanted.0 == Kind::ScalingPolicy && state.floors.contains_key(&wanted.1) {
            let message = format!("a floor is held by {document}; it goes when that is given back");
            return Err(refuse("floor_held", message));
        }
        let is_release = wanted.0 == Kind::Release;
        let phase = state.releases.get(&wanted.1).map(|state| &state.phase).filter(|_| is_release);
        if let Some(phase @ (Phase::Active(_) | Phase::Held { .. })) = phase {
            let end =
                format!("end it first with `tminus scrub {}`, or `tminus abort {}` once it is launched", wanted.1, wanted.1);
            return Err(refuse("under_way", format!("{} is {}: {end}", wanted.1, phase.word())));
        }
        let next = self.current.with(layers, state).map_err(NotRemoved::Findings)?;
        let gone = is_release && !next.parts.contains_key(wanted);
        Ok((next, gone.then(|| wanted.1.clone()).into_iter().collect()))
    }

    /// Takes what was read from files into force; what that changed.
    pub(super) fn take(&mut self, next: InForce, gone: BTreeMap<Key, String>, (state, now): (&State, Timestamp)) -> Reloaded {
        let reloaded = self.difference(&next, state);
        self.rejected = None;
        self.papers = Papers { loaded_at: self.papers.loaded_at, at_restart: reloaded.at_restart.clone(), ..Papers::default() };
        self.gone = gone;
        if reloaded.is_change() {
            self.papers.loaded_at = now;
        }
        self.put(next);
        reloaded
    }

    /// What taking it into force would change.
    pub(super) fn difference(&self, next: &InForce, state: &State) -> Reloaded {
        let (before, after) = (&self.current.parts, &next.parts);
        let releases = |of: &InForce, name: &Name| of.documents.config.releases.get(name).cloned();
        let differs = |key: &Key, part: &Part| {
            let as_read = key.0 == Kind::Release && releases(&self.current, &key.1) != releases(next, &key.1);
            before.get(key).is_some_and(|known| known.sha256 != part.sha256) || (before.contains_key(key) && as_read)
        };
        let named = |keys: Vec<&Key>| keys.into_iter().map(spelt).collect::<BTreeSet<String>>().into_iter().collect();
        Reloaded {
            created: named(after.keys().filter(|key| !before.contains_key(*key)).collect()),
            changed: named(after.iter().filter(|(key, part)| differs(key, part)).map(|(key, _)| key).collect()),
            removed: named(before.keys().filter(|key| !after.contains_key(*key)).collect()),
            vanished: named(next.layers.kept.keys().collect()),
            at_restart: at_restart(&self.started, &next.settings),
            voided: crate::core::decide::voided(state, &self.current.documents.config, &next.documents.config),
        }
    }

    /// The files have errors: what is in force stays, and what of it is gone is marked. Whether these are other errors
    /// than before.
    pub(super) fn reject(
        &mut self,
        findings: Vec<Finding>,
        gone: BTreeMap<Key, String>,
        (state, now): (&State, Timestamp),
    ) -> bool {
        let errors: Vec<String> =
            findings.iter().filter(|finding| finding.severity == Severity::Error).map(Finding::brief).collect();
        let first = errors.first().cloned().unwrap_or_default();
        let rejected = Rejected { digest: sha256(errors.iter().map(String::as_str)), errors: errors.len(), first };
        let is_news = self.rejected.as_ref().is_none_or(|known| known.digest != rejected.digest);
        if is_news {
            self.papers.rejected_at = Some(now);
        }
        (self.papers.findings, self.rejected, self.gone) = (findings, Some(rejected), gone);
        self.mark(state, now);
        is_news
    }

    /// Marks in the documents in force what of them is gone and needed.
    fn mark(&mut self, state: &State, now: Timestamp) {
        let mut gone = self.gone.clone();
        let needed = needed(&self.current, state, now);
        gone.retain(|key, _| needed.contains(key));
        self.held = gone.keys().cloned().collect();
        let vanished = marks(&self.current.parts, &self.current.documents.config, &gone);
        if vanished != self.current.documents.config.vanished {
            Arc::make_mut(&mut self.current).documents.config.vanished = vanished;
        }
        self.papers.vanished = self.missing();
    }

    /// Whether what has to be kept is not what is kept: something began or ended since.
    pub(super) fn keeps_wrongly(&self, state: &State, now: Timestamp) -> bool {
        if self.gone.is_empty() {
            return false;
        }
        let needed = needed(&self.current, state, now);
        self.gone.keys().any(|key| needed.contains(key) != self.held.contains(key))
    }

    /// What is in force although it is gone.
    fn missing(&self) -> Vec<Missing> {
        let kept = &self.current.layers.kept;
        let file = |key: &Key| self.gone.get(key).or_else(|| Some(&kept.get(key)?.file)).cloned().unwrap_or_default();
        let missing = |key: &Key| Missing { document: spelt(key), file: file(key) };
        self.held.iter().map(missing).collect::<BTreeSet<Missing>>().into_iter().collect()
    }

    fn compare(&self, parts: &[Part]) -> Applied {
        let mut applied = Applied { created: Vec::new(), changed: Vec::new(), unchanged: Vec::new(), voided: Vec::new() };
        for part in parts {
            let list = match self.current.parts.get(&key(part)) {
                None => &mut applied.created,
                Some(known) if known.sha256 == part.sha256 => &mut applied.unchanged,
                Some(_) => &mut applied.changed,
            };
            list.push(spelt(&key(part)));
        }
        applied
    }

    /// Takes what is left after a removal into force.
    pub(super) fn remove(&mut self, next: InForce) {
        self.gone.retain(|key, _| next.parts.contains_key(key));
        self.put(next);
    }
}

/// What the store remembers of a configuration.
pub(super) fn in_force(current: &InForce) -> Vec<DocumentInForce> {
    let document = |part: &Part| DocumentInForce {
        kind: part.kind.word().into(),
        name: part.name.clone(),
        file: part.file.clone(),
        text: part.text.clone(),
    };
    current.parts.values().map(document).collect()
}

pub(super) fn key(part: &Part) -> Key {
    (part.kind, part.name.clone())
}

/// Settings that were used once, at the start.
fn at_restart(started: &Settings, next: &Settings) -> Vec<String> {
    let changed = [
        ("data", started.data != next.data),
        ("listen.control", started.control != next.control),
        ("listen.decision", started.decision != next.decision),
    ];
    changed.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key.to_owned()).collect()
}

/// A finding about applied text as a whole.
fn refused(message: &str, help: &str) -> Finding {
    Finding {
        file: APPLIED.into(),
        line: 1,
        column: 1,
        path: String::new(),
        code: "TM0001".into(),
        severity: Severity::Error,
        message: message.into(),
        help: help.into(),
    }
}

/// The store could not keep what was applied or read.
pub(super) fn not_stored(error: &str) -> Finding {
    let message = format!("the documents are valid but could not be stored: {error}");
    Finding { file: "data".into(), ..refused(&message, "mend the data folder and try again; nothing was changed") }
}
