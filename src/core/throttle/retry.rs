//! When asking again is useful: soon enough to be useful, and never everybody at once.
//!
//! Not here: `Retry-After` of an overloaded listener. Invariant: the answer lies in [`SOONEST_SECS`]..=[`LATEST_SECS`],
//! and the same client gets the same one while nothing changes.

use super::Reason;
use super::bucket::bucket;

/// No client is asked to come back sooner: a client that retries every few seconds is how the storm of the AgileMD
/// launch fed itself.
pub const SOONEST_SECS: u32 = 30;
/// No client is sent away for longer, so that a release reaches everybody within two days whatever was told before.
pub const LATEST_SECS: u32 = 2 * DAY;

const MINUTE: u32 = 60;
const HOUR: u32 = 3_600;
const DAY: u32 = 86_400;

/// A served client has what it came for; it looks again as often as background checks do, once a day.
const SERVED: (u32, u32) = (DAY, DAY / 4);
/// A halt is lifted by people, within minutes or hours; nothing is known of when.
const HALTED: (u32, u32) = (15 * MINUTE, 15 * MINUTE);
/// Held back with no change in sight: a policy changes when somebody edits it.
const HELD: (u32, u32) = (HOUR, HOUR);
/// After a known change clients come over this share of the wait, within these bounds: those that waited for a day
/// must not arrive in one minute.
const SPREAD_SHARE: u32 = 4;
const LEAST_SPREAD_SECS: u32 = MINUTE;
const MOST_SPREAD_SECS: u32 = HOUR;

/// Where in a spread a client stands, in parts per million. Salted apart from every rollout: who is served last need
/// not also ask last.
pub(super) fn place(client: Option<&str>, draw: u32) -> u32 {
    client.map_or(draw.min(999_999), |client| bucket("retry", client))
}

/// Seconds until asking again is useful.
pub(super) fn retry_after_secs(serve: bool, reason: Reason, next_change_secs: Option<u32>, place: u32) -> u32 {
    let (wait, spread) = match (serve, reason, next_change_secs) {
        (true, _, _) => SERVED,
        (false, Reason::Halt, _) => HALTED,
        (false, _, Some(change)) => towards(change),
        (false, _, None) => HELD,
    };
    let share = u64::from(spread) * u64::from(place) / 1_000_000;
    (wait + share as u32).clamp(SOONEST_SECS, LATEST_SECS)
}

/// Not before the change, and spread after it.
fn towards(change: u32) -> (u32, u32) {
    let change = change.min(DAY);
    (change.max(SOONEST_SECS), (change / SPREAD_SHARE).clamp(LEAST_SPREAD_SECS, MOST_SPREAD_SECS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stay_in_bounds_and_follow_the_next_change() {
        for (serve, reason, change, place, expected) in [
            (true, Reason::Default, Some(5), 0, DAY),
            (false, Reason::Halt, Some(5), 999_999, 15 * MINUTE + 15 * MINUTE - 1),
            (false, Reason::Rollout, Some(600), 0, 600),
            (false, Reason::Rollout, Some(600), 500_000, 675),
            (false, Reason::Rollout, Some(0), 0, SOONEST_SECS),
            (false, Reason::Rule, Some(u32::MAX), 999_999, DAY + HOUR - 1),
            (false, Reason::NoOffer, None, 0, HOUR),
        ] {
            assert_eq!(retry_after_secs(serve, reason, change, place), expected, "{reason:?} {change:?} {place}");
        }
    }

    #[test]
    fn clients_spread_over_the_window() {
        let after = |number: u32| retry_after_secs(false, Reason::Rollout, Some(600), place(Some(&number.to_string()), 0));
        let mut per_tenth = [0_u32; 10];
        (0..10_000).for_each(|number| per_tenth[((after(number) - 600) / 15) as usize] += 1);
        // 1,000 are expected in each; five sigmas of a binomial with n = 10,000 and p = 0.1 are 150.
        assert!(per_tenth.iter().all(|count| (850..=1_150).contains(count)), "{per_tenth:?}");
    }
}
