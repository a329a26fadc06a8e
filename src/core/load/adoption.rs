//! How a wave of clients comes after it was admitted: the share that has come, and how fast.
//!
//! Invariant: the share never falls, stays in 0..=1, and its rate is finite: nothing here happens faster than within a
//! second, so "everybody at once" is a wave of one second and not an infinite peak.

use std::time::Duration;

use super::Adoption;
use crate::core::words::real;

/// The finest resolution: loads are in requests per second.
const FINEST: Duration = Duration::from_secs(1);
/// Points of a measured curve that are always told apart; beyond, one counts where time has grown by a [`GRAIN`]th since
/// the last: a minute apart in the first hour, an hour apart after some days. The first hour sets the peak.
const MOST_POINTS: usize = 200;
/// See above: 700 points at most in a century.
const GRAIN: u32 = 50;
/// A century: later points are nobody's plan, and sums of durations stay far from overflow.
const LONGEST: Duration = Duration::from_hours(36_525 * 24);

/// An adoption that was made safe to compute with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Curve {
    /// `ceiling * (1 - 2^(-t / half_life))`.
    Exponential { half_life_secs: f64, ceiling: f64 },
    /// Straight between points, flat after the last; begins at (0, 0); times and shares rise.
    Measured(Vec<(Duration, f64)>),
}

impl Curve {
    pub(super) fn of(adoption: &Adoption) -> Self {
        match adoption {
            Adoption::HalfLife { half_life, ceiling } => {
                Self::Exponential { half_life_secs: half_life.max(&FINEST).as_secs_f64(), ceiling: share(*ceiling) }
            }
            Adoption::Curve(points) => Self::Measured(spread(points)),
            Adoption::Recorded(Some(otherwise)) => Self::of(otherwise),
            // Who plans with it asks for a known one first; nothing known brings nobody.
            Adoption::Recorded(None) => Self::Measured(spread(&[])),
        }
    }

    /// The share that has come, 0..=1.
    pub(super) fn share(&self, elapsed: Duration) -> f64 {
        match self {
            Self::Exponential { half_life_secs, ceiling } => {
                -ceiling * real::exp_m1(-elapsed.as_secs_f64() / half_life_secs * std::f64::consts::LN_2)
            }
            Self::Measured(points) => match segment(points, elapsed) {
                (before, None) => before.1,
                (before, Some(after)) => before.1 + slope(before, after) * elapsed.saturating_sub(before.0).as_secs_f64(),
            },
        }
    }

    /// Shares per second from this moment on (the limit from the right).
    pub(super) fn rate(&self, elapsed: Duration) -> f64 {
        match self {
            Self::Exponential { half_life_secs, ceiling } => {
                let halvings = elapsed.as_secs_f64() / half_life_secs;
                ceiling * std::f64::consts::LN_2 / half_life_secs * real::exp(-halvings * std::f64::consts::LN_2)
            }
            Self::Measured(points) => match segment(points, elapsed) {
                (_, None) => 0.0,
                (before, Some(after)) => slope(before, after),
            },
        }
    }

    /// The greatest rate from this moment on.
    pub(super) fn remaining_rate(&self, elapsed: Duration) -> f64 {
        match self {
            Self::Exponential { .. } => self.rate(elapsed),
            Self::Measured(points) => {
                let current = points.partition_point(|point| point.0 <= elapsed).saturating_sub(1);
                points[current..].windows(2).map(|pair| slope(pair[0], pair[1])).fold(0.0, f64::max)
            }
        }
    }

    /// The moments at which the rate may jump up; between them it never rises.
    pub(super) fn kinks(&self) -> Vec<Duration> {
        match self {
            Self::Exponential { .. } => vec![Duration::ZERO],
            Self::Measured(points) => points.iter().map(|point| point.0).collect(),
        }
    }
}

/// A share that is no number says nothing, so everybody is expected.
fn share(value: f64) -> f64 {
    if value.is_nan() { 1.0 } else { value.clamp(0.0, 1.0) }
}

/// Puts a measured curve on points at least a second apart, without losing or inventing anybody.
fn spread(points: &[(Duration, f64)]) -> Vec<(Duration, f64)> {
    let points = &thinned(points);
    let mut kept = vec![(Duration::ZERO, 0.0)];
    // What came too soon after the last kept point is owed to the next possible one.
    let mut owed: Option<f64> = None;
    for (at, value) in points {
        let at = *at.min(&LONGEST);
        let value = share(*value).max(owed.unwrap_or(last_of(&kept).1));
        if let Some(debt) = owed.filter(|_| at >= next_after(&kept)) {
            kept.push((next_after(&kept), debt));
            owed = None;
        }
        if at >= next_after(&kept) {
            kept.push((at, value));
        } else {
            owed = Some(value);
        }
    }
    kept.extend(owed.map(|debt| (next_after(&kept), debt)));
    kept
}

/// Of a fine curve the points that tell most; the last one stays, so that nobody is lost.
fn thinned(points: &[(Duration, f64)]) -> Vec<(Duration, f64)> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let (mut due, mut kept) = (Duration::ZERO, Vec::new());
    for (index, point) in points.iter().enumerate() {
        if point.0 >= due || index + 1 == points.len() {
            kept.push(*point);
            due = point.0.saturating_add((point.0 / GRAIN).max(FINEST));
        }
    }
    kept
}

fn next_after(kept: &[(Duration, f64)]) -> Duration {
    last_of(kept).0 + FINEST
}

fn last_of(kept: &[(Duration, f64)]) -> (Duration, f64) {
    kept.last().copied().unwrap_or((Duration::ZERO, 0.0))
}

fn segment(points: &[(Duration, f64)], elapsed: Duration) -> ((Duration, f64), Option<(Duration, f64)>) {
    let next = points.partition_point(|point| point.0 <= elapsed);
    (points.get(next.saturating_sub(1)).copied().unwrap_or_default(), points.get(next).copied())
}

fn slope(before: (Duration, f64), after: (Duration, f64)) -> f64 {
    (after.1 - before.1).max(0.0) / (after.0.saturating_sub(before.0)).max(FINEST / 2).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(value: f64) -> Duration {
        Duration::from_secs_f64(value)
    }

    #[test]
    fn half_of_those_who_come_have_come_after_the_half_life() {
        let curve = Curve::of(&Adoption::HalfLife { half_life: secs(21_600.0), ceiling: 0.6 });
        for (hours, expected) in [(0.0, 0.0), (6.0, 0.3), (12.0, 0.45), (10_000.0, 0.6)] {
            assert!((curve.share(secs(hours * 3_600.0)) - expected).abs() < 1e-9, "{hours} h");
        }
    }

    #[test]
    fn everybody_at_once_is_a_wave_of_a_second() {
        let at_once = Curve::of(&Adoption::Curve(vec![(Duration::ZERO, 0.3), (secs(86_400.0), 0.5)]));
        assert_eq!(at_once.rate(Duration::ZERO), at_once.remaining_rate(Duration::ZERO));
        assert!(at_once.rate(Duration::ZERO) > 0.3 / 200.0, "the jump is not smeared over the day");
        assert!((at_once.share(secs(86_400.0)) - 0.5).abs() < 1e-9);
        let instant = Curve::of(&Adoption::HalfLife { half_life: Duration::ZERO, ceiling: 1.0 });
        assert!((instant.rate(Duration::ZERO) - std::f64::consts::LN_2).abs() < 1e-9);
    }

    #[test]
    fn empty_and_hostile_curves_stay_calm() {
        for points in [vec![], vec![(secs(5.0), f64::NAN)], vec![(secs(9.0), 2.0), (secs(1.0), -4.0)], vec![(Duration::MAX, 1.0)]]
        {
            let curve = Curve::of(&Adoption::Curve(points.clone()));
            let share = curve.share(secs(10.0));
            assert!((0.0..=1.0).contains(&share) && curve.rate(secs(3.0)).is_finite(), "{points:?}: {share}");
        }
    }

    proptest! {
        #[test]
        fn a_measured_curve_rises_to_its_maximum_and_its_rate_integrates_to_it(
            points in prop::collection::vec((0.0..5_000.0f64, 0.0..1.0f64), 1..80),
        ) {
            let mut points: Vec<_> = points.into_iter().map(|(at, value)| (secs(at), value)).collect();
            points.sort_by_key(|point| point.0);
            let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
            let curve = Curve::of(&Adoption::Curve(points));
            let shares: Vec<_> = (0..600).map(|index| curve.share(secs(f64::from(index) * 10.0))).collect();
            prop_assert!(shares.is_sorted());
            prop_assert!((curve.share(secs(6_000.0)) - most).abs() < 1e-9);
            let kinks = curve.kinks();
            let integral: f64 = kinks.windows(2).map(|pair| curve.rate(pair[0]) * pair[1].saturating_sub(pair[0]).as_secs_f64()).sum();
            prop_assert!((integral - most).abs() < 1e-6, "{integral} {most}");
            for probe in [0.0, 17.0, 1_234.0] {
                prop_assert!(curve.remaining_rate(secs(probe)) >= curve.rate(secs(probe)));
            }
        }
    }
}
