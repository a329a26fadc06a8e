//! The maximum of a day, which is what capacity must hold, with quantiles of its own.
//!
//! The maximum of many hours lies above the quantile of any one of them: bounds that covered 95 % of hours were measured
//! to cover 64 to 89 % of the maxima of days. So past maxima are set against what was forecast for their day (four parts
//! its greatest p95, one part the median of the maxima before, on a logarithmic scale) and the quantile of that ratio is
//! conformal, with one unseen day above all seen ones. A few dozen days tell a 95 % badly: the ratio is kept in bounds that
//! held over many series, and a maximum of the last week that is not far above is covered too. Bursts far beyond are
//! not: to hold those on 95 of 100 days would cost many times the capacity on every day.
//! Not here: hours. Invariant: quantiles rise, and p95 is at least the greatest p95 of the hours.

use super::combine::PastDay;
use super::conformal::Band;
use super::statistics::{Ranked, faded, greatest, mean, median};
use crate::core::load::Quantiles;
use crate::core::words::real;

/// The part of the level of maxima in what a maximum is set against.
const LEVEL: f64 = 0.2;
/// Days of which the median is that level.
const LEVEL_DAYS: usize = 7;
/// Days after which a maximum counts half.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Bounds of the p95 ratio in logarithms (1.22 and 1.57), and the lower one in usual errors of maxima: where nothing ever
/// varies, nothing is added.
const LEAST: f64 = 0.2;
const MOST: f64 = 0.45;
const ERRORS: f64 = 2.0;
/// The p90 is allowed half the least that p95 must have.
const P90_LEAST: f64 = 0.5;
/// A maximum of the last week is covered up to this factor.
const REACH: f64 = 1.2;
/// Added to loads before their logarithm, in mean loads.
const SMALL: f64 = 0.05;

/// What past days say of maxima.
#[derive(Clone, Debug)]
pub(super) struct Peaks {
    small: f64,
    level: f64,
    above: Ranked,
    /// Root of the mean square of errors in logarithms of the maxima.
    error: f64,
    recent: f64,
}

impl Peaks {
    /// From past days, newest first, the greatest p95 that each would have had, and the mean load.
    pub fn of(past: &[PastDay<'_>], past_p95: &[f64], mean_load: f64) -> Self {
        let small = (SMALL * mean_load).max(f64::MIN_POSITIVE);
        let log = |load: f64| real::ln(load + small);
        let maximum = |day: &PastDay<'_>| {
            let known = day.actual.iter().zip(day.known).filter(|cell| *cell.1);
            known.map(|cell| *cell.0).fold(0.0, f64::max)
        };
        let maxima: Vec<f64> = past.iter().map(|day| log(maximum(day))).collect();
        let level = |from: usize| median(&maxima[from..(from + LEVEL_DAYS).min(maxima.len())]);
        // The oldest day has none before it.
        let before = |day: usize| if day + 1 < maxima.len() { level(day + 1) } else { maxima[day] };
        let above = |day: usize| maxima[day] - (1.0 - LEVEL) * log(past_p95[day]) - LEVEL * before(day);
        let pairs = (0..maxima.len()).map(|day| (above(day), faded(past[day].age, HALF_LIFE_DAYS))).collect();
        let errors: Vec<f64> = past.iter().zip(&maxima).map(|(day, log_max)| log_max - log(greatest(&day.forecast))).collect();
        let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
        let recent = past.iter().take(LEVEL_DAYS).map(maximum).fold(0.0, f64::max);
        Self {
            small,
            level: if maxima.is_empty() { 0.0 } else { level(0) },
            above: Ranked::of(pairs),
            error: mean(&squares).sqrt(),
            recent,
        }
    }

    /// The maximum of a day that is forecast so.
    pub fn of_day(&self, forecast: &[f64], band: &Band) -> Quantiles {
        let (middle, high, top) = (greatest(forecast), greatest(&band.p90), greatest(&band.p95));
        let against = (1.0 - LEVEL) * real::ln(top + self.small) + LEVEL * self.level;
        let load = |above: f64| (real::exp(against + above) - self.small).max(0.0);
        let least = LEAST.min(ERRORS * self.error);
        let p95 = load(self.above.at(0.95, 1.0).clamp(least, MOST));
        let p95 = p95.max(self.recent.min(REACH * p95)).max(top);
        let p90 = load(self.above.at(0.90, 1.0).clamp(P90_LEAST * least, MOST)).clamp(high.min(p95), p95);
        Quantiles { p50: load(self.above.at(0.5, 0.0)).clamp(middle.min(p90), p90), p90, p95 }
    }
}
