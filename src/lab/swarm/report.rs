//! What a swarm tells at the end, and the numbers that people compare.
//!
//! Invariant: a ratio of nothing is absent, never 0.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::series::{self, Second};

/// Seconds over which a peak is taken: shorter ones are noise, longer ones hide it.
const PEAK_SECONDS: usize = 5;

/// Everything a swarm saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmReport {
    /// When the first second began.
    pub started_at: Timestamp,
    /// Clients.
    pub clients: u32,
    /// Second by second; only whole ones.
    pub seconds: Vec<Second>,
    /// Clients that were served the new version, in that order.
    pub exposed: Vec<String>,
}

/// The numbers of a part of the series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SwarmSummary {
    /// Requests that ended.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Failed of all.
    pub failure_ratio: Option<f64>,
    /// The same over the worst 5 s.
    pub peak_failure_ratio: Option<f64>,
    /// Content requests at edges that their stores answered.
    pub edge_hit_ratio: Option<f64>,
    /// Requests per second over all of it.
    pub mean_per_second: Option<f64>,
    /// The same over the busiest 5 s.
    pub peak_per_second: Option<f64>,
    /// Clients that were served the new version, of all clients.
    pub exposed_ratio: Option<f64>,
    /// Clients that have their whole library again, of all clients.
    pub updated_ratio: Option<f64>,
}

impl SwarmReport {
    /// The part from an instant on; a second belongs to it when it began then or later.
    pub fn since(&self, from: Timestamp) -> SwarmSummary {
        self.part(|begins| begins >= from)
    }

    /// The part before an instant.
    pub fn before(&self, until: Timestamp) -> SwarmSummary {
        self.part(|begins| begins < until)
    }

    fn part(&self, within: impl Fn(Timestamp) -> bool) -> SwarmSummary {
        let begun = self.seconds.iter().enumerate().map(|(place, second)| (series::begins(self.started_at, place), second));
        let seconds: Vec<_> = begun.filter(|(begins, _)| within(*begins)).map(|(_, second)| *second).collect();
        summary(&seconds, self.clients)
    }
}

fn summary(seconds: &[Second], clients: u32) -> SwarmSummary {
    let sum = |part: &[Second], field: fn(&Second) -> u64| part.iter().map(field).sum::<u64>();
    let failures = |part: &[Second]| ratio(sum(part, |second| second.failures), sum(part, |second| second.requests));
    let pace = |part: &[Second]| ratio(sum(part, |second| second.requests), part.len() as u64);
    let windows = || seconds.windows(PEAK_SECONDS.min(seconds.len()).max(1));
    let last = seconds.last().copied().unwrap_or_default();
    SwarmSummary {
        requests: sum(seconds, |second| second.requests),
        failures: sum(seconds, |second| second.failures),
        failure_ratio: failures(seconds),
        peak_failure_ratio: windows().filter_map(failures).max_by(f64::total_cmp),
        edge_hit_ratio: ratio(sum(seconds, |second| second.hits), sum(seconds, |second| second.content)),
        mean_per_second: pace(seconds),
        peak_per_second: windows().filter_map(pace).max_by(f64::total_cmp),
        exposed_ratio: ratio(last.exposed, u64::from(clients)),
        updated_ratio: ratio(last.updated, u64::from(clients)),
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_worst_five_seconds_and_a_part_has_its_own() {
        let second = |requests, failures| Second { requests, failures, ..Second::default() };
        let calm = [second(10, 0); 10];
        let storm = [second(100, 50), second(100, 50), second(100, 30), second(100, 30), second(100, 40)];
        let started_at = Timestamp::from_second(1_000).unwrap();
        let report = SwarmReport { started_at, clients: 10, seconds: [&calm[..], &storm, &calm].concat(), exposed: Vec::new() };
        let at = |secs: i64| Timestamp::from_second(1_000 + secs).unwrap();
        assert_eq!(report.since(at(10)).peak_failure_ratio, Some(0.4));
        assert_eq!(report.since(at(10)).peak_per_second, Some(100.0));
        assert_eq!(report.since(at(10)).failure_ratio, Some(200.0 / 600.0));
        assert_eq!(report.before(at(10)).mean_per_second, Some(10.0));
        assert_eq!(report.before(at(10)).edge_hit_ratio, None);
        assert_eq!(report.since(at(99)), SwarmSummary { exposed_ratio: Some(0.0), updated_ratio: Some(0.0), ..<_>::default() });
    }
}
