//! Plans that people apply, and what launches teach the next one.

use std::collections::BTreeMap;
use std::time::Duration;

use tminus::core::decide::{GroupObservation, Order, PlanView, Snapshot, decide, plan_view};
use tminus::core::gate::{Counts, Minute};
use tminus::core::load::Problem;
use tminus::core::words::{Capacity, later};
use tminus::shell::settings::load_texts;

use super::bench::{Bench, config, name};

const DOCUMENTS: &str = concat!(
    "
apiVersion: tminus/v1
kind: Release
name: r
app: App
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
scaling: [api]
gate: gate
rollout: {steps: [{percent: 10, dwell: 10m}, {percent: 100, bake: 2h}]}
audience: {clients: 60k, adoption: {half_life: 1h, ceiling: 50}, requests_per_client: 10}
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: api
group: {aws: {name: api, region: us-west-2}}
capacity_per_instance: 10/s
limits: {floor: 4, ceiling: 60, step: 60}
",
    include_str!("gate.yaml")
);

/// The group has what its floor asks for.
fn observe(bench: &mut Bench, floor: u32) {
    let group = GroupObservation::at_floor(Capacity(floor), Capacity(60), bench.now);
    bench.observed.groups.insert(name("api"), group);
}

fn plan(bench: &Bench) -> PlanView {
    let snapshot = Snapshot {
        config: bench.config.clone(),
        state: bench.state.clone(),
        observed: bench.observed.clone(),
        commands: Vec::new(),
        now: bench.now,
    };
    plan_view(&snapshot, &decide(&snapshot), &bench.config.releases[&name("r")])
}

fn apply(plan: &PlanView) -> Order {
    Order::ApplyPlan { release: name("r"), made_from: plan.made_from.clone() }
}

#[test]
fn a_plan_is_agreed_once_and_then_there_is_nothing_to_change() {
    let mut bench = Bench::new(DOCUMENTS);
    observe(&mut bench, 4);
    let first = plan(&bench);
    assert!(!first.actions.is_empty() && first.applied.is_none());
    bench.now = later(bench.now, Duration::from_mins(3));
    observe(&mut bench, 4);
    assert_eq!(plan(&bench).digest, first.digest, "time alone moves nothing");
    assert_eq!(bench.code("ann", apply(&first)), "applied");
    assert_eq!(bench.code("bob", apply(&first)), "already_applied");
    let again = plan(&bench);
    assert_eq!((again.actions.len(), again.scheduled.len()), (0, first.actions.len()));
    assert_eq!(again.applied.map(|applied| applied.by), Some(name("ann")));

    // It is carried out: the floor rises, stands, and is given back, and none of that is a change of plan.
    for _ in 0..4 {
        bench.now = later(bench.now, Duration::from_mins(15));
        let floor = bench.state.floors.get(&name("api")).map_or(4, |held| held.floor.0);
        observe(&mut bench, floor);
        bench.settle();
        assert_eq!(plan(&bench).actions, [], "at {}", bench.now);
    }
    assert!(bench.state.floors[&name("api")].floor > Capacity(4));
}

#[test]
fn a_plan_is_refused_by_what_moved() {
    let mut bench = Bench::new(DOCUMENTS);
    observe(&mut bench, 4);
    let made = plan(&bench);
    let refused = |change: &dyn Fn(&mut Bench), expected: &str| {
        let mut bench = Bench { state: bench.state.clone(), observed: bench.observed.clone(), ..Bench::new(DOCUMENTS) };
        change(&mut bench);
        let told = bench.order("ann", apply(&made)).unwrap_err();
        assert!(told.code == "plan_moved" && told.message.contains(expected), "{expected}: {}", told.message);
        assert!(told.message.ends_with("look at it again"), "{}", told.message);
    };
    refused(&|bench| observe(bench, 9), "api was floor 4, ceiling 60, desired 4, 4 in service and is floor 9");
    refused(&|bench| bench.observed.groups.clear(), "and is not observed");
    refused(&|bench| bench.config = config(&DOCUMENTS.replace("60k", "70k")), "Release/r has changed");
    refused(&|bench| bench.config = config(&DOCUMENTS.replace("10/s", "9/s")), "ScalingPolicy/api has changed");
    let hold = |bench: &mut Bench| {
        bench.now = later(bench.now, Duration::from_secs(1));
        bench.order("ann", Order::Hold { release: name("r") }).unwrap();
    };
    refused(&hold, "and is held");
}

/// Requests of a launch whose clients come with a half-life of 30 minutes, eight in ten of them.
fn counted(bench: &Bench) -> Vec<Minute> {
    let admitted = &bench.state.releases[&name("r")].admitted;
    let secs = |at: jiff::Timestamp| at.as_second() as f64;
    let came = |at: f64| {
        let (mut before, mut sum) = (0.0, 0.0);
        for (from, percent) in admitted {
            let elapsed = (at - secs(*from)).max(0.0);
            sum += (percent.share() - before) * 0.8 * (1.0 - (-elapsed / 1_800.0).exp2());
            before = percent.share();
        }
        600_000.0 * sum
    };
    let Some((begins, _)) = admitted.first() else { return Vec::new() };
    let minutes = (secs(bench.now) - secs(*begins)) as u64 / 60;
    let minute = |minute: u64| {
        let at = later(*begins, Duration::from_mins(minute));
        let requests = (came(secs(at) + 60.0) - came(secs(at))).round() as u64;
        Minute { at, candidate: Some(Counts { errors: 0, requests }), baseline: None }
    };
    (0..minutes).map(minute).collect()
}

#[test]
fn a_complete_launch_teaches_the_next_one() {
    let mut bench = Bench::new(DOCUMENTS);
    bench.pass(60);
    assert_eq!(bench.code("ann", Order::Go { release: name("r") }), "rolling");
    for _ in 0..160 {
        bench.now = later(bench.now, Duration::from_mins(1));
        let minutes = counted(&bench);
        bench.observed.minutes.insert(name("r"), BTreeMap::from([(name("http"), minutes)]));
        bench.settle();
    }
    assert_eq!(bench.phase("r"), "complete");
    let records = &bench.state.uptakes[&name("app")];
    let [uptake] = records.as_slice() else { panic!("{records:?}") };
    assert!((0.70..0.85).contains(&uptake.of_stated), "{}", uptake.of_stated);
    let half = uptake.points.iter().find(|point| point.1 >= 0.4).unwrap().0;
    assert!((25.0..36.0).contains(&(half.as_secs_f64() / 60.0)), "{half:?}: stated was an hour, and half an hour it was");

    // The next one says nothing of adoption, or that it goes by the record; without a record that is not known.
    let next = |adoption: &str| {
        DOCUMENTS
            .replace("name: r\n", "name: s\n")
            .replace("2.0.0", "2.1.0")
            .replace("2026-12-01", "2026-12-02")
            .replace("adoption: {half_life: 1h, ceiling: 50}, ", adoption)
    };
    let peak = |adoption: &str, state: Option<&tminus::core::decide::State>| {
        let snapshot = Snapshot {
            config: config(&next(adoption)),
            state: state.cloned().unwrap_or_default(),
            observed: bench.observed.clone(),
            commands: Vec::new(),
            now: bench.now,
        };
        decide(&snapshot).plans[&name("api")].clone()
    };
    let known = peak("", Some(&bench.state));
    let stated = peak("adoption: {half_life: 1h, ceiling: 50}, ", Some(&bench.state));
    assert_eq!(known.surge, peak("adoption: {recorded: true, half_life: 1h}, ", Some(&bench.state)).surge);
    assert!(known.surge.p50 > 1.5 * stated.surge.p50, "it came faster than stated: {:?} {:?}", known.surge, stated.surge);
    let unknown = peak("", None);
    assert!(unknown.problems.contains(&Problem::NoAdoption { release: name("s") }), "{:?}", unknown.problems);
    assert_eq!(peak("adoption: {recorded: true, half_life: 1h, ceiling: 50}, ", None).surge.p50, stated.surge.p50);
}

#[test]
fn what_is_said_of_caches_and_instances_must_fit_together() {
    let audience = |more: &str| DOCUMENTS.replace("requests_per_client: 10", &format!("requests_per_client: 10, {more}"));
    let group = |more: &str| DOCUMENTS.replace("capacity_per_instance: 10/s", &format!("capacity_per_instance: 10/s\n{more}"));
    for (documents, expected) in [
        (audience("cache_hit_ratio: {cold: 0.1}"), "`primed` is missing"),
        (audience("cache_hit_ratio: {}"), "`cold` is missing"),
        (audience("cache_hit_ratio: {cold: 0.1, edge: {cold: 0, primed: 1}}"), "of one tier of them"),
        (audience("cache_hit_ratio: {edge: {cold: 0.9, primed: 0.1}}"), "priming would do harm"),
        (audience("uncertainty: {clients: 0.5}"), "clients"),
        (audience("parallel: 0"), "parallel"),
        (group("usl: {contention: 1}"), "two instances hold no more than one"),
        (group("service: {time: 0s, concurrency: 1}"), "`time` is above 0s"),
        (group("service: {time: 0.5s, concurrency: 4}"), "holds at most 8.0/s, and 10/s is stated"),
    ] {
        let loaded = load_texts(&[("test.yaml".into(), documents)]);
        let told: Vec<&str> = loaded.findings.iter().map(|finding| finding.message.as_str()).collect();
        assert!(loaded.has_errors() && told.iter().any(|told| told.contains(expected)), "{expected}: {told:?}");
    }
    let tiers = config(&audience("cache_hit_ratio: {edge: {cold: 0, primed: 0.9}, origin: {cold: 0.5, primed: 0.9}}"));
    let ratio = tiers.releases[&name("r")].audience.as_ref().unwrap().cache_hit_ratio.unwrap();
    assert!((ratio.cold - 0.5).abs() < 1e-12 && (ratio.primed - 0.99).abs() < 1e-12, "{ratio:?}");
    let told =
        config(&group("service: {time: 0.08s, concurrency: 8, wait_p95: 0.1s}\nusl: {contention: 0.02, coherency: 0.0005}"));
    let policy = &told.scalings[&name("api")];
    assert_eq!((policy.service.unwrap().concurrency, policy.usl.unwrap().most()), (8, 44));
}
