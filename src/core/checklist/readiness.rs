//! GO, HOLD or NO-GO, with the first reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Blocks, Outcome};
use crate::core::words::Name;

/// The word of the launch director.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// Every item that blocks launch is green and fresh.
    #[serde(rename = "GO")]
    Go,
    /// None red, something pending, stale or unknown.
    #[serde(rename = "HOLD")]
    Hold,
    /// One is measured red, or past due.
    #[serde(rename = "NO-GO")]
    NoGo,
}

impl Word {
    /// As people say it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::Hold => "HOLD",
            Self::NoGo => "NO-GO",
        }
    }
}

/// Readiness with its reasons, the first first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readiness {
    /// The word.
    pub word: Word,
    /// Whole sentences; empty when GO.
    pub reasons: Vec<String>,
    /// Every item, in the order of its checklist.
    pub items: Vec<ItemStatus>,
}

/// One item as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemStatus {
    /// The item.
    pub id: Name,
    /// What people read.
    pub title: String,
    /// Whose it is.
    pub owner: Option<Name>,
    /// How it stands.
    pub state: ItemState,
    /// The figures or names behind it.
    pub detail: String,
    /// When it was measured or last signed.
    pub measured_at: Option<Timestamp>,
    /// When it must be green.
    pub due_at: Option<Timestamp>,
    /// What it blocks.
    pub blocks: Blocks,
}

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// As demanded, and fresh.
    Green,
    /// Measured, and not as demanded.
    Red,
    /// Not green when it was due.
    PastDue,
    /// Waiting for a person, for a first measurement, or for what is on its way.
    Pending,
    /// Its last answer is too old to count.
    Stale,
    /// Could not be measured.
    Unknown,
    /// Waived by a person, until an expiry.
    Waived,
}

impl From<Outcome> for ItemState {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Green => Self::Green,
            Outcome::Red => Self::Red,
            Outcome::Pending => Self::Pending,
            Outcome::Unknown => Self::Unknown,
        }
    }
}
