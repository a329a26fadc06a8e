//! phi: how much noisier the split of errors between the arms is than chance alone.
//!
//! Two arms of one version differ by more than chance (machines, places, hours); without phi that noise becomes
//! false aborts. It is measured before the rollout, while both arms run the same version (rule 5.6).
//! Invariant: at least 1 and finite, so that dividing by it never adds evidence.

use super::certificate::Sample;
use super::policy::Dispersion;

/// Periods of history from which a measured phi is believed: with 60 false alarms fall to 1.5 % at a noise of
/// cv 0.5, with 30 they are twice that (measured).
const ENOUGH_PERIODS: usize = 60;

/// phi where there is less history; a larger measured one is kept.
const WITHOUT_HISTORY: f64 = 1.5;

/// Largest phi. Beyond it no counts decide anything, and dividing by it would lose them altogether.
const LARGEST: f64 = 1e6;

/// phi for one metric, from its history where the policy wants that; `None` if the policy's own figure is unusable.
pub(super) fn phi(dispersion: Dispersion, history: impl Iterator<Item = Sample>) -> Option<f64> {
    match dispersion {
        Dispersion::Fixed(phi) => (1.0..=LARGEST).contains(&phi).then_some(phi),
        Dispersion::Calibrate { .. } => Some(calibrate(history)),
    }
}

/// The mean of the squared standardised split over periods with errors in either arm; at least 1.
fn calibrate(history: impl Iterator<Item = Sample>) -> f64 {
    let (mut sum, mut periods) = (0.0, 0_usize);
    for squared in history.filter_map(squared_deviation) {
        sum += squared;
        periods += 1;
    }
    let measured = if periods == 0 { 1.0 } else { sum / periods as f64 };
    let least = if periods < ENOUGH_PERIODS { WITHOUT_HISTORY } else { 1.0 };
    measured.clamp(least, LARGEST)
}

/// (x - m pi)^2 / (m pi (1 - pi)) with pi = n/(n + N); `None` without errors or without a baseline.
fn squared_deviation(sample: Sample) -> Option<f64> {
    let baseline = sample.baseline?;
    let (n, others) = (sample.candidate.total(), baseline.total());
    let errors = sample.candidate.failed() + baseline.failed();
    let share = n / (n + others);
    let variance = errors * share * (1.0 - share);
    let deviation = sample.candidate.failed() - errors * share;
    (variance > 0.0).then(|| deviation * deviation / variance)
}

#[cfg(test)]
#[expect(clippy::unreadable_literal, reason = "figures as the reference prints them")]
mod tests {
    use super::*;
    use crate::core::gate::evidence::Counts;

    fn samples(rows: &[(u64, u64, u64, u64)]) -> impl Iterator<Item = Sample> {
        rows.iter().map(|&(x, n, y, others)| Sample {
            candidate: Counts { errors: x, requests: n },
            baseline: Some(Counts { errors: y, requests: others }),
        })
    }

    const MEASURED: [(u64, u64, u64, u64); 4] =
        [(20, 1000, 90, 9000), (4, 1000, 92, 9000), (3, 1000, 80, 9000), (21, 1000, 101, 9000)];

    #[test]
    fn squared_deviations_are_those_of_the_reference() {
        let found: Vec<f64> = samples(&MEASURED).filter_map(squared_deviation).collect();
        for (found, expected) in found.iter().zip([8.181818, 3.629630, 3.760375, 7.052823]) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
        assert!((calibrate(samples(&MEASURED)) - 5.656161).abs() < 1e-6);
    }

    #[test]
    fn little_history_is_not_believed_below_the_least_and_quiet_history_is_one() {
        let even = (10, 1000, 90, 9000);
        assert_eq!(calibrate(samples(&[])), WITHOUT_HISTORY);
        assert_eq!(calibrate(samples(&[even; 59])), WITHOUT_HISTORY);
        assert_eq!(calibrate(samples(&[even; 60])), 1.0);
        assert_eq!(calibrate(samples(&[(0, 1000, 0, 9000); 60])), WITHOUT_HISTORY, "no errors, no measurement");
    }

    #[test]
    fn a_figure_of_the_policy_that_would_add_evidence_is_unusable() {
        for unusable in [0.5, -1.0, f64::NAN, f64::INFINITY, 1e7] {
            assert_eq!(phi(Dispersion::Fixed(unusable), std::iter::empty()), None, "{unusable}");
        }
        assert_eq!(phi(Dispersion::Fixed(2.7), std::iter::empty()), Some(2.7));
    }
}
