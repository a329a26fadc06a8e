//! What goes over the counter between the control listener and the daemon.
//!
//! Invariant: the listener never touches state or store; it asks, and the one writer answers after the commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use crate::core::decide::{Command, Decision, GroupObservation, Person, Snapshot, Told};
use crate::core::load::GroupPlan;
use crate::core::priming::Coverage;
use crate::core::release::Missing;
use crate::core::words::{Name, Rate};
use crate::shell::data::{EventRow, Finding, PushedCounts};

/// The listener's end.
#[derive(Clone)]
pub struct Desk {
    /// Orders in, bounded: a full counter answers 503 with Retry-After.
    pub asks: mpsc::Sender<Ask>,
    /// How things stand, replaced whole after every decision.
    pub view: watch::Receiver<Arc<View>>,
    /// Who may come in; replaced whole when the settings change, and in force from the next request on.
    pub people: Arc<ArcSwap<People>>,
}

/// Who may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// Nobody is configured: everybody on loopback is `local` with every role.
    Anybody,
    /// Those with one of these tokens (SHA-256, lower-case hex), and nobody else.
    Known(Vec<(String, Person)>),
}

impl People {
    /// As settings name them when the daemon starts.
    pub fn of(named: Vec<(String, Person)>) -> Self {
        if named.is_empty() { Self::Anybody } else { Self::Known(named) }
    }

    /// As settings name them after a change. Taking the last one out shuts everybody out: it takes a restart to let
    /// anybody on the machine in, which an edit that went wrong must not.
    #[must_use]
    pub fn changed_to(&self, named: Vec<(String, Person)>) -> Self {
        match self {
            Self::Anybody => Self::of(named),
            Self::Known(_) => Self::Known(named),
        }
    }

    /// Whether somebody of this name may come in still.
    pub fn admits(&self, name: &Name) -> bool {
        match self {
            Self::Anybody => true,
            Self::Known(people) => people.iter().any(|(_, person)| person.name == *name),
        }
    }
}

/// Something for the one writer to do. Every reply comes after the durable commit.
pub enum Ask {
    /// An order.
    Order {
        /// The order.
        command: Command,
        /// Done, or refused (409) with a code and a sentence.
        reply: oneshot::Sender<Result<Told, Told>>,
    },
    /// Create or change documents.
    Apply {
        /// Who.
        by: Person,
        /// YAML, any number of documents.
        text: String,
        /// What changed, or why nothing did.
        reply: oneshot::Sender<Result<Applied, NotApplied>>,
    },
    /// Read the files again now.
    Reload {
        /// Who; `None`: a signal.
        by: Option<Person>,
        /// What changed, or the findings that refused it (422).
        reply: oneshot::Sender<Result<Reloaded, Vec<Finding>>>,
    },
    /// Take a document out of force that stands in no file.
    Remove {
        /// Who.
        by: Person,
        /// Its kind.
        kind: String,
        /// Its name.
        name: Name,
        /// Why.
        reason: String,
        /// Done, or why not: a refusal, or what leans on it.
        reply: oneshot::Sender<Result<Told, NotRemoved>>,
    },
    /// Counts of a push source.
    Push {
        /// The MetricsSource document.
        source: Name,
        /// The counts.
        counts: PushedCounts,
        /// Stored, or why not.
        reply: oneshot::Sender<Result<(), Told>>,
    },
    /// Events after an id, oldest first, at most `limit`.
    Events {
        /// The id; 0 for all.
        after: i64,
        /// At most so many.
        limit: usize,
        /// The events.
        reply: oneshot::Sender<Vec<EventRow>>,
    },
}

/// Why documents were not applied; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApplied {
    /// They have errors (422).
    Findings(Vec<Finding>),
    /// They could not be made durable (503).
    NotCommitted(Told),
}

/// What `apply` did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Applied {
    /// `Kind/name` of new documents.
    pub created: Vec<String>,
    /// `Kind/name` of changed documents.
    pub changed: Vec<String>,
    /// `Kind/name` of documents that were the same already.
    pub unchanged: Vec<String>,
    /// Sign-offs that do not count any more, as `release/item (person)`.
    #[serde(default)]
    pub voided: Vec<String>,
}

/// What reading the files again did. Nothing listed: they are in force as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reloaded {
    /// `Kind/name` of new documents.
    pub created: Vec<String>,
    /// `Kind/name` of changed documents.
    pub changed: Vec<String>,
    /// `Kind/name` of documents that are in force no more.
    pub removed: Vec<String>,
    /// `Kind/name` of documents that are gone and in force as they last were, until they are back or removed.
    pub vanished: Vec<String>,
    /// Settings that take effect at the next start.
    pub at_restart: Vec<String>,
    /// Sign-offs that do not count any more, as `release/item (person)`.
    pub voided: Vec<String>,
}

impl Reloaded {
    /// Whether the documents in force are others than before.
    pub fn is_change(&self) -> bool {
        !(self.created.is_empty() && self.changed.is_empty() && self.removed.is_empty())
    }
}

/// Why a document was not removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRemoved {
    /// It may not be.
    Refused(Told),
    /// Others lean on it.
    Findings(Vec<Finding>),
}

/// How the documents stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Papers {
    /// Since when those in force are in force.
    pub loaded_at: Timestamp,
    /// Since when the files have errors; `None`: they have none.
    pub rejected_at: Option<Timestamp>,
    /// What is wrong with the files, while they have errors; else what was remarked about the documents in force.
    pub findings: Vec<Finding>,
    /// What is gone and in force as it last was.
    pub vanished: Vec<Missing>,
    /// Settings that take effect at the next start.
    pub at_restart: Vec<String>,
}

/// How things stand, as of the last decision.
#[derive(Clone, Debug)]
pub struct View {
    /// What it was decided from.
    pub snapshot: Snapshot,
    /// What was decided.
    pub decision: Decision,
    /// Groups with their plans.
    pub groups: BTreeMap<Name, GroupView>,
    /// How the documents stand; with errors, those before them are in force.
    pub papers: Papers,
    /// Whether the first decision is made and documents are in force.
    pub ready: bool,
    /// Intents not yet done.
    pub open_intents: usize,
    /// Why decisions cannot be made durable now; `None`: they can.
    pub not_durable: Option<String>,
}

/// A group as it stands.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// As described; `None`: not observed.
    pub observed: Option<GroupObservation>,
    /// What is planned for it.
    pub plan: Option<GroupPlan>,
    /// Load now, if known.
    pub load: Option<Rate>,
    /// Priming that stands before it.
    pub coverage: BTreeMap<Name, Coverage>,
}
