//! What a release puts on the table: a version, for whom, and how far open the pedal is.
//!
//! Built by `core::release::offer` from a release and its state. Invariant: nothing here serves before its time (I5);
//! an audience is listed only once it is live.

use serde::{Deserialize, Serialize};

use crate::core::words::{Name, Percent, Version, VersionRule};

/// A release as the throttle sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The release's name.
    pub release: Name,
    /// Its app.
    pub app: Name,
    /// The version it brings.
    pub version: Version,
    /// Which versions may take it; `None`: any older one.
    pub from: Option<VersionRule>,
    /// Channels that are live now. Empty: none yet, or none any more.
    pub audiences: Vec<Audience>,
    /// Whether it was ever live, on any channel: decides between `no_offer` and a null version.
    pub was_live: bool,
    /// Complete releases are what a held-back client can fall back to.
    pub complete: bool,
}

/// Channels for which an offer is live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audience {
    /// The channels.
    pub channels: Vec<Name>,
    /// Early entries are served whole, by reason `exception`.
    pub early: bool,
    /// The percent of the running rollout step; `None`: no step binds (complete, or early).
    pub step: Option<Percent>,
}
