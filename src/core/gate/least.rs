//! What SAFE takes at the least at a step, before a single request was counted: time, and requests of the new version.
//!
//! It asks the certificate itself what a release without one failure would earn, against a baseline that is as bad as the
//! slo allows. Not here: what traffic will come. Invariant: a lower bound; with less the gate holds whatever the release
//! is like, with more it may still hold.

use std::time::Duration;

use super::certificate::{Certificate, Sample};
use super::evidence::{Counts, Exposure};
use super::policy::{Dispersion, Policy};
use super::terms::{Against, Terms};

/// Most requests that are asked about: a hundred thousand a second for a day.
const MOST_REQUESTS: u64 = 10_000_000_000;

/// What SAFE takes at the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Least {
    /// From the step's beginning, if that is where a period begins: one whole period, and its lag.
    pub time: Duration,
    /// Requests of the new version, none of them failed; `None` where only the baseline's error rate could tell.
    pub requests: Option<u64>,
}

/// What SAFE takes at a step that gives the new version this share of the traffic, above 0 and below 1. `None` where the
/// policy's figures cannot be used, or it watches nothing.
pub fn least(policy: &Policy, share: f64) -> Option<Least> {
    let terms = Terms::of(policy, None).ok()?;
    let time = policy.period.saturating_add(policy.lag);
    let of_metrics = policy.metrics.iter().map(|metric| {
        let against = terms.against(metric.has_baseline, Exposure::Partial)?;
        requests(policy, &terms, (against, share))
    });
    // SAFE needs every metric: the most demanding one that can be told.
    let told: Vec<Option<u64>> = of_metrics.collect();
    (!told.is_empty()).then(|| Least { time, requests: told.into_iter().flatten().max() })
}

fn requests(policy: &Policy, terms: &Terms, (against, share): (Against, f64)) -> Option<u64> {
    let slo = terms.slo?;
    let phi = match policy.dispersion {
        Dispersion::Fixed(phi) => phi.max(1.0),
        // Measured noise only makes it longer.
        Dispersion::Calibrate { .. } => 1.0,
    };
    let others = if share > 0.0 && share < 1.0 { (1.0 - share) / share } else { 1.0 };
    let certified = |requests: u64| {
        let baseline = (requests as f64 * others).round();
        let baseline = Counts { errors: (baseline * slo).ceil() as u64, requests: baseline as u64 };
        let sample =
            Sample { candidate: Counts { errors: 0, requests }, baseline: (against != Against::Slo).then_some(baseline) };
        let mut certificate = Certificate::new(against, phi);
        certificate.learn(sample, terms);
        certificate.ln_e() >= terms.ln_safe
    };
    if !certified(MOST_REQUESTS) {
        return None;
    }
    // Clean requests only add: halving finds the first count that is enough.
    let (mut short, mut enough) = (0, MOST_REQUESTS);
    while enough - short > 1 {
        let middle = short + (enough - short) / 2;
        if certified(middle) { enough = middle } else { short = middle }
    }
    Some(enough)
}
