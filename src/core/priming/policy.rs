//! What a PrimingPolicy document says to the core, and what a run has proven.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::timing::Tighten;
use crate::core::calendar::Schedule;
use crate::core::words::{Name, TRelative};

/// The part of a PrimingPolicy that decisions need; where and how to fetch is the primer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The document's name.
    pub name: Name,
    /// Percent of targets, 0..=100, that must be proven on every node.
    pub coverage: f64,
    /// Until when objects must stay fresh.
    pub fresh_until: Option<TRelative>,
    /// The caches; a node that a run did not reach is not covered.
    pub nodes: Vec<Name>,
    /// How often the source is looked at again, and everything verified.
    pub poll_every: Duration,
    /// When it runs by the calendar, whether a release leans on it or not.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Polls more often towards the launch of a release that leans on it.
    #[serde(default)]
    pub tighten: Vec<Tighten>,
}

impl Policy {
    /// How long after a run that fell short the next one may begin: a twentieth of the poll, 1 s to a minute.
    pub fn retry_every(&self) -> Duration {
        (self.poll_every / 20).clamp(Duration::from_secs(1), Duration::from_mins(1))
    }
}

/// How far a run that is going on has come. It proves nothing yet: coverage counts whole runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSoFar {
    /// Targets proven.
    pub proven: u64,
    /// Targets known; may still rise while the source is read.
    pub targets: u64,
}

/// What the primer has proven, as of its last run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Per node, 0..=1.
    pub nodes: BTreeMap<Name, f64>,
    /// Objects in the source.
    pub objects: u64,
    /// Targets that failed, mismatched or may not be stored, with the first reason.
    pub problems: u64,
    /// The first problem, for people.
    pub first_problem: Option<String>,
    /// The earliest instant at which a covered object goes stale; `None`: unknown.
    pub fresh_until: Option<Timestamp>,
    /// When the run that proved this ended.
    pub measured_at: Timestamp,
}
