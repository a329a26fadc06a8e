//! What was measured or signed. Missing is a variant, and everything carries its instant.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::Name;

/// The answer of one measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it says.
    pub outcome: Outcome,
    /// The figures, for people: `status 200 in 12 ms`.
    pub detail: String,
    /// When it was measured.
    pub measured_at: Timestamp,
}

/// What a measurement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As demanded.
    Green,
    /// Measured, and not as demanded.
    Red,
    /// Measured, and not there yet, while what is missing is on its way: never green, and not red before it is due.
    Pending,
    /// Could not be measured: never green, never red.
    Unknown,
}

/// A person's signature under an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignOff {
    /// The item.
    pub item: Name,
    /// Who.
    pub by: Name,
    /// The roles the person had then.
    pub roles: Vec<Name>,
    /// When.
    pub at: Timestamp,
    /// The hash of what was signed; another content voids it (I7).
    pub content: String,
    /// A remark.
    pub reason: Option<String>,
}

/// A sign-off that replaces an item's answer for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiver {
    /// The item.
    pub item: Name,
    /// Who.
    pub by: Name,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// The hash of what was waived.
    pub content: String,
}
