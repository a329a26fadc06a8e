//! What a decision asks the world to do: absolute targets, each with a key, safe to repeat.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::load::ScheduledFloor;
use crate::core::words::{Capacity, Name};

/// An effect with its place in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Unique per distinct change: cause, target and generation.
    pub key: String,
    /// The epoch that decided it (I1).
    pub epoch: u64,
    /// What to do.
    pub effect: Effect,
}

/// A change of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Give a group this floor. Desired follows the floor up, never down here.
    SetFloor {
        /// The scaling policy.
        group: Name,
        /// The new floor, absolute.
        floor: Capacity,
        /// The floor to go back to when everything is over.
        restore: Capacity,
        /// Why, for people.
        why: String,
    },
    /// Have the group's provider keep these changes of its floor, all of them and no others of ours. What is written
    /// first is how it comes back down.
    ScheduleFloors {
        /// The scaling policy.
        group: Name,
        /// The floor to go back to when everything is over.
        restore: Capacity,
        /// Oldest first; empty: none any more.
        floors: Vec<ScheduledFloor>,
        /// Why, for people.
        why: String,
    },
    /// Prime and verify; the primer skips what is already proven.
    Prime {
        /// The priming policy.
        policy: Name,
        /// For which release; `None`: by its schedule alone.
        #[serde(default)]
        release: Option<Name>,
    },
    /// Tell people.
    Notify(Announcement),
    /// Write the report of a release that ended.
    Report {
        /// The release.
        release: Name,
    },
}

/// Something that people should hear, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// Told once per key.
    pub key: String,
    /// What it is about.
    pub topic: Topic,
    /// The release, if it is about one.
    pub release: Option<Name>,
    /// The T-clock then, such as `T-12m`.
    pub clock: Option<String>,
    /// What happened, a whole sentence.
    pub what: String,
    /// What it means for the launch.
    pub meaning: String,
    /// What to do next.
    pub next: String,
    /// When it happened.
    pub at: Timestamp,
}

/// What notifiers subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Readiness changed.
    Readiness,
    /// A step began, or the launch is complete.
    Step,
    /// The rollout holds, or a person holds it.
    Hold,
    /// Aborted, scrubbed or cleared.
    Abort,
    /// Halted or lifted.
    Halt,
    /// An override ends soon.
    OverrideExpiring,
    /// Counts are behind.
    CountsLate,
    /// Documents that are refused, vanished, or valid again.
    Documents,
}
