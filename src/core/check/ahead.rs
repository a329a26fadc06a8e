//! I3 of floors that a provider keeps: bounded, remembered, and never a raise without its way back.
//!
//! Not here: floors that are set now. Invariant: windows are derived from documents and states alone.

use jiff::Timestamp;

use super::{Broken, say};
use crate::core::decide::{Decision, Effect, Snapshot};
use crate::core::load::{KeptSchedule, MOST_KEPT, Policy, ScheduledFloor, Turn};
use crate::core::release::{Active, Phase, Release, ReleaseState};
use crate::core::words::{Capacity, Name, later};

/// Every schedule that is asked for, and what is said of those that came due.
pub(super) fn check(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    for (group, kept) in &decision.state.schedules {
        given_back(snapshot, (group, kept), broken);
    }
    for intent in &decision.intents {
        let Effect::ScheduleFloors { group, restore, floors, .. } = &intent.effect else { continue };
        let Some(policy) = snapshot.config.scalings.get(group).filter(|policy| policy.keeps_schedule) else {
            say(broken, "I3", format!("{group} keeps no schedule and is asked to"));
            continue;
        };
        let asked = Asked { policy, group, restore: *restore, floors };
        asked.order(snapshot, broken);
        asked.bounds(snapshot, broken);
        asked.way_back(broken);
        asked.windows(decision, snapshot, broken);
        let kept = decision.state.schedules.get(group).map(|kept| (kept.restore, &kept.floors));
        let remembered =
            kept.map_or(floors.is_empty(), |(back, kept)| back == *restore && floors.iter().all(|floor| kept.contains(floor)));
        if !remembered {
            say(broken, "I3", format!("{group} is to keep floors that are not remembered"));
        }
    }
}

/// That something was given back is known from what was kept before.
fn given_back(snapshot: &Snapshot, (group, kept): (&Name, &KeptSchedule), broken: &mut Vec<Broken>) {
    let before = snapshot.state.schedules.get(group);
    let known = |at: Timestamp| {
        before.is_some_and(|before| {
            let came = |floor: &ScheduledFloor| floor.turn == Turn::Restore && floor.at == at && at <= snapshot.now;
            before.gave_back_at == Some(at) || before.floors.iter().any(came)
        })
    };
    if kept.gave_back_at.is_some_and(|at| !known(at)) {
        say(broken, "I3", format!("{group} is said to have given back what it was never to give back"));
    }
}

/// What a provider is asked to keep.
struct Asked<'a> {
    policy: &'a Policy,
    group: &'a Name,
    restore: Capacity,
    floors: &'a [ScheduledFloor],
}

impl Asked<'_> {
    /// One at a time, in the future unless it is there already, and not more than a provider takes.
    fn order(&self, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
        let Some(seen) = snapshot.observed.groups.get(self.group) else {
            // Blindly, things are only taken out.
            let before = snapshot.state.schedules.get(self.group);
            let known = |floor: &ScheduledFloor| before.is_some_and(|before| before.floors.contains(floor));
            if !self.floors.iter().all(known) {
                say(broken, "I3", format!("{} is to keep floors and was not observed", self.group));
            }
            return;
        };
        if !self.floors.is_sorted_by(|one, other| one.at < other.at) {
            say(broken, "I3", format!("{} is to change its floor twice at once", self.group));
        }
        if self.floors.len() + seen.others.len() > MOST_KEPT && !self.floors.is_empty() {
            say(broken, "I3", format!("{} is to keep more than {MOST_KEPT} changes", self.group));
        }
        let there = |floor: &ScheduledFloor| seen.schedule.iter().flatten().any(|kept| kept == floor);
        if let Some(past) = self.floors.iter().find(|floor| floor.at <= snapshot.now && !there(floor)) {
            say(broken, "I3", format!("{} is to change its floor at {}, which has passed", self.group, past.at));
        }
    }

    /// Within the limits of the policy; what others raised beyond them comes back from there.
    fn bounds(&self, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
        let limits = &self.policy.limits;
        let most = limits.quota.map_or(limits.ceiling, |quota| quota.min(limits.ceiling));
        let seen = snapshot.observed.groups.get(self.group).map_or(most, |seen| seen.floor.max(most));
        for floor in self.floors {
            let most = if floor.turn == Turn::Raise { most } else { seen };
            if floor.floor > most || floor.floor < self.restore.min(most) {
                let (group, to, at) = (self.group, floor.floor, floor.at);
                say(broken, "I3", format!("{group} is to have floor {to} at {at}, beyond {} to {most}", self.restore));
            }
        }
    }

    /// Whatever goes up comes down below it.
    fn way_back(&self, broken: &mut Vec<Broken>) {
        let highest = self.floors.iter().filter(|floor| floor.turn == Turn::Raise).map(|floor| floor.floor).max();
        let back = self.floors.last().filter(|last| last.turn == Turn::Restore).map(|last| last.floor);
        if highest.is_some_and(|highest| back.is_none_or(|back| back >= highest)) {
            say(broken, "I3", format!("{} is to be raised without its way back", self.group));
        }
    }

    /// Nothing is given back by itself while a launch is near or its capacity is kept.
    fn windows(&self, decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
        let leaning = snapshot.config.releases.values().filter(|release| release.scaling.contains(self.group));
        for release in leaning.filter(|release| !release.shadow && !release.released) {
            let Some(state) = decision.state.releases.get(&release.name) else { continue };
            let Some((from, until)) = self.window(release, state) else { continue };
            let gave_back_at = decision.state.schedules.get(self.group).and_then(|kept| kept.gave_back_at);
            let missed = state.evidence_from.is_none() && gave_back_at.is_some_and(|at| release.launch_at <= at);
            let within = |floor: &&ScheduledFloor| floor.turn == Turn::Restore && from <= floor.at && floor.at < until;
            if let Some(early) = self.floors.iter().find(within).filter(|_| !missed) {
                let (group, at, name) = (self.group, early.at, &release.name);
                say(broken, "I3", format!("{group} is to be scaled in at {at}, while {name} needs it"));
            }
        }
    }

    /// From the lead before T-0 until what was raised has been kept for as long as the policy says.
    fn window(&self, release: &Release, state: &ReleaseState) -> Option<(Timestamp, Timestamp)> {
        let keep = |at: Timestamp| later(at, self.policy.hold_after);
        let from = release.launch_at.checked_sub(self.policy.lead).unwrap_or(Timestamp::MIN);
        let full_at = state.full_at.map_or(release.launch_at, |at| at.min(release.launch_at));
        match &state.phase {
            Phase::Active(Active::Rolling { .. } | Active::Baking)
            | Phase::Held { at: Active::Rolling { .. } | Active::Baking, .. } => Some((Timestamp::MIN, keep(full_at))),
            Phase::Planned | Phase::Active(_) | Phase::Held { .. } => Some((from, keep(release.launch_at))),
            Phase::Complete | Phase::Aborted { .. } | Phase::Scrubbed { .. } => None,
        }
    }
}
