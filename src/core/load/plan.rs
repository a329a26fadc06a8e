//! The floors of one group over time: when to raise, to what and why, and when to give back.
//!
//! - A window opens the lead and a quarter of it before capacity is due (T-0, or an earlier due of a capacity item), one
//!   more lead earlier for each further change that `limits.step` asks for, and one more where caches are being primed:
//!   in that first lead the floor rises to what is needed with primed caches, and only what is still not proven when the
//!   time is up is bought as instances.
//! - Raises are one lead apart, so that each is seen to arrive; the last is made by T-0 minus the lead.
//! - It stays open until the rollout is at 100 % (or ABORT) and `hold_after` on; then what was raised is given back in
//!   steps, not below what adoption still needs. A launch that was called off gives back at once, by the same ramp.
//! - A group that is not seen keeps its floor: neither raised nor lowered blindly.
//!
//! Not here: sending anything. Invariants: I3; carried out, the same plan at the same instant asks for nothing.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::capacity::{needed, zones};
use super::floors::{HeldFloor, Wish};
use super::scene::{Baseline, Part, Scene, Window, earlier};
use super::surge::{self, Surge};
use super::timeline::{self, Move};
use super::{Policy, Problem, Quantiles, amplification};
use crate::core::decide::GroupObservation;
use crate::core::release::Release;
use crate::core::words::{Capacity, Name, format_duration, later};

/// How long an observation counts: twelve default ticks, so that one failed look changes nothing.
const FRESH: Duration = Duration::from_mins(2);
/// After a change the world is not compared with it for so long: orders take time and observations lag.
const SETTLES: Duration = Duration::from_mins(1);

/// What a group will have to carry, as far as is known.
#[derive(Clone, Debug)]
pub struct Demand<'a> {
    /// Load history in requests per second, oldest first; empty: not known.
    pub history: &'a [(Timestamp, f64)],
    /// Launches that lean on the group.
    pub launches: Vec<Launch<'a>>,
    /// The group as described; `None`: not observed.
    pub group: Option<&'a GroupObservation>,
    /// The floor that tminus holds there now; `None`: none.
    pub held: Option<HeldFloor>,
}

/// One launch.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// The release.
    pub release: &'a Release,
    /// Where it is.
    pub course: Course,
    /// Least proven coverage over its priming policies and nodes, 0..=1; `None`: nothing is primed, or not proven.
    pub primed: Option<f64>,
    /// When capacity must be in service, if that is before T-0: the earliest due of its capacity items.
    pub due_at: Option<Timestamp>,
    /// When it was complete or aborted; capacity is kept after an ABORT until this plus `hold_after`.
    pub ended_at: Option<Timestamp>,
    /// When 100 % was reached, if it was.
    pub full_at: Option<Timestamp>,
}

impl<'a> Launch<'a> {
    /// A launch that nothing is known of but its document.
    pub fn ahead(release: &'a Release) -> Self {
        Self { release, course: Course::Ahead, primed: None, due_at: None, ended_at: None, full_at: None }
    }
}

/// Where a launch is, as far as capacity is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Its first step has not begun, whether or not T-0 has passed.
    Ahead,
    /// Rolling or baking, held or not.
    Underway,
    /// Complete.
    Complete,
    /// Aborted after its first step began; sticky, so capacity is kept for a while.
    Aborted,
    /// Scrubbed, or aborted before its first step: nobody comes.
    CalledOff,
}

/// What is planned for a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupPlan {
    /// The scaling policy.
    pub group: Name,
    /// Load without any launch, at its peak in the window.
    pub baseline: Quantiles,
    /// What the launches add at the origin, at the peak, with what is proven of caches.
    pub surge: Quantiles,
    /// Both together.
    pub load: Quantiles,
    /// First attempts times this is what retries make of it at the planned capacity; 1 without failures.
    pub amplification: f64,
    /// Instances needed for the p95 load with headroom and zone loss, within limits.
    pub instances: Capacity,
    /// The floor that must stand now; `None`: tminus holds none.
    pub floor: Option<Capacity>,
    /// What to remember, durably and before the floor is set; `None`: nothing is held any more.
    pub held: Option<HeldFloor>,
    /// The floor to go back to.
    pub restore: Capacity,
    /// When the window opens and ends, the end as expected now; `None`: no launch is ahead or going on.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Every change from now on, oldest first: raises and restores. One that is due now has `at` = now.
    pub timeline: Vec<FloorChange>,
    /// What the raise costs, ramp included, in the price's currency; `None` without a price.
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

/// Plans one group. Pure; the second plan after the first was carried out asks for nothing new.
pub fn plan_group(policy: &Policy, demand: &Demand<'_>, now: Timestamp) -> GroupPlan {
    let seen = demand.group.filter(|group| group.observed_at >= earlier(now, FRESH));
    let adopted = Demand { held: demand.held.map(|held| adopt(held, seen)), ..demand.clone() };
    let scene = Scene::of(policy, &adopted, now);
    // Unseen, nothing is done now; what follows is drawn as if it were seen again soon.
    let start = if seen.is_some() { now } else { later(now, FRESH) };
    let moves = timeline::moves(&scene, adopted.held, start);
    let held = moves.first().filter(|first| first.at <= now).map(|first| first.after).or(adopted.held);
    let held = held.filter(|held| !is_over(&scene, *held, seen));
    let hours = timeline::raised_hours(&scene, adopted.held, &moves);
    let cost = policy.price.as_ref().map(|price| hours * price.per_instance_hour);
    let window = scene.current();
    let (baseline, surge) =
        window.map_or_else(|| (scene.ordinary(), Quantiles::default()), |window| (window.baseline, window.surge));
    let planned =
        held.map_or(scene.pace.restore, |held| held.floor).max(window.map_or(Capacity(0), |window| window.proven_floor));
    let mut timeline: Vec<_> = moves.iter().map(|change| described(&scene, change)).collect();
    timeline.splice(0..0, drift(held, seen, now).filter(|_| timeline.first().is_none_or(|first| first.at > now)));
    GroupPlan {
        group: policy.name.clone(),
        baseline,
        surge,
        load: baseline.plus(surge),
        amplification: window.map_or(1.0, |window| amplified(policy, window, planned)),
        instances: window.map_or_else(|| scene.pace.restore, |window| window.proven_floor.max(policy.limits.floor)),
        floor: held.map(|held| held.floor),
        held,
        restore: scene.pace.restore,
        window: window.map(|window| (window.opens, window.ends)),
        problems: problems(&scene, seen.is_none(), cost, late(&scene, held.zip(seen), &moves)),
        timeline,
        cost,
    }
}

/// Somebody raised the floor above ours by other means: it becomes ours, and is given back like the rest. Lowering it to
/// ours at once would be a scale-in in the launch window, or a jump after it.
fn adopt(held: HeldFloor, seen: Option<&GroupObservation>) -> HeldFloor {
    let higher = seen.filter(|group| group.floor > held.floor && group.observed_at >= later(held.since, SETTLES));
    higher.map_or(held, |group| HeldFloor { floor: group.floor, peak: held.peak.max(group.floor), ..held })
}

/// Whether everything was given back and is seen to be.
fn is_over(scene: &Scene<'_>, held: HeldFloor, seen: Option<&GroupObservation>) -> bool {
    let wish = scene.wish(scene.now, Some(held));
    let confirmed = seen.is_some_and(|group| group.floor <= held.restore && group.observed_at > held.since);
    timeline::is_given_back(held, wish) && confirmed
}

/// Somebody or something lowered the floor below ours: it is set again.
fn drift(held: Option<HeldFloor>, seen: Option<&GroupObservation>, now: Timestamp) -> Option<FloorChange> {
    let (held, group) = held.zip(seen)?;
    let drifted = group.floor < held.floor && group.observed_at >= later(held.since, SETTLES);
    let why = format!("its floor was lowered from {} to {} by other means while tminus holds it", held.floor, group.floor);
    drifted.then_some(FloorChange { at: now, from: group.floor, to: held.floor, why })
}

fn described(scene: &Scene<'_>, change: &Move) -> FloorChange {
    let why = match change.wish {
        Wish::AtLeast(_) => raise_reason(scene, change),
        Wish::GiveBack(_) => format!(
            "no launch needs it: {}% of the {} raised instances are given back every {}",
            scene.policy.ramp_down.percent,
            change.after.peak.0.saturating_sub(change.after.restore.0),
            format_duration(scene.policy.ramp_down.every)
        ),
    };
    FloorChange { at: change.at, from: change.from, to: change.after.floor, why }
}

fn raise_reason(scene: &Scene<'_>, change: &Move) -> String {
    let Some(window) = scene.windows.iter().find(|window| window.opens <= change.at && change.at < window.ends.max(scene.now))
    else {
        return "a launch needs it".into();
    };
    let names: Vec<_> = window.parts.iter().map(|part| part.launch.release.name.as_str()).collect();
    let early = change.at < window.proven_from && window.expected_floor != window.proven_floor;
    if early {
        return format!("{} needs {} instances once its caches are primed", names.join(", "), window.expected_floor);
    }
    let (count, lost) = zones(scene.policy);
    let spare = if lost > 0 { format!(", {lost} of {count} zones lost") } else { String::new() };
    format!(
        "{} brings {:.0} requests/s at p95 on top of {:.0}: {} instances with {}% headroom{spare}",
        names.join(", "),
        window.surge.p95,
        window.baseline.p95,
        window.needed,
        scene.policy.headroom_percent
    )
}

fn amplified(policy: &Policy, window: &Window<'_>, planned: Capacity) -> f64 {
    let capacity = f64::from(planned.0) * policy.capacity_per_instance.value();
    let audiences = window.parts.iter().filter_map(|part| part.launch.release.audience.as_ref());
    audiences.map(|audience| amplification(audience, window.load().p95, capacity)).fold(1.0, f64::max)
}

/// Causes before what they cause: what is not known, cold caches, limits, time.
fn problems(scene: &Scene<'_>, unseen: bool, cost: Option<f64>, late: Option<Problem>) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(unseen.then_some(Problem::NotObserved));
    let guessed = matches!(scene.baseline, Baseline::Guessed(_));
    problems.extend((guessed && scene.policy.has_history).then_some(Problem::NoHistory));
    let Some(window) = scene.current() else { return problems };
    let silent = window.parts.iter().filter(|part| part.proven.is_none());
    problems.extend(silent.map(|part| Problem::NoAudience { release: part.launch.release.name.clone() }));
    problems.extend(window.parts.iter().filter_map(|part| cold(scene, window, part)));
    problems.extend(window.bounds.problems(window.needed));
    let over = scene.policy.limits.cost.zip(cost).filter(|(limit, cost)| cost > limit);
    let told = problems.iter().any(|problem| matches!(problem, Problem::Cost { .. }));
    problems.extend(over.filter(|_| !told).map(|(limit, expected)| Problem::Cost { expected, limit }));
    problems.extend(late);
    problems
}

/// Whether a launch's cold caches are why it does not fit.
fn cold(scene: &Scene<'_>, window: &Window<'_>, part: &Part<'_>) -> Option<Problem> {
    let allowed = window.bounds.most();
    if window.needed <= allowed {
        return None;
    }
    let name = &part.launch.release.name;
    let of = |other: &Part<'_>| if other.launch.release.name == *name { other.primed.clone() } else { other.proven.clone() };
    let surges: Vec<Surge> = window.parts.iter().filter_map(of).collect();
    let primed = needed(scene.policy, window.baseline.plus(surge::peak(&surges)).p95);
    let covered = part.launch.primed.unwrap_or(0.0);
    let problem = Problem::ColdCache { release: name.clone(), covered, needed: window.needed, primed, allowed };
    (primed < window.needed).then_some(problem)
}

/// Whether the last raise before T-0, or one that has not arrived yet, comes into service after it.
fn late(scene: &Scene<'_>, held: Option<(HeldFloor, &GroupObservation)>, moves: &[Move]) -> Option<Problem> {
    let window = scene.current()?;
    let ahead = window.parts.iter().filter(|part| part.launch.course == Course::Ahead).map(|part| part.launch.release.launch_at);
    let launch_at = ahead.min().filter(|launch_at| *launch_at >= scene.now)?;
    let under_way =
        held.filter(|(held, group)| held.floor == held.peak && group.in_service < held.floor).map(|(held, _)| held.since);
    let raises = moves.iter().filter(|change| change.after.floor > change.from && change.at < window.ends);
    let in_place_at = later(raises.map(|change| change.at).chain(under_way).max()?, scene.pace.lead);
    (in_place_at > launch_at).then_some(Problem::Late { in_place_at, launch_at })
}
