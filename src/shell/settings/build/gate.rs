//! A GatePolicy document as the core sees it, and the queries behind it.

use crate::core::gate;
use crate::shell::settings::kinds::gate::{Arm, GatePolicy, Then};
use crate::shell::spec::GateQueries;

/// Converts a policy.
pub fn policy(from: &GatePolicy) -> gate::Policy {
    gate::Policy {
        name: from.name.clone(),
        metrics: from
            .metrics
            .iter()
            .map(|metric| gate::Metric { name: metric.name.clone(), has_baseline: metric.baseline.is_some() })
            .collect(),
        alpha: from.alpha,
        beta: from.beta,
        tolerance: from.tolerance,
        regression: from.regression,
        slo: from.slo.as_ref().map(|slo| slo.percent.0.share()),
        cap: from.cap,
        onset: from.onset.as_ref().map(|onset| gate::Onset { first: onset.first, horizon: onset.horizon }),
        dispersion: match &from.calibrate {
            Some(calibrate) => gate::Dispersion::Calibrate { over: calibrate.over.0 },
            None => gate::Dispersion::Fixed(from.dispersion.unwrap_or(1.0)),
        },
        period: from.period.0,
        lag: from.lag.0,
        no_data: gate::NoData {
            max_gap: from.no_data.max_gap.0,
            deadline: from.no_data.deadline.0,
            then: match from.no_data.then {
                Then::Hold => gate::NoDataThen::Hold,
                Then::Abort => gate::NoDataThen::Abort,
            },
        },
    }
}

/// Which queries feed which metric.
pub fn queries(from: &GatePolicy) -> Vec<GateQueries> {
    let pair = |arm: &Arm| (arm.errors.clone(), arm.requests.clone());
    let of = |metric: &crate::shell::settings::kinds::gate::Metric| GateQueries {
        metric: metric.name.clone(),
        candidate: pair(&metric.candidate),
        baseline: metric.baseline.as_ref().map(pair),
    };
    from.metrics.iter().map(of).collect()
}
