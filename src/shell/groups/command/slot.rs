//! One group by commands: its programs, and what it was last seen to be.
//!
//! Not here: which groups there are. Invariants: at most one `describe` of a group runs at a time, however often it is looked
//! at; an answer carries the instant at which its run was begun, so that a slow program never makes an old answer look new.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::answer;
use crate::core::decide::GroupObservation;
use crate::core::words::{Name, format_duration};
use crate::shell::child::{self, Run};
use crate::shell::clock;
use crate::shell::groups::GroupError;
use crate::shell::spec::CommandGroup;

/// Most that is read of what a program prints.
const MOST_OUTPUT: usize = 64 << 10;

/// See the module.
pub(super) struct Slot {
    name: Name,
    pub(super) spec: CommandGroup,
    seen: Mutex<Option<Result<GroupObservation, String>>>,
    is_running: AtomicBool,
    /// Told when a `describe` ended.
    ended: Notify,
    /// The key that was carried out last, and its floor.
    done: Mutex<Option<(String, u32)>>,
}

impl Slot {
    pub(super) fn new(name: &Name, spec: CommandGroup) -> Self {
        Self {
            name: name.clone(),
            spec,
            seen: Mutex::default(),
            is_running: AtomicBool::new(false),
            ended: Notify::new(),
            done: Mutex::default(),
        }
    }

    /// How the group is. A program that takes longer than `within` goes on, and until it ends its last answer stands, as
    /// old as it is.
    pub(super) async fn look(self: &Arc<Self>, seats: &Arc<Semaphore>, within: Duration) -> Result<GroupObservation, String> {
        let ended = self.ended.notified();
        if !self.is_running.swap(true, Ordering::AcqRel) {
            tokio::spawn(self.clone().describe(seats.clone()));
        }
        let _ = timeout(within, ended).await;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.unwrap_or_else(|| Err(format!("is still being described after {}", format_duration(within))))
    }

    async fn describe(self: Arc<Self>, seats: Arc<Semaphore>) {
        // It is never closed; were it, more programs at once would be the lesser harm.
        let _seat = seats.acquire_owned().await;
        let begun_at = clock::now();
        let ended = self.run(&self.spec.describe).await;
        let read = |output: Vec<u8>| answer::read(&output, begun_at).map_err(|error| format!("describe {error}"));
        let answer = ended.and_then(read).map_err(|error| format!("could not be described: {error}"));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.is_running.store(false, Ordering::Release);
        self.ended.notify_waiters();
    }

    /// Sets the floor, absolute; a key that was carried out is not carried out again.
    pub(super) async fn set_floor(&self, floor: u32, key: &str) -> Result<(), GroupError> {
        if self.done.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|done| *done == (key.into(), floor)) {
            return Ok(());
        }
        self.refuse_above_ceiling(floor)?;
        let command: Vec<String> = self.spec.set.iter().map(|argument| self.filled(argument, (floor, key))).collect();
        self.run(&command).await.map_err(|reason| GroupError::Failed { group: self.name.clone(), reason })?;
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = Some((key.into(), floor));
        Ok(())
    }

    fn filled(&self, argument: &str, (floor, key): (u32, &str)) -> String {
        argument.replace("{floor}", &floor.to_string()).replace("{group}", self.name.as_str()).replace("{key}", key)
    }

    fn refuse_above_ceiling(&self, floor: u32) -> Result<(), GroupError> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let ceiling = seen.as_ref().and_then(|seen| seen.as_ref().ok()).map(|group| group.ceiling.0);
        match ceiling.filter(|ceiling| floor > *ceiling) {
            None => Ok(()),
            Some(ceiling) => {
                let message = format!("the floor {floor} is above its ceiling {ceiling}; nothing was changed");
                Err(GroupError::Validation { group: self.name.clone(), message })
            }
        }
    }

    /// What it printed, if it ended with 0; else why not.
    async fn run(&self, command: &[String]) -> Result<Vec<u8>, String> {
        let asked = Run { command, input: b"", within: self.spec.within, kept: MOST_OUTPUT + 1 };
        let ended = child::run(asked).await.map_err(|error| error.to_string())?;
        let program = command.first().map_or("", String::as_str);
        if !ended.status.success() {
            let said = ended.line().map_or_else(String::new, |line| format!(": {line}"));
            return Err(format!("{program} ended with {}{said}", ended.status));
        }
        if ended.stdout.len() > MOST_OUTPUT {
            return Err(format!("{program} prints more than {MOST_OUTPUT} bytes"));
        }
        Ok(ended.stdout)
    }
}
