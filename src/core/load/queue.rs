//! How long requests wait for a free worker: Erlang C.
//!
//! Source: A. K. Erlang (1917); the recurrence B(n) = a * B(n-1) / (n + a * B(n-1)) of L. Kleinrock, Queueing Systems I,
//! section 3.6, and C = B / (1 - rho * (1 - B)). The wait of those who wait is exponential with rate (n - a) / service.
//! Arrivals at random and service times of any spread below exponential wait no longer. Not here: how many instances.
//! Invariant: a probability is in 0..=1; more workers never wait more, more load never less.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::words::real;

/// Most workers that are counted one by one; a larger group is looked at as if it were this one in small, which waits longer.
const MOST_WORKERS: u64 = 20_000;
/// The quantile of the wait that is spoken of.
const TAIL: f64 = 0.05;

/// How an instance works, from a load test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Mean time of one request at a worker, without waiting.
    pub time: Duration,
    /// Workers of one instance: requests that it serves at once.
    pub concurrency: u32,
    /// The wait that 95 of 100 requests must not exceed; `None`: reported, not demanded.
    pub wait_p95: Option<Duration>,
}

/// How the queue stands at a load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Workers in all.
    pub workers: u64,
    /// The share of them that is busy; 1 and more: the queue grows without end; `None`: there is work and no worker.
    pub utilisation: Option<f64>,
    /// The share of requests that wait at all, 0..=1.
    pub wait_probability: f64,
    /// The wait that 95 of 100 requests do not exceed, in seconds; `None`: it grows without end.
    pub wait_p95_secs: Option<f64>,
}

impl Queue {
    /// The queue of so many workers at a load in requests per second, each taking `service_secs`.
    pub fn of(workers: u64, load_per_second: f64, service_secs: f64) -> Self {
        let offered = if load_per_second > 0.0 && service_secs > 0.0 { load_per_second * service_secs } else { 0.0 };
        let utilisation = if offered > 0.0 { (workers > 0).then(|| offered / workers as f64) } else { Some(0.0) };
        let wait_probability = wait_probability(workers, offered);
        let free = workers as f64 - offered;
        let wait_p95_secs = (wait_probability < 1.0)
            .then(|| if wait_probability > TAIL { service_secs * real::ln(wait_probability / TAIL) / free } else { 0.0 });
        Self { workers, utilisation, wait_probability, wait_p95_secs }
    }

    /// Whether 95 of 100 wait at most so long.
    pub fn waits_at_most(&self, wait: Duration) -> bool {
        self.wait_p95_secs.is_some_and(|secs| secs <= wait.as_secs_f64())
    }
}

/// Erlang C: the probability that a request finds all of `workers` busy, at an offered load in erlangs (load times service
/// time); 1 where the load is as much as the workers, or no number.
pub fn wait_probability(workers: u64, offered: f64) -> f64 {
    if offered <= 0.0 {
        return 0.0;
    }
    let small = workers.min(MOST_WORKERS);
    let offered = offered * (small as f64 / workers.max(1) as f64);
    if offered.is_nan() || offered >= small as f64 {
        return 1.0;
    }
    let blocked = (1..=small).fold(1.0, |blocked, workers| offered * blocked / (workers as f64 + offered * blocked));
    let utilisation = offered / small as f64;
    (blocked / (1.0 - utilisation * (1.0 - blocked))).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_values_are_met() {
        // Tables of call centres: 10 erlangs on 14, 2 on 3, 20 on 22, 100 on 110; one worker waits as often as it is busy.
        for (offered, workers, expected) in
            [(10.0, 14, 0.1741), (2.0, 3, 0.4444), (0.5, 1, 0.5), (1.0, 2, 0.3333), (5.0, 7, 0.3241), (8.0, 10, 0.4092)]
        {
            let found = wait_probability(workers, offered);
            assert!((found - expected).abs() < 1e-4, "{offered} erlangs on {workers}: {found}");
        }
    }

    #[test]
    fn the_wait_is_that_of_its_tail() {
        // One worker, half busy, 1 s each: P(wait > t) = 0.5 e^(-t/2), 5 % at 2 ln 10.
        let queue = Queue::of(1, 0.5, 1.0);
        assert!((queue.wait_p95_secs.unwrap() - 2.0 * 10.0_f64.ln()).abs() < 1e-9, "{queue:?}");
        assert_eq!(Queue::of(100, 10.0, 1.0).wait_p95_secs, Some(0.0), "less than one in twenty waits at all");
        assert!(queue.waits_at_most(Duration::from_secs(5)) && !queue.waits_at_most(Duration::from_secs(4)));
    }

    #[test]
    fn overload_and_odd_numbers_wait_for_ever_or_not_at_all() {
        for (workers, load, secs, waits) in [
            (10, 10.0, 1.0, true),
            (10, 50.0, 1.0, true),
            (0, 1.0, 1.0, true),
            (10, f64::INFINITY, 1.0, true),
            (0, 0.0, 1.0, false),
            (10, f64::NAN, 1.0, false),
            (10, 5.0, 0.0, false),
            (u64::MAX, 1e9, 1.0, false),
        ] {
            let queue = Queue::of(workers, load, secs);
            assert_eq!(queue.wait_p95_secs.is_none(), waits, "{workers} {load} {secs}: {queue:?}");
        }
    }

    proptest! {
        #[test]
        fn more_workers_wait_less_and_more_load_waits_more(workers in 1..2_000u64, more in 1..200u64, busy in 0.0..1.2f64, extra in 0.0..0.3f64) {
            let base = Queue::of(workers, workers as f64 * busy, 1.0);
            let (roomier, fuller) = (Queue::of(workers + more, workers as f64 * busy, 1.0), Queue::of(workers, workers as f64 * (busy + extra), 1.0));
            prop_assert!((0.0..=1.0).contains(&base.wait_probability));
            prop_assert!(roomier.wait_probability <= base.wait_probability + 1e-12);
            prop_assert!(fuller.wait_probability >= base.wait_probability - 1e-12);
            let secs = |queue: Queue| queue.wait_p95_secs.unwrap_or(f64::INFINITY);
            prop_assert!(secs(roomier) <= secs(base) + 1e-9 && secs(fuller) >= secs(base) - 1e-9);
        }
    }
}
