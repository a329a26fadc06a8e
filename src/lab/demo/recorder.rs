//! Watches the demo: the daemon's status, the swarm's seconds, the load balancer's list.
//!
//! Invariant: it only reads, by the same API that anybody has.

use std::path::PathBuf;

use jiff::Timestamp;

use super::director::Director;
use crate::lab::scene;
use crate::lab::swarm::Second;
use crate::shell::clock;
use crate::shell::control::status::Status;
use crate::shell::groups::Targets;

/// How things stood at an instant.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) status: Status,
    pub(super) second: Second,
    /// Instances in the load balancer's list.
    pub(super) instances: usize,
}

/// Everything seen so far.
pub(super) struct Recorder {
    pub(super) release: &'static str,
    pub(super) launch_at: Timestamp,
    pub(super) moments: Vec<Moment>,
    targets: PathBuf,
}

impl Recorder {
    pub(super) fn new(release: &'static str, launch_at: Timestamp, targets: PathBuf) -> Self {
        Self { release, launch_at, moments: Vec::new(), targets }
    }

    /// Looks once; `None` while the daemon does not answer.
    pub(super) async fn look(&mut self, director: &Director, second: Second) -> Option<&Moment> {
        let status = serde_json::from_value(director.status(self.release).await?).ok()?;
        let instances = Targets::read(&self.targets).map_or(0, |targets| targets.targets.len());
        self.moments.push(Moment { at: clock::now(), status, second, instances });
        self.moments.last()
    }

    /// The last look.
    pub(super) fn last(&self) -> Option<&Moment> {
        self.moments.last()
    }

    /// Seconds from T-0.
    pub(super) fn secs(&self, at: Timestamp) -> f64 {
        (at.as_millisecond() - self.launch_at.as_millisecond()) as f64 / 1_000.0
    }

    /// One value over time.
    pub(super) fn series(&self, pick: impl Fn(&Moment) -> Option<f64>) -> Vec<(f64, f64)> {
        self.moments.iter().filter_map(|moment| Some((self.secs(moment.at), pick(moment)?))).collect()
    }
}

impl Moment {
    /// The least coverage proven; before the first run has ended, how far that run is. Percent.
    pub(super) fn coverage_percent(&self) -> Option<f64> {
        let first_run = self.status.coverage.iter().find(|policy| policy.objects.is_none()).and_then(|policy| policy.run);
        if let Some(run) = first_run.filter(|run| run.targets > 0) {
            return Some(run.proven as f64 / run.targets as f64 * 100.0);
        }
        let nodes = self.status.coverage.iter().flat_map(|policy| policy.nodes.values());
        let known: Vec<f64> = nodes.map(|ratio| ratio.unwrap_or(0.0) * 100.0).collect();
        known.into_iter().min_by(f64::total_cmp)
    }

    /// Whether the group is back at what it normally has. A group that is not seen is not known to be.
    pub(super) fn has_given_back(&self) -> bool {
        self.status.groups.iter().all(|group| group.floor.is_some_and(|floor| floor <= scene::NORMAL_INSTANCES))
    }
}
