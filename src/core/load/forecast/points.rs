//! What was measured, point by point, with a tally of what could not be used.
//!
//! Not here: reading files, and the grid. Invariant: memory is bounded whatever comes: 56 days before the newest point and
//! at most a million points are kept, one a second.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

/// Older points say little about next week. Eight weeks are twice what forecasts are made of, so that the backtest's
/// oldest day has as much to learn from as the newest.
pub(super) const MEMORY_SECS: i64 = 56 * 86_400;
/// Newest points that are kept: eight weeks at 5 s fit.
const MOST_POINTS: usize = 1_000_000;
/// Greater values would overflow in sums of a million.
const GREATEST: f64 = f64::MAX / 1e12;

/// What became of points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Points that came.
    pub points: u64,
    /// Values that are no number, not finite, negative or absurd: they are holes.
    pub refused: u64,
    /// Points of a second that had one already; the later in the file counts.
    pub doubled: u64,
    /// Points older than what is looked at, or beyond what is kept.
    pub too_old: u64,
}

/// Points by second.
#[derive(Clone, Debug, Default)]
pub struct Points {
    by_second: BTreeMap<i64, f64>,
    newest: Option<i64>,
    tally: Tally,
}

impl Points {
    /// Takes a point, in any order; `None` is a value that could not be read.
    pub fn push(&mut self, at: Timestamp, value: Option<f64>) {
        self.tally.points += 1;
        // A zero has no sign here.
        let Some(value) = value.filter(|value| (0.0..=GREATEST).contains(value)).map(f64::abs) else {
            self.tally.refused += 1;
            return;
        };
        let second = at.as_second();
        let newest = self.newest.map_or(second, |newest| newest.max(second));
        self.newest = Some(newest);
        if second <= newest.saturating_sub(MEMORY_SECS) {
            self.tally.too_old += 1;
            return;
        }
        self.tally.doubled += u64::from(self.by_second.insert(second, value).is_some());
        self.forget();
    }

    /// Counts a row that is no point.
    pub fn refuse(&mut self) {
        self.tally.points += 1;
        self.tally.refused += 1;
    }

    /// What became of all points.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Points in order of time, at most [`MEMORY_SECS`] before the newest.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (i64, f64)> {
        self.by_second.iter().map(|(second, value)| (*second, *value))
    }

    /// The usual distance of points in seconds, at least 1: holes are rare, so the median ignores them.
    pub(super) fn usual_step_secs(&self) -> i64 {
        let seconds: Vec<i64> = self.by_second.keys().copied().collect();
        let mut steps: Vec<i64> = seconds.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied().unwrap_or(1).max(1)
    }

    fn forget(&mut self) {
        let oldest = self.newest.unwrap_or(i64::MIN).saturating_sub(MEMORY_SECS);
        while let Some((second, _)) = self.by_second.first_key_value()
            && (*second <= oldest || self.by_second.len() > MOST_POINTS)
        {
            self.by_second.pop_first();
            self.tally.too_old += 1;
        }
    }
}

impl FromIterator<(Timestamp, f64)> for Points {
    fn from_iter<Of: IntoIterator<Item = (Timestamp, f64)>>(points: Of) -> Self {
        let mut collected = Self::default();
        points.into_iter().for_each(|(at, value)| collected.push(at, Some(value)));
        collected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_no_load_is_refused_and_of_two_the_later_counts() {
        let mut points = Points::default();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -0.1, f64::MAX] {
            points.push(at(0), Some(value));
        }
        points.push(at(1), None);
        points.push(at(2), Some(5.0));
        points.push(at(2), Some(6.0));
        points.push(at(0), Some(1.0));
        assert_eq!(points.in_order().collect::<Vec<_>>(), vec![(0, 1.0), (2, 6.0)]);
        assert_eq!(points.tally(), Tally { points: 10, refused: 7, doubled: 1, too_old: 0 });
    }

    #[test]
    fn memory_is_bounded_in_time_and_in_number() {
        let mut points = Points::default();
        points.push(at(0), Some(1.0));
        points.push(at(MEMORY_SECS), Some(1.0));
        points.push(at(1), Some(1.0));
        points.push(at(0), Some(1.0));
        assert_eq!((points.in_order().count(), points.tally().too_old), (2, 2));
        let many: Points = (0..1_200_000).map(|second| (at(second), 1.0)).collect();
        assert_eq!((many.by_second.len(), many.tally().too_old), (MOST_POINTS, 200_000));
        assert_eq!(Points::from_iter([(Timestamp::MIN, 1.0), (Timestamp::MAX, 1.0)]).in_order().count(), 1);
    }

    #[test]
    fn the_usual_step_ignores_holes() {
        let points: Points = (0..100).filter(|index| index % 10 != 3).map(|index| (at(index * 300), 1.0)).collect();
        assert_eq!((points.usual_step_secs(), Points::default().usual_step_secs()), (300, 1));
    }
}
