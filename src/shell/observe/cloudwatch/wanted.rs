//! What one query wants of CloudWatch: a metric by a period, from when to when.
//!
//! Invariants: a count is asked for as a count; no period is wanted before it has settled.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::grid;
use crate::core::words::format_duration;
use crate::shell::observe::{ObserveError, Purpose, Span, Substitution};
use crate::shell::spec::CloudWatchMetric;

/// A metric by a period in seconds; what is kept and asked is by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) metric: CloudWatchMetric,
    pub(super) period: i64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(in crate::shell::observe) struct Wanted {
    pub(super) key: Arc<Key>,
    /// Periods from here, in seconds since 1970.
    pub(super) from: i64,
    /// To here, exclusive: all of them have settled.
    pub(super) to: i64,
    /// What was asked for ends here, settled or not.
    pub(super) end: i64,
    pub(super) purpose: Purpose,
}

impl Wanted {
    /// What a span of a query wants now; `settles`: how long after its end a period is complete.
    pub(in crate::shell::observe) fn new(
        metric: CloudWatchMetric,
        (span, purpose): (Span, Purpose),
        (settles, now): (Duration, Timestamp),
    ) -> Result<Self, ObserveError> {
        if purpose == Purpose::Counts && !counts(&metric.statistic) {
            return Err(ObserveError::NotCounts { metric: metric.metric, statistic: metric.statistic });
        }
        let (from, end, now) = (span.from.as_second(), span.to.as_second(), now.as_second());
        let no_period = || ObserveError::NoPeriod(format_duration(span.step));
        let period = grid::period(span.step, (purpose, now.saturating_sub(from))).ok_or_else(no_period)?;
        let settled = now.saturating_sub(i64::try_from(settles.as_secs()).unwrap_or(i64::MAX));
        let oldest = now.saturating_sub(grid::kept_for(period));
        let from = grid::up(from.max(oldest), period);
        let to = grid::down(end.min(settled), period).max(from);
        Ok(Self { key: Arc::new(Key { metric, period }), from, to, end: grid::down(end, period).max(to), purpose })
    }

    /// What a value is divided by: a level of a count is per second.
    pub(super) fn per(&self) -> f64 {
        let is_rate = self.purpose == Purpose::Level && counts(&self.key.metric.statistic);
        if is_rate { self.key.period as f64 } else { 1.0 }
    }
}

/// Whether a statistic counts.
fn counts(statistic: &str) -> bool {
    ["Sum", "SampleCount"].contains(&statistic)
}

/// A metric with the placeholders of a release filled, wherever they may stand.
pub(in crate::shell::observe) fn filled(from: &CloudWatchMetric, with: &Substitution) -> Result<CloudWatchMetric, ObserveError> {
    let dimension = |(name, value): (&String, &String)| Ok((name.clone(), with.fill_plain(value)?));
    Ok(CloudWatchMetric {
        namespace: with.fill_plain(&from.namespace)?,
        metric: with.fill_plain(&from.metric)?,
        dimensions: from.dimensions.iter().map(dimension).collect::<Result<BTreeMap<_, _>, ObserveError>>()?,
        statistic: from.statistic.clone(),
    })
}
