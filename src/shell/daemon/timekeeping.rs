//! Notices when the wall clock and elapsed time part ways: it was set, or the machine slept.
//!
//! It corrects nothing: what is decided stays with the wall clock, and evidence that is not fresh by it holds. People
//! should know, because a launch that stands still at 3 a.m. looks like any other one. That dwell is elapsed time whatever
//! the clock does is the core's business.
//! Invariant: a clock that is slewed, or a tick that took long, is never reported.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::core::words::format_duration;

/// Differences below this are none: time services slew by half a millisecond a second, and ticks are minutes apart at most.
const LEAST: Duration = Duration::from_secs(5);

/// Both clocks as they were read last.
pub(super) struct Timekeeping {
    last: (Timestamp, Instant),
}

impl Timekeeping {
    pub(super) fn begin(wall: Timestamp, monotonic: Instant) -> Self {
        Self { last: (wall, monotonic) }
    }

    /// Reads both clocks; a sentence when the wall clock jumped since the last look.
    pub(super) fn look(&mut self, wall: Timestamp, monotonic: Instant) -> Option<String> {
        let (before, since) = std::mem::replace(&mut self.last, (wall, monotonic));
        let elapsed = SignedDuration::try_from(monotonic.saturating_duration_since(since)).unwrap_or(SignedDuration::MAX);
        let jumped = wall.duration_since(before).checked_sub(elapsed)?;
        if jumped.unsigned_abs() < LEAST {
            return None;
        }
        let by = shown(jumped.unsigned_abs());
        Some(if jumped.is_positive() {
            format!(
                "the clock of this machine went ahead by {by}: it was set, or the machine slept. Gates hold until counts of \
                 the new time arrive; what ends by the clock, such as waivers, ends sooner. Look whether it is right now."
            )
        } else {
            format!(
                "the clock of this machine went back by {by}. A step that began by the later time has no evidence before that time \
                 comes again, neither for SAFE nor for ABORT. Look whether it is right now; `tminus hold` and halts work."
            )
        })
    }
}

/// To the minute where seconds say nothing.
fn shown(by: Duration) -> String {
    let secs = by.as_secs() + u64::from(by.subsec_millis() >= 500);
    format_duration(Duration::from_secs(if secs < 120 { secs } else { (secs + 30) / 60 * 60 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::clock;

    #[test]
    fn jumps_both_ways_are_told_and_long_ticks_and_slews_are_not() {
        let (wall, monotonic) = (Timestamp::UNIX_EPOCH, clock::monotonic());
        for (wall_secs, elapsed_secs, told) in [
            (600, 600, None),
            (604, 600, None),
            (596, 600, None),
            (3_601, 1, Some("went ahead by 1h:")),
            (-3_600, 10, Some("went back by 1h.")),
            (-7, 1, Some("went back by 8s.")),
            (86_400, 0, Some("went ahead by 1d:")),
        ] {
            let mut clocks = Timekeeping::begin(wall, monotonic);
            let later = wall + SignedDuration::from_secs(wall_secs);
            let said = clocks.look(later, monotonic + Duration::from_secs(elapsed_secs));
            match told {
                None => assert_eq!(said, None),
                Some(part) => assert!(said.as_deref().is_some_and(|said| said.contains(part)), "{said:?}"),
            }
            assert_eq!(clocks.look(later, monotonic + Duration::from_secs(elapsed_secs)), None, "told once");
        }
    }
}
