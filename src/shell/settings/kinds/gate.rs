//! `kind: GatePolicy`: when a step is SAFE, and when the launch is aborted.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::Name;
use crate::shell::settings::defaults::mins;
use crate::shell::settings::words::{Lasting, PercentNumber};

/// When a step is SAFE and when the launch is aborted, by the error rates that are observed. "Bad" is at least
/// `regression` times the baseline and at least the `slo`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatePolicy {
    /// The policy's name.
    pub name: Name,
    /// What is watched. `gate replay` needs none; a release that uses the policy needs at least one.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Chance of a false ABORT over the whole rollout, between 0 and 1. Default: 0.01.
    #[serde(default = "alpha")]
    pub alpha: f64,
    /// Chance of a false SAFE per step, between 0 and 1. Default: 0.05.
    #[serde(default = "beta")]
    pub beta: f64,
    /// Ratio to the baseline that is still accepted, at least 1. Default: 1.25.
    #[serde(default = "tolerance")]
    #[schemars(range(min = 1.0))]
    pub tolerance: f64,
    /// "Bad" is at least this ratio to the baseline, above `tolerance`. Default: 2.0.
    #[serde(default = "regression")]
    pub regression: f64,
    /// "Bad" is also at least this error rate. Optional where every metric has a baseline.
    #[serde(default)]
    pub slo: Option<Slo>,
    /// Most that one period may multiply the evidence by, above 1; null: no cap. Default: 10.
    #[serde(default = "cap")]
    pub cap: Option<f64>,
    /// When trouble is expected to start; null: from the first check on. Default: half from the first check on.
    #[serde(default = "onset")]
    pub onset: Option<Onset>,
    /// Noise between the arms beyond chance, at least 1. Default: 1.0. Either this or `calibrate`.
    #[serde(default)]
    #[schemars(range(min = 1.0))]
    pub dispersion: Option<f64>,
    /// Measure the noise instead, from history at an equal split.
    #[serde(default)]
    pub calibrate: Option<Calibrate>,
    /// Length of a period. Default: 1m.
    #[serde(default = "mins::<1>")]
    pub period: Lasting,
    /// How long after its end a period's counts are complete. Default: 2m.
    #[serde(default = "mins::<2>")]
    pub lag: Lasting,
    /// What silence means.
    #[serde(default)]
    pub no_data: NoData,
}

fn alpha() -> f64 {
    0.01
}

fn beta() -> f64 {
    0.05
}

fn tolerance() -> f64 {
    1.25
}

fn regression() -> f64 {
    2.0
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional key, where null means none")]
fn cap() -> Option<f64> {
    Some(10.0)
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional key, where null means none")]
fn onset() -> Option<Onset> {
    Some(Onset { first: first(), horizon: None })
}

fn first() -> f64 {
    0.5
}

/// A metric: counts of the new version, and of what it is compared with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name.
    pub name: Name,
    /// The new version.
    pub candidate: Arm,
    /// What it is compared with. Default: nothing, the `slo` alone decides.
    #[serde(default)]
    pub baseline: Option<Arm>,
}

/// Names of queries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The query that counts failed requests.
    #[schemars(extend("x-refers-to" = "query"))]
    pub errors: Name,
    /// The query that counts all requests.
    #[schemars(extend("x-refers-to" = "query"))]
    pub requests: Name,
}

/// An error rate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Percent of requests that fail, above 0 and below 100.
    pub percent: PercentNumber,
}

/// When trouble is expected to start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Onset {
    /// Weight of "from the first check on", 0 to 1. Default: 0.5.
    #[serde(default = "first")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub first: f64,
    /// How many checks are planned. Default: as many as the release plans.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub horizon: Option<u32>,
}

/// How the noise is measured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibrate {
    /// How far back.
    pub over: Lasting,
}

/// What silence means.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoData {
    /// A longer gap makes a window incomplete. Default: 5m.
    #[serde(default = "mins::<5>")]
    pub max_gap: Lasting,
    /// After so much silence people are told, and `then` applies. Default: 30m.
    #[serde(default = "mins::<30>")]
    pub deadline: Lasting,
    /// What then. Default: hold.
    #[serde(default)]
    pub then: Then,
}

impl Default for NoData {
    fn default() -> Self {
        Self { max_gap: mins::<5>(), deadline: mins::<30>(), then: Then::Hold }
    }
}

/// After the deadline without data.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Go on holding.
    #[default]
    Hold,
    /// Treat it as an ABORT.
    Abort,
}
