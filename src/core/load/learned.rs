//! What histories teach, kept for as long as they stay the same: most ticks see the history of the tick before.
//!
//! Not here: learning itself ([`super::profile`]). Invariant: what is kept is to the bit what learning anew would give, so
//! that a decision is the same with and without it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Profile;
use super::scene::earlier;
use crate::core::words::Name;

/// An older history says nothing of today: the profile looks back as far.
const HISTORY: Duration = Duration::from_hours(28 * 24);

/// Profiles by scaling policy, each with the points that it was learned from.
#[derive(Debug, Default)]
pub struct Learned(RefCell<BTreeMap<Name, Kept>>);

/// Points, and what they teach.
type Kept = (Vec<Point>, Option<Arc<Profile>>);

type Point = (Timestamp, f64);

/// What a history teaches at an instant; `None`: nothing.
pub(super) fn profile(history: &[Point], now: Timestamp) -> Option<Arc<Profile>> {
    Profile::learn(&recent(history, now).collect::<Vec<_>>()).map(Arc::new)
}

fn recent(history: &[Point], now: Timestamp) -> impl Iterator<Item = Point> {
    let oldest = earlier(now, HISTORY);
    history.iter().filter(move |(at, _)| (oldest..=now).contains(at)).copied()
}

impl Learned {
    /// What a group's history teaches at an instant; learned anew only where it is not what it was.
    pub fn profile(&self, group: &Name, (history, now): (&[Point], Timestamp)) -> Option<Arc<Profile>> {
        let mut known = self.0.borrow_mut();
        // By bits: a figure that is no number, or a zero with a sign, must not count as what it was.
        let bits = |(at, value): Point| (at, value.to_bits());
        if let Some((points, profile)) = known.get(group)
            && recent(history, now).map(bits).eq(points.iter().copied().map(bits))
        {
            return profile.clone();
        }
        let points: Vec<Point> = recent(history, now).collect();
        let profile = Profile::learn(&points).map(Arc::new);
        known.insert(group.clone(), (points, profile.clone()));
        profile
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
        let (learned, group) = (Learned::default(), Name::new("g").unwrap());
        let mut points = history(0..900);
        for now in [800, 801, 899, 930] {
            // Between two points: at a point the oldest one leaves, and there is something to learn.
            let now = at(now) + jiff::SignedDuration::from_mins(1);
            let kept = learned.profile(&group, (&points, now));
            assert_eq!(kept, profile(&points, now), "at {now}");
            let again = learned.profile(&group, (&points, now + jiff::SignedDuration::from_secs(10)));
            assert!(Arc::ptr_eq(&kept.unwrap(), &again.unwrap()), "a tick later");
        }
        points[850].1 = f64::NAN;
        assert_eq!(learned.profile(&group, (&points, at(930))), profile(&points, at(930)), "a hole more");
        assert_eq!(learned.profile(&group, (&[], at(930))), None);
        learned.keep(|_| false);
        assert!(learned.0.borrow().is_empty());
    }
}
