//! `kind: ThrottlePolicy`: how far the gas pedal is down, and for whom.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::{Name, Version, VersionRule};
use crate::shell::settings::words::{PercentNumber, Text};

/// How far the gas pedal is down: 0 serves nobody, 100 everybody. A request with `force=1` is served all the same.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottlePolicy {
    /// The policy's name.
    pub name: Name,
    /// Rules; the most specific match decides, whatever the order.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// A layer for requests that no rule matches. Default: none.
    #[serde(default)]
    pub global: Option<Global>,
    /// What happens between 0 and 100 percent to a request without a client id. Default: hold_back.
    #[serde(default)]
    pub no_client_id: NoClientId,
    /// Who may lift a halt. Default: any one operator.
    #[serde(default)]
    pub lift: Option<Lift>,
}

/// One rule. The version and channel are those of the client that asks, not of what it is served.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The app.
    pub app: Name,
    /// Versions that ask, such as `3.6.17`, `3.6.17, 3.6.18`, `>=2.0 <2.3` or `3.6.*`. Default: every version.
    #[serde(default)]
    pub version: Option<VersionRule>,
    /// The channel. Default: every channel.
    #[serde(default)]
    pub channel: Option<Name>,
    /// Percent of clients that are served, 0 to 100 with up to four decimals: 12.5 is one in eight, 0.1 one in a thousand.
    pub percent: PercentNumber,
    /// Channels that are served whole, whatever the percent: test channels see no randomness.
    #[serde(default)]
    pub except_channels: Vec<Name>,
    /// The version that a client gets when it is held back. Default: the newest complete release that fits.
    #[serde(default)]
    pub fallback: Option<Version>,
    /// Decides which clients come first; the same salt keeps the same order. Default: app and version.
    #[serde(default)]
    pub salt: Option<Text>,
}

/// The layer under the rules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Global {
    /// Percent of clients that are served.
    pub percent: PercentNumber,
}

/// What happens to a request without a client id.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoClientId {
    /// Hold it back.
    #[default]
    HoldBack,
    /// One in N per request.
    Random,
}

/// Who may lift a halt. One person may break the glass, and everybody hears of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// Each has one of these roles. Default: any operator.
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
