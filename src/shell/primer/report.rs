//! The outcome of a run, in the shape of `tminus prime -o json`.
//!
//! Invariant: lists are capped in number and bytes; what was left out is counted in `omitted`, never silent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::core::priming::Coverage;
use crate::core::words::Name;

/// Most entries of one list. Whoever has more problems than that has one problem with a common cause.
const MOST_ENTRIES: usize = 10_000;
/// Most bytes of texts in one list, so that long URLs cannot fill memory.
const MOST_BYTES: usize = 4 << 20;

/// What a run found. A target is object x variant x node.
#[derive(Clone, Debug, Serialize)]
pub struct PrimeReport {
    /// Objects in the source.
    pub objects: u64,
    /// Requests sent to nodes: first looks, verifications and retries.
    pub requested: u64,
    /// Targets by their final class; classes that did not occur are absent.
    pub classes: BTreeMap<&'static str, u64>,
    /// Per node, targets proven fresh with the right bytes over all its targets, 0..=1.
    pub coverage: BTreeMap<String, f64>,
    /// Wrong bytes.
    pub mismatches: Vec<Mismatch>,
    /// No usable response.
    pub failed: Vec<Failed>,
    /// Not kept by the cache.
    pub not_stored: Vec<NotStored>,
    /// What else people should know.
    pub findings: Vec<Finding>,
    /// Wall time of the run.
    pub seconds: f64,
    /// Entries that the lists above left out.
    pub omitted: Omitted,
    /// Retries among `requested`.
    pub retried: u64,
    /// Objects left for later because of their `not_before`.
    pub deferred: u64,
    /// Why the source could not be read to its end; then nothing counts as covered.
    pub source_error: Option<String>,
    /// The earliest instant at which a covered target goes stale; `null`: no response told.
    pub fresh_until: Option<Timestamp>,
    /// Whether every node reached the policy's coverage.
    pub reached: bool,
    /// Targets that are not covered.
    #[serde(skip)]
    pub open: u64,
    /// What identifies the source's content, for a conditional look at it.
    #[serde(skip)]
    pub validator: Option<super::Validator>,
}

/// A target with the wrong bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// The object.
    pub url: String,
    /// Where.
    pub node: String,
    /// Digest or length in the manifest.
    pub expected: String,
    /// What came.
    pub actual: String,
    /// The header set; `null`: none.
    pub variant: Option<String>,
}

/// A target without a usable response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The object, or the line of the source that names none.
    pub url: String,
    /// Where; `*`: at every node.
    pub node: String,
    /// The status, or what broke.
    pub reason: String,
    /// The header set; `null`: none.
    pub variant: Option<String>,
}

/// A target that the cache does not keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotStored {
    /// The object.
    pub url: String,
    /// Where.
    pub node: String,
    /// The header that forbids it.
    pub reason: String,
    /// The header set; `null`: none.
    pub variant: Option<String>,
}

/// Something people should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The object.
    pub url: String,
    /// Where; `*`: at every node.
    pub node: String,
    /// A whole sentence.
    pub message: String,
}

/// Entries left out, by list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Omitted {
    /// Of `mismatches`.
    pub mismatches: u64,
    /// Of `failed`.
    pub failed: u64,
    /// Of `not_stored`.
    pub not_stored: u64,
    /// Of `findings`.
    pub findings: u64,
}

impl PrimeReport {
    /// What the core decides by.
    pub fn coverage(&self, now: Timestamp) -> Coverage {
        let nodes = self.coverage.iter().filter_map(|(node, ratio)| Some((Name::new(node).ok()?, *ratio))).collect();
        Coverage {
            nodes,
            objects: self.objects,
            problems: self.open.max(u64::from(self.source_error.is_some())),
            first_problem: self.first_problem(),
            fresh_until: self.fresh_until,
            measured_at: now,
        }
    }

    /// The first problem, the gravest kind first: a source that broke, wrong bytes, no answer, not kept, anything else.
    pub fn first_problem(&self) -> Option<String> {
        let mismatch = |entry: &Mismatch| {
            format!("{} has the wrong bytes for {}: {} instead of {}", entry.node, entry.url, entry.actual, entry.expected)
        };
        let open = || self.findings.first().filter(|_| self.open > 0).map(|entry| format!("{}: {}", entry.url, entry.message));
        self.source_error
            .clone()
            .or_else(|| self.mismatches.first().map(mismatch))
            .or_else(|| self.failed.first().map(|entry| format!("{} failed at {}: {}", entry.url, entry.node, entry.reason)))
            .or_else(|| {
                self.not_stored.first().map(|entry| format!("{} is not kept by {}: {}", entry.url, entry.node, entry.reason))
            })
            .or_else(open)
    }
}

/// A list with its cap.
#[derive(Debug)]
pub(super) struct Capped<T> {
    pub(super) entries: Vec<T>,
    pub(super) omitted: u64,
    bytes: usize,
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), omitted: 0, bytes: 0 }
    }
}

impl<T> Capped<T> {
    /// Keeps an entry of about so many bytes, or counts it.
    pub(super) fn push(&mut self, entry: T, bytes: usize) {
        if self.entries.len() < MOST_ENTRIES && self.bytes + bytes <= MOST_BYTES {
            self.bytes += bytes;
            self.entries.push(entry);
        } else {
            self.omitted += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_capped_and_say_so() {
        let mut by_number = Capped::default();
        (0..MOST_ENTRIES + 5).for_each(|entry| by_number.push(entry, 1));
        assert_eq!((by_number.entries.len(), by_number.omitted), (MOST_ENTRIES, 5));
        let mut by_bytes = Capped::default();
        (0..10).for_each(|entry| by_bytes.push(entry, MOST_BYTES / 4));
        assert_eq!((by_bytes.entries.len(), by_bytes.omitted), (4, 6));
    }
}
