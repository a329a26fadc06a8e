//! What a GatePolicy document says. Ranges are checked where documents are read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::words::Name;

/// One GatePolicy document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The document's name.
    pub name: Name,
    /// What is watched; at least one. ABORT by the mean of their e-values, SAFE needs every one.
    pub metrics: Vec<Metric>,
    /// Chance of a false ABORT over the whole rollout, 0..1.
    pub alpha: f64,
    /// Chance of a false SAFE per step, 0..1.
    pub beta: f64,
    /// theta0: ratio to the baseline still accepted, >= 1.
    pub tolerance: f64,
    /// tau: "bad" is at least this ratio, > tolerance.
    pub regression: f64,
    /// "Bad" is also at least this error rate, 0..1. `None` only with baselines.
    pub slo: Option<f64>,
    /// Most that one period may multiply the evidence by; `None`: no cap.
    pub cap: Option<f64>,
    /// The mixture over when trouble starts; `None`: from the start.
    pub onset: Option<Onset>,
    /// phi, the noise between arms beyond chance.
    pub dispersion: Dispersion,
    /// Length of a period.
    pub period: Duration,
    /// How long after its end a period's counts are complete.
    pub lag: Duration,
    /// What silence means.
    pub no_data: NoData,
}

/// A watched metric: the query names are the shell's business.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name.
    pub name: Name,
    /// Whether there is a baseline to compare with.
    pub has_baseline: bool,
}

/// The onset mixture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Onset {
    /// Weight of "from the first check", 0..1.
    pub first: f64,
    /// Checks planned; `None`: 120, or as many as the release plans.
    pub horizon: Option<u32>,
}

/// The dispersion divisor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dispersion {
    /// phi, >= 1.
    Fixed(f64),
    /// From this much history at equal split.
    Calibrate {
        /// How far back.
        over: Duration,
    },
}

/// What silence means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoData {
    /// A longer gap makes a window incomplete.
    pub max_gap: Duration,
    /// After so much silence people are told, and `then` applies.
    pub deadline: Duration,
    /// What then.
    pub then: NoDataThen,
}

/// After the deadline without data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoDataThen {
    /// Go on holding.
    #[default]
    Hold,
    /// Treat it as an ABORT.
    Abort,
}
