//! Admission: what the origin sees over all nodes together stays within the policy and within what it can take.
//!
//! Waiting is here, deciding is in `core::priming` (limiter, token bucket, retry budget). First come, first served.
//! Invariant: requests in flight never exceed the limiter's limit, which never exceeds the policy's.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::core::priming::{Admission, Limiter, RetryBudget, TokenBucket};
use crate::shell::clock;

pub(super) struct Origin {
    state: Mutex<State>,
    /// Whoever holds it is next; the others queue up in order.
    turn: tokio::sync::Mutex<()>,
    freed: Notify,
    started: Instant,
}

struct State {
    limiter: Limiter,
    bucket: Option<TokenBucket>,
    retries: RetryBudget,
    in_flight: u32,
    requests: u64,
    retried: u64,
}

/// What a request turned out to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    /// Answered by the cache.
    Hit,
    /// Answered by the origin, after this long.
    Filled(Duration),
    /// Refused, with the pause that was asked for.
    Shed(Option<Duration>),
}

/// Leave for one request. Dropped without being settled, it only frees its place.
pub(super) struct Pass<'a> {
    origin: &'a Origin,
    at: Duration,
    /// The origin counted as down: this one finds out.
    pub(super) is_probe: bool,
}

enum Attempt {
    Go { at: Duration, is_probe: bool },
    Full,
    Until(Duration),
    Down,
}

impl Origin {
    pub(super) fn new(in_flight: u32, requests_per_second: Option<f64>) -> Self {
        let state = State {
            limiter: Limiter::new(in_flight),
            bucket: requests_per_second.map(TokenBucket::new),
            retries: RetryBudget::default(),
            in_flight: 0,
            requests: 0,
            retried: 0,
        };
        Self { state: Mutex::new(state), turn: tokio::sync::Mutex::new(()), freed: Notify::new(), started: clock::monotonic() }
    }

    /// Time since the run began.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits for leave; `None`: the origin has been down for so long that waiting is pointless.
    pub(super) async fn admit(&self) -> Option<Pass<'_>> {
        let _turn = self.turn.lock().await;
        loop {
            match self.attempt() {
                Attempt::Go { at, is_probe } => return Some(Pass { origin: self, at, is_probe }),
                Attempt::Down => return None,
                Attempt::Full => self.freed.notified().await,
                Attempt::Until(wait) => {
                    // Woken or timed out: either way the next attempt tells.
                    let _ = tokio::time::timeout(wait, self.freed.notified()).await;
                }
            }
        }
    }

    fn attempt(&self) -> Attempt {
        let now = self.now();
        let mut state = self.state();
        if let Some(Err(wait)) = state.bucket.as_mut().map(|bucket| bucket.take(now)) {
            return Attempt::Until(wait);
        }
        let (is_probe, in_flight) = (state.limiter.is_down(), state.in_flight);
        let attempt = match state.limiter.admit(now, in_flight) {
            Admission::Go => Attempt::Go { at: now, is_probe },
            Admission::Full => Attempt::Full,
            Admission::Wait(until) => Attempt::Until(until.saturating_sub(now)),
            Admission::Down => Attempt::Down,
        };
        if matches!(attempt, Attempt::Go { .. }) {
            state.in_flight += 1;
            state.requests += 1;
        } else if let Some(bucket) = &mut state.bucket {
            bucket.refund(now, now);
        }
        attempt
    }

    /// A first request earns a tenth of a retry.
    pub(super) fn earn_retry(&self) {
        self.state().retries.earn();
    }

    /// Whether a retry may be made.
    pub(super) fn may_retry(&self) -> bool {
        let mut state = self.state();
        let may = state.retries.spend();
        state.retried += u64::from(may);
        may
    }

    /// Requests sent, and how many of them were retries.
    pub(super) fn requests(&self) -> (u64, u64) {
        let state = self.state();
        (state.requests, state.retried)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// Tells what came of it.
    pub(super) fn settle(self, seen: Seen) {
        let now = self.origin.now();
        let mut state = self.origin.state();
        match seen {
            Seen::Hit => {
                state.limiter.on_success(now);
                if let Some(bucket) = &mut state.bucket {
                    bucket.refund(self.at, now);
                }
            }
            Seen::Filled(latency) => {
                state.limiter.on_latency(now, latency);
            }
            Seen::Shed(pause) => {
                state.limiter.on_shed(now, pause);
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.origin.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.origin.freed.notify_one();
    }
}
