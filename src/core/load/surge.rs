//! What a launch adds to the baseline: first attempts of each admitted wave over time, and what of it reaches the origin.
//!
//! Source: the launch-surge formulas, lambda(t) = N * th(t) * H'(t) * R, where each wave of a rollout adopts by its own
//! H from when it was admitted, and the origin sees lambda * (1 - h). Not here: retries ([`super::retry`]) and early
//! channels, which are not of the rollout's audience.
//! Invariant: integrated over time every admitted client brings its requests once; all quantiles are finite.

use std::time::Duration;

use jiff::Timestamp;

use super::adoption::Curve;
use super::{Adoption, Audience, Quantiles};
use crate::core::release::Rollout;
use crate::core::words::{later, real, since};

/// Waves that are told apart; the clients of further steps come with the last one, which only raises the peak.
const MOST_WAVES: usize = 20;
/// Uncertainty of a stated half-life, as sigma of a lognormal factor on the rate: p95 is 1.78 times the statement.
/// First days of published releases lie between 15 % and over 50 % of the audience, so a statement is no measurement.
const SIGMA_STATED: f64 = 0.35;
/// Uncertainty of a measured curve: p95 is 1.28 times. Releases of one team repeat, not exactly.
const SIGMA_MEASURED: f64 = 0.15;
/// Uncertainty of requests per client: p95 is 1.18 times.
const SIGMA_REQUESTS: f64 = 0.10;
/// Uncertainty of the share that misses the caches: p95 is 1.39 times, never above all.
const SIGMA_MISSES: f64 = 0.20;

/// The surge of one launch.
#[derive(Clone, Debug, PartialEq)]
pub struct Surge {
    waves: Vec<Wave>,
    curve: Curve,
    /// N * R: first attempts if everybody came.
    attempts: f64,
    /// 1 - h: the share that reaches the origin.
    misses: f64,
    /// Sigma of the demand, and of demand and misses together.
    sigma: (f64, f64),
}

/// Clients that a step of the rollout admits.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Wave {
    from: Timestamp,
    share: f64,
}

impl Surge {
    /// The surge of an audience when the first step begins at `begins_at` and each next one after its dwell.
    /// `covered`: proven share of the content that is primed, 0..=1, which mixes the cold and the primed hit ratio.
    pub fn of(audience: &Audience, rollout: &Rollout, begins_at: Timestamp, covered: f64) -> Self {
        let demand = match audience.adoption {
            Adoption::HalfLife { .. } => SIGMA_STATED,
            Adoption::Curve(_) => SIGMA_MEASURED,
        };
        let demand = real::hypot(demand, SIGMA_REQUESTS);
        let misses = audience.cache_hit_ratio.map(|ratio| {
            let (cold, primed, covered) = (share(ratio.cold), share(ratio.primed), share(covered));
            1.0 - (cold + (primed - cold) * covered)
        });
        let attempts = audience.clients as f64 * finite(audience.requests_per_client);
        Self {
            waves: waves(rollout, begins_at),
            curve: Curve::of(&audience.adoption),
            attempts: finite(attempts),
            misses: misses.unwrap_or(1.0),
            sigma: (demand, if misses.is_some() { real::hypot(demand, SIGMA_MISSES) } else { demand }),
        }
    }

    /// First attempts per second at an instant, before any cache; the median.
    pub fn first_attempts_at(&self, at: Timestamp) -> f64 {
        self.attempts * self.sum(at, Curve::rate)
    }

    /// First attempts that have been made until an instant; the median.
    pub fn first_attempts_by(&self, at: Timestamp) -> f64 {
        self.attempts * self.sum(at, Curve::share)
    }

    /// Requests per second at the origin at an instant.
    pub fn at(&self, at: Timestamp) -> Quantiles {
        self.origin(self.first_attempts_at(at))
    }

    /// A bound on what is still to come at the origin from an instant on, of the waves that are admitted by then.
    pub(super) fn remaining(&self, at: Timestamp) -> Quantiles {
        self.origin(self.attempts * self.sum(at, Curve::remaining_rate))
    }

    fn sum(&self, at: Timestamp, of: impl Fn(&Curve, Duration) -> f64) -> f64 {
        let admitted = self.waves.iter().filter(|wave| wave.from <= at);
        admitted.map(|wave| wave.share * of(&self.curve, since(at, wave.from))).sum()
    }

    /// The median times lognormal factors. A miss share above all, or more than every request in one second, cannot be.
    fn origin(&self, first_attempts: f64) -> Quantiles {
        let uncached = Quantiles::lognormal(first_attempts, self.sigma.0).capped(self.attempts.max(first_attempts));
        let missed = Quantiles::lognormal(first_attempts * self.misses, self.sigma.1);
        Quantiles { p50: missed.p50.min(uncached.p50), p90: missed.p90.min(uncached.p90), p95: missed.p95.min(uncached.p95) }
    }

    /// Instants at which the surge may jump up; between them it never rises.
    fn kinks(&self) -> impl Iterator<Item = Timestamp> {
        let kinks = self.curve.kinks();
        self.waves.iter().flat_map(move |wave| kinks.clone().into_iter().map(|kink| later(wave.from, kink)))
    }
}

/// What several launches add together at an instant.
pub fn surge_at(surges: &[Surge], at: Timestamp) -> Quantiles {
    surges.iter().map(|surge| surge.at(at)).fold(Quantiles::default(), Quantiles::plus)
}

/// The most that several launches add together at any instant. Exact: between kinks no surge rises.
pub fn peak(surges: &[Surge]) -> Quantiles {
    let kinks = surges.iter().flat_map(Surge::kinks);
    kinks.map(|at| surge_at(surges, at)).fold(Quantiles::default(), Quantiles::most)
}

/// How long the rollout takes from its first step until 100 %, if no step waits for anything but its dwell.
pub(super) fn duration(rollout: &Rollout) -> Duration {
    let dwells = rollout.steps.iter().take_while(|step| step.percent.share() < 1.0).map(|step| step.dwell);
    dwells.fold(Duration::ZERO, Duration::saturating_add)
}

fn waves(rollout: &Rollout, begins_at: Timestamp) -> Vec<Wave> {
    let (mut from, mut admitted) = (begins_at, 0.0);
    let mut waves: Vec<Wave> = Vec::new();
    for step in &rollout.steps {
        let share = (step.percent.share() - admitted).max(0.0);
        admitted = step.percent.share().max(admitted);
        let room = waves.len() < MOST_WAVES;
        match waves.last_mut() {
            Some(last) if !room => last.share += share,
            _ => waves.push(Wave { from, share }),
        }
        from = later(from, step.dwell);
    }
    waves
}

fn share(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

/// A product of stated numbers: never negative, and at most 10^15, beyond any audience.
fn finite(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1e15) }
}

#[cfg(test)]
mod tests {
    use super::super::HitRatio;
    use super::*;
    use crate::core::release::{OnAbort, RolloutStep};
    use crate::core::words::Percent;
    use proptest::prelude::*;

    fn t0() -> Timestamp {
        "2026-12-01T19:00:00Z".parse().unwrap()
    }

    fn rollout(steps: &[(u32, u64)]) -> Rollout {
        let step = |(percent, dwell_secs): &(u32, u64)| RolloutStep {
            percent: Percent::from_ppm(percent * 10_000).unwrap(),
            dwell: Duration::from_secs(*dwell_secs),
            bake: Duration::ZERO,
        };
        Rollout { steps: steps.iter().map(step).collect(), on_abort: OnAbort::Halt }
    }

    fn audience(clients: u64, half_life_secs: u64) -> Audience {
        Audience {
            clients,
            adoption: Adoption::HalfLife { half_life: Duration::from_secs(half_life_secs), ceiling: 0.6 },
            requests_per_client: 140.0,
            cache_hit_ratio: None,
            retry: None,
        }
    }

    fn at(secs: u64) -> Timestamp {
        later(t0(), Duration::from_secs(secs))
    }

    #[test]
    fn each_wave_adopts_from_when_it_was_admitted() {
        let surge = Surge::of(&audience(1_000, 600), &rollout(&[(10, 600), (100, 0)]), t0(), 0.0);
        // One half-life: half of the first tenth's 60 % has come, and nobody of the rest.
        assert!((surge.first_attempts_by(at(600)) - 1_000.0 * 140.0 * 0.6 * 0.05).abs() < 1e-6);
        let first_peak = 1_000.0 * 140.0 * 0.6 * 0.1 * std::f64::consts::LN_2 / 600.0;
        assert!((surge.first_attempts_at(t0()) - first_peak).abs() < 1e-9);
        assert!((surge.first_attempts_at(at(600)) - (first_peak / 2.0 + first_peak * 9.0)).abs() < 1e-9);
        assert_eq!(surge.first_attempts_at(later(Timestamp::MIN, Duration::ZERO)), 0.0, "nobody comes before T-0");
    }

    #[test]
    fn a_staged_rollout_peaks_lower_than_everybody_at_once() {
        let at_once = peak(&[Surge::of(&audience(180_000, 3_600), &rollout(&[(100, 0)]), t0(), 0.0)]);
        let staged = peak(&[Surge::of(&audience(180_000, 3_600), &rollout(&[(1, 3_600), (50, 7_200), (100, 0)]), t0(), 0.0)]);
        assert!(staged.p95 < 0.7 * at_once.p95, "{staged:?} {at_once:?}");
    }

    #[test]
    fn proven_coverage_mixes_cold_and_primed() {
        let cached = Audience { cache_hit_ratio: Some(HitRatio { cold: 0.05, primed: 0.995 }), ..audience(1_000, 600) };
        let one = |covered| Surge::of(&cached, &rollout(&[(100, 0)]), t0(), covered).at(t0()).p50;
        let uncached = Surge::of(&audience(1_000, 600), &rollout(&[(100, 0)]), t0(), 0.0).at(t0()).p50;
        for (covered, misses) in [(0.0, 0.95), (1.0, 0.005), (0.5, 0.477_5), (f64::NAN, 0.95), (7.0, 0.005)] {
            assert!((one(covered) / uncached - misses).abs() < 1e-9, "{covered}: {}", one(covered) / uncached);
        }
    }

    #[test]
    fn surges_add_and_their_peak_is_where_they_meet() {
        let one = Surge::of(&audience(1_000, 600), &rollout(&[(100, 0)]), t0(), 0.0);
        let later_one = Surge::of(&audience(1_000, 600), &rollout(&[(100, 0)]), at(600), 0.0);
        let alone = peak(std::slice::from_ref(&one));
        let both = peak(&[one, later_one]);
        assert!((both.p95 / alone.p95 - 1.5).abs() < 1e-9, "{both:?} {alone:?}");
        assert_eq!(peak(&[]), Quantiles::default());
    }

    #[test]
    fn hostile_numbers_stay_finite() {
        for requests_per_client in [f64::NAN, f64::INFINITY, -3.0, f64::MAX] {
            let audience = Audience { clients: u64::MAX, requests_per_client, ..audience(0, 0) };
            let load = peak(&[Surge::of(&audience, &rollout(&[(100, 0)]), Timestamp::MAX, 0.0)]);
            assert!(load.p50 >= 0.0 && load.p95.is_finite(), "{requests_per_client}: {load:?}");
        }
    }

    fn any_adoption() -> impl Strategy<Value = Adoption> {
        let half_life = (0..86_400u64, 0.0..1.0f64)
            .prop_map(|(secs, ceiling)| Adoption::HalfLife { half_life: Duration::from_secs(secs), ceiling });
        let curve = prop::collection::vec((0..86_400_000u64, 0.0..1.0f64), 1..30).prop_map(|mut points| {
            points.sort_by_key(|point| point.0);
            Adoption::Curve(points.into_iter().map(|(millis, share)| (Duration::from_millis(millis), share)).collect())
        });
        prop_oneof![half_life, curve]
    }

    proptest! {
        #[test]
        fn in_the_end_every_admitted_client_has_brought_its_requests_once(
            adoption in any_adoption(), clients in 0..1_000_000u64, per_client in 0.0..1_000.0f64,
            dwells in prop::collection::vec(0..10_000u64, 3),
        ) {
            let comes = match &adoption {
                Adoption::HalfLife { ceiling, .. } => *ceiling,
                Adoption::Curve(points) => points.iter().map(|point| point.1).fold(0.0, f64::max),
            };
            let audience = Audience { adoption, requests_per_client: per_client, ..audience(clients, 1) };
            let steps = rollout(&[(1, dwells[0]), (10, dwells[1]), (50, dwells[2]), (100, 0)]);
            let surge = Surge::of(&audience, &steps, t0(), 0.0);
            let total = clients as f64 * per_client * comes;
            prop_assert!((surge.first_attempts_by(at(100 * 86_400)) - total).abs() <= 1e-6 * total.max(1.0));
            // The rate integrates to the same: midpoints of a grid, with a tolerance for its jumps.
            let (grid_secs, mut sum) = (30u64, 0.0);
            let first_day = (2 * 86_400) / grid_secs;
            for index in 0..first_day {
                sum += surge.first_attempts_at(later(t0(), Duration::from_millis(index * grid_secs * 1_000 + grid_secs * 500))) * grid_secs as f64;
            }
            let came = surge.first_attempts_by(at(2 * 86_400));
            let jumps = peak(std::slice::from_ref(&surge)).p50 * grid_secs as f64 * 35.0;
            prop_assert!((sum - came).abs() <= 0.01 * came + jumps + 1e-6, "{sum} {came}");
        }

        #[test]
        fn the_peak_is_never_exceeded_and_rises_with_clients(
            adoption in any_adoption(), clients in 0..1_000_000u64, more in 0..1_000_000u64,
            dwell in 0..10_000u64, probes in prop::collection::vec(0..200_000u64, 20),
        ) {
            let steps = rollout(&[(10, dwell), (50, dwell), (100, 0)]);
            let surge = |clients| Surge::of(&Audience { adoption: adoption.clone(), ..audience(clients, 1) }, &steps, t0(), 0.0);
            let (fewer, many) = (surge(clients), surge(clients + more));
            let top = peak(std::slice::from_ref(&fewer));
            for probe in probes {
                let load = fewer.at(at(probe));
                prop_assert!(load.p50 <= load.p90 && load.p90 <= load.p95 && load.p95 <= top.p95 * (1.0 + 1e-9) + 1e-9);
                prop_assert!(fewer.remaining(at(probe)).p95 >= load.p95 * (1.0 - 1e-9));
            }
            prop_assert!(peak(&[many]).p95 >= top.p95 * (1.0 - 1e-9));
        }
    }
}
