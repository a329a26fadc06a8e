//! `kind: Checklist`: what must be green before a launch.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::{Name, TRelative, Version};
use crate::shell::settings::defaults::{full, mins, secs};
use crate::shell::settings::words::{Lasting, PercentNumber, Text, Url};

/// What must be green before a launch. A check is measured, a sign-off is given by a person.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Checklist {
    /// The checklist's name; releases refer to it.
    pub name: Name,
    /// The items, in the order people read them.
    #[schemars(length(min = 1))]
    pub items: Vec<Item>,
}

/// One item: either `sign_off` or `check`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its id, unique among the checklists of a release.
    pub id: Name,
    /// One line that people read.
    pub title: Text,
    /// The person or team whose it is.
    #[serde(default)]
    pub owner: Option<Name>,
    /// When it must be green, such as `T-30m`; later it is past due, and the release is NO-GO. Default: at T-0.
    #[serde(default)]
    pub due: Option<TRelative>,
    /// People who must sign.
    #[serde(default)]
    pub sign_off: Option<SignOff>,
    /// What is measured.
    #[serde(default)]
    pub check: Option<Check>,
    /// What it blocks while it is not green. Default: launch.
    #[serde(default)]
    pub blocks: Blocks,
    /// Whether a person may waive it for a while, with a reason. Default: true.
    #[serde(default = "yes")]
    pub waivable: bool,
    /// How often it is measured. Default: faster near T-0.
    #[serde(default)]
    pub every: Option<Lasting>,
    /// The past failure that justifies it.
    #[serde(default)]
    pub why: Option<Text>,
}

fn yes() -> bool {
    true
}

/// Distinct people who must sign. A signature binds to the content that was signed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOff {
    /// Each has one of these roles. Default: anybody but who applied the release.
    #[serde(default)]
    pub roles: Vec<Name>,
    /// How many distinct people. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub count: u32,
}

fn one() -> u32 {
    1
}

/// What an item blocks.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// The launch.
    #[default]
    Launch,
    /// The launch, and each later step.
    Steps,
    /// Nothing: it is shown.
    Nothing,
}

/// What is measured.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// An instance group holds the planned load.
    Capacity(Capacity),
    /// What the launch needs of a group is within its ceiling, quota and cost.
    Quota(Group),
    /// What a group has in service is spread evenly over its zones.
    ZoneBalance(Group),
    /// Boots of a group were observed, and its last raised instance is in service by T-0.
    LeadTime(Group),
    /// Nothing at a group's provider stands in the way: no process suspended, nothing being replaced, no launch failing, no
    /// scheduled action of others against it.
    Processes(Group),
    /// A cache is proven warm on every node.
    Primed(Primed),
    /// A URL answers as it should.
    Http(Http),
    /// A metric stays on the right side of a bound.
    Metric(Metric),
    /// Retries stay bounded: the surge model's amplification at the planned capacity.
    RetryPolicy(RetryPolicy),
    /// A halt of the release's app was pulled and lifted lately.
    HaltRehearsed(HaltRehearsed),
    /// The throttle holds a request back: a major update is throttled before it is pushed.
    Throttled(Throttled),
    /// The gate's counts arrive.
    Gate(Gate),
    /// A command exits 0.
    Command(Command),
    /// CloudWatch alarms are all OK.
    Alarms(Alarms),
}

/// An instance group holds the planned load.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// The scaling policy of the group.
    #[schemars(extend("x-refers-to" = "ScalingPolicy"))]
    pub group: Name,
    /// Which forecast it must hold. Default: p95.
    #[serde(default)]
    pub quantile: Quantile,
}

/// A group is asked about.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The scaling policy of the group.
    #[schemars(extend("x-refers-to" = "ScalingPolicy"))]
    pub group: Name,
}

/// A quantile of the forecast.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quantile {
    /// The median.
    P50,
    /// Nine days of ten stay below.
    P90,
    /// Nineteen days of twenty stay below.
    #[default]
    P95,
}

/// A cache is proven warm.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Primed {
    /// The priming policy.
    #[schemars(extend("x-refers-to" = "PrimingPolicy"))]
    pub policy: Name,
    /// Percent of its objects that must be proven fresh on every node. Default: 100.
    #[serde(default = "full")]
    pub coverage: PercentNumber,
}

/// A URL answers as it should.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The URL, fetched by GET.
    pub url: Url,
    /// The status it must answer with, 100 to 599. Default: 200.
    #[serde(default = "ok")]
    #[schemars(range(min = 100, max = 599))]
    pub status: u16,
    /// At most so long. Default: 5s.
    #[serde(default = "secs::<5>")]
    pub within: Lasting,
}

fn ok() -> u16 {
    200
}

/// A metric stays below or above a bound, or between two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The name of a query of a MetricsSource.
    #[schemars(extend("x-refers-to" = "query"))]
    pub query: Name,
    /// Green below this.
    #[serde(default)]
    pub below: Option<f64>,
    /// Green above this.
    #[serde(default)]
    pub above: Option<f64>,
    /// Looking back so far. Default: 15m.
    #[serde(default = "mins::<15>")]
    pub over: Lasting,
}

/// Retries stay bounded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryPolicy {
    /// The release whose audience is meant.
    #[schemars(extend("x-refers-to" = "Release"))]
    pub release: Name,
    /// All attempts divided by first attempts stay below this, at least 1.
    #[schemars(range(min = 1.0))]
    pub amplification_below: f64,
}

/// A halt was rehearsed lately.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HaltRehearsed {
    /// Not longer ago than this.
    pub within: Lasting,
}

/// The throttle holds a request back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttled {
    /// The app that asks.
    pub app: Name,
    /// The version that asks.
    pub version: Version,
    /// The channel it asks on.
    pub channel: Name,
    /// The highest percent that is accepted.
    pub at_most: PercentNumber,
}

/// The gate's counts arrive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// The gate policy.
    #[schemars(extend("x-refers-to" = "GatePolicy"))]
    pub policy: Name,
}

/// A command exits 0.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments, run without a shell. A program that begins with `./` or `../` starts at the document's folder.
    #[schemars(length(min = 1))]
    pub run: Vec<Text>,
    /// Killed, and not green, after so long. Default: 30s.
    #[serde(default = "secs::<30>")]
    pub within: Lasting,
}

/// CloudWatch alarms are all OK. One in ALARM is red; one with INSUFFICIENT_DATA, or that does not exist, is unknown: never
/// green.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// A MetricsSource with `cloudwatch`: its region and account are looked at.
    #[schemars(extend("x-refers-to" = "MetricsSource"))]
    pub source: Name,
    /// Names of alarms, metric or composite, exactly as they are there.
    #[schemars(length(min = 1, max = 100))]
    pub names: Vec<Text>,
}
