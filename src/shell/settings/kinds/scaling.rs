//! `kind: ScalingPolicy`: how many instances a group needs, and what automation may do.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::Name;
use crate::shell::settings::defaults::{mins, secs};
use crate::shell::settings::words::{FilePath, Lasting, PerTime, PercentNumber, Text};

/// How many instances a group needs, and what automation may do to it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScalingPolicy {
    /// The policy's name, by which the group goes everywhere.
    pub name: Name,
    /// Where the group lives.
    pub group: Group,
    /// What one instance holds at target utilisation, from a load test: `45/s`.
    pub capacity_per_instance: PerTime,
    /// The load history for the forecast. Default: none, and the baseline is guessed from the floor.
    #[serde(default)]
    pub load: Option<Load>,
    /// Percent on top of the forecast, 0 or more. Default: 30.
    #[serde(default = "headroom")]
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub headroom: f64,
    /// Zones, and how many of them may be lost. Default: no zone may be lost.
    #[serde(default)]
    pub zones: Option<Zones>,
    /// How an instance works, by which waiting is known (Erlang C). Default: not known.
    #[serde(default)]
    pub service: Option<Service>,
    /// What instances lose to each other (Universal Scalability Law). Default: nothing.
    #[serde(default)]
    pub usl: Option<Usl>,
    /// What automation may never exceed.
    pub limits: Limits,
    /// What an instance costs. Default: not known.
    #[serde(default)]
    pub price: Option<Price>,
    /// Time from the order until an instance is in service, until tminus has observed it. Default: 20m.
    #[serde(default = "mins::<20>")]
    pub lead: Lasting,
    /// How long raised floors stay after 100 percent is reached. Default: 6h.
    #[serde(default = "mins::<360>")]
    pub hold_after: Lasting,
    /// How capacity is given back.
    #[serde(default)]
    pub ramp_down: RampDown,
}

fn headroom() -> f64 {
    30.0
}

/// Where the group lives.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Child processes on this machine.
    Local(Local),
    /// An AWS Auto Scaling group. Its minimum size is what tminus sets, now and ahead of time by scheduled actions.
    Aws(Aws),
    /// Executables of yours, for any other provider: they describe the group and set its floor.
    Command(Command),
}

/// Child processes on this machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// Program and arguments; `{address}`, `{zone}` and `{instance}` are replaced. A program that begins with `./` or
    /// `../` starts at the document's folder.
    #[schemars(length(min = 1))]
    pub command: Vec<Text>,
    /// Zone labels, filled evenly. Default: one zone, `local`.
    #[serde(default = "local_zones")]
    #[schemars(length(min = 1))]
    pub zones: Vec<Text>,
    /// Floor and desired when the group is first made. Default: 1.
    #[serde(default = "one")]
    pub floor: u32,
    /// Ceiling when the group is first made.
    #[schemars(range(min = 1, max = 1000))]
    pub ceiling: u32,
    /// Time between the order and the start of a process, as a machine boots. Default: 0s.
    #[serde(default = "secs::<0>")]
    pub boot: Lasting,
    /// How an instance shows that it is in service.
    #[serde(default)]
    pub health: Health,
    /// How long an instance may finish what it has when it is scaled in. Default: 10s.
    #[serde(default = "secs::<10>")]
    pub drain: Lasting,
    /// Where the addresses in service are written, as JSON, for load balancers. Default: nowhere.
    #[serde(default)]
    pub targets_file: Option<FilePath>,
}

fn local_zones() -> Vec<Text> {
    vec![Text("local".into())]
}

fn one() -> u32 {
    1
}

/// How an instance shows that it is in service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// A path that it answers with status 200. Default: /health.
    #[serde(default = "health_path")]
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// How often it is asked. Default: 1s.
    #[serde(default = "secs::<1>")]
    pub every: Lasting,
}

impl Default for Health {
    fn default() -> Self {
        Self { path: health_path(), every: secs::<1>() }
    }
}

fn health_path() -> String {
    "/health".into()
}

/// An AWS Auto Scaling group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// Its name there.
    pub name: Text,
    /// Its region.
    pub region: Text,
    /// A profile of the AWS configuration files. Default: as the environment says.
    #[serde(default)]
    pub profile: Option<Text>,
    /// A role to assume with those credentials, for a group of another account. Default: none.
    #[serde(default)]
    #[schemars(extend("pattern" = "^arn:"))]
    pub role_arn: Option<Text>,
    /// Another address of the Auto Scaling service. Default: `AWS_ENDPOINT_URL_AUTO_SCALING`, `AWS_ENDPOINT_URL`, or the region's.
    #[serde(default)]
    #[schemars(extend("pattern" = "^https?://"))]
    pub endpoint: Option<Text>,
}

/// Executables of yours, run without a shell.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments. It prints the group as one JSON object: `floor`, `ceiling`, `desired` and `in_service` as whole
    /// numbers; optionally `zones` (an object of numbers) and `boot_p95_secs`. A program that begins with `./` or `../`
    /// starts at the document's folder.
    #[schemars(length(min = 1))]
    pub describe: Vec<Text>,
    /// Program and arguments; `{floor}`, `{group}` and `{key}` are replaced in each. It sets the floor to that absolute number
    /// and exits with 0; a group without an autoscaler of its own is scaled to it. It may be run again with the same numbers.
    #[schemars(length(min = 1))]
    pub set: Vec<Text>,
    /// How long each may take. Default: 30s.
    #[serde(default = "secs::<30>")]
    pub within: Lasting,
}

/// The load history.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The MetricsSource.
    #[schemars(extend("x-refers-to" = "MetricsSource"))]
    pub source: Name,
    /// The query; its value is requests per second.
    #[schemars(extend("x-refers-to" = "query"))]
    pub query: Name,
}

/// Zones, and how many of them may be lost.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zones {
    /// How many there are.
    #[schemars(range(min = 1))]
    pub count: u32,
    /// How many may be lost with the load still held, below `count`. Default: 1.
    #[serde(default = "one")]
    pub survive_loss: u32,
}

/// How an instance works, from a load test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Mean time of one request without waiting, such as 0.08s.
    pub time: Lasting,
    /// Requests that an instance serves at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub concurrency: u32,
    /// The wait that 95 of 100 requests must not exceed, with zones lost. Default: it is shown, and nothing is demanded.
    #[serde(default)]
    pub wait_p95: Option<Lasting>,
}

/// What instances lose to each other, from load tests at several sizes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Usl {
    /// The share of the work that goes one after the other, 0 or more and below 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub contention: f64,
    /// The cost of keeping any two instances the same, 0 or more. Default: 0.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub coherency: f64,
}

/// What automation may never exceed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Never fewer instances.
    pub floor: u32,
    /// Never more instances.
    #[schemars(range(min = 1))]
    pub ceiling: u32,
    /// Most instances added or removed by one change. Default: no limit.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub step: Option<u32>,
    /// The account's quota of instances. Default: not known.
    #[serde(default)]
    pub quota: Option<u32>,
    /// Most that a launch may cost, in the price's currency. Default: no limit.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub cost: Option<f64>,
    /// Longest time, from when it is given or extended, that an override by a person may last. Default: 24h.
    #[serde(default = "mins::<1440>")]
    pub override_for: Lasting,
}

/// What an instance costs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Per instance and hour.
    #[schemars(range(min = 0.0))]
    pub per_instance_hour: f64,
    /// The currency's three letters, such as USD. Default: USD.
    #[serde(default = "usd")]
    #[schemars(length(equal = 3))]
    pub currency: String,
}

fn usd() -> String {
    "USD".into()
}

/// How capacity is given back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RampDown {
    /// Percent of the raised capacity given back at a time. Default: 10.
    #[serde(default = "ten_percent")]
    pub percent: PercentNumber,
    /// Time between two times. Default: 15m.
    #[serde(default = "mins::<15>")]
    pub every: Lasting,
}

impl Default for RampDown {
    fn default() -> Self {
        Self { percent: ten_percent(), every: mins::<15>() }
    }
}

fn ten_percent() -> PercentNumber {
    PercentNumber(crate::core::words::Percent::from_ppm(100_000).unwrap_or(crate::core::words::Percent::ZERO))
}
