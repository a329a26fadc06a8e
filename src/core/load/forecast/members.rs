//! The members: many simple forecasts of one day, of which the history itself says which to believe.
//!
//! In logarithms a day is its level plus its shape. Three shapes (recent days, usual days, the weekday) with seven levels
//! each ([`super::days`]); each shape corrected by what the last hours were above it, fading within hours or hardly at
//! all, or moved to go through them; and the plain ones: yesterday, a week ago, the last value.
//! Not here: which to believe ([`super::combine`]). Invariant: a forecast is finite and not negative; it reads nothing after its
//! origin.

use super::clean::without_drops;
use super::days::{SMOOTHED_QUICKLY, WAY_NAMES, WAYS, levels};
use super::statistics::{faded, mean};
use crate::core::words::real;

/// Members of one shape: its levels and three corrections.
const OF_SHAPE: usize = WAYS + 3;
/// All members.
pub(super) const COUNT: usize = 3 * OF_SHAPE + 4;
const SHAPE_NAMES: [&str; 3] = ["recent shape", "usual shape", "shape of the weekday"];
const CORRECTIONS: [&str; 3] = ["corrected for hours", "corrected for days", "through the last hours"];
const PLAIN: [&str; 4] = ["yesterday", "a week ago", "last value", "last six hours"];

const WEEK: usize = 7;
/// Days after which a day counts half for the recent shape, the usual one, and that of the weekday.
const HALF_LIVES_DAYS: [f64; 3] = [3.0, 10.0, 14.0];
/// The weekday's shape is drawn towards the usual one as if that were one more such day.
const SHRINKAGE: f64 = 1.0;
/// Hours after which a correction is half: ln 2 / -ln 0.85 and ln 2 / -ln 0.97.
const QUICK_HALF_LIFE_HOURS: f64 = 4.265;
const SLOW_HALF_LIFE_HOURS: f64 = 22.757;

/// Loads of one day by member; `None` where the history is too short for it.
pub(super) type Members = Vec<Option<Vec<f64>>>;

/// What members are learned from: logarithms of (load + `small`) up to an origin, and how many make a day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past<'a> {
    pub logs: &'a [f64],
    pub day: usize,
    pub small: f64,
}

/// What a member does, in words.
pub(super) fn name(member: usize) -> String {
    let (shape, way) = (member / OF_SHAPE, member % OF_SHAPE);
    match (SHAPE_NAMES.get(shape), WAY_NAMES.get(way)) {
        (Some(shape), Some(way)) => format!("{shape}, level: {way}"),
        (Some(shape), None) => format!("{shape}, {}", CORRECTIONS[way - WAYS]),
        (None, _) => PLAIN[way].to_owned(),
    }
}

/// Whether a member takes the last hours for the new level.
pub(super) fn persists(member: usize) -> bool {
    member < 3 * OF_SHAPE && member % OF_SHAPE == OF_SHAPE - 1
}

/// The days of a past without their drops: the same for every day that is forecast from them.
#[derive(Clone, Debug)]
pub(super) struct Lesson {
    clean: Vec<Vec<f64>>,
    /// The level of each day.
    levels: Vec<f64>,
}

impl Lesson {
    /// `past` holds a day at least.
    pub(super) fn of(past: Past<'_>) -> Self {
        let clean = without_drops(&past.days());
        Self { levels: clean.iter().map(|day| mean(day)).collect(), clean }
    }
}

impl<'a> Past<'a> {
    /// Its whole days, oldest first.
    fn days(&self) -> Vec<&'a [f64]> {
        self.logs[self.logs.len() % self.day..].chunks_exact(self.day).collect()
    }
}

/// Forecasts of the day `ahead` (0: the next one). `past` holds a day at least.
pub(super) fn members(past: Past<'_>, Lesson { clean, levels: of_days }: &Lesson, ahead: usize) -> Members {
    let (day, count) = (past.day, clean.len());
    let levels = levels(of_days, ahead);
    let yesterday = Yesterday { raw: &past.logs[past.logs.len() - day..], level: of_days.last().copied().unwrap_or_default() };
    let mut all: Vec<Option<Vec<f64>>> = Vec::with_capacity(COUNT);
    for shape in shapes(clean, of_days, ahead) {
        let Some(shape) = shape else {
            all.extend(std::iter::repeat_n(None, OF_SHAPE));
            continue;
        };
        all.extend(levels.iter().map(|level| level.map(|level| shape.iter().map(|slot| level + slot).collect())));
        all.extend(yesterday.corrected(&shape, levels[SMOOTHED_QUICKLY].unwrap_or(yesterday.level), ahead).map(Some));
    }
    all.push(clean.last().cloned());
    all.push((count >= WEEK).then(|| clean[count - WEEK + ahead % WEEK].clone()));
    all.push(Some(vec![mean(yesterday.hours(0.0)); day]));
    all.push(Some(vec![mean(yesterday.hours(6.0)); day]));
    let load = |log: f64| (real::exp(log) - past.small).max(0.0);
    all.into_iter().map(|member| member.map(|logs| logs.into_iter().map(load).collect())).collect()
}

/// The last day before the origin.
struct Yesterday<'a> {
    raw: &'a [f64],
    level: f64,
}

impl<'a> Yesterday<'a> {
    /// The cells of the last so many hours, at least one.
    fn hours(&self, hours: f64) -> &'a [f64] {
        let cells = (hours * self.raw.len() as f64 / 24.0).round() as usize;
        &self.raw[self.raw.len() - cells.clamp(1, self.raw.len())..]
    }

    /// How far the last hours lay above shape and level.
    fn above(&self, shape: &[f64], hours: f64) -> f64 {
        let cells = self.hours(hours);
        mean(cells) - mean(&shape[shape.len() - cells.len()..]) - self.level
    }

    fn corrected(&self, shape: &[f64], smoothed: f64, ahead: usize) -> [Vec<f64>; 3] {
        let hour_of = |slot: usize| ((ahead * shape.len() + slot + 1) as f64) * 24.0 / shape.len() as f64;
        let with = |level: f64, above: f64, half_life: f64| -> Vec<f64> {
            let fading = |slot: usize| above * faded(hour_of(slot), half_life);
            shape.iter().enumerate().map(|(slot, value)| level + value + fading(slot)).collect()
        };
        let quick = with(smoothed, self.level - smoothed + self.above(shape, 3.0), QUICK_HALF_LIFE_HOURS);
        let slow = with(self.level, self.above(shape, 8.0), SLOW_HALF_LIFE_HOURS);
        let through = self.level + self.above(shape, 2.0);
        [quick, slow, shape.iter().map(|value| through + value).collect()]
    }
}

fn shapes(days: &[Vec<f64>], levels: &[f64], ahead: usize) -> [Option<Vec<f64>>; 3] {
    let count = days.len();
    let average = |chosen: &dyn Fn(usize) -> bool, half_life: f64| -> (Vec<f64>, f64) {
        let width = days.first().map_or(0, Vec::len);
        let (mut sums, mut total) = (vec![0.0; width], 0.0);
        for row in (0..count).filter(|row| chosen(*row)) {
            let weight = faded((count - 1 - row) as f64, half_life);
            total += weight;
            sums.iter_mut().zip(&days[row]).for_each(|(sum, value)| *sum += weight * (value - levels[row]));
        }
        (sums, total)
    };
    let over = |(sums, total): (Vec<f64>, f64)| -> Vec<f64> { sums.into_iter().map(|sum| sum / total).collect() };
    let recent = over(average(&|_| true, HALF_LIVES_DAYS[0]));
    let usual = over(average(&|_| true, HALF_LIVES_DAYS[1]));
    let weekday = (count >= 2 * WEEK).then(|| {
        let (sums, total) = average(&|row| row % WEEK == (count + ahead) % WEEK, HALF_LIVES_DAYS[2]);
        let drawn = sums.into_iter().zip(&usual).map(|(sum, usual)| (sum + SHRINKAGE * usual) / (total + SHRINKAGE));
        drawn.collect()
    });
    [Some(recent), Some(usual), weekday]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(days: usize, load: impl Fn(usize, usize) -> f64) -> Members {
        let logs: Vec<f64> = (0..days * 24).map(|hour| real::ln(load(hour / 24, hour % 24) + 1.0)).collect();
        let past = Past { logs: &logs, day: 24, small: 1.0 };
        members(past, &Lesson::of(past), 0)
    }

    #[test]
    fn what_repeats_is_forecast_by_everything_that_knows_days() {
        for days in [1, 2, 5, 7, 14, 28] {
            let found = forecast(days, |_, hour| 10.0 + hour as f64);
            assert_eq!(found.len(), COUNT);
            for (member, loads) in found.iter().enumerate().filter(|(member, _)| *member < COUNT - 2) {
                let Some(loads) = loads else { continue };
                let close = loads.iter().enumerate().all(|(hour, load)| (load - 10.0 - hour as f64).abs() < 1e-6);
                assert!(close, "{days} days, {}: {loads:?}", name(member));
            }
        }
    }

    #[test]
    fn a_level_that_moved_an_hour_ago_persists_where_it_is_believed() {
        let moved = |day: usize, hour: usize| if day == 13 && hour >= 22 { 40.0 } else { 10.0 };
        let found = forecast(14, moved);
        for member in (0..COUNT).filter(|member| persists(*member)) {
            let loads = found[member].as_ref().unwrap();
            assert!(loads[12] > 20.0, "{}: {}", name(member), loads[12]);
        }
        assert_eq!((0..COUNT).filter(|member| persists(*member)).count(), 3);
    }

    #[test]
    fn every_member_has_a_name() {
        let names: std::collections::BTreeSet<String> = (0..COUNT).map(name).collect();
        assert_eq!(names.len(), COUNT, "{names:?}");
    }
}
