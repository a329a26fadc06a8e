//! Levels that moved within the last hours: a forecast from days would notice tomorrow.
//!
//! When the last two hours lie further from what was forecast for them than all but a hundredth of such hours ever did,
//! nobody knows whether it stays. So the middle goes half way, and the upper quantiles cover both: too little capacity costs
//! more than too much. Not here: moves that are a day old, which the
//! members follow. Invariant: no upper quantile is lowered.

use super::combine::PastDay;
use super::conformal::Band;
use super::statistics::{Ranked, mean};
use crate::core::words::real;

/// The share of past hours beyond which the last ones are a move.
const RARE: f64 = 0.99;
/// Less than this in logarithms is the rounding of a computer.
const LEAST: f64 = 1e-6;
/// Added to loads before their logarithm, in mean loads.
const SMALL: f64 = 0.05;
/// Days without which nothing is rare.
const LEAST_DAYS: usize = 3;
/// How far the middle goes.
const HALF: f64 = 0.5;

/// Whether the level moved in the last two hours, by past days, newest first, and the mean load.
pub(super) fn is_seen(past: &[PastDay<'_>], mean_load: f64) -> bool {
    let (Some(newest), true) = (past.first(), past.len() >= LEAST_DAYS && mean_load > 0.0) else { return false };
    if newest.age > 0.0 {
        return false;
    }
    let older = past[1..].iter().flat_map(|day| above(day, mean_load));
    let usual = Ranked::of(older.map(|above| (above.abs(), 1.0)).collect());
    let last = above(newest, mean_load).last().copied().unwrap_or_default();
    last.abs() > usual.at(RARE, 0.0) + LEAST
}

/// How far two hours each lay above their forecast, in logarithms.
fn above(day: &PastDay<'_>, mean_load: f64) -> Vec<f64> {
    let small = SMALL * mean_load;
    let cells = day.forecast.iter().zip(day.actual).map(|(forecast, actual)| real::ln((actual + small) / (forecast + small)));
    let cells: Vec<f64> = cells.collect();
    cells.windows(two_hours(cells.len()).min(cells.len())).map(mean).collect()
}

/// Cells of two hours, at least two.
fn two_hours(day: usize) -> usize {
    (day / 12).max(2)
}

/// A day forecast as if the last hours were the new level, beside the one from days.
pub(super) fn follow(forecast: &mut [f64], band: &mut Band, (persisting, recent): (&[f64], &[f64])) {
    let two = &recent[recent.len() - two_hours(recent.len()).min(recent.len())..];
    // Still on its way up: the last value says more than the mean of two hours.
    let rising = two.last().map_or(0.0, |last| (last - mean(two)).max(0.0));
    for slot in 0..forecast.len() {
        let (middle, moved) = (forecast[slot], persisting[slot]);
        let cover = |quantile: f64| quantile.max(moved + rising + (quantile - middle));
        (band.p90[slot], band.p95[slot]) = (cover(band.p90[slot]), cover(band.p95[slot]));
        forecast[slot] = middle + HALF * (moved - middle);
    }
}
