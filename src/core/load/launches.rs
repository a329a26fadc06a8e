//! Whole launches through the plans, with any audience, limits and coverage: the invariants of floors (I3) as tests.
//!
//! It decides nothing.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::fixture::{World, audience, minute, policy, release, t0};
use super::{Audience, Course, Launch, Limits, Policy};
use crate::core::release::Release;
use crate::core::words::Capacity;

/// The course of a launch that goes by its plan, and is complete an hour after 100 %.
fn course(release: &Release, now: Timestamp, covered: f64) -> Launch<'_> {
    let (full, done) = (minute(60), minute(120));
    let course = if now < t0() {
        Course::Ahead
    } else if now < done {
        Course::Underway
    } else {
        Course::Complete
    };
    Launch {
        release,
        course,
        primed: Some(covered),
        due_at: None,
        ended_at: (now >= done).then_some(done),
        full_at: (now >= full).then_some(full),
        recorded: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn through_a_whole_launch_no_scale_in_in_the_window_no_jump_and_all_is_given_back(
        clients in 0..60_000u64, step in 1..30u32, ceiling in 4..80u32, percent in 1.0..50.0f64, lead_mins in 0..60u64,
        coverage in prop::collection::vec(0.0..=1.0f64, 12), tick_mins in 5..12i64,
    ) {
        let mut policy = policy();
        policy.limits = Limits { step: Capacity(step), ceiling: Capacity(ceiling), ..policy.limits };
        policy.ramp_down.percent = percent;
        policy.lead = Duration::from_mins(lead_mins);
        let audience = Audience { clients, ..audience() };
        let mut world = World::new(policy, Release { audience: Some(audience), ..release() });
        let document = world.release.clone();
        for tick in 0..640 {
            let minutes = -1_000 + tick * tick_mins;
            let now = minute(minutes);
            // Coverage rises, falls and rises again while the launch goes on.
            let covered = coverage[usize::try_from(minutes.rem_euclid(1_200) / 100).unwrap()];
            let launch = course(&document, now, covered);
            let before = world.floor;
            let plan = world.tick(&launch, now);
            let again = world.plan(&launch, now);
            prop_assert_eq!(again.floor.unwrap_or(world.floor), world.floor, "carried out, it asks for nothing");
            prop_assert!(again.timeline.iter().all(|change| change.at > now), "{:?}", again.timeline);
            prop_assert!(world.floor >= Capacity(4) && world.floor.0 <= ceiling.min(40), "within limits");
            prop_assert!(world.floor.0.abs_diff(before.0) <= step, "by at most a step");
            let (opens, ends) = plan.window.unwrap_or((Timestamp::MAX, Timestamp::MIN));
            if opens <= now && now < ends {
                prop_assert!(world.floor >= before, "no scale-in inside the window");
            }
            if world.floor < before {
                let raised = f64::from(plan.held.unwrap().peak.0 - 4);
                prop_assert!(f64::from(before.0 - world.floor.0) <= (raised * percent / 100.0).ceil().max(1.0));
            }
            prop_assert!(plan.instances.0 <= ceiling.min(40) && plan.amplification >= 1.0 && plan.load.p95.is_finite());
        }
        prop_assert_eq!((world.floor, world.held), (Capacity(4), None), "all is given back");
    }

    #[test]
    fn more_clients_or_headroom_never_plan_fewer_instances(
        clients in 0..100_000u64, more in 0..100_000u64, headroom in 0.0..200.0f64, extra in 0.0..100.0f64, covered in 0.0..=1.0f64,
    ) {
        let plan = |clients, headroom_percent| {
            let policy = Policy { headroom_percent, ..policy() };
            let world = World::new(policy, Release { audience: Some(Audience { clients, ..audience() }), ..release() });
            world.plan(&Launch { primed: Some(covered), ..Launch::ahead(&world.release) }, minute(-600))
        };
        let base = plan(clients, headroom);
        prop_assert!(plan(clients + more, headroom).instances >= base.instances);
        prop_assert!(plan(clients, headroom + extra).instances >= base.instances);
        prop_assert!(base.timeline.iter().all(|change| change.to.0 <= 24 && change.to.0 >= 4));
        prop_assert!(base.timeline.is_sorted_by_key(|change| change.at));
    }

    #[test]
    fn the_timeline_is_what_later_plans_decide(clients in 0..60_000u64, step in 1..30u32, covered in 0.0..=1.0f64) {
        let mut policy = policy();
        policy.limits.step = Capacity(step);
        let mut world = World::new(policy, Release { audience: Some(Audience { clients, ..audience() }), ..release() });
        let document = world.release.clone();
        let launch = Launch { primed: Some(covered), ..Launch::ahead(&document) };
        let planned: Vec<_> = world.plan(&launch, minute(-600)).timeline;
        for change in planned.iter().filter(|change| change.at < t0()) {
            prop_assert_eq!(world.tick(&launch, change.at).floor, Some(change.to), "{:?}", change);
        }
    }
}
