//! Simulated counts per minute of both arms: requests split by the percent in force, errors by each arm's rate.
//!
//! Deterministic: remainders are carried over, so that rates are exact in the long run. Invariant: a minute is seen
//! only when it is over.

use jiff::Timestamp;
use tminus::core::gate::{Counts, Minute};

/// How long counts are kept: longer than any rollout of a scenario.
const MEMORY_MINUTES: usize = 48 * 60;

/// The requests of one release's audience.
#[derive(Default)]
pub(super) struct Traffic {
    /// Requests per minute of everybody.
    pub(super) requests: f64,
    /// Shares that fail, 0..1.
    pub(super) old_errors: f64,
    pub(super) new_errors: f64,
    /// Whether counts arrive at all.
    pub(super) silent: bool,
    pub(super) minutes: Vec<Minute>,
    /// Up to where minutes are written.
    seen_until: Option<Timestamp>,
    carried: [f64; 4],
}

impl Traffic {
    /// Writes the minutes that ended since the last time, at this share of the new version.
    pub(super) fn advance(&mut self, now: Timestamp, share: f64) {
        let over = minute_of(now);
        let from = self.seen_until.replace(over).unwrap_or(over);
        for minute in from.as_second() / 60..over.as_second() / 60 {
            if !self.silent {
                self.write(Timestamp::from_second(minute * 60).unwrap(), share);
            }
        }
        let excess = self.minutes.len().saturating_sub(MEMORY_MINUTES);
        self.minutes.drain(..excess);
    }

    fn write(&mut self, at: Timestamp, share: f64) {
        let candidate = self.counts(0, self.requests * share, self.new_errors);
        let baseline = self.counts(2, self.requests * (1.0 - share), self.old_errors);
        self.minutes.push(Minute { at, candidate: Some(candidate), baseline: (share < 1.0).then_some(baseline) });
    }

    fn counts(&mut self, arm: usize, requests: f64, rate: f64) -> Counts {
        Counts { requests: self.whole(arm, requests), errors: self.whole(arm + 1, requests * rate) }
    }

    fn whole(&mut self, place: usize, amount: f64) -> u64 {
        let total = self.carried[place] + amount;
        // What binary fractions lose must not push a count into the next minute.
        let whole = (total + 1e-6).floor();
        self.carried[place] = total - whole;
        whole as u64
    }
}

fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap()
}
