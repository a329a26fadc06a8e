//! What a launch adds to the baseline: first attempts of each admitted wave over time, and what of it reaches the origin.
//!
//! Source: the launch-surge formulas, lambda(t) = N * th(t) * H'(t) * R, where each wave of a rollout adopts by its own
//! H from when it was admitted, and the origin sees lambda * (1 - h). Quantiles are those of the peak over seeded draws of
//! clients, speed of adoption, requests and misses: the median is the launch as stated, and p90 and p95 are each the whole
//! story of the draw at that rank, so that launches that overlap add over time. Not here: retries ([`super::retry`]) and
//! early channels, which are not of the rollout's audience.
//! Invariant: integrated over time every admitted client brings its requests once; all quantiles are finite.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::adoption::Curve;
use super::draws::{DRAWS, Draw, draws};
use super::quantiles::Z95;
use super::uncertainty::{Input, Sigmas};
use super::{Audience, HitRatio, Quantiles};
use crate::core::release::Rollout;
use crate::core::words::{later, real, since};

/// Waves that are told apart; the clients of further steps come with the last one, which only raises the peak.
const MOST_WAVES: usize = 20;
/// Speeds of adoption at which the peak is worked out, as standard normals; between them it is straight in logarithms,
/// which is exact for a single wave.
const SPEEDS: [f64; 7] = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0];
/// Far more than a rounding, and nothing to a load.
const BEHIND: Duration = Duration::from_micros(1);
/// The ranks that are kept beside the median.
const RANKS: [f64; 2] = [0.90, 0.95];

/// The surge of one launch.
#[derive(Clone, Debug, PartialEq)]
pub struct Surge {
    crowd: Arc<Crowd>,
    /// 1 - h as stated: the share that reaches the origin.
    misses: f64,
    /// The draws at p50, p90 and p95 of the peak.
    stories: [Story; 3],
}

/// Who comes, whatever caches do with it.
#[derive(Clone, Debug, PartialEq)]
struct Crowd {
    waves: Vec<Wave>,
    curve: Curve,
    /// N * R: first attempts if everybody came, as stated.
    attempts: f64,
    sigmas: Sigmas,
    /// Logarithm of the peak of the share that comes in a second, at each of [`SPEEDS`].
    ln_peaks: [f64; SPEEDS.len()],
    hit_ratio: Option<HitRatio>,
}

/// One way in which the launch may go.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Story {
    /// Times as fast as stated.
    speed: f64,
    /// First attempts if everybody comes.
    attempts: f64,
    /// The share of them that reaches the origin.
    misses: f64,
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
        let crowd = Arc::new(Crowd::of(audience, rollout, begins_at));
        Self::on(crowd, covered)
    }

    /// The same crowd before caches of which another share is proven warm.
    #[must_use]
    pub fn covered(&self, covered: f64) -> Self {
        if self.crowd.misses(covered) == self.misses { self.clone() } else { Self::on(self.crowd.clone(), covered) }
    }

    fn on(crowd: Arc<Crowd>, covered: f64) -> Self {
        let misses = crowd.misses(covered);
        let stated = Story { speed: 1.0, attempts: crowd.attempts, misses };
        let [high, top] = crowd.drawn(misses);
        Self { crowd, misses, stories: [stated, high, top] }
    }

    /// First attempts per second at an instant, before any cache; the median.
    pub fn first_attempts_at(&self, at: Timestamp) -> f64 {
        self.crowd.attempts * self.crowd.rate(at, 1.0)
    }

    /// First attempts that have been made until an instant; the median.
    pub fn first_attempts_by(&self, at: Timestamp) -> f64 {
        self.crowd.attempts * self.crowd.sum(at, Curve::share)
    }

    /// First attempts per second at an instant, before any cache, at each quantile of the peak at the origin.
    pub fn demand_at(&self, at: Timestamp) -> Quantiles {
        Quantiles::rising(self.stories.map(|story| story.attempts * self.crowd.rate(at, story.speed)))
    }

    /// Requests per second at the origin at an instant.
    pub fn at(&self, at: Timestamp) -> Quantiles {
        Quantiles::rising(self.stories.map(|story| story.origin(self.crowd.rate(at, story.speed))))
    }

    /// A bound on what is still to come at the origin from an instant on, of the waves that are admitted by then.
    pub(super) fn remaining(&self, at: Timestamp) -> Quantiles {
        let most = |speed: f64| self.crowd.sum(at, |curve, elapsed| speed * curve.remaining_rate(elapsed.mul_f64(speed)));
        Quantiles::rising(self.stories.map(|story| story.origin(most(story.speed))))
    }

    /// The peak with one input alone at its p95, as a multiple of the peak as stated; at least 1.
    pub(super) fn factors(&self) -> [(Input, f64); 4] {
        let [clients, _, requests, misses] = self.crowd.sigmas.map(|sigma| real::exp(Z95 * sigma));
        let faster = real::exp(self.crowd.ln_peak(Z95) - self.crowd.ln_peak(0.0));
        let faster = if faster.is_finite() { faster.max(1.0) } else { 1.0 };
        let missed = if self.misses > 0.0 { misses.min(1.0 / self.misses) } else { 1.0 };
        let missed = if self.crowd.hit_ratio.is_some() { missed } else { 1.0 };
        [(Input::Clients, clients), (Input::Adoption, faster), (Input::RequestsPerClient, requests), (Input::Misses, missed)]
    }

    /// Instants at which the surge may jump up, at the speed of one of its stories; between them it never rises.
    fn kinks(&self) -> impl Iterator<Item = Timestamp> {
        let speeds: Vec<f64> = self.stories.iter().map(|story| story.speed).collect();
        speeds.into_iter().flat_map(|speed| self.crowd.kinks(speed))
    }
}

impl Story {
    /// Requests per second at the origin when this share of everybody comes in a second. Nobody's request comes more than
    /// once in one second, however fast adoption is.
    fn origin(&self, rate: f64) -> f64 {
        self.attempts * rate.min(1.0) * self.misses
    }
}

impl Crowd {
    fn of(audience: &Audience, rollout: &Rollout, begins_at: Timestamp) -> Self {
        let mut crowd = Self {
            waves: waves(rollout, begins_at),
            curve: Curve::of(&audience.adoption),
            attempts: finite(audience.clients as f64 * finite(audience.requests_per_client)),
            sigmas: audience.uncertainty.sigmas(&audience.adoption),
            ln_peaks: [0.0; SPEEDS.len()],
            hit_ratio: audience.cache_hit_ratio,
        };
        crowd.ln_peaks = SPEEDS.map(|z| crowd.ln_peak_at(crowd.speed(z)));
        crowd
    }

    /// Times as fast as stated, at a standard normal.
    fn speed(&self, z: f64) -> f64 {
        real::exp(self.sigmas[1] * z)
    }

    /// The share that reaches the origin, as stated.
    fn misses(&self, covered: f64) -> f64 {
        let Some(ratio) = self.hit_ratio else { return 1.0 };
        let (cold, primed, covered) = (share(ratio.cold), share(ratio.primed), share(covered));
        1.0 - (cold + (primed - cold) * covered)
    }

    /// The draws at the ranks of the peak, by the logarithm of the peak at the origin.
    fn drawn(&self, misses: f64) -> [Story; 2] {
        // Where caches miss nothing, or there are none, no draw changes that, and the crowd alone decides the ranks.
        let ln_misses = real::ln(misses);
        let varies = self.hit_ratio.is_some() && ln_misses.is_finite();
        let missed = |draw: &Draw| if varies { (ln_misses + self.sigmas[3] * draw[3]).min(0.0) } else { 0.0 };
        let demand = |draw: &Draw| self.sigmas[0] * draw[0] + self.sigmas[2] * draw[2];
        ranked(|draw| demand(draw) + self.ln_peak(draw[1]) + missed(draw)).map(|draw| {
            let speed = self.speed(draw[1]);
            // The peak of the story is the one it was ranked by: so a quantile rises and falls with every input.
            let drift = self.ln_peak(draw[1]) - self.ln_peak_at(speed);
            let drift = if drift.is_finite() { drift } else { 0.0 };
            Story {
                speed,
                attempts: self.attempts * real::exp(demand(draw) + drift),
                misses: if varies { real::exp(missed(draw)) } else { misses },
            }
        })
    }

    /// Logarithm of the peak of the share that comes in a second, at a speed.
    fn ln_peak_at(&self, speed: f64) -> f64 {
        real::ln(self.kinks(speed).map(|at| self.rate(at, speed)).fold(0.0, f64::max).min(1.0))
    }

    /// The same at a standard normal, straight between those that were worked out and beyond them.
    fn ln_peak(&self, z: f64) -> f64 {
        let below = SPEEDS[1..SPEEDS.len() - 1].partition_point(|known| *known <= z);
        let (low, high) = (self.ln_peaks[below], self.ln_peaks[below + 1]);
        let slope = (high - low) / (SPEEDS[below + 1] - SPEEDS[below]);
        // Nobody comes at any speed: no slope between two infinities.
        if slope.is_finite() { low + slope * (z - SPEEDS[below]) } else { low.max(high) }
    }

    /// The share of everybody that comes in this second, at a speed.
    fn rate(&self, at: Timestamp, speed: f64) -> f64 {
        self.sum(at, |curve, elapsed| speed * curve.rate(elapsed.mul_f64(speed)))
    }

    fn sum(&self, at: Timestamp, of: impl Fn(&Curve, Duration) -> f64) -> f64 {
        let admitted = self.waves.iter().filter(|wave| wave.from <= at);
        admitted.map(|wave| wave.share * of(&self.curve, since(at, wave.from))).sum()
    }

    fn kinks(&self, speed: f64) -> impl Iterator<Item = Timestamp> {
        // A kink that was moved is looked at just behind its place, where rounding cannot have put it before the jump.
        let moved = |kink: Duration| if speed == 1.0 { kink } else { kink.div_f64(speed) + BEHIND };
        let kinks: Vec<Duration> = self.curve.kinks().into_iter().map(moved).collect();
        self.waves.iter().flat_map(move |wave| kinks.clone().into_iter().map(|kink| later(wave.from, kink)))
    }
}

/// The draws at [`RANKS`] of a value. Only the highest are kept in order, most of the rest is one comparison.
fn ranked(value: impl Fn(&Draw) -> f64) -> [&'static Draw; 2] {
    let places = RANKS.map(|rank| DRAWS - (rank * DRAWS as f64).ceil() as usize);
    let mut highest: Vec<(f64, &Draw)> = Vec::with_capacity(places[0] + 2);
    for draw in draws().iter().rev() {
        let value = value(draw);
        let place = highest.partition_point(|(other, _)| other.total_cmp(&value).is_ge());
        if place <= places[0] {
            highest.insert(place, (value, draw));
            highest.truncate(places[0] + 1);
        }
    }
    places.map(|place| highest[place].1)
}

/// What several launches add together at an instant.
pub fn surge_at(surges: &[Surge], at: Timestamp) -> Quantiles {
    surges.iter().map(|surge| surge.at(at)).fold(Quantiles::default(), Quantiles::plus)
}

/// The most that several launches add together at any instant: between kinks no surge rises.
pub fn peak(surges: &[Surge]) -> Quantiles {
    let mut kinks: Vec<Timestamp> = surges.iter().flat_map(Surge::kinks).collect();
    kinks.sort_unstable();
    kinks.dedup();
    kinks.into_iter().map(|at| surge_at(surges, at)).fold(Quantiles::default(), Quantiles::most)
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
    use super::super::{Adoption, HitRatio, Uncertainty};
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
            parallel: 1,
            uncertainty: Uncertainty::default(),
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
        assert!((both.p50 / alone.p50 - 1.5).abs() < 1e-9, "{both:?} {alone:?}");
        assert!((1.3..1.5).contains(&(both.p95 / alone.p95)), "who comes faster is gone sooner: {both:?} {alone:?}");
        assert_eq!(peak(&[]), Quantiles::default());
    }

    #[test]
    fn quantiles_are_those_of_the_product_of_its_inputs() {
        // One wave at its beginning: a product of lognormals, whose sigma is known in closed form.
        let mut sized = audience(180_000, 21_600);
        let load = |audience: &Audience| peak(&[Surge::of(audience, &rollout(&[(100, 0)]), t0(), 0.0)]);
        for (clients, sigma) in [(1.0, 0.35_f64.hypot(0.10)), (real::exp(Z95 * 0.4), 0.35_f64.hypot(0.10).hypot(0.4))] {
            sized.uncertainty.clients = Some(clients);
            let (found, exact) = (load(&sized), Quantiles::lognormal(load(&sized).p50, sigma));
            assert!(
                (found.p95 / exact.p95 - 1.0).abs() < 0.03 && (found.p90 / exact.p90 - 1.0).abs() < 0.03,
                "{found:?} {exact:?}"
            );
        }
        let certain = Uncertainty { clients: Some(1.0), adoption: Some(1.0), requests_per_client: Some(1.0), misses: Some(1.0) };
        let known = load(&Audience { uncertainty: certain, ..sized });
        assert_eq!((known.p50, known.p90), (known.p95, known.p95), "what is certain has no spread");
    }

    #[test]
    fn the_input_in_doubt_is_the_one_that_is_named() {
        let cached = Audience { cache_hit_ratio: Some(HitRatio { cold: 0.05, primed: 0.9 }), ..audience(1_000, 600) };
        let surge =
            |uncertainty, covered| Surge::of(&Audience { uncertainty, ..cached.clone() }, &rollout(&[(100, 0)]), t0(), covered);
        let top = |surge: &Surge| surge.factors().into_iter().max_by(|one, other| one.1.total_cmp(&other.1)).unwrap();
        let (input, factor) = top(&surge(Uncertainty::default(), 1.0));
        assert!(input == Input::Adoption && (factor - real::exp(Z95 * 0.35)).abs() < 0.01, "{input:?} {factor}");
        let misses = Uncertainty { misses: Some(4.0), ..Uncertainty::default() };
        assert_eq!(top(&surge(misses, 1.0)), (Input::Misses, 4.0));
        assert_eq!(top(&surge(misses, 0.0)).0, Input::Adoption, "cold caches miss nearly all already");
        let requests = Uncertainty { requests_per_client: Some(2.0), ..Uncertainty::default() };
        assert_eq!(top(&surge(requests, 1.0)).0, Input::RequestsPerClient);
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
                Adoption::Recorded(_) => 0.0,
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
        fn more_clients_requests_and_doubt_never_bring_less_and_caches_never_more(
            adoption in any_adoption(), clients in 1..1_000_000u64, per_client in 0.1..1_000.0f64, cold in 0.0..1.0f64, primed in 0.0..1.0f64,
            covered in 0.0..1.0f64, more in 1.0..3.0f64, dwell in 0..10_000u64,
        ) {
            let steps = rollout(&[(10, dwell), (50, dwell), (100, 0)]);
            let (cold, primed) = (cold.min(primed), cold.max(primed));
            let base = Audience { adoption, requests_per_client: per_client, cache_hit_ratio: Some(HitRatio { cold, primed }), ..audience(clients, 1) };
            let of = |audience: &Audience, covered: f64| peak(&[Surge::of(audience, &steps, t0(), covered)]);
            let (load, slack) = (of(&base, covered), 1.0 + 1e-9);
            let up = |other: Quantiles| other.p50 * slack >= load.p50 && other.p90 * slack >= load.p90 && other.p95 * slack >= load.p95;
            let (many, asking) = ((clients as f64 * more) as u64, per_client * more);
            let (crowded, greedy) = (Audience { clients: many, ..base.clone() }, Audience { requests_per_client: asking, ..base.clone() });
            prop_assert!(up(of(&crowded, covered)) && up(of(&greedy, covered)));
            prop_assert!(up(of(&base, covered / 2.0)), "less is proven warm");
            let colder = Audience { cache_hit_ratio: Some(HitRatio { cold: cold / 2.0, primed: primed / 2.0 }), ..base.clone() };
            prop_assert!(up(of(&colder, covered)));
            prop_assert!(load.p50 <= load.p90 && load.p90 <= load.p95 && load.p95.is_finite());
            // Nobody's request comes more than once a second, whatever is drawn.
            prop_assert!(load.p50 <= clients as f64 * per_client * slack);
            let doubtful = Uncertainty { requests_per_client: Some(more.max(1.2)), ..Uncertainty::default() };
            let wider = of(&Audience { uncertainty: doubtful, ..base.clone() }, covered);
            prop_assert!(wider.p95 * 1.08 >= load.p95 && (wider.p50 - load.p50).abs() <= 1e-9 * load.p50, "{wider:?} {load:?}");
            prop_assert_eq!(of(&base, covered), load, "the same draws");
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
