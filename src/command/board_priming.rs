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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::shell::control::status::RunStatus;

    fn status() -> CoverageStatus {
        CoverageStatus {
            policy: "reader-content".into(),
            demanded_percent: 99.9,
            nodes: BTreeMap::from([("edge1".into(), Some(1.0)), ("edge2".into(), None)]),
            run: None,
            objects: Some(10),
            problems: Some(0),
            first_problem: None,
            fresh_until: None,
            measured_at: None,
            age_secs: Some(61),
            schedule: None,
            poll: None,
            began_at: None,
            next_run_at: None,
        }
    }

    fn nightly(local: Option<&str>, secs: Option<u64>) -> ScheduleStatus {
        ScheduleStatus {
            cron: "30 3 * * *".into(),
            time_zone: "America/Los_Angeles".into(),
            description: "At 03:30 every day.".into(),
            next_at: None,
            next_local: local.map(Into::into),
            next_in_secs: secs,
        }
    }

    fn poll(every_secs: u64, from: Option<&str>) -> PollStatus {
        PollStatus { every_secs, tightened_from: from.map(Into::into), next_at: None }
    }

    #[test]
    fn the_next_run_is_told_as_people_ask_for_it() {
        let check = |schedule, poll, expected: Option<&str>| {
            assert_eq!(next(&CoverageStatus { schedule, poll, ..status() }).as_deref(), expected);
        };
        let soon = || nightly(Some("03:30 PST"), Some(14_400));
        check(None, None, None);
        check(Some(soon()), None, Some("next: 03:30 PST, in 4h 00m"));
        check(Some(soon()), Some(poll(60, Some("T-6h"))), Some("next: 03:30 PST, in 4h 00m; or polls every 1m since T-6h"));
        check(None, Some(poll(900, None)), Some("next: polls every 15m"));
        check(Some(nightly(Some("03:30 PST"), Some(0))), None, Some("next: due since 03:30 PST"));
        check(Some(nightly(None, None)), None, Some("next: never again: 30 3 * * * in America/Los_Angeles"));
        let run = Some(RunStatus { proven: 1, targets: 2 });
        let schedule = Some(nightly(Some("03:30 PST"), Some(0)));
        let running = next(&CoverageStatus { run, schedule, ..status() });
        assert_eq!(running.as_deref(), Some("next: as soon as the run that goes on has ended"));
    }

    #[test]
    fn it_stands_below_the_coverage() {
        let told = coverage(&CoverageStatus { schedule: Some(nightly(Some("03:30 PST"), Some(60))), ..status() });
        let lines: Vec<&str> = told.lines().collect();
        assert!(
            lines[0].contains("reader-content: edge1 100.00 %, edge2 not proven of 99.9 %") && lines[0].contains("1m 01s ago"),
            "{told}"
        );
        assert!(lines[1].contains("next: 03:30 PST, in 1m 00s"), "{told}");
    }
}
