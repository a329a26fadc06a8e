//! The load of ordinary days: a seasonal profile by time of week, with quantiles from its own errors.
//!
//! It learns from what the history covers: the week with at least two weeks of it, the day with at least two days,
//! else one level for all times. Holes are holes: nothing is filled in. Not here: trend, level shifts, civil time (slots
//! are UTC) and calibration of the peaks of days, which the backtested models will bring.
//! Invariant: whatever the history holds, every answer is finite, not negative and at most three times its maximum.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::Quantiles;

/// Older points say little about next week, and the maximum over this long bounds every forecast (28 days hold four of
/// each weekday).
const MEMORY: Duration = Duration::from_hours(28 * 24);
/// Newest points that are kept: 28 days at 30 s fit; a finer history would only cost memory.
const MOST_POINTS: usize = 100_000;
/// A bound on any forecast, in maxima of the history: measured intervals were seen to explode to 20,000 times.
const SANITY: f64 = 3.0;
/// A slot with fewer points has no error of its own and falls back to the wider one.
const LEAST_POINTS: usize = 2;
/// Widths of slots in seconds; each divides the day. Below 15 minutes slots would follow noise.
const WIDTHS_SECS: [i64; 10] = [900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400];
const DAY_SECS: i64 = 86_400;
const WEEK_SECS: i64 = 7 * DAY_SECS;

/// What repeats in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    /// Too little is known: one level for all times.
    Overall,
    /// At least two days: the time of day (UTC).
    Day,
    /// At least two weeks: the time of week (UTC).
    Week,
}

/// A learned baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    season: Season,
    width_secs: i64,
    week: Slots,
    day: Slots,
    overall: Vec<f64>,
    mean: f64,
    /// Errors at 90 % and 95 %, in units of (level + mean).
    spread: (f64, f64),
    /// Errors of the maxima of days at 50 %, 90 % and 95 %, in the same units.
    crests: (f64, f64, f64),
    most: f64,
    /// The forecast of every slot of the week, so that a peak over days is cheap; empty where nothing repeats.
    levels: Vec<Quantiles>,
}

/// Sorted values by slot.
type Slots = BTreeMap<i64, Vec<f64>>;

impl Profile {
    /// Learns from points in requests per second, in any order; points that are not finite or negative are holes, of two
    /// points at one instant the later in the slice counts. `None` when nothing usable is left.
    pub fn learn(history: &[(Timestamp, f64)]) -> Option<Self> {
        let points = usable(history);
        let (first, last) = (points.first()?.0, points.last()?.0);
        let step_secs = median_step_secs(&points);
        let covered_secs = last.as_second() - first.as_second() + step_secs;
        let season = match covered_secs {
            _ if covered_secs >= 2 * WEEK_SECS => Season::Week,
            _ if covered_secs >= 2 * DAY_SECS => Season::Day,
            _ => Season::Overall,
        };
        let width_secs = WIDTHS_SECS.into_iter().find(|width| *width >= step_secs).unwrap_or(DAY_SECS);
        let mut overall: Vec<f64> = points.iter().map(|point| point.1).collect();
        overall.sort_by(f64::total_cmp);
        let mut profile = Self {
            season,
            width_secs,
            week: if season == Season::Week { slots(&points, width_secs, WEEK_SECS) } else { Slots::new() },
            day: if season == Season::Overall { Slots::new() } else { slots(&points, width_secs, DAY_SECS) },
            mean: overall.iter().sum::<f64>() / overall.len() as f64,
            most: overall.last().copied().unwrap_or_default(),
            spread: (0.0, 0.0),
            crests: (0.0, 0.0, 0.0),
            levels: Vec::new(),
            overall,
        };
        profile.spread = profile.errors(&points);
        profile.crests = profile.crest_errors(&points, step_secs);
        profile.levels = profile.week_of_levels();
        Some(profile)
    }

    /// What repeats.
    pub fn season(&self) -> Season {
        self.season
    }

    /// The forecast for an instant.
    pub fn at(&self, at: Timestamp) -> Quantiles {
        let known = self.levels.get(slot_of(at, self.width_secs, WEEK_SECS) as usize);
        known.copied().unwrap_or_else(|| self.forecast(self.slot(at)))
    }

    fn week_of_levels(&self) -> Vec<Quantiles> {
        let slots = if self.season == Season::Overall { 0 } else { WEEK_SECS / self.width_secs };
        (0..slots).map(|slot| self.forecast(self.values(slot))).collect()
    }

    /// What values that speak for an instant say of it.
    fn forecast(&self, values: &[f64]) -> Quantiles {
        let level = median(values);
        let scale = level + self.mean;
        let above = |spread: f64| (level + spread * scale).clamp(level, (SANITY * self.most).max(level));
        Quantiles { p50: level, p90: above(self.spread.0), p95: above(self.spread.1) }
    }

    /// The greatest load of a day (or of a shorter window, for which it is on the safe side) from `from` through `until`.
    ///
    /// Quantiles of single points say too little of a maximum of many: measured, points that covered 95 % covered the
    /// maximum of as little as no day. So maxima of days have errors of their own. With less than two days known, the
    /// best guess is the greatest load that was seen.
    pub fn peak(&self, from: Timestamp, until: Timestamp) -> Quantiles {
        if self.season == Season::Overall {
            return Quantiles::certain(self.most);
        }
        let start_secs = from.as_second().div_euclid(self.width_secs) * self.width_secs;
        // After a week everything repeats, so longer windows cost no more.
        let end_secs = until.as_second().min(from.as_second().saturating_add(WEEK_SECS));
        let looks = (end_secs - start_secs).max(0) / self.width_secs;
        let highest = (0..=looks)
            .filter_map(|look| Timestamp::from_second(start_secs.saturating_add(look * self.width_secs)).ok())
            .map(|at| self.at(at))
            .fold(self.at(from), Quantiles::most);
        let above =
            |crest: f64| (highest.p50 + crest * (highest.p50 + self.mean)).clamp(0.0, (SANITY * self.most).max(highest.p50));
        highest.most(Quantiles { p50: above(self.crests.0), p90: above(self.crests.1), p95: above(self.crests.2) })
    }

    /// The values that speak for an instant: of its time of week, else of its time of day, else all.
    fn slot(&self, at: Timestamp) -> &[f64] {
        self.values(slot_of(at, self.width_secs, WEEK_SECS))
    }

    /// The same for a slot of the week. The week began on a Thursday at midnight, and widths divide the day.
    fn values(&self, slot: i64) -> &[f64] {
        let enough = |values: &&Vec<f64>| values.len() >= LEAST_POINTS;
        let of_day = slot % (DAY_SECS / self.width_secs);
        let of_slot = self.week.get(&slot).filter(enough).or_else(|| self.day.get(&of_day).filter(enough));
        of_slot.unwrap_or(&self.overall)
    }

    /// Empirical errors at 90 % and 95 %. Each point is forecast from the other points of its slot, since an error
    /// measured on what was learned is too small. Errors are divided by (level + mean): they grow with the level, yet stay
    /// defined where the level is near zero, at which purely relative errors were measured to explode.
    fn errors(&self, points: &[(Timestamp, f64)]) -> (f64, f64) {
        if self.mean <= 0.0 {
            return (0.0, 0.0);
        }
        let error = |(at, value): &(Timestamp, f64)| {
            let level = median_without(self.slot(*at), *value);
            (value - level) / (level + self.mean)
        };
        let mut errors: Vec<f64> = points.iter().map(error).collect();
        errors.sort_by(f64::total_cmp);
        (rank(&errors, 0.90).max(0.0), rank(&errors, 0.95).max(0.0))
    }

    /// How far the maxima of days lie above the greatest level of their day. Days of which less than half was seen do not
    /// count. With up to 19 days the 95 % is the worst one that was seen.
    fn crest_errors(&self, points: &[(Timestamp, f64)], step_secs: i64) -> (f64, f64, f64) {
        let mut days: BTreeMap<i64, (i64, f64, f64)> = BTreeMap::new();
        for (at, value) in points {
            let day = days.entry(at.as_second().div_euclid(DAY_SECS)).or_default();
            *day = (day.0 + 1, day.1.max(*value), day.2.max(median(self.slot(*at))));
        }
        let seen = days.values().filter(|day| day.0 * step_secs * 2 >= DAY_SECS && day.2 + self.mean > 0.0);
        let mut errors: Vec<f64> = seen.map(|(_, highest, level)| (highest - level) / (level + self.mean)).collect();
        errors.sort_by(f64::total_cmp);
        (rank(&errors, 0.50), rank(&errors, 0.90), rank(&errors, 0.95))
    }
}

/// Finite points that are not negative, of the last 28 days before the newest, oldest first, one for an instant.
fn usable(history: &[(Timestamp, f64)]) -> Vec<(Timestamp, f64)> {
    let valid = |point: &&(Timestamp, f64)| point.1.is_finite() && (0.0..=f64::MAX / 1e6).contains(&point.1);
    let newest = history.iter().filter(valid).map(|point| point.0).max().unwrap_or(Timestamp::MIN);
    let oldest = newest.checked_sub(MEMORY).unwrap_or(Timestamp::MIN);
    let by_instant: BTreeMap<_, _> = history.iter().filter(valid).filter(|point| point.0 > oldest).copied().collect();
    let surplus = by_instant.len().saturating_sub(MOST_POINTS);
    by_instant.into_iter().skip(surplus).collect()
}

/// The usual distance of points in whole seconds, at least 1: holes are rare, so the median ignores them.
fn median_step_secs(points: &[(Timestamp, f64)]) -> i64 {
    let mut steps: Vec<i64> = points.windows(2).map(|pair| pair[1].0.as_second() - pair[0].0.as_second()).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(1).max(1)
}

fn slot_of(at: Timestamp, width_secs: i64, season_secs: i64) -> i64 {
    at.as_second().rem_euclid(season_secs) / width_secs
}

fn slots(points: &[(Timestamp, f64)], width_secs: i64, season_secs: i64) -> Slots {
    let mut slots = Slots::new();
    for (at, value) in points {
        slots.entry(slot_of(*at, width_secs, season_secs)).or_default().push(*value);
    }
    for values in slots.values_mut() {
        values.sort_by(f64::total_cmp);
    }
    slots
}

/// Of sorted values; 0 of none, which no slot is.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => sorted[middle - 1].midpoint(*value),
    }
}

/// The median of sorted values without one of them; the value itself when it is alone.
fn median_without(sorted: &[f64], value: f64) -> f64 {
    let gone = sorted.partition_point(|other| *other < value);
    let rest = sorted.len().saturating_sub(1);
    let nth = |index: usize| sorted[if index < gone { index } else { index + 1 }];
    match rest {
        0 => value,
        _ if rest % 2 == 1 => nth(rest / 2),
        _ => nth(rest / 2 - 1).midpoint(nth(rest / 2)),
    }
}

/// The value below which at least this share of sorted values lies: the nearest rank above, never interpolated down.
fn rank(sorted: &[f64], share: f64) -> f64 {
    let index = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T0: &str = "2026-11-02T00:00:00Z"; // a Monday

    fn start() -> Timestamp {
        T0.parse().unwrap()
    }

    fn after(secs: i64) -> Timestamp {
        Timestamp::from_second(start().as_second() + secs).unwrap()
    }

    /// Points every `step_secs` for `days`, by a function of (day, second of day).
    fn history(days: i64, step_secs: i64, value: impl Fn(i64, i64) -> f64) -> Vec<(Timestamp, f64)> {
        (0..days * DAY_SECS / step_secs)
            .map(|index| index * step_secs)
            .map(|secs| (after(secs), value(secs / DAY_SECS, secs % DAY_SECS)))
            .collect()
    }

    fn noon(_: i64, second: i64) -> f64 {
        if (43_200..46_800).contains(&second) { 100.0 } else { 10.0 }
    }

    #[test]
    fn the_season_is_what_the_history_covers() {
        for (days, step_secs, expected) in [
            (1, 60, Season::Overall),
            (2, 3_600, Season::Day),
            (13, 3_600, Season::Day),
            (14, 3_600, Season::Week),
            (28, 300, Season::Week),
        ] {
            let profile = Profile::learn(&history(days, step_secs, noon)).unwrap();
            assert_eq!(profile.season(), expected, "{days} days every {step_secs} s");
        }
    }

    #[test]
    fn a_daily_peak_is_forecast_at_its_hour_and_found_in_a_window() {
        let profile = Profile::learn(&history(5, 300, noon)).unwrap();
        assert_eq!(profile.at(after(9 * DAY_SECS + 44_000)).p50, 100.0);
        assert_eq!(profile.at(after(9 * DAY_SECS)).p95, 10.0);
        assert_eq!(profile.peak(after(9 * DAY_SECS), after(9 * DAY_SECS + 3_600)).p95, 10.0);
        assert_eq!(profile.peak(after(9 * DAY_SECS), after(9 * DAY_SECS + 43_200)).p95, 100.0);
        assert_eq!(profile.peak(after(9 * DAY_SECS), Timestamp::MAX).p95, 100.0);
        assert_eq!(profile.peak(after(9 * DAY_SECS), after(0)), profile.at(after(9 * DAY_SECS)), "an empty window is an instant");
    }

    #[test]
    fn a_quiet_weekend_is_told_from_a_weekday_after_two_weeks() {
        let weekend = |day: i64, second: i64| if day % 7 >= 5 { 1.0 } else { noon(day, second) };
        let profile = Profile::learn(&history(21, 900, weekend)).unwrap();
        let saturday_noon = after(26 * DAY_SECS + 44_000);
        assert_eq!((profile.at(saturday_noon).p50, profile.at(after(21 * DAY_SECS + 44_000)).p50), (1.0, 100.0));
    }

    #[test]
    fn holes_fall_back_to_the_time_of_day() {
        let mut points = history(14, 3_600, noon);
        points.retain(|(at, _)| at.as_second().rem_euclid(WEEK_SECS) / DAY_SECS != 2);
        let profile = Profile::learn(&points).unwrap();
        assert_eq!(profile.season(), Season::Week);
        let in_the_hole = (0..7).map(|day| after((20 + day) * DAY_SECS + 44_000));
        assert!(in_the_hole.map(|at| profile.at(at).p50).all(|level| level == 100.0));
    }

    #[test]
    fn noise_widens_the_quantiles_and_covers_new_days() {
        let noise = |seed: i64| (seed.wrapping_mul(0x5851_F42D_4C95_7F2D) >> 40).rem_euclid(41) - 20;
        let noisy = |day: i64, second: i64| noon(day, second) * (1.0 + noise(day * DAY_SECS + second) as f64 / 100.0);
        let profile = Profile::learn(&history(14, 900, noisy)).unwrap();
        let fresh = history(28, 900, noisy).split_off(14 * 96);
        let covered = fresh.iter().filter(|(at, value)| *value <= profile.at(*at).p95).count() as f64 / fresh.len() as f64;
        assert!((0.90..=1.0).contains(&covered), "{covered}");
        let busy = profile.at(after(30 * DAY_SECS + 44_000));
        assert!(busy.p50 < busy.p90 && busy.p95 < 160.0, "{busy:?}");
    }

    #[test]
    fn a_compressed_day_of_minutes_has_one_level_and_its_own_quantiles() {
        let profile = Profile::learn(&(0..100).map(|index| (after(index), index as f64)).collect::<Vec<_>>()).unwrap();
        let load = profile.at(after(5_000));
        assert!(
            (45.0..55.0).contains(&load.p50) && (88.0..=96.0).contains(&load.p90) && (93.0..=99.0).contains(&load.p95),
            "{load:?}"
        );
    }

    #[test]
    fn the_peak_covers_the_maxima_of_new_days_where_points_do_not() {
        // One burst a day at an hour of its own, which no time of day foresees.
        let hour = |day: i64| (day.wrapping_mul(0x5851_F42D_4C95_7F2D) >> 40).rem_euclid(24);
        let bursts = |day: i64, second: i64| {
            if second / 3_600 == hour(day) && second % 3_600 < 300 { 60.0 + hour(day) as f64 } else { 10.0 }
        };
        let profile = Profile::learn(&history(14, 300, bursts)).unwrap();
        let (points, peak) = (profile.at(after(15 * DAY_SECS)), profile.peak(after(15 * DAY_SECS), after(16 * DAY_SECS)));
        assert!(points.p95 < 20.0 && peak.p50 > 60.0 && peak.p95 < 100.0, "{points:?} {peak:?}");
        let fresh = (14..42).map(|day| 60.0 + hour(day) as f64);
        assert!(fresh.clone().filter(|highest| *highest <= peak.p95).count() >= 25, "{peak:?}");
    }

    #[test]
    fn calm_on_degenerate_histories() {
        assert_eq!(Profile::learn(&[]), None);
        assert_eq!(Profile::learn(&[(start(), f64::NAN), (start(), -1.0), (start(), f64::INFINITY)]), None);
        for (name, points, expected) in [
            ("one point", vec![(start(), 7.0)], 7.0),
            ("constant", history(15, 3_600, |_, _| 7.0), 7.0),
            ("zeros", history(15, 3_600, |_, _| 0.0), 0.0),
            ("one instant, twice", vec![(start(), 1.0), (start(), 7.0)], 7.0),
            ("ends of time", vec![(Timestamp::MIN, 7.0), (Timestamp::MAX, 7.0)], 7.0),
        ] {
            let load = Profile::learn(&points).unwrap().peak(start(), after(DAY_SECS));
            assert_eq!(load, Quantiles::certain(expected), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_history_gives_finite_ordered_bounded_quantiles(
            points in prop::collection::vec((0..40 * DAY_SECS, prop_oneof![Just(f64::NAN), Just(-1.0), 0.0..1e9f64, Just(f64::MAX)]), 0..200),
            probe in -50 * DAY_SECS..50 * DAY_SECS,
        ) {
            let points: Vec<_> = points.into_iter().map(|(secs, value)| (after(secs), value)).collect();
            if let Some(profile) = Profile::learn(&points) {
                let most = points.iter().map(|point| point.1).filter(|value| value.is_finite()).fold(0.0, f64::max);
                for load in [profile.at(after(probe)), profile.peak(after(probe), after(probe + DAY_SECS))] {
                    prop_assert!(0.0 <= load.p50 && load.p50 <= load.p90 && load.p90 <= load.p95, "{load:?}");
                    prop_assert!(load.p95.is_finite() && load.p95 <= 3.0 * most, "{load:?}");
                }
            }
        }

        #[test]
        fn the_order_of_points_does_not_matter(values in prop::collection::vec(0.0..1e4f64, 1..60)) {
            let points = |values: &[f64]| -> Vec<_> { (0..).step_by(7_200).zip(values).map(|(secs, value)| (after(secs), *value)).collect() };
            let mut shuffled = points(&values);
            shuffled.reverse();
            prop_assert_eq!(Profile::learn(&points(&values)), Profile::learn(&shuffled));
        }
    }
}
