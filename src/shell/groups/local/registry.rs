//! The durable record of one group: its bounds, its instances, and which orders were carried out.
//!
//! It does not start or stop anything. Invariant: the file is replaced whole and synced before the world is changed,
//! so that a daemon that starts again knows every process it may have started.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Version of the file's shape; a reader refuses a later one rather than lose what it cannot read.
const VERSION: u32 = 1;

/// Ended instances kept for people who look for what happened; older ones are only in the log.
const ENDED_KEPT: usize = 32;

/// Boots kept for the 95th percentile: 40 make it the third slowest, and one group rarely boots more in a launch.
const BOOTS_KEPT: usize = 40;

/// Orders remembered by key. A daemon repeats only its open intents, a handful; 256 spans several launches.
const KEYS_KEPT: usize = 256;

/// Where an instance stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Launched; its boot delay runs and there is no process yet.
    Pending,
    /// Its process was started and has not passed a health check.
    Booting,
    /// Passes its health check and stands in the targets file.
    InService,
    /// Failed its health checks; being stopped and replaced.
    Unhealthy,
    /// Scaled in: no longer a target, finishing what it has.
    Draining,
    /// Gone.
    Terminated,
}

/// A process that cannot be mistaken for a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its process id, which is also its process group.
    pub pid: u32,
    /// When it started, in clock ticks since boot (`/proc/<pid>/stat`, field 22).
    pub started_ticks: u64,
}

/// One instance of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Unique in its group for ever.
    pub id: String,
    /// Its zone label.
    pub zone: String,
    /// Where it stands.
    pub state: InstanceState,
    /// Its process, once started.
    pub process: Option<Process>,
    /// Where it listens, once a port was picked.
    pub address: Option<SocketAddr>,
    /// When it was launched; the boot delay and boot times count from here.
    pub launched_at: Timestamp,
    /// When it entered its state.
    pub since: Timestamp,
    /// When it was asked to stop (SIGTERM), if it was.
    pub stop_at: Option<Timestamp>,
    /// How often its process was started.
    pub starts: u32,
    /// Why it left service, for people.
    pub reason: Option<String>,
}

impl Instance {
    /// Whether it is in service or on its way there.
    pub fn is_active(&self) -> bool {
        matches!(self.state, InstanceState::Pending | InstanceState::Booting | InstanceState::InService)
    }

    /// Its process id, once started.
    pub fn pid(&self) -> Option<u32> {
        self.process.map(|process| process.pid)
    }

    pub(super) fn enter(&mut self, state: InstanceState, now: Timestamp) {
        self.state = state;
        self.since = now;
    }
}

/// The record of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Registry {
    pub(super) version: u32,
    /// The kernel's boot id: after a reboot no recorded process is ours, whatever its number.
    pub(super) boot_id: String,
    pub(super) floor: u32,
    pub(super) ceiling: u32,
    /// The ceiling that the document said when it was last followed; a record of before that knows none.
    #[serde(default)]
    pub(super) documented_ceiling: Option<u32>,
    pub(super) desired: u32,
    /// The number of the next instance; never used twice.
    pub(super) next: u64,
    pub(super) instances: Vec<Instance>,
    pub(super) ended: VecDeque<Instance>,
    /// Recent boots, launch to first passed health check, in milliseconds, oldest first.
    pub(super) boots_ms: VecDeque<u64>,
    /// Orders that were carried out: key and floor, oldest first.
    pub(super) keys: VecDeque<(String, u32)>,
    /// Instances lost since one last stayed in service, and when the last was; slows down launches.
    pub(super) losses: u32,
    pub(super) lost_at: Option<Timestamp>,
}

impl Registry {
    pub(super) fn new(boot_id: String, floor: u32, ceiling: u32) -> Self {
        Self {
            version: VERSION,
            boot_id,
            floor,
            ceiling,
            documented_ceiling: Some(ceiling),
            desired: floor,
            next: 1,
            instances: Vec::new(),
            ended: VecDeque::new(),
            boots_ms: VecDeque::new(),
            keys: VecDeque::new(),
            losses: 0,
            lost_at: None,
        }
    }

    /// Takes over a ceiling that changed in the document. Below the floor it waits at the floor: the floor holds a
    /// launch, and a document never stops what serves it.
    pub(super) fn follow_ceiling(&mut self, documented: u32) {
        if self.documented_ceiling != Some(documented) {
            self.ceiling = documented.max(self.floor);
            self.documented_ceiling = (self.ceiling == documented).then_some(documented);
        }
    }

    /// Reads the record; `None` when there is none yet.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, String> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let registry: Self = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        match registry.version {
            VERSION => Ok(Some(registry)),
            other => Err(format!("it has version {other}, this tminus reads version {VERSION}")),
        }
    }

    /// Writes the record; when this returns, it is on disk.
    pub(super) fn save(&self, path: &Path) -> Result<(), String> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        replace(path, &bytes).map_err(|error| error.to_string())
    }

    pub(super) fn instance(&mut self, id: &str) -> Option<&mut Instance> {
        self.instances.iter_mut().find(|instance| instance.id == id)
    }

    pub(super) fn active(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|instance| instance.is_active())
    }

    pub(super) fn in_service(&self) -> impl Iterator<Item = &Instance> {
        self.instances.iter().filter(|instance| instance.state == InstanceState::InService)
    }

    /// Moves what is terminated to the kept history.
    pub(super) fn bury(&mut self) {
        let (ended, living) =
            std::mem::take(&mut self.instances).into_iter().partition(|instance| instance.state == InstanceState::Terminated);
        self.instances = living;
        self.ended.extend::<Vec<_>>(ended);
        trim(&mut self.ended, ENDED_KEPT);
    }

    pub(super) fn record_boot(&mut self, boot_ms: u64) {
        self.boots_ms.push_back(boot_ms);
        trim(&mut self.boots_ms, BOOTS_KEPT);
    }

    pub(super) fn record_key(&mut self, key: &str, floor: u32) {
        self.keys.push_back((key.into(), floor));
        trim(&mut self.keys, KEYS_KEPT);
    }

    /// The 95th percentile of recent boots by nearest rank, in milliseconds.
    pub(super) fn boot_p95_ms(&self) -> Option<u64> {
        let mut boots: Vec<_> = self.boots_ms.iter().copied().collect();
        boots.sort_unstable();
        let rank = (boots.len() * 95).div_ceil(100);
        boots.get(rank.checked_sub(1)?).copied()
    }
}

fn trim<T>(queue: &mut VecDeque<T>, kept: usize) {
    let surplus = queue.len().saturating_sub(kept);
    queue.drain(..surplus);
}

/// Replaces a file so that a reader, and a machine that loses power, sees the old text or the new one, never a mix.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_p95_is_the_nearest_rank_of_recent_boots() {
        let mut registry = Registry::new("b".into(), 0, 9);
        assert_eq!(registry.boot_p95_ms(), None);
        registry.record_boot(700);
        assert_eq!(registry.boot_p95_ms(), Some(700));
        (1..=100).for_each(|ms| registry.record_boot(ms));
        assert_eq!(registry.boot_p95_ms(), Some(98), "of 61..=100 the 38th");
    }

    #[test]
    fn what_is_saved_is_read_back_and_a_later_version_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("group.json");
        assert_eq!(Registry::load(&path), Ok(None));
        let mut registry = Registry::new("b".into(), 2, 9);
        registry.record_key("k", 2);
        registry.save(&path).unwrap();
        assert_eq!(Registry::load(&path), Ok(Some(registry.clone())));
        registry.version = 2;
        registry.save(&path).unwrap();
        assert!(Registry::load(&path).unwrap_err().contains("version 2"));
        fs::write(&path, "{").unwrap();
        assert!(Registry::load(&path).is_err());
    }
}
