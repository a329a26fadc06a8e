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
        charts: charts(played),
        timeline: timeline(played),
        notes: notes(launch),
    }
}

/// One sentence: how it ended, and for a launch that was stopped why, for whom and what now.
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
            |aborted| stopped(launch, aborted),
        ),
        (_, true) => "Unprepared, and nothing happened: the storm of the story did not come.".into(),
        (_, false) => "Unprepared: the storm of the story.".into(),
    }
}

/// Verdict, evidence, who was exposed, who knows, what next.
fn stopped(launch: &Launch<'_>, aborted: &Aborted) -> String {
    let (summary, played) = (launch.summary, launch.played);
    let told = summary.abort_to_notice_seconds.map_or_else(
        || "Nobody was told.".into(),
        |secs| format!("The launch room knew {secs:.1} s after the close of the period that decided it."),
    );
    let notice = abort_of(&played.heard, RELEASE);
    let now = notice.map_or(String::new(), |heard| format!(" {} {}", heard.said.meaning, heard.said.next));
    format!(
        "ABORT at {} %. {} {} of {} requests of {} had failed, {} of {} of {}. {} of {} clients have it; the others keep {}. {told}{now}",
        aborted.percent,
        aborted.sentence,
        aborted.candidate.errors,
        aborted.candidate.requests,
        scene::NEW_VERSION,
        aborted.baseline.errors,
        aborted.baseline.requests,
        scene::OLD_VERSION,
        played.swarm.exposed.len(),
        played.swarm.clients,
        scene::OLD_VERSION,
    )
}

fn notes(launch: &Launch<'_>) -> Vec<String> {
    let (summary, ledger) = (launch.summary, launch.ledger);
    let data = Path::new(&summary.report).parent().unwrap_or(Path::new(".")).join("data");
    let mut notes = vec![
        format!("One second is {:.0} seconds of the story; inside a request times are real.", scene::SCALE),
        "Requests and failures are what the clients saw, second by second; capacity, coverage and percent are the daemon's status, at least twice a second.".into(),
    ];
    match summary.scenario {
        "bad_release" => notes.extend(launch.aborted.map(|aborted| exposed(launch, aborted))),
        "interrupt" => notes.push(format!(
            "{} effects were intended, {} of them sent again because a kill had left their outcome unknown; {} announcements arrived a second time and were dropped by their key. Done twice is what the room or the group saw as two changes.",
            ledger.effects, ledger.resent, ledger.redelivered
        )),
        _ => {}
    }
    notes.push(format!("The folder beside this report has the documents, the daemon's log and its data; `tminus audit verify --data {}` walks the chain of its decisions.", data.display()));
    notes
}

fn exposed(launch: &Launch<'_>, aborted: &Aborted) -> String {
    let names = &launch.played.swarm.exposed;
    let more = names.len().saturating_sub(MOST_NAMES);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    let named: Vec<&str> = names.iter().take(MOST_NAMES).map(String::as_str).collect();
    let verdict = aborted.judgement.as_ref().map_or(String::new(), |judgement| format!(" The gate: {judgement}."));
    format!("Clients that have the new version: {}{rest}.{verdict} Decided at {}.", named.join(", "), aborted.decided_at)
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
