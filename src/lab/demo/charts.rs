//! The plots of the demo's report.
//!
//! Invariant: what clients saw comes from the clients, the rest from the daemon's status; nothing is filled in.

use super::recorder::{Moment, Recorder};
use super::scenario::Played;
use super::script::Scenario;
use crate::lab::swarm::Second;
use crate::shell::report::{Chart, Mark, Series, Shape};

/// All of them, in order.
pub(super) fn charts(played: &Played) -> Vec<Chart> {
    let mut charts = vec![requests(played), exposure(played), capacity(played), coverage(played)];
    if played.script.scenario == Scenario::Interrupt {
        charts.insert(1, questions(played));
    }
    charts
}

fn requests(played: &Played) -> Chart {
    let series = vec![
        series("requests", Shape::Area, clients(played, |second| second.requests)),
        series("failed", Shape::Area, clients(played, |second| second.failures)),
        series("straight to the origin", Shape::Line, clients(played, |second| second.origin_requests)),
    ];
    chart("What clients saw", "requests/s", series, steps(&played.recorder))
}

/// Where the daemon was dead, clients asked in vain, and kept what they had.
fn questions(played: &Played) -> Chart {
    let series = vec![
        series("asked whether to update", Shape::Area, clients(played, |second| second.asked)),
        series("nobody answered, so they kept what they had", Shape::Area, clients(played, |second| second.unanswered)),
    ];
    let mark = |(place, kill): (usize, &super::interruptions::Interruption)| Mark {
        at: played.recorder.secs(kill.at),
        label: format!("kill {}", place + 1),
    };
    let kills = played.kills.iter().enumerate().map(mark).collect();
    chart("Clients at the decision listener, and the kills of the daemon", "questions/s", series, kills)
}

fn exposure(played: &Played) -> Chart {
    let clients = f64::from(played.swarm.clients.max(1));
    let recorder = &played.recorder;
    let series = vec![
        series("offered", Shape::Steps, recorder.series(|moment| Some(moment.status.percent))),
        series("exposed", Shape::Line, recorder.series(|moment| Some(moment.second.exposed as f64 / clients * 100.0))),
    ];
    chart("Percent that is offered the new version, and clients that have it", "%", series, steps(recorder))
}

fn capacity(played: &Played) -> Chart {
    let recorder = &played.recorder;
    let group = |pick: fn(&Moment) -> Option<f64>| recorder.series(pick);
    let series = vec![
        series("in service", Shape::Area, group(|moment| Some(moment.instances as f64))),
        series("floor", Shape::Steps, group(|moment| moment.status.groups.first()?.floor.map(f64::from))),
        series(
            "needed for the p95 load",
            Shape::Steps,
            group(|moment| moment.status.groups.first()?.instances_needed.map(f64::from)),
        ),
    ];
    chart("Capacity against load", "instances", series, steps(recorder))
}

fn coverage(played: &Played) -> Chart {
    let recorder = &played.recorder;
    let series = vec![series("coverage", Shape::Area, recorder.series(Moment::coverage_percent))];
    chart("Content proven warm on the least node", "%", series, steps(recorder))
}

fn chart(title: &str, unit: &str, series: Vec<Series>, marks: Vec<Mark>) -> Chart {
    Chart { title: title.into(), unit: unit.into(), series, marks }
}

fn series(name: &str, shape: Shape, points: Vec<(f64, f64)>) -> Series {
    Series { name: name.into(), shape, points }
}

fn clients(played: &Played, pick: fn(&Second) -> u64) -> Vec<(f64, f64)> {
    let started = played.recorder.secs(played.swarm.started_at);
    let seconds = played.swarm.seconds.iter().enumerate();
    seconds.map(|(place, second)| (started + place as f64, pick(second) as f64)).collect()
}

/// T-0, every step, and the end.
fn steps(recorder: &Recorder) -> Vec<Mark> {
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
