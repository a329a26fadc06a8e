//! The vectors and snapshots of AUS2, read from the same tables as the tests of the binary, through the core alone.
//!
//! Policies and releases are built here as the YAML files beside the tables say them. Invariant: every row of both
//! tables is checked.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::core::release::{Early, Go, OnAbort, Release, Rollout, RolloutStep};
use crate::core::words::{Name, Percent, Version};

const VECTORS: &str = include_str!("../../../tests/fixtures/throttle/vectors.tsv");
const SNAPSHOTS: &str = include_str!("../../../tests/fixtures/throttle/snapshots.tsv");
const TEST_CHANNELS: &[&str] = &["betatest", "releasetest"];
const ALL_CHANNELS: &[&str] = &["betatest", "releasetest", "beta", "release"];

/// The rows of a table below its comments and header.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    lines.map(|line| line.split('\t').collect()).collect()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn names(texts: &[&str]) -> Vec<Name> {
    texts.iter().copied().map(name).collect()
}

fn percent(text: &str) -> Percent {
    text.parse().unwrap()
}

fn request(app: &str, version: &str, channel: &str, force: &str) -> Request {
    let force = Force::parse((force != "-").then_some(force));
    Request { app: name(app), version: Version::new(version).unwrap(), channel: name(channel), client: None, force }
}

fn rule(app: &str, version: &str, open: &str, except: &[&str]) -> Rule {
    let version = Some(version.parse().unwrap());
    Rule { version, except_channels: names(except), ..Rule::about(name(app), percent(open)) }
}

fn policy(config: &str) -> Policy {
    let firefox = |open, except: &[&str]| vec![rule("Firefox", "3.6.17", open, except)];
    let early = &["betatest", "releasetest", "beta"];
    let (rules, global) = match config {
        "c0" => (vec![], None),
        "c1" => (firefox("0", early), None),
        "c2" => (vec![], Some("0")),
        "c3" => (firefox("0", early), Some("50")),
        "c4" => (firefox("25", &[]), None),
        "c5" => (firefox("100", &[]), Some("0")),
        "c6" => (vec![rule("MyApp", "1.0.7", "0", TEST_CHANNELS)], None),
        "c7" => (vec![rule("MyApp", "1.0.8", "0", TEST_CHANNELS)], None),
        other => panic!("no config {other}"),
    };
    Policy { rules, global: global.map(percent), ..Policy::named(name(config)) }
}

/// `name version from`, out on these channels.
pub(super) fn out(text: &str, channels: &[&str]) -> Release {
    let fields: Vec<_> = text.splitn(3, ' ').collect();
    Release {
        name: name(fields[0]),
        app: name("MyApp"),
        version: Version::new(fields[1]).unwrap(),
        channels: names(channels),
        from: Some(fields[2].parse().unwrap()),
        early: vec![],
        launch_at: "2026-12-01T11:00:00-08:00".parse().unwrap(),
        time_zone: None,
        go: Go::Manual,
        released: true,
        shadow: false,
        checklists: vec![],
        scaling: vec![],
        priming: vec![],
        gate: None,
        shield: vec![],
        rollout: Rollout {
            steps: vec![RolloutStep { percent: Percent::FULL, dwell: Duration::ZERO, bake: Duration::ZERO }],
            on_abort: OnAbort::Halt,
        },
        audience: None,
    }
}

/// A release that comes, early on some channels.
pub(super) fn ahead(text: &str, early: &[(&[&str], &str)]) -> Release {
    let early = early.iter().map(|(channels, at)| Early { channels: names(channels), at: at.parse().unwrap() });
    Release { early: early.collect(), released: false, ..out(text, &["release"]) }
}

fn documents(snapshot: &str) -> (Vec<Release>, Option<Policy>) {
    let minor_early: &[(&[&str], &str)] = &[(TEST_CHANNELS, "T-3d"), (&["beta"], "T-1d")];
    let old_major = |channels| out("myapp-2.0.2-major 2.0.2 1.0.6", channels);
    let major = Release {
        channels: names(&["beta", "release"]),
        launch_at: "2026-12-01T12:00:00-08:00".parse().unwrap(),
        ..ahead("myapp-2.0.3-major 2.0.3 1.0.7", &[(TEST_CHANNELS, "T-2d")])
    };
    let comes = |text| ahead(text, minor_early);
    let (minor, minor_2) = ("myapp-1.0.7 1.0.7 <1.0.7", "myapp-2.0.3 2.0.3 >=2.0 <2.0.3");
    let minors_come = || vec![comes(minor), comes(minor_2)];
    let minors_out = || vec![out(minor, ALL_CHANNELS), out(minor_2, ALL_CHANNELS)];
    let major_out = out("myapp-2.0.3-major 2.0.3 1.0.7", ALL_CHANNELS);
    let (more, policy) = match snapshot {
        "a0" => (vec![old_major(ALL_CHANNELS)], None),
        "a1" => ([minors_come(), vec![old_major(&["beta", "release"])]].concat(), None),
        "a2" => ([minors_come(), vec![old_major(&["beta", "release"]), major]].concat(), None),
        "a3" => ([minors_come(), vec![old_major(&["release"]), major]].concat(), None),
        "a4" => ([minors_out(), vec![major]].concat(), None),
        "a5" => ([minors_out(), vec![major]].concat(), Some(policy("c6"))),
        "a6" => ([minors_out(), vec![major_out]].concat(), Some(policy("c6"))),
        "a7" => ([minors_out(), vec![major_out]].concat(), Some(policy("c7"))),
        other => panic!("no snapshot {other}"),
    };
    let old = vec![out("myapp-1.0.6 1.0.6 <1.0.6", ALL_CHANNELS), out("myapp-2.0.2 2.0.2 >=2.0 <2.0.2", ALL_CHANNELS)];
    ([old, more].concat(), policy)
}

#[test]
fn the_vectors_of_aus2_hold() {
    for row in rows(VECTORS) {
        let [id, config, app, version, channel, force, open, reason] = row[..] else { panic!("row {row:?}") };
        let policies = vec![policy(config)];
        let table = Table::build(TableInput { policies, ..TableInput::default() });
        let asked = request(app, version, channel, force);
        let salt = format!("{}/{version}", app.to_ascii_lowercase());
        for client in (0..200).map(|number| format!("client-{number}")) {
            let decision = table.decide(&Request { client: Some(client.clone()), ..asked.clone() }, 0);
            let stands = bucket(&salt, &client);
            assert_eq!(decision.percent, percent(open), "{id}");
            assert_eq!(decision.reason.word(), reason, "{id}");
            assert_eq!(decision.serve, stands < percent(open).ppm(), "{id} {client}");
            assert_eq!((decision.bucket, decision.version), (Some(stands), None), "{id} {client}");
        }
    }
    assert_eq!(rows(VECTORS).len(), 21);
}

#[test]
fn without_client_ids_random_is_what_aus2_did() {
    for row in rows(VECTORS) {
        let [id, config, app, version, channel, force, open, reason] = row[..] else { panic!("row {row:?}") };
        let random = Policy { no_client_id: NoClientId::Random, ..policy(config) };
        let table = Table::build(TableInput { policies: vec![random], ..TableInput::default() });
        for draw in [0, 249_999, 250_000, 499_999, 500_000, 999_999] {
            let decision = table.decide(&request(app, version, channel, force), draw);
            assert_eq!(decision.serve, draw < percent(open).ppm(), "{id} {draw}");
            assert_eq!((decision.percent, decision.reason.word(), decision.bucket), (percent(open), reason, None), "{id}");
        }
    }
}

/// What a cell of the table says about a decision.
fn cell(decision: &Decision) -> String {
    let version = decision.version.as_ref().map_or("", Version::as_str);
    match (decision.serve, decision.reason) {
        (true, _) => version.into(),
        (false, Reason::NoOffer) => format!("-{version}"),
        (false, _) => format!("!{version}"),
    }
}

#[test]
fn the_snapshots_of_the_story_hold() {
    let versions = ["1.0.5", "1.0.6", "1.0.7", "2.0.1", "2.0.2", "2.0.3"];
    let mut checked = 0;
    for row in rows(SNAPSHOTS) {
        let (snapshot, at, channels, force) = (row[0], row[1], row[2], row[3]);
        let (releases, policy) = documents(snapshot);
        let at: Timestamp = at.parse().unwrap();
        let input =
            TableInput { offers: offers_offline(&releases, at), policies: policy.into_iter().collect(), ..TableInput::default() };
        let table = Table::build(input);
        for channel in channels.split(' ') {
            for (version, expected) in versions.iter().zip(&row[4..]) {
                let decision = table.decide(&request("myapp", version, channel, force), 0);
                assert_eq!(cell(&decision), *expected, "{snapshot} at {at}: {version} on {channel}, force {force}");
                checked += 1;
            }
        }
    }
    assert!(checked >= 8 * 4 * 3 * 6, "{checked}");
}
