//! The store of a world: state, intents and audit rows, with the rules of the real one.
//!
//! Not here: files; the real store has tests of its own. Invariant: what is not committed with the epoch in force is not
//! there, and a key is there once.

use std::collections::{BTreeMap, BTreeSet};

use tminus::core::decide::{Decision, Effect, Intent, State};
use tminus::core::priming::Coverage;
use tminus::core::words::Name;

/// See the module.
#[derive(Default)]
pub struct Journal {
    pub epoch: u64,
    /// Audit rows.
    pub rows: u64,
    state: State,
    intents: BTreeMap<String, Entry>,
    /// What runs of the primer proved.
    pub proven: BTreeMap<Name, Coverage>,
    open: BTreeSet<String>,
}

/// One intent.
pub struct Entry {
    pub intent: Intent,
    pub decided_at: i64,
    pub attempts: u64,
}

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// By an older epoch.
    Fenced,
    /// A key that is known: what it asks for would be lost.
    Known(String),
}

impl Journal {
    /// Takes over: every older epoch is refused from now on; open intents come along.
    pub fn take_epoch(&mut self) -> State {
        self.epoch += 1;
        for key in &self.open {
            if let Some(entry) = self.intents.get_mut(key) {
                entry.intent.epoch = self.epoch;
            }
        }
        let written = serde_json::to_string(&self.state).unwrap();
        State { epoch: self.epoch, ..serde_json::from_str(&written).unwrap() }
    }

    /// One transaction: all of the decision, or nothing. The keys that a newer intent replaced.
    pub fn commit(&mut self, decision: &Decision, now: i64) -> Result<Vec<String>, Refused> {
        if decision.state.epoch != self.epoch || decision.intents.iter().any(|intent| intent.epoch != self.epoch) {
            return Err(Refused::Fenced);
        }
        if let Some(known) = decision.intents.iter().find(|intent| self.intents.contains_key(&intent.key)) {
            return Err(Refused::Known(known.key.clone()));
        }
        let mut replaced = Vec::new();
        for intent in &decision.intents {
            if let Some(target) = target(&intent.effect) {
                let old = self.open.iter().filter(|key| self.target_of(key).as_ref() == Some(&target)).cloned();
                let old: Vec<String> = old.collect();
                self.open.retain(|key| !old.contains(key));
                replaced.extend(old);
            }
            self.open.insert(intent.key.clone());
            let entry = Entry { intent: intent.clone(), decided_at: now, attempts: 0 };
            self.intents.insert(intent.key.clone(), entry);
        }
        self.rows += 1;
        self.state = decision.state.clone();
        Ok(replaced)
    }

    fn target_of(&self, key: &str) -> Option<String> {
        self.intents.get(key).and_then(|entry| target(&entry.intent.effect))
    }

    /// Notes that an attempt begins; its number. `None`: not by this epoch, or not open.
    pub fn sent(&mut self, key: &str, epoch: u64) -> Option<u64> {
        let entry = self.intents.get_mut(key).filter(|_| epoch == self.epoch && self.open.contains(key))?;
        entry.attempts += 1;
        Some(entry.attempts)
    }

    /// Notes that it is done, with what it proved.
    pub fn done(&mut self, (key, epoch): (&str, u64), proven: Option<(Name, Coverage)>) {
        if epoch == self.epoch && self.open.remove(key) {
            self.proven.extend(proven);
        }
    }

    pub fn open(&self) -> &BTreeSet<String> {
        &self.open
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.intents.get(key)
    }

    /// Whether something is open for a target, such as `priming/p0`.
    pub fn is_open_for(&self, wanted: &str) -> bool {
        self.open.iter().any(|key| self.target_of(key).as_deref() == Some(wanted))
    }
}

/// What a newer intent replaces, as in the store.
pub fn target(effect: &Effect) -> Option<String> {
    match effect {
        Effect::SetFloor { group, .. } => Some(format!("group/{}", group.folded())),
        Effect::ScheduleFloors { group, .. } => Some(format!("schedule/{}", group.folded())),
        Effect::Prime { policy, .. } => Some(format!("priming/{}", policy.folded())),
        _ => None,
    }
}
