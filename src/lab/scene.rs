//! Every constant of the demo's scene: what the story says, what the demo makes of it, and why.
//!
//! The story is AgileMD's incident report of 25 March 2014. The timeline is scaled: one second of the demo is one
//! minute of the story. What happens inside one request is real: service times, time-outs and the 2 to 3 seconds
//! between retries; so are the rates, 17 requests a second normally and some hundreds at the peak. Only the number of
//! clients and of files is smaller, such that two cores carry clients, caches, origins and daemon at once.
//!
//! What comes of it, measured, when everybody is served at once and nothing is primed: 1,000 to 1,150 requests a second
//! at the peak (story: above 833), edges refuse 40 to 60 % (story: 20 to 50 %), origins up to 30 % (story: up to 20 %),
//! errors for 50 to 60 s (story: 45 minutes, with help).

use std::time::Duration;

/// Seconds of the story in one second of the demo.
pub const SCALE: f64 = 60.0;

// --- the app -----------------------------------------------------------------------------------------------------

/// The app. Story: the AgileMD reader on iOS.
pub const APP: &str = "reader";

/// What everybody has. Story: the last version with the old sync engine.
pub const OLD_VERSION: &str = "2.2.0";

/// What is launched. Story: 2.3, with a data format of its own, so nothing that caches hold is of use to it.
pub const NEW_VERSION: &str = "2.3.0";

/// The channel. Story: the App Store.
pub const CHANNEL: &str = "release";

// --- how large ---------------------------------------------------------------------------------------------------

/// How large a scene is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Clients.
    pub clients: u32,
    /// Files that clients share.
    pub shared: u32,
    /// Half of those who would update look for it within so long.
    pub half_life: Duration,
    /// Background requests of all clients together, per second.
    pub normal_per_second: f64,
}

/// The story's; see the constants.
pub const WHOLE: Size = Size { clients: CLIENTS, shared: SHARED, half_life: HALF_LIFE, normal_per_second: NORMAL_PER_SECOND };

/// For tests: the same parts in less time. Few clients bring little evidence, so the old version's are busier: what the
/// gate compares with must be heard too.
pub const SMALL: Size = Size { clients: 200, shared: 300, half_life: Duration::from_secs(8), normal_per_second: 40.0 };

impl Size {
    /// Objects in the catalogue: what is shared, and what each client has for itself.
    pub const fn objects(&self) -> u32 {
        self.shared + self.clients * OWN
    }
}

// --- clients -----------------------------------------------------------------------------------------------------

/// Clients. Story: not told; the storm needs files x clients far above what the origins do in a few minutes.
pub const CLIENTS: u32 = 500;

/// Files that a client downloads again after the update. Story: "all subscribed content", grown by 1 to 2 orders of
/// magnitude. 500 x 60 are 30,000 requests: as many as the story's normal load in half an hour, in some seconds.
pub const LIBRARY: u32 = 60;

/// Of these, files that nobody else has. They defeat a cache that fills only on demand, whatever it coalesces.
pub const OWN: u32 = 4;

/// Files that clients share, drawn by Zipf: the top few are on every device, the tail on a few.
pub const SHARED: u32 = 2_400;

/// Exponent of the draw; 0.8 is usual for web content (Breslau et al., INFOCOM 1999: 0.64 to 0.83).
pub const ZIPF: f64 = 0.8;

/// Requests under way per client: what iOS allows per host.
pub const SLOTS: usize = 4;

/// What a client does with a file before it asks for the next: parse, convert, write. Without it a whole library
/// would come in a blink, which no phone does.
pub const FILE_WORK: Duration = Duration::from_millis(120);

/// Half of those who would update look for it within so long. Story: live at 11:00, storm by 12:00; ten minutes.
pub const HALF_LIFE: Duration = Duration::from_secs(10);

/// Background requests of all clients together, per second. Story: 1,000 a minute, not scaled.
pub const NORMAL_PER_SECOND: f64 = 1_000.0 / 60.0;

/// Time between attempts at one file. Story: "ad infinitum at 2-3 second intervals", so 2.5 s and a fifth around it.
pub const RETRY_EVERY: Duration = Duration::from_millis(2_500);

/// See [`RETRY_EVERY`].
pub const RETRY_SPREAD: f64 = 0.2;

/// Longest wait of a client for an answer; a real one waits longer, a storm of refusals answers at once anyway.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(10);

/// Failures in a row after which somebody restarts the app. Story: restarted apps leave the cache out.
pub const RESTART_AFTER: u32 = 8;

/// Share of people who do; the rest wait. Measured with everybody served at once and nothing primed: at 0.15 the
/// origins refuse nothing, at 0.3 half; at a quarter about a fifth, as in the story ("as many as 20 %").
pub const RESTART_SHARE: f64 = 0.25;

/// Share of its content requests that the bad version gets wrong: it shows its new sync token, which no server can read.
/// Neither priming nor a load test sends one, so nothing before the launch can find it.
pub const FAULTY_SHARE: f64 = 0.05;

/// The scheme of that token, see [`FAULTY_SHARE`].
pub const SYNC_SCHEME: &str = "Sync";

/// Bounds on how soon a client asks for a decision again, whatever it is told: one to six minutes of the story.
pub const ASK_AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(6));

// --- origins -----------------------------------------------------------------------------------------------------

/// Instances normally. With [`ORIGIN_SLOTS`] and [`SERVICE_TIME`] two do 160 requests a second, nine times the normal
/// load: "our latent server capacity was more than enough" until then.
pub const NORMAL_INSTANCES: u32 = 2;

/// Most instances; the group's ceiling.
pub const MOST_INSTANCES: u32 = 12;

/// Requests that one instance works on at once.
pub const ORIGIN_SLOTS: usize = 4;

/// How long each takes.
pub const SERVICE_TIME: Duration = Duration::from_millis(50);

/// Requests that may wait at one instance: half a second of its work. Beyond it answers 503, as the story's servers.
pub const ORIGIN_QUEUE: usize = 40;

/// Requests per second of one instance at all its slots; at target utilisation it is less.
pub const INSTANCE_PER_SECOND: f64 = 80.0;

/// Share of [`INSTANCE_PER_SECOND`] that capacity is planned with: beyond it queues grow faster than load.
pub const TARGET_UTILISATION: f64 = 0.7;

/// From launch to start of the process. Story: "adding more hardware" took minutes.
pub const BOOT: Duration = Duration::from_secs(3);

/// How long an instance finishes what it has: far longer than an edge takes to read the new targets.
pub const DRAIN: Duration = Duration::from_secs(2);

/// How long caches keep content: beyond any demo, so that what is primed stays warm.
pub const MAX_AGE: Duration = Duration::from_hours(1);

/// Zones of the group.
pub const ZONES: [&str; 3] = ["a", "b", "c"];

// --- edges -------------------------------------------------------------------------------------------------------

/// Nodes; every client asks one of them.
pub const EDGES: u32 = 2;

/// Requests of one node to the origins at once. Story: the caching layer ran on the servers' own hardware.
pub const EDGE_FETCHES: usize = 16;

/// Requests that may wait for one of them: at 80 fetches a second and node more than half a second. Beyond it the
/// node answers 503, as the story's caching layer did to 20 to 50 % of requests.
pub const EDGE_QUEUE: usize = 64;

/// Length of one period of the gate's counts: one minute of the story.
pub const PERIOD: Duration = Duration::from_secs(1);

/// From the start of the prepared demo to T-0: floors rise, instances boot, 4,400 files go into two nodes.
pub const PREPARED_LEAD: Duration = Duration::from_secs(42);

/// The same unprepared: some seconds of normal load to compare with.
pub const UNPREPARED_LEAD: Duration = Duration::from_secs(15);

/// How long the unprepared launch is watched: the story's storm lasted from 11:30 to 12:45.
pub const UNPREPARED_WATCHED: Duration = Duration::from_mins(1);

/// The seed of every draw, so that one demo is like the other.
pub const SEED: u64 = 20_140_325;
