//! The checker of the invariants: a decision that is right passes, and each way to break one is found by its number.
//!
//! Every case spoils a decision that the core really made; without these, a checker that finds nothing would pass too.

use std::time::Duration;

use jiff::Timestamp;

use tminus::core::check::check;
use tminus::core::decide::{Decision, Effect, GroupObservation, Intent, Order, Snapshot, decide};
use tminus::core::load::{HeldFloor, Override, OverrideTo};
use tminus::core::release::{Active, Missing, Phase, ReleaseState, Vanished};
use tminus::core::words::{Capacity, Name, later};

use super::bench::{Bench, name};

const DOCUMENTS: &str = "
apiVersion: tminus/v1
kind: Release
name: first
app: App
version: 2.0.0
channels: [release]
early: [{channels: [beta], at: T-10m}]
launch_at: 2026-12-01T11:00:00Z
checklists: [list]
gate: gate
scaling: [group]
rollout: {steps: [{percent: 1}, {percent: 50}, {percent: 100, bake: 20m}]}
---
apiVersion: tminus/v1
kind: Checklist
name: list
items: [{id: signed, title: Somebody signed, due: T-1m, sign_off: {roles: [sre]}}]
---
apiVersion: tminus/v1
kind: MetricsSource
name: counts
push: {}
queries: {en: {series: en}, rn: {series: rn}, eo: {series: eo}, ro: {series: ro}}
---
apiVersion: tminus/v1
kind: GatePolicy
name: gate
metrics: [{name: http, candidate: {errors: en, requests: rn}, baseline: {errors: eo, requests: ro}}]
slo: {percent: 1}
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: group
group: {aws: {name: group, region: us-west-2}}
capacity_per_instance: 20/s
zones: {count: 3}
limits: {floor: 3, ceiling: 90, step: 12}
";

/// A decision that the core made, with what it was made from.
struct Made {
    snapshot: Snapshot,
    decision: Decision,
}

impl Made {
    fn by(bench: &Bench) -> Self {
        let (config, state, observed) = (bench.config.clone(), bench.state.clone(), bench.observed.clone());
        let snapshot = Snapshot { config, state, observed, commands: Vec::new(), now: bench.now };
        let decision = decide(&snapshot);
        assert_eq!(check(&decision, &snapshot), [], "the decision as it was made");
        Self { snapshot, decision }
    }

    fn put(&mut self, phase: Phase) {
        self.decision.state.releases.get_mut(&first()).unwrap().phase = phase;
        self.decision.changed = true;
    }

    fn state(&mut self) -> &mut ReleaseState {
        self.decision.changed = true;
        self.decision.state.releases.get_mut(&first()).unwrap()
    }

    /// As if its document had been gone since then.
    fn vanished(&mut self, since: Timestamp) {
        let missing = vec![Missing { document: "Release/first".into(), file: "first.yaml".into() }];
        self.snapshot.config.vanished.insert(first(), missing.clone());
        self.state().vanished = Some(Vanished { since, missing, back_at: None });
    }

    /// Asks for a floor, as this epoch may.
    fn ask(&mut self, group: &str, floor: u32) {
        let effect = Effect::SetFloor { group: name(group), floor: Capacity(floor), restore: Capacity(3), why: "a test".into() };
        self.decision.intents.push(Intent { key: format!("floor:{group}:{floor}"), epoch: self.snapshot.state.epoch, effect });
        self.decision.changed = true;
    }

    /// Asks for a run of a priming policy.
    fn prime(&mut self, policy: &str, run: u32, release: Option<Name>) {
        let effect = Effect::Prime { policy: name(policy), release };
        self.decision.intents.push(Intent { key: format!("prime:{policy}:{run}"), epoch: self.snapshot.state.epoch, effect });
        self.decision.changed = true;
    }

    /// As if somebody had imposed this an hour ago, for two hours.
    fn imposes(&mut self, to: OverrideTo) {
        let (group, owner, reason, hour) = (name("group"), name("ann"), "a test".into(), Duration::from_hours(1));
        let (created_at, expires_at) = (self.snapshot.now - hour, later(self.snapshot.now, hour));
        let one = Override { id: 0, group, to, owner, reason, created_at, expires_at, warned: true };
        self.snapshot.state.overrides.put(one.clone());
        self.decision.state.overrides.put(one);
        self.decision.changed = true;
    }

    /// As if a higher floor had been held before.
    fn holds(&mut self, floor: u32) {
        let (floor, restore) = (Capacity(floor), Capacity(3));
        let held = HeldFloor { floor, restore, peak: floor, since: self.snapshot.now, stepped: floor };
        self.snapshot.state.floors.insert(name("group"), held);
    }
}

fn first() -> Name {
    name("first")
}

fn preparing() -> Made {
    Made::by(&Bench::new(DOCUMENTS))
}

fn go(signed: &str) -> Bench {
    let mut bench = Bench::new(DOCUMENTS);
    let (release, item) = (first(), name("signed"));
    assert_eq!(bench.code(signed, Order::SignOff { release, item }), "signed");
    assert_eq!(bench.code("ann operator", Order::Go { release: first() }), "ready");
    bench
}

fn rolling() -> Made {
    let mut bench = go("sue sre");
    bench.pass(61);
    assert_eq!(bench.phase("first"), "rolling");
    Made::by(&bench)
}

/// A group as it was described at an instant.
fn group_at(observed_at: Timestamp) -> GroupObservation {
    let (floor, ceiling) = (Capacity(20), Capacity(90));
    GroupObservation::at_floor(floor, ceiling, observed_at)
}

const ROLLING: fn(usize) -> Phase = |step| Phase::Active(Active::Rolling { step });

/// What is done to a decision.
type Spoil = fn(&mut Made);

/// What is broken, the invariant's number, the decision, and how it is spoilt.
type Case = (&'static str, &'static str, fn() -> Made, Spoil);

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn every_broken_invariant_is_found() {
    let cases: [Case; 29] = [
        ("an intent of an older epoch", "I1", preparing, |made| {
            made.ask("group", 9);
            made.decision.intents[0].epoch += 1;
        }),
        ("one key twice", "I2", preparing, |made| {
            made.ask("group", 9);
            made.ask("group", 9);
        }),
        ("a key that is open", "I2", preparing, |made| {
            made.ask("group", 9);
            made.snapshot.observed.open.insert("floor:group:9".into());
        }),
        ("a floor above the ceiling", "I3", preparing, |made| made.ask("group", 91)),
        ("a floor of nothing", "I3", preparing, |made| made.ask("nothing", 5)),
        ("scale-in unseen", "I3", preparing, |made| {
            made.holds(20);
            made.ask("group", 9);
        }),
        ("scale-in on what was seen long ago", "I3", preparing, |made| {
            made.holds(20);
            let at = made.snapshot.now - Duration::from_mins(3);
            made.snapshot.observed.groups.insert(name("group"), group_at(at));
            made.ask("group", 9);
        }),
        ("scale-in in a launch", "I3", rolling, |made| {
            made.holds(20);
            made.ask("group", 9);
        }),
        ("a launch without GO", "I4", preparing, |made| {
            made.put(ROLLING(0));
            made.snapshot.now = later(made.snapshot.config.releases[&first()].launch_at, Duration::from_secs(1));
        }),
        ("a launch before T-0", "I5", preparing, |made| made.put(ROLLING(0))),
        ("a rise without SAFE", "I4", rolling, |made| made.put(ROLLING(1))),
        ("a percent that rises without SAFE", "I4", rolling, |made| made.state().percent = Some("50".parse().unwrap())),
        ("an offer above the percent", "I4", rolling, |made| {
            made.decision.offers[0].audiences.last_mut().unwrap().step = Some("50".parse().unwrap());
        }),
        ("a rise although a document vanished", "I4", rolling, |made| {
            made.vanished(made.snapshot.now);
            made.put(Phase::Active(Active::Baking));
            made.state().certified = "100".parse().unwrap();
        }),
        ("an early offer that fell due after a document vanished", "I5", rolling, |made| {
            made.vanished(made.snapshot.config.releases[&first()].launch_at - Duration::from_mins(11));
        }),
        ("an end that is left", "I4", preparing, |made| {
            let before = made.snapshot.state.releases.get_mut(&first()).unwrap();
            before.phase = Phase::Scrubbed { reason: "called off".into() };
        }),
        ("an ABORT that halts nothing", "I4", rolling, |made| {
            made.put(Phase::Aborted { at: Active::Rolling { step: 0 }, reason: "errors".into() });
        }),
        ("a hold that nobody lifted", "I4", rolling, |made| {
            let before = made.snapshot.state.releases.get_mut(&first()).unwrap();
            before.phase = Phase::Held { at: Active::Rolling { step: 0 }, by: name("ann"), reason: "a look".into() };
        }),
        ("a bake that ends blind", "I4", rolling, |made| {
            made.snapshot.state.releases.get_mut(&first()).unwrap().phase = Phase::Active(Active::Baking);
            made.put(Phase::Complete);
        }),
        ("a change that is not said", "I10", preparing, |made| {
            made.ask("group", 9);
            made.decision.changed = false;
        }),
        ("two runs of one policy", "I2", preparing, |made| {
            made.prime("content", 1, None);
            made.prime("content", 2, None);
        }),
        ("a run beside one that is open", "I2", preparing, |made| {
            made.prime("content", 2, None);
            made.snapshot.observed.open.insert("prime:content:1".into());
        }),
        ("a run for a shadow", "I5", preparing, |made| {
            made.prime("content", 1, Some(first()));
            made.snapshot.config.releases.get_mut(&first()).unwrap().shadow = true;
        }),
        ("a change of a frozen group", "I6", preparing, |made| {
            made.imposes(OverrideTo::Freeze);
            made.ask("group", 9);
        }),
        ("a raise above an imposed ceiling", "I6", preparing, |made| {
            made.imposes(OverrideTo::Ceiling(Capacity(6)));
            made.ask("group", 9);
        }),
        ("an override that is gone before its end", "I6", preparing, |made| {
            made.imposes(OverrideTo::Freeze);
            made.decision.state.overrides.list.clear();
        }),
        ("an override that nobody imposed", "I6", preparing, |made| {
            made.imposes(OverrideTo::Freeze);
            made.snapshot.state.overrides.list.clear();
        }),
        ("an override that is over and still counts", "I6", preparing, |made| {
            made.imposes(OverrideTo::Freeze);
            made.decision.state.overrides.list[0].expires_at = made.snapshot.now;
        }),
        ("a wake-up in the past", "I9", preparing, |made| {
            made.decision.wake_at = Some(made.snapshot.now - Duration::from_secs(1));
        }),
    ];
    for (what, invariant, make, spoil) in cases {
        let mut made = make();
        spoil(&mut made);
        let found: Vec<&str> = check(&made.decision, &made.snapshot).iter().map(|broken| broken.invariant).collect();
        assert!(found.contains(&invariant), "{what}: {found:?}, not {invariant}");
    }
}

#[test]
fn offers_out_of_turn_are_found() {
    let cases: [(&str, Spoil); 2] = [
        ("a shadow", |made| made.snapshot.config.releases.get_mut(&first()).unwrap().shadow = true),
        ("an early entry before its time", |made| made.snapshot.now -= Duration::from_hours(1)),
    ];
    for (what, spoil) in cases {
        let mut bench = Bench::new(DOCUMENTS);
        bench.pass(55);
        let mut made = Made::by(&bench);
        spoil(&mut made);
        let found: Vec<&str> = check(&made.decision, &made.snapshot).iter().map(|broken| broken.invariant).collect();
        assert!(found.contains(&"I5"), "{what}: {found:?}");
    }
}
