//! The demo's report: what clients saw beside what the daemon did, and why.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::charts::charts;
use super::figures::figures;
use super::interruptions::Interruption;
use super::ledger::Ledger;
use super::outcome::Summary;
use super::recorder::Recorder;
use super::room::abort_of;
use super::scenario::{Played, RELEASE};
use super::verdict::Aborted;
use crate::core::gate::Counts;
use crate::core::words::TRelative;
use crate::lab::scene;
use crate::shell::report::{Report, TimelineRow, render};

/// Names of clients that one sentence still bears.
const MOST_NAMES: usize = 80;

/// What is written.
pub(super) struct Launch<'a> {
    pub(super) summary: &'a Summary,
    pub(super) played: &'a Played,
    pub(super) aborted: Option<&'a Aborted>,
    pub(super) ledger: &'a Ledger,
}

/// Writes the report.
pub(super) fn write(path: &Path, launch: &Launch<'_>) -> io::Result<()> {
    std::fs::write(path, render(&report(launch)).map_err(io::Error::other)?)
}

fn report(launch: &Launch<'_>) -> Report {
    let (summary, played) = (launch.summary, launch.played);
    Report {
        title: format!("{RELEASE}, {}", summary.scenario.replace('_', " ")),
        outcome: outcome(launch),
        good: summary.is_good(),
        figures: figures(summary),
        why: launch.aborted.map_or_else(Vec::new, |aborted| why(launch, aborted)),
        charts: charts(played),
        timeline: timeline(played),
        notes: notes(launch),
    }
}

/// One sentence: how it ended.
fn outcome(launch: &Launch<'_>) -> String {
    let (summary, good) = (launch.summary, launch.summary.is_good());
    match (summary.scenario, good) {
        ("prepared", true) => "Prepared: everybody has the new version, and nobody noticed the launch.".into(),
        ("prepared", false) => "Prepared, and yet clients saw failures.".into(),
        ("interrupt", true) => format!(
            "Killed {} times, and complete: nothing was done twice, no instance was lost, and nobody noticed.",
            launch.played.kills.len()
        ),
        ("interrupt", false) => "Killed in every phase, and it shows: see the figures.".into(),
        ("bad_release", _) => launch.aborted.map_or_else(
            || "The new version fails 5 % of its requests, and the gate did not abort it.".into(),
            |aborted| {
                let told = summary.abort_to_notice_seconds;
                let told = told.map_or_else(|| "nobody was told".into(), |secs| format!("people knew {secs:.1} s later"));
                let swarm = &launch.played.swarm;
                let (exposed, clients) = (swarm.exposed.len(), swarm.clients);
                format!("The gate aborted it at {} %: {exposed} of {clients} clients have it, and {told}.", aborted.percent)
            },
        ),
        (_, true) => "Unprepared, and nothing happened: the storm of the story did not come.".into(),
        (_, false) => "Unprepared: the storm of the story.".into(),
    }
}

/// Verdict, evidence, who was exposed, who knows, what next.
fn why(launch: &Launch<'_>, aborted: &Aborted) -> Vec<(String, String)> {
    let (swarm, (new, old)) = (&launch.played.swarm, (scene::NEW_VERSION, scene::OLD_VERSION));
    let (candidate, baseline) = (aborted.candidate, aborted.baseline);
    let figures = aborted.judgement.as_ref().map_or(String::new(), |judgement| {
        format!(" Evidence against it {:.0}, p {:.4}; for it {:.2}.", judgement.e, judgement.p, judgement.safe_e)
    });
    let mut rows = vec![
        ("Verdict", format!("ABORT at {} %. {}", aborted.percent, aborted.sentence)),
        (
            "Evidence",
            format!(
                "Since T-0 {} of {} requests of {new} failed ({}), and {} of {} of {old} ({}).{figures}",
                candidate.errors,
                candidate.requests,
                rate(candidate),
                baseline.errors,
                baseline.requests,
                rate(baseline)
            ),
        ),
        (
            "Exposed",
            format!(
                "{} of {} clients have {new}: {}. All others keep {old}.",
                swarm.exposed.len(),
                swarm.clients,
                names(&swarm.exposed)
            ),
        ),
        ("Told", told(launch, aborted)),
    ];
    if let Some(heard) = abort_of(&launch.played.heard, RELEASE) {
        rows.push(("What it means", heard.said.meaning.clone()));
        rows.push(("What next", heard.said.next.clone()));
    }
    rows.into_iter().map(|(question, answer)| (question.to_owned(), answer)).collect()
}

fn rate(counts: Counts) -> String {
    let share = if counts.requests == 0 { None } else { Some(counts.errors as f64 / counts.requests as f64) };
    share.map_or_else(|| "none were made".into(), |share| format!("{:.1} %", share * 100.0))
}

fn names(exposed: &[String]) -> String {
    let more = exposed.len().saturating_sub(MOST_NAMES);
    let named: Vec<&str> = exposed.iter().take(MOST_NAMES).map(String::as_str).collect();
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    if named.is_empty() { "nobody".into() } else { format!("{}{rest}", named.join(", ")) }
}

fn told(launch: &Launch<'_>, aborted: &Aborted) -> String {
    let Some(secs) = launch.summary.abort_to_notice_seconds else { return "Nobody was told.".into() };
    let decided =
        aborted.turned_at.map_or(0.0, |turned| (aborted.decided_at.as_millisecond() - turned.as_millisecond()) as f64 / 1_000.0);
    format!(
        "The launch room knew {secs:.1} s after the period that decided it was over and counted; the daemon had decided after {decided:.1} s."
    )
}

fn notes(launch: &Launch<'_>) -> Vec<String> {
    let (summary, ledger) = (launch.summary, launch.ledger);
    let data = Path::new(&summary.report).parent().unwrap_or(Path::new(".")).join("data");
    let mut notes = vec![
        format!("One second is {:.0} seconds of the story; inside a request times are real.", scene::SCALE),
        "Requests and failures are what the clients saw, second by second; capacity, coverage and percent are the daemon's status, at least twice a second.".into(),
    ];
    if summary.scenario == "interrupt" {
        notes.push(format!(
            "{} effects were intended. {} times one was sent again because a kill had left its outcome unknown; {} announcements arrived a second time and were dropped by their key. Done twice is what the room or the group saw as two changes.",
            ledger.effects, ledger.resent, ledger.redelivered
        ));
    }
    notes.push(format!("The folder beside this report has the documents, the daemon's log and its data; `tminus audit verify --data {}` walks the chain of its decisions.", data.display()));
    notes
}

/// What the daemon did and what was done to it, in order.
fn timeline(played: &Played) -> Vec<TimelineRow> {
    let recorder = &played.recorder;
    let mut rows: Vec<TimelineRow> = played.events.iter().filter_map(|event| row(recorder, event)).collect();
    rows.extend(played.kills.iter().map(|kill| killed(recorder, kill)));
    // Stable, so that events of one instant stay in the order of their ids.
    rows.sort_by_key(|row| row.at.parse::<jiff::Timestamp>().unwrap_or_default());
    rows
}

fn killed(recorder: &Recorder, kill: &Interruption) -> TimelineRow {
    TimelineRow {
        clock: TRelative::of(kill.at, recorder.launch_at).clock(),
        at: kill.at.to_string(),
        kind: "kill".into(),
        message: kill.sentence(),
    }
}

fn row(recorder: &Recorder, event: &Value) -> Option<TimelineRow> {
    let part = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let at: jiff::Timestamp = part("at")?.parse().ok()?;
    Some(TimelineRow {
        clock: TRelative::of(at, recorder.launch_at).clock(),
        at: at.to_string(),
        kind: part("kind")?,
        message: part("message")?,
    })
}
