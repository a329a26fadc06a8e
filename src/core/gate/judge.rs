//! The verdict on a rollout so far.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::words::Name;

/// What the gate says. ABORT outranks SAFE, SAFE outranks HOLD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Certified not bad, over a complete fresh window.
    Safe,
    /// Not yet.
    Hold(HoldReason),
    /// Certified bad.
    Abort(AbortReason),
}

/// Why not yet, and about how long it will take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// No period of this step has closed yet.
    NoEvidence,
    /// The certificate has not crossed.
    Evidence {
        /// The metric that is furthest from it.
        metric: Name,
        /// Candidate requests so far in this step.
        requests: u64,
        /// About how many more periods at the present rate; `None` when it cannot be told.
        periods_left: Option<u32>,
    },
    /// A gap longer than `max_gap`, or nothing in the newest period.
    Gap {
        /// The metric.
        metric: Name,
        /// How long nothing was heard.
        silent: Duration,
    },
    /// Both arms are bad: not this release's doing.
    SharedIncident {
        /// The metric.
        metric: Name,
    },
}

/// Why ABORT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortReason {
    /// The e-process crossed 1/alpha.
    Regression {
        /// The metric that weighs most.
        metric: Name,
        /// The mean e-value.
        e: f64,
    },
    /// One period so bad that no statistics are needed.
    Panic {
        /// The metric.
        metric: Name,
        /// Its errors in that period.
        errors: u64,
        /// Its requests in that period.
        requests: u64,
    },
    /// Silence beyond the deadline, where the policy says so.
    NoData {
        /// How long.
        silent: Duration,
    },
}

/// A verdict with its figures, for people and for the audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Mean e-value against the release; aborts at 1/alpha. Finite.
    pub e: f64,
    /// Anytime-valid p-value, 0..=1.
    pub p: f64,
    /// Least certificate over the metrics; safe at 1/beta. Finite.
    pub safe_e: f64,
    /// Candidate requests in this step.
    pub requests: u64,
    /// Candidate errors in this step.
    pub errors: u64,
}
