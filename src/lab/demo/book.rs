//! The demo's report: what clients saw beside what the daemon did, and why.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::outcome::Summary;
use super::recorder::{Moment, Recorder};
use crate::core::words::TRelative;
use crate::lab::scene;
use crate::lab::swarm::{Second, SwarmReport};
use crate::shell::report::{Chart, Mark, Report, Series, Shape, TimelineRow, render};

/// What is written.
pub(super) struct Launch<'a> {
    pub(super) summary: &'a Summary,
    pub(super) recorder: &'a Recorder,
    pub(super) swarm: &'a SwarmReport,
    pub(super) events: &'a [Value],
}

/// Writes the report.
pub(super) fn write(path: &Path, launch: &Launch<'_>) -> io::Result<()> {
    std::fs::write(path, render(&report(launch)).map_err(io::Error::other)?)
}

fn report(launch: &Launch<'_>) -> Report {
    let summary = launch.summary;
    let good = summary.outcome == "complete" && summary.failure_ratio.is_some_and(|ratio| ratio < 0.001);
    let outcome = match (summary.scenario, good) {
        ("prepared", true) => "Prepared: everybody has the new version, and nobody noticed the launch.",
        ("prepared", false) => "Prepared, and yet clients saw failures.",
        (_, true) => "Unprepared, and nothing happened: the storm of the story did not come.",
        (_, false) => "Unprepared: the storm of the story.",
    };
    Report {
        title: format!("{}, {}", launch.recorder.release, summary.scenario),
        outcome: outcome.into(),
        good,
        figures: figures(summary),
        charts: charts(launch),
        timeline: launch.events.iter().filter_map(|event| row(launch.recorder, event)).collect(),
        notes: vec![
            format!("One second is {:.0} seconds of the story; inside a request times are real.", scene::SCALE),
            "Requests and failures are what the clients saw, second by second; capacity, coverage and percent are the daemon's status, twice a second.".into(),
            format!("The folder beside this report has the documents, the daemon's log and its data; `tminus audit verify --data {}` walks the chain of its decisions.", Path::new(&summary.report).parent().unwrap_or(Path::new(".")).join("data").display()),
        ],
    }
}

/// The numbers with their labels, for people.
pub fn figures(summary: &Summary) -> Vec<(String, String)> {
    let percent = |ratio: Option<f64>| ratio.map_or_else(|| "-".into(), |ratio| format!("{:.3} %", ratio * 100.0));
    let rate = |rate: Option<f64>| rate.map_or_else(|| "-".into(), |rate| format!("{rate:.0}/s"));
    let figure = |label: &str, value: String| (label.to_owned(), value);
    vec![
        figure("Outcome", summary.outcome.clone()),
        figure("Failed requests", percent(summary.failure_ratio)),
        figure("Failed, worst 5 s", percent(summary.peak_failure_ratio)),
        figure("Edge hit ratio", percent(summary.edge_hit_ratio)),
        figure("Requests, normally", rate(summary.normal_requests_per_second)),
        figure("Requests, peak", rate(summary.peak_requests_per_second)),
        figure("Clients with the new version", percent(summary.exposed_ratio)),
        figure("Effects done twice", summary.effects_duplicated.to_string()),
        figure("Processes left behind", summary.orphans.to_string()),
        figure("Seconds", format!("{:.0}", summary.seconds)),
    ]
}

fn charts(launch: &Launch<'_>) -> Vec<Chart> {
    let recorder = launch.recorder;
    let started = recorder.secs(launch.swarm.started_at);
    let clients = |pick: fn(&Second) -> u64| {
        let seconds = launch.swarm.seconds.iter().enumerate();
        seconds.map(|(place, second)| (started + place as f64, pick(second) as f64)).collect()
    };
    let series = |name: &str, shape, points| Series { name: name.into(), shape, points };
    let group = |pick: fn(&Moment) -> Option<f64>| recorder.series(pick);
    let marks = marks(recorder);
    let chart = |title: &str, unit: &str, series| Chart { title: title.into(), unit: unit.into(), series, marks: marks.clone() };
    vec![
        chart(
            "What clients saw",
            "requests/s",
            vec![
                series("requests", Shape::Area, clients(|second| second.requests)),
                series("failed", Shape::Area, clients(|second| second.failures)),
                series("straight to the origin", Shape::Line, clients(|second| second.origin_requests)),
            ],
        ),
        chart(
            "Percent that is offered the new version, and clients that have it",
            "%",
            vec![
                series("offered", Shape::Steps, recorder.series(|moment| Some(moment.status.percent))),
                series(
                    "exposed",
                    Shape::Line,
                    recorder.series(|moment| Some(moment.second.exposed as f64 / f64::from(scene::CLIENTS) * 100.0)),
                ),
            ],
        ),
        chart(
            "Capacity against load",
            "instances",
            vec![
                series("in service", Shape::Area, group(|moment| Some(moment.instances as f64))),
                series("floor", Shape::Steps, group(|moment| moment.status.groups.first()?.floor.map(f64::from))),
                series(
                    "needed for the p95 load",
                    Shape::Steps,
                    group(|moment| moment.status.groups.first()?.instances_needed.map(f64::from)),
                ),
            ],
        ),
        chart(
            "Content proven warm on the least node",
            "%",
            vec![series("coverage", Shape::Area, recorder.series(Moment::coverage_percent))],
        ),
    ]
}

/// T-0 and every step.
fn marks(recorder: &Recorder) -> Vec<Mark> {
    let mut marks = Vec::new();
    for pair in recorder.moments.windows(2) {
        let (before, after) = (&pair[0].status, &pair[1].status);
        if after.percent > before.percent {
            let launch = if before.percent == 0.0 { "T-0, " } else { "" };
            marks.push(Mark { at: recorder.secs(pair[1].at), label: format!("{launch}{} %", after.percent) });
        } else if after.phase != before.phase && matches!(after.phase.as_str(), "complete" | "aborted") {
            marks.push(Mark { at: recorder.secs(pair[1].at), label: after.phase.clone() });
        }
    }
    marks
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
