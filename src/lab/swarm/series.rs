//! What the swarm saw, second by second.
//!
//! A request counts in the second in which it ended. Invariant: the series has no holes, and its length is bounded.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::later;
use crate::shell::clock;

/// Longest series: an hour, thirty demos long. What comes later counts in the last second.
const MOST_SECONDS: usize = 3_600;

/// One second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Second {
    /// Requests for content and background requests that ended, well or not.
    pub requests: u64,
    /// Of these, failed.
    pub failures: u64,
    /// Requests to an edge.
    pub edge_requests: u64,
    /// Of these, failed.
    pub edge_failures: u64,
    /// Requests to an origin directly.
    pub origin_requests: u64,
    /// Of these, failed.
    pub origin_failures: u64,
    /// Requests for content at an edge.
    pub content: u64,
    /// Of these, answered from its store.
    pub hits: u64,
    /// Background requests.
    pub polls: u64,
    /// Questions to the decision listener.
    pub asked: u64,
    /// Of these, without an answer.
    pub unanswered: u64,
    /// Clients that were served the new version, until now.
    pub exposed: u64,
    /// Clients that have their whole library again, until now.
    pub updated: u64,
    /// Clients that left the edges out, until now.
    pub bypassing: u64,
    /// The slowest successful request in milliseconds.
    pub slowest_ms: u64,
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen {
    /// A request ended.
    Request {
        /// What for, and where.
        what: What,
        /// How: the time it took, or nothing when it failed.
        within: Option<Duration>,
    },
    /// The decision listener was asked, and answered or not.
    Asked {
        /// Whether it did.
        answered: bool,
    },
    /// A client has everything.
    Updated,
    /// A client leaves the edges out from now on.
    Bypassing,
}

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A background request at an edge.
    Poll,
    /// Content at an edge.
    Edge {
        /// Whether its store had it.
        hit: bool,
    },
    /// Content at an origin.
    Origin,
}

pub(super) struct Series {
    pub(super) started_at: Timestamp,
    started: Instant,
    seconds: Mutex<Vec<Second>>,
    exposed: Mutex<Vec<String>>,
}

impl Series {
    pub(super) fn new() -> Self {
        let seconds = Mutex::new(vec![Second::default()]);
        Self { started_at: clock::now(), started: clock::monotonic(), seconds, exposed: Mutex::default() }
    }

    pub(super) fn record(&self, seen: Seen) {
        self.change(|second| second.add(seen));
    }

    /// A client was served the new version; each is once.
    pub(super) fn expose(&self, client: &str) {
        self.exposed.lock().unwrap_or_else(PoisonError::into_inner).push(client.into());
        self.change(|second| second.exposed += 1);
    }

    /// Who was served the new version, in that order.
    pub(super) fn exposed(&self) -> Vec<String> {
        self.exposed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, edit: impl FnOnce(&mut Second)) {
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        self.extend(&mut seconds);
        if let Some(second) = seconds.last_mut() {
            edit(second);
        }
    }

    /// The seconds until now; the last one is not over.
    pub(super) fn read(&self) -> Vec<Second> {
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        self.extend(&mut seconds);
        seconds.clone()
    }

    fn extend(&self, seconds: &mut Vec<Second>) {
        let now = clock::monotonic().saturating_duration_since(self.started).as_secs();
        let length = MOST_SECONDS.min(usize::try_from(now).unwrap_or(MOST_SECONDS)).saturating_add(1);
        while seconds.len() < length {
            let next = seconds.last().map_or_else(Second::default, Second::next);
            seconds.push(next);
        }
    }
}

impl Second {
    /// The second after it: what is said "until now" goes on, the rest begins at zero.
    fn next(&self) -> Self {
        Self { exposed: self.exposed, updated: self.updated, bypassing: self.bypassing, ..Self::default() }
    }

    fn add(&mut self, seen: Seen) {
        match seen {
            Seen::Request { what, within } => self.add_request(what, within),
            Seen::Asked { answered } => {
                self.asked += 1;
                self.unanswered += u64::from(!answered);
            }
            Seen::Updated => self.updated += 1,
            Seen::Bypassing => self.bypassing += 1,
        }
    }

    fn add_request(&mut self, what: What, within: Option<Duration>) {
        let failed = u64::from(within.is_none());
        self.requests += 1;
        self.failures += failed;
        self.slowest_ms = self.slowest_ms.max(within.map_or(0, |within| within.as_millis() as u64));
        match what {
            What::Origin => {
                self.origin_requests += 1;
                self.origin_failures += failed;
                return;
            }
            What::Poll => self.polls += 1,
            What::Edge { hit } => {
                self.content += 1;
                self.hits += u64::from(hit);
            }
        }
        self.edge_requests += 1;
        self.edge_failures += failed;
    }
}

/// The instant at which a second of the series begins.
pub(super) fn begins(started_at: Timestamp, place: usize) -> Timestamp {
    later(started_at, Duration::from_secs(place as u64))
}
