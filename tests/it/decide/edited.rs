//! Documents that are edited while their release is under way: no edit lets more through than before it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::decide::Order;
use tminus::core::gate::{Counts, Minute};
use tminus::core::release::{Phase, fixed};
use tminus::core::words::later;

use super::bench::{Bench, config, name};

const DOCUMENTS: &str = concat!(
    "
apiVersion: tminus/v1
kind: Release
name: r
app: App
version: 2.0.0
channels: [release, esr]
early: [{channels: [beta], at: T-1h}]
from: '>=1.0 <2.0.0'
launch_at: 2026-12-01T11:00:00Z
gate: gate
rollout: {steps: [STEPS]}
",
    include_str!("gate.yaml")
);

/// Percents with a dwell of a minute, as steps of a document.
fn documents(percents: &str) -> String {
    let step = |percent: &str| format!("{{percent: {percent}, {}: 1m}}", if percent == "100" { "bake" } else { "dwell" });
    let steps: Vec<String> = percents.split(' ').map(step).collect();
    DOCUMENTS.replace("STEPS", &steps.join(", "))
}

/// A bench on which the release stands at a percent of its steps.
fn standing_at(percents: &str, percent: &str) -> Bench {
    let mut bench = Bench::new(&documents(percents));
    bench.pass(60);
    assert_eq!(bench.code("ann", Order::Go { release: name("r") }), "rolling");
    bench.settle();
    while shown(&bench) != percent {
        assert!(bench.order("ann", Order::Advance { release: name("r") }).is_ok(), "{percents} has no {percent}");
        bench.settle();
    }
    bench
}

fn shown(bench: &Bench) -> String {
    bench.last.releases[&name("r")].percent.to_string()
}

/// The percent that clients are served by.
fn offered(bench: &Bench) -> String {
    let audiences = bench.last.offers.iter().flat_map(|offer| &offer.audiences);
    audiences.filter(|audience| !audience.early).map(|audience| audience.step.unwrap().to_string()).collect()
}

/// Counts without an error from the step's start on, until SAFE.
fn all_is_well(bench: &mut Bench) {
    let state = &bench.state.releases[&name("r")];
    let from = state.evidence_from.unwrap();
    bench.now = later(state.step_from.unwrap(), Duration::from_mins(30));
    let minutes = (bench.now.as_second() - from.as_second()) / 60;
    let minute = |minutes: i64| Minute {
        at: Timestamp::from_second(from.as_second() + minutes * 60).unwrap(),
        candidate: Some(Counts { errors: 0, requests: 5_000 }),
        baseline: None,
    };
    bench.observed.minutes.insert(name("r"), BTreeMap::from([(name("http"), (0..minutes).map(minute).collect())]));
    bench.settle();
}

/// Steps, where it stands, new steps; where it stands then, and the percent after SAFE.
const EDITS: [(&str, &str, &str, &str, &str); 14] = [
    ("1 10 50 100", "10", "1 10 50 100", "10", "50"),
    ("1 10 50 100", "10", "1 20 50 100", "10", "20"),
    ("1 10 50 100", "10", "1 5 50 100", "5", "50"),
    ("1 10 50 100", "10", "1 50 100", "10", "50"),
    ("1 10 50 100", "10", "1 2 5 10 60 100", "10", "60"),
    ("1 10 50 100", "50", "1 100", "50", "100"),
    ("1 10 50 100", "50", "100", "50", "100"),
    ("1 10 50 100", "50", "1 10 20 100", "20", "100"),
    ("1 10 50 100", "50", "1 10 100", "50", "100"),
    ("1 10 50 100", "1", "5 10 50 100", "1", "5"),
    ("1 10 50 100", "1", "0.1 10 50 100", "0.1", "10"),
    ("1 10 50 100", "1", "50 100", "1", "50"),
    ("10 100", "10", "1 2 3 4 5 6 7 8 9 10 100", "10", "100"),
    ("1 10 50 100", "100", "1 10 50 70 100", "100", "100"),
];

#[test]
fn an_edit_of_the_steps_never_raises_what_is_let_through() {
    for (before, stands, after, expected, next) in EDITS {
        let what = format!("{before} at {stands} -> {after}");
        let mut bench = standing_at(before, stands);
        bench.config = config(&documents(after));
        bench.settle();
        assert_eq!((shown(&bench).as_str(), offered(&bench).as_str()), (expected, expected), "{what}");
        all_is_well(&mut bench);
        assert_eq!(shown(&bench), next, "{what}, then SAFE");
    }
}

#[test]
fn the_same_holds_while_a_person_holds_it_and_after_the_resume() {
    for (before, stands, after, expected, _) in EDITS {
        let what = format!("{before} at {stands} -> {after}");
        let mut bench = standing_at(before, stands);
        assert_eq!(bench.code("ann", Order::Hold { release: name("r") }), "held", "{what}");
        bench.config = config(&documents(after));
        bench.settle();
        assert_eq!((bench.phase("r"), offered(&bench).as_str()), ("held", expected), "{what}");
        bench.order("ann", Order::Resume { release: name("r") }).unwrap();
        bench.settle();
        assert_eq!(offered(&bench), expected, "{what}");
    }
}

#[test]
fn advance_goes_to_the_next_percent_and_not_to_the_next_place() {
    for (before, stands, after, expected, next) in EDITS.into_iter().filter(|(_, stands, ..)| *stands != "100") {
        let what = format!("{before} at {stands} -> {after}");
        let mut bench = standing_at(before, stands);
        bench.config = config(&documents(after));
        // In the very decision in which the edit is seen, a person's order finds it where it stands.
        bench.order("ann", Order::Advance { release: name("r") }).unwrap();
        let straight = shown(&bench);
        let from_where_it_stood = after.split(' ').find(|p| p.parse::<f64>().unwrap() > stands.parse::<f64>().unwrap());
        assert_eq!(Some(straight.as_str()), from_where_it_stood, "{what} at once, {expected} then {next} otherwise");
    }
}

#[test]
fn a_step_that_is_lowered_is_said_and_its_evidence_begins_anew() {
    let mut bench = standing_at("1 10 50 100", "10");
    bench.pass(5);
    bench.config = config(&documents("1 5 50 100"));
    bench.decide(Vec::new());
    let told: Vec<&str> = bench.told().iter().map(|told| told.what.as_str()).collect();
    assert_eq!(told, ["r goes from 10 to 5 %: its document was changed so."]);
    assert_eq!(bench.state.releases[&name("r")].step_from, Some(bench.now));
    bench.config = config(&documents("1 10 50 100"));
    bench.settle();
    assert_eq!(offered(&bench), "5", "raising it again waits for SAFE");
}

#[test]
fn clear_returns_to_what_was_certified_whatever_the_steps_are_now() {
    for (steps, expected) in [("1 10 50 100", "10"), ("1 50 100", "10"), ("20 50 100", "10")] {
        let documents = |percents| documents(percents).replace("rollout: {", "rollout: {on_abort: previous_safe, ");
        let mut bench = standing_at("1 10 50 100", "10");
        bench.config = config(&documents("1 10 50 100"));
        all_is_well(&mut bench);
        assert_eq!(shown(&bench), "50");
        assert_eq!(bench.code("ann", Order::Abort { release: name("r") }), "aborted");
        bench.config = config(&documents(steps));
        bench.settle();
        assert_eq!(bench.code("ann", Order::Clear { release: name("r") }), "held", "{steps}");
        bench.settle();
        assert_eq!(offered(&bench), expected, "{steps}");
    }
}

#[test]
fn what_a_launched_release_is_does_not_change() {
    let bench = standing_at("1 100", "1");
    let (before, rolling) = (bench.config.releases[&name("r")].clone(), bench.state.releases[&name("r")].clone());
    let edited = |from: &str, to: &str| {
        let yaml = documents("1 100");
        assert!(yaml.contains(from), "{from}");
        config(&yaml.replace(from, to)).releases[&name("r")].clone()
    };
    let preparing = Bench::new(&documents("1 100")).state.releases[&name("r")].clone();
    let scrubbed =
        tminus::core::release::ReleaseState { phase: Phase::Scrubbed { reason: "called off".into() }, ..preparing.clone() };
    let cases = [
        ("app: App", "app: Else", "app"),
        ("version: 2.0.0", "version: 2.0.1", "version"),
        (" <2.0.0", " <1.9", "from"),
        ("channels: [release, esr]", "channels: [release, esr, beta]", "channels"),
        ("channels: [beta]", "channels: [beta, esr]", "early"),
        ("gate: gate", "released: true", "released"),
        ("channels: [release, esr]", "channels: [release]", ""),
        ("early: [{channels: [beta], at: T-1h}]", "early: []", ""),
        ("launch_at: 2026-12-01T11", "launch_at: 2026-12-02T11", ""),
        ("percent: 1,", "percent: 50,", ""),
    ];
    for (from, to, key) in cases {
        let after = edited(from, to);
        let expected: Vec<&str> = if key.is_empty() { Vec::new() } else { vec![key] };
        assert_eq!(fixed(&before, &after, &rolling), expected, "{from} -> {to}");
        let before_launch: &[&str] = if key == "released" { &["released"] } else { &[] };
        assert_eq!(fixed(&before, &after, &preparing), before_launch, "{from} -> {to} before the launch");
        assert!(fixed(&before, &after, &scrubbed).is_empty(), "{from} -> {to} when it is called off");
    }
}

#[test]
fn a_resume_into_a_step_that_is_over_tells_both_steps() {
    let mut bench = standing_at("1 10 50 100", "1");
    bench.pass(2);
    assert_eq!(bench.code("ann", Order::Hold { release: name("r") }), "held");
    all_is_well(&mut bench);
    assert_eq!(shown(&bench), "1");
    // The checker of every decision sees to it that no key is asked twice.
    bench.order("ann", Order::Resume { release: name("r") }).unwrap();
    let told: Vec<&str> = bench.told().iter().map(|told| told.what.as_str()).collect();
    assert_eq!(told, ["r goes on at 1 %, ann says: a reason.", "r is at 10 %."]);
}
