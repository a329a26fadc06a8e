//! The only reader of time and entropy.
//!
//! Everything else takes `now` as an argument, or asks here at the edge of the process.

use std::time::Instant;

use jiff::Timestamp;

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
