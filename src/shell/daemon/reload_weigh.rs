//! Files, read and compared with what is in force: the next configuration, or why it is refused; and what is gone.
//!
//! Blocking, without side effects, and run beside the loop. Absence is believed only where the folder around a file
//! could be looked into and nothing of the file is broken: a folder that is away says nothing about its documents.
//! Invariant: an answer is of files that did not change while they were read, or says that they did.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::documents::{InForce, Key, Layers};
use super::reload_needed::{needed, objections};
use super::start::Options;
use crate::core::decide::State;
use crate::core::words::Name;
use crate::shell::settings::{self, Finding, Kind, Loaded, Part, Prints, Severity, Source};
use crate::shell::spec::Settings;

/// Readings at once when files change meanwhile; after that they are left to settle.
const READINGS: usize = 3;

/// What files are compared with.
pub(super) struct Material {
    pub(super) options: Options,
    pub(super) current: Arc<InForce>,
    pub(super) state: Arc<State>,
    /// Files that documents were read with the last time.
    pub(super) beside: BTreeSet<PathBuf>,
    pub(super) version: u64,
    pub(super) now: Timestamp,
}

/// What came of it.
pub(super) struct Weighed {
    /// The version of the library it was compared with.
    pub(super) version: u64,
    /// The decision whose state it was compared with.
    pub(super) decisions: u64,
    /// Whether the files stayed as they were while they were read.
    pub(super) settled: bool,
    pub(super) roots: Vec<PathBuf>,
    pub(super) beside: BTreeSet<PathBuf>,
    pub(super) prints: Prints,
    /// What stands in no file any more, needed or not, with the file it stood in.
    pub(super) gone: BTreeMap<Key, String>,
    pub(super) outcome: Result<InForce, Refusal>,
}

/// Files that are not taken into force.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    pub(super) findings: Vec<Finding>,
    /// What was read, for showing findings in their context.
    pub(super) sources: Vec<Source>,
}

impl From<Refusal> for Loaded {
    fn from(refusal: Refusal) -> Self {
        Self { findings: refusal.findings, sources: refusal.sources, ..Self::default() }
    }
}

/// Reads and compares.
pub(super) fn weigh(material: &Material) -> Weighed {
    let mut beside = material.beside.clone();
    let mut weighed = weigh_once(material, &beside);
    for _ in 1..READINGS {
        if weighed.settled {
            break;
        }
        beside.clone_from(&weighed.beside);
        weighed = weigh_once(material, &beside);
    }
    weighed
}

fn weigh_once(material: &Material, beside: &BTreeSet<PathBuf>) -> Weighed {
    let found = settings_of(&material.options);
    let settings = found.as_ref().map_or_else(|_| material.current.settings.clone(), Clone::clone);
    let roots = roots(&settings, &material.options);
    let before = Prints::of(&roots, beside);
    let Read { outcome, gone, referred } = match found {
        Ok(settings) => read(material, settings, &roots),
        Err(refusal) => Read { outcome: Err(refusal), gone: BTreeMap::new(), referred: beside.clone() },
    };
    let prints = Prints::of(&roots, beside);
    Weighed {
        version: material.version,
        decisions: material.state.decisions,
        settled: prints == before && referred == *beside,
        roots,
        beside: referred,
        prints,
        gone,
        outcome,
    }
}

struct Read {
    outcome: Result<InForce, Refusal>,
    gone: BTreeMap<Key, String>,
    referred: BTreeSet<PathBuf>,
}

fn read(material: &Material, settings: Settings, roots: &[PathBuf]) -> Read {
    let current = &material.current;
    let base = settings::load(roots);
    let outline = alone(&base);
    // Whatever could not be read, for whatever reason, is not among the sources.
    let is_read = |finding: &Finding| base.sources.iter().any(|source| source.file == finding.file);
    let unread = files_of(&base.findings, |finding| finding.severity == Severity::Error && !is_read(finding));
    let broken = files_of(&outline.findings, |finding| finding.severity == Severity::Error);
    let gone = gone(current, &base, (&unread, &broken));
    let needed = needed(current, &material.state, material.now);
    let kept = gone.iter().filter(|(key, _)| needed.contains(*key)).map(|(key, part)| (key.clone(), part.clone())).collect();
    let gone = gone.into_iter().map(|(key, part)| (key, part.file)).collect();
    let layers = Layers { kept, files: base.sources.clone(), parts: outline.parts, applied: current.layers.applied.clone() };
    let bare = layers.kept.is_empty() && layers.applied.is_empty();
    let mut referred = base.referred.clone();
    if !unread.is_empty() || !broken.is_empty() {
        return Read { outcome: Err(Refusal { findings: base.findings, sources: base.sources }), gone, referred };
    }
    let sources = base.sources.clone();
    let whole = if bare { base } else { layers.load() };
    referred.extend(whole.referred.iter().cloned());
    let refuse = |findings| Err(Refusal { findings, sources });
    if whole.has_errors() {
        return Read { outcome: refuse(whole.findings), gone, referred };
    }
    let next = InForce::new(settings, whole, layers);
    let mut objections = objections(current, &next, &material.state);
    objections.extend(without_settings(&material.options, current, &next));
    let outcome = if objections.is_empty() { Ok(next) } else { refuse(objections) };
    Read { outcome, gone, referred }
}

/// The documents of the files one by one, whatever they name. What is valid together is so one by one.
fn alone(base: &Loaded) -> Loaded {
    if !base.has_errors() {
        return Loaded { parts: base.parts.clone(), ..Loaded::default() };
    }
    let texts: Vec<(String, String)> = base.sources.iter().map(|source| (source.file.clone(), source.text.clone())).collect();
    settings::load_texts_alone(&texts)
}

fn files_of(findings: &[Finding], which: impl Fn(&Finding) -> bool) -> BTreeSet<PathBuf> {
    findings.iter().filter(|finding| which(finding)).map(|finding| PathBuf::from(&finding.file)).collect()
}

/// What stood in a file and stands in none now.
fn gone(current: &InForce, base: &Loaded, (unread, broken): (&BTreeSet<PathBuf>, &BTreeSet<PathBuf>)) -> BTreeMap<Key, Part> {
    let is_absent = |file: &Path| {
        if base.sources.iter().any(|source| Path::new(&source.file) == file) {
            return !broken.contains(file);
        }
        if unread.contains(file) {
            let away = std::fs::symlink_metadata(file).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
            return away && file.parent().is_some_and(|folder| folder == Path::new("") || folder.is_dir());
        }
        !unread.iter().any(|folder| file.starts_with(folder))
    };
    let own = current.parts.iter().filter(|(key, _)| key.0 != Kind::Settings && !current.layers.applied.contains_key(*key));
    let away = own.filter(|(key, part)| !base.present.contains(*key) && is_absent(Path::new(&part.file)));
    away.map(|(key, part)| (key.clone(), part.clone())).collect()
}

/// A daemon that was started with settings does not go on without them.
fn without_settings(options: &Options, current: &InForce, next: &InForce) -> Option<Finding> {
    let config = options.config.as_ref()?;
    let lost = current.documents.settings.is_some() && next.documents.settings.is_none();
    lost.then(|| Finding {
        file: config.display().to_string(),
        line: 1,
        column: 1,
        path: String::new(),
        code: "TM0402".into(),
        severity: Severity::Error,
        message: "the Settings document that the daemon was started with is gone".into(),
        help: "put it back; without --config the daemon runs without one".into(),
    })
}

/// The settings of the file, flags included; refused where the file does not give them.
pub(super) fn settings_of(options: &Options) -> Result<Settings, Refusal> {
    let Some(config) = &options.config else { return Ok(effective(None, options)) };
    let loaded = settings::load_alone(std::slice::from_ref(config));
    if loaded.documents.settings.is_none() && loaded.has_errors() {
        return Err(Refusal { findings: loaded.findings, sources: loaded.sources });
    }
    Ok(effective(loaded.documents.settings, options))
}

/// Where documents are.
fn roots(settings: &Settings, options: &Options) -> Vec<PathBuf> {
    let paths: BTreeSet<PathBuf> = settings.documents.iter().chain(options.config.as_ref()).cloned().collect();
    paths.into_iter().collect()
}

/// The settings of the file, or defaults; flags beat both.
pub(super) fn effective(found: Option<Settings>, options: &Options) -> Settings {
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
