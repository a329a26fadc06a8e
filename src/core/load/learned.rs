//! What histories teach, kept for as long as they stay the same: most ticks see the history of the tick before.
//!
//! Learning takes milliseconds, so it is done only when a cell of the history's grid is complete: points come more often.
//! Not here: learning itself ([`super::forecast`]). Invariant: what is kept is to the bit what learning anew would give, so
//! that a decision is the same with and without it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::scene::earlier;
use super::{Forecast, Grid, Policy};
use crate::core::words::Name;

/// An older history says nothing of today: the forecast looks back as far.
const HISTORY: Duration = Duration::from_hours(28 * 24);

/// Forecasts by scaling policy, each with the points that it was learned from.
#[derive(Debug, Default)]
pub struct Learned(RefCell<BTreeMap<Name, Kept>>);

/// Points, by whose clocks they have days, and what they teach.
#[derive(Debug)]
struct Kept {
    time_zone: Option<String>,
    points: Vec<Point>,
    forecast: Option<Arc<Forecast>>,
}

type Point = (Timestamp, f64);

/// What a history of a policy's group teaches at an instant; `None`: nothing.
pub(super) fn forecast(policy: &Policy, (history, now): (&[Point], Timestamp)) -> Option<Arc<Forecast>> {
    grid(policy, &recent(history, now).collect::<Vec<_>>()).and_then(Forecast::of).map(Arc::new)
}

/// On cells that fit it, by the policy's clocks.
fn grid(policy: &Policy, history: &[Point]) -> Option<Grid> {
    Forecast::grid_of(history, policy.zone())
}

fn recent(history: &[Point], now: Timestamp) -> impl Iterator<Item = Point> {
    let oldest = earlier(now, HISTORY);
    history.iter().filter(move |(at, _)| (oldest..=now).contains(at)).copied()
}

impl Learned {
    /// What a group's history teaches at an instant; learned anew only where it is not what it was.
    pub fn forecast(&self, policy: &Policy, (history, now): (&[Point], Timestamp)) -> Option<Arc<Forecast>> {
        let group = &policy.name;
        let mut known = self.0.borrow_mut();
        // By bits: a figure that is no number, or a zero with a sign, must not count as what it was.
        let bits = |(at, value): Point| (at, value.to_bits());
        if let Some(kept) = known.get(group)
            && kept.time_zone == policy.time_zone
            && recent(history, now).map(bits).eq(kept.points.iter().copied().map(bits))
        {
            return kept.forecast.clone();
        }
        let points: Vec<Point> = recent(history, now).collect();
        let grid = grid(policy, &points);
        let same = |kept: &Kept| kept.forecast.clone().filter(|kept| grid.as_ref() == Some(kept.grid()));
        let forecast = known.get(group).and_then(same).or_else(|| grid.and_then(Forecast::of).map(Arc::new));
        known.insert(group.clone(), Kept { time_zone: policy.time_zone.clone(), points, forecast: forecast.clone() });
        forecast
    }

    /// Forgets groups that are not planned any more.
    pub fn keep(&self, is_planned: impl Fn(&Name) -> bool) {
        self.0.borrow_mut().retain(|group, _| is_planned(group));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3_600).unwrap()
    }

    fn history(hours: std::ops::Range<i64>) -> Vec<Point> {
        hours.map(|hour| (at(hour), (hour % 24 * 7 % 13) as f64)).collect()
    }

    #[test]
    fn it_is_what_learning_anew_gives_and_kept_while_nothing_changes() {
        let (learned, policy) = (Learned::default(), super::super::fixture::policy());
        let mut points = history(0..900);
        for now in [800, 801, 899, 930] {
            // Between two points: at a point the oldest one leaves, and there is something to learn.
            let now = at(now) + jiff::SignedDuration::from_mins(1);
            let kept = learned.forecast(&policy, (&points, now));
            assert_eq!(kept, forecast(&policy, (&points, now)), "at {now}");
            let again = learned.forecast(&policy, (&points, now + jiff::SignedDuration::from_secs(10)));
            assert!(Arc::ptr_eq(&kept.unwrap(), &again.unwrap()), "a tick later");
        }
        points[850].1 = f64::NAN;
        assert_eq!(learned.forecast(&policy, (&points, at(930))), forecast(&policy, (&points, at(930))), "a hole more");
        assert_eq!(learned.forecast(&policy, (&[], at(930))), None);
        learned.keep(|_| false);
        assert!(learned.0.borrow().is_empty());
    }
}
