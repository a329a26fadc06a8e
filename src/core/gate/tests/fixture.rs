//! Policies, minutes and evidence for tests.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::core::gate::{
    Counts, Dispersion, Evidence, Exposure, Judgement, Metric, Minute, NoData, NoDataThen, Onset, Policy, judge,
};
use crate::core::words::Name;

/// (x, n, y, N): candidate errors and requests, baseline errors and requests.
pub(super) type Row = (u64, u64, u64, u64);

/// A period.
pub(super) const MINUTE: Duration = Duration::from_mins(1);

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The documented defaults without an slo.
pub(super) fn policy() -> Policy {
    Policy {
        name: name("reader-errors"),
        metrics: vec![Metric { name: name("http_5xx"), has_baseline: true }],
        alpha: 0.01,
        beta: 0.05,
        tolerance: 1.25,
        regression: 2.0,
        slo: None,
        cap: Some(10.0),
        onset: Some(Onset { first: 0.5, horizon: None }),
        dispersion: Dispersion::Fixed(1.0),
        period: MINUTE,
        lag: MINUTE * 2,
        no_data: NoData { max_gap: MINUTE * 5, deadline: MINUTE * 30, then: NoDataThen::Hold },
    }
}

/// A policy for a release without a baseline.
pub(super) fn alone(slo: f64) -> Policy {
    let metrics = vec![Metric { name: name("http_5xx"), has_baseline: false }];
    Policy { metrics, slo: Some(slo), ..policy() }
}

/// Minute `index` after noon.
pub(super) fn at(index: i64) -> Timestamp {
    Timestamp::from_second(1_796_126_400 + index * 60).unwrap()
}

pub(super) fn minute(index: i64, (x, n, y, others): Row) -> Minute {
    let arm = |errors, requests| Some(Counts { errors, requests });
    Minute { at: at(index), candidate: arm(x, n), baseline: arm(y, others) }
}

pub(super) fn minutes(rows: &[Row]) -> Vec<Minute> {
    (0..).zip(rows).map(|(index, row)| minute(index, *row)).collect()
}

/// Evidence in the making: the rollout and its only step began at minute 0, and now is when `closed` minutes are.
#[derive(Clone)]
pub(super) struct Bench {
    pub(super) policy: Policy,
    pub(super) metrics: BTreeMap<Name, Vec<Minute>>,
    pub(super) history: BTreeMap<Name, Vec<Minute>>,
    pub(super) step: i64,
    pub(super) closed: i64,
    pub(super) exposure: Exposure,
}

impl Bench {
    pub(super) fn new(policy: Policy, minutes: Vec<Minute>) -> Self {
        let closed = i64::try_from(minutes.len()).unwrap();
        let names = policy.metrics.iter().map(|metric| metric.name.clone());
        let metrics = names.zip(std::iter::repeat_n(minutes, policy.metrics.len())).collect();
        Self { policy, metrics, history: BTreeMap::new(), step: 0, closed, exposure: Exposure::Partial }
    }

    pub(super) fn judge(&self) -> Judgement {
        let evidence = Evidence {
            metrics: &self.metrics,
            history: &self.history,
            rollout_from: at(0),
            step_from: at(self.step),
            exposure: self.exposure,
            planned_checks: None,
            now: at(self.closed) + self.policy.lag,
        };
        judge(&self.policy, &evidence)
    }
}
