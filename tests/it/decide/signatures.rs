//! Sign-offs and waivers: who may, what they bind to, and when they are void (I7).

use std::time::Duration;

use tminus::core::checklist::{ItemState, Outcome, Word};
use tminus::core::decide::{Order, voided};
use tminus::core::words::later;

use super::bench::{Bench, config, name};

const DOCUMENTS: &str = "
apiVersion: tminus/v1
kind: Release
name: r
app: App
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
checklists: [list]
---
apiVersion: tminus/v1
kind: Checklist
name: list
items:
  - {id: tested, title: Load was tested, sign_off: {roles: [sre], count: 2}}
  - {id: up, title: It answers, check: {http: {url: 'http://x.example/', status: 200}}, every: 1h}
  - {id: fixed, title: It is safe, check: {http: {url: 'http://x.example/safe', status: 200}}, waivable: false, every: 1h}
";

fn sign(item: &str) -> Order {
    Order::SignOff { release: name("r"), item: name(item) }
}

fn state(bench: &Bench, item: usize) -> ItemState {
    bench.last.releases[&name("r")].readiness.items[item].state
}

#[test]
fn it_takes_distinct_people_of_the_role_and_never_the_one_who_applied_it() {
    let mut bench = Bench::new(DOCUMENTS);
    assert_eq!(bench.code("ann sre", Order::Applied { releases: vec![name("r")] }), "applied");
    assert_eq!(bench.code("ann sre", sign("tested")), "!own_release");
    assert_eq!(bench.code("bob operator", sign("tested")), "!wrong_role");
    assert_eq!(bench.code("bob operator sre", sign("tested")), "signed");
    assert_eq!(bench.code("BOB sre", sign("tested")), "!already_signed");
    bench.settle();
    assert_eq!(state(&bench, 0), ItemState::Pending);
    assert_eq!(bench.code("cy sre", sign("tested")), "signed");
    bench.settle();
    assert_eq!(state(&bench, 0), ItemState::Green);
    assert_eq!(bench.code("cy sre", sign("up")), "!not_a_sign_off");
}

#[test]
fn applying_it_later_voids_the_own_signature() {
    let mut bench = Bench::new(DOCUMENTS);
    assert_eq!(bench.code("ann sre", sign("tested")), "signed");
    assert_eq!(bench.code("bob sre", sign("tested")), "signed");
    bench.settle();
    assert_eq!(state(&bench, 0), ItemState::Green);
    bench.order("ann sre", Order::Applied { releases: vec![name("r")] }).unwrap();
    bench.settle();
    assert_eq!(state(&bench, 0), ItemState::Pending);
}

#[test]
fn a_slipped_date_voids_nothing_and_a_changed_item_does() {
    let mut bench = Bench::new(DOCUMENTS);
    for by in ["ann sre", "bob sre"] {
        assert_eq!(bench.code(by, sign("tested")), "signed");
    }
    bench.config = config(&DOCUMENTS.replace("launch_at: 2026-12-01T11", "launch_at: 2026-12-01T12"));
    bench.settle();
    assert_eq!(state(&bench, 0), ItemState::Green);
    bench.config = config(&DOCUMENTS.replace("Load was tested", "Load was tested twice"));
    bench.settle();
    assert_eq!(state(&bench, 0), ItemState::Pending);
    bench.config = config(DOCUMENTS);
    bench.settle();
    assert_eq!(state(&bench, 0), ItemState::Green);
}

#[test]
fn a_waiver_counts_until_it_expires_and_not_for_what_may_not_be_waived() {
    let mut bench = Bench::new(DOCUMENTS);
    let waive = |item, expires_at| Order::Waive { release: name("r"), item: name(item), expires_at };
    let soon = later(bench.now, Duration::from_mins(10));
    bench.answer(("r", "up"), Outcome::Red);
    assert_eq!(bench.code("ann", waive("fixed", soon)), "!not_waivable");
    assert_eq!(bench.code("ann", waive("up", bench.now)), "!expired");
    assert_eq!(bench.code("ann", waive("up", soon)), "waived");
    bench.settle();
    assert_eq!(state(&bench, 1), ItemState::Waived);
    bench.pass(9);
    assert_eq!((state(&bench, 1), bench.last.wake_at), (ItemState::Waived, Some(soon)), "it wakes when a waiver ends");
    bench.pass(1);
    assert_eq!(state(&bench, 1), ItemState::Red);
    assert_eq!(bench.last.releases[&name("r")].readiness.word, Word::NoGo);
}

#[test]
fn who_signed_what_has_changed_hears_of_it_once() {
    let mut bench = Bench::new(DOCUMENTS);
    assert_eq!(bench.code("ann sre", sign("tested")), "signed");
    let (before, after) = (config(DOCUMENTS), config(&DOCUMENTS.replace("Load was tested", "Load was tested twice")));
    assert_eq!(voided(&bench.state, &before, &after), ["r/tested (ann)"]);
    assert!(voided(&bench.state, &before, &before).is_empty());
    bench.config = after;
    bench.decide(Vec::new());
    let said: Vec<&str> = bench.told().iter().map(|told| told.what.as_str()).collect();
    assert_eq!(said, ["ann's sign-off of tested of r is void: what was signed has changed."]);
    bench.pass(5);
    assert!(bench.told().is_empty(), "{:?}", bench.told());
    assert_eq!(bench.code("ann sre", sign("tested")), "signed", "and may sign again");
    bench.config = config(DOCUMENTS);
    bench.decide(Vec::new());
    assert_eq!(bench.told().len(), 1, "the new signature is void now");
}

#[test]
fn who_waived_what_has_changed_hears_of_it_once() {
    let mut bench = Bench::new(DOCUMENTS);
    let soon = later(bench.now, Duration::from_mins(30));
    assert_eq!(bench.code("ann", Order::Waive { release: name("r"), item: name("up"), expires_at: soon }), "waived");
    bench.config = config(&DOCUMENTS.replace("It answers", "It answers within a second"));
    bench.decide(Vec::new());
    let said: Vec<&str> = bench.told().iter().map(|told| told.what.as_str()).collect();
    assert_eq!(said, ["ann's waiver of up of r is void: what was waived has changed."]);
    bench.pass(5);
    assert!(bench.told().is_empty(), "{:?}", bench.told());
}
