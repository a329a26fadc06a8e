//! Takes documents that a person brings into force.
//!
//! Not here: whether they are good, which the library says. Invariant: documents, who applied them and the audit row
//! are durable together or not at all, and nothing of the world follows them before that.

use super::documents::Change;
use super::engine::Engine;
use super::fault::{self, Step};
use crate::core::decide::{Command, Order, Person, Scope, Snapshot, Told};
use crate::shell::clock;
use crate::shell::control::{Applied, NotApplied};

impl Engine {
    /// Applies them; the tick that follows acts on them.
    pub(super) async fn apply(&mut self, by: Person, text: &str) -> Result<Applied, NotApplied> {
        let change = tokio::task::block_in_place(|| self.library.propose(text, &self.state)).map_err(NotApplied::Findings)?;
        fault::passes(Step::BeforeApply);
        let applied = change.applied.clone();
        let snapshot = self.with(&change, by.clone());
        // Orders alone: what was observed was observed for the documents of before, and proves nothing about these.
        let decision = self.memory.decide(Scope::Orders, &snapshot);
        let papers = (change.records(&by.name, snapshot.now), change.in_force());
        if let Err(sentence) = self.commit(("apply", Some(papers)), &snapshot, (Scope::Orders, &decision)) {
            return Err(NotApplied::NotCommitted(Told {
                code: "not_committed".into(),
                message: format!("the documents are good and could not be kept, so nothing was changed: {sentence}"),
            }));
        }
        fault::passes(Step::AfterApply);
        self.library.adopt(change);
        self.rewire();
        self.accept(snapshot, decision, Vec::new());
        self.tick("apply", Vec::new()).await;
        Ok(applied)
    }

    /// How things would stand with the change in force, and who asks for it.
    fn with(&self, change: &Change, by: Person) -> Snapshot {
        let order = Order::Applied { releases: change.releases.clone() };
        let mut observed = self.observed.clone();
        observed.open = self.open_keys();
        observed.uptime = clock::uptime();
        Snapshot {
            config: change.config().clone(),
            state: self.state.clone(),
            observed,
            commands: vec![Command { by, order, reason: String::new() }],
            now: clock::now(),
        }
    }
}
