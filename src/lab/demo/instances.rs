//! The instance group seen from outside the daemon: its registry on disk, the processes in it, their health.
//!
//! It only looks. Invariant: a process is known by its number and its start time together, so that another one that was
//! given the number later is never taken for it.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::shell::groups::{Instance, InstanceState, Process};

/// An instance that answers at all answers within this; health takes no slot.
const HEALTH_WITHIN: Duration = Duration::from_secs(2);

/// The registries of the folder's local groups, as one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Registry {
    instances: Vec<Instance>,
    ended: Vec<Instance>,
    /// Floors that were set: key and floor, oldest first.
    keys: Vec<(String, u32)>,
}

impl Registry {
    /// Reads what stands in the demo's folder; a file that cannot be read counts as empty.
    pub(super) fn read(folder: &Path) -> Self {
        let files = std::fs::read_dir(folder.join("data/groups")).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts.filter_map(|text| serde_json::from_str::<Self>(&text).ok()).fold(Self::default(), |mut all, one| {
            all.instances.extend(one.instances);
            all.ended.extend(one.ended);
            all.keys.extend(one.keys);
            all
        })
    }

    /// Every process that the group started and did not end.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.instances.iter().filter_map(Instance::pid).collect()
    }

    /// Instances that clients are sent to.
    pub(super) fn in_service(&self) -> Vec<Instance> {
        self.instances.iter().filter(|instance| instance.state == InstanceState::InService).cloned().collect()
    }

    /// Floors that were set: key and floor, oldest first.
    pub(super) fn floors(&self) -> &[(String, u32)] {
        &self.keys
    }

    /// What became of an instance that was in service.
    pub(super) fn fate(&self, before: &Instance) -> Fate {
        let same = |instance: &&Instance| instance.id == before.id && instance.process == before.process;
        match self.instances.iter().chain(&self.ended).find(same) {
            Some(now) if now.state == InstanceState::InService && now.process.is_some_and(runs) => Fate::Serving,
            Some(now) if now.reason.as_deref() == Some("scaled in") => Fate::ScaledIn,
            _ => Fate::Lost,
        }
    }
}

/// What became of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It serves, under the process that it had.
    Serving,
    /// It was ended because fewer were wanted.
    ScaledIn,
    /// Neither.
    Lost,
}

/// Whether an instance answers its health check now, by the same process.
pub(super) async fn answers(client: &reqwest::Client, instance: &Instance) -> bool {
    let (Some(address), Some(process)) = (instance.address, instance.process) else { return false };
    let asked = client.get(format!("http://{address}/health")).timeout(HEALTH_WITHIN).send().await;
    asked.is_ok_and(|answer| answer.status().is_success()) && runs(process)
}

/// Whether the recorded process runs still; a zombie has ended.
pub(super) fn runs(process: Process) -> bool {
    stat(process.pid).is_some_and(|(state, started)| started == process.started_ticks && !matches!(state, 'Z' | 'X'))
}

/// How many of these still run a moment after the leash ended.
pub(super) async fn still_there(pids: &[u32]) -> usize {
    let left = || pids.iter().filter(|pid| stat(**pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))).count();
    for _ in 0..50 {
        if left() == 0 {
            return 0;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    left()
}

/// State and start time (clock ticks since boot), fields 3 and 22 of `/proc/<pid>/stat`. The name before them is in
/// brackets and may hold anything.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit(") ").next()?.split(' ').collect();
    Some((fields.first()?.chars().next()?, fields.get(19)?.parse().ok()?))
}
