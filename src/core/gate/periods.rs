//! Periods by number: which ones are closed, and what each says about a metric.
//!
//! A minute's number is its start over the period's length since the Unix epoch, rounded up, so that an unaligned
//! one is never judged before it is over. Not here: any statistics.
//! Invariant: nothing outside `first..=newest` is looked at, and the order of the input does not matter except that
//! of two minutes for one period the later one holds.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::certificate::Sample;
use super::evidence::{Evidence, Minute};
use super::policy::Policy;
use super::terms::Against;

/// Which periods count, all ends included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    length: Duration,
    /// The first one that began in the rollout.
    pub(super) first: i64,
    /// The first one that began in this step.
    pub(super) step: i64,
    /// The newest closed one.
    pub(super) newest: i64,
}

/// A metric's minutes by period.
pub(super) type Series<'a> = BTreeMap<i64, &'a Minute>;

/// What a period says about a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reading {
    /// Nothing was heard of an arm that is needed.
    Silent,
    /// Heard, but an arm that is needed had no requests.
    Idle,
    /// Counts.
    Counted(Sample),
}

impl Span {
    /// The span of the evidence. The policy's period is at least a millisecond.
    pub(super) fn of(policy: &Policy, evidence: &Evidence<'_>) -> Self {
        let length = policy.period;
        let first = number(evidence.rollout_from, length);
        let step = number(evidence.step_from, length).max(first);
        let lag = i128::try_from(policy.lag.as_nanos()).unwrap_or(i128::MAX);
        let complete_until = evidence.now.as_nanosecond().saturating_sub(lag);
        Self { length, first, step, newest: whole(complete_until.div_euclid(nanos(length)).saturating_sub(1)) }
    }

    /// The minutes of the rollout by period; unfinished and earlier ones are left out.
    pub(super) fn series<'a>(&self, minutes: &'a [Minute]) -> Series<'a> {
        let numbered = minutes.iter().map(|minute| (number(minute.at, self.length), minute));
        numbered.filter(|(period, _)| (self.first..=self.newest).contains(period)).collect()
    }

    /// The minutes before the rollout by period, at most `over` back.
    pub(super) fn before<'a>(&self, minutes: &'a [Minute], over: Duration) -> Series<'a> {
        let back = i64::try_from(over.as_nanos() / self.length.as_nanos().max(1)).unwrap_or(i64::MAX);
        let from = self.first.saturating_sub(back);
        let numbered = minutes.iter().map(|minute| (number(minute.at, self.length), minute));
        numbered.filter(|(period, _)| (from..self.first).contains(period)).collect()
    }

    /// How long so many periods are.
    pub(super) fn lasting(&self, periods: i64) -> Duration {
        self.length.saturating_mul(u32::try_from(periods.max(0)).unwrap_or(u32::MAX))
    }
}

impl Against {
    /// What a minute says when it is measured against this.
    pub(super) fn read(self, minute: &Minute) -> Reading {
        let Some(candidate) = minute.candidate else { return Reading::Silent };
        let baseline = match (self, minute.baseline) {
            (Self::Baseline | Self::Both, None) => return Reading::Silent,
            (Self::Slo, _) => None,
            (_, baseline) => baseline,
        };
        let needs_baseline = matches!(self, Self::Baseline | Self::Both);
        let idle_baseline = baseline.is_some_and(|baseline| baseline.requests == 0);
        if candidate.requests == 0 || (needs_baseline && idle_baseline) {
            return Reading::Idle;
        }
        Reading::Counted(Sample { candidate, baseline: baseline.filter(|baseline| baseline.requests > 0) })
    }
}

fn number(at: Timestamp, length: Duration) -> i64 {
    // Rounded up: -floor(-a/b).
    whole(-(-at.as_nanosecond()).div_euclid(nanos(length)))
}

fn nanos(length: Duration) -> i128 {
    i128::try_from(length.as_nanos()).unwrap_or(i128::MAX).max(1)
}

/// Periods of at least a millisecond in the calendar's 20,000 years fit by a factor of ten thousand.
fn whole(number: i128) -> i64 {
    number.clamp(i128::from(i64::MIN / 4), i128::from(i64::MAX / 4)) as i64
}
