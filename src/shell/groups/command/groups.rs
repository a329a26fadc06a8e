//! All groups by commands, for the daemon.
//!
//! Invariants: a group whose programs are slow or broken fails alone (I11); at most so many programs run at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::slot::Slot;
use crate::core::decide::GroupObservation;
use crate::core::words::Name;
use crate::shell::groups::{GroupError, Observed};
use crate::shell::spec::CommandGroup;

/// Programs that describe at once: they are the user's, and may be heavy.
const MOST_AT_ONCE: usize = 8;

/// See the module.
pub struct CommandGroups {
    slots: ArcSwap<BTreeMap<Name, Arc<Slot>>>,
    seats: Arc<Semaphore>,
}

impl CommandGroups {
    /// Takes charge of them.
    pub fn new(specs: BTreeMap<Name, CommandGroup>) -> Self {
        let groups = Self { slots: ArcSwap::default(), seats: Arc::new(Semaphore::new(MOST_AT_ONCE)) };
        groups.update(specs);
        groups
    }

    /// Takes over changed documents; a group that did not change keeps what is known of it.
    pub fn update(&self, specs: BTreeMap<Name, CommandGroup>) {
        let before = self.slots.load();
        let kept = |name: &Name, spec: &CommandGroup| before.get(name).filter(|slot| slot.spec == *spec).cloned();
        let slots = specs.into_iter().map(|(name, spec)| {
            let slot = kept(&name, &spec).unwrap_or_else(|| Arc::new(Slot::new(&name, spec)));
            (name, slot)
        });
        self.slots.store(Arc::new(slots.collect()));
    }

    /// Looks at every group.
    pub async fn observe(&self, within: Duration) -> Observed {
        let slots = self.slots.load_full();
        let look = async |(name, slot): (&Name, &Arc<Slot>)| (name.clone(), slot.look(&self.seats, within).await);
        join_all(slots.iter().map(look)).await.into_iter().collect()
    }

    /// Looks at one group.
    pub async fn describe(&self, group: &Name, within: Duration) -> Result<GroupObservation, String> {
        self.slot(group).map_err(|error| error.to_string())?.look(&self.seats, within).await
    }

    /// Sets the floor of a group, absolute.
    pub async fn set_floor(&self, group: &Name, floor: u32, key: &str) -> Result<(), GroupError> {
        self.slot(group)?.set_floor(floor, key).await
    }

    fn slot(&self, group: &Name) -> Result<Arc<Slot>, GroupError> {
        self.slots.load().get(group).cloned().ok_or_else(|| GroupError::Unknown { group: group.clone() })
    }
}
