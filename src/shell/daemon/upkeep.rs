//! When the store is rid of what is older than `retention`: now and then, a bounded turn at a time, between two ticks.
//!
//! What goes is the store's business. Invariant: nothing is removed within a day of a jump of the clock that this process
//! saw; what a wrong clock calls old may be of yesterday.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::shell::clock;
use crate::shell::store::Store;

/// Longest pause between two turns.
const EVERY: Duration = Duration::from_hours(1);

/// The wall clock may drift from the monotonic one by this much and more of it is a jump; a daylight-saving change is
/// none, since instants have no zone.
const DRIFT: SignedDuration = SignedDuration::from_mins(10);

/// After a jump the clock is believed again when it ran evenly for so long: a wrong one is noticed by then, and setting
/// it right is a jump too.
const AFTER_JUMP: Duration = Duration::from_hours(24);

/// See the module.
pub(super) struct Upkeep {
    keep: Duration,
    tick: Duration,
    began: (Timestamp, Instant),
    due: Instant,
}

impl Upkeep {
    /// The first turn is one pause away: a start has other things to do, and a clock that is set after boot shows by then.
    pub(super) fn new(keep: Duration, tick: Duration, began: (Timestamp, Instant)) -> Self {
        let mut upkeep = Self { keep, tick, began, due: began.1 };
        upkeep.due = began.1 + upkeep.pause();
        upkeep
    }

    /// Documents changed.
    pub(super) fn follow(&mut self, keep: Duration, tick: Duration) {
        if (self.keep, self.tick) != (keep, tick) {
            (self.keep, self.tick) = (keep, tick);
            self.due = self.due.min(clock::monotonic() + self.pause());
        }
    }

    /// An hour, or less where little is kept.
    fn pause(&self) -> Duration {
        (self.keep / 24).min(EVERY).max(self.tick)
    }

    /// Whether a turn is due, and the clock can be believed.
    fn is_due(&mut self, (wall, monotonic): (Timestamp, Instant)) -> bool {
        let passed = SignedDuration::try_from(monotonic.saturating_duration_since(self.began.1)).unwrap_or(SignedDuration::MAX);
        if wall.duration_since(self.began.0).saturating_sub(passed).abs() > DRIFT {
            self.began = (wall, monotonic);
            self.due = monotonic + AFTER_JUMP;
        }
        monotonic >= self.due
    }

    /// Takes a turn if one is due; the next one comes soon while there is more to remove.
    pub(super) fn turn(&mut self, store: &mut Store) {
        let now = (clock::now(), clock::monotonic());
        if !self.is_due(now) {
            return;
        }
        match tokio::task::block_in_place(|| store.prune(now.0, self.keep)) {
            Ok(pruned) => {
                self.due = now.1 + if pruned.more { self.tick } else { self.pause() };
                if pruned.audit_rows > 0 {
                    tracing::info!(rows = pruned.audit_rows, pruned.events, "records older than the retention were removed");
                }
            }
            Err(error) => {
                self.due = now.1 + self.pause();
                tracing::warn!(%error, "old records could not be removed; they stay until the next turn");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_hourly_and_not_by_a_clock_that_jumped() {
        let began = (Timestamp::UNIX_EPOCH, clock::monotonic());
        let upkeep = || Upkeep::new(Duration::from_hours(400 * 24), Duration::from_secs(10), began);
        let at = |wall_mins: i64, passed_mins: u64| {
            (began.0 + SignedDuration::from_mins(wall_mins), began.1 + Duration::from_mins(passed_mins))
        };
        for (now, due) in [
            (at(59, 59), false),
            (at(61, 61), true),
            (at(65, 61), true),
            (at(80, 61), false),
            (at(61 + 60 * 24 * 3_650, 61), false),
            (at(-60, 61), false),
        ] {
            assert_eq!(upkeep().is_due(now), due, "{now:?}");
        }
        // A host that slept, or a clock that was set: it is believed again after an even day.
        let (mut upkeep, hours) = (upkeep(), 60);
        assert!(!upkeep.is_due(at(500, 61)) && !upkeep.is_due(at(500 + 23 * hours, 61 + 23 * 60)));
        assert!(upkeep.is_due(at(500 + 24 * hours, 61 + 24 * 60)));
    }

    #[test]
    fn where_little_is_kept_turns_come_sooner_and_never_faster_than_ticks() {
        let began = (Timestamp::UNIX_EPOCH, clock::monotonic());
        let pause = |keep, tick| Upkeep::new(keep, tick, began).pause();
        assert_eq!(pause(Duration::from_hours(12), Duration::from_secs(10)), Duration::from_mins(30));
        assert_eq!(pause(Duration::ZERO, Duration::from_secs(10)), Duration::from_secs(10));
    }
}
