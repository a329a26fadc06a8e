//! What the world should look like now: floors and reports. Level-triggered; warm caches are in `warmth`.
//!
//! Invariants: targets are absolute; nothing is asked twice while it is open; nothing is asked for a shadow release.

use std::time::Duration;

use super::draft::Draft;
use super::effect::Effect;
use super::scheduled;
use crate::core::load::GroupPlan;
use crate::core::release::{Release, ReleaseState};
use crate::core::words::{Name, later};

/// The same floor is not set again sooner: a provider that says yes and does nothing would be asked without a pause.
const AGAIN: Duration = Duration::from_secs(10);

/// Floors that must stand now and do not.
pub(super) fn floors(draft: &mut Draft<'_>) {
    let plans: Vec<GroupPlan> = draft.plans.values().cloned().collect();
    let now = draft.snapshot.now;
    draft.state.set_again.retain(|_, at| later(*at, AGAIN) > now);
    for plan in &plans {
        floor(draft, plan);
    }
}

/// Remembers what is held, and asks for the change that is due now.
fn floor(draft: &mut Draft<'_>, plan: &GroupPlan) {
    let open = draft.snapshot.observed.open.iter().any(|key| key.starts_with(&format!("floor:{}:", plan.group)));
    let before = draft.state.floors.get(&plan.group).map(|held| held.floor);
    let due = plan.timeline.first().filter(|change| change.at <= draft.snapshot.now).cloned();
    // What its provider is about to give back by itself is not given back twice.
    if due.as_ref().is_some_and(|due| due.to < due.from) && scheduled::is_firing(&draft.state, &plan.group, draft.snapshot.now) {
        return;
    }
    match plan.held {
        Some(held) => draft.state.floors.insert(plan.group.clone(), held),
        None => draft.state.floors.remove(&plan.group),
    };
    let Some(due) = due.filter(|due| before != Some(due.to) || !open) else { return };
    // A raise that has not arrived, or was undone, is not made up for by giving a part of it back.
    let seen = draft.snapshot.observed.groups.get(&plan.group).map(|seen| seen.floor);
    if before.is_some_and(|before| due.to < before) && seen.is_some_and(|seen| seen < due.to) {
        return;
    }
    // The same floor again: others lowered it, or its provider does not do what it says.
    if before == Some(due.to) {
        if draft.state.set_again.contains_key(&plan.group) {
            return;
        }
        draft.state.set_again.insert(plan.group.clone(), draft.snapshot.now);
    }
    let key = format!("floor:{}:{}:{}", plan.group, due.to, draft.state.decisions + 1);
    let restore = plan.held.map_or(plan.restore, |held| held.restore);
    let effect = Effect::SetFloor { group: plan.group.clone(), floor: due.to, restore, why: due.why.clone() };
    draft.ask(key, effect);
}

/// Reports of releases that ended since the snapshot.
pub(super) fn reports(draft: &mut Draft<'_>) {
    let ended = draft.releases().filter(|(release, state)| !release.released && just_ended(draft, release, state));
    let names: Vec<Name> = ended.map(|(release, _)| release.name.clone()).collect();
    for name in names {
        draft.ask(format!("report:{name}:{}", draft.snapshot.now), Effect::Report { release: name });
    }
}

fn just_ended(draft: &Draft<'_>, release: &Release, state: &ReleaseState) -> bool {
    let before = draft.snapshot.state.releases.get(&release.name).and_then(|before| before.ended_at);
    before.is_none() && state.ended_at.is_some()
}
