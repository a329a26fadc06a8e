//! Load in requests per second at three quantiles, and the little arithmetic that the room needs on it.
//!
//! Invariant: every operation keeps p50 <= p90 <= p95, and finite values finite.

use serde::{Deserialize, Serialize};

use crate::core::words::real;

/// Standard normal quantile of 0.90.
const Z90: f64 = 1.281_551_565_544_600_4;
/// Standard normal quantile of 0.95.
pub(super) const Z95: f64 = 1.644_853_626_951_472_2;

/// Requests per second at quantiles; finite, p50 <= p90 <= p95.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
}

impl Quantiles {
    /// A value that is known without doubt.
    pub fn certain(value: f64) -> Self {
        Self { p50: value, p90: value, p95: value }
    }

    /// A lognormal with this median; `sigma` is the standard deviation of its logarithm.
    pub fn lognormal(median: f64, sigma: f64) -> Self {
        Self { p50: median, p90: median * real::exp(Z90 * sigma), p95: median * real::exp(Z95 * sigma) }
    }

    /// Both at once. Quantiles are added one by one, which is the upper bound of a sum whose parts are high together:
    /// a launch draws its crowd on the days on which the baseline is high too.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { p50: self.p50 + other.p50, p90: self.p90 + other.p90, p95: self.p95 + other.p95 }
    }

    /// Each quantile times a factor >= 0.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { p50: self.p50 * factor, p90: self.p90 * factor, p95: self.p95 * factor }
    }

    /// The greater one at each quantile.
    #[must_use]
    pub fn most(self, other: Self) -> Self {
        Self { p50: self.p50.max(other.p50), p90: self.p90.max(other.p90), p95: self.p95.max(other.p95) }
    }

    /// Three values of which a higher one may lie below a lower one at this instant: none falls.
    #[must_use]
    pub(super) fn rising([p50, p90, p95]: [f64; 3]) -> Self {
        Self { p50, p90: p90.max(p50), p95: p95.max(p90).max(p50) }
    }

    /// None above `cap`.
    #[must_use]
    pub fn capped(self, cap: f64) -> Self {
        Self { p50: self.p50.min(cap), p90: self.p90.min(cap), p95: self.p95.min(cap) }
    }

    /// The value at a quantile from 0.5 to 0.95, straight between the known ones on the normal scale; `None` outside,
    /// where nothing is known.
    pub fn at(self, quantile: f64) -> Option<f64> {
        if !(0.5..=0.95).contains(&quantile) {
            return None;
        }
        let z = real::normal_quantile(quantile)?;
        let between = |(z0, low): (f64, f64), (z1, high): (f64, f64)| low + (high - low) * ((z - z0) / (z1 - z0)).clamp(0.0, 1.0);
        let (median, high, top) = ((0.0, self.p50), (Z90, self.p90), (Z95, self.p95));
        Some(if z <= Z90 { between(median, high) } else { between(high, top) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_quantiles_are_met_and_those_between_rise() {
        let load = Quantiles { p50: 100.0, p90: 200.0, p95: 260.0 };
        for (quantile, expected) in [(0.5, 100.0), (0.9, 200.0), (0.95, 260.0)] {
            assert!((load.at(quantile).unwrap() - expected).abs() < 1e-6, "{quantile}");
        }
        let rising: Vec<_> = (50..=95).map(|percent| load.at(f64::from(percent) / 100.0).unwrap()).collect();
        assert!(rising.is_sorted(), "{rising:?}");
    }

    #[test]
    fn quantiles_outside_what_is_known_are_refused() {
        for quantile in [0.49, 0.951, 1.0, 0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Quantiles::certain(1.0).at(quantile), None, "{quantile}");
        }
    }
}
