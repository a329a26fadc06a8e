//! Journals what became of effects, later where it cannot be done now.
//!
//! A result that the disk has no room for is kept here and written down as soon as there is room: an effect that is
//! done stays open in the journal until then, and what waits for it must not wait for a restart. A kill in between
//! sends it again, under its key. Not here: sending. Invariant: results of one key are written in the order in which
//! they came.

use jiff::Timestamp;

use super::act::Outcome;
use super::engine::Engine;
use crate::core::words::later;
use crate::shell::clock;
use crate::shell::store::{Failure, Proven, StoreError};

/// A result that is not in the journal yet.
pub(super) struct Owed {
    key: String,
    at: Timestamp,
    what: What,
}

enum What {
    Done(String, Option<Proven>),
    Failed(Failure),
}

impl Engine {
    /// An effect ended: into the journal with it, and when it failed, once more after a pause.
    pub(super) fn close(&mut self, outcome: &Outcome) {
        let (key, at) = (outcome.intent.key.clone(), clock::now());
        let what = match &outcome.result {
            Ok(detail) => {
                self.actuators.forget(&key);
                What::Done(detail.clone(), outcome.proven.clone())
            }
            Err(error) => {
                let pause = self.actuators.pause_before_retry(&key);
                self.retry_at.insert(key.clone(), (clock::monotonic() + pause, outcome.intent.clone()));
                let (error, delivered) = (error.clone(), outcome.delivered.clone());
                What::Failed(Failure { at, error, retry_at: later(at, pause), delivered })
            }
        };
        self.owed.push(Owed { key, at, what });
        self.write_owed();
    }

    /// Writes down what is owed, as far as it goes.
    pub(super) fn write_owed(&mut self) {
        for owed in std::mem::take(&mut self.owed) {
            // After one that could not be written the others keep their order.
            if !self.owed.is_empty() || !self.is_written(&owed) {
                self.owed.push(owed);
            }
        }
    }

    fn is_written(&mut self, owed: &Owed) -> bool {
        let written = match &owed.what {
            What::Done(detail, None) => self.store.done(&owed.key, owed.at, detail),
            What::Done(detail, Some(proven)) => self.store.done_and_proven(&owed.key, (owed.at, detail), proven),
            What::Failed(failure) => self.store.failed(&owed.key, failure),
        };
        match written {
            Ok(()) => true,
            Err(StoreError::NotOpen { state, .. }) => {
                let state = state.as_deref().unwrap_or("forgotten");
                tracing::info!(effect.key = owed.key, state, "an effect ended that is not waited for any more");
                true
            }
            Err(error) => {
                tracing::error!(effect.key = owed.key, %error, "the outcome of an effect is not journaled yet");
                self.durability.failed(&error);
                false
            }
        }
    }
}
