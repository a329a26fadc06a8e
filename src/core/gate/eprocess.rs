//! The e-process against a release: a bet that it is worse than tolerated, which cannot grow on average if it is not.
//!
//! Rule 5.1-5.4: Poisson or binomial errors per period, stratified by that period's own exposure, a grid of
//! alternatives, a cap per period, a mixture over the onset (Ville's inequality bounds the false alarms of all
//! checks together). Everything is kept in logarithms. Not here: what is done about it.
//! Invariant: no figure is NaN, and `ln_e` is finite however much evidence there is.

use super::evidence::Counts;
use super::terms::Weights;
use crate::core::words::real;

/// Alternatives as multiples of what is tolerated.
pub(super) const GRID: [f64; 8] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0];

/// Highest error rate of an alternative; at 1 one success would refute it for ever.
const HIGHEST_RATE: f64 = 0.99;

/// ln(e^a + e^b); either may be minus infinity, which is zero.
pub(super) fn ln_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + real::ln_1p(real::exp(low - high)) }
}

/// ln of the mean of e^v; minus infinity for no values. Equal values give themselves to the bit.
pub(super) fn ln_mean(values: &[f64]) -> f64 {
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if highest == f64::NEG_INFINITY {
        return highest;
    }
    let sum: f64 = values.iter().map(|value| real::exp(value - highest)).sum();
    highest + real::ln(sum / values.len() as f64)
}

/// The number behind a logarithm, at most the largest double: what is shown is always finite.
pub(super) fn shown(ln: f64) -> f64 {
    real::exp(ln).min(f64::MAX)
}

/// ln factors of one period against the baseline, before phi and cap (rule 5.2). Both arms have requests.
pub(super) fn against_baseline(candidate: Counts, baseline: Counts, tolerance: f64) -> [f64; 8] {
    let (n, others) = (candidate.total(), baseline.total());
    let errors = candidate.failed() + baseline.failed();
    GRID.map(|multiple| {
        let fewer = (tolerance * n + others) / (multiple * tolerance * n + others);
        candidate.failed() * real::ln(multiple) + errors * real::ln(fewer)
    })
}

/// ln factors of one period against "the error rate is at most `rate`", before phi and cap (the SLO companion).
pub(super) fn against_rate(candidate: Counts, rate: f64) -> [f64; 8] {
    GRID.map(|multiple| {
        // An alternative below the rate itself would bet on a release that is better: it bets on nothing instead.
        let alternative = (multiple * rate).min(HIGHEST_RATE).max(rate);
        ln_likelihood_ratio(candidate, alternative, rate)
    })
}

/// ln of how much likelier the counts are at one error rate than at another, both strictly between 0 and 1.
pub(super) fn ln_likelihood_ratio(counts: Counts, alternative: f64, rate: f64) -> f64 {
    let (x, n) = (counts.failed(), counts.total());
    x * real::ln(alternative / rate) + (n - x) * (real::ln_1p(-alternative) - real::ln_1p(-rate))
}

/// The evidence against one metric of a release.
#[derive(Clone, Copy, Debug)]
pub(super) struct EProcess {
    weights: Weights,
    ln_cap: f64,
    phi: f64,
    ln_alternatives: [f64; 8],
    checks: u64,
    ln_e: f64,
}

impl EProcess {
    /// Before the first check: E = 1. `phi` is at least 1.
    pub(super) fn new(weights: Weights, ln_cap: f64, phi: f64) -> Self {
        Self { weights, ln_cap, phi, ln_alternatives: [f64::NEG_INFINITY; 8], checks: 0, ln_e: 0.0 }
    }

    /// Checks without evidence: E stays to the bit, the weight of trouble starting in them is spent.
    pub(super) fn pass(&mut self, checks: u64) {
        self.start(checks);
    }

    /// One check with the ln factors of its period.
    pub(super) fn learn(&mut self, ln_factors: [f64; 8]) {
        self.start(1);
        for (ln_alternative, ln_factor) in self.ln_alternatives.iter_mut().zip(ln_factors) {
            *ln_alternative += (ln_factor / self.phi).min(self.ln_cap);
        }
        self.ln_e = ln_add(ln_mean(&self.ln_alternatives), real::ln(self.weights.rest(self.checks)));
    }

    /// ln E after the last check.
    pub(super) fn ln_e(&self) -> f64 {
        self.ln_e
    }

    fn start(&mut self, checks: u64) {
        let weight = self.weights.of_checks(self.checks, checks);
        self.checks = self.checks.saturating_add(checks);
        if weight > 0.0 {
            let ln_weight = real::ln(weight);
            for ln_alternative in &mut self.ln_alternatives {
                *ln_alternative = ln_add(*ln_alternative, ln_weight);
            }
        }
    }
}
