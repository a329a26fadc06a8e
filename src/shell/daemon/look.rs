//! Gathers what the world looks like: groups, load, counts, coverage, the halt file.
//!
//! One batched call per source and tick, all at once, each within a time limit. Invariant: what did not answer in time is
//! absent from the observation, never an old answer and never a zero.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

use super::counts;
use super::warmth::Warmth;
use crate::core::decide::{GroupObservation, Observations, State};
use crate::core::release::{Phase, Release};
use crate::core::words::{Name, later};
use crate::shell::groups::{Groups, Look};
use crate::shell::observe::{History, ObserveError, Pushes, Sources, Span, Tick};
use crate::shell::spec::{Documents, LoadQuery};
use crate::shell::store::Proven;

/// A provider that takes longer is not observed in this tick: a tick must not wait for the slowest.
const WITHIN: Duration = Duration::from_secs(5);

/// How long before T-0 a launch is near: a working day, so that what is found can be mended in time.
const NEAR: Duration = Duration::from_hours(24);

/// How much load history a forecast is given, and its grid: 28 days by the hour show both the day and the week.
const HISTORY: Duration = Duration::from_hours(28 * 24);
const HISTORY_STEP: Duration = Duration::from_hours(1);

/// The load of the last minutes, for what a launch does right now.
const RECENT: Duration = Duration::from_mins(30);
const RECENT_STEP: Duration = Duration::from_mins(1);
/// From so long before T-0 on it is looked at: people watch utilisation before they say go.
const WATCHED: Duration = Duration::from_hours(1);

/// See the module.
pub(super) struct Observers {
    groups: Arc<Groups>,
    sources: Arc<Sources>,
    halt_file: Option<PathBuf>,
    /// Groups whose history could not be read at the last look: it is said once.
    unread: Mutex<BTreeSet<Name>>,
    /// A halt file that existed when the settings ceased to name it.
    left_behind: Option<PathBuf>,
    warmth: Warmth,
}

impl Observers {
    pub(super) fn new(groups: Arc<Groups>, documents: &Documents, proven: Vec<Proven>) -> Result<Self, ObserveError> {
        let halt_file = named_halt_file(documents);
        let sources = Arc::new(Sources::new(documents.sources.clone())?);
        Ok(Self {
            groups,
            sources,
            halt_file,
            unread: Mutex::default(),
            left_behind: None,
            warmth: Warmth::new(proven, documents),
        })
    }

    /// Documents changed: groups that are new are opened, changed ones follow, sources are taken anew.
    pub(super) fn rewire(&mut self, documents: &Documents) {
        self.groups.update(&documents.groups);
        self.warmth.rewire(documents);
        let halt_file = named_halt_file(documents);
        if halt_file != self.halt_file {
            // What halts goes on halting until it is removed, whatever the settings say of it by now.
            self.left_behind = self.halt_file.take().filter(exists).or(self.left_behind.take());
            self.halt_file = halt_file;
        }
        match self.sources.renewed(documents.sources.clone()) {
            Ok(sources) => self.sources = Arc::new(sources),
            Err(error) => tracing::error!(%error, "the metrics sources stay as they were"),
        }
    }

    /// The sources, for probes.
    pub(super) fn sources(&self) -> Arc<Sources> {
        self.sources.clone()
    }

    /// Whether everything is halted. A file that cannot be looked at is one that is not there: halting by mistake on a
    /// passing error of the disk would stop every update.
    pub(super) fn halt_file(&self) -> bool {
        self.halt_file.iter().chain(&self.left_behind).any(exists)
    }

    /// What a priming run proved.
    pub(super) fn proven(&mut self, proven: Proven) {
        self.warmth.learn(proven);
    }

    /// Looks at everything.
    pub(super) async fn look(&self, pushed: &Pushes, (documents, state): (&Documents, &State), now: Timestamp) -> Observations {
        let tick = Tick { pushed, now };
        let launching = launching(documents, state, now);
        let all = documents.load_queries.iter().collect();
        let watched = documents.load_queries.iter().filter(|(group, _)| launching.contains(group)).collect();
        let ((groups, unseen), history, recent, minutes) = tokio::join!(
            self.describe((documents, state), now),
            self.load(all, (HISTORY, HISTORY_STEP), tick),
            self.load(watched, (RECENT, RECENT_STEP), tick),
            counts::minutes(&self.sources, (documents, state), tick),
        );
        let halt_file = self.halt_file();
        Observations {
            groups,
            unseen,
            history,
            recent,
            minutes,
            coverage: self.warmth.coverage(),
            halt_file,
            ..Observations::default()
        }
    }

    /// The groups that answer, and why the others do not.
    async fn describe(
        &self,
        standing: (&Documents, &State),
        now: Timestamp,
    ) -> (BTreeMap<Name, GroupObservation>, BTreeMap<Name, String>) {
        let look = Look { within: WITHIN, near: near(standing, now) };
        let (mut seen, mut unseen) = (BTreeMap::new(), BTreeMap::new());
        for (name, answer) in self.groups.observe(&look).await {
            match answer {
                Ok(observed) => drop(seen.insert(name, observed)),
                Err(why) => drop(unseen.insert(name, why)),
            }
        }
        (seen, unseen)
    }

    async fn load<'d>(
        &self,
        queries: BTreeMap<&'d Name, &'d LoadQuery>,
        (back, step): (Duration, Duration),
        tick: Tick<'_>,
    ) -> BTreeMap<Name, Vec<(Timestamp, f64)>> {
        let from = tick.now.checked_sub(back).unwrap_or(Timestamp::MIN);
        let span = Span { from, to: tick.now, step };
        // One call per source, so that a slow one costs its own answers alone; one question, however many groups ask it.
        let mut by_source: BTreeMap<&Name, Vec<&LoadQuery>> = BTreeMap::new();
        for query in queries.values().copied() {
            let asked = by_source.entry(&query.source).or_default();
            if !asked.contains(&query) {
                asked.push(query);
            }
        }
        let ask = async |queries: &Vec<&'d LoadQuery>| {
            let answers = tokio::time::timeout(WITHIN, self.sources.load_histories(queries, span, tick)).await;
            queries.iter().copied().zip(answers.unwrap_or_default()).collect::<Vec<_>>()
        };
        let mut asked = Vec::new();
        for queries in by_source.values() {
            asked.push(ask(queries));
        }
        let answers: Vec<(&LoadQuery, History)> = join_all(asked).await.into_iter().flatten().collect();
        let of = |(policy, query): (&'d Name, &'d LoadQuery)| match &answers.iter().find(|(asked, _)| *asked == query)?.1 {
            Ok(points) => {
                self.note_read(policy, step, None);
                Some((policy.clone(), points.clone()))
            }
            Err(error) => {
                self.note_read(policy, step, Some(error));
                None
            }
        };
        queries.into_iter().filter_map(of).collect()
    }

    /// Says it when a history cannot be read any more, once: each tick reads it. The last minutes have holes by nature.
    fn note_read(&self, policy: &Name, step: Duration, error: Option<&ObserveError>) {
        if step != HISTORY_STEP {
            return;
        }
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            None => drop(unread.remove(policy)),
            Some(error) if unread.insert(policy.clone()) => {
                tracing::warn!(group = %policy, %error, "the load history cannot be read; the baseline is a guess until it can");
            }
            Some(_) => {}
        }
    }
}

/// Groups on which a launch leans that is under way or about to begin.
fn launching<'d>(documents: &'d Documents, state: &State, now: Timestamp) -> BTreeSet<&'d Name> {
    let is_near = |release: &&Release| {
        let known = state.releases.get(&release.name);
        let begun = known.is_some_and(|state| state.evidence_from.is_some());
        known.is_some_and(|state| state.ended_at.is_none()) && (begun || release.launch_at <= later(now, WATCHED))
    };
    documents.config.releases.values().filter(is_near).flat_map(|release| &release.scaling).collect()
}

#[expect(clippy::ptr_arg, reason = "for paths as they are kept")]
fn exists(path: &PathBuf) -> bool {
    path.try_exists().unwrap_or(false)
}

fn named_halt_file(documents: &Documents) -> Option<PathBuf> {
    documents.settings.as_ref().and_then(|settings| settings.halt_file.clone())
}

/// Groups that a launch leans on which is near or going on, and those that tminus holds up.
fn near((documents, state): (&Documents, &State), now: Timestamp) -> BTreeSet<Name> {
    let soon = later(now, NEAR);
    let is_near = |name: &Name, launch_at: Timestamp| match state.releases.get(name).map(|state| &state.phase) {
        Some(Phase::Complete | Phase::Scrubbed { .. } | Phase::Aborted { .. }) => false,
        Some(Phase::Active(_) | Phase::Held { .. }) => true,
        Some(Phase::Planned) | None => launch_at <= soon,
    };
    let releases = documents.config.releases.iter().filter(|(_, release)| !release.released);
    let leaning = releases.filter(|(name, release)| is_near(name, release.launch_at)).flat_map(|(_, release)| &release.scaling);
    leaning.chain(state.floors.keys()).cloned().collect()
}
