//! I3 of one floor: what it goes back to is remembered, no change is a jump, and nothing is given back while a launch is near
//! or its capacity is kept.
//!
//! Not here: what is needed. Invariant: windows are derived from documents and states alone.

use std::time::Duration;

use super::{Broken, say};
use crate::core::decide::{Decision, Effect, Snapshot};
use crate::core::load::{Policy, ScheduledFloor};
use crate::core::release::{Active, Phase, Release, ReleaseState};
use crate::core::words::{Capacity, Name, later};

/// An order takes so long to be seen at most.
const SETTLES: Duration = Duration::from_mins(1);

/// Every floor that is asked for.
pub(super) fn check(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    for intent in &decision.intents {
        let Effect::SetFloor { group, floor, restore, .. } = &intent.effect else { continue };
        let Some(policy) = snapshot.config.scalings.get(group) else { continue };
        let remembered = decision.state.floors.get(group);
        if remembered.is_none_or(|held| held.floor != *floor || held.restore != *restore) {
            say(broken, "I3", format!("floor {floor} of {group} would go back to {restore}, and that is not remembered"));
        }
        pace(snapshot, (policy, group, *floor), broken);
        forgotten(snapshot, (policy, group, *restore), broken);
        let lowers = stands(snapshot, group).is_some_and(|held| *floor < held);
        if lowers && is_blind(snapshot, policy) {
            say(broken, "I3", format!("{group} would be scaled in while nobody knows its load"));
        }
        let needing = snapshot.config.releases.values().find(|release| keeps(decision, snapshot, (policy, group, release)));
        if let Some(release) = needing.filter(|_| lowers) {
            say(broken, "I3", format!("{group} would be scaled in while {} needs it", release.name));
        }
    }
}

/// What was there before the launch stays remembered, as far as the policy wants it there.
fn forgotten(snapshot: &Snapshot, (policy, group, restore): (&Policy, &Name, Capacity), broken: &mut Vec<Broken>) {
    let before = snapshot.state.floors.get(group).map(|held| held.restore.min(policy.limits.floor));
    if let Some(before) = before.filter(|before| restore < *before) {
        say(broken, "I3", format!("{group} would go back to {restore} instead of {before}"));
    }
}

/// Whether its load is to be measured and the last day of it is not known.
fn is_blind(snapshot: &Snapshot, policy: &Policy) -> bool {
    let newest = snapshot.observed.history.get(&policy.name).and_then(|points| points.last());
    policy.has_history && newest.is_none_or(|(at, _)| later(*at, Duration::from_hours(24)) < snapshot.now)
}

/// What a floor is compared with: what is held, unless others took it away since, and this was seen when our own change had
/// long arrived. Setting it again, even lower than it was, takes nothing away.
pub(super) fn stands(snapshot: &Snapshot, group: &Name) -> Option<Capacity> {
    let held = snapshot.state.floors.get(group)?;
    let seen = snapshot.observed.groups.get(group);
    let taken = seen.filter(|seen| seen.floor < held.floor && seen.observed_at >= later(held.since, SETTLES));
    Some(taken.map_or(held.floor, |seen| seen.floor))
}

/// At most a step at a time, from what is held or seen.
fn pace(snapshot: &Snapshot, (policy, group, floor): (&Policy, &Name, Capacity), broken: &mut Vec<Broken>) {
    let held = stands(snapshot, group);
    let seen = snapshot.observed.groups.get(group).map(|seen| seen.floor);
    let step = policy.limits.step.0.max(1);
    let remembered = snapshot.state.floors.get(group).map(|held| held.floor);
    let highest = remembered.into_iter().chain(seen).max().unwrap_or(policy.limits.floor);
    if floor.0 > highest.0.saturating_add(step) {
        say(broken, "I3", format!("{group} would jump from {highest} to {floor}, by more than {step}"));
    }
    // From where its provider brought it by itself.
    let from = came_by_itself(snapshot, group).or(held);
    if from.is_some_and(|from| floor.0.saturating_add(step) < from.0) {
        say(broken, "I3", format!("{group} would fall to {floor} at once, by more than {step}"));
    }
}

/// The floor that the group's provider set by itself when its time came, if that is where the group was seen.
fn came_by_itself(snapshot: &Snapshot, group: &Name) -> Option<Capacity> {
    let (kept, seen) = (snapshot.state.schedules.get(group)?, snapshot.observed.groups.get(group)?);
    let came = |change: &&ScheduledFloor| change.at <= snapshot.now && change.floor == seen.floor;
    kept.floors.iter().find(came).map(|change| change.floor)
}

/// Whether the launch's T-0 had passed when a restore that its provider kept came due.
fn missed(decision: &Decision, (group, release): (&Name, &Release)) -> bool {
    let gave_back_at = decision.state.schedules.get(group).and_then(|kept| kept.gave_back_at);
    gave_back_at.is_some_and(|at| release.launch_at <= at)
}

/// Whether nothing may be given back because of this release.
fn keeps(decision: &Decision, snapshot: &Snapshot, (policy, group, release): (&Policy, &Name, &Release)) -> bool {
    if release.shadow || release.released || !release.scaling.contains(group) {
        return false;
    }
    let Some(state) = decision.state.releases.get(&release.name) else { return false };
    let now = snapshot.now;
    let kept = |state: &ReleaseState| {
        let from = [state.full_at, state.ended_at].into_iter().flatten().min();
        from.is_some_and(|from| now < later(from, policy.hold_after))
    };
    match &state.phase {
        Phase::Active(Active::Rolling { .. } | Active::Baking)
        | Phase::Held { at: Active::Rolling { .. } | Active::Baking, .. } => true,
        // Ahead: from the lead before T-0 on, however late it gets, until its provider gave it back by itself.
        Phase::Planned | Phase::Active(_) | Phase::Held { .. } if missed(decision, (group, release)) => false,
        Phase::Planned | Phase::Active(_) | Phase::Held { .. } => release.launch_at <= later(now, policy.lead),
        Phase::Complete => state.full_at.is_some() && kept(state),
        Phase::Aborted { .. } => {
            state.evidence_from.is_some() && state.ended_at.is_some_and(|at| now < later(at, policy.hold_after))
        }
        Phase::Scrubbed { .. } => false,
    }
}
