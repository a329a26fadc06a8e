//! What the gate says in words for people: what it is about, the figures, and what it takes.
//!
//! Not here: any decision. Invariant: no sentence promises more than the counts prove.

use std::fmt;

use super::replay::{Outcome, Replay, ReplayMinute};
use super::verdict::{AbortReason, HoldReason, Judgement, Verdict};
use crate::core::words::format_duration;

impl HoldReason {
    /// A whole sentence: what is missing and what it takes.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoEvidence => "No period of this step has closed yet; the gate judges as soon as the first one has.".into(),
            Self::Evidence { metric, requests, periods_left } => format!(
                "{metric}: not certified after {} in this step; {}.",
                counted(*requests, "request"),
                outlook(*periods_left)
            ),
            Self::Gap { metric, silent } => format!(
                "{metric}: no counts for {}, and without them the release goes no further; look at the metrics source.",
                format_duration(*silent)
            ),
            Self::NoTraffic { metric, requests } => format!(
                "{metric}: no requests in the newest period, which shows nothing; {} in this step so far, it takes traffic.",
                counted(*requests, "request")
            ),
            Self::SharedIncident { metric } => format!(
                "{metric}: the old version fails as much as the new one, so it is not this release's doing; \
                 it goes further when the incident is over."
            ),
            Self::Unusable { key } => format!(
                "The gate policy's {key} cannot be used, so nothing is certified and nothing aborted; correct the document."
            ),
        }
    }
}

impl AbortReason {
    /// A whole sentence: what was found and how sure it is.
    pub fn sentence(&self) -> String {
        match self {
            Self::Regression { metric, e } => format!(
                "{metric}: the release fails more than the policy tolerates; the evidence against it is {} to 1.",
                figure(*e)
            ),
            Self::Panic { metric, errors, requests } => format!(
                "{metric}: {errors} of {requests} requests failed in one period, far more than it is compared with; \
                 that needs no statistics."
            ),
            Self::NoData { silent } => {
                format!("No counts for {}, longer than the policy's deadline for going on blind.", format_duration(*silent))
            }
        }
    }
}

impl Verdict {
    /// SAFE, HOLD or ABORT.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Safe => Outcome::Safe,
            Self::Hold(_) => Outcome::Hold,
            Self::Abort(_) => Outcome::Abort,
        }
    }

    /// A whole sentence: why.
    pub fn sentence(&self) -> String {
        match self {
            Self::Safe => "The counts certify that the release is not bad.".into(),
            Self::Hold(reason) => reason.sentence(),
            Self::Abort(reason) => reason.sentence(),
        }
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl fmt::Display for AbortReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Safe => "SAFE",
            Self::Hold => "HOLD",
            Self::Abort => "ABORT",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.outcome(), self.sentence())
    }
}

impl fmt::Display for Judgement {
    /// The verdict with all its figures in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verdict, e, p, safe_e, requests, errors } = self;
        write!(f, "{verdict} ({errors} of {} failed in this step; ", counted(*requests, "request"))?;
        write!(f, "evidence against {}, p {}, for {})", figure(*e), figure(*p), figure(*safe_e))
    }
}

impl fmt::Display for Replay {
    /// A line a row, and the verdict.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20} {:>9} {:>9} {:>9}  verdict", "minute", "against", "p", "for")?;
        for ReplayMinute { minute, e, p, safe_e, verdict, gap } in &self.minutes {
            let minute = minute.to_string();
            let [e, p, safe_e] = [e, p, safe_e].map(|value| figure(*value));
            let note = if *gap { " (gap)" } else { "" };
            writeln!(f, "{minute:<20} {e:>9} {p:>9} {safe_e:>9}  {verdict}{note}")?;
        }
        writeln!(f, "{}: {}", self.verdict.outcome(), self.reason())
    }
}

impl Replay {
    /// A whole sentence about the verdict after the last row.
    pub fn reason(&self) -> String {
        match &self.verdict {
            Verdict::Hold(HoldReason::NoEvidence) => "There are no rows, so there is nothing to judge.".into(),
            verdict => verdict.sentence(),
        }
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn outlook(periods_left: Option<u32>) -> String {
    match periods_left {
        Some(periods) => {
            let periods = counted(u64::from(periods), "more period");
            format!("about {periods} at the present rate, if the release is as good as it should be")
        }
        None => "at the present rates it never will be: too many of them fail, or too few come".into(),
    }
}

/// A figure of the gate for people: two or three digits that mean something, whatever the size.
fn figure(value: f64) -> String {
    let plain = value == 0.0 || (0.01..1e6).contains(&value);
    if !plain {
        format!("{value:.2e}")
    } else if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::words::Name;
    use std::time::Duration;

    #[test]
    fn sentences_say_what_figures_and_what_it_takes() {
        let metric = || Name::new("http_5xx").unwrap();
        let silent = Duration::from_mins(6);
        let cases = [
            (
                HoldReason::Evidence { metric: metric(), requests: 1, periods_left: Some(12) }.sentence(),
                "http_5xx: not certified after 1 request in this step; \
                 about 12 more periods at the present rate, if the release is as good as it should be.",
            ),
            (
                HoldReason::Gap { metric: metric(), silent }.sentence(),
                "http_5xx: no counts for 6m, and without them the release goes no further; look at the metrics source.",
            ),
            (
                AbortReason::Regression { metric: metric(), e: 146.66 }.sentence(),
                "http_5xx: the release fails more than the policy tolerates; the evidence against it is 147 to 1.",
            ),
            (
                AbortReason::Panic { metric: metric(), errors: 30, requests: 100 }.sentence(),
                "http_5xx: 30 of 100 requests failed in one period, far more than it is compared with; that needs no statistics.",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn a_judgement_fits_one_line() {
        let judgement = Judgement { verdict: Verdict::Safe, e: 0.31, p: 1.0, safe_e: 1e300, requests: 5_000, errors: 50 };
        assert_eq!(
            judgement.to_string(),
            "SAFE: The counts certify that the release is not bad. (50 of 5000 requests failed in this step; \
             evidence against 0.31, p 1.00, for 1.00e300)"
        );
    }
}
