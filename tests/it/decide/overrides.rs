//! Overrides through whole decisions: restarts, ends, windows, precedence, refusals, and a surge that holds the rollout.

use std::time::Duration;

use tminus::core::decide::{Effect, GroupObservation, Order};
use tminus::core::load::{OverrideKind, OverrideTo};
use tminus::core::words::{Capacity, later};

use super::bench::{Bench, name};

const DOCUMENTS: &str = "
apiVersion: tminus/v1
kind: Release
name: first
app: App
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
go: auto
scaling: [group]
rollout: {steps: [{percent: 1, dwell: 5m}, {percent: 50, dwell: 5m}, {percent: 100, bake: 20m}]}
audience: {clients: 2k, adoption: {half_life: 1h}, requests_per_client: 10}
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: group
group: {aws: {name: group, region: us-west-2}}
capacity_per_instance: 20/s
headroom: 0
limits: {floor: 3, ceiling: 30, step: 6, override_for: 8h, cost: 100}
price: {per_instance_hour: 0.5}
lead: 10m
hold_after: 30m
ramp_down: {percent: 25, every: 5m}
";

/// The group does what it is told.
struct Day {
    bench: Bench,
    floor: u32,
    told: Vec<String>,
}

/// Loads that are measured.
const MEASURED: &str = "load: {source: counts, query: load}
---
apiVersion: tminus/v1
kind: MetricsSource
name: counts
push: {}
queries: {load: {series: load}}
";

impl Day {
    fn new() -> Self {
        Self::of(DOCUMENTS)
    }

    fn of(documents: &str) -> Self {
        let mut day = Self { bench: Bench::new(documents), floor: 3, told: Vec::new() };
        day.pass(1);
        day
    }

    /// Sixty hours of a load until so many hours ago, and of another one since.
    fn carried(&mut self, before: f64, since_hours: i64, after: f64) {
        let now = self.bench.now;
        let load = |ago: i64| if ago > since_hours { before } else { after };
        let hours = (1..=60_i64).rev().map(|ago| (now - Duration::from_hours(ago.unsigned_abs()), load(ago))).collect();
        self.bench.observed.history.insert(name("group"), hours);
    }

    fn pass(&mut self, minutes: u64) {
        for _ in 0..minutes {
            self.bench.now = later(self.bench.now, Duration::from_mins(1));
            self.tick();
        }
    }

    fn tick(&mut self) {
        let floor = Capacity(self.floor);
        let seen = GroupObservation::at_floor(floor, Capacity(40), self.bench.now);
        self.bench.observed.groups.insert(name("group"), seen);
        self.bench.decide(Vec::new());
        self.obey();
    }

    fn obey(&mut self) {
        for intent in &self.bench.last.intents {
            match &intent.effect {
                Effect::SetFloor { floor, .. } => self.floor = floor.0,
                Effect::Notify(said) if said.key.starts_with("override:") => self.told.push(said.what.clone()),
                _ => {}
            }
        }
    }

    fn impose(&mut self, to: OverrideTo, minutes: u64) -> String {
        let order = Order::Override { group: name("group"), to, expires_at: later(self.bench.now, Duration::from_mins(minutes)) };
        let code = self.bench.code("ann operator", order);
        self.obey();
        code
    }
}

fn at_least(floor: u32) -> OverrideTo {
    OverrideTo::Floor(Capacity(floor))
}

#[test]
fn one_that_is_in_force_survives_a_restart_and_ends_once_by_the_ramp() {
    let mut day = Day::new();
    day.bench.config.releases.clear();
    assert_eq!(day.impose(at_least(12), 60), "overridden");
    day.pass(12);
    assert_eq!(day.floor, 12, "two steps, a lead apart");
    let kept = serde_json::to_string(&day.bench.state).unwrap();
    day.bench.state = serde_json::from_str(&kept).unwrap();
    day.bench.state.epoch += 1;
    day.pass(40);
    assert_eq!((day.floor, day.told.len()), (12, 1), "{:?}", day.told);
    assert!(day.told[0].starts_with("The floor of 12 that ann imposed on group ends in 15m"), "{:?}", day.told);
    let mut floors = Vec::new();
    for _ in 0..40 {
        day.pass(1);
        floors.push(day.floor);
    }
    assert!(floors.is_sorted_by(|one, next| one >= next && one - next <= 3), "by the ramp: {floors:?}");
    assert_eq!((floors.last(), day.told.len()), (Some(&3), 2), "{:?}", day.told);
    assert_eq!(day.told[1], "The floor of 12 that ann imposed on group is over.");
}

#[test]
fn nothing_is_given_back_inside_a_window_though_the_override_ends_there() {
    let mut day = Day::new();
    assert_eq!(day.impose(at_least(9), 65), "overridden");
    day.pass(80);
    assert!(day.bench.state.overrides.list.is_empty(), "it is over");
    assert_eq!((day.bench.phase("first"), day.floor), ("rolling", 9));
}

#[test]
fn nothing_is_given_back_while_nobody_knows_the_load() {
    let mut day = Day::of(&[DOCUMENTS, MEASURED].concat());
    day.bench.config.releases.clear();
    day.carried(20.0, 0, 20.0);
    assert_eq!(day.impose(at_least(12), 30), "overridden");
    day.pass(25);
    assert_eq!(day.floor, 12);
    let known = day.bench.observed.history.clone();
    for unknown in ["absent", "two days old"] {
        day.bench.observed.history.clear();
        if unknown != "absent" {
            let old = known[&name("group")].iter().map(|(at, load)| (*at - Duration::from_hours(48), *load)).collect();
            day.bench.observed.history.insert(name("group"), old);
        }
        day.pass(30);
        assert_eq!(day.floor, 12, "its history is {unknown}");
    }
    let planned = &day.bench.last.plans[&name("group")].timeline;
    assert!(planned.last().is_some_and(|last| last.to == Capacity(3)), "its way back is planned: {planned:?}");
    day.bench.observed.history = known;
    day.pass(60);
    assert_eq!(day.floor, 3);
}

#[test]
fn the_surge_of_a_launch_is_no_ordinary_load_while_it_goes_on() {
    let mut day = Day::of(&[DOCUMENTS, MEASURED].concat());
    day.carried(20.0, 0, 20.0);
    day.pass(62);
    assert_eq!(day.bench.phase("first"), "rolling");
    let planned = |day: &Day| day.bench.last.plans[&name("group")].baseline.p95;
    let before = planned(&day);
    day.pass(120);
    day.carried(20.0, 3, 400.0);
    day.pass(1);
    assert!(planned(&day) <= before * 1.05, "{} after {before}", planned(&day));
    assert!(day.floor <= 9, "{}", day.floor);
}

#[test]
fn more_capacity_waits_for_nothing_while_steps_allow_it() {
    let mut day = Day::new();
    day.bench.config.releases.clear();
    assert_eq!(day.impose(at_least(5), 60), "overridden");
    day.tick();
    assert_eq!(day.floor, 5);
    day.pass(1);
    assert_eq!(day.impose(at_least(9), 60), "overridden");
    day.pass(1);
    assert_eq!(day.floor, 9, "six in a lead, as the step says");
    assert_eq!(day.impose(at_least(15), 60), "overridden");
    day.pass(8);
    assert_eq!(day.floor, 9, "and then a lead later");
    day.pass(4);
    assert_eq!(day.floor, 15);
}

#[test]
fn a_frozen_group_is_left_alone_whatever_is_planned() {
    let mut day = Day::new();
    assert_eq!(day.impose(OverrideTo::Freeze, 60), "overridden");
    assert_eq!(day.impose(at_least(9), 240), "overridden");
    assert!(day.bench.last.replies[0].as_ref().unwrap().message.contains("is stronger"), "{:?}", day.bench.last.replies);
    day.pass(55);
    assert_eq!(day.floor, 3);
    day.pass(10);
    assert_eq!(day.floor, 9, "and then what else is in force counts");
    assert_eq!(day.bench.code("ann", Order::ClearOverride { group: name("group"), kind: OverrideKind::Floor }), "cleared");
}

#[test]
fn what_limits_forbid_is_refused_with_its_code() {
    let mut day = Day::new();
    for (to, minutes, code) in [
        (at_least(31), 60, "!beyond_limits"),
        (at_least(2), 60, "!beyond_limits"),
        (OverrideTo::Pin(Capacity(99)), 60, "!beyond_limits"),
        (at_least(9), 0, "!already_over"),
        (at_least(9), 9 * 60, "!beyond_maximum"),
        (at_least(30), 8 * 60, "!beyond_cost"),
    ] {
        assert_eq!(day.impose(to, minutes), code, "{to:?} for {minutes} min");
        assert!(day.bench.state.overrides.list.is_empty());
    }
    let (group, kind, by) = (name("group"), OverrideKind::Floor, Duration::from_hours(1));
    assert_eq!(day.bench.code("ann", Order::ExtendOverride { group: group.clone(), kind, by }), "!no_override");
    assert_eq!(day.impose(at_least(6), 7 * 60 + 30), "overridden");
    assert_eq!(day.bench.code("ann", Order::ExtendOverride { group, kind, by }), "!beyond_maximum");
}

#[test]
fn a_surge_above_its_forecast_holds_the_steps_and_raises_the_floor() {
    let mut day = Day::new();
    let now = day.bench.now;
    let hours = (1..60).rev().map(|ago| (now - Duration::from_hours(ago), 20.0)).collect();
    day.bench.observed.history.insert(name("group"), hours);
    day.pass(62);
    assert_eq!(day.bench.phase("first"), "rolling");
    let before = day.floor;
    let now = day.bench.now;
    day.bench.observed.recent.insert(name("group"), (0..5).rev().map(|ago| (now - Duration::from_mins(ago), 400.0)).collect());
    day.pass(1);
    let waiting = day.bench.last.releases[&name("first")].waiting.join(" ");
    assert!(waiting.contains("group carries 400 requests/s since"), "{waiting}");
    assert_eq!(day.floor, before + 6, "by a step");
    day.bench.observed.recent.clear();
    day.pass(1);
    let waiting = day.bench.last.releases[&name("first")].waiting.join(" ");
    assert!(!waiting.contains("carries"), "{waiting}");
    assert_eq!(day.floor, before + 6, "missing metrics take nothing away");
}
