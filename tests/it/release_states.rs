//! The table of (phase, event), walked over every pair, and the page in docs/ that is drawn from it.
//!
//! `TMINUS_BLESS=1 cargo test` writes the page anew; without it, a page that differs fails.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::checklist::Word;
use tminus::core::gate::{AbortReason, HoldReason, Judgement, Verdict};
use tminus::core::release::{
    Active, Armed, Event, Facts, Go, OnAbort, Phase, Release, ReleaseState, Rollout, RolloutStep, percent, step,
};
use tminus::core::words::{Name, Percent, Version};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    format!("2026-12-01T{text}Z").parse().unwrap()
}

fn release() -> Release {
    let step = |percent: &str| RolloutStep {
        percent: percent.parse().unwrap(),
        dwell: Duration::from_mins(10),
        bake: Duration::from_hours(1),
    };
    Release {
        name: name("reader-2.3"),
        app: name("reader"),
        version: Version::new("2.3.0").unwrap(),
        channels: vec![name("release")],
        from: None,
        early: Vec::new(),
        launch_at: at("12:00:00"),
        time_zone: None,
        go: Go::Manual,
        released: false,
        shadow: false,
        checklists: Vec::new(),
        scaling: Vec::new(),
        priming: Vec::new(),
        gate: Some(name("errors")),
        shield: Vec::new(),
        rollout: Rollout { steps: vec![step("1"), step("50"), step("100")], on_abort: OnAbort::Halt },
        audience: None,
    }
}

fn state(phase: Phase) -> ReleaseState {
    let launched =
        matches!(phase.active(), Some(Active::Rolling { .. } | Active::Baking)) || matches!(phase, Phase::Aborted { .. });
    let since = launched.then(|| at("11:00:00"));
    let certified = if matches!(phase.active(), Some(Active::Rolling { step: 1 })) {
        Percent::from_ppm(10_000).unwrap()
    } else {
        Percent::ZERO
    };
    let mut state = ReleaseState::new(at("10:00:00"), None);
    (state.phase, state.evidence_from, state.step_from, state.certified) = (phase, since, since, certified);
    state.dwell_from = since.filter(|_| !matches!(state.phase, Phase::Held { .. }));
    state
}

/// Every phase, and what people call it.
fn phases() -> Vec<(&'static str, ReleaseState)> {
    let held = |at| Phase::Held { at, by: name("ann"), reason: "lunch".into() };
    let mut armed = state(Phase::Active(Active::Ready));
    armed.armed = Some(Armed { by: name("ann"), at: at("11:00:00"), reason: "all good".into() });
    let aborted = |percent: &str| {
        let mut state = state(Phase::Aborted { at: Active::Rolling { step: 1 }, reason: "errors".into() });
        state.certified = percent.parse().unwrap();
        state
    };
    vec![
        ("planned", state(Phase::Planned)),
        ("preparing", state(Phase::Active(Active::Preparing))),
        ("ready", state(Phase::Active(Active::Ready))),
        ("ready, armed", armed),
        ("rolling(1 %)", state(Phase::Active(Active::Rolling { step: 0 }))),
        ("rolling(50 %)", state(Phase::Active(Active::Rolling { step: 1 }))),
        ("baking", state(Phase::Active(Active::Baking))),
        ("held(preparing)", state(held(Active::Preparing))),
        ("held(1 %)", state(held(Active::Rolling { step: 0 }))),
        ("held(baking)", state(held(Active::Baking))),
        ("aborted, 1 % certified", aborted("1")),
        ("aborted, none certified", aborted("0")),
        ("scrubbed", state(Phase::Scrubbed { reason: "called off".into() })),
        ("complete", state(Phase::Complete)),
    ]
}

fn judgement(verdict: Verdict) -> Judgement {
    Judgement { verdict, e: 1.0, p: 1.0, safe_e: 1.0, requests: 1, errors: 0 }
}

fn tick(readiness: Word, verdict: Option<Verdict>) -> Event {
    let facts = Facts { readiness, step_blocked: None, gate: verdict.map(judgement), prepare_at: at("11:00:00") };
    Event::Tick(facts)
}

/// Every event with the instant it comes at. Dwell of the samples is over by then.
fn events() -> Vec<(&'static str, Timestamp, Event)> {
    let (early, late) = (at("11:30:00"), at("12:10:00"));
    let abort = AbortReason::Regression { metric: name("http_5xx"), e: 250.0 };
    let go =
        |readiness| Event::Go { by: name("ann"), reason: "all good".into(), readiness, missing: vec!["api-up is red".into()] };
    vec![
        ("tick, HOLD", early, tick(Word::Hold, Some(Verdict::Hold(HoldReason::NoEvidence)))),
        ("tick, GO", early, tick(Word::Go, Some(Verdict::Hold(HoldReason::NoEvidence)))),
        ("tick after T-0, GO, gate SAFE", late, tick(Word::Go, Some(Verdict::Safe))),
        ("tick, gate ABORT", late, tick(Word::Go, Some(Verdict::Abort(abort)))),
        ("go, not ready", early, go(Word::Hold)),
        ("go before T-0", early, go(Word::Go)),
        ("go after T-0", late, go(Word::Go)),
        ("hold", late, Event::Hold { by: name("bob"), reason: "look".into() }),
        ("resume", late, Event::Resume),
        ("advance", late, Event::Advance),
        ("promote", late, Event::Promote),
        ("abort", late, Event::Abort { reason: "bob: errors".into() }),
        ("clear", late, Event::Clear { by: name("bob"), reason: "fixed".into() }),
        ("scrub", late, Event::Scrub { reason: "bob: no date".into() }),
    ]
}

fn shown(state: &ReleaseState) -> String {
    let share = || percent(&release(), state).map_or_else(|| "0".into(), |percent| percent.to_string());
    match &state.phase {
        Phase::Active(Active::Rolling { .. }) => format!("rolling({} %)", share()),
        Phase::Held { at: Active::Rolling { .. }, .. } => format!("held({} %)", share()),
        Phase::Held { at: Active::Baking, .. } => "held(baking)".into(),
        Phase::Held { .. } => "held(preparing)".into(),
        Phase::Active(Active::Ready) if state.armed.is_some() => "ready, armed".into(),
        phase => phase.word().into(),
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Every (state, event) pair of a release\n\nDrawn by a test from the one table in `src/core/release/step.rs`; \
         `TMINUS_BLESS=1 cargo test release_states` draws it anew.\n`-`: nothing changes. `409 code`: refused, with that code.\n\n",
    );
    let columns = events();
    let heads: Vec<_> = columns.iter().map(|(name, ..)| *name).collect();
    writeln!(page, "| | {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len() + 1)).unwrap();
    let mut arrows = std::collections::BTreeSet::new();
    for (label, before) in phases() {
        let mut cells = Vec::new();
        for (event, now, what) in events() {
            cells.push(match step(&release(), &before, what, now) {
                Ok(after) if after == before => "-".into(),
                Ok(after) => {
                    let (from, to) = (before.phase.word(), after.phase.word());
                    if from != to || from == "rolling" {
                        arrows.insert(format!("    {from} --> {to}: {event}"));
                    }
                    shown(&after)
                }
                Err(refused) => format!("409 {}", refused.code()),
            });
        }
        writeln!(page, "| **{label}** | {} |", cells.join(" | ")).unwrap();
    }
    let arrows: Vec<_> = arrows.into_iter().collect();
    write!(
        page,
        "\n```mermaid\nstateDiagram-v2\n    [*] --> planned\n{}\n    scrubbed --> [*]\n    complete --> [*]\n```\n",
        arrows.join("\n")
    )
    .unwrap();
    page
}

#[test]
fn the_page_of_states_is_drawn_from_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/release-states.md");
    if std::env::var_os("TMINUS_BLESS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        page(),
        "TMINUS_BLESS=1 cargo test release_states draws it anew"
    );
}

#[test]
fn no_event_raises_exposure_without_safe_or_a_person() {
    for (label, before) in phases() {
        for (event, now, what) in events() {
            let person = !matches!(what, Event::Tick(_));
            let safe = event.contains("SAFE");
            let Ok(after) = step(&release(), &before, what, now) else { continue };
            let share = |state| percent(&release(), state).unwrap_or(Percent::ZERO);
            if matches!(after.phase, Phase::Aborted { .. }) {
                continue;
            }
            let armed = label.contains("armed") && event.contains("tick");
            assert!(share(&after) <= share(&before) || person || safe || armed, "{label} on {event}");
        }
    }
}

#[test]
fn dwell_stops_while_a_person_holds() {
    let rolling = state(Phase::Active(Active::Rolling { step: 0 }));
    let held = step(&release(), &rolling, Event::Hold { by: name("ann"), reason: "look".into() }, at("11:05:00")).unwrap();
    let resumed = step(&release(), &held, Event::Resume, at("11:50:00")).unwrap();
    assert_eq!(resumed.dwelled_at(at("11:52:00")), Duration::from_mins(7));
}

#[test]
fn an_armed_go_launches_at_t0_and_not_when_readiness_comes_hours_later() {
    let (_, armed) = phases().into_iter().find(|(label, _)| *label == "ready, armed").unwrap();
    let ticked = |now| step(&release(), &armed, tick(Word::Go, None), now).unwrap().phase;
    assert_eq!(ticked(at("11:59:59")), Phase::Active(Active::Ready));
    assert_eq!(ticked(at("12:00:00")), Phase::Active(Active::Rolling { step: 0 }));
    assert_eq!(ticked(at("13:00:01")), Phase::Active(Active::Ready));
    let auto = Release { go: Go::Auto, ..release() };
    let ready = state(Phase::Active(Active::Ready));
    assert_eq!(step(&auto, &ready, tick(Word::Go, None), at("13:00:00")).unwrap().phase.word(), "rolling");
    assert_eq!(step(&auto, &ready, tick(Word::Go, None), at("13:00:01")).unwrap().phase.word(), "ready");
}

#[test]
fn clear_returns_to_the_certified_percent_held_with_fresh_evidence() {
    let (_, aborted) = phases().into_iter().find(|(label, _)| *label == "aborted, 1 % certified").unwrap();
    let now = at("12:10:00");
    let cleared = step(&release(), &aborted, Event::Clear { by: name("ann"), reason: "fixed".into() }, now).unwrap();
    assert_eq!(percent(&release(), &cleared), Some(Percent::from_ppm(10_000).unwrap()));
    assert_eq!((cleared.phase.word(), cleared.evidence_from, cleared.step_from), ("held", Some(now), Some(now)));
}
