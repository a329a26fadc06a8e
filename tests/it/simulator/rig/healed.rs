//! Liveness (I9): ten minutes after the last fault the world is as desired, and in the end everything has come to its end.
//!
//! Not here: safety, which holds all the time. Invariant: nothing is forgiven that a person would have to mend.

use std::time::Duration;

use jiff::Timestamp;
use tminus::core::checklist::{Check, Demand};
use tminus::core::decide::Snapshot;
use tminus::core::release::{Active, Phase, Release};
use tminus::core::words::{Name, later, since};

use super::options::MINUTE;
use super::run::Sim;
use super::world::name;

/// An effect that was asked for so lately may still be on its way.
const ON_ITS_WAY: i64 = 5 * MINUTE;

impl Sim {
    /// Ten minutes after everything was mended.
    pub fn look_healed(&mut self) {
        let wrong = self.unsettled().or_else(|| self.cold()).or_else(|| self.missed()).or_else(|| self.unseen());
        if let Some(message) = wrong {
            self.fail("I9", format!("ten minutes after the last fault {message}"));
        }
    }

    /// At the end people have let everything go on for hours.
    pub fn look_at_the_end(&mut self) {
        let wrong = self.unsettled().or_else(|| self.unfinished()).or_else(|| self.still_raised());
        if let Some(message) = wrong {
            self.fail("I9", format!("in the end {message}"));
        }
    }

    /// Effects that are still open, and floors that do not stand.
    fn unsettled(&self) -> Option<String> {
        let old = |key: &&String| self.journal.entry(key).is_some_and(|entry| self.now - entry.decided_at > ON_ITS_WAY);
        if let Some(key) = self.journal.open().iter().find(old) {
            return Some(format!("{key} is still open"));
        }
        let Some(daemon) = self.daemon.as_ref() else { return Some("no daemon runs".into()) };
        for (number, group) in self.group_names.iter().enumerate() {
            let Some(held) = daemon.state().floors.get(group) else { continue };
            let (floor, settling) = (self.world.groups[number].floor, since(self.clock(), held.since) < Duration::from_mins(3));
            if floor != held.floor.0 && !settling {
                return Some(format!("{group} has floor {floor} and not {}", held.floor));
            }
        }
        None
    }

    /// Caches that a launch needs and nobody proved.
    fn cold(&self) -> Option<String> {
        let snapshot = &self.daemon.as_ref()?.snapshot;
        let going = |release: &&Release| {
            let phase = snapshot.state.releases.get(&release.name).map(|state| &state.phase);
            let active = matches!(phase, Some(Phase::Active(_)));
            active && !release.shadow && !release.released
        };
        snapshot.config.releases.values().filter(going).flat_map(|release| &release.priming).find_map(|name| {
            let policy = snapshot.config.primings.get(name)?;
            let Some(coverage) = snapshot.observed.coverage.get(name) else {
                return Some(format!("nothing of {name} is proven"));
            };
            let whole =
                policy.nodes.iter().all(|node| coverage.nodes.get(node).is_some_and(|ratio| ratio * 100.0 >= policy.coverage));
            let aged = since(snapshot.now, coverage.measured_at) > policy.poll_every + Duration::from_mins(8);
            let ahead = coverage.measured_at > snapshot.now;
            (!whole || aged || ahead)
                .then(|| format!("{name} was proven last at {} with {:?}", coverage.measured_at, coverage.nodes))
        })
    }

    /// Runs of a schedule that fell due and that nobody made.
    fn missed(&self) -> Option<String> {
        let snapshot = &self.daemon.as_ref()?.snapshot;
        snapshot.state.primings.iter().find_map(|(name, runs)| {
            let fire = runs.next_fire()?;
            let open = self.journal.is_open_for(&format!("priming/{}", name.folded()));
            let late = since(snapshot.now, fire) > Duration::from_mins(6);
            (late && !open).then(|| format!("the run of {name} that fell due at {fire} was not made"))
        })
    }

    /// Answers of probes that are old or from the future.
    fn unseen(&self) -> Option<String> {
        let snapshot: &Snapshot = &self.daemon.as_ref()?.snapshot;
        for release in snapshot.config.releases.values() {
            let phase = snapshot.state.releases.get(&release.name).map(|state| &state.phase);
            if release.released || !matches!(phase, Some(Phase::Active(_) | Phase::Held { .. })) {
                continue;
            }
            let items =
                release.checklists.iter().filter_map(|list| snapshot.config.checklists.get(list)).flat_map(|list| &list.items);
            for item in items.filter(|item| matches!(item.demand, Demand::Check(Check::Http { .. }))) {
                let evidence = snapshot.observed.evidence.get(&release.name).and_then(|items| items.get(&item.id));
                let fresh = evidence.is_some_and(|evidence| since(snapshot.now, evidence.measured_at) < Duration::from_mins(16));
                if !fresh {
                    return Some(format!("{} of {} has no fresh answer", item.id, release.name));
                }
            }
        }
        None
    }

    /// Floors that no launch needs any more, and that were not given back.
    fn still_raised(&self) -> Option<String> {
        let snapshot = &self.daemon.as_ref()?.snapshot;
        snapshot.state.floors.iter().find_map(|(group, held)| {
            let policy = snapshot.config.scalings.get(group)?;
            let raised = held.peak.0.saturating_sub(held.restore.0);
            let each = ((f64::from(raised) * policy.ramp_down.percent / 100.0) as u32).min(policy.limits.step.0).max(1);
            let ramp = policy.ramp_down.every.saturating_mul(raised.div_ceil(each) + 1);
            let leaning = snapshot.config.releases.values().filter(|release| release.scaling.contains(group) && !release.shadow);
            let faded: Option<Vec<Timestamp>> =
                leaning.filter(|release| !release.released).map(|release| self.faded_at(&release.name)).collect();
            // People raise floors as they please until everything is mended, and that is given back as well.
            let mended = later(self.options.starts_at, Duration::from_hours(self.options.heal_at.unsigned_abs()));
            let over = later(later(faded?.into_iter().max()?, policy.hold_after).max(mended), ramp);
            (held.floor > held.restore && over < snapshot.now)
                .then(|| format!("{group} keeps floor {} and not {}, which nobody needs since {over}", held.floor, held.restore))
        })
    }

    /// When a launch that ended brings less than 3 requests a second: three of them are less than half an instance.
    fn faded_at(&self, release: &Name) -> Option<Timestamp> {
        let ended_at = self.daemon.as_ref()?.state().releases.get(release)?.ended_at?;
        let option = self.options.releases.iter().find(|option| name(&option.name) == *release)?;
        let half_life = option.half_life_mins as f64 * 60.0;
        let first = f64::from(option.clients) * 0.6 * 12.0 * std::f64::consts::LN_2 / half_life;
        let half_lives = (first / 3.0).log2().max(0.0);
        Some(later(ended_at, Duration::from_secs_f64(half_lives * half_life)))
    }

    /// Launches that never came to an end.
    fn unfinished(&self) -> Option<String> {
        let snapshot = &self.daemon.as_ref()?.snapshot;
        for release in snapshot.config.releases.values().filter(|release| !release.shadow) {
            let state = snapshot.state.releases.get(&release.name)?;
            let ended = matches!(state.phase, Phase::Complete | Phase::Scrubbed { .. });
            if !ended {
                let view = self.last.releases.get(&release.name)?;
                return Some(format!("{} is {}: {:?}", release.name, view.phase, view.waiting));
            }
            let reports = self.world.reports.contains(release.name.as_str());
            if !reports && !release.released {
                return Some(format!("{} ended and has no report", release.name));
            }
        }
        let stuck = snapshot.state.releases.values().any(|state| matches!(state.phase, Phase::Active(Active::Rolling { .. })));
        (stuck && snapshot.config.releases.is_empty()).then(|| "a release without a document rolls".into())
    }
}
