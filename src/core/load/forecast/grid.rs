//! Points on even steps of local time: a forecast knows half past nine in the morning, not the UTC of it.
//!
//! Loads are rates, so a cell is the mean of its points. Cells go by the clocks of the zone: the hour that autumn repeats
//! is one cell, the hour that spring leaves out is a hole. A cell at either end that has fewer points than usual is left
//! off: half an hour is no hour. Holes stay known as holes; what stands in for them (the same time of the day before)
//! is never scored. Not here: reading, forecasting.
//! Invariant: at most 56 days of cells, each finite and not negative.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::points::{MEMORY_SECS, Points};
use super::statistics::median;

pub(super) const DAY_SECS: i64 = 86_400;
/// Widths of cells where nobody asked for one; each divides the day. Below 15 minutes forecasts would follow noise.
const WIDTHS_SECS: [i64; 10] = [900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200, DAY_SECS];

/// The width of a cell: at least a minute, at most a day, and it divides the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(i64);

/// Why seconds are no step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a step is 1m to 24h and divides the day, such as 5m, 15m, 1h or 6h")]
pub struct InvalidStep;

impl TryFrom<i64> for Step {
    type Error = InvalidStep;

    fn try_from(secs: i64) -> Result<Self, InvalidStep> {
        let divides = (60..=DAY_SECS).contains(&secs) && DAY_SECS % secs == 0;
        if divides { Ok(Self(secs)) } else { Err(InvalidStep) }
    }
}

impl Step {
    /// The step that fits points: the next width above their usual distance.
    pub fn fitting(points: &Points) -> Self {
        let usual = points.usual_step_secs();
        Self(WIDTHS_SECS.into_iter().find(|width| *width >= usual).unwrap_or(DAY_SECS))
    }

    /// In seconds.
    pub fn secs(self) -> i64 {
        self.0
    }

    /// How long it is.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.unsigned_abs())
    }
}

/// Cells in order of local time.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    step: Step,
    zone: TimeZone,
    /// The number of the first cell, counted from local 1970.
    first: i64,
    pub(super) values: Vec<f64>,
    pub(super) known: Vec<bool>,
}

impl Grid {
    /// Puts points on a grid; `None` without any.
    pub fn of(points: &Points, step: Step, zone: TimeZone) -> Option<Self> {
        let mut cells: Vec<(i64, f64, u32)> = Vec::new();
        for (second, value) in points.in_order() {
            let index = cell(second, step, &zone);
            match cells.last().map(|last| last.0) {
                Some(last) if last >= index => add(&mut cells, index, value),
                _ => cells.push((index, value, 1)),
            }
        }
        let counts: Vec<f64> = cells.iter().map(|cell| f64::from(cell.2)).collect();
        let usual = median(&counts);
        let whole = |cell: &(i64, f64, u32)| f64::from(cell.2) >= usual;
        let from = usize::from(cells.len() > 1 && !cells.first().is_some_and(whole));
        let until = cells.len() - usize::from(cells.len() > from + 1 && !cells.last().is_some_and(whole));
        let cells = cells.get(from..until)?;
        let (first, last) = (cells.first()?.0, cells.last()?.0);
        // Of 56 days, and a few cells of clocks that were set back.
        let length = usize::try_from(last - first + 1).ok()?.min((2 * MEMORY_SECS / step.0) as usize);
        let mut grid = Self { step, zone, first, values: vec![0.0; length], known: vec![false; length] };
        for (index, sum, count) in cells {
            let place = usize::try_from(index - first).ok().filter(|place| *place < length);
            if let Some(place) = place {
                (grid.values[place], grid.known[place]) = (sum / f64::from(*count), true);
            }
        }
        grid.stand_in();
        Some(grid)
    }

    /// Cells in a day, at least 1.
    pub fn day(&self) -> usize {
        (DAY_SECS / self.step.0) as usize
    }

    /// The width of a cell.
    pub fn step(&self) -> Step {
        self.step
    }

    /// Whose clocks count.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Cells without any point.
    pub fn holes(&self) -> usize {
        self.known.iter().filter(|known| !**known).count()
    }

    /// All cells.
    pub fn steps(&self) -> usize {
        self.values.len()
    }

    /// The newest cells, at most so many, oldest first; `None` is a hole.
    pub fn last(&self, most: usize) -> impl Iterator<Item = Option<f64>> {
        let from = self.values.len() - self.values.len().min(most);
        self.values[from..].iter().zip(&self.known[from..]).map(|(value, known)| known.then_some(*value))
    }

    /// The end of the last cell: forecasts begin here.
    pub fn end(&self) -> Timestamp {
        self.start_of(self.after())
    }

    /// The place of an instant, 0 for the first cell; negative before it.
    pub(super) fn place(&self, at: Timestamp) -> i64 {
        cell(at.as_second(), self.step, &self.zone) - self.first
    }

    /// The place after the last cell.
    pub(super) fn after(&self) -> i64 {
        i64::try_from(self.values.len()).unwrap_or(i64::MAX)
    }

    /// The greatest known value from a place until before another.
    pub(super) fn seen(&self, from: i64, until: i64) -> Option<f64> {
        let clamp = |place: i64| usize::try_from(place).unwrap_or(0).min(self.values.len());
        let range = clamp(from)..clamp(until).max(clamp(from));
        let known = self.values[range.clone()].iter().zip(&self.known[range]).filter(|(_, known)| **known);
        known.map(|(value, _)| *value).reduce(f64::max)
    }

    fn start_of(&self, place: i64) -> Timestamp {
        let local = (self.first + place).saturating_mul(self.step.0);
        let shown = Timestamp::from_second(local).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC).datetime();
        shown.to_zoned(self.zone.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// What stands in for holes, so that sums over days go on: the same time a day before, else a day later, else the
    /// median of what is known.
    fn stand_in(&mut self) {
        let day = self.day();
        let known: Vec<f64> = self.values.iter().zip(&self.known).filter(|cell| *cell.1).map(|cell| *cell.0).collect();
        let usual = median(&known);
        for place in 0..self.values.len() {
            if self.known[place] {
                continue;
            }
            let later = || (place..self.values.len()).step_by(day).find(|place| self.known[*place]);
            let from = if place >= day { Some(place - day) } else { later() };
            self.values[place] = from.map_or(usual, |from| self.values[from]);
        }
    }
}

/// Adds a value to a cell that is there already; where clocks were set back, that is not the last one.
fn add(cells: &mut Vec<(i64, f64, u32)>, index: i64, value: f64) {
    match cells.binary_search_by_key(&index, |cell| cell.0) {
        Ok(place) => cells[place] = (index, cells[place].1 + value, cells[place].2 + 1),
        Err(place) => cells.insert(place, (index, value, 1)),
    }
}

/// The number of a cell of local time since local 1970.
fn cell(second: i64, step: Step, zone: &TimeZone) -> i64 {
    let offset = match Timestamp::from_second(second) {
        Ok(at) if *zone != TimeZone::UTC => zone.to_offset(at),
        _ => Offset::UTC,
    };
    (second + i64::from(offset.seconds())).div_euclid(step.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(from: &str, steps: &[(i64, f64)]) -> Points {
        let start = from.parse::<Timestamp>().unwrap().as_second();
        steps.iter().map(|(after, value)| (Timestamp::from_second(start + after).unwrap(), *value)).collect()
    }

    fn hour() -> Step {
        Step::try_from(3_600).unwrap()
    }

    #[test]
    fn a_cell_is_the_mean_of_its_points_and_holes_are_holes() {
        let steps: Vec<_> =
            (0..48 * 4).filter(|quarter| quarter / 4 != 30).map(|quarter| (quarter * 900, (quarter % 4) as f64)).collect();
        let grid = Grid::of(&points("2026-01-01T00:00:00Z", &steps), hour(), TimeZone::UTC).unwrap();
        assert_eq!((grid.values.len(), grid.holes(), grid.values[5], grid.values[30]), (48, 1, 1.5, 1.5));
        assert_eq!((grid.known[30], grid.end().to_string()), (false, "2026-01-03T00:00:00Z".into()));
    }

    #[test]
    fn torn_cells_at_the_ends_are_left_off() {
        let steps: Vec<_> = (2..15).map(|quarter| (quarter * 900, 1.0)).collect();
        let grid = Grid::of(&points("2026-01-01T00:00:00Z", &steps), hour(), TimeZone::UTC).unwrap();
        assert_eq!((grid.values.len(), grid.end().to_string()), (2, "2026-01-01T03:00:00Z".into()));
        let one = Grid::of(&points("2026-01-01T00:30:00Z", &[(0, 7.0)]), hour(), TimeZone::UTC).unwrap();
        assert_eq!((one.values.clone(), one.end().to_string()), (vec![7.0], "2026-01-01T01:00:00Z".into()));
        assert_eq!(Grid::of(&Points::default(), hour(), TimeZone::UTC), None);
    }

    #[test]
    fn days_of_23_and_25_hours_have_24_cells() {
        let zone = TimeZone::get("America/New_York").unwrap();
        for (from, hours, holes) in [("2026-03-08T05:00:00Z", 23, 1), ("2026-11-01T04:00:00Z", 25, 0)] {
            let steps: Vec<_> = (0..hours).map(|hour| (hour * 3_600, 1.0)).collect();
            let grid = Grid::of(&points(from, &steps), hour(), zone.clone()).unwrap();
            assert_eq!((grid.values.len(), grid.holes()), (24, holes), "{from}");
        }
    }

    #[test]
    fn a_step_divides_the_day() {
        for (secs, valid) in [
            (60, true),
            (300, true),
            (3_600, true),
            (86_400, true),
            (0, false),
            (7, false),
            (-60, false),
            (172_800, false),
            (50_000, false),
        ] {
            assert_eq!(Step::try_from(secs).is_ok(), valid, "{secs}");
        }
    }
}
