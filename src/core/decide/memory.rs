//! What was worked out for the decision before and holds still: decisions of one daemon look at nearly the same world.
//!
//! It is no state: nothing is decided from it, and a decision is to the byte the same without it (I12). Not here: what is
//! kept; that is the rooms' ([`Learned`], [`Judged`]). Invariant: it holds no more than the documents in force name.

use super::decision::Decision;
use super::run;
use super::scope::Scope;
use super::snapshot::{Config, Snapshot};
use crate::core::gate::Judged;
use crate::core::load::Learned;

/// See the module.
#[derive(Debug, Default)]
pub struct Memory {
    pub(super) learned: Learned,
    pub(super) judged: Judged,
}

impl Memory {
    /// Decides as much as the scope says.
    pub fn decide(&self, scope: Scope, snapshot: &Snapshot) -> Decision {
        self.forget(&snapshot.config);
        match scope {
            Scope::Whole => run::whole(snapshot, self),
            Scope::Orders => run::orders_alone(snapshot, self),
        }
    }

    fn forget(&self, config: &Config) {
        self.learned.keep(|group| config.scalings.contains_key(group));
        self.judged.keep(|release| config.releases.contains_key(release));
    }
}
