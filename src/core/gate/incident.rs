//! Whether both arms are bad at once: then it is not this release's doing, and no time to go further either.
//!
//! Above the slo is not enough: a service whose normal rate lies above it would never advance. The baseline must
//! be clearly above what is usual for it as well, unless nothing usual is known yet. After that, an incident that
//! was there from the start counts as usual; keeping launches out of one is the checklist's task.
//! Invariant: it can only hold, never abort or certify.

use super::certificate::Sample;
use super::eprocess::{against_rate, ln_mean};
use super::terms::Terms;

/// Periods from which a usual rate is known.
const KNOWN_FROM: usize = 5;

/// Highest rate that can still be exceeded.
const HIGHEST: f64 = 0.98;

/// Whether this period is a shared incident, given the baseline's rates in the periods before it.
pub(super) fn is_shared(newest: Sample, earlier: Vec<f64>, terms: &Terms) -> bool {
    let (Some(slo), Some(baseline)) = (terms.slo, newest.baseline) else { return false };
    let candidate = newest.candidate.rate();
    // Worse than its baseline by a regression: whatever else happens, this is about the release.
    if candidate <= slo || candidate >= terms.regression * baseline.rate() {
        return false;
    }
    let normal = usual(earlier).map_or(slo, |usual| slo.max(terms.regression * usual));
    normal < HIGHEST && ln_mean(&against_rate(baseline, normal)) >= terms.ln_safe
}

/// The median, which the incident itself does not move until it has lasted half the time.
fn usual(mut rates: Vec<f64>) -> Option<f64> {
    rates.sort_by(f64::total_cmp);
    (rates.len() >= KNOWN_FROM).then(|| rates[rates.len() / 2])
}
