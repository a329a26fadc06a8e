//! Floors that providers keep: takes over what they did by themselves, and asks them to keep what is planned.
//!
//! What comes of it while nobody is there is in [`crate::core::load`]. Invariants: it is asked for only where what is kept
//! differs from what is wanted, once; what was asked is remembered with it, so that a floor that comes and goes by itself
//! is known for ours, with the floor that was there before.

use std::time::Duration;

use jiff::Timestamp;

use super::draft::Draft;
use super::effect::Effect;
use super::snapshot::{GroupObservation, Snapshot, State};
use crate::core::load::{FIRES_WITHIN, Fence, GroupPlan, KeptSchedule, Override, ScheduledFloor, Turn, followed, wanted};
use crate::core::release::{Phase, Release, ReleaseState};
use crate::core::words::{Capacity, Name, later};

/// How long what was asked is given to show, before it is asked for again.
const SHOWS_WITHIN: Duration = Duration::from_mins(2);

/// The way back of a launch that is late is moved on when it is nearer than this: some failed writes fit in between.
const STAYS_AHEAD: Duration = Duration::from_mins(30);

/// Takes over what providers did since the last decision.
pub(super) fn follow(state: &mut State, snapshot: &Snapshot) {
    let now = snapshot.now;
    for (group, kept) in &mut state.schedules {
        let restored = kept.floors.iter().filter(|kept| kept.turn == Turn::Restore && kept.at <= now).map(|kept| kept.at).max();
        kept.gave_back_at = kept.gave_back_at.max(restored);
        let Some(seen) = snapshot.observed.groups.get(group) else { continue };
        let held = state.floors.get(group).copied();
        if let Some(after) = followed(held, kept, (seen, now)).filter(|after| held != Some(*after)) {
            state.floors.insert(group.clone(), after);
            kept.floors.retain(|kept| kept.at > after.since);
        }
    }
}

/// When a restore last came due by itself.
pub(super) fn gave_back_at(state: &State, group: &Name) -> Option<Timestamp> {
    state.schedules.get(group)?.gave_back_at
}

/// Whether the group's provider is about to change the floor by itself.
pub(super) fn is_firing(state: &State, group: &Name, now: Timestamp) -> bool {
    state.schedules.get(group).is_some_and(|kept| kept.is_firing(now))
}

/// Has providers keep what is planned.
pub(super) fn ask(draft: &mut Draft<'_>) {
    let config = &draft.snapshot.config;
    let keeping = |group: &Name| config.scalings.get(group).is_some_and(|policy| policy.keeps_schedule);
    let plans: Vec<GroupPlan> = draft.plans.values().filter(|plan| keeping(&plan.group)).cloned().collect();
    for plan in &plans {
        let fresh = |seen: &&GroupObservation| draft.snapshot.now <= later(seen.observed_at, SHOWS_WITHIN);
        let seen = draft.snapshot.observed.groups.get(&plan.group).filter(fresh);
        let fence = fence(draft, plan, seen);
        match seen.and_then(|seen| Some((seen, wanted(plan, (seen, &fence), draft.snapshot.now)?))) {
            Some((seen, wanted)) => keep(draft, plan, (seen, &fence), &wanted),
            None => obey(draft, plan, &fence),
        }
    }
}

/// Has what is wanted kept, if it is not.
fn keep(draft: &mut Draft<'_>, plan: &GroupPlan, (seen, fence): (&GroupObservation, &Fence), wanted: &[ScheduledFloor]) {
    let (now, name) = (draft.snapshot.now, &plan.group);
    let before = draft.state.schedules.get(name).cloned();
    // What is about to come is not seen yet, and is still to be known for ours.
    let firing = |kept: &ScheduledFloor| kept.at <= now && now < later(kept.at, FIRES_WITHIN) && !wanted.contains(kept);
    let mut floors: Vec<ScheduledFloor> =
        before.iter().flat_map(|before| &before.floors).filter(|kept| firing(kept)).cloned().collect();
    floors.extend(wanted.iter().cloned());
    let asks = !is_kept(wanted, (seen, fence), now) && !is_asked(draft, before.as_ref(), &floors, name);
    let gave_back_at = before.as_ref().and_then(|before| before.gave_back_at);
    if floors.is_empty() && gave_back_at.is_none_or(|at| !is_missed(draft, name, at)) {
        draft.state.schedules.remove(name);
    } else if asks || before.as_ref().is_none_or(|before| before.floors != floors) {
        let asked_at = if asks { now } else { before.map_or(now, |before| before.asked_at) };
        let kept = KeptSchedule { restore: plan.restore, floors, asked_at, gave_back_at };
        draft.state.schedules.insert(name.clone(), kept);
    }
    if asks {
        request(draft, (name, plan.restore), wanted.to_vec());
    }
}

/// What is kept of a group that is not seen is not planned anew; but what people impose by now and the windows of launches
/// that moved take out what is against them.
fn obey(draft: &mut Draft<'_>, plan: &GroupPlan, fence: &Fence) {
    let (now, name) = (draft.snapshot.now, &plan.group);
    let Some(before) = draft.state.schedules.get(name).cloned() else { return };
    let ahead = |kept: &&ScheduledFloor| kept.at > now;
    let mut wanted: Vec<ScheduledFloor> = before.floors.iter().filter(ahead).filter(|kept| fence.allows(kept)).cloned().collect();
    if wanted.len() == before.floors.iter().filter(ahead).count() {
        return;
    }
    let back = wanted.iter().rposition(|kept| kept.turn == Turn::Restore).map_or(0, |last| last + 1);
    wanted.truncate(back);
    let fired = before.floors.iter().filter(|kept| kept.at <= now);
    let floors = fired.chain(&wanted).cloned().collect();
    let restore = before.restore;
    draft.state.schedules.insert(name.clone(), KeptSchedule { floors, asked_at: now, ..before });
    request(draft, (name, restore), wanted);
}

fn request(draft: &mut Draft<'_>, (name, restore): (&Name, Capacity), floors: Vec<ScheduledFloor>) {
    let key = format!("schedule:{name}:{:016x}:{}", digest(&floors), draft.state.decisions + 1);
    let why = why(&floors);
    draft.ask(key, Effect::ScheduleFloors { group: name.clone(), restore, floors, why });
}

/// Limits, and the windows of launches that lean on the group: from the lead before T-0 until what was raised has been kept
/// for as long as the policy says.
fn fence(draft: &Draft<'_>, plan: &GroupPlan, seen: Option<&GroupObservation>) -> Fence {
    let (now, name, restore) = (draft.snapshot.now, &plan.group, plan.restore);
    let overrides: Vec<Override> = draft.state.overrides.of(name, now).cloned().collect();
    let Some(policy) = draft.snapshot.config.scalings.get(name) else {
        return Fence { most: restore, restore, windows: Vec::new(), overrides, may_stay_from: None };
    };
    let leans = |(release, _): &(&Release, &ReleaseState)| {
        release.scaling.contains(name) && !release.shadow && !release.released && !is_given_back(&draft.state, name, release)
    };
    let leaning: Vec<(&Release, &ReleaseState)> = draft.releases().filter(leans).collect();
    let begun = |state: &ReleaseState| state.evidence_from.is_some();
    let kept = |state: &ReleaseState| state.ended_at.is_none_or(|at| now < later(at, policy.hold_after));
    let goes_on = leaning.iter().any(|(_, state)| begun(state) && kept(state));
    let is_late = leaning.iter().any(|(release, state)| !begun(state) && state.ended_at.is_none() && release.launch_at <= now);
    let window = |(release, state): &(&Release, &ReleaseState)| {
        let full_at = state.full_at.map_or(release.launch_at, |at| at.min(release.launch_at));
        let before = release.launch_at.checked_sub(policy.lead).unwrap_or(Timestamp::MIN);
        match state.phase {
            Phase::Complete | Phase::Aborted { .. } | Phase::Scrubbed { .. } => None,
            _ if state.evidence_from.is_some() => {
                Some((Timestamp::MIN, later(release.launch_at.max(full_at), policy.hold_after)))
            }
            _ => Some((before, later(release.launch_at, policy.hold_after))),
        }
    };
    let bounds = policy.limits.quota.into_iter().chain(seen.map(|seen| seen.ceiling));
    let most = bounds.fold(policy.limits.ceiling, Capacity::min);
    let may_stay_from = (is_late && !goes_on).then(|| later(now, STAYS_AHEAD));
    Fence { most, restore, windows: leaning.iter().filter_map(window).collect(), overrides, may_stay_from }
}

/// Whether its launch was not started in its window, and what was raised for it was given back.
fn is_given_back(state: &State, group: &Name, release: &Release) -> bool {
    let launched = state.releases.get(&release.name).is_some_and(|state| state.evidence_from.is_some());
    !launched && gave_back_at(state, group).is_some_and(|at| release.launch_at <= at)
}

/// Whether the provider keeps exactly this; what should have fired and is still there counts once it is overdue, and at
/// once where people impose something against it.
fn is_kept(wanted: &[ScheduledFloor], (seen, fence): (&GroupObservation, &Fence), now: Timestamp) -> bool {
    let ours = seen.schedule.as_deref().unwrap_or_default();
    let overdue = |kept: &ScheduledFloor| now >= later(kept.at, FIRES_WITHIN) || !fence.obeys(kept);
    let counts = |kept: &&ScheduledFloor| kept.at > now || overdue(kept) || wanted.contains(kept);
    ours.iter().filter(counts).eq(wanted)
}

/// Whether the very same was asked for and is on its way.
fn is_asked(draft: &Draft<'_>, before: Option<&KeptSchedule>, floors: &[ScheduledFloor], name: &Name) -> bool {
    let Some(before) = before.filter(|before| before.floors == floors) else { return false };
    let prefix = format!("schedule:{name}:");
    let open = draft.snapshot.observed.open.iter().any(|key| key.starts_with(&prefix));
    open || draft.snapshot.now < later(before.asked_at, SHOWS_WITHIN)
}

/// Whether a launch leans on the group whose T-0 had passed by then.
fn is_missed(draft: &Draft<'_>, group: &Name, at: Timestamp) -> bool {
    let mut leaning = draft.releases().filter(|(release, _)| release.scaling.contains(group) && release.launch_at <= at);
    leaning.any(|(_, state)| state.evidence_from.is_none() && state.ended_at.is_none())
}

/// The same for the same changes: a key names what it asks for (FNV-1a, 64 bits).
fn digest(floors: &[ScheduledFloor]) -> u64 {
    let texts: Vec<String> = floors.iter().map(|kept| format!("{} {} {:?};", kept.at, kept.floor, kept.turn)).collect();
    texts.concat().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn why(wanted: &[ScheduledFloor]) -> String {
    let highest = wanted.iter().filter(|kept| kept.turn == Turn::Raise).map(|kept| kept.floor).max();
    let back = wanted.last().map(|last| (last.floor, last.at));
    match (highest, back) {
        (Some(highest), Some((floor, at))) => {
            format!("its provider keeps the raise to {highest} and the way back to {floor}, which is over at {at:.0}")
        }
        (None, Some((floor, at))) => format!("its provider keeps the way back to {floor}, which is over at {at:.0}"),
        _ => "nothing is planned any more that its provider has to keep".into(),
    }
}
