//! How far the wall clock was set, told from how long the machine runs.
//!
//! T-0, windows and the age of evidence follow the wall clock; dwell and bake are elapsed time, and a clock that is set
//! must neither end them nor stretch them, not even while the daemon is down. Invariant: what cannot be compared, as
//! after a reboot, is no jump.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a machine runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uptime {
    /// Names the boot: uptimes of two boots have nothing to do with each other.
    pub boot: String,
    /// Since it booted, in milliseconds; sleep counts.
    pub ms: u64,
}

/// Differences below this are none.
const LEAST: SignedDuration = SignedDuration::from_secs(5);

/// Of elapsed time, what a time service may slew: twice the 500 parts per million that kernels allow.
const SLEWED: i32 = 1_000;

/// How far the wall clock went beyond elapsed time since the last decision that was kept; negative: it was set back.
pub(super) fn jump(last: Option<&(Timestamp, Uptime)>, (now, uptime): (Timestamp, Option<&Uptime>)) -> SignedDuration {
    let Some(((wall, before), after)) = last.zip(uptime).filter(|((_, before), after)| before.boot == after.boot) else {
        return SignedDuration::ZERO;
    };
    let elapsed = after.ms.checked_sub(before.ms).and_then(|ms| i64::try_from(ms).ok()).map(SignedDuration::from_millis);
    let Some(elapsed) = elapsed else { return SignedDuration::ZERO };
    let jump = now.duration_since(*wall).saturating_sub(elapsed);
    let least = LEAST.saturating_add(elapsed / SLEWED);
    if jump.abs() < least { SignedDuration::ZERO } else { jump }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(boot: &str, secs: u64) -> Uptime {
        Uptime { boot: boot.into(), ms: secs * 1_000 }
    }

    #[test]
    fn a_jump_is_what_elapsed_time_does_not_explain() {
        let began = Timestamp::UNIX_EPOCH;
        let day = 86_400;
        for (wall_secs, before, after, expected) in [
            (60, up("a", 100), up("a", 160), 0),
            (3_660, up("a", 100), up("a", 160), 3_600),
            (-86_390, up("a", 100), up("a", 110), -86_400),
            (64, up("a", 100), up("a", 160), 0),
            (30 * day + 43, up("a", 100), up("a", 100 + 30 * day as u64), 0),
            (3_660, up("a", 100), up("b", 160), 0),
            (3_660, up("a", 100), up("a", 40), 0),
        ] {
            let now = began + SignedDuration::from_secs(wall_secs);
            let jump = jump(Some(&(began, before.clone())), (now, Some(&after)));
            assert_eq!(jump, SignedDuration::from_secs(expected), "{wall_secs} s, {before:?}, {after:?}");
        }
        assert_eq!(jump(None, (began, Some(&up("a", 1)))), SignedDuration::ZERO);
        assert_eq!(jump(Some(&(began, up("a", 1))), (Timestamp::MAX, None)), SignedDuration::ZERO);
    }
}
