//! One release whose documents are gone or make no sense never stops another (I11), and is never served for it.

use tminus::core::checklist::Word;
use tminus::core::decide::Order;
use tminus::core::words::Percent;

use super::bench::{Bench, name};

const DOCUMENTS: &str = concat!(
    "
apiVersion: tminus/v1
kind: Release
name: sound
app: Sound
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
go: auto
rollout: {steps: [{percent: 100, bake: 10m}]}
---
apiVersion: tminus/v1
kind: Release
name: poisoned
app: Poisoned
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
go: auto
checklists: [list]
gate: gate
scaling: [group]
priming: [content]
rollout: {steps: [{percent: 10}, {percent: 100, bake: 10m}]}
---
apiVersion: tminus/v1
kind: Checklist
name: list
items: [{id: fine, title: Nobody minds, sign_off: {}}]
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: group
group: {aws: {name: group, region: us-west-2}}
capacity_per_instance: 10/s
limits: {floor: 1, ceiling: 3}
---
apiVersion: tminus/v1
kind: PrimingPolicy
name: content
source: {urls: ['http://x.example/a']}
nodes: [{name: edge, connect: 'x.example:80'}]
",
    include_str!("gate.yaml")
);

fn launched(bench: &mut Bench) {
    bench.pass(75);
    assert_eq!(bench.phase("sound"), "complete");
}

#[test]
fn a_missing_checklist_is_open_and_never_go() {
    let mut bench = Bench::new(DOCUMENTS);
    bench.config.checklists.clear();
    launched(&mut bench);
    let readiness = &bench.last.releases[&name("poisoned")].readiness;
    assert_eq!((bench.phase("poisoned"), readiness.word), ("preparing", Word::Hold));
    assert!(readiness.reasons[0].contains("not in force"), "{:?}", readiness.reasons);
}

#[test]
fn a_missing_gate_lets_nothing_rise_and_says_so() {
    let mut bench = Bench::new(DOCUMENTS);
    let order = Order::SignOff { release: name("poisoned"), item: name("fine") };
    assert_eq!(bench.code("ann", order), "signed");
    bench.config.gates.clear();
    launched(&mut bench);
    let view = &bench.last.releases[&name("poisoned")];
    assert_eq!((bench.phase("poisoned"), view.percent), ("rolling", Percent::from_ppm(100_000).unwrap()));
    assert!(view.waiting[0].contains("document"), "{:?}", view.waiting);
}

#[test]
fn a_missing_gate_does_not_let_a_bake_end() {
    let mut bench = Bench::new(DOCUMENTS);
    bench.order("ann", Order::SignOff { release: name("poisoned"), item: name("fine") }).unwrap();
    launched(&mut bench);
    assert_eq!(bench.code("ann", Order::Promote { release: name("poisoned") }), "baking");
    bench.config.gates.clear();
    bench.pass(30);
    assert_eq!(bench.phase("poisoned"), "baking");
}

#[test]
fn missing_groups_caches_and_policies_stop_nobody_else() {
    let mut bench = Bench::new(DOCUMENTS);
    bench.config.scalings.clear();
    bench.config.primings.clear();
    bench.config.throttles.clear();
    launched(&mut bench);
}

#[test]
fn a_release_whose_document_is_gone_keeps_its_state() {
    let mut bench = Bench::new(DOCUMENTS);
    let (release, before) = bench
        .config
        .releases
        .remove_entry(&name("poisoned"))
        .map(|(name, release)| (release, bench.state.releases[&name].clone()))
        .unwrap();
    launched(&mut bench);
    assert_eq!(bench.state.releases[&release.name], before);
    bench.config.releases.insert(release.name.clone(), release);
    bench.settle();
    assert_eq!(bench.phase("poisoned"), "preparing");
}

#[test]
fn hostile_dates_and_steps_do_not_panic() {
    use jiff::Timestamp;
    for (launch_at, now) in [(Timestamp::MIN, Timestamp::MAX), (Timestamp::MAX, Timestamp::MIN), (Timestamp::MAX, Timestamp::MAX)]
    {
        let mut bench = Bench::new(DOCUMENTS);
        for release in bench.config.releases.values_mut() {
            release.launch_at = launch_at;
            release.rollout.steps.clear();
        }
        bench.now = now;
        for _ in 0..4 {
            bench.decide(Vec::new());
        }
    }
}
