//! All groups of one folder, for the daemon: describe, set, list.
//!
//! Invariants: one process drives a folder at a time (a lock on it); a group whose registry is broken fails alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::group::Group;
use super::process::{self, Stop};
use super::registry::{Instance, InstanceState, Registry};
use crate::core::decide::GroupObservation;
use crate::core::load::GroupFinding;
use crate::core::words::{Capacity, Name};
use crate::shell::clock;
use crate::shell::groups::GroupError;
use crate::shell::lock;
use crate::shell::spec::LocalGroup;

/// Most instances of one group: every one is a process of this machine, and a typing error must not fork it to death.
const MOST_INSTANCES: u32 = 200;

/// So many that ended before they served, and none that did since: something is wrong with all of them.
const LOSSES_IN_A_ROW: u32 = 3;

/// How long `stop_all` leaves a process between SIGTERM and SIGKILL.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Longest readable file name of a group; with what is appended it stays below the 255 bytes of file systems.
const LONGEST_STEM: usize = 200;

/// How often something awaited is looked at.
const GRAIN: Duration = Duration::from_millis(10);

/// The local provider. Dropping it stops looking after the instances; the instances themselves go on.
pub struct LocalGroups {
    dir: PathBuf,
    lock: Arc<File>,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    groups: BTreeMap<Name, Result<Arc<Group>, GroupError>>,
    /// One task per group; dropping the set aborts them.
    tasks: JoinSet<()>,
}

impl LocalGroups {
    /// Opens a folder, adopts what runs there, and looks after it from now on. Needs a tokio runtime.
    ///
    /// The floor in a spec counts when a group is first made, and the ceiling whenever it changes there; otherwise the
    /// registry knows better. A folder that another
    /// process drives, or that cannot be made, is an error; a single broken group is not: it answers with its own.
    pub fn open(dir: PathBuf, specs: BTreeMap<Name, LocalGroup>) -> Result<Self, GroupError> {
        let lock = lock(&dir)?;
        // Marks of processes hold the path, so it must be the same however the folder is named next time.
        let known = dir.canonicalize();
        let dir = known.map_err(|error| GroupError::Registry { path: dir, reason: error.to_string() })?;
        let groups = Self { dir, lock: Arc::new(lock), slots: Mutex::default() };
        groups.update(specs);
        Ok(groups)
    }

    /// Takes over changed documents: new groups are opened, known ones get the new spec for what comes next.
    /// A group that is named no longer is left as it is, with its instances (fail static).
    pub fn update(&self, specs: BTreeMap<Name, LocalGroup>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, spec) in specs {
            let valid = validate(&name, &spec, (spec.floor, spec.ceiling));
            match (slots.groups.get(&name), valid) {
                (Some(Ok(group)), Ok(())) => {
                    group.spec.store(Arc::new(spec));
                    group.wake();
                }
                (Some(Ok(_)), Err(error)) => tracing::error!(group = %name, %error, "the old spec stays in force"),
                (_, valid) => {
                    let opened = valid.and_then(|()| self.open_group(&name, spec, &mut slots.tasks));
                    if let Err(error) = &opened {
                        tracing::error!(group = %name, %error, "the group is not looked after");
                    }
                    slots.groups.insert(name, opened);
                }
            }
        }
    }

    fn open_group(&self, name: &Name, spec: LocalGroup, tasks: &mut JoinSet<()>) -> Result<Arc<Group>, GroupError> {
        let path = self.dir.join(format!("{}.json", file_stem(name)));
        let group = Arc::new(Group::open(name.clone(), path, spec, self.lock.clone())?);
        tasks.spawn(group.clone().run());
        Ok(group)
    }

    /// How a group stands.
    #[expect(clippy::unused_async, reason = "other providers ask over the network, and the daemon awaits all alike")]
    pub async fn describe(&self, group: &Name) -> Result<GroupObservation, GroupError> {
        let view = self.group(group)?.view.load_full();
        let mut zones = BTreeMap::new();
        view.in_service().for_each(|instance| *zones.entry(instance.zone.clone()).or_insert(0) += 1);
        Ok(GroupObservation {
            floor: Capacity(view.floor),
            ceiling: Capacity(view.ceiling),
            desired: Capacity(view.desired),
            in_service: Capacity(view.in_service().count() as u32),
            zones,
            boot_p95_ms: view.boot_p95_ms(),
            observed_at: clock::now(),
            schedule: None,
            others: Vec::new(),
            findings: failing(&view).into_iter().collect(),
        })
    }

    /// Its instances in order of launch, the last terminated ones after them; empty for an unknown group.
    pub fn instances(&self, group: &Name) -> Vec<Instance> {
        let view = self.group(group).map(|group| group.view.load_full());
        view.map(|view| view.instances.iter().chain(&view.ended).cloned().collect()).unwrap_or_default()
    }

    /// Sets the floor, absolute; desired follows it both ways. Durable when it returns.
    ///
    /// A key that was carried out before does nothing, even when the floor was changed since: it is a late repeat.
    pub async fn set_floor(&self, group: &Name, floor: u32, key: &str) -> Result<(), GroupError> {
        let key = key.to_owned();
        self.order(group, move |name, registry, spec| {
            if let Some((_, first)) = registry.keys.iter().find(|(known, _)| *known == key) {
                let mismatch = || GroupError::Mismatch { group: name.clone(), key: key.clone(), first: *first, second: floor };
                return if *first == floor { Ok(()) } else { Err(mismatch()) };
            }
            validate(name, spec, (floor, registry.ceiling))?;
            (registry.floor, registry.desired) = (floor, floor);
            registry.record_key(&key, floor);
            Ok(())
        })
        .await
    }

    /// Sets both bounds; desired follows the floor. Repeating it changes nothing.
    pub async fn set_bounds(&self, group: &Name, floor: u32, ceiling: u32) -> Result<(), GroupError> {
        self.order(group, move |name, registry, spec| {
            validate(name, spec, (floor, ceiling))?;
            (registry.floor, registry.ceiling, registry.desired) = (floor, ceiling, floor);
            Ok(())
        })
        .await
    }

    async fn order<F>(&self, group: &Name, edit: F) -> Result<(), GroupError>
    where
        F: FnOnce(&Name, &mut Registry, &LocalGroup) -> Result<(), GroupError> + Send + 'static,
    {
        let group = self.group(group)?;
        let done = tokio::task::spawn_blocking(move || {
            let spec = group.spec.load_full();
            let done = group.change(|registry| edit(&group.name, registry, &spec));
            group.wake();
            done
        });
        done.await.map_err(|_| unusable(&self.dir, &std::io::Error::other("the daemon is stopping")))??
    }

    /// Stops looking after the instances and frees the folder; they go on, for the next daemon to adopt.
    pub async fn close(self) {
        self.rest().await;
    }

    /// Stops every instance of every group and frees the folder. For tests and the end of a demo.
    pub async fn stop_all(self) {
        self.rest().await;
        let groups = self.opened();
        for stop in [Stop::Ask, Stop::Force] {
            let running = || groups.iter().flat_map(|group| group.view.load().instances.clone()).filter_map(|i| i.process);
            running().for_each(|process| process::signal(&process, stop));
            let until = clock::monotonic() + STOP_WITHIN;
            while running().any(|process| process::is_alive(&process)) && clock::monotonic() < until {
                tokio::time::sleep(GRAIN).await;
            }
        }
        for group in groups {
            let now = clock::now();
            let buried = group.change(|registry| {
                registry.instances.iter_mut().for_each(|instance| instance.enter(InstanceState::Terminated, now));
                registry.bury();
            });
            if let Err(error) = buried {
                tracing::warn!(%error, "the instances are stopped, the registry does not say so");
            }
        }
    }

    /// Ends the tasks and waits until the last blocking piece of them is over.
    async fn rest(&self) {
        let mut tasks = std::mem::take(&mut self.slots.lock().unwrap_or_else(PoisonError::into_inner).tasks);
        tasks.shutdown().await;
        while self.opened().iter().any(|group| Arc::strong_count(group) > 2) {
            tokio::time::sleep(GRAIN).await;
        }
    }

    fn opened(&self) -> Vec<Arc<Group>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.groups.values().filter_map(|slot| slot.as_ref().ok().cloned()).collect()
    }

    fn group(&self, name: &Name) -> Result<Arc<Group>, GroupError> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.groups.get(name).cloned().unwrap_or_else(|| Err(GroupError::Unknown { group: name.clone() }))
    }
}

fn lock(dir: &Path) -> Result<File, GroupError> {
    let unusable = |error: std::io::Error| unusable(dir, &error);
    fs::create_dir_all(dir).map_err(unusable)?;
    let file = File::create(dir.join("lock")).map_err(unusable)?;
    match lock::take(&file) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(GroupError::InUse { dir: dir.into() }),
        Err(error) => Err(unusable(error.into())),
    }
}

fn unusable(dir: &Path, error: &std::io::Error) -> GroupError {
    GroupError::Registry { path: dir.into(), reason: error.to_string() }
}

/// Refuses what an Auto Scaling group would refuse.
fn validate(group: &Name, spec: &LocalGroup, (floor, ceiling): (u32, u32)) -> Result<(), GroupError> {
    let message = if floor > ceiling {
        format!("the floor {floor} is above the ceiling {ceiling}; nothing was changed")
    } else if ceiling > MOST_INSTANCES {
        format!("the ceiling {ceiling} is above {MOST_INSTANCES}, the most processes a local group may have")
    } else if spec.command.is_empty() {
        "it has no command, so nothing can be started".into()
    } else {
        return Ok(());
    };
    Err(GroupError::Validation { group: group.clone(), message })
}

/// A file name for a group: names may hold slashes and dots, and are equal in any case.
fn file_stem(name: &Name) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        other => format!("%{other:02x}"),
    };
    let stem: String = name.folded().bytes().map(escape).collect();
    if stem.len() <= LONGEST_STEM { stem } else { hex(&Sha256::digest(&stem)) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Instances that end before they serve, one after another.
fn failing(view: &Registry) -> Option<GroupFinding> {
    let is_short = (view.in_service().count() as u32) < view.desired;
    let at = view.lost_at.filter(|_| is_short && view.losses >= LOSSES_IN_A_ROW)?;
    let why = view.ended.iter().rev().find_map(|instance| instance.reason.clone()).unwrap_or_default();
    Some(GroupFinding::LaunchesFail { times: view.losses, at, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_files_of_the_folder() {
        for (name, stem) in [("Reader-API", "reader-api"), ("../x", "%2e%2e%2fx"), ("é", "%c3%a9")] {
            assert_eq!(file_stem(&Name::new(name).unwrap()), stem);
        }
        assert_eq!(file_stem(&Name::new(&"é".repeat(100)).unwrap()).len(), 64);
    }
}
