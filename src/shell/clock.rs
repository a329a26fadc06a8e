//! The only reader of time and entropy.
//!
//! Everything else takes `now` as an argument, or asks here at the edge of the process.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use jiff::Timestamp;

use crate::core::decide::Uptime;

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the wall clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The monotonic clock, for time limits and durations; it never jumps.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the monotonic clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// How long the machine runs, by the kernel; `None` where it does not say. Unlike the monotonic clock it means the same
/// to the next process.
pub fn uptime() -> Option<Uptime> {
    static BOOT: LazyLock<Option<String>> =
        LazyLock::new(|| std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned()));
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let (whole, hundredths) = text.split_ascii_whitespace().next()?.split_once('.')?;
    let (secs, hundredths): (u64, u64) = (whole.parse().ok()?, hundredths.parse().ok()?);
    Some(Uptime { boot: BOOT.clone()?, ms: secs.checked_mul(1_000)?.checked_add(hundredths.checked_mul(10)?)? })
}

/// A random number in 0..1,000,000, for decisions without a client id and for spreading returns; not for secrets.
pub fn draw() -> u32 {
    // Multiply and shift, as buckets do: no bias worth naming at 2^32.
    (((draw64() >> 32) * 1_000_000) >> 32) as u32
}

/// A random number over the whole of 64 bits, for jitter; not for secrets.
///
/// SipHash of a counter under keys that the standard library takes from the system's entropy once: as even as the
/// hash is, without a lock and without a system call per request.
pub fn draw64() -> u64 {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    KEYS.hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uptime_is_of_this_boot_and_rises() {
        let (before, after) = (uptime().unwrap(), uptime().unwrap());
        assert_eq!(before.boot, after.boot);
        assert!(before.ms <= after.ms && before.ms > 0);
    }

    #[test]
    fn draws_are_even() {
        let mut per_tenth = [0_u32; 10];
        (0..100_000).for_each(|_| per_tenth[(draw() / 100_000) as usize] += 1);
        // 10,000 are expected in each; seven sigmas of a binomial with n = 100,000 and p = 0.1 are 664, once in 10^11.
        assert!(per_tenth.iter().all(|count| (9_336..=10_664).contains(count)), "{per_tenth:?}");
    }
}
