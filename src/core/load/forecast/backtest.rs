//! How good the forecast would have been on the last days of this very history, had it been made each day.
//!
//! Each day is forecast from what was known before it: nothing of the day, nothing after. Not here: choosing anything.
//! Invariant: it is honest: no figure is measured on what was learned from it.

use serde::Serialize;

use super::grid::Grid;
use super::members;
use super::model::{outlook, own};
use super::statistics::{mean, pinball};
use super::track::Track;

/// Days that are forecast again.
const DAYS: usize = 14;
/// Origins before the oldest of them, so that it had something to learn from.
const LEAST_BEFORE: usize = 2;
/// Members that are named.
const NAMED: usize = 5;

/// How good it would have been; `null` where there is nothing to measure on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Backtest {
    /// Days that were forecast again.
    pub days: usize,
    /// Mean absolute error of p50, in errors of "as yesterday".
    pub mase: Option<f64>,
    /// Pinball loss of p95, in the same errors.
    pub pinball_p95: Option<f64>,
    /// Share of cells at or below p90, 0..=1.
    pub coverage_p90: Option<f64>,
    /// Share of cells at or below p95.
    pub coverage_p95: Option<f64>,
    /// Share of days whose maximum was at or below the p95 of their peak.
    pub peak_coverage_p95: Option<f64>,
    /// Mean of the p95 of peaks to the maxima that came.
    pub provisioned_ratio: Option<f64>,
    /// What the forecast of tomorrow is mixed from, greatest weight first.
    pub members: Vec<Member>,
}

/// A part of the mixture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    /// What it does.
    pub name: String,
    /// Its weight, 0..=1.
    pub weight: f64,
}

/// One day that was forecast again.
#[derive(Default)]
struct Scores {
    errors: Vec<f64>,
    pinballs: Vec<f64>,
    naive: Vec<f64>,
    below: [Vec<f64>; 2],
    peaks: Vec<f64>,
    ratios: Vec<f64>,
}

impl Backtest {
    /// Forecasts the last days of a grid again.
    pub fn of(grid: &Grid) -> Self {
        let Some(track) = Track::of(grid) else { return Self::report(&Scores::default(), Vec::new()) };
        let own = own(&track);
        let last = track.origins.len().saturating_sub(LEAST_BEFORE).min(DAYS + 1);
        let mut scores = Scores::default();
        for ago in 1..last {
            scores.add(&track, ago, &own);
        }
        let ranking = super::combine::weights(&track, 0).0.ranking();
        let named = ranking.into_iter().take(NAMED).filter(|(_, weight)| *weight >= 0.01);
        Self::report(&scores, named.map(|(member, weight)| Member { name: members::name(member), weight }).collect())
    }

    fn report(scores: &Scores, members: Vec<Member>) -> Self {
        let of = |values: &[f64]| (!values.is_empty()).then(|| mean(values));
        let naive = mean(&scores.naive);
        let scaled = |values: &[f64]| of(values).filter(|_| naive > 0.0).map(|error| error / naive);
        Self {
            days: scores.peaks.len(),
            mase: scaled(&scores.errors),
            pinball_p95: scaled(&scores.pinballs),
            coverage_p90: of(&scores.below[0]),
            coverage_p95: of(&scores.below[1]),
            peak_coverage_p95: of(&scores.peaks),
            provisioned_ratio: of(&scores.ratios),
            members,
        }
    }
}

impl Scores {
    fn add(&mut self, track: &Track<'_>, ago: usize, own: &[Vec<f64>]) {
        let origin = &track.origins[ago];
        if origin.errors.is_none() {
            return;
        }
        let (cells, peak) = outlook(track, ago, own).day();
        let (actual, known) = track.actual(origin.at);
        let before = &track.grid.values[origin.at - track.grid.day()..origin.at];
        let covers = |is_covered: bool| if is_covered { 1.0 } else { 0.0 };
        let mut greatest = 0.0_f64;
        for slot in (0..actual.len()).filter(|slot| known[*slot]) {
            let (cell, load) = (cells[slot], actual[slot]);
            greatest = greatest.max(load);
            self.errors.push((load - cell.p50).abs());
            self.naive.push((load - before[slot]).abs());
            self.pinballs.push(pinball(load, cell.p95, 0.95));
            self.below[0].push(covers(load <= cell.p90));
            self.below[1].push(covers(load <= cell.p95));
        }
        self.peaks.push(covers(greatest <= peak.p95));
        self.ratios.extend((greatest > 0.0).then(|| peak.p95 / greatest));
    }
}
