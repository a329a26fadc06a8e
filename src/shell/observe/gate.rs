//! Series become the gate's periods: errors among requests of candidate and baseline.
//!
//! Invariant: requests that are missing make a period missing; errors that are missing beside requests are none;
//! what was refused, or could not be asked for, is missing and never none.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::error::ObserveError;
use super::series::{Ask, Point, Purpose, Series, Span, Tick};
use super::{Sources, Substitution};
use crate::core::gate::{Counts, Minute};
use crate::core::words::Name;
use crate::shell::spec::GateQueries;

/// Most reasons kept per gate.
const MOST_REASONS: usize = 16;

/// What one release's gate needs.
#[derive(Clone, Debug)]
pub struct GateAsk<'a> {
    /// Its metrics with their queries.
    pub queries: &'a [GateQueries],
    /// The release.
    pub with: Substitution,
    /// Whole periods in it are returned; its end is `now` minus the policy's lag, its step the policy's period.
    pub span: Span,
}

/// The periods of every metric, and why some are missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GateMinutes {
    /// Every whole period of the span, oldest first, by metric.
    pub minutes: BTreeMap<Name, Vec<Minute>>,
    /// Whole sentences; empty when nothing was refused.
    pub reasons: Vec<String>,
}

impl Sources {
    /// The periods of all gates of a tick, in order; every source is asked once for all of them.
    pub async fn gate_minutes(&self, gates: &[GateAsk<'_>], tick: Tick<'_>) -> Vec<GateMinutes> {
        let asks: Vec<Ask> = gates.iter().flat_map(|gate| gate.queries.iter().flat_map(|metric| asks(gate, metric))).collect();
        let mut answers = self.series(&asks, tick).await.into_iter();
        gates.iter().map(|gate| minutes(gate, &mut answers)).collect()
    }
}

fn asks(gate: &GateAsk<'_>, metric: &GateQueries) -> Vec<Ask> {
    let arms = std::iter::once(&metric.candidate).chain(&metric.baseline);
    let queries = arms.flat_map(|(errors, requests)| [errors, requests]);
    queries
        .map(|query| Ask {
            source: None,
            query: query.clone(),
            with: gate.with.clone(),
            span: gate.span,
            purpose: Purpose::Counts,
        })
        .collect()
}

fn minutes(gate: &GateAsk<'_>, answers: &mut impl Iterator<Item = Result<Series, ObserveError>>) -> GateMinutes {
    let mut found = GateMinutes::default();
    for metric in gate.queries {
        let mut arm = |queries: &(Name, Name)| Arm {
            errors: note(&mut found.reasons, (&metric.metric, &queries.0), answers.next()),
            requests: note(&mut found.reasons, (&metric.metric, &queries.1), answers.next()),
        };
        let candidate = arm(&metric.candidate);
        let baseline = metric.baseline.as_ref().map(arm);
        let minute = |at: Timestamp| Minute {
            at,
            candidate: candidate.counts(at),
            baseline: baseline.as_ref().and_then(|baseline| baseline.counts(at)),
        };
        found.minutes.insert(metric.metric.clone(), gate.span.periods().map(minute).collect());
    }
    found
}

fn note(reasons: &mut Vec<String>, about: (&Name, &Name), answer: Option<Result<Series, ObserveError>>) -> Option<Series> {
    let (texts, series) = match answer {
        Some(Ok(series)) => (series.reasons.clone(), Some(series)),
        Some(Err(error)) => (vec![error.to_string()], None),
        None => (vec!["it was not asked".into()], None),
    };
    let room = MOST_REASONS.saturating_sub(reasons.len());
    reasons.extend(texts.into_iter().take(room).map(|text| format!("metric {}, query {}: {text}", about.0, about.1)));
    series
}

/// `None`: the query failed, so nothing is known of any period.
struct Arm {
    errors: Option<Series>,
    requests: Option<Series>,
}

impl Arm {
    fn counts(&self, at: Timestamp) -> Option<Counts> {
        let Some(Point::Value(requests)) = self.requests.as_ref()?.points.get(&at) else { return None };
        let errors = match self.errors.as_ref()?.points.get(&at) {
            Some(Point::Value(errors)) => *errors,
            Some(Point::Refused) => return None,
            None => 0.0,
        };
        // Extrapolated counts (PromQL increase) have fractions; errors round up against requests at most.
        let requests = requests.round() as u64;
        Some(Counts { errors: (errors.round() as u64).min(requests), requests })
    }
}
