//! The case against a release: e-processes of all metrics since the rollout began, and the panic rule.
//!
//! Periods are stratified, each with its own exposure: pooling them over steps aborts innocent releases whenever the
//! base rate drifts (measured: 100 %). The mean over the metrics is valid under any dependence between them.
//! Not here: SAFE. Invariant: an ABORT, once reached, is found again from the same periods and any later ones.

use std::collections::BTreeMap;

use super::certificate::Sample;
use super::eprocess::{EProcess, against_baseline, against_rate, ln_mean, shown};
use super::periods::{Reading, Span};
use super::terms::{Against, Terms};
use super::verdict::AbortReason;
use super::watched::Watched;

/// Least errors of a panic. Fewer can be one client that retries.
const PANIC_ERRORS: f64 = 10.0;
/// Least error rate of a panic.
const PANIC_RATE: f64 = 0.2;
/// The baseline must fail less than this part of it; at a base rate of 1 % chance does that once in 10^10 periods.
const PANIC_BASELINE: f64 = 0.25;

/// How the case stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trial {
    /// ln of the mean e-value after the newest period.
    pub(super) ln_e: f64,
    /// The largest it ever was; at least 0.
    pub(super) ln_e_highest: f64,
    /// The first reason to abort, if any.
    pub(super) abort: Option<AbortReason>,
}

/// Tries all metrics over the rollout's closed periods.
pub(super) fn try_all(watched: &[Watched<'_>], span: &Span, terms: &Terms) -> Trial {
    let mut benches: Vec<Bench> = watched.iter().map(|metric| Bench::new(metric.phi, span, terms)).collect();
    let mut trial = Trial { ln_e: 0.0, ln_e_highest: 0.0, abort: None };
    for (period, readings) in by_period(watched, span) {
        for (index, against, sample) in &readings {
            benches[*index].hear(period, terms.factors(*against, *sample));
        }
        let ln_each: Vec<f64> = benches.iter().map(|bench| bench.process.ln_e()).collect();
        trial.ln_e = ln_mean(&ln_each);
        trial.ln_e_highest = trial.ln_e_highest.max(trial.ln_e);
        if trial.abort.is_none() {
            trial.abort = terms
                .first_panic(watched, &readings)
                .or_else(|| if trial.ln_e >= terms.ln_abort { regression(watched, &ln_each, trial.ln_e) } else { None });
        }
    }
    trial
}

/// A metric's process with the last period that it heard.
struct Bench {
    process: EProcess,
    last: i64,
}

impl Bench {
    fn new(phi: f64, span: &Span, terms: &Terms) -> Self {
        Self { process: EProcess::new(terms.weights, terms.ln_cap, phi), last: span.first - 1 }
    }

    fn hear(&mut self, period: i64, factors: Option<[f64; 8]>) {
        let Some(factors) = factors else { return };
        self.process.pass(u64::try_from(period - self.last - 1).unwrap_or(0));
        self.process.learn(factors);
        self.last = period;
    }
}

type Readings = Vec<(usize, Against, Sample)>;

fn by_period(watched: &[Watched<'_>], span: &Span) -> BTreeMap<i64, Readings> {
    let mut periods: BTreeMap<i64, Readings> = BTreeMap::new();
    for (index, metric) in watched.iter().enumerate() {
        for period in metric.series.keys() {
            if let (against, Reading::Counted(sample)) = metric.read(*period, span) {
                periods.entry(*period).or_default().push((index, against, sample));
            }
        }
    }
    periods
}

fn regression(watched: &[Watched<'_>], ln_each: &[f64], ln_e: f64) -> Option<AbortReason> {
    // The first of equal ones: names are in order, so the choice does not depend on the document.
    let heaviest = watched.iter().zip(ln_each).reduce(|most, next| if next.1 > most.1 { next } else { most });
    heaviest.map(|(metric, _)| AbortReason::Regression { metric: metric.name.clone(), e: shown(ln_e) })
}

impl Terms {
    /// ln factors of a period; `None` where it says nothing against the release.
    pub(super) fn factors(&self, against: Against, sample: Sample) -> Option<[f64; 8]> {
        match against {
            Against::Slo => self.slo.map(|slo| against_rate(sample.candidate, slo)),
            Against::Baseline | Against::Both | Against::Remnant => {
                sample.baseline.map(|baseline| against_baseline(sample.candidate, baseline, self.tolerance))
            }
        }
    }

    /// Whether a period is so bad that no statistics are needed.
    pub(super) fn is_panic(&self, sample: Sample) -> bool {
        let rate = sample.candidate.rate();
        let worse = match (sample.baseline, self.slo) {
            (Some(baseline), _) => baseline.rate() < rate * PANIC_BASELINE,
            (None, Some(slo)) => rate > slo,
            (None, None) => true,
        };
        sample.candidate.failed() >= PANIC_ERRORS && rate >= PANIC_RATE && worse
    }

    fn first_panic(&self, watched: &[Watched<'_>], readings: &Readings) -> Option<AbortReason> {
        let (index, _, sample) = readings.iter().find(|(_, _, sample)| self.is_panic(*sample))?;
        Some(AbortReason::Panic {
            metric: watched.get(*index)?.name.clone(),
            errors: sample.candidate.errors,
            requests: sample.candidate.requests,
        })
    }
}
