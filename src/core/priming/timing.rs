//! When a policy runs: by its schedule, and by polls that tighten towards a launch.
//!
//! A run that was missed is caught up once, however many were. Not here: which releases lean on the policy, and whether a
//! run is open. Invariant: after a fire is handled it is never due again, also when the clock is set back a little.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::policy::Policy;
use crate::core::calendar::Schedule;
use crate::core::words::{TRelative, later};

/// A clock that went back further than this was wrong before: what it handled in the future is forgotten. Below it, a
/// second run of the same fire is worse than a late one.
const CLOCK_MAY_GO_BACK: Duration = Duration::from_hours(1);

/// More often from a time before the launch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tighten {
    /// From when.
    pub from: TRelative,
    /// The time between two runs from then on.
    pub every: Duration,
}

/// What is remembered of a policy's runs. Durable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// The schedule that `handled` is about; with another one the count begins anew.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Fires up to this instant are done with: run, or older than the schedule.
    #[serde(default)]
    pub handled: Option<Timestamp>,
    /// When a run was last asked for.
    #[serde(default)]
    pub began_at: Option<Timestamp>,
}

impl Runs {
    /// Follows the documents: a schedule that is new has missed nothing.
    pub fn follow(&mut self, schedule: Option<&Schedule>, now: Timestamp) {
        if self.schedule.as_ref() != schedule {
            self.schedule = schedule.cloned();
            self.handled = schedule.map(|_| now);
        }
        if self.handled.is_some_and(|handled| handled > later(now, CLOCK_MAY_GO_BACK)) {
            self.handled = Some(now);
        }
    }

    /// The first fire that was not handled yet; it lies in the past when a run was missed.
    pub fn next_fire(&self) -> Option<Timestamp> {
        self.schedule.as_ref()?.next_after(self.handled?)
    }

    /// A run begins now, and stands for every fire so far.
    pub fn begin(&mut self, now: Timestamp) {
        self.began_at = Some(now);
        self.handled = self.handled.map(|handled| handled.max(now));
    }
}

/// How often a policy is polled at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time between two runs.
    pub every: Duration,
    /// Since when it is tighter than usual; `None`: it is not.
    pub tightened_from: Option<TRelative>,
}

impl Policy {
    /// The tightest pace whose time has come before this launch; the usual one without a launch.
    pub fn pace(&self, launch_at: Option<Timestamp>, now: Timestamp) -> Pace {
        let usual = Pace { every: self.poll_every, tightened_from: None };
        let Some(launch_at) = launch_at else { return usual };
        let begun = self.tighten.iter().filter(|tighten| tighten.from.at(launch_at) <= now);
        let tightest = begun.min_by_key(|tighten| tighten.every).filter(|tighten| tighten.every < self.poll_every);
        tightest.map_or(usual, |tighten| Pace { every: tighten.every, tightened_from: Some(tighten.from) })
    }
}

/// When a policy runs next, for people and pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upcoming {
    /// A run is open now; what is due waits for it.
    pub running: bool,
    /// The next fire of its schedule; in the past when it is due and waits. `None`: it has no schedule.
    pub scheduled_at: Option<Timestamp>,
    /// The next poll; `None`: no release that is under way leans on it.
    pub poll: Option<NextPoll>,
    /// When a run was last asked for.
    pub began_at: Option<Timestamp>,
}

/// The next poll of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextPoll {
    /// When; `None`: as soon as the run that is open ends.
    pub at: Option<Timestamp>,
    /// The time between two.
    pub every: Duration,
    /// Since when it is tighter than usual.
    pub tightened_from: Option<TRelative>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::words::Name;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_tightest_pace_whose_time_has_come_counts() {
        let tighten = |from: &str, mins| Tighten { from: from.parse().unwrap(), every: Duration::from_mins(mins) };
        let policy = Policy {
            name: Name::new("content").unwrap(),
            coverage: 100.0,
            fresh_until: None,
            nodes: Vec::new(),
            poll_every: Duration::from_mins(15),
            schedule: None,
            tighten: vec![tighten("T-1h", 1), tighten("T-6h", 5), tighten("T-30m", 20)],
        };
        let launch = at("2026-12-01T19:00:00Z");
        let check = |now: &str, mins: u64, from: Option<&str>| {
            let pace = policy.pace(Some(launch), at(now));
            let from = from.map(|from| from.parse().unwrap());
            assert_eq!(pace, Pace { every: Duration::from_mins(mins), tightened_from: from }, "{now}");
        };
        check("2026-12-01T12:59:59Z", 15, None);
        check("2026-12-01T13:00:00Z", 5, Some("T-6h"));
        check("2026-12-01T17:59:59Z", 5, Some("T-6h"));
        check("2026-12-01T18:00:00Z", 1, Some("T-1h"));
        check("2026-12-01T18:45:00Z", 1, Some("T-1h"));
        check("2026-12-01T20:00:00Z", 1, Some("T-1h"));
        assert_eq!(policy.pace(None, launch).tightened_from, None);
    }

    #[test]
    fn missed_fires_are_one_and_a_handled_one_never_comes_again() {
        let daily = Schedule::new("30 3 * * *", "UTC").unwrap();
        let mut runs = Runs::default();
        runs.follow(Some(&daily), at("2026-03-01T03:30:00Z"));
        assert_eq!(runs.next_fire(), Some(at("2026-03-02T03:30:00Z")), "the fire of the very instant is no miss");
        // Three weeks later: one fire is due, and after it the next day's.
        let now = at("2026-03-22T10:00:00Z");
        runs.follow(Some(&daily), now);
        assert!(runs.next_fire().is_some_and(|fire| fire < now));
        runs.begin(now);
        assert_eq!(runs.next_fire(), Some(at("2026-03-23T03:30:00Z")));
        // The clock is set back behind the fire: a little changes nothing, a day begins anew.
        runs.begin(at("2026-03-23T03:30:00.1Z"));
        runs.follow(Some(&daily), at("2026-03-23T03:29:59Z"));
        assert_eq!(runs.next_fire(), Some(at("2026-03-24T03:30:00Z")));
        runs.follow(Some(&daily), at("2026-03-21T12:00:00Z"));
        assert_eq!(runs.next_fire(), Some(at("2026-03-22T03:30:00Z")));
    }

    #[test]
    fn another_schedule_has_missed_nothing() {
        let (daily, hourly) = (Schedule::new("@daily", "UTC").unwrap(), Schedule::new("@hourly", "UTC").unwrap());
        let mut runs = Runs::default();
        runs.follow(Some(&daily), at("2026-03-01T00:00:00Z"));
        runs.follow(Some(&hourly), at("2026-03-05T10:30:00Z"));
        assert_eq!(runs.next_fire(), Some(at("2026-03-05T11:00:00Z")));
        let elsewhere = Schedule::new("@hourly", "Asia/Kolkata").unwrap();
        runs.follow(Some(&elsewhere), at("2026-03-06T10:31:00Z"));
        assert_eq!(runs.next_fire(), Some(at("2026-03-06T11:30:00Z")));
        runs.follow(None, at("2026-03-07T00:00:00Z"));
        assert_eq!((runs.next_fire(), runs.handled), (None, None));
    }

    #[test]
    fn a_memory_of_an_older_version_is_read() {
        assert_eq!(serde_json::from_str::<Runs>("{}").unwrap(), Runs::default());
        let mut runs = Runs::default();
        runs.follow(Some(&Schedule::new("*/5  9-17 * * mon", "Europe/Berlin").unwrap()), at("2026-03-01T00:00:00Z"));
        let text = serde_json::to_string(&runs).unwrap();
        assert!(text.contains(r#""schedule":{"cron":"*/5 9-17 * * mon","time_zone":"Europe/Berlin"}"#), "{text}");
        assert_eq!(serde_json::from_str::<Runs>(&text).unwrap(), runs);
    }
}
