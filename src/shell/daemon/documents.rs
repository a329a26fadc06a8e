//! The documents in force: those of files, and over them those applied through the API.
//!
//! An applied document stands in for the file's document of the same kind and name. Invariant: what is in force was
//! loaded without an error, as a whole; a proposal with an error leaves everything as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::start::{Options, StartError};
use crate::core::decide::{Config, Person};
use crate::core::words::Name;
use crate::shell::control::Applied;
use crate::shell::settings::{self, Finding, Kind, Loaded, Part, Severity, Source};
use crate::shell::spec::{Documents, Settings};
use crate::shell::store::AppliedDocument;

/// The file name of applied text in findings.
const APPLIED: &str = "applied";

type Key = (Kind, Name);

/// See the module.
pub(super) struct Library {
    settings: Settings,
    base: Loaded,
    applied: BTreeMap<Key, Part>,
    documents: Documents,
    parts: BTreeMap<Key, String>,
    findings: Vec<Finding>,
}

/// A proposal that loads.
pub(super) struct Change {
    pub(super) applied: Applied,
    pub(super) releases: Vec<Name>,
    new: Vec<Part>,
    loaded: Loaded,
}

impl Change {
    /// The configuration with it in force.
    pub(super) fn config(&self) -> &Config {
        &self.loaded.documents.config
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
}

impl Library {
    /// Reads the settings and every document; refuses errors.
    pub(super) fn load(options: &Options) -> Result<Self, StartError> {
        let alone = options.config.as_ref().map(|file| settings::load_alone(std::slice::from_ref(file)));
        let found = alone.as_ref().and_then(|loaded| loaded.documents.settings.clone());
        let settings = effective(found, options);
        let paths: BTreeSet<PathBuf> = settings.documents.iter().chain(options.config.as_ref()).cloned().collect();
        let base = settings::load(&paths.into_iter().collect::<Vec<_>>());
        if base.has_errors() {
            return Err(StartError::Documents(Box::new(base)));
        }
        let documents = base.documents.clone();
        let parts = keys(&base);
        let findings = base.findings.clone();
        Ok(Self { settings, base, applied: BTreeMap::new(), documents, parts, findings })
    }

    /// Puts what was applied earlier over the files. What no longer fits is reported and left out, so that one document
    /// cannot keep the daemon down.
    pub(super) fn with_applied(mut self, records: Vec<AppliedDocument>) -> Self {
        for record in records {
            match self.propose(&record.text) {
                Ok(change) => self.adopt(change),
                Err(findings) => {
                    let first = findings.first().map(|finding| finding.message.clone()).unwrap_or_default();
                    tracing::error!(document.kind = record.kind, document.name = %record.name, first, "an applied document does not fit any more and is left out");
                    self.findings.extend(findings);
                }
            }
        }
        self
    }

    /// The settings, flags included.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is in force.
    pub(super) fn documents(&self) -> &Documents {
        &self.documents
    }

    /// What was said about it.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// People by the hash of their token.
    pub(super) fn people(&self) -> Vec<(String, Person)> {
        self.settings.people.iter().map(|person| (person.token_sha256.clone(), person.person.clone())).collect()
    }

    /// Loads everything with this text in it; every finding, if there is an error.
    pub(super) fn propose(&self, text: &str) -> Result<Change, Vec<Finding>> {
        let outline = settings::load_texts_alone(&[(APPLIED.into(), text.into())]);
        if outline.has_errors() {
            return Err(outline.findings);
        }
        if outline.parts.is_empty() {
            return Err(vec![refused("there is no document in it", "a document has apiVersion, kind and name")]);
        }
        if outline.parts.iter().any(|part| part.kind == Kind::Settings) {
            return Err(vec![refused(
                "settings are read at start and cannot be applied",
                "change tminus.yaml and restart the daemon",
            )]);
        }
        let mut applied = self.applied.clone();
        applied.extend(outline.parts.iter().map(|part| (key(part), part.clone())));
        let loaded = settings::load_texts(&self.texts(&applied));
        if loaded.has_errors() {
            return Err(loaded.findings);
        }
        let releases = outline.parts.iter().filter(|part| part.kind == Kind::Release).map(|part| part.name.clone()).collect();
        Ok(Change { applied: self.compare(&outline.parts), releases, new: outline.parts, loaded })
    }

    /// Takes a proposal into force.
    pub(super) fn adopt(&mut self, change: Change) {
        self.applied.extend(change.new.into_iter().map(|part| (key(&part), part)));
        self.parts = keys(&change.loaded);
        // Settings come from the file and flags alone.
        self.documents = Documents { settings: self.documents.settings.clone(), ..change.loaded.documents };
        self.findings = change.loaded.findings;
    }

    /// Every text: files as they are, unless one of their documents is stood in for; then the others one by one.
    fn texts(&self, applied: &BTreeMap<Key, Part>) -> Vec<(String, String)> {
        let stood_in = |part: &&Part| applied.contains_key(&key(part));
        let split: BTreeSet<&str> = self.base.parts.iter().filter(stood_in).map(|part| part.file.as_str()).collect();
        let whole = |source: &&Source| !split.contains(source.file.as_str());
        let files = self.base.sources.iter().filter(whole).map(|source| (source.file.clone(), source.text.clone()));
        let left = |part: &&Part| split.contains(part.file.as_str()) && !applied.contains_key(&key(part));
        let parts = self.base.parts.iter().filter(left).map(|part| (format!("{} ({})", part.file, part.name), part.text.clone()));
        let over = applied.values().map(|part| (format!("{APPLIED} {}/{}", part.kind.word(), part.name), part.text.clone()));
        files.chain(parts).chain(over).collect()
    }

    fn compare(&self, parts: &[Part]) -> Applied {
        let mut applied = Applied { created: Vec::new(), changed: Vec::new(), unchanged: Vec::new() };
        for part in parts {
            let list = match self.parts.get(&key(part)) {
                None => &mut applied.created,
                Some(sha256) if *sha256 == part.sha256 => &mut applied.unchanged,
                Some(_) => &mut applied.changed,
            };
            list.push(format!("{}/{}", part.kind.word(), part.name));
        }
        applied
    }
}

fn key(part: &Part) -> Key {
    (part.kind, part.name.clone())
}

fn keys(loaded: &Loaded) -> BTreeMap<Key, String> {
    loaded.parts.iter().map(|part| (key(part), part.sha256.clone())).collect()
}

/// The settings of the file, or defaults; flags beat both.
fn effective(found: Option<Settings>, options: &Options) -> Settings {
    let mut settings = found.unwrap_or_else(defaults);
    if !options.documents.is_empty() {
        settings.documents.clone_from(&options.documents);
    }
    settings.data = options.data.clone().unwrap_or(settings.data);
    settings.control = options.control.unwrap_or(settings.control);
    settings.decision = options.decision.unwrap_or(settings.decision);
    settings
}

/// Without a settings file: the documented ports on loopback and a data folder here, so that a first try needs nothing.
fn defaults() -> Settings {
    Settings {
        name: default_name(),
        data: PathBuf::from("tminus-data"),
        documents: Vec::new(),
        control: SocketAddr::from((Ipv4Addr::LOCALHOST, 8017)),
        decision: SocketAddr::from((Ipv4Addr::LOCALHOST, 8018)),
        tick: Duration::from_secs(10),
        time_zone: None,
        people: Vec::new(),
        halt_file: None,
        retention: Duration::from_hours(400 * 24),
    }
}

#[expect(clippy::expect_used, reason = "a literal that is a name")]
fn default_name() -> Name {
    Name::new("tminus").expect("a literal")
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
