//! The day of 25 March 2014 as a fluid: a closed loop of clients, caches and an API, a second at a time.
//!
//! Clients are finite. Each has one slot: it asks for one file after the other, and a request that fails is asked again
//! every 2.5 s for ever; a share of those goes around the caches, as the app did after a restart. Caches and API run on the
//! same servers; a hit costs the caches one unit of work, a miss three and the API a request. What is fetched is kept.
//! The constants were searched for until the day came out as it is told (the test beside it says how), so agreement with
//! the story is no evidence; what the test asks is whether a plan holds this day. Invariant: no client asks for more files
//! than it has.

/// Members with the app, of whom six in ten update this day.
const CLIENTS: f64 = 18_000.0 * 0.6;
/// Files that each downloads again.
const FILES: f64 = 200.0;
/// Seconds that a file takes when it is served.
const SERVICE_SECS: f64 = 0.33;
/// Seconds between two attempts: "2-3 second intervals".
const RETRY_SECS: f64 = 2.5;
/// Updates begin half an hour after the release is in the store, first few and then many: half have come after so long.
const BEGINS_SECS: f64 = 1_800.0;
const HALF_LIFE_SECS: f64 = 3_416.0;
const SHAPE: f64 = 2.09;
/// Work of the caches on one server, in hits a second, and requests of the API on it.
const CACHE_PER_SERVER: f64 = 198.0;
const API_PER_SERVER: f64 = 48.0;
/// The share of retries that goes around the caches.
const AROUND: f64 = 0.194;
/// Different files among what is asked for, and the share of fetched ones that nobody fetched before.
const OBJECTS: f64 = 590_000.0;
const NEW: f64 = 0.248;
/// "A normal rate of ~1k per minute".
const ORDINARY: f64 = 1_000.0 / 60.0;

/// What is prepared.
#[derive(Clone, Copy, Debug)]
pub struct Prepared {
    pub servers: f64,
    /// The share of the objects that caches hold at the beginning.
    pub primed: f64,
    /// Half as many servers more from this minute on; `None`: never.
    pub boosted_at: Option<usize>,
}

/// What became of it. Minutes are after 11:00.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Requests in the busiest minute.
    pub peak_per_minute: f64,
    /// The highest share of requests that the caches, and the API, refused in a minute.
    pub cache_refused: f64,
    pub api_refused: f64,
    /// Minutes in which more than 5 % failed.
    pub bad: Vec<usize>,
}

#[derive(Default)]
struct Minute {
    requests: f64,
    cache_refused: f64,
    api_refused: f64,
    failed: f64,
}

/// Plays so many minutes from 11:00 on.
pub fn play(prepared: Prepared, minutes: usize) -> Day {
    let (mut waiting, mut served, mut kept) = (0.0_f64, 0.0, prepared.primed * OBJECTS);
    let mut day = Day::default();
    for minute in 0..minutes {
        let boosted = prepared.boosted_at.is_some_and(|at| minute >= at);
        let servers = prepared.servers * if boosted { 1.5 } else { 1.0 };
        let mut sum = Minute::default();
        for second in 0..60 {
            let since = ((minute * 60 + second) as f64 - BEGINS_SECS).max(0.0);
            let come = CLIENTS * (1.0 - (-(since / HALF_LIFE_SECS).powf(SHAPE)).exp2());
            let busy = (come - served / FILES).max(0.0);
            let (first, again) = ((busy - waiting).max(0.0) / SERVICE_SECS, waiting / RETRY_SECS);
            let (asked, around) = (first + again, AROUND * again);
            let (cached, hits) = (asked - around + ORDINARY, kept / OBJECTS);
            let cache = (servers * CACHE_PER_SERVER / (cached * (1.0 + 2.0 * (1.0 - hits)))).min(1.0);
            let misses = cached * cache * (1.0 - hits);
            let api = (servers * API_PER_SERVER / (misses + around)).min(1.0);
            let through = (asked - around) * cache * (hits + (1.0 - hits) * api) + around * api;
            let good = if asked > 0.0 { through / asked } else { 1.0 };
            kept = (kept + misses * api * NEW).min(OBJECTS);
            waiting = (waiting + first * (1.0 - good) - again * good).clamp(0.0, busy);
            served += through;
            sum.requests += asked + ORDINARY;
            sum.cache_refused += (1.0 - cache) / 60.0;
            sum.api_refused += (1.0 - api) / 60.0;
            sum.failed += asked * (1.0 - good);
        }
        day.peak_per_minute = day.peak_per_minute.max(sum.requests);
        day.cache_refused = day.cache_refused.max(sum.cache_refused);
        day.api_refused = day.api_refused.max(sum.api_refused);
        day.bad.extend((sum.failed > 0.05 * sum.requests).then_some(minute));
    }
    day
}
