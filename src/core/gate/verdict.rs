//! What the gate says, with typed reasons and figures.
//!
//! Not here: how it comes to say so, and the sentences. Invariant: every figure is finite.

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
    /// Nothing in the newest period; a gap longer than `max_gap` also makes the certificate begin again.
    Gap {
        /// The metric.
        metric: Name,
        /// How long nothing was heard.
        silent: Duration,
    },
    /// The newest period was heard of, but an arm had no requests in it.
    NoTraffic {
        /// The metric.
        metric: Name,
        /// Candidate requests so far in this step.
        requests: u64,
    },
    /// Both arms are bad: not this release's doing.
    SharedIncident {
        /// The metric.
        metric: Name,
    },
    /// The policy has a figure that cannot be used: nothing is certified, nothing aborted.
    Unusable {
        /// The key, as documents write it.
        key: String,
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
        /// The mean e-value when it crossed.
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
    /// Mean e-value against the release; aborts at 1/alpha. Finite: at most the largest double.
    pub e: f64,
    /// Anytime-valid p-value, 0..=1: one over the largest mean e-value so far.
    pub p: f64,
    /// Least certificate over the metrics; safe at 1/beta. Finite: at most the largest double.
    pub safe_e: f64,
    /// Candidate requests in this step, of the metric with the least certificate.
    pub requests: u64,
    /// Candidate errors in this step, of the same metric.
    pub errors: u64,
}

impl Judgement {
    /// Whether every metric was heard of in the newest closed period: what a bake needs to end, where no SAFE is
    /// needed. An ABORT is never fresh.
    pub fn is_fresh(&self) -> bool {
        match &self.verdict {
            Verdict::Safe => true,
            Verdict::Hold(reason) => match reason {
                HoldReason::Evidence { .. } | HoldReason::NoTraffic { .. } | HoldReason::SharedIncident { .. } => true,
                HoldReason::NoEvidence | HoldReason::Gap { .. } | HoldReason::Unusable { .. } => false,
            },
            Verdict::Abort(_) => false,
        }
    }
}
