//! Counts per period. Missing is a variant, never a zero.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Errors among requests of one arm in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Failed requests; at most `requests`.
    pub errors: u64,
    /// All requests.
    pub requests: u64,
}

/// One closed period of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// Its start.
    pub at: Timestamp,
    /// The new version; `None`: no data.
    pub candidate: Option<Counts>,
    /// What it is compared with; `None`: no data, or no baseline.
    pub baseline: Option<Counts>,
}
