//! The simulated world of a scenario: groups, caches, traffic and probes; it moves with the clock and obeys effects.
//!
//! Invariant: what it shows at an instant depends on the script and the effects alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tminus::core::checklist::{Check, Demand, Evidence, Item, Outcome, is_due};
use tminus::core::decide::{Config, Effect, Intent, Observations};
use tminus::core::words::{Name, Percent};

use super::cache::Cache;
use super::group::Group;
use super::traffic::Traffic;

/// See the module.
#[derive(Default)]
pub(super) struct World {
    pub(super) groups: BTreeMap<Name, Group>,
    pub(super) caches: BTreeMap<Name, Cache>,
    pub(super) traffic: BTreeMap<Name, Traffic>,
    pub(super) probes: BTreeMap<Name, Probe>,
    pub(super) halt_file: bool,
    evidence: BTreeMap<Name, BTreeMap<Name, Evidence>>,
    in_service: BTreeMap<Name, u32>,
}

/// What the probe of an item answers.
pub(super) struct Probe {
    pub(super) outcome: Outcome,
    pub(super) detail: String,
}

impl World {
    /// Moves to an instant; what people could see happen comes back as lines.
    pub(super) fn advance(&mut self, config: &Config, percents: &BTreeMap<Name, Percent>, now: Timestamp) -> Vec<String> {
        for (release, traffic) in &mut self.traffic {
            traffic.advance(now, percents.get(release).map_or(0.0, |percent| percent.share()));
        }
        self.probe(config, now);
        let mut seen: Vec<String> = Vec::new();
        for (name, group) in &self.groups {
            let arrived = group.in_service(now);
            if self.in_service.insert(name.clone(), arrived).is_some_and(|before| before != arrived) {
                seen.push(format!("{name}: {arrived} instances in service"));
            }
        }
        let policies = &config.primings;
        seen.extend(self.caches.iter_mut().filter_map(|(name, cache)| cache.advance(policies.get(name)?, now)));
        seen
    }

    /// Measures every probed item whose time has come.
    fn probe(&mut self, config: &Config, now: Timestamp) {
        for release in config.releases.values() {
            let lists = release.checklists.iter().filter_map(|name| config.checklists.get(name));
            for item in lists.flat_map(|list| &list.items).filter(|item| is_probed(item)) {
                let Some(probe) = self.probes.get(&item.id) else { continue };
                let answers = self.evidence.entry(release.name.clone()).or_default();
                let last = answers.get(&item.id).map(|evidence| evidence.measured_at);
                if is_due(item, last, (release.launch_at, now)) {
                    let evidence = Evidence { outcome: probe.outcome, detail: probe.detail.clone(), measured_at: now };
                    answers.insert(item.id.clone(), evidence);
                }
            }
        }
    }

    /// Measures an item anew at the next look, whatever its cadence.
    pub(super) fn forget(&mut self, item: &Name) {
        self.evidence.values_mut().for_each(|answers| drop(answers.remove(item)));
    }

    pub(super) fn observe(&self, config: &Config, now: Timestamp) -> Observations {
        let counted = |(name, traffic): (&Name, &Traffic)| {
            let gate = config.gates.get(config.releases.get(name)?.gate.as_ref()?)?;
            let metrics = gate.metrics.iter().map(|metric| (metric.name.clone(), traffic.minutes.clone()));
            Some((name.clone(), metrics.collect()))
        };
        let running = |cache: &Cache| cache.running.as_ref().map(|(key, _)| key.clone());
        Observations {
            groups: self.groups.iter().filter_map(|(name, group)| Some((name.clone(), group.describe(now)?))).collect(),
            history: self.groups.iter().map(|(name, group)| (name.clone(), group.history(now))).collect(),
            minutes: self.traffic.iter().filter_map(counted).collect(),
            coverage: self.caches.iter().filter_map(|(name, cache)| Some((name.clone(), cache.coverage.clone()?))).collect(),
            evidence: self.evidence.clone(),
            halt_file: self.halt_file,
            open: self.caches.values().filter_map(running).collect::<BTreeSet<_>>(),
            ..Observations::default()
        }
    }

    /// Does what a decision asked for; why not, if it cannot.
    pub(super) fn act(&mut self, intent: &Intent, now: Timestamp) -> Result<(), String> {
        match &intent.effect {
            Effect::SetFloor { group, floor, .. } => {
                self.groups.get_mut(group).ok_or(format!("there is no group {group}"))?.set_floor(floor.0, now)
            }
            Effect::Prime { policy, .. } => {
                self.caches.get_mut(policy).ok_or(format!("nothing primes {policy} in this scenario"))?.prime(&intent.key, now);
                Ok(())
            }
            Effect::ScheduleFloors { group, .. } => Err(format!("{group} keeps no schedule in this scenario")),
            Effect::Notify(_) | Effect::Report { .. } => Ok(()),
        }
    }

    /// When something happens by itself next.
    pub(super) fn next_event(&self, now: Timestamp) -> Option<Timestamp> {
        let boots = self.groups.values().filter_map(|group| group.next_event(now));
        let runs = self.caches.values().filter_map(|cache| cache.running.as_ref().map(|(_, ends)| *ends));
        boots.chain(runs).filter(|at| *at > now).min()
    }
}

/// Whether the shell measures it; the core computes the others.
fn is_probed(item: &Item) -> bool {
    matches!(item.demand, Demand::Check(Check::Http { .. } | Check::Metric { .. } | Check::Command { .. } | Check::Alarms { .. }))
}
