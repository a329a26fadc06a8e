//! One line of the timeline.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::Name;

/// Something that happened, for people: pages, `watch`, the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Rises by one per event.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// The release it is about.
    pub release: Option<Name>,
    /// A stable word: `phase`, `step`, `effect`, `effect_failed`, `order`, `refused`, `announcement`, `reload`, `start`.
    pub kind: String,
    /// A whole sentence.
    pub message: String,
    /// Who, where it was a person.
    pub by: Option<Name>,
}

/// An event that has no id yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Timestamp,
    /// The release it is about.
    pub release: Option<Name>,
    /// A stable word, see [`EventRow::kind`].
    pub kind: String,
    /// A whole sentence; cut at the store's limit.
    pub message: String,
    /// Who, where it was a person.
    pub by: Option<Name>,
}
