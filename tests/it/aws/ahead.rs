//! Launches on a clock that the test turns: the core decides, the provider writes, the service fires what is scheduled.
//!
//! The daemon of these tests is alive only while it ticks. What it finds after hours of absence must be what it wanted.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::check::check;
use tminus::core::decide::{
    Command, Config, Decision, Effect, Observations, Order, Person, PlanView, Snapshot, State, decide, plan_view,
};
use tminus::core::load::{OverrideKind, OverrideTo};
use tminus::core::words::Capacity;
use tminus::shell::groups::{AwsGroups, Look};
use tminus::shell::settings::load_texts;

use super::fake::Fake;
use super::fake::world::Change;
use super::{name, provider};

pub(super) const API: &str = "api";
/// What the group has without tminus, and what the launch needs: all that is allowed.
const BEFORE: i64 = 4;
const NEEDED: i64 = 24;
pub(super) const HOUR: i64 = 60;

const DOCUMENTS: &str = r"
apiVersion: tminus/v1
kind: ScalingPolicy
name: api
group: {aws: {name: api, region: us-west-2}}
capacity_per_instance: 25/s
limits: {floor: 4, ceiling: 24, step: 8}
lead: 20m
hold_after: 6h
ramp_down: {percent: 10, every: 15m}
---
apiVersion: tminus/v1
kind: Release
name: reader
app: reader
version: 2.0.0
channels: [release]
launch_at: T0
go: manual
MORE
scaling: [api]
rollout: {steps: [{percent: 10, dwell: 30m}, {percent: 50, dwell: 30m}, {percent: 100, bake: 1h}]}
audience:
  clients: CLIENTS
  adoption: {half_life: 45m, ceiling: 60}
  requests_per_client: 400
---
apiVersion: tminus/v1
kind: Checklist
name: launch
items:
  - {id: capacity, title: The group holds the surge, due: T-10m, check: {capacity: {group: api, quantile: p95}}}
";

/// The world, and the daemon's memory.
pub(super) struct Rig {
    pub(super) fake: Fake,
    groups: AwsGroups,
    pub(super) config: Config,
    state: State,
    observed: Observations,
    /// Who will come; 12k ask for more than the limits allow.
    pub(super) clients: &'static str,
    /// What people read of the last decision.
    pub(super) plan: Option<PlanView>,
    /// The group does not answer.
    unseen: bool,
    pub(super) t0: i64,
}

/// Four hours before T-0, which is at a whole hour; the release says more.
pub(super) async fn rig(more: &str) -> Rig {
    let fake = Fake::serve().await;
    fake.world().stop();
    fake.world().add(API, (BEFORE, NEEDED));
    let groups = provider(&fake, &[API]);
    let t0 = (fake.world().now / 3_600 + 5) * 3_600;
    let (config, state, observed) = (Config::default(), State::default(), Observations::default());
    let mut rig = Rig { fake, groups, config, state, observed, clients: "12k", plan: None, unseen: false, t0 };
    rig.documents(t0, more);
    rig.until(-4 * HOUR);
    rig
}

impl Rig {
    pub(super) fn documents(&mut self, launch_at: i64, more: &str) {
        let at = Timestamp::from_second(launch_at).unwrap().to_string();
        let text = DOCUMENTS.replace("T0", &format!("\"{at}\"")).replace("MORE", more).replace("CLIENTS", self.clients);
        let loaded = load_texts(&[("test.yaml".into(), text)]);
        assert!(!loaded.has_errors(), "{:#?}", loaded.findings);
        self.config = loaded.documents.config;
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.fake.world().now).unwrap()
    }

    /// Time passes until so many minutes after T-0, and nobody looks.
    pub(super) fn until(&self, minutes: i64) {
        let mut world = self.fake.world();
        let left = self.t0 + minutes * 60 - world.now;
        world.skip(left);
    }

    /// The daemon looks, decides and acts, with an order.
    pub(super) async fn order(&mut self, order: Option<Order>) -> Decision {
        let look = Look { within: Duration::from_secs(5), near: BTreeSet::from([name(API)]) };
        let now = self.now();
        self.observed.groups.clear();
        for (group, seen) in self.groups.observe(&look).await {
            let mut seen = seen.unwrap();
            seen.observed_at = now;
            if !self.unseen {
                self.observed.groups.insert(group, seen);
            }
        }
        let by = Person { name: name("ann"), roles: vec![name("admin"), name("operator")] };
        let command = |order| Command { by: by.clone(), order, reason: "a test".into() };
        let commands = order.map(command).into_iter().collect();
        let (config, state, observed) = (self.config.clone(), self.state.clone(), self.observed.clone());
        let snapshot = Snapshot { config, state, observed, commands, now };
        let decision = decide(&snapshot);
        assert_eq!(check(&decision, &snapshot), [], "at {now}");
        self.plan = self.config.releases.get(&name("reader")).map(|release| plan_view(&snapshot, &decision, release));
        self.state = decision.state.clone();
        for intent in &decision.intents {
            match &intent.effect {
                Effect::SetFloor { group, floor, .. } => Box::pin(self.groups.set_floor(group, floor.0)).await.unwrap(),
                Effect::ScheduleFloors { group, floors, .. } => Box::pin(self.groups.put_schedule(group, floors)).await.unwrap(),
                _ => {}
            }
        }
        decision
    }

    pub(super) async fn tick(&mut self) -> Decision {
        self.order(None).await
    }

    /// The daemon starts anew: what it read at its last look it reads again.
    pub(super) fn fresh(&mut self) {
        self.groups = provider(&self.fake, &[API]);
    }

    /// The daemon lives, a look a minute, until so many minutes after T-0.
    pub(super) async fn live(&mut self, minutes: i64) {
        while self.now().as_second() < self.t0 + minutes * 60 {
            self.fake.world().skip(60);
            self.tick().await;
        }
    }

    fn min(&self) -> i64 {
        self.fake.world().group(API).min
    }

    /// Minimum sizes over time, in minutes after T-0 and instances.
    pub(super) fn sizes(&self) -> Vec<(i64, i64)> {
        self.fake.world().sizes(API).into_iter().map(|(at, size)| ((at - self.t0).div_euclid(60), size)).collect()
    }

    /// The minimum size after so many entries of the ledger.
    pub(super) fn sizes_before(&self, entries: usize) -> i64 {
        let size = |change: &Change| if let Change::Min(to) | Change::Fired(to) = change { Some(*to) } else { None };
        self.fake.world().ledger[..entries].iter().rev().find_map(|(_, _, change)| size(change)).unwrap_or(BEFORE)
    }

    fn scheduled(&self) -> usize {
        self.fake.world().group(API).actions.len()
    }
}

/// What a decision asks of groups.
fn asked(decision: &Decision) -> Vec<&str> {
    let of_groups = |effect: &Effect| matches!(effect, Effect::SetFloor { .. } | Effect::ScheduleFloors { .. });
    decision.intents.iter().filter(|intent| of_groups(&intent.effect)).map(|intent| intent.key.as_str()).collect()
}

/// In bounds always, up before T-0, untouched in the window, back after it in steps.
fn check_sizes(sizes: &[(i64, i64)], kept_until: i64) {
    assert!(sizes.iter().all(|(_, size)| (BEFORE..=NEEDED).contains(size)), "{sizes:?}");
    let up: Vec<_> = sizes.iter().take_while(|(at, _)| *at < 0).collect();
    assert!(up.is_sorted_by_key(|(_, size)| size) && up.last().is_some_and(|(_, size)| *size == NEEDED), "{sizes:?}");
    let down: Vec<_> = sizes.iter().skip(up.len()).collect();
    assert!(down.iter().all(|(at, _)| *at >= kept_until), "{sizes:?}");
    assert!(down.is_sorted_by(|one, other| one.1 >= other.1), "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_dead_from_an_hour_before_had_the_capacity_up_and_finds_nothing_to_do() {
    for returns in [7 * HOUR, 7 * HOUR + 31, 8 * HOUR, 8 * HOUR + 10, 12 * HOUR] {
        let mut rig = rig("").await;
        rig.live(-HOUR - 30).await;
        assert_eq!(rig.min(), BEFORE, "nothing is raised yet");
        for minutes in [-20, 0, HOUR, 3 * HOUR, 7 * HOUR - 1] {
            rig.until(minutes);
            let needed = if minutes < 0 { 12 } else { NEEDED };
            assert!(rig.min() >= needed, "{} at T{minutes}m: {:?}", rig.min(), rig.sizes());
        }
        rig.until(returns);
        let before = rig.fake.world().ledger.clone();
        let first = rig.tick().await;
        assert_eq!(asked(&first), Vec::<&str>::new(), "back at T+{returns}m: {:?}", rig.sizes());
        assert_eq!(rig.fake.world().ledger, before);
        rig.live(returns + 2).await;
        rig.live(12 * HOUR).await;
        assert_eq!(rig.min(), BEFORE, "back at T+{returns}m: {:?}", rig.sizes());
        check_sizes(&rig.sizes(), 7 * HOUR);
        assert_eq!((rig.scheduled(), rig.state.floors.len()), (0, 0), "back at T+{returns}m");
        let problems = &rig.tick().await.plans[&name(API)].problems;
        assert!(
            problems.iter().any(|problem| problem.sentence(&name(API)).contains("give reader a new launch_at")),
            "{problems:?}"
        );

        // A new date, and all of it is there again.
        let next = rig.t0 + 24 * 3_600;
        rig.documents(next, "");
        rig.tick().await;
        assert!(rig.scheduled() > 4, "{}", rig.scheduled());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_lives_sets_each_floor_once_and_leaves_no_schedule_behind() {
    let mut rig = rig("").await;
    rig.live(1).await;
    let go = rig.order(Some(Order::Go { release: name("reader") })).await;
    assert!(go.replies[0].is_ok(), "{:?}", go.replies);
    rig.live(2).await;
    let promoted = rig.order(Some(Order::Promote { release: name("reader") })).await;
    assert!(promoted.replies[0].is_ok(), "{:?}", promoted.replies);
    rig.live(14 * HOUR).await;
    check_sizes(&rig.sizes(), 6 * HOUR);
    let world = rig.fake.world();
    let twice = world.ledger.iter().filter(|(_, _, change)| matches!(change, Change::Again(_))).count();
    let written = world.called("BatchPutScheduledUpdateGroupAction");
    let (sizes, actions) = (world.sizes(API), world.groups[API].actions.clone());
    drop(world);
    assert_eq!((twice, actions.len(), rig.state.floors.len(), rig.state.schedules.len()), (0, 0, 0, 0), "{actions:?}");
    assert_eq!(sizes.last().map(|(_, size)| *size), Some(BEFORE));
    assert!(written <= 30, "{written} writes in eighteen hours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_slips_moves_the_schedule_and_a_launch_that_is_called_off_removes_it() {
    let mut rig = rig("").await;
    rig.live(-3 * HOUR).await;
    let kept = |rig: &Rig| rig.fake.world().group(API).actions.values().map(|action| action.at).collect::<Vec<_>>();
    let first = kept(&rig).into_iter().min().unwrap();
    rig.documents(rig.t0 + 3_600, "");
    rig.tick().await;
    assert_eq!(kept(&rig).into_iter().min().unwrap(), first + 3_600);
    let count = rig.scheduled();
    rig.live(-3 * HOUR + 30).await;
    assert_eq!(rig.scheduled(), count, "and nothing of before");
    let scrubbed = rig.order(Some(Order::Scrub { release: name("reader") })).await;
    assert!(scrubbed.replies[0].is_ok());
    rig.live(-3 * HOUR + 35).await;
    assert_eq!((rig.scheduled(), rig.sizes()), (0, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_slips_while_the_group_is_not_seen_takes_out_what_would_come_in_its_window() {
    for blind in [true, false] {
        let mut rig = rig("").await;
        rig.live(-2 * HOUR).await;
        if blind {
            rig.unseen = true;
        } else {
            rig.fake.world().denied = vec!["DescribeScheduledActions"];
            rig.fresh();
        }
        let moved = rig.t0 + 6 * 3_600;
        rig.documents(moved, "");
        let freeze = imposed(&rig, OverrideTo::Freeze, -HOUR);
        rig.fake.world().denied.clear();
        assert!(rig.order(Some(freeze)).await.replies[0].is_ok());
        let window = 6 * HOUR - 20..12 * HOUR;
        assert!(kept(&rig).iter().all(|(at, to)| !window.contains(at) || *to > BEFORE), "blind: {blind}: {:?}", kept(&rig));
        rig.unseen = false;
        rig.live(6 * HOUR).await;
        assert_eq!(rig.min(), NEEDED, "blind: {blind}: {:?}", rig.sizes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_add_to_a_raise_that_came_by_itself_goes_back_with_it() {
    let mut rig = rig("").await;
    rig.clients = "4k";
    rig.documents(rig.t0, "");
    rig.live(-HOUR - 30).await;
    rig.until(0);
    assert!((BEFORE + 1..NEEDED).contains(&rig.min()), "{:?}", rig.sizes());
    rig.fake.world().set_min(API, NEEDED).unwrap();
    rig.until(30);
    rig.live(2 * HOUR).await;
    assert_eq!(rig.min(), NEEDED, "{:?}", rig.sizes());
    assert!(rig.scheduled() > 0, "its way back is kept");
    // The launch is not begun, and nobody looks any more.
    rig.until(14 * HOUR);
    rig.live(14 * HOUR + 2).await;
    assert_eq!((rig.min(), rig.scheduled()), (BEFORE, 0), "{:?}", rig.sizes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_changes_nothing() {
    let mut rig = rig("shadow: true").await;
    rig.live(2 * HOUR).await;
    assert_eq!((rig.scheduled(), rig.fake.world().ledger.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raise_of_others_in_the_window_is_not_taken_back_and_a_lowering_is_set_right() {
    let mut rig = rig("").await;
    rig.live(10).await;
    rig.fake.world().set_min(API, 6).unwrap();
    rig.live(12).await;
    assert_eq!(rig.min(), NEEDED, "{:?}", rig.sizes());
}

/// When an action of ours begins, and the floor it sets, in minutes after T-0.
fn kept(rig: &Rig) -> Vec<(i64, i64)> {
    let world = rig.fake.world();
    let of = |action: &super::fake::world::Action| ((action.at - rig.t0).div_euclid(60), action.min.unwrap_or(-1));
    let mut kept: Vec<_> = world.groups[API].actions.values().map(of).collect();
    kept.sort_unstable();
    kept
}

pub(super) fn imposed(rig: &Rig, to: OverrideTo, until: i64) -> Order {
    let expires_at = Timestamp::from_second(rig.t0 + until * 60).unwrap();
    Order::Override { group: name(API), to, expires_at }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_group_does_not_change_by_itself_and_catches_up_when_the_freeze_ends() {
    let mut rig = rig("").await;
    rig.live(-2 * HOUR).await;
    assert!(kept(&rig).iter().any(|(at, _)| *at < -10), "{:?}", kept(&rig));
    // A freeze over the first raise, and then nobody looks until it is nearly over.
    let freeze = imposed(&rig, OverrideTo::Freeze, -10);
    let frozen = rig.order(Some(freeze)).await;
    assert!(frozen.replies[0].is_ok(), "{:?}", frozen.replies);
    assert!(kept(&rig).iter().all(|(at, _)| *at >= -10), "taken out in the decision that froze it: {:?}", kept(&rig));
    assert!(kept(&rig).iter().any(|(at, to)| *at < 0 && *to > BEFORE), "and it is raised as soon as it is over");
    rig.until(-11);
    assert_eq!(rig.sizes(), [], "nothing came by itself");
    rig.live(-10).await;
    rig.until(HOUR);
    assert!(rig.min() > BEFORE, "by itself after the freeze: {:?}", rig.sizes());
    assert!(rig.sizes().iter().all(|(at, _)| *at >= -10), "{:?}", rig.sizes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_of_a_group_that_is_due_this_minute_or_not_seen_takes_out_what_is_kept() {
    for seen in [true, false] {
        let mut rig = rig("").await;
        rig.live(-2 * HOUR).await;
        let first = kept(&rig)[0].0;
        // AWS carries out what is due up to two minutes later: it is due and has not come.
        rig.until(if seen { first } else { first - 30 });
        if !seen {
            rig.fake.world().denied = vec!["DescribeScheduledActions"];
            rig.tick().await;
            rig.fake.world().denied = Vec::new();
        }
        let freeze = imposed(&rig, OverrideTo::Freeze, 2 * HOUR);
        rig.unseen = !seen;
        let frozen = rig.order(Some(freeze)).await;
        assert!(frozen.replies[0].is_ok(), "{:?}", frozen.replies);
        rig.unseen = false;
        assert!(kept(&rig).iter().all(|(at, _)| *at >= 2 * HOUR), "{:?}", kept(&rig));
        rig.live(2 * HOUR - 1).await;
        assert_eq!(rig.sizes(), [], "seen: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_freeze_puts_back_what_was_kept_and_a_pin_bounds_it() {
    let mut rig = rig("").await;
    rig.live(-2 * HOUR).await;
    let before = kept(&rig);
    let freeze = imposed(&rig, OverrideTo::Freeze, 4 * HOUR);
    rig.order(Some(freeze)).await;
    assert_ne!(kept(&rig), before);
    rig.order(Some(Order::ClearOverride { group: name(API), kind: OverrideKind::Freeze })).await;
    assert_eq!(kept(&rig), before);

    let pin = imposed(&rig, OverrideTo::Pin(Capacity(8)), 4 * HOUR);
    let pinned = rig.order(Some(pin)).await;
    assert!(pinned.replies[0].is_ok(), "{:?}", pinned.replies);
    let within = |(at, to): &(i64, i64)| *at >= 4 * HOUR || *to == 8;
    assert!(kept(&rig).iter().all(within), "{:?}", kept(&rig));
    rig.live(-HOUR).await;
    rig.until(4 * HOUR - 2);
    assert!(rig.sizes().iter().all(|(_, size)| *size == 8), "{:?}", rig.sizes());
    assert_eq!(rig.min(), 8);
}
