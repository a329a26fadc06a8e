//! What the node did since it started. Requests of primers are counted apart and nowhere else.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Counters, by the way a request was answered.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    pub(super) content: AtomicU64,
    pub(super) hits: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) collapsed: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) primed: AtomicU64,
}

/// The answer of `/-/stats`. Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeStats {
    /// The node.
    pub name: String,
    /// Requests of clients, primers not among them.
    pub requests: u64,
    /// Of these, for content.
    pub content: u64,
    /// Content answered from the store, fresh.
    pub hits: u64,
    /// Content that was not: fetched, collapsed or refused.
    pub misses: u64,
    /// Of the misses, what was stored and stale.
    pub stale: u64,
    /// Of the misses, those that waited for another's fetch.
    pub collapsed: u64,
    /// Answers of 500 and above.
    pub errors: u64,
    /// Of these, refused because too many fetches were under way.
    pub refused: u64,
    /// Requests of primers.
    pub primed: u64,
    /// Requests sent to origins, for clients and primers.
    pub origin_requests: u64,
    /// Pages stored.
    pub stored: usize,
    /// Their bytes.
    pub stored_bytes: usize,
    /// Origins it knows.
    pub targets: usize,
}

/// One more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// One more if it is so.
pub(super) fn count_if(counter: &AtomicU64, so: impl Into<u64>) {
    counter.fetch_add(so.into(), Ordering::Relaxed);
}

impl Counters {
    pub(super) fn read(&self, name: &str) -> EdgeStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (content, hits) = (read(&self.content), read(&self.hits));
        EdgeStats {
            name: name.into(),
            requests: read(&self.requests),
            content,
            hits,
            misses: content.saturating_sub(hits),
            stale: read(&self.stale),
            collapsed: read(&self.collapsed),
            errors: read(&self.errors),
            refused: read(&self.refused),
            primed: read(&self.primed),
            ..EdgeStats::default()
        }
    }
}
