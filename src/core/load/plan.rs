//! The floors of one group over time: when to raise, to what and why, and when to give back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Policy;
use crate::core::decide::GroupObservation;
use crate::core::release::Release;
use crate::core::words::{Capacity, Name};

/// What a group will have to carry, as far as is known.
#[derive(Clone, Debug)]
pub struct Demand<'a> {
    /// Load history in requests per second, oldest first; empty: not known.
    pub history: &'a [(Timestamp, f64)],
    /// Launches that lean on the group.
    pub launches: Vec<Launch<'a>>,
    /// The group as described; `None`: not observed.
    pub group: Option<&'a GroupObservation>,
    /// The floor that tminus holds there now, and since when.
    pub held: Option<(Capacity, Timestamp)>,
}

/// One launch.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// The release.
    pub release: &'a Release,
    /// Least proven coverage over its priming policies and nodes, 0..=1; `None`: nothing is primed, or not proven.
    pub primed: Option<f64>,
    /// When it was complete, aborted or scrubbed; capacity is kept after an ABORT until this plus `hold_after`.
    pub ended_at: Option<Timestamp>,
    /// When 100 % was reached, if it was.
    pub full_at: Option<Timestamp>,
}

/// Requests per second at quantiles; finite, p50 <= p90 <= p95.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
}

/// What is planned for a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupPlan {
    /// The scaling policy.
    pub group: Name,
    /// Load without any launch, at its peak in the window.
    pub baseline: Quantiles,
    /// What the launches add at the origin, at the peak.
    pub surge: Quantiles,
    /// Both together.
    pub load: Quantiles,
    /// First attempts times this is what retries make of it at the planned capacity; 1 without failures.
    pub amplification: f64,
    /// Instances needed for the p95 load with headroom and zone loss, within limits.
    pub instances: Capacity,
    /// The floor that must stand now; `None`: tminus holds none.
    pub floor: Option<Capacity>,
    /// The floor to go back to.
    pub restore: Capacity,
    /// Every change from now on, oldest first: raises and restores.
    pub timeline: Vec<FloorChange>,
    /// What the raise costs, in the price's currency; `None` without a price.
    pub cost: Option<f64>,
    /// Why the plan is not enough, or not known; empty when it is good.
    pub problems: Vec<Problem>,
}

/// A change of a floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FloorChange {
    /// When.
    pub at: Timestamp,
    /// From.
    pub from: Capacity,
    /// To.
    pub to: Capacity,
    /// Why, a sentence.
    pub why: String,
}

/// Why a plan is not enough, or not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// The group was not observed.
    NotObserved,
    /// No history although one is configured: the baseline is a guess.
    NoHistory,
    /// More is needed than the ceiling allows.
    Ceiling {
        /// Needed.
        needed: Capacity,
        /// Allowed.
        ceiling: Capacity,
    },
    /// More is needed than the quota allows.
    Quota {
        /// Needed.
        needed: Capacity,
        /// Allowed.
        quota: Capacity,
    },
    /// It costs more than allowed.
    Cost {
        /// Expected.
        expected: f64,
        /// Allowed.
        limit: f64,
    },
}

/// Plans one group. Pure; the second plan after the first was carried out asks for nothing new.
pub fn plan_group(policy: &Policy, demand: &Demand<'_>, now: Timestamp) -> GroupPlan {
    let _ = (demand, now);
    GroupPlan {
        group: policy.name.clone(),
        baseline: Quantiles::default(),
        surge: Quantiles::default(),
        load: Quantiles::default(),
        amplification: 1.0,
        instances: policy.limits.floor,
        floor: None,
        restore: policy.limits.floor,
        timeline: Vec::new(),
        cost: None,
        problems: vec![Problem::NotObserved],
    }
}
