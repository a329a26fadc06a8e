//! The output of a decision.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect::Intent;
use super::snapshot::State;
use crate::core::checklist::Readiness;
use crate::core::gate::Judgement;
use crate::core::load::GroupPlan;
use crate::core::priming::Upcoming;
use crate::core::throttle::{Halt, Offer};
use crate::core::words::{Name, Percent};

/// What was decided. `changed` tells whether it must be committed and audited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The next state.
    pub state: State,
    /// Effects, in order.
    pub intents: Vec<Intent>,
    /// One reply per command, in order: what was done, or why not.
    pub replies: Vec<Result<Told, Told>>,
    /// Per release: how it stands and why.
    pub releases: BTreeMap<Name, ReleaseView>,
    /// What releases put on the throttle's table.
    pub offers: Vec<Offer>,
    /// Halts in force, the halt file among them.
    pub halts: Vec<Halt>,
    /// The plan of each group.
    pub plans: BTreeMap<Name, GroupPlan>,
    /// When each priming policy runs next.
    #[serde(default)]
    pub primings: BTreeMap<Name, Upcoming>,
    /// Whether state or effects differ from before.
    pub changed: bool,
    /// When something is known to change next; the loop wakes then.
    pub wake_at: Option<Timestamp>,
}

impl Decision {
    /// When something is known to change next for clients that ask for updates. Runs of primers change nothing for them.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.releases.values().filter_map(|release| release.next_at).min()
    }
}

/// A reply to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// A stable word, such as `already_held` or `not_ready`.
    pub code: String,
    /// A whole sentence.
    pub message: String,
}

/// How a release stands, for people and pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseView {
    /// The phase in one word: planned, preparing, ready, rolling, baking, complete, held, aborted, scrubbed.
    pub phase: String,
    /// The percent in force for the rollout's channels.
    pub percent: Percent,
    /// The step, from 0, while rolling.
    pub step: Option<usize>,
    /// Readiness with every item.
    pub readiness: Readiness,
    /// The gate's last word.
    pub gate: Option<Judgement>,
    /// Why it is not further: whole sentences, the first first. Empty when nothing holds it.
    pub waiting: Vec<String>,
    /// When something is known to change next.
    pub next_at: Option<Timestamp>,
}
