//! The input of a decision: everything it may look at.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::basis::Basis;
use super::uptime::Uptime;
use crate::core::checklist::{Checklist, Evidence};
use crate::core::gate::{self, Minute};
use crate::core::load;
use crate::core::priming::{self, Coverage};
use crate::core::release::{Missing, Release, ReleaseState};
use crate::core::throttle::{self, Halt};
use crate::core::words::{Capacity, Name};

/// Everything a decision may look at. Serialised, it is the audit record that `replay` needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The documents in force.
    pub config: Config,
    /// What was decided so far.
    pub state: State,
    /// What the world looks like.
    pub observed: Observations,
    /// What people asked since the last decision, in order.
    pub commands: Vec<Command>,
    /// The instant of the decision.
    pub now: Timestamp,
}

/// The documents in force, validated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Releases.
    pub releases: BTreeMap<Name, Release>,
    /// Checklists.
    pub checklists: BTreeMap<Name, Checklist>,
    /// Throttle policies.
    pub throttles: BTreeMap<Name, throttle::Policy>,
    /// Gate policies.
    pub gates: BTreeMap<Name, gate::Policy>,
    /// Scaling policies.
    pub scalings: BTreeMap<Name, load::Policy>,
    /// Priming policies.
    pub primings: BTreeMap<Name, priming::Policy>,
    /// What a sign-off binds to: a SHA-256 (hex) of release, item and policies without `launch_at`, by `release/item`
    /// in lower case.
    pub contents: BTreeMap<String, String>,
    /// Changes with every change of a document; part of the throttle's revision.
    pub revision: String,
    /// By release, what vanished of its documents. What is named here is in force as it last was.
    #[serde(default)]
    pub vanished: BTreeMap<Name, Vec<Missing>>,
}

/// What was decided so far. Durable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The version of this record's shape.
    pub version: u32,
    /// Fences intents: an older epoch's are never sent (I1).
    pub epoch: u64,
    /// Decisions so far; names intents and revisions.
    pub decisions: u64,
    /// Releases.
    pub releases: BTreeMap<Name, ReleaseState>,
    /// Halts in force.
    pub halts: Vec<Halt>,
    /// Per app, when a halt was last pulled and lifted again.
    pub rehearsals: BTreeMap<Name, Timestamp>,
    /// The floor that tminus holds per scaling policy; absent: none raised.
    pub floors: BTreeMap<Name, load::HeldFloor>,
    /// When the same floor was last set again; only what was lately.
    #[serde(default)]
    pub set_again: BTreeMap<Name, Timestamp>,
    /// What the groups' providers were asked to keep; absent: nothing.
    #[serde(default)]
    pub schedules: BTreeMap<Name, load::KeptSchedule>,
    /// Whether the halt file was there: a halt is a change that is kept, whoever pulled it.
    #[serde(default)]
    pub halt_file: bool,
    /// Runs of priming policies: which fires of their schedules are handled, and when the last run began.
    #[serde(default)]
    pub primings: BTreeMap<Name, priming::Runs>,
    /// How often documents were applied; an apply is a change that is kept, whatever the documents say (I10).
    #[serde(default)]
    pub applies: u64,
    /// Wall clock and uptime at the last decision that was kept: what the wall clock did since then is compared with it.
    #[serde(default)]
    pub clocks: Option<(Timestamp, Uptime)>,
    /// The revision of the documents that were decided with: a change of documents is a change that is kept.
    #[serde(default)]
    pub revision: String,
    /// The change of documents that people heard was refused, until one is good.
    #[serde(default)]
    pub rejected: Option<Rejected>,
    /// What people impose on groups for a while.
    #[serde(default)]
    pub overrides: load::Overrides,
    /// How the last releases of each app were taken up, newest last: the next one is planned with it.
    #[serde(default)]
    pub uptakes: BTreeMap<Name, Vec<load::Uptake>>,
}

/// A change of documents that is not in force, because it has errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The same for the same errors.
    pub digest: String,
    /// How many errors.
    pub errors: usize,
    /// The first, with its place.
    pub first: String,
}

/// What the world looks like. Absent means not observed, never zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observations {
    /// Groups, by scaling policy.
    pub groups: BTreeMap<Name, GroupObservation>,
    /// Why a group is not among them, by scaling policy: a fragment that follows its name.
    pub unseen: BTreeMap<Name, String>,
    /// Load history in requests per second, oldest first, by scaling policy.
    pub history: BTreeMap<Name, Vec<(Timestamp, f64)>>,
    /// Load of the last minutes in requests per second, a point a minute, oldest first, by scaling policy; only of groups
    /// that a launch leans on now.
    #[serde(default)]
    pub recent: BTreeMap<Name, Vec<(Timestamp, f64)>>,
    /// Closed periods by release and then metric, oldest first.
    pub minutes: BTreeMap<Name, BTreeMap<Name, Vec<Minute>>>,
    /// Priming, by policy.
    pub coverage: BTreeMap<Name, Coverage>,
    /// Priming runs that are going on, by policy.
    pub priming: BTreeMap<Name, priming::RunSoFar>,
    /// Answers of probes, by release and then item.
    pub evidence: BTreeMap<Name, BTreeMap<Name, Evidence>>,
    /// Whether the halt file exists.
    pub halt_file: bool,
    /// Keys of intents that are not done yet.
    pub open: BTreeSet<String>,
    /// How long the machine runs, by a clock that nobody sets; `None`: not known.
    #[serde(default)]
    pub uptime: Option<Uptime>,
    /// The documents as they are now, if they have errors and older ones are in force.
    #[serde(default)]
    pub rejected: Option<Rejected>,
}

/// An instance group as described by its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupObservation {
    /// Its own lower bound now.
    pub floor: Capacity,
    /// Its own upper bound now.
    pub ceiling: Capacity,
    /// What it is heading for.
    pub desired: Capacity,
    /// Instances that pass their health check.
    pub in_service: Capacity,
    /// Instances in service by zone.
    pub zones: BTreeMap<String, u32>,
    /// 95th percentile of recent boots in milliseconds, if any were seen.
    pub boot_p95_ms: Option<u64>,
    /// When this was described.
    pub observed_at: Timestamp,
    /// Changes of the floor that its provider keeps for us, oldest first; `None`: not known, or it keeps none for anybody.
    #[serde(default)]
    pub schedule: Option<Vec<load::ScheduledFloor>>,
    /// What its provider keeps there for others.
    #[serde(default)]
    pub others: Vec<load::ForeignChange>,
    /// What people should know of it before a launch.
    #[serde(default)]
    pub findings: Vec<load::GroupFinding>,
}

impl GroupObservation {
    /// A group that has what its floor asks for, and of which no more is known.
    pub fn at_floor(floor: Capacity, ceiling: Capacity, observed_at: Timestamp) -> Self {
        Self {
            floor,
            ceiling,
            desired: floor,
            in_service: floor,
            zones: BTreeMap::new(),
            boot_p95_ms: None,
            observed_at,
            schedule: None,
            others: Vec::new(),
            findings: Vec::new(),
        }
    }
}

/// Somebody who may give orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their name.
    pub name: Name,
    /// Their roles: viewer, operator, admin, and sign-off roles.
    pub roles: Vec<Name>,
}

/// An order by a person. The reply goes by its position in `Snapshot::commands`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Who.
    pub by: Person,
    /// What.
    pub order: Order,
    /// Why.
    pub reason: String,
}

/// What people can ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Arm the launch, or launch when T-0 has passed.
    Go {
        /// The release.
        release: Name,
    },
    /// Stop where it is.
    Hold {
        /// The release.
        release: Name,
    },
    /// Go on from a hold.
    Resume {
        /// The release.
        release: Name,
    },
    /// Enter the next step without SAFE.
    Advance {
        /// The release.
        release: Name,
    },
    /// Go to 100 %.
    Promote {
        /// The release.
        release: Name,
    },
    /// Abort by hand.
    Abort {
        /// The release.
        release: Name,
    },
    /// Clear an ABORT: back to the last certified percent, held.
    Clear {
        /// The release.
        release: Name,
    },
    /// Call it off before T-0.
    Scrub {
        /// The release.
        release: Name,
    },
    /// Sign an item.
    SignOff {
        /// The release.
        release: Name,
        /// The item.
        item: Name,
    },
    /// Waive an item until an instant.
    Waive {
        /// The release.
        release: Name,
        /// The item.
        item: Name,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Halt.
    Halt {
        /// What.
        target: throttle::HaltTarget,
    },
    /// Lift a halt, or add a voice to lifting it.
    Lift {
        /// What.
        target: throttle::HaltTarget,
        /// One person alone, and everybody hears of it.
        break_glass: bool,
    },
    /// Impose something on a group until an instant; it replaces what is there of its kind.
    Override {
        /// The scaling policy.
        group: Name,
        /// What.
        to: load::OverrideTo,
        /// Until when.
        expires_at: Timestamp,
    },
    /// Let an override end later.
    ExtendOverride {
        /// The scaling policy.
        group: Name,
        /// Which.
        kind: load::OverrideKind,
        /// By how much.
        by: Duration,
    },
    /// End an override now.
    ClearOverride {
        /// The scaling policy.
        group: Name,
        /// Which.
        kind: load::OverrideKind,
    },
    /// Documents were applied: remember by whom.
    Applied {
        /// The releases among them.
        releases: Vec<Name>,
    },
    /// Carry out a saved plan, if nothing that it was made from has moved.
    ApplyPlan {
        /// The release.
        release: Name,
        /// What the plan was made from.
        made_from: Basis,
    },
    /// Documents were removed on purpose: forget their releases.
    Removed {
        /// `Kind/name`, as it was asked.
        document: String,
        /// The releases that went with it.
        releases: Vec<Name>,
    },
}

impl Order {
    /// The release it is about, if it is about one.
    pub fn release(&self) -> Option<&Name> {
        match self {
            Self::Go { release }
            | Self::Hold { release }
            | Self::Resume { release }
            | Self::Advance { release }
            | Self::Promote { release }
            | Self::Abort { release }
            | Self::Clear { release }
            | Self::Scrub { release }
            | Self::SignOff { release, .. }
            | Self::Waive { release, .. }
            | Self::ApplyPlan { release, .. } => Some(release),
            Self::Halt { .. }
            | Self::Lift { .. }
            | Self::Override { .. }
            | Self::ExtendOverride { .. }
            | Self::ClearOverride { .. }
            | Self::Applied { .. }
            | Self::Removed { .. } => None,
        }
    }
}
