//! `kind: Release`: one launch.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::{Name, TRelative, Version, VersionRule};
use crate::shell::settings::defaults::{full, secs};
use crate::shell::settings::words::{Count, FilePath, Lasting, Moment, PercentNumber};

/// One launch: what is released, to whom, when, and what must be true before and meanwhile.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The release's name, unique among releases.
    pub name: Name,
    /// The app it updates; compared without regard to case.
    pub app: Name,
    /// The version it brings.
    pub version: Version,
    /// The channels that the rollout steps serve. May be empty once it is complete.
    pub channels: Vec<Name>,
    /// Versions that may take it, such as `<2.3.0`. Default: any older version.
    #[serde(default)]
    pub from: Option<VersionRule>,
    /// Channels that are served whole before T-0, and from when.
    #[serde(default)]
    pub early: Vec<Early>,
    /// T-0: date, time and offset, best with the zone in brackets. May be left out of a release that is `released`.
    #[serde(default)]
    pub launch_at: Option<Moment>,
    /// Who says go. Default: manual.
    #[serde(default)]
    pub go: Go,
    /// Already out when tminus came: it counts as complete and is never launched. Default: false.
    #[serde(default)]
    pub released: bool,
    /// Decide, log and notify, but act on nothing. Default: false.
    #[serde(default)]
    pub shadow: bool,
    /// Checklists whose items must be green.
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "Checklist"))]
    pub checklists: Vec<Name>,
    /// Scaling policies of the groups that carry the launch.
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "ScalingPolicy"))]
    pub scaling: Vec<Name>,
    /// Priming policies that must have run before T-0.
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "PrimingPolicy"))]
    pub priming: Vec<Name>,
    /// The gate policy that certifies each step. Default: none, and every rise takes `advance` or `promote` by a person.
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "GatePolicy"))]
    pub gate: Option<Name>,
    /// Shield policies. Read and kept; this version engages none.
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "ShieldPolicy"))]
    pub shield: Vec<Name>,
    /// The steps. Default: one step of 100 percent.
    #[serde(default)]
    pub rollout: Rollout,
    /// Who will come. Without it no surge is planned for.
    #[serde(default)]
    pub audience: Option<Audience>,
}

/// Channels served whole before T-0.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Early {
    /// The channels.
    #[schemars(length(min = 1))]
    pub channels: Vec<Name>,
    /// From when, such as `T-2d`.
    pub at: TRelative,
}

/// Who says go.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Go {
    /// A person, by `tminus go`.
    #[default]
    Manual,
    /// Readiness alone, until an hour after T-0.
    Auto,
}

/// The steps of the rollout.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Percents that rise and end at 100.
    #[schemars(length(min = 1))]
    pub steps: Vec<Step>,
    /// What an ABORT does. Default: halt.
    #[serde(default)]
    pub on_abort: OnAbort,
}

impl Default for Rollout {
    fn default() -> Self {
        let whole = Step { percent: full(), dwell: secs::<0>(), bake: secs::<0>() };
        Self { steps: vec![whole], on_abort: OnAbort::Halt }
    }
}

/// One step.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Percent of clients that are served, 0 to 100 with up to four decimals.
    pub percent: PercentNumber,
    /// The least time at this step before the next. Default: 0s, the gate alone decides.
    #[serde(default = "secs::<0>")]
    pub dwell: Lasting,
    /// At 100 percent: how long it is watched before it is complete. Default: 0s.
    #[serde(default = "secs::<0>")]
    pub bake: Lasting,
}

/// What an ABORT does.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnAbort {
    /// Halt the version, for early channels and force too.
    #[default]
    Halt,
    /// Back to the last percent that the gate certified; early channels and force go on.
    PreviousSafe,
}

/// Who will come, and what each asks for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// Clients in the rollout's channels, such as `180k`.
    pub clients: Count,
    /// How they come after they are admitted. Default: as the last recorded release of the app was taken up.
    #[serde(default)]
    pub adoption: Option<Adoption>,
    /// First attempts of each client at the origin's door, caches included.
    #[schemars(range(min = 0.0))]
    pub requests_per_client: f64,
    /// What caches take off the origin. Default: nothing.
    #[serde(default)]
    pub cache_hit_ratio: Option<HitRatio>,
    /// What a client does after a failure. Default: it does not try again.
    #[serde(default)]
    pub retry: Option<Retry>,
    /// Requests that a client has under way at once; its slots bound what a storm of retries can become. Default: 1.
    #[serde(default = "one_slot")]
    #[schemars(range(min = 1, max = 1000))]
    pub parallel: u32,
    /// How far what is stated here may be off, each as the 95th percentile in multiples of the statement.
    #[serde(default)]
    pub uncertainty: Uncertainty,
}

fn one_slot() -> u32 {
    1
}

/// The 95th percentile of each input as a multiple of what is stated: 1 is certain, 1.5 half as much again.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uncertainty {
    /// Of `clients`. Default: 1, they are counted.
    #[serde(default)]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub clients: Option<f64>,
    /// Of how fast they come. Default: 1.78 with a half-life, 1.28 with a curve or a record.
    #[serde(default)]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub adoption: Option<f64>,
    /// Of `requests_per_client`. Default: 1.18.
    #[serde(default)]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub requests_per_client: Option<f64>,
    /// Of the share that the caches miss. Default: 1.39, and never more than all.
    #[serde(default)]
    #[schemars(range(min = 1.0, max = 100.0))]
    pub misses: Option<f64>,
}

/// How clients come: either `half_life` with `ceiling`, or a measured `curve`; with `recorded` what an earlier release
/// taught stands before both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    /// Time until half of those who will come have come.
    #[serde(default)]
    pub half_life: Option<Lasting>,
    /// Percent of clients that come at all. Default: 100.
    #[serde(default = "full")]
    pub ceiling: PercentNumber,
    /// A CSV file with the header `after,percent`: a duration since admission, and the percent that has come by then.
    #[serde(default)]
    pub curve: Option<FilePath>,
    /// As the last recorded release of the app was taken up; what stands beside it counts until there is one. Default:
    /// false.
    #[serde(default)]
    pub recorded: bool,
}

/// Share of requests that caches answer, 0 to 1: `cold` and `primed` of all caches together, or by tier.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HitRatio {
    /// With nothing cached.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub cold: Option<f64>,
    /// When primed.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub primed: Option<f64>,
    /// Of the caches that clients ask.
    #[serde(default)]
    pub edge: Option<Tier>,
    /// Of the cache before the origin, of what the edge asks it.
    #[serde(default)]
    pub origin: Option<Tier>,
}

/// Share of requests that a tier of caches answers, of those that reach it, 0 to 1.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// With nothing cached.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub cold: f64,
    /// When primed.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub primed: f64,
}

/// What a client does after a failure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Time between attempts.
    pub every: Lasting,
    /// Most retries of one request; null: they never give up. Default: null, the worst case.
    #[serde(default)]
    pub limit: Option<u32>,
}
