//! Halts: one pulls, the policy's people lift, one alone may break the glass; everybody hears of it.

use tminus::core::decide::{Command, Order, Topic};
use tminus::core::throttle::{Force, HaltTarget, Reason, Request, Table, TableInput};
use tminus::core::words::{Name, Version};

use super::bench::{Bench, name, person};

const DOCUMENTS: &str = "
apiVersion: tminus/v1
kind: Release
name: r
app: App
version: 2.0.0
channels: [release]
released: true
---
apiVersion: tminus/v1
kind: ThrottlePolicy
name: policy
rules: [{app: App, version: 0.9, percent: 0}]
lift: {roles: [releng], count: 2}
---
apiVersion: tminus/v1
kind: ThrottlePolicy
name: lax
rules: [{app: Other, percent: 50}]
";

fn app() -> HaltTarget {
    HaltTarget::App { app: name("app") }
}

fn halt(target: HaltTarget) -> Order {
    Order::Halt { target }
}

fn lift(target: HaltTarget) -> Order {
    Order::Lift { target, break_glass: false }
}

fn bench() -> Bench {
    Bench::new(DOCUMENTS)
}

/// How a forced request is answered from what was decided last.
fn forced(bench: &Bench, app: &str) -> Reason {
    let table = Table::build(TableInput {
        policies: bench.config.throttles.values().cloned().collect(),
        offers: bench.last.offers.clone(),
        halts: bench.last.halts.clone(),
        ..TableInput::default()
    });
    let request = Request {
        app: name(app),
        version: Version::new("1.0").unwrap(),
        channel: name("release"),
        client: None,
        force: Force::Serve,
    };
    table.decide(&request, 0).reason
}

#[test]
fn halting_needs_nobodys_leave_and_beats_force_in_the_same_decision() {
    let mut bench = bench();
    assert_eq!(forced(&bench, "App"), Reason::Force);
    assert_eq!(bench.code("passer-by", halt(app())), "halted");
    assert_eq!(forced(&bench, "App"), Reason::Halt);
    assert_eq!(bench.code("passer-by", halt(app())), "already_halted");
    assert!(bench.told().is_empty(), "the same halt is no news");
}

#[test]
fn lifting_takes_distinct_people_of_the_role() {
    let mut bench = bench();
    bench.order("ann", halt(app())).unwrap();
    assert_eq!(bench.code("ann operator", lift(app())), "!wrong_role");
    assert_eq!(bench.code("bob releng", lift(app())), "lift_pending");
    assert_eq!(bench.code("Bob releng", lift(app())), "lift_pending");
    assert_eq!(forced(&bench, "App"), Reason::Halt);
    assert_eq!(bench.code("cy releng", lift(app())), "lifted");
    assert_eq!(forced(&bench, "App"), Reason::Force);
    assert_eq!(bench.code("cy releng", lift(app())), "!not_halted");
}

#[test]
fn lifting_the_wrong_halt_names_the_right_one() {
    let mut bench = bench();
    bench.order("ann", halt(HaltTarget::Version { app: name("App"), version: "2".parse().unwrap() })).unwrap();
    let told = bench.order("bob releng", lift(app())).unwrap_err();
    assert_eq!(told.message, "app is not halted; halted is App 2, lift that by naming it");
    bench.observed.halt_file = true;
    let told = bench.order("bob releng", lift(app())).unwrap_err();
    assert_eq!(told.message, "app is halted by the halt file, like everything; removing the file lifts it");
}

#[test]
fn a_new_halt_voids_the_voices_to_lift_the_old_one() {
    let mut bench = bench();
    bench.order("ann", halt(app())).unwrap();
    assert_eq!(bench.code("bob releng", lift(app())), "lift_pending");
    assert_eq!(bench.code("ann", halt(app())), "already_halted");
    let said: Vec<_> = bench.told().iter().map(|told| (told.what.clone(), told.meaning.clone())).collect();
    let expected = ("ann wants app to stay halted: a reason.".into(), "What bob asked before does not count any more.".into());
    assert_eq!(said, [expected], "who asked before has to know");
    assert_eq!(bench.code("cy releng", lift(app())), "lift_pending");
}

#[test]
fn one_alone_breaks_the_glass_and_everybody_hears_of_it() {
    let mut bench = bench();
    bench.order("ann", halt(app())).unwrap();
    assert_eq!(bench.code("night-watch operator", Order::Lift { target: app(), break_glass: true }), "lifted");
    let told = bench.told();
    assert_eq!((told.len(), told[0].topic), (1, Topic::Halt));
    assert!(told[0].what.contains("night-watch") && told[0].what.contains("breaking the glass"), "{}", told[0].what);
}

#[test]
fn the_second_voice_needs_no_broken_glass() {
    let mut bench = bench();
    bench.order("ann", halt(app())).unwrap();
    bench.order("bob releng", lift(app())).unwrap();
    assert_eq!(bench.code("cy releng", Order::Lift { target: app(), break_glass: true }), "lifted");
    assert!(!bench.told()[0].what.contains("glass"), "{}", bench.told()[0].what);
}

#[test]
fn the_strictest_policy_that_names_the_app_says_who_lifts() {
    let mut bench = bench();
    let other = || HaltTarget::App { app: name("Other") };
    bench.order("ann", halt(other())).unwrap();
    assert_eq!(bench.code("ann", lift(other())), "lifted", "its own policy asks for one, whoever it is");
    let unnamed = || HaltTarget::Channel { app: name("Third"), channel: name("beta") };
    bench.order("ann", halt(unnamed())).unwrap();
    assert_eq!(bench.code("ann releng", lift(unnamed())), "lift_pending", "no policy names it: the strictest of all");
}

#[test]
fn a_lifted_halt_counts_as_a_rehearsal_of_its_app() {
    let mut bench = bench();
    bench.order("ann", halt(app())).unwrap();
    assert!(bench.state.rehearsals.is_empty(), "pulled is not rehearsed: it has to come back too");
    bench.order("bob releng", lift(app())).unwrap();
    bench.order("cy releng", lift(app())).unwrap();
    assert_eq!(bench.state.rehearsals.get(&name("App")), Some(&bench.now));
}

#[test]
fn two_halts_in_one_decision_are_both_carried_out() {
    let mut bench = bench();
    let command = |order| Command { by: person("ann"), order, reason: "both".into() };
    let targets: [Name; 2] = [name("App"), name("Other")];
    bench.decide(targets.iter().map(|app| command(halt(HaltTarget::App { app: app.clone() }))).collect());
    assert!(bench.last.replies.iter().all(Result::is_ok));
    assert_eq!((forced(&bench, "App"), forced(&bench, "Other")), (Reason::Halt, Reason::Halt));
    assert_eq!(bench.told().len(), 2);
}

#[test]
fn a_shadow_that_aborts_halts_nobody() {
    let mut bench = Bench::new(
        "
apiVersion: tminus/v1
kind: Release
name: shadow
app: App
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
go: auto
shadow: true
rollout: {steps: [{percent: 10}, {percent: 100}]}
",
    );
    bench.pass(60);
    assert_eq!(bench.phase("shadow"), "rolling");
    assert_eq!(bench.code("ann", Order::Abort { release: name("shadow") }), "aborted");
    assert!(bench.state.halts.is_empty() && bench.last.offers.is_empty());
    assert!(bench.told()[0].what.starts_with("Shadow: ") && bench.told()[0].meaning.starts_with("Nothing is done"));
}
