//! One running group: its registry, its processes, and the task that brings them to where they should be.
//!
//! Not here: what to do next, which [`super::plan`] decides. Invariants: the registry is on disk before a process is
//! started or signalled; the task takes no input and doing it twice changes nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::health::Checks;
use super::plan::{self, Action, Seen};
use super::process::{self, Start, Stop};
use super::registry::{InstanceState, Registry};
use super::targets::Targets;
use super::{Instance, Process};
use crate::core::words::Name;
use crate::shell::clock;
use crate::shell::groups::GroupError;
use crate::shell::spec::LocalGroup;

/// Longest time between two looks at the processes: what is a moment for a machine that boots in seconds.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A group with everything that it needs to run.
pub(super) struct Group {
    pub(super) name: Name,
    /// Its registry; logs of its instances stand beside it.
    pub(super) path: PathBuf,
    pub(super) spec: ArcSwap<LocalGroup>,
    /// The last registry on disk, for readers that must not wait for one to be written.
    pub(super) view: ArcSwap<Registry>,
    book: Mutex<Book>,
    wake: Arc<Notify>,
    /// The folder stays locked until the last piece of work on any of its groups is over.
    _lock: Arc<File>,
}

struct Book {
    registry: Registry,
    /// Whether the file lacks something that memory knows: a process that was started when the disk was full.
    unsaved: bool,
    targets: Option<Targets>,
}

impl Group {
    /// Opens the registry or begins one, and adopts what runs.
    pub(super) fn open(name: Name, path: PathBuf, spec: LocalGroup, lock: Arc<File>) -> Result<Self, GroupError> {
        let broken = |reason| GroupError::Registry { path: path.clone(), reason };
        let boot_id = process::boot_id();
        let known = Registry::load(&path).map_err(broken)?;
        let fresh = known.is_none();
        let registry = known.unwrap_or_else(|| Registry::new(boot_id.clone(), spec.floor, spec.ceiling));
        let group = Self {
            name,
            path,
            spec: ArcSwap::from_pointee(spec),
            view: ArcSwap::from_pointee(registry.clone()),
            book: Mutex::new(Book { registry, unsaved: fresh, targets: None }),
            wake: Arc::new(Notify::new()),
            _lock: lock,
        };
        group.change(|registry| group.adopt(registry, boot_id))?;
        Ok(group)
    }

    /// Finds processes that were started but not yet written down, and forgets those of before a reboot.
    fn adopt(&self, registry: &mut Registry, boot_id: String) {
        if registry.boot_id != boot_id {
            registry.boot_id = boot_id;
            registry.instances.iter_mut().for_each(forget_process);
            return;
        }
        let unwritten = |instance: &&mut Instance| instance.state == InstanceState::Booting && instance.process.is_none();
        for instance in registry.instances.iter_mut().filter(unwritten) {
            let found = process::find(&mark(&self.path, &instance.id));
            // Its address stands in the registry, which is written before the start.
            instance.process = found;
        }
    }

    /// Runs until it is aborted.
    pub(super) async fn run(self: Arc<Self>) {
        let mut checks = Checks::new();
        loop {
            let (registry, spec) = (self.view.load_full(), self.spec.load_full());
            let seen = checks.look(&registry.instances, &spec).await;
            let group = self.clone();
            // The disk and the start of processes block, so they leave the threads that answer requests alone. Being
            // one blocking piece it is never cut in half when this task is aborted.
            let round = tokio::task::spawn_blocking(move || group.round(&seen)).await;
            match round {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(group = %self.name, %error, "the group was left as it is"),
                Err(_) => return,
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    fn round(&self, seen: &BTreeMap<String, Seen>) -> Result<(), GroupError> {
        let spec = self.spec.load_full();
        let actions = self.change(|registry| {
            registry.follow_ceiling(spec.ceiling);
            let actions = plan::advance(registry, &spec, seen, clock::now());
            self.pick_addresses(registry, &actions);
            actions
        })?;
        for action in actions {
            match action {
                Action::Start(id) => self.start(&id, &spec),
                Action::Stop(id, stop) => self.stop(&id, stop),
            }
        }
        Ok(())
    }

    fn pick_addresses(&self, registry: &mut Registry, actions: &[Action]) {
        for action in actions {
            let Action::Start(id) = action else { continue };
            let taken: Vec<_> = registry.instances.iter().filter_map(|instance| instance.address).collect();
            let picked = process::free_address(&taken);
            if let (Ok(address), Some(instance)) = (&picked, registry.instance(id)) {
                instance.address = Some(*address);
            }
            if let Err(error) = picked {
                tracing::warn!(group = %self.name, instance.id = %id, %error, "no address for an instance; it will be tried again");
            }
        }
    }

    fn start(&self, id: &str, spec: &LocalGroup) {
        let Some(instance) = self.view.load().instances.iter().find(|instance| instance.id == id).cloned() else { return };
        let Some(address) = instance.address else { return };
        let fill = |text: &String| {
            text.replace("{address}", &address.to_string()).replace("{zone}", &instance.zone).replace("{instance}", id)
        };
        let command: Vec<_> = spec.command.iter().map(fill).collect();
        let log = self.path.with_extension(format!("{id}.log"));
        match process::start(&Start { command: &command, mark: &mark(&self.path, id), log: &log }) {
            Ok((process, mut child)) => {
                let wake = self.wake.clone();
                // Reaps the zombie, and has the loss looked at as soon as it happens.
                tokio::spawn(async move {
                    let _ = child.wait().await;
                    wake.notify_one();
                });
                self.note_process(id, process);
            }
            Err(error) => {
                let program = command.first().map_or("", String::as_str);
                tracing::warn!(group = %self.name, instance.id = id, program, %error, "an instance did not start");
            }
        }
    }

    fn stop(&self, id: &str, stop: Stop) {
        let view = self.view.load();
        let process = view.instances.iter().find(|instance| instance.id == id).and_then(|instance| instance.process);
        if let Some(process) = process {
            process::signal(&process, stop);
        }
    }

    /// The process runs already: memory must know it, even when the disk is full.
    fn note_process(&self, id: &str, process: Process) {
        let mut book = self.book();
        if let Some(instance) = book.registry.instance(id) {
            instance.process = Some(process);
        }
        book.unsaved = true;
        self.view.store(Arc::new(book.registry.clone()));
        drop(book);
        if let Err(error) = self.change(|_| ()) {
            tracing::error!(group = %self.name, %error, "a started process is not written down yet; its mark finds it");
        }
    }

    /// Changes the registry: on disk first, then for everybody to see. An error leaves it as it was.
    pub(super) fn change<T>(&self, edit: impl FnOnce(&mut Registry) -> T) -> Result<T, GroupError> {
        let mut book = self.book();
        let mut next = book.registry.clone();
        let result = edit(&mut next);
        if book.unsaved || next != book.registry {
            next.save(&self.path).map_err(|reason| GroupError::Registry { path: self.path.clone(), reason })?;
            book.unsaved = false;
            book.registry = next;
        }
        // Targets first: whoever is told that an instance serves, or no longer does, finds the file saying the same.
        self.publish(&mut book);
        self.view.store(Arc::new(book.registry.clone()));
        Ok(result)
    }

    fn publish(&self, book: &mut Book) {
        let (spec, targets) = (self.spec.load(), Targets::of(&book.registry));
        let Some(path) = spec.targets_file.as_ref().filter(|_| book.targets.as_ref() != Some(&targets)) else { return };
        match targets.write(path) {
            Ok(()) => book.targets = Some(targets),
            // Tried again in the next round; load balancers go on with what they have.
            Err(error) => tracing::warn!(group = %self.name, file = %path.display(), %error, "targets were not written"),
        }
    }

    /// Has the task look at once.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic while it was held left a registry that was never half changed: changes are made to a copy.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// After a reboot: what served is gone and will be replaced, what booted is started again.
fn forget_process(instance: &mut Instance) {
    instance.process = None;
    if instance.state == InstanceState::InService {
        instance.reason = Some("the machine was restarted".into());
        instance.enter(InstanceState::Terminated, clock::now());
    }
}

fn mark(path: &std::path::Path, id: &str) -> String {
    format!("{}#{id}", path.display())
}
