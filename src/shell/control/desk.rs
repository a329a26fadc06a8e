//! What goes over the counter between the control listener and the daemon.
//!
//! Invariant: the listener never touches state or store; it asks, and the one writer answers after the commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::core::decide::{Command, Decision, GroupObservation, Person, Snapshot, Told};
use crate::core::load::GroupPlan;
use crate::core::priming::Coverage;
use crate::core::words::{Name, Rate};
use crate::shell::data::{EventRow, Finding, PushedCounts};

/// The listener's end.
#[derive(Clone)]
pub struct Desk {
    /// Orders in, bounded: a full counter answers 503 with Retry-After.
    pub asks: mpsc::Sender<Ask>,
    /// How things stand, replaced whole after every decision.
    pub view: watch::Receiver<Arc<View>>,
    /// People with tokens (SHA-256, lower-case hex); empty: everybody on loopback is `local` with every role.
    pub people: Arc<Vec<(String, Person)>>,
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
    /// Findings of the last load of documents; with errors, the old configuration is in force.
    pub findings: Vec<Finding>,
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
