//! `kind: PrimingPolicy`: what is fetched into which caches, and when it counts as warm.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::{Name, TRelative};
use crate::shell::settings::defaults::{full, mins};
use crate::shell::settings::words::{Cron, FilePath, HostPort, Lasting, PercentNumber, Url, Zone};

/// What is fetched into which caches, and when it counts as warm.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrimingPolicy {
    /// The policy's name.
    pub name: Name,
    /// Where the list of objects is.
    pub source: Source,
    /// How often the list is looked at while a release that leans on it is under way.
    #[serde(default)]
    pub poll: Poll,
    /// Runs by the calendar, whether a release leans on the policy or not. A run that was missed is caught up once.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// The caches; each is primed and proven by itself.
    #[schemars(length(min = 1))]
    pub nodes: Vec<Node>,
    /// Request headers, one set per variant that clients ask for. Default: one without Accept-Encoding.
    #[serde(default)]
    pub variants: Vec<BTreeMap<String, String>>,
    /// URLs must begin with one of these. Default: the origin of the list.
    #[serde(default)]
    pub allow: Vec<Url>,
    /// What the origin may be asked for, over all nodes together.
    #[serde(default)]
    pub origin: Origin,
    /// Until when objects must stay fresh, such as `T+2h`. Default: as long as the cache keeps them.
    #[serde(default)]
    pub fresh_until: Option<TRelative>,
    /// Percent of objects x variants that must be proven on every node. Default: 100.
    #[serde(default = "full")]
    pub coverage: PercentNumber,
}

/// Where the list of objects is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// One JSON object a line, over HTTP.
    Manifest(Url),
    /// One JSON object a line, on disk; a relative path starts at the document's folder.
    File(FilePath),
    /// URLs written here.
    Urls(Vec<Url>),
}

/// How often the list is looked at while a release that leans on the policy is under way.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// The usual time between two looks. Default: 15m.
    #[serde(default = "mins::<15>")]
    pub every: Lasting,
    /// More often towards T-0: of the entries whose time has come, the one that looks most often counts.
    #[serde(default)]
    pub tighten: Vec<Tighten>,
}

impl Default for Poll {
    fn default() -> Self {
        Self { every: mins::<15>(), tighten: Vec::new() }
    }
}

/// More often from a time on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tighten {
    /// From when, such as `T-6h`.
    pub from: TRelative,
    /// The time between two looks from then on.
    pub every: Lasting,
}

/// A schedule by the calendar.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields (minute, hour, day of month, month, weekday), or a word such as `@daily`.
    pub cron: Cron,
    /// The zone of these times. Default: the settings' zone.
    #[serde(default)]
    pub time_zone: Option<Zone>,
}

/// A cache.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its name in reports.
    pub name: Name,
    /// `HOST:PORT` to connect to, whatever the URLs say.
    pub connect: HostPort,
}

/// What the origin may be asked for, over all nodes together.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Requests per second, above 0. Default: no limit but `in_flight`.
    #[serde(default)]
    #[schemars(range(min = 0.001, max = 1_000_000.0))]
    pub requests_per_second: Option<f64>,
    /// Requests at one time, 1 to 1024. Default: 16.
    #[serde(default = "in_flight")]
    #[schemars(range(min = 1, max = 1024))]
    pub in_flight: u32,
}

impl Default for Origin {
    fn default() -> Self {
        Self { requests_per_second: None, in_flight: in_flight() }
    }
}

fn in_flight() -> u32 {
    16
}
