//! Orders that are refused, with their codes: each 409 of the control API.

use tminus::core::decide::Order;
use tminus::core::words::{Name, later};

use super::bench::{Bench, name};

const DOCUMENTS: &str = "
apiVersion: tminus/v1
kind: Release
name: r
app: App
version: 2.0.0
channels: [release]
launch_at: 2026-12-01T11:00:00Z
checklists: [list]
rollout: {steps: [{percent: 1}, {percent: 10}, {percent: 100, bake: 1h}]}
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
";

fn r() -> Name {
    name("r")
}

fn bench() -> Bench {
    Bench::new(DOCUMENTS)
}

fn signed() -> Bench {
    let mut bench = bench();
    assert_eq!(bench.code("ann", Order::SignOff { release: r(), item: name("signed") }), "signed");
    bench.settle();
    bench
}

fn rolling() -> Bench {
    let mut bench = signed();
    assert_eq!(bench.code("ann", Order::Go { release: r() }), "ready");
    bench.pass(60);
    assert_eq!(bench.phase("r"), "rolling");
    bench
}

fn ordered(mut bench: Bench, orders: &[Order]) -> Bench {
    for order in orders {
        assert!(bench.order("ann", order.clone()).is_ok(), "{order:?} while {}", bench.phase("r"));
    }
    bench
}

/// Where a release stands: in words, how it comes there, and by which orders at last.
type Place<'a> = (&'a str, fn() -> Bench, &'a [Order]);

#[test]
fn orders_that_make_no_sense_are_refused_with_a_code() {
    let (hold, abort) = (Order::Hold { release: r() }, Order::Abort { release: r() });
    let states: [Place<'_>; 8] = [
        ("preparing", bench, &[]),
        ("ready", signed, &[]),
        ("rolling", rolling, &[]),
        ("baking", rolling, &[Order::Promote { release: r() }]),
        ("held", signed, std::slice::from_ref(&hold)),
        ("held while rolling", rolling, std::slice::from_ref(&hold)),
        ("aborted", rolling, std::slice::from_ref(&abort)),
        ("scrubbed", bench, &[Order::Scrub { release: r() }]),
    ];
    // Columns in the order of `orders` below; what is accepted goes by the phase it leads to.
    let expected = [
        "!not_ready held !already !wrong_phase !wrong_phase !wrong_phase !wrong_phase scrubbed",
        "ready held !already !wrong_phase !wrong_phase !wrong_phase !wrong_phase scrubbed",
        "!already held !already rolling baking aborted !wrong_phase !wrong_phase",
        "!already held !already !already !already aborted !wrong_phase !wrong_phase",
        "!wrong_phase !already ready !wrong_phase !wrong_phase !wrong_phase !wrong_phase scrubbed",
        "!wrong_phase !already rolling !wrong_phase !wrong_phase aborted !wrong_phase !wrong_phase",
        "!wrong_phase !wrong_phase !wrong_phase !wrong_phase !wrong_phase !already held !wrong_phase",
        "!wrong_phase !wrong_phase !wrong_phase !wrong_phase !wrong_phase !wrong_phase !wrong_phase !already",
    ];
    for ((place, make, before), expected) in states.into_iter().zip(expected) {
        let orders = [
            Order::Go { release: r() },
            Order::Hold { release: r() },
            Order::Resume { release: r() },
            Order::Advance { release: r() },
            Order::Promote { release: r() },
            Order::Abort { release: r() },
            Order::Clear { release: r() },
            Order::Scrub { release: r() },
        ];
        let codes: Vec<_> = orders.into_iter().map(|order| ordered(make(), before).code("ann", order)).collect();
        assert_eq!(codes.join(" "), expected, "{place}");
    }
}

#[test]
fn a_refused_go_names_what_to_make_green() {
    let refused = bench().order("ann", Order::Go { release: r() }).unwrap_err();
    assert_eq!(refused.code, "not_ready");
    assert!(refused.message.contains("signed is pending") && refused.message.contains("waive"), "{}", refused.message);
}

#[test]
fn orders_about_nothing_are_refused() {
    let mut bench = bench();
    let later = later(bench.now, std::time::Duration::from_mins(1));
    for order in [
        Order::Go { release: name("nobody") },
        Order::Scrub { release: name("nobody") },
        Order::SignOff { release: name("nobody"), item: name("signed") },
        Order::Waive { release: name("nobody"), item: name("signed"), expires_at: later },
    ] {
        assert_eq!(bench.code("ann", order.clone()), "!unknown_release", "{order:?}");
    }
    assert_eq!(bench.code("ann", Order::SignOff { release: r(), item: name("nothing") }), "!unknown_item");
    assert_eq!(bench.code("ann", Order::Hold { release: name("far") }), "!wrong_phase");
    assert_eq!(bench.code("ann", Order::Go { release: name("far") }), "!not_ready");
}

#[test]
fn a_refused_order_changes_nothing() {
    let mut bench = bench();
    let before = bench.state.clone();
    for order in [Order::Go { release: r() }, Order::Abort { release: r() }, Order::Clear { release: r() }] {
        assert!(bench.order("ann", order).is_err());
        assert!(!bench.last.changed && bench.last.intents.is_empty());
    }
    assert_eq!(bench.state, before);
}

#[test]
fn a_second_go_says_that_it_is_armed_already() {
    let mut bench = signed();
    assert_eq!(bench.code("ann", Order::Go { release: r() }), "ready");
    assert_eq!(bench.code("bob", Order::Go { release: r() }), "!already");
    assert_eq!(bench.state.releases[&r()].armed.as_ref().unwrap().by, name("ann"));
}
