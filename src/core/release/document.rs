//! What a Release document says.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::load;
use crate::core::words::{Name, Percent, TRelative, Version, VersionRule, local};

/// One Release document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The document's name.
    pub name: Name,
    /// The app.
    pub app: Name,
    /// The version it brings.
    pub version: Version,
    /// The audience of the rollout steps.
    pub channels: Vec<Name>,
    /// Which versions may take it; `None`: any older one.
    pub from: Option<VersionRule>,
    /// Channels served whole before T-0.
    pub early: Vec<Early>,
    /// T-0.
    pub launch_at: Timestamp,
    /// The zone of people's clocks, an IANA name.
    pub time_zone: Option<String>,
    /// Who says go.
    pub go: Go,
    /// Already out when tminus came: complete, no launch.
    pub released: bool,
    /// Decide, log and notify, act on nothing.
    pub shadow: bool,
    /// Checklists, scaling, priming, gate: names of documents.
    pub checklists: Vec<Name>,
    /// Scaling policies.
    pub scaling: Vec<Name>,
    /// Priming policies.
    pub priming: Vec<Name>,
    /// The gate policy.
    pub gate: Option<Name>,
    /// Shield policies.
    pub shield: Vec<Name>,
    /// The steps.
    pub rollout: Rollout,
    /// Who will come.
    pub audience: Option<load::Audience>,
}

impl Release {
    /// An instant on the clocks of its people.
    pub fn local(&self, at: Timestamp) -> String {
        local(at, self.time_zone.as_deref())
    }
}

/// Channels served whole from a time before T-0 on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Early {
    /// The channels.
    pub channels: Vec<Name>,
    /// From when.
    pub at: TRelative,
}

/// Who says go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Go {
    /// A person.
    #[default]
    Manual,
    /// Readiness alone, until an hour after T-0.
    Auto,
}

/// The rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// At least one; percents rise and end at 100.
    pub steps: Vec<RolloutStep>,
    /// What an ABORT does.
    pub on_abort: OnAbort,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutStep {
    /// How far the pedal goes.
    pub percent: Percent,
    /// The least time at it before the next.
    pub dwell: Duration,
    /// At 100 %: how long it is watched before complete.
    pub bake: Duration,
}

/// What an ABORT does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAbort {
    /// Halt the version, for early channels and force too.
    #[default]
    Halt,
    /// Back to the last certified percent.
    PreviousSafe,
}
