//! Who will come at T-0, and what each asks for: the inputs of the surge.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The audience of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audience {
    /// Clients in the rollout's channels.
    pub clients: u64,
    /// How they come.
    pub adoption: Adoption,
    /// First attempts of each client.
    pub requests_per_client: f64,
    /// What caches take off the origin.
    pub cache_hit_ratio: Option<HitRatio>,
    /// What a client does after a failure.
    pub retry: Option<Retry>,
}

/// How clients come after they are admitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adoption {
    /// Exponential approach to a ceiling.
    HalfLife {
        /// Time until half of those who will come have come.
        half_life: Duration,
        /// Share that comes at all, 0..=1.
        ceiling: f64,
    },
    /// Measured: share that has come after a time; sorted by time.
    Curve(Vec<(Duration, f64)>),
}

/// Hit ratios, 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HitRatio {
    /// With nothing cached.
    pub cold: f64,
    /// When primed.
    pub primed: f64,
}

/// What a client does after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// Time between attempts.
    pub every: Duration,
    /// Most retries; `None`: they never give up.
    pub limit: Option<u32>,
}
