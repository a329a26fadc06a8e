//! What a decision changed, in lines for people.
//!
//! Invariant: it decides nothing.

use tminus::core::decide::{Decision, Effect, Snapshot};

use super::run::Sim;

impl Sim {
    /// Writes down what a decision changed.
    pub fn tell(&mut self, snapshot: &Snapshot, decision: &Decision) {
        for reply in &decision.replies {
            self.note(|| match reply {
                Ok(told) => format!("  -> {}", told.message),
                Err(told) => format!("  -> refused ({}): {}", told.code, told.message),
            });
        }
        for (name, view) in &decision.releases {
            let before = snapshot.state.releases.get(name).map(|state| &state.phase);
            let after = decision.state.releases.get(name).map(|state| &state.phase);
            if before != after {
                let gate = view.gate.as_ref().map(|gate| &gate.verdict);
                self.note(|| {
                    format!("  {name}: {before:?} -> {after:?} at {} %, {:?}, gate {gate:?}", view.percent, view.readiness.word)
                });
            }
        }
        if snapshot.state.halts != decision.state.halts {
            let halts: Vec<_> = decision.state.halts.iter().map(|halt| &halt.target).collect();
            self.note(|| format!("  halted: {halts:?}"));
        }
        for intent in &decision.intents {
            self.note(|| match &intent.effect {
                Effect::SetFloor { group, floor, restore, why } => {
                    format!("  asks for floor {floor} of {group} (back to {restore}), {}: {why}", intent.key)
                }
                Effect::ScheduleFloors { group, why, .. } => format!("  asks for the schedule of {group}, {}: {why}", intent.key),
                Effect::Prime { policy, .. } => format!("  asks to prime {policy}, {}", intent.key),
                Effect::Notify(said) => format!("  tells: {}", said.what),
                Effect::Report { release } => format!("  asks for the report of {release}"),
            });
        }
    }
}
