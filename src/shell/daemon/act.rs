//! Carries out intents, each in its own task, and reports what became of them.
//!
//! Every target is absolute and every key goes along, so sending again after a crash is safe. Invariant: an outcome is
//! reported for every intent started, except when the process dies; then the journal still has it open.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::chronicle::{self, Past};
use super::fault::{self, Step};
use super::lanes::Lanes;
use super::warmth;
use crate::core::decide::{Announcement, Effect, Intent};
use crate::core::load::ScheduledFloor;
use crate::core::priming::RunSoFar;
use crate::core::words::{Capacity, Name};
use crate::shell::clock;
use crate::shell::groups::{Groups, Guard};
use crate::shell::notify::{DeliveryResult, Notifier, NotifyError, backoff};
use crate::shell::primer::{self, Progress};
use crate::shell::spec::Documents;
use crate::shell::store::Proven;

/// How long a stopping daemon waits for effects under way; what is not done by then stays open in the journal.
const GRACE: Duration = Duration::from_secs(5);

/// What became of an intent.
pub(super) struct Outcome {
    pub(super) intent: Intent,
    /// A sentence for the timeline, or why it failed.
    pub(super) result: Result<String, String>,
    /// What a priming run proved.
    pub(super) proven: Option<Proven>,
    /// Targets that an announcement reached by now.
    pub(super) delivered: Vec<String>,
}

impl Outcome {
    pub(super) fn kind(&self) -> &'static str {
        match self.intent.effect {
            Effect::SetFloor { .. } => "set_floor",
            Effect::ScheduleFloors { .. } => "schedule_floors",
            Effect::Prime { .. } => "prime",
            Effect::Notify(_) => "notify",
            Effect::Report { .. } => "report",
        }
    }

    pub(super) fn release(&self) -> Option<Name> {
        match &self.intent.effect {
            Effect::Prime { release, .. } => release.clone(),
            Effect::Report { release } => Some(release.clone()),
            Effect::Notify(said) => said.release.clone(),
            Effect::SetFloor { .. } | Effect::ScheduleFloors { .. } => None,
        }
    }
}

/// What a task hands back.
struct Done {
    result: Result<String, String>,
    proven: Option<Proven>,
    delivered: Vec<String>,
}

impl From<Result<String, String>> for Done {
    fn from(result: Result<String, String>) -> Self {
        Self { result, proven: None, delivered: Vec::new() }
    }
}

/// See the module.
pub(super) struct Actuators {
    groups: Arc<Groups>,
    notifier: Arc<Notifier>,
    outcomes: mpsc::Sender<Outcome>,
    attempts: BTreeMap<String, u32>,
    lanes: Lanes,
    tasks: JoinSet<()>,
    data: PathBuf,
    /// Priming runs that are going on; a run that ended has no sender left.
    runs: BTreeMap<Name, watch::Receiver<Progress>>,
}

/// What an effect may need to know.
pub(super) struct Order<'a> {
    /// What to do.
    pub(super) intent: Intent,
    /// Targets that an earlier attempt reached.
    pub(super) delivered: Vec<String>,
    /// The documents in force.
    pub(super) documents: &'a Documents,
    /// What a group may be set to; `None` for other effects, and where there is no policy of it any more.
    pub(super) guard: Option<Guard>,
    /// The timeline and state so far, for reports.
    pub(super) past: Past,
}

impl Actuators {
    pub(super) fn new(
        groups: Arc<Groups>,
        outcomes: mpsc::Sender<Outcome>,
        (data, documents): (PathBuf, &Documents),
    ) -> Result<Self, NotifyError> {
        let notifier = Arc::new(Notifier::new(documents.notifiers.clone())?);
        let (attempts, lanes, runs) = (BTreeMap::new(), Lanes::default(), BTreeMap::new());
        Ok(Self { groups, notifier, outcomes, attempts, lanes, tasks: JoinSet::new(), data, runs })
    }

    /// Documents changed: people are told as they say now.
    pub(super) fn rewire(&mut self, documents: &Documents) {
        match Notifier::new(documents.notifiers.clone()) {
            Ok(notifier) => self.notifier = Arc::new(notifier),
            Err(error) => tracing::error!(%error, "the notifiers stay as they were"),
        }
    }

    /// Starts one effect.
    pub(super) fn start(&mut self, order: Order<'_>) {
        let Order { intent, delivered, documents, guard, past } = order;
        *self.attempts.entry(intent.key.clone()).or_default() += 1;
        while self.tasks.try_join_next().is_some() {}
        match intent.effect.clone() {
            Effect::SetFloor { group, floor, .. } => {
                let (groups, key) = (self.groups.clone(), intent.key.clone());
                let lane = self.lanes.of(&intent.effect, &key);
                self.spawn(intent, async move {
                    let _turn = match lane.turn(&key).await {
                        Ok(turn) => turn,
                        Err(outdated) => return Ok(outdated).into(),
                    };
                    if let Err(refused) = admitted(&groups, guard, (&group, floor)).await {
                        return Err(refused).into();
                    }
                    let set = groups.set_floor(&group, floor.0, &key).await;
                    set.map(|()| format!("{group} has floor {floor}")).map_err(|error| error.to_string()).into()
                });
            }
            Effect::ScheduleFloors { group, floors, .. } => {
                let (groups, key) = (self.groups.clone(), intent.key.clone());
                let lane = self.lanes.of(&intent.effect, &key);
                self.spawn(intent, async move {
                    let _turn = match lane.turn(&key).await {
                        Ok(turn) => turn,
                        Err(outdated) => return Ok(outdated).into(),
                    };
                    // Of a group without a policy what is kept can only be taken out.
                    let refused = guard.map(|guard| guard.admit_kept(&floors, clock::now()));
                    if let Some(Err(refused)) = refused {
                        return Err(refused.to_string()).into();
                    }
                    let put = groups.put_schedule(&group, &floors).await;
                    put.map(|()| kept(&group, &floors)).map_err(|error| error.to_string()).into()
                });
            }
            Effect::Prime { policy, release } => self.prime(intent, (policy, release), documents),
            Effect::Notify(said) => {
                let notifier = self.notifier.clone();
                self.spawn(intent, async move { tell(&notifier, &said, &delivered).await });
            }
            Effect::Report { release } => {
                let data = self.data.clone();
                self.spawn(intent, async move { chronicle::write(&data, &release, &past).into() });
            }
        }
    }

    fn prime(&mut self, intent: Intent, (policy, release): (Name, Option<Name>), documents: &Documents) {
        let spec = documents.primings.get(&policy).cloned();
        let known = spec.zip(documents.config.primings.get(&policy).cloned());
        let (progress, run) = watch::channel(Progress::default());
        self.runs.insert(policy.clone(), run);
        let launch_at = release.and_then(|name| documents.config.releases.get(&name)).map(|release| release.launch_at);
        self.spawn(intent, async move {
            let Some((spec, rules)) = known else { return Err(format!("there is no priming policy {policy}")).into() };
            let until = rules.fresh_until.zip(launch_at).map(|(until, launch_at)| until.at(launch_at));
            let report = primer::prime_until(&spec, &rules, until, &progress).await;
            let coverage = report.coverage(clock::now());
            if coverage.objects == 0 {
                let why = coverage.first_problem.unwrap_or_else(|| "its source lists no object".into());
                return Err(format!("{policy} could not be primed: {why}")).into();
            }
            let least = coverage.nodes.values().copied().min_by(f64::total_cmp).unwrap_or(0.0) * 100.0;
            let sentence = format!(
                "{policy}: {} objects on {} nodes, {least:.2} % proven warm on the least",
                coverage.objects,
                coverage.nodes.len()
            );
            Done {
                result: Ok(sentence),
                proven: Some(Proven { policy, digest: warmth::digest(&spec), coverage }),
                delivered: Vec::new(),
            }
        });
    }

    fn spawn(&mut self, intent: Intent, work: impl Future<Output = Done> + Send + 'static) {
        let outcomes = self.outcomes.clone();
        self.tasks.spawn(async move {
            let Done { result, proven, delivered } = work.await;
            fault::passes(Step::AfterAct);
            // A closed channel means the daemon is stopping; the journal still has the intent open.
            let _ = outcomes.send(Outcome { intent, result, proven, delivered }).await;
        });
    }

    /// Full jitter, growing with the attempts at this intent.
    pub(super) fn pause_before_retry(&self, key: &str) -> Duration {
        let attempt = self.attempts.get(key).copied().unwrap_or(1);
        backoff(attempt, clock::draw64())
    }

    /// How far priming runs that are going on have come.
    pub(super) fn runs(&mut self) -> BTreeMap<Name, RunSoFar> {
        self.runs.retain(|_, run| run.has_changed().is_ok());
        let so_far = |run: &watch::Receiver<Progress>| {
            let progress = *run.borrow();
            RunSoFar { proven: progress.covered, targets: progress.targets }
        };
        self.runs.iter().map(|(policy, run)| (policy.clone(), so_far(run))).collect()
    }

    /// An intent that is done is not tried again.
    pub(super) fn forget(&mut self, key: &str) {
        self.attempts.remove(key);
    }

    /// Lets effects under way finish for a moment.
    pub(super) async fn stop(&mut self) {
        let _ = tokio::time::timeout(GRACE, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.abort_all();
    }
}

/// What a provider keeps from now on, for the timeline.
fn kept(group: &Name, floors: &[ScheduledFloor]) -> String {
    match (floors.first(), floors.last()) {
        (Some(first), Some(last)) => format!(
            "{group}: {} changes of its floor are kept by its provider, from {} at {:.0} to {} at {:.0}",
            floors.len(),
            first.floor,
            first.at,
            last.floor,
            last.at
        ),
        _ => format!("{group}: its provider keeps no change of its floor any more"),
    }
}

/// The last look before a group is changed. A group that cannot be described is not changed blindly.
async fn admitted(groups: &Groups, guard: Option<Guard>, (group, floor): (&Name, Capacity)) -> Result<(), String> {
    let guard = guard.ok_or_else(|| format!("there is no scaling policy {group}, so nothing says what it may be set to"))?;
    let seen = groups.describe(group).await?;
    guard.admit(floor, &seen, clock::now()).map_err(|refused| refused.to_string())
}

/// Tells everybody who was not reached yet; failed while one is left.
async fn tell(notifier: &Notifier, said: &Announcement, already: &[String]) -> Done {
    let results = notifier.deliver(said, already).await;
    let delivered: Vec<String> =
        results.iter().filter(|result| result.outcome.is_ok()).map(|result| result.target.clone()).collect();
    let failure =
        |result: &DeliveryResult| result.outcome.as_ref().err().map(|error| format!("{}: {}", result.label, error.message));
    let failures: Vec<String> = results.iter().filter_map(failure).collect();
    let labels: Vec<&str> = results.iter().map(|result| result.label.as_str()).collect();
    let whom = if labels.is_empty() { "nobody listens to it".to_owned() } else { format!("told {}", labels.join(", ")) };
    let result = if failures.is_empty() { Ok(format!("{whom}: {}", said.what)) } else { Err(failures.join("; ")) };
    Done { result, proven: None, delivered }
}
