//! The certificate for a release: evidence that it is not bad, which has to be earned in every step.
//!
//! "Bad" is at least `regression` times the baseline *and* at least the slo's error rate. The relative part
//! (rule 5.5) refutes the first, the absolute part the second; under "bad" neither can grow on average, so their
//! mean cannot either. The relative part learns from errors only, the absolute one from clean requests too.
//! Not here: gaps and windows. Invariant: without counts it stays at 1, which certifies nothing.

use super::eprocess::{ln_add, ln_likelihood_ratio, ln_mean};
use super::evidence::Counts;
use super::terms::{Against, Terms};
use crate::core::words::real;

/// Alternatives of the relative part as ratios to the baseline: half as bad, a little better, the same.
const RATIOS: [f64; 3] = [0.5, 0.75, 1.0];

/// Alternatives of the absolute part as multiples of the slo. The first is for high volume just below the slo, the
/// last for releases that hardly fail at all; five cost at most ln 5 against knowing the rate beforehand.
const SHARES: [f64; 5] = [0.75, 0.5, 0.25, 0.1, 0.01];

/// Longest forecast in periods, ten weeks of minutes. Whoever must wait longer is told that it cannot be told.
const LONGEST_FORECAST: u32 = 100_000;

/// One period's usable counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// The new version; has requests.
    pub(super) candidate: Counts,
    /// What it is compared with; has requests.
    pub(super) baseline: Option<Counts>,
}

/// The certificate of one metric since its window began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificate {
    against: Against,
    phi: f64,
    ln_relative: [f64; 3],
    ln_absolute: [f64; 5],
}

impl Certificate {
    /// Nothing learnt: E' = 1. `phi` is at least 1.
    pub(super) fn new(against: Against, phi: f64) -> Self {
        Self { against, phi, ln_relative: [0.0; 3], ln_absolute: [0.0; 5] }
    }

    /// One period.
    pub(super) fn learn(&mut self, sample: Sample, terms: &Terms) {
        if let Some(baseline) = sample.baseline {
            let growth = relative(sample.candidate, baseline, terms.regression);
            add(&mut self.ln_relative, growth, 1.0 / self.phi);
        }
        if let Some(slo) = terms.slo {
            add(
                &mut self.ln_absolute,
                SHARES.map(|share| ln_likelihood_ratio(sample.candidate, share * slo, slo)),
                1.0 / self.phi,
            );
        }
    }

    /// ln E'.
    pub(super) fn ln_e(&self) -> f64 {
        match self.against {
            Against::Baseline | Against::Remnant => ln_mean(&self.ln_relative),
            Against::Slo => ln_mean(&self.ln_absolute),
            Against::Both => ln_add(ln_mean(&self.ln_relative), ln_mean(&self.ln_absolute)) - std::f64::consts::LN_2,
        }
    }

    /// About how many more periods until it is safe, if the release is as good as its baseline (at 100 %: as it
    /// is now) and the volume stays that of `recent`, which was seen over `periods`.
    pub(super) fn periods_left(&self, recent: Sample, periods: u32, terms: &Terms) -> Option<u32> {
        let growth = self.expected_growth(recent, periods, terms);
        let safe_after = |count: u32| growth.times(self, f64::from(count)).ln_e() >= terms.ln_safe;
        // ln E' is convex in time, so from below it crosses once at most: doubling and halving find the place.
        let mut high = 1;
        while !safe_after(high) {
            if high >= LONGEST_FORECAST {
                return None;
            }
            high = (high * 2).min(LONGEST_FORECAST);
        }
        let mut low = high / 2;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if safe_after(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// Expected growth per period at theta = 1.
    fn expected_growth(&self, recent: Sample, periods: u32, terms: &Terms) -> Growth {
        let per_period = 1.0 / (f64::from(periods.max(1)) * self.phi);
        let baseline = recent.baseline.unwrap_or(Counts::NONE);
        let pooled = recent.candidate.plus(baseline).rate();
        let (n, others) = (recent.candidate.total(), baseline.total());
        let relative = RATIOS.map(|ratio| {
            (pooled * n * real::ln(ratio / terms.regression)
                + pooled * (n + others) * ln_exposure(n, others, [terms.regression, ratio]))
                * per_period
        });
        let slo = terms.slo.unwrap_or(0.5);
        let absolute = SHARES.map(|share| {
            let clean = real::ln_1p(-share * slo) - real::ln_1p(-slo);
            n * (pooled * real::ln(share) + (1.0 - pooled) * clean) * per_period
        });
        Growth { relative, absolute }
    }
}

/// Growth of the logarithms per period.
struct Growth {
    relative: [f64; 3],
    absolute: [f64; 5],
}

impl Growth {
    fn times(&self, from: &Certificate, periods: f64) -> Certificate {
        let mut later = *from;
        add(&mut later.ln_relative, self.relative, periods);
        add(&mut later.ln_absolute, self.absolute, periods);
        later
    }
}

/// ln factors of the relative part (rule 5.5), before phi.
fn relative(candidate: Counts, baseline: Counts, regression: f64) -> [f64; 3] {
    let (n, others) = (candidate.total(), baseline.total());
    let errors = candidate.failed() + baseline.failed();
    RATIOS.map(|ratio| candidate.failed() * real::ln(ratio / regression) + errors * ln_exposure(n, others, [regression, ratio]))
}

/// ln of the total expected errors at one ratio over that at another.
fn ln_exposure(n: f64, others: f64, [over, under]: [f64; 2]) -> f64 {
    if n + others > 0.0 { real::ln((over * n + others) / (under * n + others)) } else { 0.0 }
}

fn add<const N: usize>(sums: &mut [f64; N], terms: [f64; N], times: f64) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += term * times;
    }
}
