//! What retries make of the first attempts when the planned capacity is not enough.
//!
//! It is the steady state of a storm, an upper bound: a real one needs time to build up. Not here: the storm over time,
//! which the simulator will show. Invariant: at least 1 and finite; more first attempts never make fewer in all,
//! more capacity never makes more.

use std::time::Duration;

use super::Audience;
use crate::core::words::real;

/// Nobody goes on retrying for longer than a day: the device sleeps, or its owner gives up. It bounds what "for ever"
/// can mean where capacity is zero.
const PATIENCE: Duration = Duration::from_hours(24);
/// The shortest time between two attempts: a round trip; a document may say 0.
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// First attempts times this is what arrives, retries included, at least 1 and finite; 1 where the audience says nothing
/// of retries.
///
/// Fixed point of L = lambda * (1 + f + .. + f^r) with the share of failures f = max(0, 1 - C/L) (reference: overload
/// formulas of the surge model). Since what succeeds is C, f^(r+1) = 1 - C/lambda, and so L = C / (1 - f): closed form.
/// `r` is the retry limit. Without one it is the closed-loop bound: at most all slots of all clients wait, capacity serves
/// each once in slots/C seconds, and in that time each retries slots / (C * every) times. The bound holds for a stated
/// limit too, and a day of patience bounds both. Whatever comes of it, a slot asks at most once in the shorter of the
/// pause and the service time, so that L <= slots / min(every, service).
pub fn amplification(
    audience: &Audience,
    (first_attempts_per_second, capacity_per_second): (f64, f64),
    service: Option<Duration>,
) -> f64 {
    let Some(retry) = &audience.retry else { return 1.0 };
    let (load, capacity) = (first_attempts_per_second.max(0.0), capacity_per_second.max(0.0));
    if load <= capacity {
        return 1.0;
    }
    let every_secs = retry.every.max(ROUND_TRIP).as_secs_f64();
    let limit = retry.limit.map_or(f64::INFINITY, f64::from);
    let slots = audience.clients as f64 * f64::from(audience.parallel.max(1));
    let closed_loop = slots / (capacity * every_secs);
    let retries = limit.min(PATIENCE.as_secs_f64() / every_secs).min(if closed_loop.is_nan() { 0.0 } else { closed_loop });
    let served = capacity / load;
    // 1 - f, where f = (1 - served)^(1 / (retries + 1)); in this form it stays exact when f is close to 1.
    let success = -real::exp_m1(real::ln_1p(-served) / (retries + 1.0));
    let amplified = if success > 0.0 { served / success } else { retries + 1.0 };
    let shortest_secs = retry.every.min(service.unwrap_or(ROUND_TRIP)).max(ROUND_TRIP).as_secs_f64();
    // More first attempts than slots can make are no storm's doing.
    amplified.clamp(1.0, retries + 1.0).min((slots / shortest_secs / load).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::super::{Adoption, Retry, Uncertainty};
    use super::*;
    use proptest::prelude::*;

    fn audience(clients: u64, every_millis: u64, limit: Option<u32>) -> Audience {
        Audience {
            clients,
            adoption: Adoption::HalfLife { half_life: Duration::from_hours(1), ceiling: 1.0 },
            requests_per_client: 1.0,
            cache_hit_ratio: None,
            retry: Some(Retry { every: Duration::from_millis(every_millis), limit }),
            parallel: 1,
            uncertainty: Uncertainty::default(),
        }
    }

    fn amplified(audience: &Audience, load: f64, capacity: f64) -> f64 {
        amplification(audience, (load, capacity), None)
    }

    #[test]
    fn slots_bound_a_storm_and_more_of_them_make_it_worse() {
        // 1,000 clients that ask again after 2.5 s, or as soon as they are served after 0.5 s: at most 2,000/s.
        let of = |parallel, service: f64| {
            let audience = Audience { parallel, ..audience(1_000, 2_500, None) };
            600.0 * amplification(&audience, (600.0, 0.0), Some(Duration::from_secs_f64(service)))
        };
        assert!((of(1, 0.5) - 2_000.0).abs() < 1e-9 && (of(4, 0.5) - 8_000.0).abs() < 1e-9, "{}", of(1, 0.5));
        // A service slower than the pause: the pause bounds it.
        assert!((of(4, 60.0) - 1_600.0).abs() < 1e-9, "{}", of(4, 60.0));
        assert!((of(1, 60.0) - 600.0).abs() < 1e-9, "fewer slots than first attempts are no storm");
    }

    #[test]
    fn retries_multiply_what_does_not_fit() {
        for (name, audience, load, capacity, expected) in [
            ("enough", audience(1_000, 2_500, None), 100.0, 100.0, 1.0),
            ("no load", audience(1_000, 2_500, None), 0.0, 0.0, 1.0),
            ("no retries", audience(1_000, 2_500, Some(0)), 100.0, 50.0, 1.0),
            // f^2 = 1/4, f = 1/2: L = C / (1 - f) = 150.
            ("one retry", audience(1_000_000, 2_500, Some(1)), 100.0, 75.0, 1.5),
            // f^3 = 1 - 0.488 = 0.512, f = 0.8: L = 1 + 0.8 + 0.64.
            ("two retries", audience(1_000_000, 2_500, Some(2)), 1_000.0, 488.0, 2.44),
            ("nothing is served", audience(1_000_000, 2_500, Some(3)), 10.0, 0.0, 4.0),
            ("for ever, nothing is served: a day of patience", audience(1_000_000, 1_000, None), 10.0, 0.0, 86_401.0),
            // 12,000 clients wait for 500/s: 24 s, or 9.6 rounds of 2.5 s; f = 0.2^(1/10.6).
            ("an unbounded storm", audience(12_000, 2_500, None), 625.0, 500.0, 0.8 / (1.0 - 0.2_f64.powf(1.0 / 10.6))),
        ] {
            let actual = amplified(&audience, load, capacity);
            assert!((actual - expected).abs() < 1e-9 * expected, "{name}: {actual}, not {expected}");
        }
    }

    #[test]
    fn an_audience_that_says_nothing_of_retries_is_not_amplified() {
        let silent = Audience { retry: None, ..audience(10, 1, None) };
        assert_eq!(amplified(&silent, 1e9, 0.0), 1.0);
    }

    #[test]
    fn numbers_that_are_none_stay_calm() {
        for load in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            for capacity in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
                let actual = amplified(&audience(u64::MAX, 0, None), load, capacity);
                assert!(actual.is_finite() && actual >= 1.0, "{load} {capacity}: {actual}");
            }
        }
    }

    proptest! {
        #[test]
        fn all_of_it_never_falls_with_load_nor_rises_with_capacity(
            clients in 0..10_000_000u64, every in 0..100_000u64, limit in prop::option::of(0..50u32),
            load in 0.0..1e6f64, capacity in 0.0..1e6f64, more in 0.0..1e6f64,
        ) {
            let audience = audience(clients, every, limit);
            let base = amplified(&audience, load, capacity);
            prop_assert!(base.is_finite() && base >= 1.0);
            prop_assert!((load + more) * amplified(&audience, load + more, capacity) >= load * base * (1.0 - 1e-9));
            prop_assert!(amplified(&audience, load, capacity + more) <= base * (1.0 + 1e-9));
        }

        #[test]
        fn it_solves_the_fixed_point(load in 1.0..1e5f64, served in 0.01..0.99f64, limit in 1..20i32) {
            let capacity = load * served;
            let actual = amplified(&audience(u64::MAX / 2, 1_000, Some(limit.unsigned_abs())), load, capacity);
            let failures = 1.0 - capacity / (load * actual);
            let series: f64 = (0..=limit).map(|attempt| failures.powi(attempt)).sum();
            prop_assert!((series - actual).abs() < 1e-6 * actual, "{series} {actual}");
        }
    }
}
