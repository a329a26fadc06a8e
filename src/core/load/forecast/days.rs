//! The mean levels of days, forecast: what tomorrow has, as against what noon has.
//!
//! Levels are logarithms. Beside simple ways (yesterday's, last week's) there are smoothed ones on levels without the
//! habits of weekdays. Exponential smoothing and Holt's damped trend are as in Hyndman, Koehler, Ord and Snyder,
//! "Forecasting with Exponential Smoothing" (2008), with fixed rates: four weeks of days are too few to fit them.
//! Not here: the shape of a day. Invariant: equal levels are forecast as themselves by every way.

use super::statistics::{faded, mean, median};

/// Ways to forecast the level of a day.
pub(super) const WAYS: usize = 7;
/// Their names, in order.
pub(super) const WAY_NAMES: [&str; WAYS] =
    ["yesterday", "smoothed slowly", "smoothed quickly", "trend", "mean of a week", "a week ago", "a week ago with growth"];
/// Which of them is the quickly smoothed one, on which corrections by the last hours build.
pub(super) const SMOOTHED_QUICKLY: usize = 2;

const WEEK: usize = 7;
/// Days until a day counts half for habits.
const HALF_LIFE_DAYS: f64 = 14.0;
/// Damping of a trend a day.
const DAMPING: f64 = 0.9;

/// Forecasts of the level of the day `ahead` (0: the next one), from levels, oldest first, at least one.
pub(super) fn levels(levels: &[f64], ahead: usize) -> [Option<f64>; WAYS] {
    let (known, effects) = (levels.len(), weekday_effects(levels));
    let (without, next) = match &effects {
        Some(effects) => (minus(levels, effects), effects[(known + ahead) % WEEK]),
        None => (levels.to_vec(), 0.0),
    };
    let weeks = |back: usize| (known >= back * WEEK).then(|| levels[known - back * WEEK + ahead % WEEK]);
    let week_ago = weeks(2).and_then(|older| weeks(1).map(|newer| newer.midpoint(older))).or(weeks(1));
    let growth = |known: usize| mean(&levels[known - WEEK..]) - mean(&levels[known - 2 * WEEK..known - WEEK]);
    // From a week and a half ago, which the mean of the last two weeks stands for; and of every further week ahead.
    let grown = |level: f64| level + growth(known) * (1.5 + (ahead / WEEK) as f64);
    [
        levels.last().copied(),
        Some(smoothed(&without, (0.3, 0.0), ahead) + next),
        Some(smoothed(&without, (0.7, 0.0), ahead) + next),
        Some(smoothed(&without, (0.5, 0.15), ahead) + next),
        Some(mean(&levels[known.saturating_sub(WEEK)..])),
        week_ago,
        week_ago.filter(|_| known >= 2 * WEEK).map(grown),
    ]
}

/// What each weekday (0: that of the oldest day) has more than its week; `None` with less than two weeks. Half mean, half
/// median, so that one holiday makes no habit, and shrunk towards none.
fn weekday_effects(levels: &[f64]) -> Option<[f64; WEEK]> {
    let known = levels.len();
    let trend = trend(levels)?;
    let mut effects = [0.0; WEEK];
    for (weekday, effect) in effects.iter_mut().enumerate() {
        let days = || (weekday..known).step_by(WEEK);
        let weight = |day: usize| faded((known - 1 - day) as f64, HALF_LIFE_DAYS);
        let weights: f64 = days().map(weight).sum();
        let sum: f64 = days().map(|day| weight(day) * (levels[day] - trend[day])).sum();
        let over: Vec<f64> = days().map(|day| levels[day] - trend[day]).collect();
        *effect = (sum / weights).midpoint(median(&over)) * weights / (weights + 1.0);
    }
    let middle = mean(&effects);
    Some(effects.map(|effect| effect - middle))
}

/// The mean of the week around each day, drawn on straight at the ends; `None` with less than two weeks.
fn trend(levels: &[f64]) -> Option<Vec<f64>> {
    if levels.len() < 2 * WEEK {
        return None;
    }
    let weeks: Vec<f64> = levels.windows(WEEK).map(mean).collect();
    let (first, last) = (*weeks.first()?, *weeks.last()?);
    let slope = (last - first) / (weeks.len() - 1) as f64;
    let of = |day: usize| match (day.checked_sub(WEEK / 2), levels.len() - 1 - day) {
        (None, _) => first - slope * (WEEK / 2 - day) as f64,
        (Some(_), left) if left < WEEK / 2 => last + slope * (WEEK / 2 - left) as f64,
        (Some(week), _) => weeks[week],
    };
    Some((0..levels.len()).map(of).collect())
}

fn minus(levels: &[f64], effects: &[f64; WEEK]) -> Vec<f64> {
    levels.iter().enumerate().map(|(day, level)| level - effects[day % WEEK]).collect()
}

/// Exponential smoothing with rates of level and of a damped trend.
fn smoothed(levels: &[f64], (of_level, of_trend): (f64, f64), ahead: usize) -> f64 {
    let Some((first, rest)) = levels.split_first() else { return 0.0 };
    let (mut level, mut slope) = (*first, 0.0);
    for value in rest {
        let forecast = level + DAMPING * slope;
        (level, slope) = (forecast + of_level * (value - forecast), DAMPING * slope + of_trend * (value - forecast));
    }
    let mut damping = DAMPING;
    for _ in 0..=ahead {
        (level, damping) = (level + damping * slope, damping * DAMPING);
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_levels_stay_and_habits_are_found() {
        for known in [1, 2, 6, 7, 13, 14, 28] {
            let found = levels(&vec![3.0; known], 4);
            assert!(found.iter().flatten().all(|level| (level - 3.0).abs() < 1e-9), "{known}: {found:?}");
            assert_eq!((found[5].is_some(), found[6].is_some()), (known >= 7, known >= 14));
        }
        let weekend: Vec<f64> = (0..28).map(|day| if day % 7 >= 5 { 1.0 } else { 2.0 }).collect();
        let (saturday, monday) = (levels(&weekend, 5), levels(&weekend, 0));
        assert_eq!((saturday[5], monday[5]), (Some(1.0), Some(2.0)));
        assert!(saturday[1].unwrap() < 1.2 && monday[1].unwrap() > 1.8, "{saturday:?} {monday:?}");
    }

    #[test]
    fn growth_is_drawn_on() {
        let growing: Vec<f64> = (0..28).map(|day| f64::from(day) * 0.1).collect();
        let found = levels(&growing, 0);
        assert!((found[6].unwrap() - 2.8).abs() < 1e-6, "{found:?}");
        assert!(found[3].unwrap() > found[2].unwrap());
    }
}
