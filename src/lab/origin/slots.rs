//! A bounded number of slots with a real service time, and a bounded queue before them.
//!
//! Invariant: work that was admitted is done, even when nobody waits for it any more; that is what makes retry
//! storms last (the abandoned half of the work is lost to everybody).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

pub(super) struct Slots {
    free: Arc<Semaphore>,
    most: usize,
    service_time: Duration,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    admitted: AtomicUsize,
    done: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
}

/// Slots and queue are full.
#[derive(Debug)]
pub(super) struct Full;

/// What happened since the start.
#[derive(serde::Serialize)]
pub(super) struct Tally {
    /// In slots and queue now.
    admitted: usize,
    /// Worked on to the end.
    done: u64,
    /// Of these, with somebody still waiting.
    answered: u64,
    /// Refused.
    refused: u64,
}

impl Slots {
    pub(super) fn new(slots: usize, queue: usize, service_time: Duration) -> Self {
        let slots = slots.clamp(1, Semaphore::MAX_PERMITS);
        let most = slots.saturating_add(queue);
        Self { free: Arc::new(Semaphore::new(slots)), most, service_time, counts: Arc::default() }
    }

    pub(super) fn admitted(&self) -> usize {
        self.counts.admitted.load(Ordering::Relaxed)
    }

    pub(super) fn tally(&self) -> Tally {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        Tally {
            admitted: self.admitted(),
            done: count(&counts.done),
            answered: count(&counts.answered),
            refused: count(&counts.refused),
        }
    }

    /// Waits for a slot and works one service time in it, or refuses at once.
    pub(super) async fn work(&self) -> Result<(), Full> {
        let admit = |admitted| (admitted < self.most).then_some(admitted + 1);
        if self.counts.admitted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit).is_err() {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Full);
        }
        let (free, counts, service_time) = (self.free.clone(), self.counts.clone(), self.service_time);
        // A task of its own, because the server drops the request's future when its client goes away.
        let working = tokio::spawn(async move {
            // The semaphore is never closed.
            let slot = free.acquire().await;
            tokio::time::sleep(service_time).await;
            drop(slot);
            counts.admitted.fetch_sub(1, Ordering::Relaxed);
            counts.done.fetch_add(1, Ordering::Relaxed);
        });
        let _ = working.await;
        self.counts.answered.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn abandoned_work_is_done_and_a_full_queue_refuses() {
        let slots = Slots::new(1, 1, Duration::from_millis(20));
        let abandoned = tokio::time::timeout(Duration::from_millis(1), slots.work()).await;
        assert!(abandoned.is_err());
        let (second, third) = tokio::join!(slots.work(), slots.work());
        assert!(second.is_ok() && third.is_err(), "one in the slot, one queued, one refused");
        let tally = slots.tally();
        assert_eq!((tally.done, tally.answered, tally.refused, tally.admitted), (2, 1, 1, 0));
    }
}
