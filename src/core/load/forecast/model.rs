//! A learned baseline: the load of any instant and the peak of any window, with quantiles.
//!
//! It is made once for a history and then only looked up: a week by cells, and the maximum of each of its days. Beyond a week
//! the week repeats. Not here: learning when ([`crate::core::load::Learned`]).
//! Invariant: whatever the history holds, every answer is finite, not negative, at most three times the greatest load of its
//! last four weeks, and p50 <= p90 <= p95.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::combine::{self, Weights};
use super::conformal::{self, Band};
use super::grid::{Grid, Step};
use super::peaks::Peaks;
use super::points::Points;
use super::statistics::{Ranked, greatest, median};
use super::track::Track;
use super::{ahead, shift};
use crate::core::load::Quantiles;

/// A bound on any forecast, in maxima of the history: measured intervals were seen to explode to 20,000 times.
const SANITY: f64 = 3.0;
/// Days that are worked out; further ones repeat them.
const WEEK: usize = 7;

/// What a forecast is made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// At least two days: members, combined by what they proved.
    Combination,
    /// Less than two days: one level for all times, and the greatest load that was seen for the peak.
    Level,
}

/// A learned baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    grid: Grid,
    method: Method,
    /// From the end of the history, a week of cells; one cell without seasons.
    cells: Vec<Quantiles>,
    /// Maxima of the week's days, counted from the end of the history.
    peaks: Vec<Quantiles>,
}

/// The next day as an origin sees it.
#[derive(Clone, Debug)]
pub(super) struct Outlook {
    pub forecast: Vec<f64>,
    pub band: Band,
    pub weights: Weights,
    pub peaks: Peaks,
    /// The next day if the last hours are the new level, where that is in question.
    moved: Option<Weights>,
    mean: f64,
    most: f64,
}

impl Forecast {
    /// Learns from points in requests per second, in any order, on cells that fit them, by the clocks of UTC. `None` when
    /// nothing usable is there.
    pub fn learn(history: &[(Timestamp, f64)]) -> Option<Self> {
        Self::grid_of(history, TimeZone::UTC).and_then(Self::of)
    }

    /// Points in any order on cells that fit them, by the clocks of a zone: the same grid, the same forecast.
    pub fn grid_of(history: &[(Timestamp, f64)], zone: TimeZone) -> Option<Grid> {
        let points: Points = history.iter().copied().collect();
        Grid::of(&points, Step::fitting(&points), zone)
    }

    /// Learns from a grid.
    pub fn of(grid: Grid) -> Option<Self> {
        let Some(track) = Track::of(&grid) else { return Some(Self::level(grid)) };
        let own = own(&track);
        let outlook = outlook(&track, 0, &own);
        let widths = ahead::widths(&track, &outlook.weights);
        let origin = track.origins.first()?;
        let (mut cells, mut peaks) = (Vec::with_capacity(WEEK * grid.day()), Vec::with_capacity(WEEK));
        for (day, width) in widths.into_iter().enumerate() {
            let (forecast, band) = if day == 0 {
                (outlook.forecast.clone(), outlook.band.clone())
            } else {
                let members = track.members(origin, day);
                let mixed = outlook.weights.mix(&track, &members);
                let forecast = outlook.moved.as_ref().map_or(mixed.clone(), |moved| {
                    moved.mix(&track, &members).iter().zip(&mixed).map(|(moved, mixed)| moved.midpoint(*mixed)).collect()
                });
                let band = ahead::band((&outlook.forecast, &outlook.band), &forecast, (width, outlook.mean));
                (forecast, band)
            };
            peaks.push(outlook.sane(outlook.peaks.of_day(&forecast, &band)));
            cells.extend((0..forecast.len()).map(|slot| outlook.cell((&forecast, &band), slot)));
        }
        Some(Self { method: Method::Combination, cells, peaks, grid })
    }

    fn level(grid: Grid) -> Self {
        let known: Vec<f64> = grid.values.iter().zip(&grid.known).filter(|cell| *cell.1).map(|cell| *cell.0).collect();
        let ranked = Ranked::of(known.iter().map(|value| (*value, 1.0)).collect());
        let level = Quantiles { p50: median(&known), p90: ranked.at(0.90, 0.0), p95: ranked.at(0.95, 0.0) };
        let level = Quantiles { p90: level.p90.max(level.p50), p95: level.p95.max(level.p50), ..level };
        Self { method: Method::Level, cells: vec![level], peaks: vec![Quantiles::certain(greatest(&known))], grid }
    }

    /// What it is made by.
    pub fn method(&self) -> Method {
        self.method
    }

    /// What it was learned from.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The forecast for an instant.
    pub fn at(&self, at: Timestamp) -> Quantiles {
        self.cell(self.grid.place(at))
    }

    /// The greatest load from `from` through `until`.
    ///
    /// Of a part of a day it is the peak of the day in proportion: the greatest p95 of the part to that of the day. After a
    /// week everything repeats, so longer windows cost no more. With less than two days known, the best guess is the greatest load
    /// that was seen.
    pub fn peak(&self, from: Timestamp, until: Timestamp) -> Quantiles {
        let start = self.grid.place(from);
        let end = self.grid.place(until).clamp(start, start.saturating_add(self.week() - 1));
        self.peak_of(start, end)
    }

    /// The maximum of a local day, with what was seen of it already.
    pub fn day(&self, day: Date) -> Quantiles {
        let starts = |day: Date| day.to_zoned(self.grid.zone().clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp());
        let (from, until) =
            (self.grid.place(starts(day)), self.grid.place(starts(day.saturating_add(jiff::Span::new().days(1)))));
        let now = self.grid.after();
        let seen = self.grid.seen(from, until).map_or(Quantiles::default(), Quantiles::certain);
        if until <= now { seen } else { seen.most(self.peak_of(from.max(now), until - 1)) }
    }

    fn cell(&self, place: i64) -> Quantiles {
        self.cells.get(self.ahead(place)).copied().unwrap_or_default()
    }

    /// Cells until they repeat, at least one.
    fn week(&self) -> i64 {
        i64::try_from(self.cells.len().max(1)).unwrap_or(i64::MAX)
    }

    /// The cell of the week for a place in the grid; the past is taken for a week of the future.
    fn ahead(&self, place: i64) -> usize {
        let after = place.saturating_sub(self.grid.after());
        usize::try_from(after.rem_euclid(self.week())).unwrap_or(0)
    }

    fn peak_of(&self, start: i64, end: i64) -> Quantiles {
        if self.method == Method::Level {
            return self.peaks.first().copied().unwrap_or_default();
        }
        let day = self.grid.day();
        let mut parts = [Quantiles::default(); WEEK];
        for place in start..=end {
            let ahead = self.ahead(place);
            parts[ahead / day] = parts[ahead / day].most(self.cells[ahead]);
        }
        let whole = |number: usize| {
            self.cells[number * day..(number + 1) * day].iter().copied().fold(Quantiles::default(), Quantiles::most)
        };
        let peak = |(number, part): (usize, Quantiles)| {
            let whole = whole(number).p95;
            let share = if whole > 0.0 { part.p95 / whole } else { 1.0 };
            part.most(self.peaks[number].times(share))
        };
        let touched = parts.into_iter().enumerate().filter(|(_, part)| *part != Quantiles::default());
        touched.map(peak).fold(Quantiles::default(), Quantiles::most)
    }
}

impl Outlook {
    fn sane(&self, quantiles: Quantiles) -> Quantiles {
        let p50 = rounded(quantiles.p50.clamp(0.0, self.most));
        let p90 = rounded(quantiles.p90.clamp(p50, self.most.max(p50)));
        Quantiles { p50, p90, p95: rounded(quantiles.p95.clamp(p90, self.most.max(p90))) }
    }

    /// A cell of a day.
    pub fn cell(&self, (forecast, band): (&[f64], &Band), slot: usize) -> Quantiles {
        self.sane(Quantiles { p50: forecast[slot], p90: band.p90[slot], p95: band.p95[slot] })
    }

    /// The next day by cells, and its maximum.
    pub fn day(&self) -> (Vec<Quantiles>, Quantiles) {
        let cells = (0..self.forecast.len()).map(|slot| self.cell((&self.forecast, &self.band), slot)).collect();
        (cells, self.sane(self.peaks.of_day(&self.forecast, &self.band)))
    }
}

/// To 41 bits, about 12 figures (Veltkamp's splitting): a load of 100 that comes back from its logarithm as a little more
/// than 100 must not ask for one more instance.
fn rounded(load: f64) -> f64 {
    let spread = 4_097.0 * load;
    spread - (spread - load)
}

/// What each origin's own mixture said of its day.
pub(super) fn own(track: &Track<'_>) -> Vec<Vec<f64>> {
    let origins = track.origins.iter().enumerate();
    origins.map(|(ago, origin)| combine::weights(track, ago).0.mix(track, &origin.members)).collect()
}

/// The next day, as an origin so many days ago would have seen it.
pub(super) fn outlook(track: &Track<'_>, ago: usize, own: &[Vec<f64>]) -> Outlook {
    let origin = &track.origins[ago];
    let (weights, persisting) = combine::weights(track, ago);
    let past = combine::past_days(track, ago, (&weights, own));
    let (mean_load, most) = track.usual(origin.at);
    let mut forecast = weights.mix(track, &origin.members);
    let mut band = conformal::band(&forecast, &past, (mean_load, most));
    let moved = shift::is_seen(&past, mean_load);
    if moved {
        let recent = &track.grid.values[origin.at - track.grid.day()..origin.at];
        shift::follow(&mut forecast, &mut band, (&persisting.mix(track, &origin.members), recent));
    }
    let peaks = Peaks::of(&past, &band.past_p95, mean_load);
    let moved = moved.then_some(persisting);
    Outlook { forecast, band, weights, peaks, moved, mean: mean_load, most: SANITY * most }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_SECS: i64 = 86_400;

    fn after(secs: i64) -> Timestamp {
        // A Monday.
        Timestamp::from_second("2026-11-02T00:00:00Z".parse::<Timestamp>().unwrap().as_second() + secs).unwrap()
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
    fn what_was_hardly_seen_is_not_told_as_certain() {
        let wild = |place: u64| 100.0 + 80.0 * (draw(7, place) - 0.5);
        for (kept, days) in [(0.6, 28), (0.3, 28), (0.1, 28), (1.0, 2)] {
            let all = history(days, 3_600, |day, second| wild((day * 24 + second / 3_600).unsigned_abs()));
            let seen: Vec<_> =
                all.into_iter().zip(0..).filter(|(_, place)| draw(8, *place) < kept).map(|(point, _)| point).collect();
            let greatest = seen.iter().map(|point| point.1).fold(0.0, f64::max);
            let forecast = Forecast::learn(&seen).unwrap();
            let tomorrow = after(days * DAY_SECS);
            let cell = forecast.at(tomorrow);
            assert!(cell.p95 > cell.p50 + 10.0, "{kept} of the hours of {days} days: {cell:?}");
            let peak = forecast.peak(tomorrow, after((days + 1) * DAY_SECS - 1));
            assert!(peak.p95 >= 0.95 * greatest, "{kept} of the hours of {days} days: {peak:?}, seen {greatest}");
        }
    }

    /// Spread evenly over 0..1, by a seed and a place: SplitMix64.
    fn draw(seed: u64, place: u64) -> f64 {
        let mut bits = seed.wrapping_add(place.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (bits ^ (bits >> 31)) as f64 / u64::MAX as f64
    }

    /// A wild history: days, noise, bursts, zeros and holes, as the seed says.
    fn wild(seed: u64) -> Vec<(Timestamp, f64)> {
        let days = 1 + (draw(seed, 1) * 40.0) as i64;
        let (scale, noise, zeros) = (real_scale(seed), draw(seed, 3), draw(seed, 4) * 0.5);
        let load = |day: i64, second: i64| {
            let place = (day * DAY_SECS + second) as u64 + 100;
            let burst = if draw(seed, place + 1) < 0.01 { 30.0 } else { 1.0 };
            let zero = if draw(seed, place + 2) < zeros { 0.0 } else { 1.0 };
            scale * burst * zero * (1.0 + noise * draw(seed, place)) * noon(day, second)
        };
        let mut points = history(days, 3_600, load);
        points.retain(|(at, _)| draw(seed, at.as_second() as u64) > 0.1);
        points
    }

    fn real_scale(seed: u64) -> f64 {
        [1e-200, 1e-9, 1.0, 1e9, 1e200][(draw(seed, 2) * 5.0) as usize % 5]
    }

    fn all(forecast: &Forecast) -> Vec<Quantiles> {
        let end = forecast.grid().end().as_second();
        let at = |hour: i64| Timestamp::from_second(end + hour * 3_600).unwrap();
        (0..10 * 24)
            .map(|hour| forecast.at(at(hour)))
            .chain((0..10).map(|day| forecast.peak(at(day * 24), at(day * 24 + 23))))
            .collect()
    }

    #[test]
    fn wild_histories_get_sound_answers() {
        for seed in 0..60 {
            let points = wild(seed);
            let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
            let Some(forecast) = Forecast::learn(&points) else { continue };
            for Quantiles { p50, p90, p95 } in all(&forecast) {
                assert!(
                    0.0 <= p50 && p50 <= p90 && p90 <= p95 && p95 <= 3.0 * most * (1.0 + 1e-9),
                    "seed {seed}: {p50} {p90} {p95}, most {most}"
                );
            }
            assert_eq!(Forecast::learn(&points), Some(forecast), "seed {seed}: the same again");
        }
    }

    #[test]
    fn twice_the_load_is_twice_the_forecast_and_whole_weeks_later_the_same() {
        for seed in (0..60).filter(|seed| real_scale(*seed) == 1.0) {
            let points = wild(seed);
            let Some(forecast) = Forecast::learn(&points) else { continue };
            let twice: Vec<_> = points.iter().map(|(at, value)| (*at, value * 2.0)).collect();
            let later: Vec<_> =
                points.iter().map(|(at, value)| (*at + jiff::SignedDuration::from_hours(21 * 24), *value)).collect();
            let (twice, later) = (Forecast::learn(&twice).unwrap(), Forecast::learn(&later).unwrap());
            for ((one, two), moved) in all(&forecast).into_iter().zip(all(&twice)).zip(all(&later)) {
                let close = |one: f64, two: f64| (one - two).abs() <= 1e-6 * one.max(1e-3);
                assert!(close(2.0 * one.p50, two.p50) && close(2.0 * one.p95, two.p95), "seed {seed}: {one:?} {two:?}");
                assert_eq!(one, moved, "seed {seed}");
            }
        }
    }

    #[test]
    fn a_daily_peak_is_forecast_at_its_hour_and_found_in_a_window() {
        let forecast = Forecast::learn(&history(5, 300, noon)).unwrap();
        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-6 * expected;
        let at = |day: i64, second: i64| after(day * DAY_SECS + second);
        assert!(close(forecast.at(at(9, 44_000)).p50, 100.0) && close(forecast.at(at(9, 0)).p95, 10.0));
        for (until, expected) in [(at(9, 3_600), 10.0), (at(9, 43_200), 100.0), (Timestamp::MAX, 100.0), (at(0, 0), 10.0)] {
            let found = forecast.peak(at(9, 0), until);
            assert!(close(found.p95, expected), "until {until}: {found:?}");
        }
    }

    #[test]
    fn a_quiet_weekend_is_told_from_a_weekday() {
        let weekend = |day: i64, second: i64| if day % 7 >= 5 { 1.0 } else { noon(day, second) };
        let forecast = Forecast::learn(&history(21, 900, weekend)).unwrap();
        let (saturday, monday) = (forecast.at(after(26 * DAY_SECS + 44_000)), forecast.at(after(21 * DAY_SECS + 44_000)));
        assert!(saturday.p50 < 2.0 && monday.p50 > 95.0, "{saturday:?} {monday:?}");
    }

    #[test]
    fn the_peak_of_today_is_no_less_than_what_was_seen_of_it() {
        let mut points = history(14, 3_600, noon);
        points.truncate(13 * 24 + 6);
        points[13 * 24 + 3].1 = 500.0;
        let forecast = Forecast::learn(&points).unwrap();
        let today = after(13 * DAY_SECS).to_zoned(TimeZone::UTC).date();
        assert!(forecast.day(today).p50 >= 500.0);
        assert!(forecast.day(today.tomorrow().unwrap()).p50 < 200.0);
        assert_eq!(forecast.day(today.yesterday().unwrap()), Quantiles::certain(100.0), "over: it is known");
    }

    #[test]
    fn less_than_two_days_give_one_level_and_the_greatest_load_for_the_peak() {
        let forecast = Forecast::learn(&history(1, 3_600, noon)).unwrap();
        assert_eq!((forecast.method(), forecast.at(after(0)).p50), (Method::Level, 10.0));
        assert_eq!(forecast.peak(after(0), after(1)), Quantiles::certain(100.0));
        assert_eq!(Forecast::learn(&[]), None);
        assert_eq!(Forecast::learn(&[(after(0), f64::NAN), (after(1), -1.0)]), None);
    }

    #[test]
    fn bursts_on_every_third_day_are_held_on_nearly_all() {
        let burst = |day: i64, second: i64| {
            let noise = 1.0 + 0.1 * draw(7, (day * DAY_SECS + second) as u64);
            let height = if draw(9, day as u64) < 0.3 { 1.3 } else { 1.0 };
            noon(day, second) * noise * height
        };
        let points = history(70, 3_600, burst);
        let held = (28..70).filter(|day| {
            let forecast = Forecast::learn(&points[..*day as usize * 24]).unwrap();
            let peak = forecast.peak(after(day * DAY_SECS), after((day + 1) * DAY_SECS - 1)).p95;
            let came = points[*day as usize * 24..(*day as usize + 1) * 24].iter().map(|point| point.1).fold(0.0, f64::max);
            assert!(peak < 2.0 * 100.0 * 1.3 * 1.1, "{peak}");
            came <= peak
        });
        let held = held.count();
        assert!(held >= 40, "{held} of 42");
    }
}
