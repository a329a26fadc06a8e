//! The case for a release: the certificate of one metric over this step's window.
//!
//! A window is complete when no gap in it is over `max_gap` and its newest closed period has counts. After a longer
//! gap it begins again: what was certified before the gap says little about now.
//! Not here: the case against. Invariant: periods without counts never raise the certificate.

use super::certificate::{Certificate, Sample};
use super::evidence::Counts;
use super::periods::{Reading, Span};
use super::policy::Policy;
use super::terms::Terms;
use super::watched::Watched;

/// Periods from which the present rate is taken.
const RECENT_PERIODS: i64 = 10;

/// How the case for one metric stands.
#[derive(Clone, Debug)]
pub(super) struct Window {
    certificate: Certificate,
    /// Candidate counts of the step.
    pub(super) counts: Counts,
    /// What the newest closed period says.
    pub(super) newest: Reading,
    recent: Sample,
    recent_periods: u32,
}

impl Window {
    /// Looks at a metric's periods of this step.
    pub(super) fn of(metric: &Watched<'_>, span: &Span, policy: &Policy, terms: &Terms) -> Self {
        let fresh = Certificate::new(metric.in_step, metric.phi);
        let mut window = Self {
            certificate: fresh,
            counts: Counts::NONE,
            newest: metric.read(span.newest, span).1,
            recent: Sample { candidate: Counts::NONE, baseline: None },
            recent_periods: u32::try_from((span.newest - span.step + 1).clamp(1, RECENT_PERIODS)).unwrap_or(1),
        };
        let mut last = span.step - 1;
        for (period, minute) in metric.series.range(span.step..) {
            window.counts = window.counts.plus(minute.candidate.unwrap_or(Counts::NONE));
            let reading = metric.read(*period, span).1;
            if reading == Reading::Silent {
                continue;
            }
            if span.lasting(period - last - 1) > policy.no_data.max_gap {
                window.certificate = fresh;
            }
            last = *period;
            if let Reading::Counted(sample) = reading {
                window.certificate.learn(sample, terms);
                if *period > span.newest - RECENT_PERIODS {
                    window.recent = plus(window.recent, sample);
                }
            }
        }
        window
    }

    /// ln E'.
    pub(super) fn ln_e(&self) -> f64 {
        self.certificate.ln_e()
    }

    /// About how many more periods until it is safe.
    pub(super) fn periods_left(&self, terms: &Terms) -> Option<u32> {
        self.certificate.periods_left(self.recent, self.recent_periods, terms)
    }
}

/// Both periods together.
pub(super) fn plus(one: Sample, other: Sample) -> Sample {
    let baseline = match (one.baseline, other.baseline) {
        (Some(one), Some(other)) => Some(one.plus(other)),
        (one, other) => one.or(other),
    };
    Sample { candidate: one.candidate.plus(other.candidate), baseline }
}
