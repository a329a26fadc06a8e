//! Verdicts and clocks for people.
//!
//! What happened, what it means for the launch, what to do next. Nothing is decided here.

use std::time::Duration;

use jiff::Timestamp;

use crate::core::gate::Verdict;

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
        Verdict::Hold(reason) => reason.sentence(),
        Verdict::Abort(reason) => reason.sentence(),
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
