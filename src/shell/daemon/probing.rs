//! Keeps the checklist's probes running, each on its own cadence, one run at a time per item.
//!
//! A probe takes no input but its document, is idempotent, and never retries itself: the next cadence is the retry.
//! Invariant: an answer carries the instant at which it was measured; nothing here makes it younger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::counts::substitution;
use crate::core::checklist::{Check, Demand, Evidence, Item, is_due};
use crate::core::decide::State;
use crate::core::release::{Phase, Release};
use crate::core::words::Name;
use crate::shell::observe::{self, Probe, Pushes, Sources, Tick};
use crate::shell::spec::Documents;

type Answers = BTreeMap<Name, BTreeMap<Name, Evidence>>;
type Running = BTreeSet<(Name, Name)>;

/// See the module.
pub(super) struct Probes {
    prober: Arc<observe::Probes>,
    answers: Arc<Mutex<Answers>>,
    running: Arc<Mutex<Running>>,
}

impl Probes {
    pub(super) fn new(prober: observe::Probes) -> Self {
        Self { prober: Arc::new(prober), answers: Arc::default(), running: Arc::default() }
    }

    /// The last answers.
    pub(super) fn answers(&self) -> Answers {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts every probe whose cadence has come and which is not running.
    pub(super) fn start_due(&self, look: &Look, (documents, state): (&Documents, &State), now: Timestamp) {
        for release in documents.config.releases.values().filter(|release| is_live(release, state)) {
            let lists = release.checklists.iter().filter_map(|name| documents.config.checklists.get(name));
            for item in lists.flat_map(|list| &list.items) {
                self.start_if_due(look, (release, item), now);
            }
        }
    }

    fn start_if_due(&self, look: &Look, (release, item): (&Release, &Item), now: Timestamp) {
        let Demand::Check(check) = &item.demand else { return };
        if !matches!(check, Check::Http { .. } | Check::Metric { .. } | Check::Command { .. } | Check::Alarms { .. }) {
            return;
        }
        let key = (release.name.clone(), item.id.clone());
        let last = self.answers().get(&key.0).and_then(|items| items.get(&key.1)).map(|evidence| evidence.measured_at);
        let due = is_due(item, last, (release.launch_at, now));
        if due && self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            self.start(key, (check.clone(), release.clone()), look.clone());
        }
    }

    fn start(&self, key: (Name, Name), (check, release): (Check, Release), look: Look) {
        let (prober, answers, running) = (self.prober.clone(), self.answers.clone(), self.running.clone());
        tokio::spawn(async move {
            let with = substitution(&release);
            let tick = Tick { pushed: &look.pushed, now: crate::shell::clock::now() };
            let evidence = prober.probe(&check, Probe { sources: &look.sources, with: &with, tick }).await;
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.entry(key.0.clone()).or_default().insert(key.1.clone(), evidence);
            running.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        });
    }
}

/// What a probe may look at.
#[derive(Clone)]
pub(super) struct Look {
    pub(super) sources: Arc<Sources>,
    pub(super) pushed: Arc<Pushes>,
}

/// Probes run from preparing to the end.
fn is_live(release: &Release, state: &State) -> bool {
    let phase = state.releases.get(&release.name).map(|state| &state.phase);
    !release.released && matches!(phase, Some(Phase::Active(_) | Phase::Held { .. }))
}
