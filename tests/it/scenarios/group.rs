//! A simulated instance group: floors are obeyed after a boot delay, zones fill evenly, and ordinary days have a load.
//!
//! Like local groups it has no autoscaler of its own, so desired follows the floor both ways.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tminus::core::decide::GroupObservation;
use tminus::core::words::{Capacity, later};

/// See the module.
pub(super) struct Group {
    floor: u32,
    ceiling: u32,
    zones: u32,
    boot: Duration,
    /// When each instance is in service.
    instances: Vec<Timestamp>,
    /// Whether its provider answers.
    pub(super) answers: bool,
    /// Mean load in requests per second and how far it swings over a day, 0..1; `None`: no history.
    pub(super) load: Option<(f64, f64)>,
}

impl Group {
    pub(super) fn new(floor: u32, ceiling: u32, (zones, boot): (u32, Duration)) -> Self {
        let instances = vec![Timestamp::MIN; floor as usize];
        Self { floor, ceiling, zones: zones.max(1), boot, instances, answers: true, load: None }
    }

    /// The provider refuses what is above its own ceiling.
    pub(super) fn set_floor(&mut self, floor: u32, now: Timestamp) -> Result<(), String> {
        if floor > self.ceiling {
            return Err(format!("a floor of {floor} is above the group's ceiling of {}", self.ceiling));
        }
        self.floor = floor;
        self.instances.resize(floor as usize, later(now, self.boot));
        Ok(())
    }

    pub(super) fn describe(&self, now: Timestamp) -> Option<GroupObservation> {
        let in_service = self.in_service(now);
        let zone = |number: u32| (format!("zone-{}", number + 1), (in_service + self.zones - 1 - number) / self.zones);
        self.answers.then(|| GroupObservation {
            desired: Capacity(self.instances.len() as u32),
            in_service: Capacity(in_service),
            zones: (0..self.zones).map(zone).collect::<BTreeMap<_, _>>(),
            ..GroupObservation::at_floor(Capacity(self.floor), Capacity(self.ceiling), now)
        })
    }

    pub(super) fn in_service(&self, now: Timestamp) -> u32 {
        self.instances.iter().filter(|at| **at <= now).count() as u32
    }

    /// When the next instance comes into service.
    pub(super) fn next_event(&self, now: Timestamp) -> Option<Timestamp> {
        self.instances.iter().copied().filter(|at| *at > now).min()
    }

    /// Four weeks of hourly load: a day that peaks at 19:00 UTC, the late morning of the American west coast.
    pub(super) fn history(&self, now: Timestamp) -> Vec<(Timestamp, f64)> {
        let Some((mean, swing)) = self.load else { return Vec::new() };
        let hour = |ago: i64| Timestamp::from_second((now.as_second() / 3_600 - ago) * 3_600).unwrap();
        let of_day = |at: Timestamp| (at.as_second().rem_euclid(86_400) as f64 / 3_600.0 - 19.0) / 24.0;
        let load = |at: Timestamp| mean * (1.0 + swing * (of_day(at) * std::f64::consts::TAU).cos());
        (0..28 * 24).rev().map(hour).map(|at| (at, load(at))).collect()
    }
}
