//! Snapshots of a whole launch with the hashes of their decisions, as an audit keeps them.
//!
//! A hash that changes fails: raise `core::VERSION`, then `TMINUS_BLESS=1 cargo test goldens` writes the new hashes and
//! makes the snapshots that are missing. Snapshots that are there stay: each shows that records of its time are read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tminus::core;
use tminus::core::check::check;
use tminus::core::checklist::{Evidence, Outcome};
use tminus::core::decide::{
    Command, Config, Effect, GroupObservation, Observations, Order, Scope, Snapshot, State, decide_within,
};
use tminus::core::gate::{Counts, Minute};
use tminus::core::priming::Coverage;
use tminus::core::throttle::HaltTarget;
use tminus::core::words::{Capacity, Name, later};
use tminus::shell::store::decision_hash;

use super::bench::{config, name, person};

const DOCUMENTS: &str = include_str!("../../fixtures/replay/documents.yaml");

const T0: &str = "2026-12-01T19:00:00Z";

/// What stands in `hashes.json`.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Goldens {
    /// The core that decided.
    core: String,
    goldens: BTreeMap<String, Golden>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Golden {
    scope: Scope,
    decision_hash: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/replay")
}

fn goldens() -> Goldens {
    let path = folder().join("hashes.json");
    std::fs::read_to_string(path).map_or_else(|_| Goldens::default(), |text| serde_json::from_str(&text).unwrap())
}

fn hash(golden: &str, scope: Scope) -> String {
    let text = std::fs::read_to_string(folder().join(format!("{golden}.json"))).unwrap();
    let snapshot: Snapshot = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{golden} cannot be read: {error}"));
    decision_hash(&decide_within(scope, &snapshot)).unwrap()
}

#[test]
fn goldens_are_decided_as_they_were() {
    let blessing = std::env::var_os("TMINUS_BLESS").is_some_and(|value| value == "1");
    let known = goldens();
    let wrong: Vec<&String> = known
        .goldens
        .iter()
        .filter(|(name, golden)| hash(name, golden.scope) != golden.decision_hash)
        .map(|(name, _)| name)
        .collect();
    let raised = known.core != core::VERSION;
    assert!(
        wrong.is_empty() || raised,
        "{wrong:?} are decided otherwise than before, and core::VERSION is still {}: a replay of older records would look like \
         tampering. Raise it in src/core/mod.rs, then TMINUS_BLESS=1 cargo test goldens",
        core::VERSION
    );
    if blessing {
        return bless(known);
    }
    assert!(!raised, "core::VERSION was raised to {}: TMINUS_BLESS=1 cargo test goldens notes what it decides", core::VERSION);
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .filter(|name| name != "hashes")
        .collect();
    assert_eq!(files, known.goldens.into_keys().collect(), "every snapshot has its hash, and the other way round");
}

fn bless(known: Goldens) {
    let mut goldens = known.goldens;
    for (name, (scope, snapshot)) in scenes() {
        let path = folder().join(format!("{name}.json"));
        if !path.exists() {
            std::fs::write(path, serde_json::to_string(&snapshot).unwrap() + "\n").unwrap();
        }
        goldens.entry(name.into()).or_insert(Golden { scope, decision_hash: String::new() });
    }
    for (name, golden) in &mut goldens {
        golden.decision_hash = hash(name, golden.scope);
    }
    let text = serde_json::to_string_pretty(&Goldens { core: core::VERSION.into(), goldens }).unwrap() + "\n";
    std::fs::write(folder().join("hashes.json"), text).unwrap();
}

/// A launch as it is played to make the snapshots.
struct Play {
    config: Config,
    state: State,
    observed: Observations,
    now: Timestamp,
}

impl Play {
    /// Decides once, takes the decision for done, and keeps what it was decided from.
    fn decide(&mut self, commands: Vec<Command>) -> Snapshot {
        let (config, state, observed, now) = (self.config.clone(), self.state.clone(), self.observed.clone(), self.now);
        let snapshot = Snapshot { config, state, observed, commands, now };
        let decision = decide_within(Scope::Whole, &snapshot);
        assert_eq!(check(&decision, &snapshot), [], "at {now}");
        for intent in &decision.intents {
            if let (Effect::SetFloor { group, floor, .. }, groups) = (&intent.effect, &mut self.observed.groups)
                && let Some(group) = groups.get_mut(group)
            {
                (group.floor, group.desired, group.in_service) = (*floor, *floor, *floor);
            }
        }
        self.state = decision.state;
        snapshot
    }

    fn pass(&mut self, minutes: i64) {
        self.now += jiff::SignedDuration::from_mins(minutes);
        for group in self.observed.groups.values_mut() {
            group.observed_at = self.now;
        }
        for evidence in self.observed.evidence.values_mut().flat_map(BTreeMap::values_mut) {
            evidence.measured_at = self.now;
        }
        for coverage in self.observed.coverage.values_mut() {
            coverage.measured_at = self.now;
        }
    }

    fn at(&mut self, minutes_from_t0: i64) {
        let t0: Timestamp = T0.parse().unwrap();
        self.pass(minutes_from_t0 - (self.now.as_second() - t0.as_second()) / 60);
    }

    /// The world as it should be: a group, its history, warm caches, an API that answers.
    fn healthy(&mut self) {
        let now = self.now;
        let zones = BTreeMap::from([("a".into(), 2), ("b".into(), 1), ("c".into(), 1)]);
        let bare = GroupObservation::at_floor(Capacity(4), Capacity(120), now);
        let group = GroupObservation { zones, boot_p95_ms: Some(193_337), ..bare };
        self.observed.groups.insert(name("api"), group);
        self.observed.history.insert(name("api"), history(now));
        let nodes = BTreeMap::from([(name("edge1"), 1.0), (name("edge2"), 0.999_333_1)]);
        let fresh_until = Some(later(now, Duration::from_hours(9)));
        let coverage = Coverage { nodes, objects: 9_001, problems: 1, first_problem: None, fresh_until, measured_at: now };
        self.observed.coverage.insert(name("content"), coverage);
        for item in ["answers", "normal"] {
            let evidence = Evidence { outcome: Outcome::Green, detail: "200 in 31 ms".into(), measured_at: now };
            self.observed.evidence.entry(name("reader-2.3")).or_default().insert(name(item), evidence);
        }
    }

    fn counts(&mut self, from: i64, to: i64, errors: u64) {
        let t0: Timestamp = T0.parse().unwrap();
        let minute = |minute: i64| Minute {
            at: t0 + jiff::SignedDuration::from_mins(minute),
            candidate: Some(Counts { errors: errors + u64::from(minute % 7 == 0), requests: 1_800 + minute.unsigned_abs() * 3 }),
            baseline: Some(Counts { errors: 17 + minute.unsigned_abs() % 3, requests: 60_000 }),
        };
        self.observed.minutes.insert(name("reader-2.3"), BTreeMap::from([(name("http"), (from..to).map(minute).collect())]));
    }
}

/// Two weeks by the hour, with a day's rhythm and figures that have no short decimal form.
fn history(now: Timestamp) -> Vec<(Timestamp, f64)> {
    let load = |hour: i64| {
        40.0 + f64::from(i32::try_from((hour * 7_919) % 101).unwrap()) / 3.0 + [0.0, 9.1, 31.7][(hour % 24 / 8) as usize]
    };
    (1..=336).rev().map(|hour| (now - jiff::SignedDuration::from_hours(hour), load(336 - hour))).collect()
}

fn order(by: &str, order: Order) -> Command {
    Command { by: person(by), order, reason: "as rehearsed".into() }
}

fn reader() -> Name {
    name("reader-2.3")
}

fn signed() -> Vec<Command> {
    let sign = |by: &str, item: &str| order(by, Order::SignOff { release: reader(), item: name(item) });
    vec![sign("ann sre", "load-test"), sign("bob sre", "load-test"), sign("ann sre", "load-test"), sign("cy viewer", "retries")]
}

fn scenes() -> Vec<(&'static str, (Scope, Snapshot))> {
    let mut play =
        Play { config: config(DOCUMENTS), state: State::default(), observed: Observations::default(), now: T0.parse().unwrap() };
    let mut scenes = Vec::new();
    let mut keep = |name, snapshot| scenes.push((name, (Scope::Whole, snapshot)));
    play.at(-60 * 24 * 30);
    keep("first-look", play.decide(Vec::new()));
    play.at(-60 * 24 * 3);
    keep("early-channels-unseen-world", play.decide(Vec::new()));
    play.healthy();
    keep("signatures", play.decide(signed()));
    play.at(-90);
    keep("floors-and-warmth", play.decide(Vec::new()));
    play.at(-20);
    let waive = Order::Waive { release: reader(), item: name("retries"), expires_at: later(play.now, Duration::from_hours(8)) };
    play.decide(Vec::new());
    keep("armed", play.decide(vec![order("ann sre", waive), order("ann operator sre", Order::Go { release: reader() })]));
    play.at(0);
    keep("launch", play.decide(Vec::new()));
    play.counts(0, 13, 2);
    play.at(14);
    keep("safe-or-holding", play.decide(Vec::new()));
    keep("held-by-a-person", play.decide(vec![order("bob operator", Order::Hold { release: reader() })]));
    play.at(16);
    let orders =
        [Order::Resume { release: reader() }, Order::Promote { release: reader() }, Order::Advance { release: name("none") }];
    keep("resumed-and-promoted", play.decide(orders.map(|one| order("ann operator sre", one)).into()));
    let mut bad = Play { config: play.config.clone(), state: play.state.clone(), observed: play.observed.clone(), now: play.now };
    bad.counts(0, 30, 90);
    bad.at(31);
    keep("abort-halts", bad.decide(Vec::new()));
    bad.at(33);
    keep("cleared-with-a-halt-left", bad.decide(vec![order("ann operator sre", Order::Clear { release: reader() })]));
    play.counts(0, 160, 2);
    play.at(161);
    keep("end-of-the-bake", play.decide(Vec::new()));
    play.at(60 * 10);
    keep("capacity-given-back", play.decide(Vec::new()));
    let halt = HaltTarget::Channel { app: name("reader"), channel: name("beta") };
    bad.observed.halt_file = true;
    bad.config.gates.clear();
    bad.config.scalings.clear();
    bad.config.checklists.clear();
    bad.pass(1);
    let poisoned = bad.decide(vec![order("ann operator", Order::Halt { target: halt })]);
    scenes.push(("halted-without-policies", (Scope::Whole, poisoned.clone())));
    scenes.push(("orders-alone", (Scope::Orders, poisoned)));
    scenes
}
