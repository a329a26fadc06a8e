//! A line of the timeline before it is kept; with its id it is an [`EventRow`](crate::shell::data::EventRow).

use jiff::Timestamp;

use crate::core::words::Name;

/// An event that has no id yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Timestamp,
    /// The release it is about.
    pub release: Option<Name>,
    /// A stable word, see [`EventRow::kind`](crate::shell::data::EventRow::kind).
    pub kind: String,
    /// A whole sentence; cut at the store's limit.
    pub message: String,
    /// Who, where it was a person.
    pub by: Option<Name>,
}
