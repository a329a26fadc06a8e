//! What a Checklist document says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::load::Aspect;
use crate::core::words::{Name, Percent, TRelative, Version};

/// One Checklist document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checklist {
    /// The document's name.
    pub name: Name,
    /// Its items, in the order of the document.
    pub items: Vec<Item>,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its id, unique within a release.
    pub id: Name,
    /// What people read.
    pub title: String,
    /// Whose it is.
    pub owner: Option<Name>,
    /// When it must be green.
    pub due: Option<TRelative>,
    /// What it asks for.
    pub demand: Demand,
    /// What it blocks.
    pub blocks: Blocks,
    /// Whether a person may waive it.
    pub waivable: bool,
    /// How often it is measured; `None`: faster near T-0.
    pub every: Option<Duration>,
    /// The past failure that justifies it.
    pub why: Option<String>,
}

/// A check is measured, a sign-off is given by a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// So many distinct people of these roles.
    SignOff {
        /// Any of these roles; empty: anybody who may sign.
        roles: Vec<Name>,
        /// Distinct people.
        count: u32,
    },
    /// A measurement.
    Check(Check),
}

/// What an item blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// The launch.
    #[default]
    Launch,
    /// Each later rollout step, and the launch.
    Steps,
    /// Nothing: it is shown.
    Nothing,
}

/// A measurement. The first group is computed by the core from what it sees; the second is probed by the shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The group holds the surge at this quantile.
    Capacity {
        /// The scaling policy.
        group: Name,
        /// 0..1, such as 0.95.
        quantile: f64,
    },
    /// The group is fit for the launch in one aspect beside its size.
    Group {
        /// The scaling policy.
        group: Name,
        /// What is asked of it.
        aspect: Aspect,
    },
    /// The caches are proven warm.
    Primed {
        /// The priming policy.
        policy: Name,
        /// Percent, 0..=100.
        coverage: f64,
    },
    /// The surge model's amplification stays below.
    RetryPolicy {
        /// The release.
        release: Name,
        /// First attempts times this is still accepted.
        amplification_below: f64,
    },
    /// The throttle holds this request to at most so many.
    Throttled {
        /// The app.
        app: Name,
        /// The version that asks.
        version: Version,
        /// The channel.
        channel: Name,
        /// The most that is accepted.
        at_most: Percent,
    },
    /// A halt of the release's app was pulled and lifted.
    HaltRehearsed {
        /// Within this long.
        within: Duration,
    },
    /// The gate's metrics arrive.
    Gate {
        /// The gate policy.
        policy: Name,
    },
    /// A URL answers.
    Http {
        /// The URL.
        url: String,
        /// The status expected.
        status: u16,
        /// At most this long.
        within: Duration,
    },
    /// A query stays on one side of a bound.
    Metric {
        /// The query's name.
        query: Name,
        /// Green below this.
        below: Option<f64>,
        /// Green above this.
        above: Option<f64>,
        /// Looking back so far.
        over: Duration,
    },
    /// A command exits 0.
    Command {
        /// Program and arguments; no shell.
        command: Vec<String>,
        /// Killed after this long.
        within: Duration,
    },
    /// Alarms of a metrics system are all OK.
    Alarms {
        /// The metrics source.
        source: Name,
        /// As they are called there; case counts.
        names: Vec<String>,
    },
}
