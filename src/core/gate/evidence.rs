//! Counts per period and what the gate is asked about. Missing is a variant, never a zero.
//!
//! Not here: what the counts prove. Invariant: errors never count for more than the requests they are among.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::Name;

/// Errors among requests of one arm in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Failed requests; at most `requests`.
    pub errors: u64,
    /// All requests.
    pub requests: u64,
}

impl Counts {
    /// Errors as a number, never above the requests: sources that extrapolate report a few too many.
    pub(super) fn failed(self) -> f64 {
        self.errors.min(self.requests) as f64
    }

    /// Requests as a number.
    pub(super) fn total(self) -> f64 {
        self.requests as f64
    }

    /// Share of requests that failed, 0..=1; zero without requests.
    pub(super) fn rate(self) -> f64 {
        if self.requests == 0 { 0.0 } else { self.failed() / self.total() }
    }

    /// Both together; saturates.
    pub(super) fn plus(self, other: Self) -> Self {
        Self { errors: self.errors.saturating_add(other.errors), requests: self.requests.saturating_add(other.requests) }
    }

    /// No requests, no errors: where a sum begins.
    pub(super) const NONE: Self = Self { errors: 0, requests: 0 };
}

/// One closed period of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// Its start.
    pub at: Timestamp,
    /// The new version; `None`: no data.
    pub candidate: Option<Counts>,
    /// What it is compared with; `None`: no data, or no baseline.
    pub baseline: Option<Counts>,
}

/// Whether a baseline is left at the present step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// Part of the audience: the rest is the baseline.
    Partial,
    /// 100 %: the release stands against its slo alone.
    Full,
}

/// What [`judge`](super::judge()) looks at.
///
/// Periods start at multiples of the policy's period since the Unix epoch. A minute that starts in between counts
/// as the next one, so that it is never judged before it is over.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Periods since the rollout began, by metric, in any order; of two for one period the later in the list holds.
    /// Earlier and unfinished ones may be among them. Periods that are not there are gaps.
    pub metrics: &'a BTreeMap<Name, Vec<Minute>>,
    /// Periods before the rollout in which both arms ran the same version at the same split, by metric: the noise
    /// between the arms is calibrated on them. Empty where there are none.
    pub history: &'a BTreeMap<Name, Vec<Minute>>,
    /// When the first step began, or the last `clear`: evidence for ABORT counts from here.
    pub rollout_from: Timestamp,
    /// When this step began: evidence for SAFE counts from here.
    pub step_from: Timestamp,
    /// Whether this step is at 100 %.
    pub exposure: Exposure,
    /// Checks that the release plans, one a period; `None`: not known, 120 are assumed.
    pub planned_checks: Option<u32>,
    /// The instant of the decision.
    pub now: Timestamp,
}
