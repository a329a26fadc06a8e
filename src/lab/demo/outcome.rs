//! What a scenario came to, in the numbers of the command line's contract.

use serde::Serialize;

use super::room::Told;
use crate::lab::swarm::SwarmReport;

/// `tminus demo -o json`. Ratios are over client requests from T-0 to the end; absent where there was nothing to count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// `prepared` or `unprepared`.
    pub scenario: &'static str,
    /// `complete` or `aborted`.
    pub outcome: String,
    /// Failed requests of all.
    pub failure_ratio: Option<f64>,
    /// The same over the worst 5 s.
    pub peak_failure_ratio: Option<f64>,
    /// Content requests that reached an edge and were answered from its store.
    pub edge_hit_ratio: Option<f64>,
    /// Requests per second over the busiest 5 s.
    pub peak_requests_per_second: Option<f64>,
    /// Requests per second before T-0.
    pub normal_requests_per_second: Option<f64>,
    /// Clients that got the new version, of all clients.
    pub exposed_ratio: Option<f64>,
    /// Effects that reached the world more than once under one key.
    pub effects_duplicated: u64,
    /// Processes that were left after the end.
    pub orphans: usize,
    /// How long it took.
    pub seconds: f64,
    /// The report.
    pub report: String,
}

/// Announcements that came more than once.
pub(super) fn duplicated(told: &Told) -> u64 {
    told.times.values().map(|times| times.saturating_sub(1)).sum()
}

/// Adds up; process count, duration and report are the caller's.
pub(super) fn add_up(scenario: &'static str, swarm: &SwarmReport, launch_at: jiff::Timestamp) -> Summary {
    let (before, after) = (swarm.before(launch_at), swarm.since(launch_at));
    Summary {
        scenario,
        outcome: String::new(),
        failure_ratio: after.failure_ratio,
        peak_failure_ratio: after.peak_failure_ratio,
        edge_hit_ratio: after.edge_hit_ratio,
        peak_requests_per_second: after.peak_per_second,
        normal_requests_per_second: before.mean_per_second,
        exposed_ratio: after.exposed_ratio,
        effects_duplicated: 0,
        orphans: 0,
        seconds: 0.0,
        report: String::new(),
    }
}
