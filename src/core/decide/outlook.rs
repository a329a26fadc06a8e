//! One group in a plan, as people and programs read it: what its size comes from, and what stands against it.
//!
//! Not here: deciding. Invariant: a figure that is not known is null and never zero.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan_view::LoadRange;
use super::snapshot::Snapshot;
use crate::core::load::{Dominant, GroupPlan, Input, Lead, Quantiles, Queue, findings};
use crate::core::words::Name;

/// The plan that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// By whom.
    pub by: Name,
    /// When.
    pub at: Timestamp,
    /// Of the plan.
    pub digest: String,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupOutlook {
    /// The scaling policy.
    pub group: Name,
    /// Load without a launch, requests per second.
    pub baseline: LoadRange,
    /// What launches add at the origin.
    pub surge: LoadRange,
    /// Instances needed, within limits, with what is proven of caches now.
    pub instances: u32,
    /// Instances needed once everything is primed that will be; null without a launch ahead.
    pub instances_primed: Option<u32>,
    /// Its floor now; null: not observed.
    pub floor: Option<u32>,
    /// Instances in service now; null: not observed.
    pub in_service: Option<u32>,
    /// First attempts times this arrive at the planned capacity, retries included.
    pub amplification: f64,
    /// How requests wait at the planned capacity with zones lost; null: the policy does not say how an instance works.
    pub queue: Option<QueueView>,
    /// Seconds that an instance takes into service.
    pub lead_secs: Option<u64>,
    /// Whether that was observed; else the policy states it.
    pub lead_is_observed: bool,
    /// What the raise costs, ramp included; null without a price.
    pub cost: Option<f64>,
    /// The input that moves the load most; null when nothing is in doubt.
    pub dominates: Option<DominantView>,
    /// Why the plan is not enough or not known, and what is found at the group, whole sentences.
    pub problems: Vec<String>,
}

/// How requests wait.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueView {
    /// The busy share of the workers; null: there is none.
    pub utilisation: Option<f64>,
    /// The share of requests that wait (Erlang C).
    pub wait_probability: f64,
    /// What 95 of 100 wait at most, in seconds; null: the queue grows without end.
    pub wait_p95_secs: Option<f64>,
}

/// The input that moves the load most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DominantView {
    /// `baseline`, `clients`, `adoption`, `requests_per_client` or `misses`.
    pub input: Input,
    /// Of which launch; null: of the baseline.
    pub release: Option<Name>,
    /// The load with it alone at its p95, as a multiple of the median.
    pub factor: f64,
    /// The same in words.
    pub sentence: String,
}

impl DominantView {
    pub(super) fn of(plan: &GroupPlan) -> Option<Self> {
        let Dominant { input, release, factor } = plan.dominant.clone()?;
        Some(Self { input, release, factor, sentence: plan.dominant.as_ref()?.sentence() })
    }
}

impl GroupOutlook {
    pub(super) fn of(plan: &GroupPlan, snapshot: &Snapshot) -> Self {
        let seen = snapshot.observed.groups.get(&plan.group);
        let range = |load: Quantiles| LoadRange { p50: Some(load.p50), p95: Some(load.p95) };
        Self {
            group: plan.group.clone(),
            baseline: range(plan.baseline),
            surge: range(plan.surge),
            instances: plan.instances.0,
            instances_primed: plan.instances_primed.map(|instances| instances.0),
            floor: seen.map(|group| group.floor.0),
            in_service: seen.map(|group| group.in_service.0),
            amplification: plan.amplification,
            queue: plan.queue.map(view),
            lead_secs: plan.lead.map(|lead| lead.duration().as_secs()),
            lead_is_observed: matches!(plan.lead, Some(Lead::Observed(_))),
            cost: plan.cost,
            dominates: DominantView::of(plan),
            problems: problems(plan, snapshot),
        }
    }
}

/// What the plan says of itself, and what is found at the group.
fn problems(plan: &GroupPlan, snapshot: &Snapshot) -> Vec<String> {
    let seen = snapshot.observed.groups.get(&plan.group);
    let found = seen.map(|seen| findings(plan, seen, snapshot.now)).unwrap_or_default();
    let own = plan.problems.iter().map(|problem| problem.sentence(&plan.group));
    own.chain(found.iter().map(|finding| finding.sentence(&plan.group))).collect()
}

fn view(queue: Queue) -> QueueView {
    let Queue { utilisation, wait_probability, wait_p95_secs, .. } = queue;
    QueueView { utilisation, wait_probability, wait_p95_secs }
}
