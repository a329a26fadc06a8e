//! Carries out intents, each in its own task, and reports what became of them.
//!
//! Every target is absolute and every key goes along, so sending again after a crash is safe. Invariant: an outcome is
//! reported for every intent started, except when the process dies; then the journal still has it open.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::core::decide::{Announcement, Effect, Intent};
use crate::core::priming::Coverage;
use crate::core::words::Name;
use crate::shell::clock;
use crate::shell::groups::LocalGroups;
use crate::shell::notify::{Notifier, backoff};
use crate::shell::primer::{self, Progress};
use crate::shell::spec::Documents;

/// How long a stopping daemon waits for effects under way; what is not done by then stays open in the journal.
const GRACE: Duration = Duration::from_secs(5);

/// What became of an intent.
pub(super) struct Outcome {
    pub(super) intent: Intent,
    /// A sentence for the timeline, or why it failed.
    pub(super) result: Result<String, String>,
    /// What a priming run proved.
    pub(super) coverage: Option<(Name, Coverage)>,
    /// Targets that an announcement reached by now.
    pub(super) delivered: Vec<String>,
}

impl Outcome {
    pub(super) fn kind(&self) -> &'static str {
        match self.intent.effect {
            Effect::SetFloor { .. } => "set_floor",
            Effect::Prime { .. } => "prime",
            Effect::Notify(_) => "notify",
            Effect::Report { .. } => "report",
        }
    }

    pub(super) fn release(&self) -> Option<Name> {
        match &self.intent.effect {
            Effect::Prime { release, .. } | Effect::Report { release } => Some(release.clone()),
            Effect::Notify(said) => said.release.clone(),
            Effect::SetFloor { .. } => None,
        }
    }
}

/// See the module.
pub(super) struct Actuators {
    groups: Arc<LocalGroups>,
    outcomes: mpsc::Sender<Outcome>,
    attempts: BTreeMap<String, u32>,
    /// Targets that an announcement has reached, by intent key: a retry tells only the others.
    told: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    tasks: JoinSet<()>,
    data: PathBuf,
}

impl Actuators {
    pub(super) fn new(groups: Arc<LocalGroups>, outcomes: mpsc::Sender<Outcome>, data: PathBuf) -> Self {
        Self { groups, outcomes, attempts: BTreeMap::new(), told: Arc::default(), tasks: JoinSet::new(), data }
    }

    /// Starts one intent.
    pub(super) fn start(&mut self, intent: Intent, documents: &Documents) {
        *self.attempts.entry(intent.key.clone()).or_default() += 1;
        while self.tasks.try_join_next().is_some() {}
        let outcomes = self.outcomes.clone();
        match intent.effect.clone() {
            Effect::SetFloor { group, floor, .. } => {
                let groups = self.groups.clone();
                self.spawn(intent, outcomes, async move |intent| {
                    let set = groups.set_floor(&group, floor.0, &intent.key).await;
                    (set.map(|()| format!("{group} has floor {floor}")).map_err(|error| error.to_string()), None)
                });
            }
            Effect::Prime { policy, .. } => self.prime(intent, policy, documents),
            Effect::Notify(said) => self.notify(intent, said, documents),
            Effect::Report { release } => {
                let (data, documents) = (self.data.clone(), documents.clone());
                self.spawn(intent, outcomes, async move |_| (super::start::write_report(&data, &release, &documents), None));
            }
        }
    }

    fn prime(&mut self, intent: Intent, policy: Name, documents: &Documents) {
        let known = documents.primings.get(&policy).cloned().zip(documents.config.primings.get(&policy).cloned());
        let outcomes = self.outcomes.clone();
        self.spawn(intent, outcomes, async move |_| {
            let Some((spec, rules)) = known else { return (Err(format!("there is no priming policy {policy}")), None) };
            let (progress, _unwatched) = watch::channel(Progress::default());
            let report = primer::prime(&spec, &rules, &progress).await;
            let coverage = report.coverage(clock::now());
            let sentence = format!("{policy}: {}", report.sentence());
            (Ok(sentence), Some((policy, coverage)))
        });
    }

    fn notify(&mut self, intent: Intent, said: Announcement, documents: &Documents) {
        let notifier = Notifier::new(documents.notifiers.clone());
        let (told, outcomes) = (self.told.clone(), self.outcomes.clone());
        self.spawn(intent, outcomes, async move |intent| {
            let already = told.lock().unwrap_or_else(PoisonError::into_inner).get(&intent.key).cloned().unwrap_or_default();
            let results = notifier.deliver(&said, &already).await;
            let reached = results.iter().filter(|result| result.outcome.is_ok()).map(|result| result.target.clone());
            let all: Vec<String> = already.into_iter().chain(reached).collect();
            let failed: Vec<String> = results.iter().filter_map(|result| Some(format!("{}: {}", result.target, result.outcome.as_ref().err()?))).collect();
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if failed.is_empty() {
                told.remove(&intent.key);
                return (Ok(format!("told {} about: {}", people(&all), said.what)), None);
            }
            told.insert(intent.key.clone(), all);
            (Err(failed.join("; ")), None)
        });
    }

    fn spawn<F>(&mut self, intent: Intent, outcomes: mpsc::Sender<Outcome>, work: F)
    where
        F: AsyncFnOnce(&Intent) -> (Result<String, String>, Option<(Name, Coverage)>) + Send + 'static,
        for<'a> F::CallOnceFuture<'a>: Send,
    {
        self.tasks.spawn(async move {
            let (result, coverage) = work(&intent).await;
            // A closed channel means the daemon is stopping; the journal still has the intent open.
            let _ = outcomes.send(Outcome { intent, result, coverage }).await;
        });
    }

    /// Full jitter, growing with the attempts at this intent.
    pub(super) fn pause_before_retry(&self, key: &str) -> Duration {
        let attempt = self.attempts.get(key).copied().unwrap_or(1);
        backoff(attempt, clock::draw())
    }

    /// Lets effects under way finish for a moment.
    pub(super) async fn stop(&mut self) {
        let _ = tokio::time::timeout(GRACE, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.abort_all();
    }
}

fn people(targets: &[String]) -> String {
    if targets.is_empty() { "nobody (no notifier wants it)".into() } else { targets.join(", ") }
}
