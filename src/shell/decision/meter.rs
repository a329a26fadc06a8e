//! What the listener counts, for `/metrics`.
//!
//! Handles are taken once, so that counting costs one atomic addition and no look-up. Not here: the exporter, and the table with their help texts (telemetry).

use metrics::{Counter, Gauge, counter, gauge};

use crate::core::throttle::Reason;
use crate::shell::telemetry::Metric;

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
    /// Connections on which a request met our close on its way: it was not answered, and may be sent again.
    pub(super) crossed: Counter,
    /// Open connections.
    pub(super) connections: Gauge,
}

impl Meter {
    /// Takes the handles from the recorder that is installed now.
    pub(super) fn new() -> Self {
        let refused = |cause: &'static str| counter!(Metric::DecisionRefused.name(), "cause" => cause);
        Self {
            decisions: Reason::ALL.map(|reason| counter!(Metric::Decisions.name(), "reason" => reason.word())),
            invalid: refused("invalid"),
            not_in_force: refused("not_in_force"),
            full: refused("full"),
            slow: refused("slow"),
            crossed: refused("crossed"),
            connections: gauge!(Metric::DecisionConnections.name()),
        }
    }

    /// Counts a decision.
    pub(super) fn decided(&self, reason: Reason) {
        self.decisions[reason as usize].increment(1);
    }
}
