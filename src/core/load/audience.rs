//! Who will come at T-0, and what each asks for: the inputs of the surge.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Uncertainty, Uptake};

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
    /// Requests that a client has under way at once, at least 1: its slots bound what a storm can become.
    #[serde(default = "one")]
    pub parallel: u32,
    /// How far all of this may be off.
    #[serde(default)]
    pub uncertainty: Uncertainty,
}

fn one() -> u32 {
    1
}

impl Audience {
    /// The audience with a known adoption: what an earlier release of the app taught stands in where the document asks for
    /// it. `None`: the document leaves adoption to a record, and there is none.
    pub fn known(&self, recorded: Option<&Uptake>) -> Option<Self> {
        let Adoption::Recorded(otherwise) = &self.adoption else { return Some(self.clone()) };
        let learned = recorded.map(|uptake| Adoption::Curve(uptake.curve()));
        let adoption = learned.or_else(|| otherwise.as_deref().cloned())?;
        Some(Self { adoption, ..self.clone() })
    }
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
    /// As an earlier release of the app was taken up; until one is recorded, this.
    Recorded(Option<Box<Adoption>>),
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
