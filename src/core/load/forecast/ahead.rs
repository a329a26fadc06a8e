//! The day after tomorrow, and those after it: the same members, asked further ahead, and less sure.
//!
//! How much less is measured on every third past day: the errors so far ahead, in errors of a day ahead. Not here: days
//! beyond a week, which repeat it. Invariant: bands do not get narrower with time.

use super::combine::Weights;
use super::conformal::Band;
use super::track::Track;

/// How far ahead errors are measured, in days after tomorrow; between, a straight line.
const MEASURED: [usize; 3] = [1, 3, 6];
/// Every so many past days: they cost as much as the forecast itself.
const EVERY: usize = 3;
/// Bounds of how much wider a band gets: a handful of days measures badly.
const WIDEST: f64 = 3.0;
/// Bands go by the level where it is above this part of the mean load.
const ALMOST_ALIKE: f64 = 0.5;

/// How much wider bands are, by days after tomorrow, from an origin.
pub(super) fn widths(track: &Track<'_>, weights: &Weights) -> [f64; 7] {
    let mut widths = [1.0; 7];
    let mut last: (usize, f64) = (0, 1.0);
    for ahead in MEASURED {
        let width = width(track, weights, ahead).unwrap_or(last.1).clamp(last.1, WIDEST);
        for (day, between) in widths.iter_mut().enumerate().take(ahead + 1).skip(last.0) {
            *between = last.1 + (width - last.1) * (day - last.0) as f64 / (ahead - last.0) as f64;
        }
        last = (ahead, width);
    }
    widths
}

fn width(track: &Track<'_>, weights: &Weights, ahead: usize) -> Option<f64> {
    let day = track.grid.day();
    let (mut next, mut later) = (0.0, 0.0);
    for origin in track.origins.iter().skip(ahead + 1).step_by(EVERY) {
        let (near, far) = (track.actual(origin.at), track.actual(origin.at + ahead * day));
        next += error(&weights.mix(track, &origin.members), near);
        later += error(&weights.mix(track, &track.members(origin, ahead)), far);
    }
    (next > 0.0).then(|| later / next)
}

fn error(forecast: &[f64], (actual, known): (&[f64], &[bool])) -> f64 {
    let cells = forecast.iter().zip(actual).zip(known).filter(|cell| *cell.1);
    cells.map(|((forecast, actual), _)| (forecast - actual).abs()).sum()
}

/// The band of a day further ahead, from that of the next one.
pub(super) fn band(next: (&[f64], &Band), forecast: &[f64], (width, mean): (f64, f64)) -> Band {
    let (middle, band) = next;
    let wider = |quantile: &[f64]| -> Vec<f64> {
        let at = |slot: usize| {
            let level = (forecast[slot] + ALMOST_ALIKE * mean) / (middle[slot] + ALMOST_ALIKE * mean).max(f64::MIN_POSITIVE);
            forecast[slot] + (quantile[slot] - middle[slot]).max(0.0) * width * level
        };
        (0..forecast.len()).map(at).collect()
    };
    Band { p90: wider(&band.p90), p95: wider(&band.p95), past_p95: Vec::new() }
}
