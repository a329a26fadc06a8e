//! Priming by the calendar and by polls that tighten: what runs when, for whom, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::decide::{Effect, Observations, State};
use tminus::core::priming::Coverage;
use tminus::core::words::{Name, later};
use tminus::shell::settings::load_texts;

use super::bench::{Bench, LAUNCH_AT, name};

const NIGHTLY: &str = "
apiVersion: tminus/v1
kind: PrimingPolicy
name: content
source: {urls: [\"https://content.example.com/a\"]}
schedule: {cron: \"30 3 * * *\", time_zone: America/Los_Angeles}
nodes: [{name: edge1, connect: \"10.0.0.11:443\"}]
";

const TIGHT: &str = "
apiVersion: tminus/v1
kind: PrimingPolicy
name: content
source: {urls: [\"https://content.example.com/a\"]}
poll: {every: 15m, tighten: [{from: T-6h, every: 5m}, {from: T-10m, every: 1m}]}
nodes: [{name: edge1, connect: \"10.0.0.11:443\"}]
";

fn release(text: &str, launch_at: &str, more: &str) -> String {
    format!(
        "---\napiVersion: tminus/v1\nkind: Release\nname: {text}\napp: App\nversion: 2.0.0\nchannels: [{text}]\n\
         launch_at: {launch_at}\npriming: [content]\nrollout: {{steps: [{{percent: 100, bake: 30m}}]}}\n{more}"
    )
}

/// The runs that the last decision asked for: for whom, by policy.
fn asked(bench: &Bench) -> Vec<Option<&str>> {
    let mut asked = Vec::new();
    for intent in &bench.last.intents {
        if let Effect::Prime { release, .. } = &intent.effect {
            asked.push(release.as_ref().map(Name::as_str));
        }
    }
    asked
}

/// The run that is open ends, with everything proven.
fn end_run(bench: &mut Bench) {
    bench.observed.open.clear();
    let coverage = Coverage {
        nodes: BTreeMap::from([(name("edge1"), 1.0)]),
        objects: 1,
        problems: 0,
        first_problem: None,
        fresh_until: None,
        measured_at: bench.now,
    };
    bench.observed.coverage.insert(name("content"), coverage);
}

fn at(bench: &mut Bench, text: &str) {
    bench.now = text.parse().unwrap();
    bench.decide(Vec::new());
}

#[test]
fn a_schedule_runs_without_any_release_and_wakes_the_daemon() {
    let mut bench = Bench::new(NIGHTLY);
    let fire: Timestamp = "2026-12-01T11:30:00Z".parse().unwrap();
    assert_eq!(bench.last.wake_at, Some(fire), "03:30 in Los Angeles");
    assert_eq!(bench.last.next_change(), None, "for clients that ask for updates nothing is going to change");
    assert_eq!(bench.last.primings[&name("content")].scheduled_at, Some(fire));
    at(&mut bench, "2026-12-01T11:29:59.9Z");
    assert!(!bench.last.changed);
    at(&mut bench, "2026-12-01T11:30:00Z");
    assert_eq!(asked(&bench), [None]);
    let upcoming = bench.last.primings[&name("content")];
    assert!(upcoming.running && upcoming.poll.is_none());
    assert_eq!(upcoming.began_at, Some(fire));
    end_run(&mut bench);
    bench.settle();
    assert_eq!(bench.last.wake_at, Some("2026-12-02T11:30:00Z".parse().unwrap()));
}

#[test]
fn missed_runs_are_caught_up_by_one() {
    let mut bench = Bench::new(NIGHTLY);
    bench.state = serde_json::from_str::<State>(&serde_json::to_string(&bench.state).unwrap()).unwrap();
    // Three weeks without a daemon.
    at(&mut bench, "2026-12-22T17:03:12Z");
    assert_eq!(asked(&bench), [None]);
    end_run(&mut bench);
    bench.settle();
    assert_eq!(bench.last.wake_at, Some("2026-12-23T11:30:00Z".parse().unwrap()));
}

#[test]
fn runs_of_one_policy_never_overlap_and_what_fell_due_meanwhile_is_one() {
    let mut bench = Bench::new(&NIGHTLY.replace("30 3 * * *", "* * * * *"));
    at(&mut bench, "2026-12-01T10:01:00Z");
    assert_eq!(asked(&bench), [None]);
    for minute in 2..9 {
        at(&mut bench, &format!("2026-12-01T10:0{minute}:00Z"));
        assert!(!bench.last.changed, "a run goes on");
        assert_eq!(bench.last.wake_at, None, "the end of the run wakes the daemon");
    }
    end_run(&mut bench);
    at(&mut bench, "2026-12-01T10:08:30Z");
    assert_eq!(asked(&bench), [None]);
    end_run(&mut bench);
    at(&mut bench, "2026-12-01T10:08:40Z");
    assert!(!bench.last.changed);
    at(&mut bench, "2026-12-01T10:09:00Z");
    assert_eq!(asked(&bench), [None]);
}

#[test]
fn a_run_that_is_open_is_told_from_one_of_a_policy_with_a_like_name() {
    let mut bench = Bench::new(NIGHTLY);
    bench.observed.open.insert("prime:content:warm:7".into());
    at(&mut bench, "2026-12-01T11:30:00Z");
    assert_eq!(asked(&bench), [None]);
}

#[test]
fn a_scheduled_run_is_for_the_nearest_launch_that_leans_on_the_policy() {
    let late = release("late", "2026-12-01T13:00:00Z", "");
    let soon = release("soon", "2026-12-01T12:00:00Z", "");
    let shadow = release("seen", "2026-12-01T11:45:00Z", "shadow: true\n");
    let out = release("a-out", "2026-12-01T11:40:00Z", "released: true\n");
    let mut bench = Bench::new(&[NIGHTLY, &late, &soon, &shadow, &out].concat());
    bench.observed.open.clear();
    bench.now = "2026-12-01T11:29:00Z".parse().unwrap();
    bench.settle();
    end_run(&mut bench);
    at(&mut bench, "2026-12-01T11:30:00Z");
    assert_eq!(asked(&bench), [Some("soon")]);
}

#[test]
fn a_shadow_polls_nothing_and_keeps_no_schedule_from_running() {
    let shadow = release("seen", LAUNCH_AT, "shadow: true\n");
    let mut bench = Bench::new(&[NIGHTLY, &shadow].concat());
    bench.pass(29);
    assert!(bench.observed.open.is_empty() && bench.last.primings[&name("content")].poll.is_none());
    at(&mut bench, "2026-12-01T11:30:00Z");
    assert_eq!(asked(&bench), [None]);
}

#[test]
fn one_run_serves_a_poll_and_a_fire_that_come_together() {
    let mut bench = Bench::new(&[NIGHTLY, &release("first", "2026-12-01T12:00:00Z", "")].concat());
    bench.observed.open.clear();
    bench.now = "2026-12-01T11:14:59Z".parse().unwrap();
    end_run(&mut bench);
    at(&mut bench, "2026-12-01T11:30:00Z");
    assert_eq!(asked(&bench), [Some("first")]);
    end_run(&mut bench);
    bench.settle();
    assert_eq!(bench.last.primings[&name("content")].scheduled_at, Some("2026-12-02T11:30:00Z".parse().unwrap()));
}

/// Minutes between runs that end at once, from an instant on for so many minutes.
fn paces(bench: &mut Bench, from: &str, minutes: u64) -> Vec<u64> {
    bench.now = from.parse().unwrap();
    end_run(bench);
    let (mut last, mut paces) = (bench.now, Vec::new());
    for _ in 0..minutes {
        bench.now = later(bench.now, Duration::from_mins(1));
        bench.decide(Vec::new());
        if !asked(bench).is_empty() {
            paces.push(bench.now.duration_since(last).as_secs().unsigned_abs() / 60);
            last = bench.now;
            end_run(bench);
        }
    }
    paces
}

#[test]
fn polls_tighten_towards_the_nearest_launch() {
    // T-0 of the first is at 11:00, of the other an hour later; they are under way from an hour before their first
    // tightening on.
    let other = release("other", "2026-12-01T12:00:00Z", "");
    let documents = [TIGHT, &release("first", LAUNCH_AT, "go: auto\n"), &other].concat();
    let mut bench = Bench::new(&documents);
    bench.state = State::default();
    bench.observed = Observations::default();
    bench.now = "2026-12-01T03:59:00Z".parse().unwrap();
    bench.settle();
    assert_eq!(bench.phase("first"), "planned");
    bench.now = "2026-12-01T04:00:00Z".parse().unwrap();
    bench.settle();
    assert_eq!((bench.phase("first"), bench.phase("other")), ("ready", "planned"));
    assert_eq!(paces(&mut bench, "2026-12-01T04:00:00Z", 45), [15, 15, 15]);
    assert_eq!(bench.last.primings[&name("content")].poll.unwrap().tightened_from, None);
    assert_eq!(paces(&mut bench, "2026-12-01T04:50:00Z", 20), [10, 5, 5], "tight from 05:00 on");
    assert_eq!(paces(&mut bench, "2026-12-01T10:45:00Z", 8), [5, 1, 1, 1], "and tightest from 10:50 on");
    let poll = bench.last.primings[&name("content")].poll.unwrap();
    assert_eq!((poll.every, poll.tightened_from.unwrap().to_string().as_str()), (Duration::from_mins(1), "T-10m"));
    assert_eq!(poll.at, None, "the run that goes on comes first");
    assert_eq!(paces(&mut bench, "2026-12-01T10:58:00Z", 20), [1; 20], "also while the first rolls and bakes");
    // The first is complete at 11:30; the other's T-10m comes at 11:50.
    assert_eq!(paces(&mut bench, "2026-12-01T11:31:00Z", 12), [5, 5]);
    assert_eq!(bench.phase("first"), "complete");
    assert_eq!(paces(&mut bench, "2026-12-01T11:48:00Z", 5), [2, 1, 1, 1]);
}

#[test]
fn a_policy_that_comes_back_has_missed_nothing() {
    let mut bench = Bench::new(NIGHTLY);
    let config = std::mem::take(&mut bench.config);
    bench.settle();
    assert!(bench.state.primings.is_empty() && bench.last.primings.is_empty());
    bench.config = config;
    bench.now = "2026-12-05T12:00:00Z".parse().unwrap();
    bench.settle();
    assert!(bench.observed.open.is_empty());
    assert_eq!(bench.last.wake_at, Some("2026-12-06T11:30:00Z".parse().unwrap()));
}

#[test]
fn the_zone_is_the_policys_own_then_the_settings_then_utc() {
    let zone = |texts: &[&str]| {
        let texts: Vec<_> = texts.iter().enumerate().map(|(at, text)| (format!("{at}.yaml"), (*text).to_owned())).collect();
        let loaded = load_texts(&texts);
        assert!(!loaded.has_errors(), "{:?}", loaded.findings);
        let policy = loaded.documents.config.primings[&name("content")].clone();
        policy.schedule.unwrap().zone_name().to_owned()
    };
    let bare = NIGHTLY.replace(", time_zone: America/Los_Angeles", "");
    let settings = "apiVersion: tminus/v1\nkind: Settings\nname: s\ndata: d\ndocuments: [x]\ntime_zone: Asia/Tokyo\n";
    assert_eq!(zone(&[NIGHTLY, settings]), "America/Los_Angeles");
    assert_eq!(zone(&[&bare, settings]), "Asia/Tokyo");
    assert_eq!(zone(&[&bare]), "UTC");
}

#[test]
fn intents_of_older_journals_are_read() {
    let older = r#"{"prime":{"policy":"content","release":"first"}}"#;
    let read: Effect = serde_json::from_str(older).unwrap();
    assert_eq!(read, Effect::Prime { policy: name("content"), release: Some(name("first")) });
    assert_eq!(serde_json::to_string(&read).unwrap(), older, "what an older version wrote is written the same");
    let scheduled = Effect::Prime { policy: name("content"), release: None };
    let text = serde_json::to_string(&scheduled).unwrap();
    assert_eq!(serde_json::from_str::<Effect>(&text).unwrap(), scheduled);
    let state: State =
        serde_json::from_str(r#"{"version":1,"epoch":3,"decisions":9,"releases":{},"halts":[],"rehearsals":{},"floors":{}}"#)
            .unwrap();
    assert!(state.primings.is_empty());
}
