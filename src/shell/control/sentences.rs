//! Verdicts and problems as whole sentences for people.
//!
//! What happened, what it means for the launch, what to do next. Nothing is decided here.

use std::time::Duration;

use jiff::Timestamp;

use crate::core::gate::{AbortReason, HoldReason, Verdict};
use crate::core::load::Problem;
use crate::core::words::format_duration;

/// The gate's word in one word.
pub fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Safe => "SAFE",
        Verdict::Hold(_) => "HOLD",
        Verdict::Abort(_) => "ABORT",
    }
}

/// What the gate says.
pub fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Safe => "Certified not bad over a complete, fresh window: the next step may be entered.".into(),
        Verdict::Hold(reason) => hold(reason),
        Verdict::Abort(reason) => abort(reason),
    }
}

fn hold(reason: &HoldReason) -> String {
    match reason {
        HoldReason::NoEvidence => "No period of this step has closed yet: there is nothing to judge.".into(),
        HoldReason::Evidence { metric, requests, periods_left: Some(left) } => {
            format!(
                "{metric}: {requests} requests in this step are not enough to be sure; about {left} more periods at this rate."
            )
        }
        HoldReason::Evidence { metric, requests, periods_left: None } => {
            format!("{metric}: {requests} requests in this step are not enough to be sure; how long it will take cannot be told.")
        }
        HoldReason::Gap { metric, silent } => {
            format!("{metric}: nothing was heard for {}; the step waits for fresh counts.", format_duration(*silent))
        }
        HoldReason::SharedIncident { metric } => {
            format!("{metric}: the version before fails as much; this is not the release's doing, the step waits.")
        }
    }
}

fn abort(reason: &AbortReason) -> String {
    match reason {
        AbortReason::Regression { metric, e } => {
            format!("{metric} is worse than allowed beyond doubt (e = {e:.1}): the rollout is aborted until somebody clears it.")
        }
        AbortReason::Panic { metric, errors, requests } => {
            format!(
                "{metric}: {errors} of {requests} requests failed in one period: the rollout is aborted until somebody clears it."
            )
        }
        AbortReason::NoData { silent } => {
            format!(
                "Nothing was heard for {}, beyond the deadline: the rollout is aborted until somebody clears it.",
                format_duration(*silent)
            )
        }
    }
}

/// Why a group's plan is not enough, or not known.
pub fn capacity(problem: &Problem) -> String {
    match problem {
        Problem::NotObserved => "The group was not observed: whether it holds the launch is not known.".into(),
        Problem::NoHistory => "There is no load history although one is configured: the baseline is a guess.".into(),
        Problem::Ceiling { needed, ceiling } => {
            format!("{needed} instances are needed and the ceiling is {ceiling}: raise it, or launch in smaller steps.")
        }
        Problem::Quota { needed, quota } => {
            format!("{needed} instances are needed and the quota is {quota}: have it raised, or launch in smaller steps.")
        }
        Problem::Cost { expected, limit } => {
            format!(
                "The raise is expected to cost {expected:.2} and the limit is {limit:.2}: raise the limit, or give capacity back sooner."
            )
        }
    }
}

/// The T-clock in its two largest units: `T-2d 04h`, `T-12m 05s`, `T+0s`.
pub fn clock(now: Timestamp, launch_at: Timestamp) -> String {
    let secs = now.as_second() - launch_at.as_second();
    format!("T{}{}", if secs < 0 { '-' } else { '+' }, span(Duration::from_secs(secs.unsigned_abs())))
}

/// A span in its two largest units.
pub fn span(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0..60 => format!("{secs}s"),
        60..3_600 => format!("{}m {:02}s", secs / 60, secs % 60),
        3_600..86_400 => format!("{}h {:02}m", secs / 3_600, secs / 60 % 60),
        _ => format!("{}d {:02}h", secs / 86_400, secs / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_its_two_largest_units() {
        let launch: Timestamp = "2026-12-01T19:00:00Z".parse().unwrap();
        for (at, expected) in [
            ("2026-12-01T18:59:01Z", "T-59s"),
            ("2026-12-01T18:47:55Z", "T-12m 05s"),
            ("2026-11-29T14:30:00Z", "T-2d 04h"),
            ("2026-12-01T19:00:00Z", "T+0s"),
            ("2026-12-01T21:05:00Z", "T+2h 05m"),
        ] {
            assert_eq!(clock(at.parse().unwrap(), launch), expected);
        }
    }
}
