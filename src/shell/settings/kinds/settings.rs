//! `kind: Settings`, the daemon's own: `tminus.yaml`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::words::Name;
use crate::shell::settings::defaults::{days, port, secs};
use crate::shell::settings::words::{FilePath, Lasting, Listen, Sha256, Zone};

/// The daemon's own settings, in `tminus.yaml`. Relative paths start at its folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name of this installation, shown on pages and in messages.
    pub name: Name,
    /// Folder of the database and journals. Default: `tminus-data`.
    #[serde(default = "data")]
    pub data: FilePath,
    /// Files and folders with documents. Default: none.
    #[serde(default)]
    pub documents: Vec<FilePath>,
    /// Where tminus listens.
    #[serde(default)]
    pub listen: Listeners,
    /// Longest time between two looks at the world. Default: 10s.
    #[serde(default = "secs::<10>")]
    pub tick: Lasting,
    /// Time zone of schedules and pages that name none. Default: UTC.
    #[serde(default)]
    pub time_zone: Option<Zone>,
    /// People with tokens. Default: none, and everybody on this machine may do everything.
    #[serde(default)]
    pub people: Vec<Person>,
    /// While this file exists everything is halted. Default: none.
    #[serde(default)]
    pub halt_file: Option<FilePath>,
    /// How long audit and events are kept. Default: 400d.
    #[serde(default = "days::<400>")]
    pub retention: Lasting,
}

fn data() -> FilePath {
    FilePath("tminus-data".into())
}

/// Where tminus listens; loopback only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listeners {
    /// The control listener: pages and the API for people and programs. Default: 127.0.0.1:8017.
    #[serde(default = "port::<8017>")]
    pub control: Listen,
    /// The decision listener: clients and load balancers. Default: 127.0.0.1:8018.
    #[serde(default = "port::<8018>")]
    pub decision: Listen,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { control: port::<8017>(), decision: port::<8018>() }
    }
}

/// A person with a token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their name, as it stands in the audit trail.
    pub name: Name,
    /// Their roles: viewer, operator, admin, and any role that a sign-off asks for.
    #[serde(default)]
    pub roles: Vec<Name>,
    /// SHA-256 of the token in hex: `printf %s "$TOKEN" | sha256sum`.
    pub token_sha256: Sha256,
}
