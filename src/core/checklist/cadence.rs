//! How often an item is measured, and how long an answer counts.
//!
//! Invariant: an answer is never fresh for longer than three of the cadences it was measured in, so a probe that hangs
//! cannot keep GO.

use std::time::Duration;

use jiff::Timestamp;

use super::{Evidence, Item};
use crate::core::words::since;

/// Below this age no answer is stale: one slow answer and one tick must fit.
const LEAST_LIFE: Duration = Duration::from_secs(10);

/// The time between two measurements of an item: its `every`, or faster near T-0.
pub fn cadence(item: &Item, launch_at: Timestamp, now: Timestamp) -> Duration {
    if let Some(every) = item.every {
        return every;
    }
    let minutes = since(launch_at, now).as_secs() / 60;
    Duration::from_secs(match minutes {
        0..10 => 10,
        10..60 => 30,
        60..360 => 120,
        360..1_440 => 600,
        _ => 3_600,
    })
}

/// Whether an answer that is renewed `every` so often still counts: younger than three times that, and not from the future.
pub fn is_fresh(evidence: &Evidence, every: Duration, now: Timestamp) -> bool {
    let life = every.saturating_mul(3).max(LEAST_LIFE);
    // Clocks of two machines may differ by a little; an answer from beyond the least life is odd, and odd is not fresh.
    let from_the_future = since(evidence.measured_at, now) > LEAST_LIFE;
    since(now, evidence.measured_at) <= life && !from_the_future
}

/// Whether it is time to measure again.
pub fn is_due(item: &Item, last: Option<Timestamp>, (launch_at, now): (Timestamp, Timestamp)) -> bool {
    last.is_none_or(|last| since(now, last) >= cadence(item, launch_at, now) || last > now)
}
