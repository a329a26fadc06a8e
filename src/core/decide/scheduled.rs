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
use crate::core::load::{FIRES_WITHIN, GroupPlan, KeptSchedule, ScheduledFloor, Turn, followed, wanted};
use crate::core::words::{Name, later};

/// How long what was asked is given to show, before it is asked for again.
const SHOWS_WITHIN: Duration = Duration::from_mins(2);

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
        if let Some(seen) = draft.snapshot.observed.groups.get(&plan.group) {
            group(draft, plan, seen);
        }
    }
}

fn group(draft: &mut Draft<'_>, plan: &GroupPlan, seen: &GroupObservation) {
    let (now, name) = (draft.snapshot.now, &plan.group);
    let Some(wanted) = wanted(plan, seen, now) else { return };
    let before = draft.state.schedules.get(name).cloned();
    // What is about to come is not seen yet, and is still to be known for ours.
    let firing = |kept: &ScheduledFloor| kept.at <= now && now < later(kept.at, FIRES_WITHIN) && !wanted.contains(kept);
    let mut floors: Vec<ScheduledFloor> =
        before.iter().flat_map(|before| &before.floors).filter(|kept| firing(kept)).cloned().collect();
    floors.extend(wanted.iter().cloned());
    let asks = !is_kept(&wanted, seen, now) && !is_asked(draft, before.as_ref(), &floors, name);
    let gave_back_at = before.as_ref().and_then(|before| before.gave_back_at);
    if floors.is_empty() && gave_back_at.is_none_or(|at| !is_missed(draft, name, at)) {
        draft.state.schedules.remove(name);
    } else if asks || before.as_ref().is_none_or(|before| before.floors != floors) {
        let asked_at = if asks { now } else { before.map_or(now, |before| before.asked_at) };
        let kept = KeptSchedule { restore: plan.restore, floors, asked_at, gave_back_at };
        draft.state.schedules.insert(name.clone(), kept);
    }
    if asks {
        let key = format!("schedule:{name}:{:016x}:{}", digest(&wanted), draft.state.decisions + 1);
        let (restore, why) = (plan.restore, why(&wanted));
        draft.ask(key, Effect::ScheduleFloors { group: name.clone(), restore, floors: wanted, why });
    }
}

/// Whether the provider keeps exactly this; what should have fired and is still there counts once it is overdue.
fn is_kept(wanted: &[ScheduledFloor], seen: &GroupObservation, now: Timestamp) -> bool {
    let ours = seen.schedule.as_deref().unwrap_or_default();
    let counts = |kept: &&ScheduledFloor| kept.at > now || now >= later(kept.at, FIRES_WITHIN) || wanted.contains(kept);
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
    let text = floors.iter().map(|kept| format!("{} {} {:?};", kept.at, kept.floor, kept.turn)).collect::<String>();
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
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
