//! What a ScalingPolicy document says.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Service, Usl};
use crate::core::words::{Capacity, Name, Rate};

/// One ScalingPolicy document; its group goes by the document's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The document's name, which is the group's name here.
    pub name: Name,
    /// What one instance holds at target utilisation, from a load test.
    pub capacity_per_instance: Rate,
    /// Percent on top of the forecast, >= 0.
    pub headroom_percent: f64,
    /// Zones and how many of them may be lost.
    pub zones: Option<Zones>,
    /// What automation may never exceed.
    pub limits: Limits,
    /// What an instance costs.
    pub price: Option<Price>,
    /// Time to have an instance in service, until observed.
    pub lead: Duration,
    /// How long after T-0 of the last step the floors stay.
    pub hold_after: Duration,
    /// How capacity is given back.
    pub ramp_down: RampDown,
    /// Whether a load history is configured.
    pub has_history: bool,
    /// Whether the group's provider keeps changes of the floor for later and carries them out by itself.
    #[serde(default)]
    pub keeps_schedule: bool,
    /// Whether it tells of processes that are suspended and instances that do not start.
    #[serde(default)]
    pub tells_of_trouble: bool,
    /// The IANA zone by whose clocks its load has days; `None`: UTC.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// How an instance works, by which waiting is known.
    #[serde(default)]
    pub service: Option<Service>,
    /// What instances lose to each other; `None`: nothing.
    #[serde(default)]
    pub usl: Option<Usl>,
}

impl Policy {
    /// By whose clocks its load has days.
    pub fn zone(&self) -> TimeZone {
        self.time_zone.as_deref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC)
    }
}

/// Zones of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zones {
    /// How many.
    pub count: u32,
    /// How many may be lost, below `count`.
    pub survive_loss: u32,
}

/// Limits on automation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Never below.
    pub floor: Capacity,
    /// Never above.
    pub ceiling: Capacity,
    /// Most instances added or removed by one change.
    pub step: Capacity,
    /// The account's quota.
    pub quota: Option<Capacity>,
    /// Most that a launch may cost, in the price's currency.
    pub cost: Option<f64>,
    /// Longest time from now that an override may last.
    #[serde(default = "a_day")]
    pub override_for: Duration,
}

/// How long an override may last where the policy does not say: nobody's shift is longer.
pub fn a_day() -> Duration {
    Duration::from_hours(24)
}

/// What an instance costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Per instance and hour.
    pub per_instance_hour: f64,
    /// ISO 4217.
    pub currency: String,
}

/// How capacity is given back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RampDown {
    /// Percent of the raised capacity per step, 0..100.
    pub percent: f64,
    /// Time between steps.
    pub every: Duration,
}
