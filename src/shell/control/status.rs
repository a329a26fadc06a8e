//! The status of a release as JSON: the shapes that `status`, `wait`, pages and other programs read.
//!
//! Stable: fields are added, never renamed. Every figure carries its age, and what is not known is null, never zero.
//! Percents are 0..=100, ratios 0..=1, ages in whole seconds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::checklist::{Blocks, ItemState, Word};
use crate::shell::data::Finding;

/// How a release stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its name.
    pub release: String,
    /// The app.
    pub app: String,
    /// The version it brings.
    pub version: String,
    /// The audience of the steps.
    pub channels: Vec<String>,
    /// planned, preparing, ready, rolling, baking, complete, held, aborted, scrubbed.
    pub phase: String,
    /// While held or aborted: the phase it stood in.
    pub phase_before: Option<String>,
    /// Since when it stands there.
    pub entered_at: Option<Timestamp>,
    /// In force for the rollout's channels.
    pub percent: f64,
    /// The same in parts per million, exactly.
    pub percent_ppm: u32,
    /// The running step, from 0.
    pub step: Option<usize>,
    /// All steps.
    pub steps: Vec<StepStatus>,
    /// T-0.
    pub launch_at: Timestamp,
    /// The zone of people's clocks.
    pub time_zone: Option<String>,
    /// The T-clock, such as `T-12m05s`.
    pub clock: String,
    /// Seconds since T-0; negative before.
    pub clock_secs: i64,
    /// Whether tminus only decides and acts on nothing.
    pub shadow: bool,
    /// A person's go that waits for T-0.
    pub armed: Option<ArmedStatus>,
    /// GO, HOLD or NO-GO.
    pub readiness: ReadinessStatus,
    /// The gate's last word.
    pub gate: Option<GateStatus>,
    /// Why it is not further, the first reason first.
    pub waiting: Vec<String>,
    /// When something is known to change next.
    pub next_at: Option<Timestamp>,
    /// Halts of the app.
    pub halts: Vec<HaltStatus>,
    /// Groups that carry it.
    pub groups: Vec<GroupStatus>,
    /// Priming before it.
    pub coverage: Vec<CoverageStatus>,
    /// The epoch that decided.
    pub epoch: u64,
    /// The instant of the decision.
    pub decided_at: Timestamp,
    /// Age of the decision and so of everything here; single figures may be older and say so.
    pub data_age_secs: u64,
    /// How the documents stand that this is decided by.
    #[serde(default)]
    pub documents: DocumentsStatus,
}

/// How the documents stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentsStatus {
    /// Whether the files as they are now are in force; if not, those before them are.
    pub valid: bool,
    /// Since when those in force are.
    pub loaded_at: Option<Timestamp>,
    /// Since when the files have errors.
    pub rejected_at: Option<Timestamp>,
    /// What is wrong with the files, or what was remarked about those in force.
    pub findings: Vec<Finding>,
    /// `Kind/name` of what is gone and in force as it last was.
    pub vanished: Vec<String>,
    /// Settings that take effect at the next start.
    pub at_restart: Vec<String>,
    /// The same in whole sentences; empty when nothing is the matter.
    pub sentences: Vec<String>,
}

/// All releases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusList {
    /// In the order of their names.
    pub releases: Vec<Status>,
    /// Priming policies with a schedule, which run whether a release leans on them or not.
    #[serde(default)]
    pub scheduled: Vec<CoverageStatus>,
    /// What people impose on groups now.
    #[serde(default)]
    pub overrides: Vec<OverrideStatus>,
    /// Errors in documents: with any, the configuration before them is in force.
    pub document_errors: usize,
    /// The epoch that decided.
    pub epoch: u64,
    /// The instant of the decision.
    pub decided_at: Timestamp,
    /// Age of the decision.
    pub data_age_secs: u64,
    /// How the documents stand.
    #[serde(default)]
    pub documents: DocumentsStatus,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepStatus {
    /// How far the pedal goes.
    pub percent: f64,
    /// The least time at it.
    pub dwell_secs: u64,
    /// How long it is watched at 100 %.
    pub bake_secs: u64,
}

/// A person's go that waits for T-0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmedStatus {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Readiness with its items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadinessStatus {
    /// GO, HOLD or NO-GO.
    pub word: Word,
    /// The first first; empty when GO.
    pub reasons: Vec<String>,
    /// Every item.
    pub items: Vec<ItemStatus>,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemStatus {
    /// Its id.
    pub id: String,
    /// What people read.
    pub title: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// green, red, past_due, pending, stale, unknown, waived.
    pub state: ItemState,
    /// The figures or names behind it.
    pub detail: String,
    /// When it was measured or last signed.
    pub measured_at: Option<Timestamp>,
    /// How long ago that was.
    pub age_secs: Option<u64>,
    /// When it must be green.
    pub due_at: Option<Timestamp>,
    /// launch, steps or nothing.
    pub blocks: Blocks,
}

/// The gate's word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateStatus {
    /// SAFE, HOLD or ABORT.
    pub verdict: String,
    /// Mean e-value against the release.
    pub e: f64,
    /// Anytime-valid p-value.
    pub p: f64,
    /// Least certificate.
    pub safe_e: f64,
    /// Candidate requests in this step.
    pub requests: u64,
    /// Candidate errors in this step.
    pub errors: u64,
    /// What it says, for people.
    pub sentence: String,
}

/// A gate with the bounds it decides by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateBoard {
    /// The release.
    pub release: String,
    /// The gate policy.
    pub policy: Option<String>,
    /// Aborts at this e-value, 1/alpha.
    pub abort_at: Option<f64>,
    /// Safe at this certificate, 1/beta.
    pub safe_at: Option<f64>,
    /// Its last word; null before the first.
    pub gate: Option<GateStatus>,
    /// Start of the newest period that has data, over all metrics.
    pub newest_at: Option<Timestamp>,
    /// How long ago that was.
    pub age_secs: Option<u64>,
}

/// A halt in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaltStatus {
    /// The app; null: everything, by the halt file.
    pub app: Option<String>,
    /// One of its channels.
    pub channel: Option<String>,
    /// One of its versions.
    pub version: Option<String>,
    /// Who pulled it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when; null for the halt file.
    pub at: Option<Timestamp>,
    /// How long ago that was.
    pub age_secs: Option<u64>,
    /// Who asked to lift it so far.
    pub lifts: Vec<String>,
}

/// All halts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaltList {
    /// In force.
    pub halts: Vec<HaltStatus>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// The scaling policy.
    pub group: String,
    /// Its own lower bound now.
    pub floor: Option<u32>,
    /// Its own upper bound now.
    pub ceiling: Option<u32>,
    /// What it is heading for.
    pub desired: Option<u32>,
    /// Instances that pass their health check.
    pub in_service: Option<u32>,
    /// Load now, requests per second.
    pub load_per_second: Option<f64>,
    /// 95th percentile of the load planned for, requests per second.
    pub load_p95_per_second: Option<f64>,
    /// Instances that load needs, whatever is allowed.
    pub instances_needed: Option<u32>,
    /// The floor that tminus plans to hold now; null: none of its own.
    pub planned_floor: Option<u32>,
    /// Why the plan is not enough, or not known, and what is found at the group that a launch should not meet.
    pub problems: Vec<String>,
    /// Age of the description.
    pub age_secs: Option<u64>,
    /// What people impose on it now.
    #[serde(default)]
    pub overrides: Vec<OverrideStatus>,
    /// How long what is in service is enough; null: not known, or no launch is near.
    #[serde(default)]
    pub runway: Option<RunwayStatus>,
}

/// How long what is in service is enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunwayStatus {
    /// Load over what is held at target utilisation; above 1 requests wait.
    pub utilisation: f64,
    /// Growth of the load, requests per second, per minute; null: too few points.
    pub growth_per_minute: Option<f64>,
    /// Requests per second above what is held: what queues grow by.
    pub queue_growth_per_second: f64,
    /// Minutes until utilisation is 1; 0: it is; null: it does not grow, or more than a day.
    pub minutes: Option<f64>,
    /// Age of the newest point.
    pub age_secs: u64,
}

/// An override in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverrideStatus {
    /// Its number.
    pub id: u64,
    /// The scaling policy.
    pub group: String,
    /// floor, ceiling, pin, freeze.
    pub kind: String,
    /// Its number of instances; null for a freeze.
    pub instances: Option<u32>,
    /// Who gave it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Seconds until then.
    pub left_secs: u64,
}

/// All overrides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverrideList {
    /// In force, in the order in which they were given.
    pub overrides: Vec<OverrideStatus>,
}

/// What an override would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The same in a sentence.
    pub sentence: String,
    /// The scaling policy.
    pub group: String,
    /// floor, ceiling, pin, freeze.
    pub kind: String,
    /// Its number of instances, worked out; null for a freeze.
    pub instances: Option<u32>,
    /// When it would end.
    pub expires_at: Timestamp,
    /// The floor now; null: not known.
    pub floor_now: Option<u32>,
    /// The floor that it leads to; null: as it is.
    pub floor_then: Option<u32>,
    /// When that is set, a step at a time; null: it is, or something stands in its way.
    pub set_at: Option<Timestamp>,
    /// What it costs beyond the plan without it; null without a price.
    pub cost: Option<f64>,
    /// Currency of the cost, ISO 4217.
    pub currency: Option<String>,
    /// What binds besides.
    pub notes: Vec<String>,
}

/// A priming run that is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStatus {
    /// Targets proven so far.
    pub proven: u64,
    /// Targets known so far.
    pub targets: u64,
}

/// Priming of one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoverageStatus {
    /// The priming policy.
    pub policy: String,
    /// Percent that must be proven on every node.
    pub demanded_percent: f64,
    /// Per node, 0..=1; null: not proven yet.
    pub nodes: BTreeMap<String, Option<f64>>,
    /// Targets that a run which is going on has proven, and all it knows of; null: none is going on.
    pub run: Option<RunStatus>,
    /// Objects in the source.
    pub objects: Option<u64>,
    /// Targets that failed, mismatched or may not be stored.
    pub problems: Option<u64>,
    /// The first of them.
    pub first_problem: Option<String>,
    /// When a covered object first goes stale.
    pub fresh_until: Option<Timestamp>,
    /// When it was proven.
    pub measured_at: Option<Timestamp>,
    /// How long ago that was.
    pub age_secs: Option<u64>,
    /// Its schedule; null: it has none.
    #[serde(default)]
    pub schedule: Option<ScheduleStatus>,
    /// Its polls; null: no release that is under way leans on it, so it is not polled.
    #[serde(default)]
    pub poll: Option<PollStatus>,
    /// When a run was last asked for.
    #[serde(default)]
    pub began_at: Option<Timestamp>,
    /// The earlier of the next fire and the next poll; null: none is known.
    #[serde(default)]
    pub next_run_at: Option<Timestamp>,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleStatus {
    /// The five fields, or the word.
    pub cron: String,
    /// The zone whose clocks it follows.
    pub time_zone: String,
    /// What it means, such as `At 03:30 every day.`
    pub description: String,
    /// The next fire that was not handled; in the past while it waits for a run to end. Null: none before 2101.
    pub next_at: Option<Timestamp>,
    /// The same on the clocks of the zone.
    pub next_local: Option<String>,
    /// Seconds until then; 0 when it is due.
    pub next_in_secs: Option<u64>,
}

/// Polls of a priming policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PollStatus {
    /// The time between two.
    pub every_secs: u64,
    /// Since when it polls more often than usual, such as `T-6h`; null: it does not.
    pub tightened_from: Option<String>,
    /// The next one; null while a run goes on.
    pub next_at: Option<Timestamp>,
}

/// All priming.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrimingList {
    /// By policy.
    pub priming: Vec<CoverageStatus>,
}

/// The items of one release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChecklistStatus {
    /// The release.
    pub release: String,
    /// GO, HOLD or NO-GO.
    pub word: Word,
    /// The first first; empty when GO.
    pub reasons: Vec<String>,
    /// Every item.
    pub items: Vec<ItemStatus>,
}

/// The items of all releases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChecklistList {
    /// By release.
    pub checklists: Vec<ChecklistStatus>,
}
