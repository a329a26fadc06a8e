//! A reader's API and its release, for the tests of this room: the incident of March 2014 in round numbers.
//!
//! Normal load 1,000 requests a minute; 12,000 clients that re-download 400 files each; a client retries every 2.5 s
//! for ever. It decides nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    Adoption, Audience, Demand, GroupPlan, HeldFloor, HitRatio, Launch, Limits, Policy, Price, RampDown, Retry, Uncertainty,
    Zones, plan_group,
};
use crate::core::decide::GroupObservation;
use crate::core::release::{Go, OnAbort, Release, Rollout, RolloutStep};
use crate::core::words::{Capacity, Name, Percent, Rate, Version};

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// T-0.
pub(super) fn t0() -> Timestamp {
    "2026-12-01T19:00:00Z".parse().unwrap()
}

/// T-0 plus minutes, which may be negative.
pub(super) fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_second(t0().as_second() + minutes * 60).unwrap()
}

/// 25 requests/s each, so four stand for six times the normal load; at most 24.
pub(super) fn policy() -> Policy {
    Policy {
        name: name("reader-api"),
        capacity_per_instance: Rate::per_second(25.0).unwrap(),
        headroom_percent: 30.0,
        zones: Some(Zones { count: 2, survive_loss: 1 }),
        limits: Limits {
            floor: Capacity(4),
            ceiling: Capacity(24),
            step: Capacity(8),
            quota: Some(Capacity(40)),
            cost: None,
            override_for: Duration::from_hours(24),
        },
        price: Some(Price { per_instance_hour: 0.5, currency: "USD".into() }),
        lead: Duration::from_mins(20),
        hold_after: Duration::from_hours(6),
        ramp_down: RampDown { percent: 10.0, every: Duration::from_mins(15) },
        has_history: true,
        keeps_schedule: false,
        tells_of_trouble: true,
        time_zone: None,
        service: None,
        usl: None,
    }
}

pub(super) fn audience() -> Audience {
    Audience {
        clients: 12_000,
        adoption: Adoption::HalfLife { half_life: Duration::from_mins(45), ceiling: 0.6 },
        requests_per_client: 400.0,
        cache_hit_ratio: Some(HitRatio { cold: 0.05, primed: 0.995 }),
        retry: Some(Retry { every: Duration::from_millis(2_500), limit: None }),
        parallel: 1,
        uncertainty: Uncertainty::default(),
    }
}

/// 10 % for 30 minutes, 50 % for 30 minutes, 100 %.
pub(super) fn release() -> Release {
    let step = |percent: u32, minutes| RolloutStep {
        percent: Percent::from_ppm(percent * 10_000).unwrap(),
        dwell: Duration::from_mins(minutes),
        bake: Duration::ZERO,
    };
    Release {
        name: name("reader-2.3"),
        app: name("reader"),
        version: Version::new("2.3.0").unwrap(),
        channels: vec![name("release")],
        from: None,
        early: Vec::new(),
        launch_at: t0(),
        time_zone: None,
        go: Go::Manual,
        released: false,
        shadow: false,
        checklists: Vec::new(),
        scaling: vec![name("reader-api")],
        priming: vec![name("reader-content")],
        gate: None,
        shield: Vec::new(),
        rollout: Rollout { steps: vec![step(10, 30), step(50, 30), step(100, 0)], on_abort: OnAbort::Halt },
        audience: Some(audience()),
    }
}

/// Three days of 1,000 requests a minute, by the hour, until an instant.
pub(super) fn history(until: Timestamp) -> Vec<(Timestamp, f64)> {
    let start = until.as_second() - 3 * 86_400;
    let instants = (start..until.as_second()).step_by(3_600).filter_map(|second| Timestamp::from_second(second).ok());
    instants.map(|at| (at, 1_000.0 / 60.0)).collect()
}

/// A group that has what its floor asks for.
pub(super) fn group(floor: u32, observed_at: Timestamp) -> GroupObservation {
    let zones = BTreeMap::from([("a".into(), floor.div_ceil(2)), ("b".into(), floor / 2)]);
    GroupObservation { zones, ..GroupObservation::at_floor(Capacity(floor), Capacity(40), observed_at) }
}

/// A floor held since an instant, over four.
pub(super) fn held(floor: u32, peak: u32, since: Timestamp) -> HeldFloor {
    HeldFloor { floor: Capacity(floor), restore: Capacity(4), peak: Capacity(peak), since, stepped: Capacity(8) }
}

/// A group that carries out its plans at once, as a world of its own.
pub(super) struct World {
    pub policy: Policy,
    pub release: Release,
    pub floor: Capacity,
    pub held: Option<HeldFloor>,
    history: Vec<(Timestamp, f64)>,
}

impl World {
    pub(super) fn new(policy: Policy, release: Release) -> Self {
        let floor = policy.limits.floor;
        Self { policy, release, floor, held: None, history: history(t0()) }
    }

    pub(super) fn plan(&self, launch: &Launch<'_>, now: Timestamp) -> GroupPlan {
        let group = group(self.floor.0, now);
        let launches = vec![Launch { release: &self.release, ..launch.clone() }];
        plan_group(&self.policy, &Demand { history: &self.history, launches, group: Some(&group), held: self.held }, now)
    }

    pub(super) fn tick(&mut self, launch: &Launch<'_>, now: Timestamp) -> GroupPlan {
        let plan = self.plan(launch, now);
        self.held = plan.held;
        self.floor = plan.floor.unwrap_or(self.floor);
        plan
    }
}
