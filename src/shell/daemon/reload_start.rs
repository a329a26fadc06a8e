//! The documents that a daemon starts with: those of the files and those applied, or, when the files have errors, those
//! of the last run.
//!
//! A daemon that is started again at T-0 must not stay down because somebody is in the middle of an edit. Invariant: where
//! nothing was ever in force, documents with errors start nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::documents::{InForce, Key, Layers, Library, key};
use super::reload_weigh::{Material, Refusal, Weighed, effective, settings_of, weigh};
use super::start::{Options, StartError};
use crate::core::decide::State;
use crate::shell::clock;
use crate::shell::settings::{self, Kind, Loaded, Part, Source};
use crate::shell::spec::Settings;
use crate::shell::store::{AppliedDocument, DocumentInForce};

/// What the store remembers.
pub(super) struct Remembered {
    pub(super) state: State,
    pub(super) applied: Vec<AppliedDocument>,
    pub(super) in_force: Vec<DocumentInForce>,
}

/// The settings; where there is no data folder yet, the documents are checked before one is made.
pub(super) fn settings(options: &Options) -> Result<Settings, StartError> {
    let settings = settings_of(options).map_err(refused)?;
    if !settings.data.exists() {
        let nothing = Layers::default();
        weigh(&material(options, (nothing, Loaded::default()), State::default())).outcome.map_err(refused)?;
    }
    Ok(settings)
}

fn refused(refusal: Refusal) -> StartError {
    StartError::Documents(Box::new(refusal.into()))
}

fn material(options: &Options, (layers, loaded): (Layers, Loaded), state: State) -> Material {
    let own = settings_of(options).ok();
    let settings = own.unwrap_or_else(|| effective(loaded.documents.settings.clone(), options));
    Material {
        options: options.clone(),
        current: Arc::new(InForce::new(settings, loaded, layers)),
        state: Arc::new(state),
        beside: std::collections::BTreeSet::new(),
        version: 0,
        now: clock::now(),
    }
}

/// The documents in force, and what was seen of the files.
pub(super) fn open(options: &Options, remembered: Remembered) -> Result<(Library, Weighed), StartError> {
    let Remembered { state, applied, in_force } = remembered;
    let over = parts_of(&applied);
    let (layers, loaded) = last(&in_force, over);
    let usable = !in_force.is_empty() && !loaded.has_errors();
    let material = material(options, (layers, loaded), state);
    let mut weighed = weigh(&material);
    let now = clock::now();
    match std::mem::replace(&mut weighed.outcome, Err(Refusal::default())) {
        Ok(next) => Ok((Library::new(next, weighed.gone.clone(), now), weighed)),
        Err(refusal) if usable => {
            let first = refusal.findings.first().map(settings::Finding::brief).unwrap_or_default();
            tracing::error!(first, "the documents have errors; those of the last run are in force");
            let mut library = Library::new((*material.current).clone(), BTreeMap::new(), now);
            library.reject(refusal.findings, weighed.gone.clone(), (&material.state, now));
            Ok((library, weighed))
        }
        Err(refusal) if applied.is_empty() => Err(refused(refusal)),
        Err(_) => one_by_one(material, applied),
    }
}

/// Nothing is known of the last run, and not everything that was applied fits the files: what does is taken.
fn one_by_one(material: Material, applied: Vec<AppliedDocument>) -> Result<(Library, Weighed), StartError> {
    let mut current = (*material.current).clone();
    current.layers.applied.clear();
    let material = Material { current: Arc::new(current), ..material };
    let mut weighed = weigh(&material);
    let next = std::mem::replace(&mut weighed.outcome, Err(Refusal::default())).map_err(refused)?;
    let library = Library::new(next, weighed.gone.clone(), clock::now());
    Ok((library.with_applied(applied, &material.state), weighed))
}

/// Applied documents by their names; one that cannot be read any more is left out and said.
fn parts_of(applied: &[AppliedDocument]) -> BTreeMap<Key, Part> {
    let mut parts = BTreeMap::new();
    for document in applied {
        let loaded = settings::load_texts_alone(&[("applied".into(), document.text.clone())]);
        if loaded.has_errors() {
            tracing::error!(document.kind, document.name = %document.name, "an applied document cannot be read any more and is left out");
        }
        parts.extend(loaded.parts.into_iter().map(|part| (key(&part), part)));
    }
    parts
}

/// The documents of the last run.
fn last(in_force: &[DocumentInForce], applied: BTreeMap<Key, Part>) -> (Layers, Loaded) {
    let is_own = |document: &&DocumentInForce| {
        Kind::of(&document.kind).is_some_and(|kind| !applied.contains_key(&(kind, document.name.clone())))
    };
    let source = |document: &DocumentInForce| Source { file: document.file.clone(), text: document.text.clone() };
    let files: Vec<Source> = in_force.iter().filter(is_own).map(source).collect();
    let texts: Vec<(String, String)> = files.iter().map(|source| (source.file.clone(), source.text.clone())).collect();
    if applied.is_empty() {
        // What is valid together is so one by one: nothing has to be read a second time.
        let loaded = settings::load_texts(&texts);
        if !loaded.has_errors() {
            let layers = Layers { kept: BTreeMap::new(), files, parts: loaded.parts.clone(), applied };
            return (layers, loaded);
        }
    }
    let parts = settings::load_texts_alone(&texts).parts;
    let layers = Layers { kept: BTreeMap::new(), files, parts, applied };
    let loaded = layers.load();
    (layers, loaded)
}
