//! One change of a group at a time, and none that is outdated by the time it is its turn.
//!
//! A program that sets a floor may take long; what is decided meanwhile must come after it, and not be undone by it. Not
//! here: retries. Invariant: of two changes of one kind of one group the one that was started later ends later.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use tokio::sync::{Mutex, MutexGuard};

use crate::core::decide::Effect;

/// Lanes by what changes in them.
#[derive(Default)]
pub(super) struct Lanes(BTreeMap<String, Arc<Lane>>);

/// Where changes of one kind of one group wait for each other.
#[derive(Default)]
pub(super) struct Lane {
    turn: Mutex<()>,
    newest: Lock<String>,
}

impl Lanes {
    /// The lane of an effect; its key is the newest there from now on. The journal starts nothing that is superseded.
    pub(super) fn of(&mut self, effect: &Effect, key: &str) -> Arc<Lane> {
        let what = match effect {
            Effect::SetFloor { group, .. } => format!("floor {group}"),
            Effect::ScheduleFloors { group, .. } => format!("schedule {group}"),
            Effect::Prime { .. } | Effect::Notify(_) | Effect::Report { .. } => String::new(),
        };
        let lane = self.0.entry(what).or_default();
        key.clone_into(&mut lane.newest.lock().unwrap_or_else(PoisonError::into_inner));
        lane.clone()
    }
}

impl Lane {
    /// Waits for the turn of a key; an error: a newer one came meanwhile.
    pub(super) async fn turn(&self, key: &str) -> Result<MutexGuard<'_, ()>, String> {
        let turn = self.turn.lock().await;
        let is_newest = *self.newest.lock().unwrap_or_else(PoisonError::into_inner) == key;
        if is_newest { Ok(turn) } else { Err(format!("{key} is not sent: something newer is decided")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::words::{Capacity, Name};

    fn floor(of: &str, floor: u32) -> Effect {
        Effect::SetFloor { group: Name::new(of).unwrap(), floor: Capacity(floor), restore: Capacity(1), why: "a test".into() }
    }

    #[tokio::test]
    async fn what_is_decided_while_a_change_is_made_comes_after_it_and_what_it_overtakes_does_not_come() {
        let mut lanes = Lanes::default();
        let first = lanes.of(&floor("api", 5), "a");
        let under_way = first.turn("a").await.unwrap();
        let (overtaken, newest) = (lanes.of(&floor("api", 8), "b"), lanes.of(&floor("api", 11), "c"));
        assert!(lanes.of(&floor("other", 2), "d").turn("d").await.is_ok(), "other groups wait for nothing");
        let mut waiting = Box::pin(newest.turn("c"));
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("it does not wait for what is under way"),
            () = std::future::ready(()) => {}
        }
        drop(under_way);
        drop(waiting.await.unwrap());
        assert!(overtaken.turn("b").await.is_err());
        assert!(lanes.of(&floor("api", 11), "c").turn("c").await.is_ok(), "and is sent again under its key");
    }
}
