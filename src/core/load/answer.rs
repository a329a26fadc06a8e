//! Whether what is in service now holds the planned load: the answer to the checklist item `capacity`.
//!
//! Headroom is not asked for: it is there for what no forecast sees, one failing instance included. The loss of zones is.
//! Not here: the age of the observation, which is the checklist's business.
//! Invariant: what is not known is never held.

use serde::{Deserialize, Serialize};

use super::capacity::{needed_bare, zones};
use super::{GroupPlan, Policy, Problem};
use crate::core::decide::GroupObservation;
use crate::core::words::Capacity;

/// Whether the group holds the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapacityAnswer {
    /// It does.
    Holds(CapacityFigures),
    /// It does not.
    Short(CapacityFigures),
    /// Not known, and why: a whole sentence.
    Unknown(String),
}

/// The figures of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityFigures {
    /// Instances in service.
    pub in_service: Capacity,
    /// Instances that would hold the load, zones lost, without headroom.
    pub needed: Capacity,
    /// Requests per second that those in service hold when the fullest zones are lost.
    pub holds_per_second: f64,
    /// Planned requests per second at the quantile.
    pub load_per_second: f64,
    /// The quantile, 0.5..=0.95.
    pub quantile: f64,
    /// Zones whose loss is counted in.
    pub zones_lost: u32,
}

impl CapacityAnswer {
    /// The figures in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Holds(figures) | Self::Short(figures) => figures.sentence(),
            Self::Unknown(why) => why.clone(),
        }
    }
}

impl CapacityFigures {
    fn sentence(&self) -> String {
        let lost = match self.zones_lost {
            0 => String::new(),
            1 => " with a zone lost".into(),
            many => format!(" with {many} zones lost"),
        };
        let percentile = (self.quantile * 1_000.0).round() / 10.0;
        format!(
            "{} of {} instances in service: {:.0} of {:.0} requests/s at p{percentile}{lost}",
            self.in_service, self.needed, self.holds_per_second, self.load_per_second
        )
    }
}

/// Whether what is in service holds baseline and surge at a quantile from 0.5 to 0.95.
pub fn holds(plan: &GroupPlan, policy: &Policy, observed: &GroupObservation, quantile: f64) -> CapacityAnswer {
    let Some(load_per_second) = plan.load.at(quantile) else {
        return CapacityAnswer::Unknown(format!("a forecast knows quantiles from p50 to p95, not {quantile}"));
    };
    let figures = CapacityFigures {
        in_service: observed.in_service,
        needed: needed_bare(policy, load_per_second),
        holds_per_second: f64::from(left(policy, observed)) * policy.capacity_per_instance.value(),
        load_per_second,
        quantile,
        zones_lost: zones(policy).1,
    };
    // The same last bit that sizing forgives.
    if figures.holds_per_second < load_per_second * (1.0 - 1e-9) {
        return CapacityAnswer::Short(figures);
    }
    let missing = plan.problems.iter().find(|problem| matches!(problem, Problem::NoHistory | Problem::NoAudience { .. }));
    missing.map_or(CapacityAnswer::Holds(figures), |problem| CapacityAnswer::Unknown(problem.sentence(&plan.group)))
}

/// Instances that are left when the fullest zones are lost; without zones observed, as if they were filled evenly.
fn left(policy: &Policy, observed: &GroupObservation) -> u32 {
    let (count, lost) = zones(policy);
    let mut by_zone: Vec<u32> = observed.zones.values().copied().collect();
    by_zone.sort_unstable_by(|one, other| other.cmp(one));
    let fullest = match by_zone.iter().take(lost as usize).fold(0, |sum: u32, zone| sum.saturating_add(*zone)) {
        0 => observed.in_service.0.div_ceil(count).saturating_mul(lost),
        known => known,
    };
    observed.in_service.0.saturating_sub(fullest)
}
