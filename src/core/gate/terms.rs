//! A policy's figures, checked once more where they are used.
//!
//! Documents are checked when they are read; this decides again, because an audit record or a caller may hold
//! anything. Invariant: with a figure out of its range there are no terms, and without terms no SAFE and no ABORT.

use std::time::Duration;

use super::evidence::Exposure;
use super::policy::{Onset, Policy};
use crate::core::words::real;

/// Checks assumed where neither policy nor release plans them: two hours of minutes, as the rule was measured with.
const PLANNED_CHECKS: u32 = 120;

/// Largest ratio that means anything; beyond it products with request counts lose their digits.
const LARGEST_RATIO: f64 = 1e6;

/// Smallest slo, one failure in a billion requests; far below it alternatives would round to zero.
const SMALLEST_SLO: f64 = 1e-9;

/// Shortest period. Shorter ones hold no requests, and would let the number of periods overflow.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

/// The figures of a policy, all in their range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    /// ln(1/alpha): a mean e-process at or above it aborts.
    pub(super) ln_abort: f64,
    /// ln(1/beta): a certificate at or above it is safe.
    pub(super) ln_safe: f64,
    /// theta0.
    pub(super) tolerance: f64,
    /// tau.
    pub(super) regression: f64,
    /// The error rate at which "bad" begins.
    pub(super) slo: Option<f64>,
    /// ln of the most that one period may count; infinite without a cap.
    pub(super) ln_cap: f64,
    /// Weights over when trouble starts.
    pub(super) weights: Weights,
}

/// The onset mixture: g_1 = first, g_t = (1 - first)/(horizon - 1) up to the horizon, then nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weights {
    first: f64,
    horizon: u64,
}

impl Terms {
    /// The policy's figures, or the key of the first one that cannot be used. Metrics are looked at by the judge.
    pub(super) fn of(policy: &Policy, planned_checks: Option<u32>) -> Result<Self, &'static str> {
        let probability = |value: f64| value > 0.0 && value < 1.0;
        let rules = [
            ("alpha", probability(policy.alpha)),
            ("beta", probability(policy.beta)),
            ("tolerance", (1.0..=LARGEST_RATIO).contains(&policy.tolerance)),
            ("regression", policy.regression > policy.tolerance && policy.regression <= LARGEST_RATIO),
            ("slo", policy.slo.is_none_or(|slo| probability(slo) && slo >= SMALLEST_SLO)),
            ("cap", policy.cap.is_none_or(|cap| cap > 1.0 && cap.is_finite())),
            ("onset", policy.onset.is_none_or(|onset| onset.first > 0.0 && onset.first <= 1.0 && onset.horizon != Some(0))),
            ("period", policy.period >= SHORTEST_PERIOD),
        ];
        if let Some((key, _)) = rules.iter().find(|(_, holds)| !holds) {
            return Err(key);
        }
        Ok(Self {
            ln_abort: -real::ln(policy.alpha),
            ln_safe: -real::ln(policy.beta),
            tolerance: policy.tolerance,
            regression: policy.regression,
            slo: policy.slo,
            ln_cap: policy.cap.map_or(f64::INFINITY, real::ln),
            weights: Weights::of(policy.onset, planned_checks),
        })
    }

    /// What periods at this exposure are measured against; `None` where the policy names nothing.
    pub(super) fn against(&self, has_baseline: bool, exposure: Exposure) -> Option<Against> {
        match (has_baseline, self.slo.is_some(), exposure) {
            (true, false, Exposure::Partial) => Some(Against::Baseline),
            (true, true, Exposure::Partial) => Some(Against::Both),
            (true, false, Exposure::Full) => Some(Against::Remnant),
            (_, true, _) => Some(Against::Slo),
            (false, false, _) => None,
        }
    }
}

/// What a period is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// The baseline alone: the policy has no slo.
    Baseline,
    /// The baseline for ABORT, baseline and slo for SAFE.
    Both,
    /// The slo alone: no baseline, or 100 %.
    Slo,
    /// 100 % without an slo: the baseline, as far as anybody still uses it.
    Remnant,
}

impl Weights {
    fn of(onset: Option<Onset>, planned_checks: Option<u32>) -> Self {
        match onset {
            None => Self { first: 1.0, horizon: 1 },
            Some(onset) => {
                let horizon = onset.horizon.or(planned_checks).unwrap_or(PLANNED_CHECKS);
                Self { first: onset.first, horizon: u64::from(horizon.max(1)) }
            }
        }
    }

    /// The sum of the weights of the first `checks` checks, 0..=1; exactly 1 from the horizon on.
    fn spent(self, checks: u64) -> f64 {
        if checks == 0 {
            0.0
        } else if checks < self.horizon {
            self.first + (checks - 1) as f64 * self.each()
        } else if self.horizon == 1 {
            self.first
        } else {
            1.0
        }
    }

    /// Weight of one check after the first.
    fn each(self) -> f64 {
        if self.horizon > 1 { (1.0 - self.first) / (self.horizon - 1) as f64 } else { 0.0 }
    }

    /// The weight of the checks after `done`, `count` of them.
    pub(super) fn of_checks(self, done: u64, count: u64) -> f64 {
        let later = |checks: u64| checks.min(self.horizon).saturating_sub(1);
        let first = if done == 0 && count > 0 { self.first } else { 0.0 };
        first + (later(done.saturating_add(count)) - later(done)) as f64 * self.each()
    }

    /// The weight of trouble that has not started after so many checks.
    pub(super) fn rest(self, checks: u64) -> f64 {
        (1.0 - self.spent(checks)).max(0.0)
    }
}
