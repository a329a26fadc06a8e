//! Documents that vanish under a release, and documents that are refused: what goes on, what waits, who hears of it.

use std::collections::BTreeMap;
use std::time::Duration;

use tminus::core::decide::{Effect, Order, Rejected, Topic, keeps};
use tminus::core::release::{Missing, Phase};
use tminus::core::words::{Percent, later};

use super::bench::{Bench, config, name};

const DOCUMENTS: &str = concat!(
    "
apiVersion: tminus/v1
kind: Release
name: r
app: App
version: 2.0.0
channels: [release]
early: [{channels: [nightly], at: T-90m}, {channels: [beta], at: T-30m}]
launch_at: 2026-12-01T11:00:00Z
checklists: [list]
gate: gate
rollout: {steps: [{percent: 1}, {percent: 10}, {percent: 100, bake: 1h}]}
---
apiVersion: tminus/v1
kind: Release
name: other
app: Other
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
go: auto
rollout: {steps: [{percent: 100, bake: 10m}]}
---
apiVersion: tminus/v1
kind: Release
name: far
app: App
version: 3.0.0
channels: [release]
launch_at: 2027-12-01T11:00:00Z
checklists: [list]
---
apiVersion: tminus/v1
kind: Checklist
name: list
items: [{id: signed, title: Somebody signed, sign_off: {}}]
",
    include_str!("gate.yaml")
);

fn goes(bench: &mut Bench, release: &str) {
    let missing = Missing { document: format!("Release/{release}"), file: "releases/r.yaml".into() };
    bench.config.vanished = BTreeMap::from([(name(release), vec![missing])]);
}

fn comes_back(bench: &mut Bench) {
    bench.config.vanished.clear();
}

fn ready() -> Bench {
    let mut bench = Bench::new(DOCUMENTS);
    assert_eq!(bench.code("ann", Order::SignOff { release: name("r"), item: name("signed") }), "signed");
    bench.settle();
    bench
}

fn rolling() -> Bench {
    let mut bench = ready();
    assert_eq!(bench.code("ann", Order::Go { release: name("r") }), "ready");
    bench.pass(61);
    assert_eq!(bench.code("ann", Order::Advance { release: name("r") }), "rolling");
    bench.settle();
    bench
}

/// What the throttle serves of `r`: percents of its steps, and early channels.
fn offered(bench: &Bench) -> (Vec<String>, Vec<String>) {
    let audiences = || bench.last.offers.iter().filter(|offer| offer.release == name("r")).flat_map(|offer| &offer.audiences);
    let steps = audiences().filter(|audience| !audience.early).map(|audience| audience.step.unwrap_or(Percent::FULL).to_string());
    let early = audiences().filter(|audience| audience.early).flat_map(|audience| &audience.channels).map(ToString::to_string);
    (steps.collect(), early.collect())
}

fn said(bench: &Bench) -> Vec<String> {
    bench.told().iter().map(|told| told.what.clone()).collect()
}

#[test]
fn a_release_under_way_is_held_where_it_stands_and_people_hear_once() {
    let mut bench = rolling();
    let before = offered(&bench);
    assert_eq!(before, (vec!["10".into()], vec!["nightly".into(), "beta".into()]));
    goes(&mut bench, "r");
    bench.decide(Vec::new());
    assert_eq!(said(&bench), ["tminus holds r: Release/r vanished from releases/r.yaml."]);
    let told = bench.told()[0].clone();
    assert_eq!(told.topic, Topic::Hold);
    assert!(told.meaning.starts_with("It stays at 10 %"), "{told:?}");
    assert!(told.next.contains("`tminus resume r`") && told.next.contains("`tminus abort r`"), "{told:?}");
    assert!(!bench.decide(Vec::new()).changed, "it is said once");
    bench.pass(200);
    assert_eq!((bench.phase("r"), offered(&bench)), ("held", before.clone()));
    let waiting = &bench.last.releases[&name("r")].waiting;
    assert!(waiting[0].contains("vanished from releases/r.yaml"), "{waiting:?}");
    assert_eq!(bench.phase("other"), "complete", "nobody else is held (I11)");

    comes_back(&mut bench);
    bench.decide(Vec::new());
    assert_eq!(said(&bench), ["The documents of r are back: Release/r."]);
    bench.pass(30);
    assert_eq!((bench.phase("r"), offered(&bench)), ("held", before.clone()), "only a person lets it go on");
    assert_eq!(bench.code("ann", Order::Resume { release: name("r") }), "rolling");
    bench.settle();
    assert_eq!(offered(&bench), before);
    assert!(bench.state.releases[&name("r")].vanished.is_none());
}

#[test]
fn orders_that_let_more_through_wait_and_orders_that_stop_do_not() {
    let release = || name("r");
    let mut bench = rolling();
    goes(&mut bench, "r");
    // In the very decision in which it is seen to be gone.
    for order in [Order::Advance { release: release() }, Order::Promote { release: release() }] {
        assert_eq!(bench.code("ann", order), "!document_vanished");
    }
    assert_eq!(bench.code("ann", Order::Resume { release: release() }), "!document_vanished");
    assert_eq!(bench.code("ann", Order::Abort { release: release() }), "aborted");
    assert_eq!(bench.code("ann", Order::Clear { release: release() }), "!document_vanished");
    bench.settle();
    comes_back(&mut bench);
    bench.settle();
    assert_eq!(bench.code("ann", Order::Clear { release: release() }), "held");

    let mut bench = ready();
    goes(&mut bench, "r");
    assert_eq!(bench.code("ann", Order::Go { release: release() }), "!document_vanished");
    bench.settle();
    assert_eq!(bench.phase("r"), "held");
    assert_eq!(bench.code("ann", Order::Scrub { release: release() }), "scrubbed");
}

#[test]
fn early_channels_that_fall_due_meanwhile_wait_for_the_resume() {
    let mut bench = ready();
    goes(&mut bench, "r");
    bench.pass(45);
    let nightly = (Vec::new(), vec!["nightly".to_owned()]);
    assert_eq!((bench.phase("r"), offered(&bench)), ("held", nightly.clone()));
    comes_back(&mut bench);
    bench.pass(1);
    assert_eq!(offered(&bench), nightly, "back is not resumed");
    assert_eq!(bench.code("ann", Order::Resume { release: name("r") }), "ready");
    bench.settle();
    assert_eq!(offered(&bench).1, ["nightly", "beta"]);
}

#[test]
fn a_hold_by_a_person_stays_theirs() {
    let mut bench = rolling();
    assert_eq!(bench.code("ann", Order::Hold { release: name("r") }), "held");
    goes(&mut bench, "r");
    bench.decide(Vec::new());
    assert_eq!(said(&bench), ["A document of r is gone: Release/r vanished from releases/r.yaml."]);
    let Phase::Held { by, .. } = &bench.state.releases[&name("r")].phase else { panic!("not held") };
    assert_eq!(by, &name("ann"));
    assert_eq!(bench.code("ann", Order::Resume { release: name("r") }), "!document_vanished");
}

#[test]
fn an_abort_counts_while_it_is_held() {
    use tminus::core::gate::{Counts, Minute};
    let mut bench = rolling();
    goes(&mut bench, "r");
    bench.settle();
    let launched = bench.state.releases[&name("r")].evidence_from.unwrap();
    bench.now = later(launched, Duration::from_mins(30));
    let minute = |minutes| Minute {
        at: later(launched, Duration::from_mins(minutes)),
        candidate: Some(Counts { errors: 500, requests: 1_000 }),
        baseline: None,
    };
    let minutes = BTreeMap::from([(name("http"), (0..30).map(minute).collect())]);
    bench.observed.minutes.insert(name("r"), minutes);
    bench.settle();
    assert_eq!(bench.phase("r"), "aborted");
    assert!(bench.state.releases[&name("r")].vanished.is_some(), "and what is missing is missing still");
}

#[test]
fn a_complete_release_stays_on_offer() {
    let mut bench = rolling();
    bench.pass(30);
    assert_eq!(bench.phase("other"), "complete");
    let served = |bench: &Bench| bench.last.offers.iter().any(|offer| offer.release == name("other") && offer.complete);
    goes(&mut bench, "other");
    bench.decide(Vec::new());
    assert_eq!(said(&bench), ["A document of other is gone: Release/other vanished from releases/r.yaml."]);
    assert!(bench.told()[0].next.contains("`tminus apply --remove Release/other --reason TEXT`"), "{:?}", bench.told());
    bench.pass(60);
    assert!(served(&bench) && bench.phase("other") == "complete");
    comes_back(&mut bench);
    bench.settle();
    assert!(bench.state.releases[&name("other")].vanished.is_none() && served(&bench));
}

#[test]
fn what_nothing_was_done_for_is_forgotten_and_what_people_signed_is_not() {
    let mut bench = Bench::new(DOCUMENTS);
    let kept = |bench: &Bench, release: &str| {
        keeps(&bench.config.releases[&name(release)], &bench.state.releases[&name(release)], bench.now)
    };
    assert_eq!(bench.phase("far"), "planned");
    assert!(!kept(&bench, "far") && kept(&bench, "r"));
    assert_eq!(bench.code("ann", Order::SignOff { release: name("far"), item: name("signed") }), "signed");
    assert!(kept(&bench, "far"), "a signature is work that somebody did");
    goes(&mut bench, "far");
    bench.now += Duration::from_hours(24 * 370);
    bench.settle();
    assert_eq!(bench.phase("far"), "planned", "nothing is begun for it");
    assert_eq!(bench.code("ann", Order::Scrub { release: name("far") }), "scrubbed");
    assert!(!kept(&bench, "far"), "called off before anybody had it");

    bench.config.vanished.clear();
    bench.config.releases.remove(&name("far"));
    bench.settle();
    assert!(!bench.state.releases.contains_key(&name("far")), "forgotten");
    bench.config.releases.remove(&name("r"));
    bench.settle();
    assert!(bench.state.releases.contains_key(&name("r")), "what was begun is never forgotten by itself");
}

#[test]
fn a_release_that_served_early_channels_is_kept_when_it_is_called_off() {
    let mut bench = ready();
    bench.pass(31);
    assert_eq!(bench.code("ann", Order::Scrub { release: name("r") }), "scrubbed");
    assert!(
        keeps(&bench.config.releases[&name("r")], &bench.state.releases[&name("r")], bench.now),
        "its app is not somebody else's"
    );
}

#[test]
fn what_is_removed_on_purpose_is_forgotten_and_said() {
    let mut bench = rolling();
    bench.pass(30);
    bench.config.releases.remove(&name("other"));
    let order = Order::Removed { document: "Release/other".into(), releases: vec![name("other")] };
    assert_eq!(bench.code("ann", order), "removed");
    assert_eq!(said(&bench), ["ann removed Release/other: a reason."]);
    assert!(!bench.state.releases.contains_key(&name("other")));
}

#[test]
fn a_restart_while_it_is_missing_changes_nothing() {
    let mut bench = rolling();
    goes(&mut bench, "r");
    bench.settle();
    let before = offered(&bench);
    bench.state = serde_json::from_str(&serde_json::to_string(&bench.state).unwrap()).unwrap();
    bench.state.epoch += 1;
    assert!(!bench.decide(Vec::new()).changed, "{:?}", bench.last.intents);
    assert_eq!((bench.phase("r"), offered(&bench)), ("held", before));
}

#[test]
fn refused_documents_are_told_once_and_so_is_their_end() {
    let mut bench = Bench::new(DOCUMENTS);
    let rejected = |digest: &str, first: &str| Some(Rejected { digest: digest.into(), errors: 2, first: first.into() });
    bench.observed.rejected = rejected("a", "x.yaml:3: unknown key `percnt`");
    bench.decide(Vec::new());
    assert_eq!(
        said(&bench),
        ["The documents were changed and are refused: 2 errors; the first: x.yaml:3: unknown key `percnt`."]
    );
    assert!(!bench.decide(Vec::new()).changed);
    bench.observed.rejected = rejected("b", "y.yaml:1: cannot be read.");
    bench.decide(Vec::new());
    assert_eq!(bench.told().len(), 1, "another problem is news");
    bench.observed.rejected = None;
    bench.decide(Vec::new());
    assert_eq!(said(&bench), ["The documents are valid again."]);
    let notices = bench.last.intents.iter().all(|intent| matches!(intent.effect, Effect::Notify(_)));
    assert!(notices && !bench.decide(Vec::new()).changed);
}

#[test]
fn a_change_of_documents_is_a_change_that_is_kept() {
    let mut bench = Bench::new(DOCUMENTS);
    bench.config = config(&DOCUMENTS.replace("Somebody signed", "Somebody signed it"));
    assert!(bench.decide(Vec::new()).changed, "its row in the audit");
    assert!(!bench.decide(Vec::new()).changed);
}
