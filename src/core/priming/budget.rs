//! How much the origin may be asked: a token bucket for requests per second, and a share of retries.
//!
//! Not here: waiting, and how many requests may be in flight (the limiter). `now` is time since the run began.
//! Invariant: over any span of W seconds at most `rate * W` requests and one second's worth more reach the origin.

use std::time::Duration;

/// The bucket holds a quarter of a second's worth, one request at least.
const DEPTH_SECS: f64 = 0.25;
/// A token is given back only within a quarter of a second. So at most `depth + rate * 0.25` tokens can come back at
/// once, and a burst stays below one second's worth even if all of them do.
const REFUND_WITHIN: Duration = Duration::from_millis(250);
/// Retries per first request: 10 %, so that a struggling origin never sees a storm from here.
const RETRY_SHARE: f64 = 0.1;
/// Retries that a run may make before it has earned any; a run of a few objects survives one hiccup per node.
const FIRST_RETRIES: f64 = 3.0;

/// Requests per second, with tokens that come back when the origin was spared.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: f64,
    level: f64,
    at: Duration,
}

impl TokenBucket {
    /// `rate` in requests per second. Rates below one a day are taken as that, so that waits stay finite.
    pub fn new(rate: f64) -> Self {
        let rate = if rate.is_finite() { rate.max(1.0 / 86_400.0) } else { f64::MAX };
        Self { rate, level: 1.0, at: Duration::ZERO }
    }

    fn depth(&self) -> f64 {
        (self.rate * DEPTH_SECS).max(1.0)
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.depth());
        self.at = self.at.max(now);
    }

    /// Takes a token, or tells how long to wait for one.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.refill(now);
        if self.level >= 1.0 {
            self.level -= 1.0;
            return Ok(());
        }
        // A millisecond more than needed: rounding must not make the caller wake up to nothing.
        Err(Duration::from_secs_f64(((1.0 - self.level) / self.rate).min(86_400.0)) + Duration::from_millis(1))
    }

    /// Gives a token back that was taken at `taken`: the answer came out of a cache, the origin was spared.
    pub fn refund(&mut self, taken: Duration, now: Duration) {
        if now.saturating_sub(taken) <= REFUND_WITHIN {
            self.refill(now);
            self.level = (self.level + 1.0).min(self.depth());
        }
    }
}

/// At most 10 % extra requests.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    balance: f64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { balance: FIRST_RETRIES }
    }
}

impl RetryBudget {
    /// A first request earns a tenth of a retry.
    pub fn earn(&mut self) {
        self.balance += RETRY_SHARE;
    }

    /// Whether one more retry may be made; takes it.
    pub fn spend(&mut self) -> bool {
        let may = self.balance >= 1.0;
        if may {
            self.balance -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs requests as fast as the bucket lets them through for `secs`; every request is refunded after `answer`
    /// unless it is the `nth`. Returns when the origin saw one.
    fn seen_by_origin(rate: f64, secs: u64, nth: usize) -> Vec<Duration> {
        let (mut bucket, mut now, mut seen, mut sent) = (TokenBucket::new(rate), Duration::ZERO, Vec::new(), 0);
        while now < Duration::from_secs(secs) {
            match bucket.take(now) {
                Ok(()) if sent % nth == 0 => seen.push(now),
                Ok(()) => bucket.refund(now, now + Duration::from_millis(2)),
                Err(wait) => now += wait,
            }
            sent += 1;
            now += Duration::from_micros(50);
        }
        seen
    }

    #[test]
    fn the_origin_never_sees_more_than_the_rate_and_a_second_of_it() {
        for (rate, nth) in [(1.0, 1), (5.0, 1), (400.0, 1), (400.0, 3), (5.0, 7)] {
            let seen = seen_by_origin(rate, 10, nth);
            for (first, from) in seen.iter().enumerate() {
                let window = |secs: f64| {
                    seen[first..].iter().take_while(|at| at.saturating_sub(*from).as_secs_f64() < secs).count() as f64
                };
                for secs in [0.1, 1.0, 3.0] {
                    assert!(window(secs) <= rate * secs + rate.max(1.0) + 1.0, "rate {rate}, {} in {secs} s", window(secs));
                }
            }
            assert!(nth > 1 || seen.len() as f64 >= rate * 10.0 * 0.95, "rate {rate}: only {} in 10 s", seen.len());
        }
    }

    #[test]
    fn hits_are_not_slowed_down_to_the_rate() {
        let (mut bucket, mut now, mut hits) = (TokenBucket::new(10.0), Duration::ZERO, 0);
        while now < Duration::from_secs(1) {
            match bucket.take(now) {
                Ok(()) => {
                    bucket.refund(now, now + Duration::from_millis(1));
                    hits += 1;
                    now += Duration::from_millis(1);
                }
                Err(wait) => now += wait,
            }
        }
        assert!(hits > 500, "{hits} hits in a second at 10/s");
    }

    #[test]
    fn retries_stay_within_a_tenth() {
        let (mut budget, mut retries) = (RetryBudget::default(), 0);
        for _ in 0..1_000 {
            budget.earn();
            retries += u32::from(budget.spend());
        }
        assert!((100..=103).contains(&retries), "{retries}");
    }

    #[test]
    fn odd_rates_do_not_panic() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX] {
            let mut bucket = TokenBucket::new(rate);
            let _ = bucket.take(Duration::ZERO);
            let _ = bucket.take(Duration::from_secs(1));
        }
    }
}
