//! Verdicts and clocks for people.
//!
//! What happened, what it means for the launch, what to do next. Nothing is decided here.

use std::time::Duration;

use jiff::Timestamp;

use super::desk::Papers;
use crate::core::gate::Verdict;
use crate::shell::data::Severity;

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

/// What is the matter with the documents, in whole sentences; nothing when nothing is.
pub fn papers(papers: &Papers) -> impl Iterator<Item = String> {
    let errors: Vec<_> = papers.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let refused = papers.rejected_at.map(|at| {
        let first = errors.first().map_or(String::new(), |first| format!("; the first: {}", first.brief()));
        let count = if errors.len() == 1 { "1 error".into() } else { format!("{} errors", errors.len()) };
        let (since, refused) = (clock_time(papers.loaded_at), clock_time(at));
        format!("The documents have {count} since {refused}{first}. Those of {since} stay in force.")
    });
    let gone = papers.vanished.iter().map(|missing| {
        format!(
            "{} vanished from {} and is in force as it last was: put it back, or `tminus apply --remove {} --reason TEXT`.",
            missing.document, missing.file, missing.document
        )
    });
    let later = (!papers.at_restart.is_empty()).then(|| {
        format!("Changed settings that take effect when the daemon is started again: {}.", papers.at_restart.join(", "))
    });
    refused.into_iter().chain(gone).chain(later).collect::<Vec<_>>().into_iter()
}

fn clock_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The T-clock in its two largest units: `T-2d04h`, `T-12m05s`, `T+0s`.
pub fn clock(now: Timestamp, launch_at: Timestamp) -> String {
    let secs = now.as_second() - launch_at.as_second();
    let span = span(Duration::from_secs(secs.unsigned_abs())).replace(' ', "");
    format!("T{}{span}", if secs < 0 { '-' } else { '+' })
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
            ("2026-12-01T18:47:55Z", "T-12m05s"),
            ("2026-11-29T14:30:00Z", "T-2d04h"),
            ("2026-12-01T19:00:00Z", "T+0s"),
            ("2026-12-01T21:05:00Z", "T+2h05m"),
        ] {
            assert_eq!(clock(at.parse().unwrap(), launch), expected);
        }
    }
}
