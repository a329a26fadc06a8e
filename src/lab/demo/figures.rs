//! The numbers of a demo with their labels, for people: in the terminal's table and on the report.
//!
//! Invariant: what is not known is a dash, never a zero, and two runs of one scenario have the same rows.

use super::outcome::{AbortSummary, Summary};

/// One row each.
pub fn figures(summary: &Summary) -> Vec<(String, String)> {
    let mut rows = common(summary);
    match summary.scenario {
        "bad_release" => rows.extend(abort(summary)),
        "interrupt" => rows.extend(kills(summary)),
        _ => {}
    }
    rows.push(figure("Seconds", format!("{:.0}", summary.seconds)));
    rows
}

fn common(summary: &Summary) -> Vec<(String, String)> {
    let rate = |rate: Option<f64>| known(rate.map(|rate| format!("{rate:.0}/s")));
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
    ]
}

fn abort(summary: &Summary) -> Vec<(String, String)> {
    let abort = |pick: fn(&AbortSummary) -> String| known(summary.abort.as_ref().map(pick));
    vec![
        figure("Aborted at", abort(|abort| format!("{} % offered", abort.percent))),
        figure("Evidence against it", abort(|abort| known(abort.evidence.map(|e| format!("{e:.0} to 1"))))),
        figure("New version, failed", abort(|abort| failed(abort.errors, abort.requests))),
        figure("Old version, failed", abort(|abort| failed(abort.baseline_errors, abort.baseline_requests))),
        figure("People knew after", known(summary.abort_to_notice_seconds.map(|secs| format!("{secs:.1} s")))),
    ]
}

fn kills(summary: &Summary) -> Vec<(String, String)> {
    let count = |count: Option<u64>| known(count.map(|count| count.to_string()));
    let size = |size: Option<usize>| count(size.map(|size| size as u64));
    vec![
        figure("Kills of the daemon", size(summary.kills)),
        figure("Instances lost by them", size(summary.instances_lost)),
        figure("Slowest start", known(summary.slowest_start_seconds.map(|secs| format!("{secs:.2} s")))),
        figure("Effects sent again", count(summary.effects_resent)),
        figure("Announcements told again, dropped by key", count(summary.redelivered)),
        figure("Effects without an intent", size(summary.effects_unjournaled)),
    ]
}

fn figure(label: &str, value: String) -> (String, String) {
    (label.to_owned(), value)
}

fn known(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".into())
}

fn percent(ratio: Option<f64>) -> String {
    known(ratio.map(|ratio| format!("{:.3} %", ratio * 100.0)))
}

fn failed(errors: u64, requests: u64) -> String {
    format!("{errors} of {requests}")
}
