//! What the listener counts, for `/metrics`.
//!
//! Handles are taken once, so that counting costs one atomic addition and no look-up. Not here: the exporter.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

use crate::core::throttle::Reason;

/// Decisions, by the layer that decided.
const DECISIONS: &str = "tminus_decisions_total";
/// Requests that got no decision, by why.
const REFUSED: &str = "tminus_decision_refused_total";
/// Connections.
const CONNECTIONS: &str = "tminus_decision_connections";

/// The handles.
pub(super) struct Meter {
    decisions: [Counter; Reason::ALL.len()],
    /// Requests that could not be read, or asked for something else.
    pub(super) invalid: Counter,
    /// Requests before documents were in force.
    pub(super) not_in_force: Counter,
    /// Connections over the limit.
    pub(super) full: Counter,
    /// Connections closed because their request did not come in time.
    pub(super) slow: Counter,
    /// Open connections.
    pub(super) connections: Gauge,
}

impl Meter {
    /// Describes the metrics and takes the handles from the recorder that is installed now.
    pub(super) fn new() -> Self {
        describe_counter!(DECISIONS, Unit::Count, "Throttle decisions, by the layer that decided.");
        describe_counter!(REFUSED, Unit::Count, "Requests and connections that got no decision, by cause.");
        describe_gauge!(CONNECTIONS, Unit::Count, "Open connections of the decision listener.");
        let refused = |cause: &'static str| counter!(REFUSED, "cause" => cause);
        Self {
            decisions: Reason::ALL.map(|reason| counter!(DECISIONS, "reason" => reason.word())),
            invalid: refused("invalid"),
            not_in_force: refused("not_in_force"),
            full: refused("full"),
            slow: refused("slow"),
            connections: gauge!(CONNECTIONS),
        }
    }

    /// Counts a decision.
    pub(super) fn decided(&self, reason: Reason) {
        self.decisions[reason as usize].increment(1);
    }
}
