//! How far what a document states of its audience may be off, and which of it matters most.
//!
//! Every input is lognormal around what is stated: the median is the statement, and its p95 is a factor of it that the
//! document may state too. Not here: what load comes of them ([`super::surge`]). Invariant: a factor is at least 1 and
//! finite, so that what is uncertain never plans for less than what is stated.

use serde::{Deserialize, Serialize};

use super::Adoption;
use super::quantiles::Z95;
use crate::core::words::{Name, real};

/// Most that an input may be off: beyond a factor of 100 a statement says nothing.
const MOST: f64 = 100.0;
/// Sigma of a stated half-life on the speed of adoption: p95 is 1.78 times as fast. First days of published releases lie
/// between 15 % and over 50 % of the audience, so a statement is no measurement.
const STATED: f64 = 0.35;
/// The same of a measured or recorded curve: p95 is 1.28 times as fast. Releases of one team repeat, not exactly.
const MEASURED: f64 = 0.15;
/// Sigma of requests per client: p95 is 1.18 times.
const REQUESTS: f64 = 0.10;
/// Sigma of the share that misses the caches: p95 is 1.39 times, never above all.
const MISSES: f64 = 0.20;

/// The p95 of each input as a multiple of what is stated; `None`: the default of the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Of the number of clients; by default they are counted and not guessed.
    pub clients: Option<f64>,
    /// Of the speed of adoption.
    pub adoption: Option<f64>,
    /// Of the requests per client.
    pub requests_per_client: Option<f64>,
    /// Of the share that misses the caches.
    pub misses: Option<f64>,
}

/// What a forecast is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The load without any launch.
    Baseline,
    /// How many clients there are.
    Clients,
    /// How fast they come.
    Adoption,
    /// What each asks for.
    RequestsPerClient,
    /// What caches do not answer.
    Misses,
}

/// The input whose doubt moves the forecast most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dominant {
    /// Which.
    pub input: Input,
    /// Of which launch; `None`: of the baseline.
    pub release: Option<Name>,
    /// The load with this input alone at its p95, as a multiple of the load with all at their medians; at least 1.
    pub factor: f64,
}

/// Sigmas of the logarithms, in the order of [`Input`] without the baseline.
pub(super) type Sigmas = [f64; 4];

impl Uncertainty {
    pub(super) fn sigmas(&self, adoption: &Adoption) -> Sigmas {
        let speed = match adoption {
            Adoption::HalfLife { .. } => STATED,
            Adoption::Curve(_) | Adoption::Recorded(_) => MEASURED,
        };
        [
            sigma(self.clients, 0.0),
            sigma(self.adoption, speed),
            sigma(self.requests_per_client, REQUESTS),
            sigma(self.misses, MISSES),
        ]
    }
}

fn sigma(factor: Option<f64>, otherwise: f64) -> f64 {
    let stated = |factor: f64| real::ln(if factor.is_nan() { 1.0 } else { factor.clamp(1.0, MOST) }) / Z95;
    factor.map_or(otherwise, stated)
}

impl Input {
    /// In the middle of a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Baseline => "the load of ordinary days",
            Self::Clients => "the number of clients",
            Self::Adoption => "how fast clients come",
            Self::RequestsPerClient => "the requests of each client",
            Self::Misses => "what the caches miss",
        }
    }
}

impl Dominant {
    /// A whole sentence.
    pub fn sentence(&self) -> String {
        let of = self.release.as_ref().map_or(String::new(), |release| format!(" of {release}"));
        let what = self.input.phrase();
        format!("What matters most is {what}{of}: at its p95 alone the load is {:.2} times the median.", self.factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_p95_and_never_below_what_is_stated() {
        let curve = Adoption::Curve(Vec::new());
        for (stated, expected) in
            [(1.0, 0.0), (0.2, 0.0), (f64::NAN, 0.0), (real::exp(Z95 * 0.5), 0.5), (f64::INFINITY, real::ln(100.0) / Z95)]
        {
            let all = Uncertainty {
                clients: Some(stated),
                adoption: Some(stated),
                requests_per_client: Some(stated),
                misses: Some(stated),
            };
            assert!(all.sigmas(&curve).iter().all(|sigma| (sigma - expected).abs() < 1e-12), "{stated}");
        }
        assert_eq!(Uncertainty::default().sigmas(&curve), [0.0, MEASURED, REQUESTS, MISSES]);
    }
}
