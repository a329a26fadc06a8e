//! How long to wait before the next attempt: exponential, capped, with full jitter.
//!
//! "Full jitter" of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): uniform between zero and the bound,
//! so that senders that failed together do not come back together, at the cap least of all. Whole numbers throughout:
//! a bound of whole seconds is spread as finely as any other. Invariant: 0 < wait <= bound(attempt) <= cap.

use std::time::Duration;

/// Bound of the first wait: a webhook that hiccups is asked again within the minute in which people should know.
pub const BACKOFF_BASE: Duration = Duration::from_secs(1);

/// Bound of every wait: after a long outage people hear within five minutes of its end.
pub const BACKOFF_CAP: Duration = Duration::from_mins(5);

/// The wait after failed attempt number `attempt` (from 1; 0 counts as 1). `draw` is uniform over all of `u64`.
pub fn backoff(attempt: u32, draw: u64) -> Duration {
    let bound = u128::from(bound_nanos(attempt));
    // (draw + 1) / 2^64 lies in (0, 1], so the product lies in (0, bound], rounded up to a nanosecond.
    let nanos = ((u128::from(draw) + 1) * bound).div_ceil(1 << 64);
    Duration::from_nanos(nanos as u64)
}

fn bound_nanos(attempt: u32) -> u64 {
    let base = BACKOFF_BASE.as_nanos() as u64;
    let cap = BACKOFF_CAP.as_nanos() as u64;
    // 2^63 would overflow the product; long before, the cap is reached.
    1_u64.checked_shl(attempt.saturating_sub(1)).map_or(cap, |factor| base.saturating_mul(factor).min(cap))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u64 = 20_261_121;

    /// SplitMix64 (Steele, Lea, Flood 2014): uniform, and the same on every host.
    fn draws() -> impl Iterator<Item = u64> {
        let mut state = SEED;
        std::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        })
    }

    #[test]
    fn bounds_double_up_to_the_cap_and_never_come_down() {
        for (attempt, secs) in
            [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (11, 300), (63, 300), (64, 300), (65, 300), (u32::MAX, 300)]
        {
            assert_eq!(backoff(attempt, u64::MAX), Duration::from_secs(secs), "attempt {attempt}");
        }
    }

    #[test]
    fn the_wait_is_never_zero() {
        for attempt in [1, 5, 10, 100] {
            assert_eq!(backoff(attempt, 0), Duration::from_nanos(1));
        }
    }

    /// At whole seconds and at the cap too: ten equal parts get a tenth each, and hardly two waits are the same.
    #[test]
    fn waits_are_uniform_at_every_attempt() {
        const N: usize = 20_000;
        for attempt in [1, 2, 3, 6, 9, 10, 11, 40, 70] {
            let bound = backoff(attempt, u64::MAX).as_nanos();
            let mut waits: Vec<u128> = draws().take(N).map(|draw| backoff(attempt, draw).as_nanos()).collect();
            let mut tenths = [0_usize; 10];
            for wait in &waits {
                tenths[((wait - 1) * 10 / bound) as usize] += 1;
            }
            // Each count is binomial(20000, 0.1): five standard deviations are 212.
            for (tenth, &count) in tenths.iter().enumerate() {
                assert!(count.abs_diff(N / 10) < 212, "seed {SEED}, attempt {attempt}, tenth {tenth}: {count}");
            }
            waits.sort_unstable();
            waits.dedup();
            assert!(waits.len() > N - 10, "seed {SEED}, attempt {attempt}: {} distinct waits", waits.len());
        }
    }
}
