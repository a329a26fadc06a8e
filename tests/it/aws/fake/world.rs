//! What the service knows: groups that boot instances, scheduled actions that fire, activities, and its ledger.
//!
//! Invariant: min <= desired <= max, always; whatever changes a size is in the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How late scheduled actions fire: AWS says up to two minutes.
const LATE_SECS: i64 = 100;

/// A group.
#[derive(Clone, Debug)]
pub struct Asg {
    pub min: i64,
    pub max: i64,
    pub desired: i64,
    pub zones: Vec<&'static str>,
    /// When each instance is in service, its zone and its weight.
    pub instances: Vec<(i64, &'static str, Option<u32>)>,
    pub boot_secs: i64,
    pub suspended: Vec<(&'static str, &'static str)>,
    pub actions: BTreeMap<String, Action>,
    pub activities: Vec<Activity>,
    pub warm: u32,
    pub refresh: Option<(&'static str, u32)>,
    /// No instance can be started.
    pub exhausted: bool,
}

/// A scheduled action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub at: i64,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub desired: Option<i64>,
    pub recurrence: Option<String>,
}

/// A scaling activity.
#[derive(Clone, Debug)]
pub struct Activity {
    pub id: String,
    pub began: i64,
    pub ended: i64,
    pub failed: bool,
}

/// What happened to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The minimum was set over the wire, to something else.
    Min(i64),
    /// It was set to what it was.
    Again(i64),
    /// A scheduled action set it.
    Fired(i64),
    Put(String, i64),
    Deleted(String),
}

/// What is out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Throttles,
    LosesAnswers,
    Doubles,
}

/// See the module.
pub struct World {
    /// How far its clock is ahead of the wall clock; none: it only moves when a test moves it.
    ahead: Option<i64>,
    pub now: i64,
    pub groups: BTreeMap<String, Asg>,
    pub calls: BTreeMap<String, u32>,
    /// Access keys, regions and operations.
    pub callers: BTreeSet<(String, String, String)>,
    /// What happened to whom, and when.
    pub ledger: Vec<(i64, String, Change)>,
    /// Every so many calls something is out of order; 0: never.
    pub trouble_every: u32,
    pub troubles: Vec<Trouble>,
    came: u32,
    /// How long each answer takes.
    pub takes: Duration,
    /// Calls that are under way, and the most that ever were.
    pub under_way: (u32, u32),
    /// What is refused, by operation.
    pub denied: Vec<&'static str>,
}

impl World {
    pub fn new(now: i64) -> Self {
        Self {
            ahead: Some(0),
            now,
            groups: BTreeMap::new(),
            calls: BTreeMap::new(),
            callers: BTreeSet::new(),
            ledger: Vec::new(),
            trouble_every: 0,
            troubles: Vec::new(),
            came: 0,
            takes: Duration::ZERO,
            under_way: (0, 0),
            denied: Vec::new(),
        }
    }

    /// A group with its minimum in service, over two zones.
    pub fn add(&mut self, name: &str, (min, max): (i64, i64)) -> &mut Asg {
        let zones = vec!["us-west-2a", "us-west-2b"];
        let instances = (0..min).map(|i| (0, zones[i as usize % 2], None)).collect();
        let asg = Asg {
            min,
            max,
            desired: min,
            zones,
            instances,
            boot_secs: 60,
            suspended: Vec::new(),
            actions: BTreeMap::new(),
            activities: Vec::new(),
            warm: 0,
            refresh: None,
            exhausted: false,
        };
        self.groups.entry(name.to_owned()).or_insert(asg)
    }

    pub fn group(&mut self, name: &str) -> &mut Asg {
        self.groups.get_mut(name).unwrap()
    }

    /// Moves the clock on; what is due on the way happens.
    pub fn skip(&mut self, secs: i64) {
        self.ahead = self.ahead.map(|ahead| ahead + secs);
        self.pass(self.now + secs);
    }

    /// From now on time passes by [`World::skip`] alone, so that no second comes between two looks.
    pub fn stop(&mut self) {
        self.ahead = None;
    }

    /// Time passes as the wall clock says.
    pub fn live(&mut self, wall: i64) {
        if let Some(ahead) = self.ahead {
            self.pass((wall + ahead).max(self.now));
        }
    }

    fn pass(&mut self, until: i64) {
        let mut due: Vec<(i64, String, String)> = Vec::new();
        for (name, group) in &self.groups {
            let fires = group.actions.iter().map(|(action, it)| (it.at + LATE_SECS, name.clone(), action.clone()));
            due.extend(fires.filter(|(at, ..)| *at <= until));
        }
        due.sort();
        for (at, name, action) in due {
            self.now = at.max(self.now);
            self.fire(&name, &action);
        }
        self.now = until;
    }

    /// A one-time action is gone when it fired; while its process is suspended it does nothing.
    fn fire(&mut self, name: &str, action: &str) {
        let group = self.groups.get_mut(name).unwrap();
        let Some(fired) = group.actions.remove(action) else { return };
        if group.suspended.iter().any(|(process, _)| *process == "ScheduledActions") {
            return;
        }
        group.max = fired.max.unwrap_or(group.max);
        if let Some(min) = fired.min.filter(|min| *min <= group.max) {
            group.min = min;
            self.ledger.push((self.now, name.to_owned(), Change::Fired(min)));
        }
        self.settle(name);
    }

    /// Sets the minimum over the wire, as AWS would.
    pub fn set_min(&mut self, name: &str, min: i64) -> Result<(), String> {
        let now = self.now;
        let Some(group) = self.groups.get_mut(name) else {
            return Err(format!("AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"));
        };
        if min > group.max {
            return Err(format!("Max bound, {}, must be greater than or equal to min bound, {min}", group.max));
        }
        if min < 0 {
            return Err("MinSize must be at least 0".into());
        }
        let change = if group.min == min { Change::Again(min) } else { Change::Min(min) };
        group.min = min;
        self.ledger.push((now, name.to_owned(), change));
        self.settle(name);
        Ok(())
    }

    /// Desired follows the bounds, instances follow desired.
    fn settle(&mut self, name: &str) {
        let now = self.now;
        let group = self.groups.get_mut(name).unwrap();
        group.desired = group.desired.clamp(group.min, group.max);
        let launches = !group.suspended.iter().any(|(process, _)| *process == "Launch");
        while launches && group.instances.len() < group.desired as usize {
            let number = group.activities.len();
            let activity =
                Activity { id: format!("{name}-{number}"), began: now, ended: now + group.boot_secs, failed: group.exhausted };
            group.activities.push(activity);
            if group.exhausted {
                break;
            }
            group.instances.push((now + group.boot_secs, group.zones[number % group.zones.len()], None));
        }
        group.instances.truncate(group.desired as usize);
    }

    /// Counts a call; what is out of order with it.
    pub fn trouble(&mut self, action: &str) -> Option<Trouble> {
        *self.calls.entry(action.to_owned()).or_default() += 1;
        self.came += 1;
        let hit = self.trouble_every > 0 && self.came.is_multiple_of(self.trouble_every) && !self.troubles.is_empty();
        hit.then(|| self.troubles[(self.came / self.trouble_every) as usize % self.troubles.len()])
    }

    /// Changes of a group's size, oldest first: what was set over the wire and what fired.
    pub fn sizes(&self, name: &str) -> Vec<(i64, i64)> {
        let size = |change: &Change| match change {
            Change::Min(to) | Change::Fired(to) => Some(*to),
            _ => None,
        };
        self.ledger
            .iter()
            .filter(|(_, group, _)| group == name)
            .filter_map(|(at, _, change)| Some((*at, size(change)?)))
            .collect()
    }

    /// How often a call was made.
    pub fn called(&self, action: &str) -> u32 {
        self.calls.get(action).copied().unwrap_or(0)
    }
}
