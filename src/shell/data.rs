//! Plain data that one room of the shell makes and another one keeps or shows.
//!
//! The rooms name it here instead of naming each other; which of it goes where is the daemon's business. Not here:
//! anything that acts, and anything that only one room needs. Invariant: nothing here names a room.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::Name;

/// What a service manager says to the daemon alone (sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3)). Processes
/// that the daemon starts do not get it: one that is a service itself would speak in the daemon's name.
pub const SERVICE_VARIABLES: [&str; 6] =
    ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// One problem of one document. Lines and columns count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file as it was given.
    pub file: String,
    /// Line of the key or value.
    pub line: usize,
    /// Column of the key or value.
    pub column: usize,
    /// Key path from the document's root, such as `rules[0].percnt`; empty for the document itself.
    pub path: String,
    /// Stable code, such as `TM0103`; `tminus explain` tells more.
    pub code: String,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The likely fix.
    pub help: String,
}

impl Finding {
    /// In one line, with its place.
    pub fn brief(&self) -> String {
        format!("{}:{}: {}", self.file, self.line, self.message)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The document is not used.
    Error,
    /// The document is used.
    Warning,
}

/// Something that happened, for people: pages, `watch`, the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Rises by one per event.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// The release it is about.
    pub release: Option<Name>,
    /// A stable word: `phase`, `step`, `effect`, `effect_failed`, `order`, `refused`, `announcement`, `reload`,
    /// `forgotten`, `clock`, `start`.
    pub kind: String,
    /// A whole sentence.
    pub message: String,
    /// Who, where it was a person.
    pub by: Option<Name>,
}

/// Counts of one period by one sender. Sending the same period again replaces it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushedCounts {
    /// Who counted; sums go over senders.
    pub from: Name,
    /// The period's start.
    pub at: Timestamp,
    /// Count by series, such as `errors.2.3.0`.
    pub counts: BTreeMap<String, u64>,
}
