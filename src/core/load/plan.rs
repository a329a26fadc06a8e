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

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::capacity::{Bounds, holding, queue};
use super::floors::HeldFloor;
use super::layer::{self, Laid, Layer};
use super::reasons::{described, dominant, late, problems};
use super::scene::{Scene, Window, earlier};
use super::signal;
use super::timeline;
use super::{Dominant, Forecast, Policy, Problem, Quantiles, Queue, Uptake, amplification, learned};
use crate::core::decide::GroupObservation;
use crate::core::release::Release;
use crate::core::words::{Capacity, Name, later};

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
    /// How an earlier release of its app was taken up, if one was recorded.
    pub recorded: Option<&'a Uptake>,
}

impl<'a> Launch<'a> {
    /// A launch that nothing is known of but its document.
    pub fn ahead(release: &'a Release) -> Self {
        Self { release, course: Course::Ahead, primed: None, due_at: None, ended_at: None, full_at: None, recorded: None }
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
    /// Instances needed once everything is primed that will be, within limits; `None`: no launch is ahead or going on.
    #[serde(default)]
    pub instances_primed: Option<Capacity>,
    /// How requests would wait at the planned instances and the p95 load with zones lost; `None`: the policy does not say
    /// how an instance works.
    #[serde(default)]
    pub queue: Option<Queue>,
    /// Which input moves the load most.
    #[serde(default)]
    pub dominant: Option<Dominant>,
    /// How long an instance takes into service.
    #[serde(default)]
    pub lead: Option<Lead>,
}

/// How long an instance takes into service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lead {
    /// As the policy states, since no boot was observed.
    Stated(Duration),
    /// The p95 of the boots that were observed.
    Observed(Duration),
}

impl Lead {
    /// The time.
    pub fn duration(self) -> Duration {
        match self {
            Self::Stated(duration) | Self::Observed(duration) => duration,
        }
    }
}

impl GroupPlan {
    /// Instances that the p95 of the load needs, whatever is allowed: what people and alerts compare with those in service.
    /// While caches are cold that will be primed in time, as many as are planned.
    pub fn needed(&self) -> Capacity {
        if self.is_mended_by_priming() {
            return self.instances;
        }
        let needed = self.problems.iter().filter_map(|problem| match problem {
            Problem::Ceiling { needed, .. } | Problem::Quota { needed, .. } | Problem::Contention { needed, .. } => Some(*needed),
            _ => None,
        });
        needed.fold(self.instances, Capacity::max)
    }

    /// Whether what is missing is there once caches are primed.
    pub fn is_mended_by_priming(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::ColdCache { primed, allowed, .. } if primed <= allowed))
    }
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
    plan_learned(policy, demand, (learned::forecast(policy, (demand.history, now)), now), &Layer::default())
}

/// The same, with what the demand's history teaches at this instant, and with what lies over the plan.
pub fn plan_learned(
    policy: &Policy,
    demand: &Demand<'_>,
    (profile, now): (Option<Arc<Forecast>>, Timestamp),
    layer: &Layer<'_>,
) -> GroupPlan {
    let seen = demand.group.filter(|group| group.observed_at >= earlier(now, FRESH));
    let mut laid = Laid { overrides: layer.overrides.clone(), outrun: None, most: layer::most(policy, demand.group) };
    let lowered = |held: HeldFloor| seen.filter(|group| is_lowered(held, group)).map(|group| (group.floor, now));
    let imposed = |held: HeldFloor| lowered(held).map_or(held, |seen| laid.within(held, seen));
    let held = demand.held.map(|held| imposed(within(policy, adopt(held, seen), seen)));
    let adopted = Demand { held, ..demand.clone() };
    let scene = Scene::of(policy, &adopted, (profile, now));
    let outrun = signal::outrun(&scene, layer.recent);
    laid.outrun = outrun.as_ref().and_then(|outrun| signal::asked(&scene, outrun));
    // Unseen, nothing is done now; what follows is drawn as if it were seen again soon.
    let start = if seen.is_some() { now } else { later(now, FRESH) };
    let moves = timeline::moves(&scene, &laid, adopted.held, start);
    let held = moves.first().filter(|first| first.at <= now).map(|first| first.after).or(adopted.held);
    let held = held.filter(|held| !is_over((&scene, &laid), *held, seen));
    let hours = timeline::raised_hours(&scene, adopted.held, &moves);
    let cost = policy.price.as_ref().map(|price| hours * price.per_instance_hour);
    let window = scene.current();
    let (baseline, surge) =
        window.map_or_else(|| (scene.ordinary(), Quantiles::default()), |window| (window.baseline, window.surge));
    let instances = window.map_or_else(|| scene.pace.restore, |window| window.proven_floor.max(policy.limits.floor));
    let planned =
        held.map_or(scene.pace.restore, |held| held.floor).max(window.map_or(Capacity(0), |window| window.proven_floor));
    let mut timeline: Vec<_> = moves.iter().map(|change| described((&scene, &laid), change)).collect();
    let drift = drift(held, seen, now).filter(|_| !laid.is_frozen(now));
    timeline.splice(0..0, drift.filter(|_| timeline.first().is_none_or(|first| first.at > now)));
    let late = late((&scene, &laid), held.zip(seen), &moves);
    GroupPlan {
        group: policy.name.clone(),
        baseline,
        surge,
        load: baseline.plus(surge),
        amplification: window.map_or(1.0, |window| amplified(policy, window, planned)),
        instances,
        instances_primed: window.map(|window| window.expected_floor.max(policy.limits.floor)),
        queue: queue(policy, instances, baseline.plus(surge).p95),
        dominant: dominant(baseline, window),
        lead: Some(lead(policy, demand.group)),
        floor: held.map(|held| held.floor),
        held: held.map(|held| remembering(demand.held, held)),
        restore: scene.pace.restore,
        window: window.map(|window| (window.opens, window.ends)),
        problems: problems(&scene, seen.is_none(), cost, late).into_iter().chain(outrun).collect(),
        timeline,
        cost,
    }
}

/// Somebody raised the floor above ours by other means: it becomes ours, and is given back like the rest. Lowering it to
/// ours at once would be a scale-in in the launch window, or a jump after it.
fn adopt(held: HeldFloor, seen: Option<&GroupObservation>) -> HeldFloor {
    // After a raise what is seen cannot be higher by lagging behind; after a lowering it is, for a moment.
    let is_theirs = |group: &GroupObservation| {
        let raised = held.floor == held.peak && group.observed_at > held.since;
        raised || group.observed_at >= later(held.since, SETTLES)
    };
    let higher = seen.filter(|group| group.floor > held.floor && is_theirs(group));
    higher.map_or(held, |group| HeldFloor { floor: group.floor, peak: held.peak.max(group.floor), ..held })
}

/// A floor that others raised beyond our limits is theirs: once they lowered it again, it is held as far as limits allow.
fn within(policy: &Policy, held: HeldFloor, seen: Option<&GroupObservation>) -> HeldFloor {
    let most = Bounds::of(policy, seen.map(|group| group.ceiling), held.restore, Duration::ZERO).most();
    // What stood there before may lie beyond limits too, which may have changed since; it is not raised to as long as it does.
    let held = HeldFloor { restore: held.restore.min(most.max(held.floor)), ..held };
    let Some(group) = seen.filter(|group| is_lowered(held, group)) else { return held };
    let bound = most.max(group.floor);
    HeldFloor { floor: held.floor.min(bound), restore: held.restore.min(bound), ..held }
}

/// What stood there before is remembered as it was: a ceiling that is too low for it may be so for a moment only.
fn remembering(before: Option<HeldFloor>, held: HeldFloor) -> HeldFloor {
    HeldFloor { restore: before.map_or(held.restore, |before| before.restore), ..held }
}

/// Whether the group was seen below what is held, when our own change had long arrived.
fn is_lowered(held: HeldFloor, group: &GroupObservation) -> bool {
    group.floor < held.floor && group.observed_at >= later(held.since, SETTLES)
}

/// Whether everything was given back and is seen to be.
fn is_over((scene, laid): (&Scene<'_>, &Laid<'_>), held: HeldFloor, seen: Option<&GroupObservation>) -> bool {
    let bent = laid.wish(scene, scene.now, Some(held));
    let confirmed = seen.is_some_and(|group| group.floor <= held.restore && group.observed_at > held.since);
    bent.is_some_and(|bent| timeline::is_given_back(held, bent.wish)) && confirmed
}

/// Somebody or something lowered the floor below ours: it is set again.
fn drift(held: Option<HeldFloor>, seen: Option<&GroupObservation>, now: Timestamp) -> Option<FloorChange> {
    let (held, group) = held.zip(seen)?;
    let drifted = is_lowered(held, group);
    let why = format!("its floor was lowered from {} to {} by other means while tminus holds it", held.floor, group.floor);
    drifted.then_some(FloorChange { at: now, from: group.floor, to: held.floor, why })
}

fn amplified(policy: &Policy, window: &Window<'_>, planned: Capacity) -> f64 {
    let (load, capacity) = (window.load().p95, holding(policy, planned.0));
    let service = policy.service.map(|service| service.time);
    let audiences = window.parts.iter().filter_map(|part| part.audience.as_ref());
    audiences.map(|audience| amplification(audience, (load, capacity), service)).fold(1.0, f64::max)
}

fn lead(policy: &Policy, group: Option<&GroupObservation>) -> Lead {
    let boot = group.and_then(|group| group.boot_p95_ms).map(Duration::from_millis);
    boot.map_or(Lead::Stated(policy.lead), Lead::Observed)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{World, audience, group, held, history, minute, name, policy, release, t0};
    use super::super::{Adoption, Audience, Limits};
    use super::*;

    fn plan(launch: &Launch<'_>, held: Option<HeldFloor>, now: Timestamp) -> GroupPlan {
        let (policy, history) = (policy(), history(t0()));
        let group = group(held.map_or(4, |held| held.floor.0), now);
        plan_group(&policy, &Demand { history: &history, launches: vec![launch.clone()], group: Some(&group), held }, now)
    }

    fn primed(release: &Release) -> Launch<'_> {
        Launch { primed: Some(1.0), ..Launch::ahead(release) }
    }

    #[test]
    fn cold_caches_need_more_than_the_ceiling_and_primed_ones_fit() {
        let release = release();
        let cold = plan(&Launch::ahead(&release), None, minute(-600));
        assert_eq!(cold.instances, Capacity(24), "bounded by the ceiling");
        assert_eq!(cold.needed(), Capacity(24), "priming mends it");
        assert!(cold.load.p95 > 50.0 * cold.baseline.p95, "{:?}", cold.load);
        assert!(cold.amplification > 2.0, "they retry for ever: {}", cold.amplification);
        let [Problem::ColdCache { needed, primed: fits, allowed, covered, .. }, Problem::Ceiling { .. }, Problem::Quota { .. }] =
            cold.problems.as_slice()
        else {
            panic!("{:?}", cold.problems)
        };
        assert!(*needed > Capacity(24) && *fits <= Capacity(4) && *allowed == Capacity(24) && *covered == 0.0);
        let said = cold.problems[0].sentence(&cold.group);
        assert!(said.starts_with("The caches for reader-2.3 are cold (0% proven warm): reader-api needs "), "{said}");

        let warm = plan(&primed(&release), None, minute(-600));
        assert_eq!((warm.problems, warm.instances, warm.amplification), (vec![], Capacity(4), 1.0));
    }

    #[test]
    fn raises_are_planned_a_lead_apart_and_stand_by_t0_minus_the_lead() {
        let release = Release { priming: Vec::new(), ..release() };
        let plan = plan(&Launch { primed: Some(0.9), ..Launch::ahead(&release) }, None, minute(-600));
        let raises: Vec<_> = plan.timeline.iter().take_while(|change| change.to > change.from).collect();
        let at: Vec<_> = raises.iter().map(|change| (change.at, change.from.0, change.to.0)).collect();
        // The worst case takes three steps of eight, so the window opens with room for them.
        assert_eq!(at, vec![(minute(-65), 4, 12), (minute(-45), 12, plan.instances.0)], "{:?}", plan.timeline);
        assert_eq!((plan.floor, plan.held), (None, None), "nothing is held long before");
        assert_eq!(plan.problems, vec![]);
        assert!(raises[0].why.starts_with("reader-2.3 brings "), "{}", raises[0].why);
    }

    #[test]
    fn what_is_due_earlier_is_raised_earlier() {
        let release = Release { priming: Vec::new(), ..release() };
        let launch = Launch { primed: Some(0.9), due_at: Some(minute(-30)), ..Launch::ahead(&release) };
        assert_eq!(plan(&launch, None, minute(-600)).timeline[0].at, minute(-95));
    }

    #[test]
    fn a_slower_boot_than_stated_opens_the_window_earlier() {
        let release = release();
        let (policy, history) = (policy(), history(t0()));
        let slow = GroupObservation { boot_p95_ms: Some(40 * 60_000), ..group(4, minute(-600)) };
        let demand = Demand { history: &history, launches: vec![Launch::ahead(&release)], group: Some(&slow), held: None };
        let (opens, _) = plan_group(&policy, &demand, minute(-600)).window.unwrap();
        assert_eq!(opens, minute(-(3 * 40 + 10 + 40)), "three steps, a quarter of a lead, and the lead of priming");
    }

    #[test]
    fn while_caches_fill_only_what_is_needed_primed_is_raised_and_the_rest_at_the_last_moment() {
        let mut policy = policy();
        policy.limits.floor = Capacity(2);
        let mut still_cold = World::new(policy.clone(), release());
        let release = release();
        assert_eq!(still_cold.tick(&Launch::ahead(&release), minute(-85)).floor, Some(Capacity(4)));
        let why = still_cold.plan(&Launch::ahead(&release), minute(-65)).timeline[0].why.clone();
        assert!(why.contains("requests/s at p95"), "{why}");
        assert_eq!(still_cold.tick(&Launch::ahead(&release), minute(-65)).floor, Some(Capacity(12)));
        let mut warm = World::new(policy, release.clone());
        warm.tick(&Launch::ahead(&release), minute(-85));
        assert_eq!(warm.tick(&primed(&release), minute(-65)).floor, Some(Capacity(4)));
    }

    #[test]
    fn a_group_that_is_not_seen_keeps_its_floor() {
        let release = release();
        let (policy, history, stale) = (policy(), history(t0()), group(9, minute(-100)));
        for (group, held_now) in [
            (None, None),
            (Some(&stale), None),
            (None, Some(held(9, 9, minute(-60)))),
            (Some(&stale), Some(held(9, 9, minute(-60)))),
        ] {
            for now in [minute(-30), minute(60_000)] {
                let demand = Demand { history: &history, launches: vec![Launch::ahead(&release)], group, held: held_now };
                let plan = plan_group(&policy, &demand, now);
                assert_eq!((plan.held, plan.floor), (held_now, held_now.map(|held| held.floor)));
                assert!(plan.timeline.iter().all(|change| change.at > now), "{:?}", plan.timeline);
                assert_eq!(plan.problems[0], Problem::NotObserved);
            }
        }
    }

    #[test]
    fn what_is_not_known_is_a_problem_and_not_a_zero() {
        let release = Release { audience: None, ..release() };
        let demand = |launches| Demand { history: &[], launches, group: None, held: None };
        let plan = plan_group(&policy(), &demand(vec![Launch::ahead(&release)]), minute(-600));
        let expected = [Problem::NotObserved, Problem::NoHistory, Problem::NoAudience { release: name("reader-2.3") }];
        assert_eq!((plan.problems.as_slice(), plan.surge), (expected.as_slice(), Quantiles::default()));
        assert!(plan.baseline.p50 > 0.0, "guessed from the floor");
        let without = Policy { has_history: false, ..policy() };
        assert!(!plan_group(&without, &demand(vec![]), t0()).problems.contains(&Problem::NoHistory), "none was promised");
    }

    #[test]
    fn a_launch_that_is_called_off_or_out_already_needs_nothing() {
        let (release, out) = (release(), Release { released: true, ..release() });
        let off = Launch { course: Course::CalledOff, ended_at: Some(minute(-10)), ..Launch::ahead(&release) };
        for launch in [off.clone(), Launch::ahead(&out)] {
            let plan = plan(&launch, None, minute(-30));
            assert_eq!((plan.window, plan.floor, plan.timeline), (None, None, vec![]));
        }
        let back = plan(&off, Some(held(24, 24, minute(-65))), minute(-9));
        assert_eq!((back.floor, back.timeline[0].at), (Some(Capacity(22)), minute(-9)), "given back at once, by the ramp");
        assert_eq!(back.timeline.last().map(|change| change.to), Some(Capacity(4)));
    }

    #[test]
    fn an_aborted_launch_keeps_its_capacity_for_a_while() {
        let release = release();
        let launch = Launch { course: Course::Aborted, ended_at: Some(minute(20)), primed: Some(1.0), ..Launch::ahead(&release) };
        let at = |now| plan(&launch, Some(held(24, 24, minute(-65))), now).floor;
        assert_eq!((at(minute(20 + 359)), at(minute(20 + 361))), (Some(Capacity(24)), Some(Capacity(22))));
    }

    #[test]
    fn the_window_stays_open_however_long_the_rollout_is_held() {
        let release = release();
        let launch = Launch { course: Course::Underway, primed: Some(1.0), ..Launch::ahead(&release) };
        for hours in [1, 7, 24, 240] {
            let now = minute(hours * 60);
            let plan = plan(&launch, Some(held(24, 24, minute(-65))), now);
            assert_eq!(plan.floor, Some(Capacity(24)), "{hours} h");
            assert!(plan.window.unwrap().1 >= later(now, policy().hold_after));
        }
    }

    #[test]
    fn the_ramp_does_not_cut_below_what_adoption_still_needs() {
        let slow = Adoption::HalfLife { half_life: Duration::from_hours(24), ceiling: 1.0 };
        let audience = Audience { adoption: slow, cache_hit_ratio: None, clients: 60_000, ..audience() };
        let release = Release { audience: Some(audience), ..release() };
        let mut roomy = policy();
        roomy.limits = Limits { ceiling: Capacity(200), step: Capacity(200), quota: None, ..roomy.limits };
        let mut world = World::new(roomy, release.clone());
        world.tick(&Launch::ahead(&release), minute(-25));
        let raised = world.floor;
        let full = minute(60);
        let done = Launch { course: Course::Complete, full_at: Some(full), ended_at: Some(full), ..Launch::ahead(&release) };
        let mut floors = Vec::new();
        for quarter in 0..(14 * 96) {
            floors.push(world.tick(&done, minute(60 + quarter * 15)).floor.map_or(4, |floor| floor.0));
        }
        assert!(floors.is_sorted_by(|earlier, later| earlier >= later), "{floors:?}");
        let after_a_day = f64::from(floors[96]) / f64::from(raised.0);
        // At p95 clients came faster, so that less is left of them.
        assert!((0.3..0.5).contains(&after_a_day), "what is left after a day: {after_a_day}");
        assert_eq!((floors.last(), world.held), (Some(&4), None));
    }

    #[test]
    fn two_launches_add_where_they_overlap_and_not_where_they_do_not() {
        let first = Release { priming: Vec::new(), ..release() };
        let plan = |second_at: Timestamp| {
            let second = Release { name: name("other"), launch_at: second_at, ..first.clone() };
            let (policy, history, group) = (policy(), history(t0()), group(4, minute(-600)));
            let launches = vec![
                Launch { primed: Some(0.97), ..Launch::ahead(&second) },
                Launch { primed: Some(0.97), ..Launch::ahead(&first) },
            ];
            plan_group(&policy, &Demand { history: &history, launches, group: Some(&group), held: None }, minute(-600))
        };
        let (together, apart) = (plan(t0()), plan(minute(3 * 1_440)));
        assert!((together.surge.p95 / apart.surge.p95 - 2.0).abs() < 1e-6);
        let peaks = apart.timeline.windows(2).filter(|pair| pair[0].to > pair[0].from && pair[1].to < pair[1].from).count();
        assert_eq!(peaks, 2, "raised and given back twice: {:?}", apart.timeline);
    }

    #[test]
    fn coming_late_is_said_and_what_can_be_done_is_done() {
        let release = release();
        let plan = plan(&Launch { primed: Some(0.9), ..Launch::ahead(&release) }, None, minute(-10));
        assert_eq!(plan.floor, Some(Capacity(12)));
        assert!(plan.problems.contains(&Problem::Late { in_place_at: minute(30), launch_at: t0() }), "{:?}", plan.problems);
    }

    #[test]
    fn the_cost_limit_binds_and_is_named() {
        let release = Release { priming: Vec::new(), ..release() };
        let mut world = World::new(policy(), release.clone());
        let launch = Launch { primed: Some(0.9), ..Launch::ahead(&release) };
        let free = world.plan(&launch, minute(-600));
        world.policy.limits.cost = free.cost.map(|cost| cost / 2.0);
        let bound = world.plan(&launch, minute(-600));
        assert!(bound.instances < free.instances && bound.cost < free.cost);
        assert!(
            matches!(bound.problems.as_slice(), [.., Problem::Cost { expected, limit }] if expected > limit),
            "{:?}",
            bound.problems
        );
    }

    #[test]
    fn a_floor_changed_by_others_is_set_again_or_adopted() {
        let release = release();
        let (policy, history) = (policy(), history(t0()));
        let launch = Launch { course: Course::Underway, primed: Some(1.0), ..Launch::ahead(&release) };
        let with = |floor, observed_at| {
            let group = group(floor, observed_at);
            let held = Some(held(12, 12, minute(9)));
            plan_group(
                &policy,
                &Demand { history: &history, launches: vec![launch.clone()], group: Some(&group), held },
                minute(11),
            )
        };
        let lowered = with(4, minute(11));
        assert_eq!(
            (lowered.floor, lowered.timeline[0].at, lowered.timeline[0].to),
            (Some(Capacity(12)), minute(11), Capacity(12))
        );
        assert_eq!(with(20, minute(11)).floor, Some(Capacity(20)));
        assert_eq!(with(20, minute(9)).floor, Some(Capacity(12)), "seen before our own change: says nothing");
    }

    #[test]
    fn a_ceiling_that_is_too_low_for_a_moment_does_not_change_what_the_floor_goes_back_to() {
        let release = release();
        let (policy, history) = (policy(), history(t0()));
        let launch = Launch { course: Course::Underway, primed: Some(0.9), ..Launch::ahead(&release) };
        let next = |held, (floor, ceiling, at)| {
            let group = GroupObservation { ceiling: Capacity(ceiling), ..group(floor, minute(at)) };
            let demand = Demand { history: &history, launches: vec![launch.clone()], group: Some(&group), held: Some(held) };
            plan_group(&policy, &demand, minute(at)).held.unwrap()
        };
        let low = next(held(12, 12, minute(9)), (2, 2, 11));
        assert_eq!((low.floor, low.restore), (Capacity(2), Capacity(4)));
        let again = next(low, (2, 60, 13));
        assert!(again.floor > Capacity(2) && again.restore == Capacity(4), "{again:?}");
    }
}
