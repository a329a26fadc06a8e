//! Which periods CloudWatch has, and for how long it keeps them.
//!
//! From the CloudWatch User Guide, "Metrics retention" and `GetMetricData`: periods are 1, 5, 10, 20 or 30 s for three hours,
//! multiples of 60 s for 15 days, of 5 minutes for 63 days, of an hour for 455 days. Invariant: every period that is asked for
//! is aligned to the epoch, so that two reads of one period are of the same samples.

use std::time::Duration;

use crate::shell::observe::Purpose;

const MINUTE: i64 = 60;
const FIVE_MINUTES: i64 = 300;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// Periods below a minute, of metrics that are sent so finely.
const FINE: [i64; 5] = [1, 5, 10, 20, 30];

/// The period in seconds by which to ask for steps of this length that begin so many seconds ago. Counts are exactly per
/// step; levels are as fine as the step and what is kept allow. `None`: CloudWatch has no such period.
pub(super) fn period(step: Duration, (purpose, age): (Purpose, i64)) -> Option<i64> {
    let secs = i64::try_from(step.as_secs()).ok()?;
    match purpose {
        Purpose::Counts => {
            let has = secs > 0 && (secs % MINUTE == 0 || FINE.contains(&secs));
            (has && step.subsec_nanos() == 0 && secs <= DAY).then_some(secs)
        }
        Purpose::Level => {
            let unit = [(15 * DAY, MINUTE), (63 * DAY, FIVE_MINUTES)].iter().find(|(kept, _)| age <= *kept);
            let unit = unit.map_or(HOUR, |(_, unit)| *unit);
            Some(up(secs.clamp(1, DAY), unit))
        }
    }
}

/// For how many seconds periods of this length are kept.
pub(super) fn kept_for(period: i64) -> i64 {
    match period {
        _ if period < MINUTE => 3 * HOUR,
        _ if period % HOUR == 0 => 455 * DAY,
        _ if period % FIVE_MINUTES == 0 => 63 * DAY,
        _ => 15 * DAY,
    }
}

/// Where the clocks of a call have to begin so that its periods fall on those of the epoch: calls are shared by periods that
/// divide an hour.
pub(super) fn beat(period: i64) -> i64 {
    if HOUR % period == 0 { HOUR } else { period }
}

/// The start of the period that holds an instant.
pub(super) fn down(at: i64, period: i64) -> i64 {
    at - at.rem_euclid(period)
}

/// The first start of a period that is not before an instant.
pub(super) fn up(at: i64, period: i64) -> i64 {
    down(at.saturating_add(period - 1), period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_ones_that_cloudwatch_has_for_that_time() {
        let counts = |millis: u64| period(Duration::from_millis(millis), (Purpose::Counts, 0));
        for (millis, has) in [(60_000, Some(60)), (1_000, Some(1)), (30_000, Some(30)), (420_000, Some(420))] {
            assert_eq!(counts(millis), has);
        }
        for millis in [0, 500, 7_000, 90_000, 60_500, 172_800_000] {
            assert_eq!(counts(millis), None, "{millis}");
        }
        let level = |secs: u64, days: i64| period(Duration::from_secs(secs), (Purpose::Level, days * DAY));
        let cases = [((15, 0), 60), ((60, 15), 60), ((60, 16), 300), ((61, 0), 120), ((60, 64), 3_600), ((3_600, 28), 3_600)];
        for ((secs, days), expected) in cases {
            assert_eq!(level(secs, days), Some(expected), "{secs} s, {days} d");
        }
    }

    #[test]
    fn what_is_finer_is_kept_for_less_long() {
        let days: Vec<i64> = [60, 120, 300, 600, 3_600, 7_200].map(|period| kept_for(period) / DAY).into();
        assert_eq!(days, [15, 15, 63, 63, 455, 455]);
        assert_eq!((kept_for(10), beat(300), beat(420), up(61, 60), down(-1, 60)), (10_800, 3_600, 420, 120, -60));
    }
}
