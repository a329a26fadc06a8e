//! A policy's metrics joined with their periods: what trial and window look at.
//!
//! Not here: any verdict. Invariant: metrics come in the order of their names, so that the order in the document
//! never changes a bit of the result.

use super::evidence::{Counts, Evidence, Exposure};
use super::periods::{Reading, Series, Span};
use super::policy::{Dispersion, Metric, Policy};
use super::terms::{Against, Terms};
use super::{dispersion, incident};
use crate::core::words::Name;

/// One metric with everything that is known of it.
#[derive(Clone, Debug)]
pub(super) struct Watched<'a> {
    pub(super) name: &'a Name,
    /// Closed periods of the rollout.
    pub(super) series: Series<'a>,
    /// What earlier steps are measured against.
    before: Against,
    /// What this step is measured against.
    pub(super) in_step: Against,
    /// The dispersion divisor.
    pub(super) phi: f64,
    /// Baseline rates before the rollout.
    usual: Vec<f64>,
}

/// All metrics, or the key of the policy that makes them unusable.
pub(super) fn all<'a>(
    policy: &'a Policy,
    evidence: &Evidence<'a>,
    span: &Span,
    terms: &Terms,
) -> Result<Vec<Watched<'a>>, &'static str> {
    let mut metrics: Vec<&Metric> = policy.metrics.iter().collect();
    metrics.sort_by(|one, other| one.name.cmp(&other.name));
    if metrics.is_empty() || metrics.windows(2).any(|pair| pair[0].name == pair[1].name) {
        return Err("metrics");
    }
    let joined = metrics.into_iter().map(|metric| join(metric, policy.dispersion, evidence, (span, terms)));
    joined.collect()
}

fn join<'a>(
    metric: &'a Metric,
    dispersion: Dispersion,
    evidence: &Evidence<'a>,
    (span, terms): (&Span, &Terms),
) -> Result<Watched<'a>, &'static str> {
    let over = match dispersion {
        Dispersion::Fixed(_) => std::time::Duration::MAX,
        Dispersion::Calibrate { over } => over,
    };
    let minutes = evidence.metrics.get(&metric.name).map_or(&[][..], Vec::as_slice);
    let history = span.before(evidence.history.get(&metric.name).map_or(&[][..], Vec::as_slice), over);
    let against = |exposure| terms.against(metric.has_baseline, exposure).ok_or("slo");
    let pairs = history.values().filter_map(|minute| match Against::Baseline.read(minute) {
        Reading::Counted(sample) => Some(sample),
        Reading::Silent | Reading::Idle => None,
    });
    Ok(Watched {
        name: &metric.name,
        series: span.series(minutes),
        before: against(Exposure::Partial)?,
        in_step: against(evidence.exposure)?,
        phi: dispersion::phi(dispersion, pairs).ok_or("dispersion")?,
        usual: history.values().filter_map(|minute| minute.baseline).filter(|b| b.requests > 0).map(Counts::rate).collect(),
    })
}

impl Watched<'_> {
    /// What this period is measured against, and what it says. Absent ones are silent.
    pub(super) fn read(&self, period: i64, span: &Span) -> (Against, Reading) {
        let against = if period < span.step { self.before } else { self.in_step };
        (against, self.series.get(&period).map_or(Reading::Silent, |minute| against.read(minute)))
    }

    /// Periods since anything was last heard, up to the newest closed one; all of the rollout's if nothing was.
    pub(super) fn silent_periods(&self, span: &Span) -> i64 {
        let heard = |period: &&i64| self.read(**period, span).1 != Reading::Silent;
        let last = self.series.keys().rev().find(heard).copied().unwrap_or(span.first - 1);
        (span.newest - last).max(0)
    }

    /// Whether the newest period is bad for both arms at once.
    pub(super) fn in_shared_incident(&self, span: &Span, terms: &Terms) -> bool {
        let (Against::Both, Reading::Counted(newest)) = self.read(span.newest, span) else { return false };
        let earlier = self.series.range(..span.newest).filter_map(|(_, minute)| minute.baseline);
        let rates = earlier.filter(|baseline| baseline.requests > 0).map(Counts::rate);
        incident::is_shared(newest, self.usual.iter().copied().chain(rates).collect(), terms)
    }
}
