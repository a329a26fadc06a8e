//! Priming on a terminal: what is proven warm, and when each policy runs next.
//!
//! Nothing is decided here.

use std::time::Duration;

use super::terminal::{Colour, paint, plain};
use crate::core::words::format_duration;
use crate::shell::control::span;
use crate::shell::control::status::{CoverageStatus, PollStatus, ScheduleStatus};

/// One policy: coverage by node, and its next run below it.
pub(super) fn coverage(coverage: &CoverageStatus) -> String {
    let nodes = coverage.nodes.iter().map(|(node, ratio)| match ratio {
        Some(ratio) => format!("{node} {:.2} %", ratio * 100.0),
        None => format!("{node} not proven"),
    });
    let covered = |ratio: &Option<f64>| ratio.is_some_and(|ratio| ratio * 100.0 >= coverage.demanded_percent);
    let warm = !coverage.nodes.is_empty() && coverage.nodes.values().all(covered);
    let (colour, icon) = if warm { (Colour::Green, "✔") } else { (Colour::Yellow, "◌") };
    let age = coverage.age_secs.map_or("not measured".into(), |age| format!("{} ago", span(Duration::from_secs(age))));
    let figures = format!("{}: {} of {} %", coverage.policy, nodes.collect::<Vec<_>>().join(", "), coverage.demanded_percent);
    let below = |colour, text: &str| format!("\n          {}", paint(colour, &plain(text)));
    let problem = coverage.first_problem.as_ref().map(|problem| below(Colour::Yellow, problem));
    let next = next(coverage).map(|next| below(Colour::Grey, &next));
    let head = format!("priming   {} {} {}", paint(colour, icon), plain(&figures), paint(Colour::Grey, &age));
    [Some(head), problem, next].into_iter().flatten().collect()
}

/// `next: 03:30 PST, in 4h 00m; or polls every 1m since T-6h`.
fn next(coverage: &CoverageStatus) -> Option<String> {
    let fires = coverage.schedule.as_ref().map(|schedule| fires(schedule, coverage));
    let polls = coverage.poll.as_ref().map(polls);
    match (fires, polls) {
        (Some(fires), Some(polls)) => Some(format!("next: {fires}; or {polls}")),
        (Some(fires), None) => Some(format!("next: {fires}")),
        (None, Some(polls)) => Some(format!("next: {polls}")),
        (None, None) => None,
    }
}

fn fires(schedule: &ScheduleStatus, coverage: &CoverageStatus) -> String {
    match (&schedule.next_local, schedule.next_in_secs) {
        (Some(_), Some(0)) if coverage.run.is_some() => "as soon as the run that goes on has ended".into(),
        (Some(local), Some(0)) => format!("due since {local}"),
        (Some(local), Some(secs)) => format!("{local}, in {}", span(Duration::from_secs(secs))),
        _ => format!("never again: {} in {}", schedule.cron, schedule.time_zone),
    }
}

fn polls(poll: &PollStatus) -> String {
    let every = format!("polls every {}", format_duration(Duration::from_secs(poll.every_secs)));
    poll.tightened_from.as_ref().map_or(every.clone(), |from| format!("{every} since {from}"))
}
