//! An instance group as a provider runs it: floor, ceiling, instances that boot, and orders that are known by their keys.
//!
//! Not here: what tminus wants of it. Invariant: an order whose key was carried out before does nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tminus::core::decide::GroupObservation;
use tminus::core::words::Capacity;

use super::options::{GroupOption, MINUTE};

/// See the module.
#[derive(Clone, Debug)]
pub struct Group {
    pub floor: u32,
    pub ceiling: u32,
    desired: u32,
    /// When each instance is in service.
    ready_at: Vec<i64>,
    orders: BTreeMap<String, u32>,
    boot: i64,
}

impl Group {
    pub fn new(option: &GroupOption) -> Self {
        let boot = (option.lead_mins * MINUTE / 2).max(MINUTE);
        Self {
            floor: option.floor,
            ceiling: option.ceiling,
            desired: option.floor,
            ready_at: vec![0; option.floor as usize],
            orders: BTreeMap::new(),
            boot,
        }
    }

    /// Starts and stops instances; `times` is how much slower than usual they boot, `None`: none boots.
    pub fn advance(&mut self, now: i64, times: Option<i64>) {
        let wanted = self.desired.min(self.ceiling) as usize;
        if self.ready_at.len() > wanted {
            self.ready_at.sort_unstable();
            self.ready_at.truncate(wanted);
        }
        if let Some(times) = times {
            self.ready_at.resize(wanted, now + self.boot * times);
        }
    }

    pub fn in_service(&self, now: i64) -> u32 {
        self.ready_at.iter().filter(|at| **at <= now).count() as u32
    }

    pub fn describe(&self, now: i64, observed_at: Timestamp) -> GroupObservation {
        let in_service = self.in_service(now);
        let zone = |number: u32| (format!("z{number}"), (in_service + 2 - number) / 3);
        GroupObservation {
            desired: Capacity(self.desired),
            in_service: Capacity(in_service),
            zones: (0..3).map(zone).collect(),
            boot_p95_ms: Some(self.boot.unsigned_abs()),
            ..GroupObservation::at_floor(Capacity(self.floor), Capacity(self.ceiling), observed_at)
        }
    }

    /// Carries out an order, once per key.
    pub fn set_floor(&mut self, key: &str, floor: u32) -> Result<(), String> {
        if let Some(first) = self.orders.get(key) {
            return if *first == floor { Ok(()) } else { Err(format!("{key} asked for {first} before, and now for {floor}")) };
        }
        if floor > self.ceiling {
            return Err(format!("the floor {floor} is above the ceiling {}", self.ceiling));
        }
        self.orders.insert(key.to_owned(), floor);
        (self.floor, self.desired) = (floor, floor);
        Ok(())
    }

    /// A person does as they please.
    pub fn by_hand(&mut self, floor: u32) {
        self.floor = floor.min(self.ceiling);
        self.desired = self.desired.max(self.floor);
    }

    pub fn lose(&mut self, percent: u64) {
        let left = self.ready_at.len() as u64 * (100 - percent.min(100)) / 100;
        self.ready_at.truncate(left as usize);
    }
}
