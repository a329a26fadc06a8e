//! Floors that a provider keeps for us, so that they come and go while nobody is there to set them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::Capacity;

/// One change of a floor that a provider keeps and carries out by itself, at a whole minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScheduledFloor {
    /// When.
    pub at: Timestamp,
    /// The floor from then on, absolute.
    pub floor: Capacity,
    /// Which way it goes.
    pub turn: Turn,
}

/// Which way a floor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Up, for a launch.
    Raise,
    /// Back, after it.
    Restore,
}

/// A change that somebody else keeps at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignChange {
    /// How it is called there.
    pub name: String,
    /// When it fires next, as the provider says.
    pub at: Option<Timestamp>,
    /// When it fires again and again, as a cron line.
    pub recurrence: Option<String>,
    /// The zone of that line; `None`: UTC.
    pub time_zone: Option<String>,
    /// The floor it sets, if it sets one.
    pub floor: Option<Capacity>,
    /// The ceiling it sets, if it sets one.
    pub ceiling: Option<Capacity>,
    /// What it has the group head for, if it does.
    pub desired: Option<Capacity>,
}
