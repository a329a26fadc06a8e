//! Makes an audited decision again and compares it with what was recorded, byte for byte.
//!
//! Not here: reading the record, and showing it. Invariant: the same functions decide as in the daemon; a difference is
//! blamed on the record only where the core is the one that decided.

use serde::Serialize;

use super::StoreError;
use super::audit::{SnapshotRecord, decision_hash};
use crate::core;
use crate::core::decide::{Decision, decide_within};

/// How a replay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The same bytes.
    Reproduced,
    /// Other bytes, by a core of another version: that explains it.
    CoreChanged,
    /// Other bytes although the core is the same.
    Differs,
}

/// A decision that was made again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The decision, by this core.
    pub decision: Decision,
    /// Its hash, lower-case hex.
    pub decision_hash: String,
    /// How it compares.
    pub verdict: Verdict,
}

/// Decides again what a record was decided from.
pub fn replay(record: &SnapshotRecord) -> Result<Replayed, StoreError> {
    let Some(scope) = record.scope else {
        return Err(StoreError::Unreplayable { id: record.id, core_version: record.core_version.clone() });
    };
    let decision = decide_within(scope, &record.snapshot);
    let decision_hash = decision_hash(&decision)?;
    let verdict = if decision_hash == record.decision_hash {
        Verdict::Reproduced
    } else if record.core_version != core::VERSION {
        Verdict::CoreChanged
    } else {
        Verdict::Differs
    };
    Ok(Replayed { decision, decision_hash, verdict })
}
