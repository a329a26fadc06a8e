//! What throttle documents say, and what is halted.
//!
//! Invariant: a policy never changes what is halted; only a person does (`halt`, `lift`), or an ABORT.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::words::{Name, Percent, Version, VersionRule};

/// One ThrottlePolicy document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The document's name.
    pub name: Name,
    /// Specific rules, in no particular order: the most specific match wins.
    pub rules: Vec<Rule>,
    /// The optional layer under the specific rules.
    pub global: Option<Percent>,
    /// What happens between percent 0 and 100 to a request without a client id.
    pub no_client_id: NoClientId,
    /// Who may lift a halt.
    pub lift: Lift,
}

impl Policy {
    /// A policy that says nothing yet.
    pub fn named(name: Name) -> Self {
        Self { name, rules: Vec::new(), global: None, no_client_id: NoClientId::default(), lift: Lift::default() }
    }
}

/// One specific rule. `None` matches everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// How answers name it, such as `mobile/rules[0]`.
    pub label: String,
    /// The app it is about.
    pub app: Name,
    /// The versions that ask, not the version served.
    pub version: Option<VersionRule>,
    /// The channel it is about.
    pub channel: Option<Name>,
    /// The gas pedal.
    pub percent: Percent,
    /// Channels that are served whole, whatever the percent.
    pub except_channels: Vec<Name>,
    /// What a client that is held back gets instead.
    pub fallback: Option<Version>,
    /// Salt of the bucket; `app/offered version` without one.
    pub salt: Option<String>,
}

impl Rule {
    /// A rule about all of an app, without a label.
    pub fn about(app: Name, percent: Percent) -> Self {
        let (label, except_channels) = (String::new(), Vec::new());
        Self { label, app, version: None, channel: None, percent, except_channels, fallback: None, salt: None }
    }
}

/// What to do without a client id, between 0 and 100 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoClientId {
    /// Hold back.
    #[default]
    HoldBack,
    /// One in N per request, as AUS2 did.
    Random,
}

/// Who may lift a halt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lift {
    /// Roles that count; empty: any operator.
    pub roles: Vec<Name>,
    /// Distinct people needed; 0 and 1 mean one.
    pub count: u32,
}

/// What is halted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltTarget {
    /// Everything: the halt file.
    Everything,
    /// All of an app.
    App {
        /// The app.
        app: Name,
    },
    /// One channel of an app.
    Channel {
        /// The app.
        app: Name,
        /// The channel.
        channel: Name,
    },
    /// One version of an app: as if it were not on offer.
    Version {
        /// The app.
        app: Name,
        /// The version, exactly.
        version: String,
    },
}

/// A halt in force, and who has asked to lift it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// What.
    pub target: HaltTarget,
    /// Who pulled it; the release's name for an ABORT.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
    /// Distinct people who asked to lift it so far.
    pub lifts: Vec<Name>,
}
