//! Whatever people order, the world shows and the clock does: the checker finds nothing, the same inputs give the same
//! bytes, and once effects are carried out a decision comes to rest (level-triggered).
//!
//! proptest prints the failing sequence, shortened, and its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tminus::core::checklist::Outcome;
use tminus::core::decide::{Command, Decision, Effect, GroupObservation, Observations, Order, State};
use tminus::core::gate::{Counts, Minute};
use tminus::core::load::ScheduledFloor;
use tminus::core::priming::Coverage;
use tminus::core::release::{Active, Missing, RolloutStep};
use tminus::core::throttle::{Force, HaltTarget, Reason, Request, Table, TableInput};
use tminus::core::words::{Capacity, Name, Percent, Version, later};

use super::bench::{Bench, LAUNCH_AT, config, name, person};

const RELEASES: [&str; 3] = ["first", "second", "shadow"];
const ITEMS: [&str; 3] = ["signed", "up", "steady"];
const PEOPLE: [&str; 3] = ["ann operator sre", "bob releng", "cy releng sre"];

const DOCUMENTS: &str = "
apiVersion: tminus/v1
kind: Release
name: first
app: App
version: 2.0.0
channels: [release]
early: [{channels: [beta], at: T-1h}]
launch_at: 2026-12-01T11:00:00Z
checklists: [list]
scaling: [group]
priming: [content]
gate: gate
rollout: {steps: [{percent: 1, dwell: 2m}, {percent: 20, dwell: 5m}, {percent: 100, bake: 20m}]}
audience:
  clients: 100k
  adoption: {half_life: 1h}
  requests_per_client: 30
  cache_hit_ratio: {cold: 0.1, primed: 0.9}
  retry: {every: 3s}
---
apiVersion: tminus/v1
kind: Release
name: second
app: App
version: 2.1.0
channels: [release, beta]
launch_at: 2026-12-01T13:00:00Z
go: auto
gate: gate
scaling: [group]
rollout: {steps: [{percent: 10, dwell: 5m}, {percent: 50, dwell: 5m}, {percent: 100, bake: 10m}], on_abort: previous_safe}
audience: {clients: 20k, adoption: {half_life: 2h}, requests_per_client: 10}
---
apiVersion: tminus/v1
kind: Release
name: shadow
app: App
version: 3.0.0
channels: [release]
early: [{channels: [beta], at: T-1h}]
launch_at: 2026-12-01T12:00:00Z
go: auto
shadow: true
gate: gate
scaling: [group]
priming: [content]
rollout: {steps: [{percent: 50}, {percent: 100, bake: 5m}]}
---
apiVersion: tminus/v1
kind: Checklist
name: list
items:
  - {id: signed, title: Somebody signed, due: T-1h, sign_off: {roles: [sre]}}
  - {id: up, title: It answers, check: {http: {url: 'http://x.example/', status: 200}}, every: 10m}
  - {id: steady, title: It answers fast, check: {http: {url: 'http://x.example/', status: 200}}, blocks: steps, every: 10m}
  - {id: capacity, title: It is big enough, due: T-10m, check: {capacity: {group: group}}}
  - {id: warm, title: It is warm, due: T-10m, check: {primed: {policy: content, coverage: 99}}}
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
lag: 0s
---
apiVersion: tminus/v1
kind: ScalingPolicy
name: group
group: {aws: {name: group, region: us-west-2}}
capacity_per_instance: 20/s
zones: {count: 3}
limits: {floor: 3, ceiling: 90, step: 12}
lead: 10m
hold_after: 30m
ramp_down: {percent: 25, every: 5m}
---
apiVersion: tminus/v1
kind: PrimingPolicy
name: content
source: {urls: ['http://x.example/a']}
poll: {every: 15m, tighten: [{from: T-30m, every: 1m}]}
schedule: {cron: '*/7 * * * *', time_zone: America/New_York}
nodes: [{name: edge1, connect: 'x.example:80'}, {name: edge2, connect: 'x.example:81'}]
---
apiVersion: tminus/v1
kind: ThrottlePolicy
name: policy
rules: [{app: App, version: 1.5, percent: 0}]
lift: {roles: [releng], count: 2}
";

/// Something that happens.
#[derive(Clone, Debug)]
enum Turn {
    /// Time passes, in seconds; a long while as if tminus had been down.
    Pass(u32),
    /// An order by one of the people.
    Order(usize, Order),
    /// A probe answers.
    Answer(usize, Outcome),
    /// Counts of the minutes that ended, errors in percent, of a release.
    Counts { release: usize, minutes: u8, requests: u32, percent: (u8, u8) },
    /// The group is seen, with this many of its instances in service, or not.
    Group(Option<u8>),
    /// A run of the primer ends, with so many percent proven.
    Primed(u8),
    /// The halt file is there, or not.
    HaltFile(bool),
    /// The process ends and comes again.
    Restart,
    /// T-0 of a release slips, by minutes.
    Slip(usize, i16),
    /// The steps of a release are edited.
    Steps(usize, usize),
    /// The document of a release is gone, or all are back.
    Vanish(Option<usize>),
}

/// Steps that people may come to write.
const STEPS: [&[&str]; 5] =
    [&["1", "20", "100"], &["50", "100"], &["1", "10", "30", "70", "100"], &["100"], &["0.5", "5", "100"]];

fn order() -> impl Strategy<Value = Order> {
    let release = (0..RELEASES.len()).prop_map(|at| name(RELEASES[at]));
    let target = prop_oneof![
        Just(HaltTarget::App { app: name("App") }),
        Just(HaltTarget::Channel { app: name("App"), channel: name("beta") }),
        Just(HaltTarget::Version { app: name("App"), version: "2.0.0".into() }),
    ];
    (release, 0..ITEMS.len(), target, 0..14_u8, any::<bool>()).prop_map(|(release, item, target, kind, break_glass)| {
        let item = name(ITEMS[item]);
        match kind {
            0..3 => Order::Go { release },
            3 => Order::Hold { release },
            4 => Order::Resume { release },
            5 => Order::Advance { release },
            6 => Order::Promote { release },
            7 => Order::Abort { release },
            8 => Order::Clear { release },
            9 => Order::Scrub { release },
            10 => Order::SignOff { release, item },
            11 => Order::Waive { release, item, expires_at: LAUNCH_AT.parse().unwrap() },
            12 => Order::Halt { target },
            _ => Order::Lift { target, break_glass },
        }
    })
}

/// Something happens to the documents: rarer than what people and the world do.
fn edit() -> impl Strategy<Value = Turn> {
    prop_oneof![
        3 => (0..RELEASES.len(), -90..90_i16).prop_map(|(release, minutes)| Turn::Slip(release, minutes)),
        3 => (0..RELEASES.len(), 0..STEPS.len()).prop_map(|(release, steps)| Turn::Steps(release, steps)),
        1 => (0..RELEASES.len()).prop_map(|release| Turn::Vanish(Some(release))),
        2 => Just(Turn::Vanish(None)),
    ]
}

fn turn() -> impl Strategy<Value = Turn> {
    let outcome = prop_oneof![4 => Just(Outcome::Green), 1 => Just(Outcome::Red), 1 => Just(Outcome::Unknown)];
    // Without clean counts hardly any launch would come to its end.
    let percents = prop_oneof![2 => (0..4_u8, 0..12_u8), 1 => Just((0, 0))];
    let counts = (0..RELEASES.len(), 1..20_u8, 0..5_000_u32, percents);
    prop_oneof![
        6 => (1..900_u32).prop_map(Turn::Pass),
        1 => (3_600..40_000_u32).prop_map(Turn::Pass),
        6 => (0..PEOPLE.len(), order()).prop_map(|(by, order)| Turn::Order(by, order)),
        3 => (0..ITEMS.len(), outcome).prop_map(|(item, outcome)| Turn::Answer(item, outcome)),
        4 => counts.prop_map(|(release, minutes, requests, percent)| Turn::Counts { release, minutes, requests, percent }),
        3 => prop_oneof![5 => (0..=100_u8).prop_map(Some), 1 => Just(None)].prop_map(Turn::Group),
        2 => prop_oneof![2 => Just(100_u8), 1 => 0..100_u8].prop_map(Turn::Primed),
        1 => any::<bool>().prop_map(Turn::HaltFile),
        1 => Just(Turn::Restart),
        1 => edit(),
    ]
}

/// A world that the decisions act on.
struct World {
    bench: Bench,
    floor: u32,
    /// Changes of the floor that the provider keeps, oldest first.
    kept: Vec<ScheduledFloor>,
    /// Share of the group in service, in percent; `None`: not seen.
    seen: Option<u8>,
    /// Keys of everything that was asked: the journal does a key once, so a second one would be lost.
    asked: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let now = later(LAUNCH_AT.parse().unwrap(), Duration::ZERO) - Duration::from_hours(4);
        let (config, state, observed) = (config(DOCUMENTS), State::default(), Observations::default());
        let bench = Bench { config, state, observed, now, last: Decision::default() };
        let mut world = Self { bench, floor: 3, kept: Vec::new(), seen: Some(100), asked: BTreeSet::new() };
        world.come_to_rest();
        world
    }

    fn take(&mut self, turn: &Turn) {
        let mut commands = Vec::new();
        // Decisions at one instant may be about one event; orders of people never come at the very same one.
        self.bench.now = later(self.bench.now, Duration::from_secs(1));
        match turn {
            Turn::Pass(secs) => self.bench.now = later(self.bench.now, Duration::from_secs((*secs).into())),
            Turn::Order(by, order) => {
                commands.push(Command { by: person(PEOPLE[*by]), order: order.clone(), reason: "a reason".into() });
            }
            Turn::Answer(item, outcome) => self.bench.answer(("first", ITEMS[*item]), *outcome),
            Turn::Counts { release, minutes, requests, percent } => self.count((*release, *minutes), *requests, *percent),
            Turn::Group(seen) => self.seen = *seen,
            Turn::Primed(percent) => self.primed(*percent),
            Turn::HaltFile(there) => self.bench.observed.halt_file = *there,
            Turn::Restart => {
                let written = serde_json::to_string(&self.bench.state).unwrap();
                self.bench.state = serde_json::from_str(&written).unwrap();
                self.bench.state.epoch += 1;
            }
            Turn::Slip(release, minutes) => {
                let release = self.bench.config.releases.get_mut(&name(RELEASES[*release])).unwrap();
                release.launch_at += jiff::SignedDuration::from_mins((*minutes).into());
            }
            Turn::Steps(release, steps) => {
                let release = self.bench.config.releases.get_mut(&name(RELEASES[*release])).unwrap();
                let last = *release.rollout.steps.last().unwrap();
                let step =
                    |percent: &&str| RolloutStep { percent: percent.parse().unwrap(), dwell: Duration::from_mins(3), ..last };
                release.rollout.steps = STEPS[*steps].iter().map(step).collect();
            }
            Turn::Vanish(release) => {
                let missing = Missing { document: "Release/x".into(), file: "x.yaml".into() };
                let gone = release.map(|release| (name(RELEASES[release]), vec![missing]));
                self.bench.config.vanished = gone.into_iter().collect();
            }
        }
        let before = self.exposed();
        self.decide(commands);
        if matches!(turn, Turn::Steps(..) | Turn::Vanish(_)) {
            let after = self.exposed();
            // A shorter dwell may be over at once; then SAFE has certified what is left.
            let certified = |release: &Name| self.bench.state.releases[release].certified;
            let risen = after.iter().filter(|(release, percent)| {
                before.get(*release).is_some_and(|before| *percent > before && certified(release) < *before)
            });
            assert_eq!(risen.count(), 0, "{turn:?}: {before:?} -> {after:?}");
        }
        self.come_to_rest();
    }

    /// What the releases that are under way let through.
    fn exposed(&self) -> BTreeMap<Name, Percent> {
        let rolling = self
            .bench
            .state
            .releases
            .iter()
            .filter(|(_, state)| matches!(state.phase.active(), Some(Active::Rolling { .. })) && state.step_from.is_some());
        rolling.map(|(name, _)| (name.clone(), self.bench.last.releases[name].percent)).collect()
    }

    fn decide(&mut self, commands: Vec<Command>) {
        // What is due fires, whoever looks.
        let (due, ahead): (Vec<_>, Vec<_>) = self.kept.drain(..).partition(|kept| kept.at <= self.bench.now);
        self.floor = due.last().map_or(self.floor, |last| last.floor.0);
        self.kept = ahead;
        let described = |share: u8| GroupObservation {
            in_service: Capacity(self.floor * u32::from(share) / 100),
            schedule: Some(self.kept.clone()),
            ..GroupObservation::at_floor(Capacity(self.floor), Capacity(90), self.bench.now)
        };
        match self.seen {
            Some(share) => drop(self.bench.observed.groups.insert(name("group"), described(share))),
            None => drop(self.bench.observed.groups.remove(&name("group"))),
        }
        self.bench.decide(commands);
        for intent in &self.bench.last.intents {
            assert!(self.asked.insert(intent.key.clone()), "asked twice: {}", intent.key);
            match &intent.effect {
                Effect::SetFloor { floor, .. } => self.floor = floor.0,
                Effect::Notify(told) => {
                    assert!([&told.what, &told.meaning, &told.next].iter().all(|text| text.ends_with('.')), "{told:?}");
                }
                Effect::ScheduleFloors { floors, .. } => self.kept.clone_from(floors),
                Effect::Prime { .. } | Effect::Report { .. } => {}
            }
        }
    }

    /// Decides on its own outcome until nothing is left to do; planned, preparing, ready, launched and complete at most.
    fn come_to_rest(&mut self) {
        let mut rests = || {
            self.decide(Vec::new());
            !self.bench.last.changed
        };
        assert!((0..7).any(|_| rests()), "it does not come to rest at {}: {:#?}", self.bench.now, self.bench.last.intents);
    }

    fn count(&mut self, (release, minutes): (usize, u8), requests: u32, (old, new): (u8, u8)) {
        let until = self.bench.now.as_second().div_euclid(60);
        let counts =
            |percent: u8| Some(Counts { errors: u64::from(requests) * u64::from(percent) / 100, requests: requests.into() });
        let minute = |at: i64| Minute {
            at: jiff::Timestamp::from_second(at * 60).unwrap(),
            candidate: counts(new),
            baseline: counts(old),
        };
        let metrics = self.bench.observed.minutes.entry(name(RELEASES[release])).or_default();
        let known = metrics.entry(name("http")).or_default();
        known.retain(|known: &Minute| known.at < minute(until - i64::from(minutes)).at);
        known.extend((until - i64::from(minutes)..until).map(minute));
    }

    fn primed(&mut self, percent: u8) {
        self.bench.observed.open.clear();
        let ratio = f64::from(percent) / 100.0;
        let coverage = Coverage {
            nodes: ["edge1", "edge2"].iter().map(|node| (name(node), ratio)).collect(),
            objects: 100,
            problems: u64::from(100 - percent.min(100)) / 10,
            first_problem: None,
            fresh_until: None,
            measured_at: self.bench.now,
        };
        self.bench.observed.coverage.insert(name("content"), coverage);
    }
}

/// What nobody may be served: a shadow's version, and anything of a halted app.
fn served_rightly(bench: &Bench) {
    let table = Table::build(TableInput {
        policies: bench.config.throttles.values().cloned().collect(),
        offers: bench.last.offers.clone(),
        halts: bench.last.halts.clone(),
        ..TableInput::default()
    });
    for (channel, force) in [("release", Force::Serve), ("beta", Force::Serve), ("release", Force::None), ("beta", Force::None)] {
        let version = Version::new("1.0").unwrap();
        let request = Request { app: name("App"), version, channel: name(channel), client: Some("c".into()), force };
        let answer = table.decide(&request, 0);
        assert_ne!(answer.version.as_ref().map(Version::as_str), Some("3.0.0"), "a shadow is served");
        let halted = |halt: &tminus::core::throttle::Halt| match &halt.target {
            HaltTarget::Everything | HaltTarget::App { .. } => true,
            HaltTarget::Channel { channel: halted, .. } => *halted == name(channel),
            HaltTarget::Version { version, .. } => answer.version.as_ref().is_some_and(|served| served.as_str() == version),
        };
        assert!(!answer.serve || !bench.last.halts.iter().any(halted), "{channel} {force:?} is served although it is halted");
        assert!(answer.reason != Reason::Halt || !bench.last.halts.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_that_happens_breaks_an_invariant(turns in vec(turn(), 1..60)) {
        let mut world = World::new();
        for turn in &turns {
            world.take(turn);
            served_rightly(&world.bench);
        }
    }
}

/// Found by the sequences above: a release that is under way keeps its capacity, whatever its document says of T-0.
#[test]
fn a_date_that_slips_while_it_rolls_gives_no_capacity_back() {
    let mut world = World::new();
    let mut turns: Vec<_> = [380, 307, 605, 18_566, 713, 368].map(Turn::Pass).into();
    turns.push(Turn::Order(0, Order::Scrub { release: name("first") }));
    turns.extend([Turn::Pass(653), Turn::Slip(1, 23)]);
    for turn in &turns {
        world.take(turn);
    }
    assert_eq!(world.bench.phase("second"), "rolling");
}

/// Sequences that go nowhere would prove nothing.
#[test]
fn the_sequences_reach_every_phase() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    let all = ["aborted", "baking", "complete", "held", "planned", "preparing", "ready", "rolling", "scrubbed"];
    for sequence in 0..200 {
        if all.iter().all(|word| reached.contains(word)) {
            println!("every phase is reached after {sequence} sequences");
            break;
        }
        let turns = vec(turn(), 40..70).new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        for turn in &turns {
            world.take(turn);
            reached.extend(world.bench.state.releases.values().map(|state| state.phase.word()));
        }
    }
    let missing: Vec<_> = all.iter().filter(|word| !reached.contains(**word)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
fn names_of_the_documents_are_those_of_the_turns() {
    let config = config(DOCUMENTS);
    let known: Vec<&Name> = config.releases.keys().collect();
    assert_eq!(known, RELEASES.map(name).iter().collect::<Vec<_>>());
}
