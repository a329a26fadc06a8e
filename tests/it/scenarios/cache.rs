//! A simulated priming policy: a run takes its time and proves what it reaches on every node.

use std::time::Duration;

use jiff::Timestamp;
use tminus::core::priming::{Coverage, Policy};
use tminus::core::words::later;

/// What runs of a policy come to.
pub(super) struct Cache {
    pub(super) objects: u64,
    /// Share that a run proves on every node, 0..=1.
    pub(super) reaches: f64,
    /// The first run; later ones only look whether everything is still there.
    pub(super) takes: Duration,
    pub(super) again: Duration,
    /// How long objects stay fresh after they were fetched.
    pub(super) fresh_for: Option<Duration>,
    /// The first thing that goes wrong in each run.
    pub(super) problem: Option<String>,
    /// The key of the run that goes on, and when it ends.
    pub(super) running: Option<(String, Timestamp)>,
    pub(super) coverage: Option<Coverage>,
}

impl Cache {
    pub(super) fn prime(&mut self, key: &str, now: Timestamp) {
        let takes = if self.coverage.is_some() { self.again } else { self.takes };
        self.running = Some((key.to_owned(), later(now, takes)));
    }

    /// Ends a run whose time is over.
    pub(super) fn advance(&mut self, policy: &Policy, now: Timestamp) -> Option<String> {
        let (_, ended) = self.running.take_if(|(_, ends)| *ends <= now)?;
        let missed = ((1.0 - self.reaches) * self.objects as f64).round() as u64;
        let coverage = Coverage {
            nodes: policy.nodes.iter().map(|node| (node.clone(), self.reaches)).collect(),
            objects: self.objects,
            problems: if self.problem.is_some() { missed.max(1) } else { 0 },
            first_problem: self.problem.clone(),
            fresh_until: self.fresh_for.map(|lasts| later(ended, lasts)),
            measured_at: ended,
        };
        let before = self.coverage.replace(coverage).map(|before| before.nodes);
        let changed = before != self.coverage.as_ref().map(|now| now.nodes.clone());
        let nodes: Vec<_> = policy.nodes.iter().map(ToString::to_string).collect();
        changed.then(|| format!("{}: {} % proven on {}", policy.name, shown(self.reaches * 100.0), nodes.join(" and ")))
    }
}

fn shown(percent: f64) -> String {
    format!("{percent:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}
