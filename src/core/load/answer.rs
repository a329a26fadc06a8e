//! Whether what is in service now holds the planned load: the answer to the checklist item `capacity`.
//!
//! Headroom is not asked for: it is there for what no forecast sees, one failing instance included. The loss of zones is.
//! Not here: the age of the observation, which is the checklist's business.
//! Invariant: what is not known is never held.

use serde::{Deserialize, Serialize};

use super::capacity::{holding, needed_bare, zones};
use super::problem::count;
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
            "{} in service {} {:.0} requests/s{lost}; {:.0} are expected at p{percentile}, which takes {}",
            count(self.in_service),
            if self.in_service.0 == 1 { "holds" } else { "hold" },
            self.holds_per_second,
            self.load_per_second,
            count(self.needed),
        )
    }
}

/// Whether what is in service holds baseline and surge at a quantile from 0.5 to 0.95.
pub fn holds(plan: &GroupPlan, policy: &Policy, observed: &GroupObservation, quantile: f64) -> CapacityAnswer {
    let Some(load_per_second) = plan.load.at(quantile) else {
        return CapacityAnswer::Unknown(format!(
            "A forecast knows quantiles from 0.5 to 0.95, not {quantile}; ask for one of those."
        ));
    };
    let figures = CapacityFigures {
        in_service: observed.in_service,
        needed: needed_bare(policy, load_per_second),
        holds_per_second: holding(policy, left(policy, observed)),
        load_per_second,
        quantile,
        zones_lost: zones(policy).1,
    };
    // The same last bit that sizing forgives.
    if figures.holds_per_second < load_per_second * (1.0 - 1e-9) {
        return CapacityAnswer::Short(figures);
    }
    let missing = plan.problems.iter().find(|problem| {
        let unknown = matches!(problem, Problem::NoHistory | Problem::NoAudience { .. } | Problem::NoAdoption { .. });
        unknown || matches!(problem, Problem::GivenBack { .. })
    });
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

#[cfg(test)]
mod tests {
    use super::super::fixture::{group, history, minute, policy, release, t0};
    use super::super::{Demand, Launch, plan_group};
    use super::*;
    use std::collections::BTreeMap;

    fn plan(covered: f64) -> GroupPlan {
        let (release, history) = (release(), history(t0()));
        let group = group(4, minute(-600));
        let launches = vec![Launch { primed: Some(covered), ..Launch::ahead(&release) }];
        plan_group(&policy(), &Demand { history: &history, launches, group: Some(&group), held: None }, minute(-600))
    }

    #[test]
    fn warm_holds_with_what_stands_there_and_cold_does_not() {
        let observed = group(4, t0());
        let warm = holds(&plan(1.0), &policy(), &observed, 0.95);
        let CapacityAnswer::Holds(figures) = warm else { panic!("{warm:?}") };
        assert_eq!((figures.in_service, figures.needed, figures.holds_per_second), (Capacity(4), Capacity(2), 50.0));
        assert!(warm.sentence().starts_with("4 instances in service hold 50 requests/s"), "{}", warm.sentence());
        assert!(warm.sentence().ends_with(" at p95, which takes 2 instances"), "{}", warm.sentence());
        let cold = holds(&plan(0.0), &policy(), &observed, 0.95);
        assert!(matches!(cold, CapacityAnswer::Short(_)), "{cold:?}");
    }

    #[test]
    fn what_counts_is_in_service_with_the_fullest_zone_lost() {
        let plan = GroupPlan { load: super::super::Quantiles { p50: 40.0, p90: 60.0, p95: 65.0 }, ..plan(1.0) };
        for (a, b, quantile, expected) in
            [(3, 3, 0.95, true), (5, 1, 0.95, false), (2, 2, 0.95, false), (2, 2, 0.5, true), (3, 2, 0.5, true)]
        {
            let zones = BTreeMap::from([("a".into(), a), ("b".into(), b)]);
            let observed = GroupObservation { zones, in_service: Capacity(a + b), ..group(0, t0()) };
            let answer = holds(&plan, &policy(), &observed, quantile);
            assert_eq!(matches!(answer, CapacityAnswer::Holds(_)), expected, "{a} and {b} at {quantile}: {answer:?}");
        }
        let unlabelled = GroupObservation { zones: BTreeMap::new(), in_service: Capacity(5), ..group(0, t0()) };
        assert!(matches!(holds(&plan, &policy(), &unlabelled, 0.95), CapacityAnswer::Short(_)), "two of five are left");
    }

    #[test]
    fn what_is_not_known_is_never_held() {
        let observed = group(4, t0());
        for quantile in [0.99, 0.2, f64::NAN] {
            assert!(matches!(holds(&plan(1.0), &policy(), &observed, quantile), CapacityAnswer::Unknown(_)), "{quantile}");
        }
        let guessed = GroupPlan { problems: vec![Problem::NoHistory], ..plan(1.0) };
        assert!(matches!(holds(&guessed, &policy(), &observed, 0.95), CapacityAnswer::Unknown(_)));
    }
}
