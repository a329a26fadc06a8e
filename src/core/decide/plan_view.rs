//! Everything a release will still do: when, what, why and at what cost, for people to read before it happens.
//!
//! Not here: deciding. It shows what the same documents and plans lead to if everything goes well; instants of steps
//! are the earliest possible, since a gate may hold. Invariant: a release that is over asks for nothing but what gives
//! its capacity back.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::basis::{Basis, Ground, peak};
use super::decision::Decision;
use super::facts::prepare_at;
use super::outlook::{Agreed, DominantView, GroupOutlook};
use super::snapshot::Snapshot;
use crate::core::checklist::{Check, Demand, Item, Word};
use crate::core::load::{GroupPlan, bearing};
use crate::core::release::{Active, AgreedPlan, Go, Phase, Release, ReleaseState};
use crate::core::words::{Capacity, Name, Percent, format_duration, later};

/// A plan as people and programs read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    /// The release.
    pub release: Name,
    /// GO, HOLD or NO-GO now.
    pub readiness: Word,
    /// Why not GO, the first first.
    pub reasons: Vec<String>,
    /// What it will do, oldest first; with a plan applied, what it would do beyond that.
    pub actions: Vec<Action>,
    /// What is still to come of the plan that was applied, oldest first.
    #[serde(default)]
    pub scheduled: Vec<Action>,
    /// The plan that was applied; null: none.
    #[serde(default)]
    pub applied: Option<Agreed>,
    /// What its groups will have to carry together, requests per second; null without groups.
    pub load: LoadRange,
    /// Instances needed, by group.
    pub instances: BTreeMap<Name, u32>,
    /// What the raises cost; null without prices.
    pub cost: Option<f64>,
    /// Currency of the cost, ISO 4217.
    pub currency: Option<String>,
    /// Each group with what its size comes from.
    #[serde(default)]
    pub groups: Vec<GroupOutlook>,
    /// The input that moves the load most, of the group with the most load; null when nothing is in doubt.
    #[serde(default)]
    pub dominates: Option<DominantView>,
    /// When it was made.
    #[serde(default)]
    pub made_at: Timestamp,
    /// What it was made from: a saved plan is carried out only while this is as it was.
    #[serde(default)]
    pub made_from: Basis,
    /// SHA-256 of `made_from`, in hex.
    #[serde(default)]
    pub digest: String,
}

/// Load at quantiles, requests per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadRange {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
}

/// One thing that will be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// When, at the earliest.
    pub at: Timestamp,
    /// `early`, `floor`, `prime`, `step` or `complete`.
    pub kind: String,
    /// Of what.
    pub target: String,
    /// From; null where there was nothing.
    pub from: Option<Amount>,
    /// To.
    pub to: Option<Amount>,
    /// Why, a sentence.
    pub why: String,
    /// What it is in a plan's last line.
    pub change: Change,
}

/// What an action is in a plan's last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// `+`: something comes that was not there.
    Add,
    /// `~`: something is changed.
    Change,
    /// `-`: something that tminus made goes again.
    Remove,
}

/// A figure or a text on either side of an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    /// Instances, or a whole percent.
    Whole(u32),
    /// A percent with decimals.
    Fraction(f64),
    /// A version or a phase.
    Text(String),
}

impl Amount {
    fn percent(percent: f64) -> Self {
        let whole = percent.fract() == 0.0 && (0.0..=100.0).contains(&percent);
        if whole { Self::Whole(percent as u32) } else { Self::Fraction(percent) }
    }
}

/// The plan of one release, as it was decided on a snapshot: plan an unknown world by deciding on an empty one.
pub fn plan_view(snapshot: &Snapshot, decision: &Decision, release: &Release) -> PlanView {
    let own: Vec<&GroupPlan> = release.scaling.iter().filter_map(|name| decision.plans.get(name)).collect();
    let ground =
        Ground { config: &snapshot.config, state: &decision.state, observed: &snapshot.observed, plans: &decision.plans };
    let made_from = Basis::of(ground, release);
    // What was decided just now is behind us: the plan is what is still to come.
    let snapshot = &Snapshot { state: decision.state.clone(), ..snapshot.clone() };
    let state = snapshot.state.releases.get(&release.name);
    let concerned: &[&GroupPlan] = if has_launch_ahead(release, state) { &own } else { &[] };
    let (readiness, reasons) = answer(snapshot, decision, (release, concerned));
    let total = |read: fn(&GroupPlan) -> f64| (!own.is_empty()).then(|| own.iter().map(|plan| read(plan)).sum());
    let prices = release.scaling.iter().filter_map(|name| snapshot.config.scalings.get(name)?.price.as_ref());
    let agreed = state.and_then(|state| state.agreed.as_ref());
    let is_agreed = |action: &Action| agreed.is_some_and(|agreed| keeps_to(agreed, action, (&made_from, &decision.plans)));
    let (scheduled, actions) = actions(snapshot, decision, release).into_iter().partition(is_agreed);
    let groups: Vec<GroupOutlook> = own.iter().map(|plan| GroupOutlook::of(plan, snapshot)).collect();
    PlanView {
        release: release.name.clone(),
        readiness,
        reasons,
        actions,
        scheduled,
        applied: agreed.map(|agreed| Agreed { by: agreed.by.clone(), at: agreed.at, digest: agreed.digest.clone() }),
        load: LoadRange { p50: total(|plan| plan.load.p50), p95: total(|plan| plan.load.p95) },
        instances: own.iter().map(|plan| (plan.group.clone(), plan.instances.0)).collect(),
        cost: own.iter().filter_map(|plan| plan.cost).reduce(|sum, cost| sum + cost),
        currency: prices.map(|price| price.currency.clone()).next(),
        dominates: own
            .iter()
            .max_by(|one, other| one.load.p95.total_cmp(&other.load.p95))
            .and_then(|plan| DominantView::of(plan)),
        groups,
        made_at: snapshot.now,
        digest: made_from.digest(),
        made_from,
    }
}

/// Readiness, and what is known of groups that no item asks about: a launch that cannot be held is NO-GO in its plan. Where
/// an item asks, the item answers, and a waiver of it counts.
fn answer(snapshot: &Snapshot, decision: &Decision, (release, own): (&Release, &[&GroupPlan])) -> (Word, Vec<String>) {
    let readiness = decision.releases.get(&release.name).map(|view| view.readiness.clone());
    let (mut word, mut reasons) = readiness.map_or((Word::Hold, Vec::new()), |readiness| (readiness.word, readiness.reasons));
    for plan in own {
        let found = serious(plan, snapshot);
        let mended = plan.is_mended_by_priming() && !release.priming.is_empty() && found.is_empty();
        let own = plan.problems.iter().filter(|problem| problem.is_shortfall()).map(|problem| problem.sentence(&plan.group));
        let short: Vec<String> = own.chain(found).collect();
        word = match (short.is_empty() || asks(snapshot, release, &plan.group), mended, word) {
            (true, _, word) | (false, true, word @ (Word::Hold | Word::NoGo)) => word,
            (false, true, Word::Go) => Word::Hold,
            (false, false, _) => Word::NoGo,
        };
        if word != Word::Go {
            // An item that asks has its first problem in its own reason already.
            let is_new = |sentence: &String| !reasons.iter().any(|reason| reason.contains(sentence.trim_end_matches('.')));
            let new: Vec<String> = short.into_iter().filter(is_new).collect();
            reasons.extend(new);
        }
    }
    (word, reasons)
}

/// What is found at a group with which a launch should not begin.
fn serious(plan: &GroupPlan, snapshot: &Snapshot) -> Vec<String> {
    let seen = snapshot.observed.groups.get(&plan.group);
    let found = seen.map(|seen| bearing(plan, seen, snapshot.now)).unwrap_or_default();
    found.iter().filter(|finding| finding.is_serious()).map(|finding| finding.sentence(&plan.group)).collect()
}

/// Whether an item of the release asks whether the group holds.
fn asks(snapshot: &Snapshot, release: &Release, group: &Name) -> bool {
    let lists = release.checklists.iter().filter_map(|name| snapshot.config.checklists.get(name));
    let about = |item: &Item| matches!(&item.demand, Demand::Check(Check::Capacity { group: asked, .. }) if asked == group);
    lists.flat_map(|list| &list.items).any(about)
}

/// Whether an action is part of the plan that was applied: its documents are the same, and no group goes higher.
fn keeps_to(agreed: &AgreedPlan, action: &Action, (made_from, plans): (&Basis, &BTreeMap<Name, GroupPlan>)) -> bool {
    let same_peak = |group: &Name| plans.get(group).is_none_or(|plan| agreed.peaks.get(group) == Some(&peak(plan)));
    let is_floor = action.kind == "floor";
    let group = Name::new(&action.target).ok().filter(|_| is_floor);
    agreed.documents == made_from.documents && group.is_none_or(|group| same_peak(&group))
}

fn actions(snapshot: &Snapshot, decision: &Decision, release: &Release) -> Vec<Action> {
    // A shadow release decides and tells, and acts on nothing.
    if release.shadow {
        return Vec::new();
    }
    let state = snapshot.state.releases.get(&release.name);
    let mut actions: Vec<Action> = Vec::new();
    if has_launch_ahead(release, state) {
        let prepare_at = prepare_at(&snapshot.config, &decision.plans, release);
        actions.extend(early(release, snapshot.now));
        actions.extend(priming(snapshot, release, prepare_at));
    }
    actions.extend(release.scaling.iter().filter_map(|name| decision.plans.get(name)).flat_map(floors));
    actions.extend(steps(release, state, snapshot.now));
    // Stable: what happens at the same instant stays in the order of causes.
    actions.sort_by_key(|action| action.at);
    actions
}

fn has_launch_ahead(release: &Release, state: Option<&ReleaseState>) -> bool {
    let phase = state.map(|state| &state.phase);
    let over = matches!(phase, Some(Phase::Complete | Phase::Scrubbed { .. } | Phase::Aborted { .. }));
    !over && !release.released
}

fn early(release: &Release, now: Timestamp) -> impl Iterator<Item = Action> {
    let due = release.early.iter().map(move |entry| (entry, entry.at.at(release.launch_at))).filter(move |(_, at)| *at >= now);
    due.flat_map(move |(entry, at)| {
        entry.channels.iter().map(move |channel| Action {
            at,
            kind: "early".into(),
            target: format!("{}/{channel}", release.app),
            from: None,
            to: Some(Amount::Text(release.version.as_str().into())),
            why: format!("The channel is served whole from {} on, before the launch.", entry.at),
            change: Change::Add,
        })
    })
}

fn priming(snapshot: &Snapshot, release: &Release, prepare_at: Timestamp) -> Vec<Action> {
    let begins = prepare_at.max(snapshot.now);
    let policies = release.priming.iter().filter_map(|name| snapshot.config.primings.get(name));
    let actions = policies.filter_map(|policy| {
        let proven = snapshot.observed.coverage.get(&policy.name);
        let least = proven.and_then(|proven| proven.nodes.values().copied().reduce(f64::min));
        let from = least.map(|ratio| (ratio * 1e6).round() / 1e4);
        if from.is_some_and(|percent| percent >= policy.coverage) {
            return None;
        }
        Some(Action {
            at: begins,
            kind: "prime".into(),
            target: policy.name.to_string(),
            from: from.map(Amount::percent),
            to: Some(Amount::percent(policy.coverage)),
            why: format!("Every node must be proven warm before the launch: {}.", listed(&policy.nodes)),
            change: if from.is_some() { Change::Change } else { Change::Add },
        })
    });
    actions.collect()
}

fn floors(plan: &GroupPlan) -> impl Iterator<Item = Action> {
    plan.timeline.iter().filter(|change| change.from != change.to).map(|change| Action {
        at: change.at,
        kind: "floor".into(),
        target: plan.group.to_string(),
        from: Some(instances(change.from)),
        to: Some(instances(change.to)),
        why: change.why.clone(),
        change: if change.to < change.from { Change::Remove } else { Change::Change },
    })
}

fn instances(capacity: Capacity) -> Amount {
    Amount::Whole(capacity.0)
}

/// The steps still ahead and the end of the bake, each at its earliest instant.
fn steps(release: &Release, state: Option<&ReleaseState>, now: Timestamp) -> Vec<Action> {
    if !has_launch_ahead(release, state) {
        return Vec::new();
    }
    let standing = state.and_then(|state| active(&state.phase));
    let last = release.rollout.steps.len().saturating_sub(1);
    let entered = match standing {
        Some(Active::Rolling { step }) => Some(step),
        Some(Active::Baking) => Some(last),
        Some(Active::Preparing | Active::Ready) | None => None,
    };
    let mut at = entered.map_or(release.launch_at.max(now), |step| dwell_end(release, state, (step, now)));
    let mut actions = Vec::new();
    let first = entered.map_or(0, |step| step + 1);
    for (index, step) in release.rollout.steps.iter().enumerate().skip(first) {
        actions.push(step_action(release, index, at));
        at = later(at, if index == last { step.bake } else { step.dwell });
    }
    actions.push(complete(release, at));
    actions
}

fn active(phase: &Phase) -> Option<Active> {
    match phase {
        Phase::Active(active) | Phase::Held { at: active, .. } => Some(*active),
        Phase::Planned | Phase::Aborted { .. } | Phase::Scrubbed { .. } | Phase::Complete => None,
    }
}

/// When the dwell or bake of the step that is running is over, if nobody holds.
fn dwell_end(release: &Release, state: Option<&ReleaseState>, (step, now): (usize, Timestamp)) -> Timestamp {
    let whole = release
        .rollout
        .steps
        .get(step)
        .map_or(Duration::ZERO, |running| if step + 1 == release.rollout.steps.len() { running.bake } else { running.dwell });
    let dwelled = state.map_or(Duration::ZERO, |state| state.dwelled_at(now));
    later(now, whole.saturating_sub(dwelled))
}

fn step_action(release: &Release, index: usize, at: Timestamp) -> Action {
    let steps = &release.rollout.steps;
    let percent = |percent: Percent| Amount::percent(f64::from(percent.ppm()) / 10_000.0);
    let before = index.checked_sub(1).and_then(|before| steps.get(before));
    Action {
        at,
        kind: "step".into(),
        target: format!("{}/{}", release.app, listed(&release.channels)),
        from: before.map(|before| percent(before.percent)),
        to: steps.get(index).map(|step| percent(step.percent)),
        why: why(release, index),
        change: if before.is_some() { Change::Change } else { Change::Add },
    }
}

fn why(release: &Release, index: usize) -> String {
    let (number, count) = (index + 1, release.rollout.steps.len());
    let Some(before) = index.checked_sub(1).and_then(|before| release.rollout.steps.get(before)) else {
        return match release.go {
            Go::Manual => "The launch, with readiness GO and somebody's go.".into(),
            Go::Auto => "The launch, with readiness GO.".into(),
        };
    };
    let dwell = format_duration(before.dwell);
    match release.gate {
        Some(_) => format!("Step {number} of {count}, after {dwell} and a SAFE gate."),
        None => format!("Step {number} of {count}; without a gate somebody must advance it."),
    }
}

fn listed(names: &[Name]) -> String {
    let texts: Vec<&str> = names.iter().map(Name::as_str).collect();
    texts.join(", ")
}

fn complete(release: &Release, at: Timestamp) -> Action {
    Action {
        at,
        kind: "complete".into(),
        target: release.name.to_string(),
        from: Some(Amount::Text("baking".into())),
        to: Some(Amount::Text("complete".into())),
        why: "The bake is over; capacity is given back and the report is written.".into(),
        change: Change::Change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::decide::{Config, Observations, State, decide};
    use crate::core::release::{Early, OnAbort, Rollout, RolloutStep};
    use crate::core::words::Version;

    fn at(text: &str) -> Timestamp {
        format!("2026-12-{text}Z").parse().unwrap()
    }

    fn release() -> Release {
        let name = |text: &str| Name::new(text).unwrap();
        let step = |percent: &str, bake| RolloutStep {
            percent: percent.parse().unwrap(),
            dwell: Duration::from_mins(10),
            bake: Duration::from_secs(bake),
        };
        Release {
            name: name("reader-2.3"),
            app: name("reader"),
            version: Version::new("2.3.0").unwrap(),
            channels: vec![name("release")],
            from: None,
            early: vec![Early { channels: vec![name("beta")], at: "T-1d".parse().unwrap() }],
            launch_at: at("02T12:00:00"),
            time_zone: None,
            go: Go::Manual,
            released: false,
            shadow: false,
            checklists: Vec::new(),
            scaling: Vec::new(),
            priming: Vec::new(),
            gate: Some(name("errors")),
            shield: Vec::new(),
            rollout: Rollout { steps: vec![step("1", 0), step("12.5", 0), step("100", 3_600)], on_abort: OnAbort::Halt },
            audience: None,
        }
    }

    /// Plans at `now` from `phase` (`None`: nothing was done yet) and compares `at kind from -> to`, one a line.
    fn check(release: &Release, phase: Option<Phase>, now: &str, expected: &[&str]) {
        let mut state = State::default();
        if let Some(phase) = phase {
            let entered = ReleaseState { phase, ..ReleaseState::new(at(now), None) };
            state.releases.insert(release.name.clone(), entered);
        }
        let config = Config { releases: BTreeMap::from([(release.name.clone(), release.clone())]), ..Config::default() };
        let snapshot = Snapshot { config, state, observed: Observations::default(), commands: Vec::new(), now: at(now) };
        let plan = plan_view(&snapshot, &decide(&snapshot), release);
        let side = |amount: &Option<Amount>| serde_json::to_string(amount).unwrap();
        let shown = plan.actions.iter().map(|action| {
            format!("{} {} {} -> {}", action.at.strftime("%d %H:%M"), action.kind, side(&action.from), side(&action.to))
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{now}");
    }

    const STEPS: [&str; 4] = [
        "02 12:00 step null -> 1",
        "02 12:10 step 1 -> 12.5",
        "02 12:20 step 12.5 -> 100",
        "02 13:20 complete \"baking\" -> \"complete\"",
    ];

    #[test]
    fn a_plan_has_what_is_still_to_come() {
        let release = release();
        let early = "01 12:00 early null -> \"2.3.0\"";
        check(&release, None, "01T00:00:00", &[early, STEPS[0], STEPS[1], STEPS[2], STEPS[3]]);
        check(&release, None, "02T11:00:00", &STEPS);
        let late = ["02 15:00 step null -> 1", "02 15:10 step 1 -> 12.5", "02 15:20 step 12.5 -> 100"];
        check(&release, None, "02T15:00:00", &[late[0], late[1], late[2], "02 16:20 complete \"baking\" -> \"complete\""]);
        let rolling = Phase::Active(Active::Rolling { step: 1 });
        let rest = ["02 12:15 step 12.5 -> 100", "02 13:15 complete \"baking\" -> \"complete\""];
        check(&release, Some(rolling), "02T12:05:00", &rest);
        check(&release, Some(Phase::Active(Active::Baking)), "02T12:30:00", &["02 13:30 complete \"baking\" -> \"complete\""]);
    }

    #[test]
    fn what_is_over_or_a_shadow_does_nothing() {
        let release = release();
        for phase in [Phase::Complete, Phase::Scrubbed { reason: "weather".into() }] {
            check(&release, Some(phase), "02T12:05:00", &[]);
        }
        check(&Release { shadow: true, ..release.clone() }, None, "01T00:00:00", &[]);
        check(&Release { released: true, ..release }, None, "01T00:00:00", &[]);
    }
}
