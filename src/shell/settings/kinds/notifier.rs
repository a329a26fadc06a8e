//! `kind: Notifier`: who is told what.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::Name;
use crate::shell::settings::words::{Text, Url};

/// Who is told what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notifier {
    /// The notifier's name.
    pub name: Name,
    /// What is told. Default: whatever needs a person.
    #[serde(default)]
    pub on: Vec<Topic>,
    /// Where to; each gets every message.
    #[schemars(length(min = 1))]
    pub to: Vec<Target>,
}

/// What is told.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Readiness changed.
    Readiness,
    /// A step began, or the launch is complete.
    Step,
    /// The rollout holds.
    Hold,
    /// Aborted, scrubbed or cleared.
    Abort,
    /// Halted or lifted.
    Halt,
    /// An override ends soon.
    OverrideExpiring,
    /// Counts are behind.
    CountsLate,
    /// Documents were refused, are valid again, or were removed.
    Documents,
}

/// Where a message goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A URL, by POST with a JSON body: either `url`, or `url_env` where it is a secret.
    Webhook(Webhook),
    /// Program and arguments, run without a shell; the message comes as JSON on its standard input. A program that
    /// begins with `./` or `../` starts at the document's folder.
    Command(#[schemars(length(min = 1))] Vec<Text>),
}

/// A URL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The URL.
    #[serde(default)]
    pub url: Option<Url>,
    /// The environment variable that holds the URL.
    #[serde(default)]
    pub url_env: Option<Text>,
}
