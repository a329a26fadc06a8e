//! What people should know of a group before a launch leans on it, and the sentences that say so.
//!
//! Providers report what they see; [`super::ahead`] adds what only the plan can tell. Invariant: every finding names its
//! figures; none is a text alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::problem::count;
use crate::core::words::{Capacity, Name};

/// Something about a group that stands in a launch's way, or might.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupFinding {
    /// A process of its provider is suspended.
    Suspended {
        /// Its name there, such as `Launch`.
        process: String,
        /// Why, as who suspended it said.
        reason: String,
    },
    /// Its instances are being replaced.
    Refreshing {
        /// How the provider calls its state.
        status: String,
        /// How far it is, if it says so.
        percent: Option<u32>,
    },
    /// Instances wait stopped or running beside it, and come into service sooner than new ones.
    WarmPool {
        /// How many there are.
        instances: u32,
        /// How many are ready, if that was read.
        ready: Option<u32>,
    },
    /// Its newest launches fail.
    LaunchesFail {
        /// How many in a row.
        times: u32,
        /// When the last one did.
        at: Timestamp,
        /// What the provider said.
        why: String,
    },
    /// Its zones have very different numbers of instances.
    Unbalanced {
        /// The zone with the most, and how many.
        most: (String, u32),
        /// The zone with the fewest, and how many.
        least: (String, u32),
    },
    /// Instances count differently: its numbers are units of capacity.
    Weighted {
        /// The smallest and the largest weight in service.
        weights: (u32, u32),
    },
    /// Its own upper bound is below what a launch needs.
    MaxTooLow {
        /// Its upper bound.
        ceiling: Capacity,
        /// What is needed.
        needed: Capacity,
    },
    /// Somebody else's scheduled change falls into a launch's window and goes against it.
    Conflict {
        /// How it is called there.
        action: String,
        /// When it fires next.
        at: Timestamp,
        /// What it sets that is below what the launch needs.
        sets: Vec<(Bound, Capacity)>,
        /// What the launch needs.
        needed: Capacity,
    },
    /// Something that should be known could not be read.
    Unread {
        /// What.
        what: String,
        /// Why not.
        why: String,
    },
}

/// Which bound of a group a scheduled change sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The lower one.
    Floor,
    /// The upper one.
    Ceiling,
    /// What it heads for.
    Desired,
}

impl Bound {
    fn word(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Ceiling => "ceiling",
            Self::Desired => "desired",
        }
    }
}

impl GroupFinding {
    /// Whether a launch should not begin so; otherwise it is worth knowing.
    pub fn is_serious(&self) -> bool {
        match self {
            Self::Suspended { process, .. } => matches!(process.as_str(), "Launch" | "ScheduledActions" | "AddToLoadBalancer"),
            Self::Refreshing { .. } | Self::LaunchesFail { .. } | Self::MaxTooLow { .. } | Self::Conflict { .. } => true,
            Self::WarmPool { .. } | Self::Unbalanced { .. } | Self::Weighted { .. } | Self::Unread { .. } => false,
        }
    }

    /// A whole sentence: what is so at which group, what it means for the launch, what to do.
    pub fn sentence(&self, group: &Name) -> String {
        match self {
            Self::Suspended { process, reason } => suspended(group, process, reason),
            Self::Refreshing { status, percent } => format!(
                "{group} is replacing its instances ({status}{}): fewer are in service meanwhile, and the new ones start cold; let it finish or cancel it before the launch.",
                percent.map(|percent| format!(", {percent}%")).unwrap_or_default()
            ),
            Self::WarmPool { instances, ready } => format!(
                "{group} has a warm pool of {}{}: it comes into service sooner than a boot takes, and counts towards the quota.",
                count(Capacity(*instances)),
                ready.map(|ready| format!(", {ready} of them ready")).unwrap_or_default()
            ),
            Self::LaunchesFail { times, at, why } => format!(
                "{group} cannot start instances: {times} in a row failed, the last at {at:.0} ({why}); its floor will not be reached until that is mended."
            ),
            Self::Unbalanced { most, least } => format!(
                "{group} is not balanced: {} has {} and {} has {}; losing {} costs more than the plan allows for, so look why {} gets none.",
                most.0,
                count(Capacity(most.1)),
                least.0,
                count(Capacity(least.1)),
                most.0,
                least.0
            ),
            Self::Weighted { weights: (least, most) } => format!(
                "{group} weights its instances ({least} to {most}): its floor counts units of capacity, so capacity_per_instance must be what one unit holds."
            ),
            Self::MaxTooLow { ceiling, needed } => format!(
                "{group} may have at most {} and the launch needs {needed}; raise its maximum size before the floor is due.",
                count(*ceiling)
            ),
            Self::Conflict { action, at, sets, needed } => {
                let sets: Vec<String> = sets.iter().map(|(bound, to)| format!("{} {to}", bound.word())).collect();
                format!(
                    "{group} has a scheduled action {action:?} that sets {} at {at:.0}, inside the launch's window, where {needed} are needed; remove it or move it.",
                    sets.join(" and ")
                )
            }
            Self::Unread { what, why } => {
                format!("{what} of {group} could not be read: {why}; look there by hand before the launch.")
            }
        }
    }
}

/// What a suspended process means.
fn suspended(group: &Name, process: &str, reason: &str) -> String {
    let means = match process {
        "Launch" => "no instance is started, so a raised floor brings nothing",
        "Terminate" => "no instance is stopped, so sick ones stay and nothing is given back",
        "ScheduledActions" => "the floors that were scheduled ahead do not come by themselves",
        "HealthCheck" | "ReplaceUnhealthy" => "sick instances are not replaced",
        "AddToLoadBalancer" => "new instances start and get no requests",
        "AZRebalance" => "instances are not evened out over zones",
        "AlarmNotification" => "its scaling policies do nothing",
        _ => "its provider does less than it should",
    };
    let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{group} has its process {process} suspended{why}: {means}; resume it before the launch.")
}
