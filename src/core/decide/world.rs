//! What the world should look like now: floors, warm caches, reports. Level-triggered.
//!
//! Invariants: targets are absolute; nothing is asked twice while it is open; nothing is asked for a shadow release.

use super::draft::Draft;
use super::effect::Effect;
use crate::core::load::GroupPlan;
use crate::core::priming::{Coverage, Policy};
use crate::core::release::{Active, Phase, Release, ReleaseState};
use crate::core::words::{Name, since};

/// Floors that must stand now and do not.
pub(super) fn floors(draft: &mut Draft<'_>) {
    let plans: Vec<GroupPlan> = draft.plans.values().cloned().collect();
    for plan in &plans {
        floor(draft, plan);
    }
}

/// Remembers what is held, and asks for the change that is due now.
fn floor(draft: &mut Draft<'_>, plan: &GroupPlan) {
    let open = draft.snapshot.observed.open.iter().any(|key| key.starts_with(&format!("floor:{}:", plan.group)));
    let before = draft.state.floors.get(&plan.group).map(|held| held.floor);
    match plan.held {
        Some(held) => draft.state.floors.insert(plan.group.clone(), held),
        None => draft.state.floors.remove(&plan.group),
    };
    let due = plan.timeline.first().filter(|change| change.at <= draft.snapshot.now);
    let Some(due) = due.filter(|due| before != Some(due.to) || !open) else { return };
    let key = format!("floor:{}:{}:{}", plan.group, due.to, draft.state.decisions + 1);
    let effect = Effect::SetFloor { group: plan.group.clone(), floor: due.to, restore: plan.restore, why: due.why.clone() };
    draft.ask(key, effect);
}

/// Caches that must be warm now and are not proven so.
pub(super) fn warmth(draft: &mut Draft<'_>) {
    let due: Vec<(Name, Name)> = draft
        .releases()
        .filter(|(release, state)| wants_warmth(release, state))
        .flat_map(|(release, _)| release.priming.iter().map(|policy| (policy.clone(), release.name.clone())))
        .filter(|(policy, release)| is_cold(draft, policy, release))
        .collect();
    for (policy, release) in due {
        let run = draft.state.decisions + 1;
        let key = format!("prime:{policy}:{run}");
        if !draft.effects.iter().any(|(other, _)| *other == key) {
            draft.ask(key, Effect::Prime { policy, release });
        }
    }
}

fn wants_warmth(release: &Release, state: &ReleaseState) -> bool {
    let rising =
        matches!(state.phase.active(), Some(Active::Preparing | Active::Ready | Active::Rolling { .. } | Active::Baking));
    rising && !release.shadow && !release.released && !matches!(state.phase, Phase::Aborted { .. })
}

/// Nothing proven yet, not enough, too old, or going stale before it may.
fn is_cold(draft: &Draft<'_>, name: &Name, release: &Name) -> bool {
    let now = draft.snapshot.now;
    let open = draft.snapshot.observed.open.iter().any(|key| key.starts_with(&format!("prime:{name}:")));
    let Some(policy) = draft.snapshot.config.primings.get(name) else { return false };
    let Some(coverage) = draft.snapshot.observed.coverage.get(name) else { return !open };
    // Proven by a clock that was set back since: nobody knows how long ago.
    let rested = since(now, coverage.measured_at) >= policy.poll_every || coverage.measured_at > now;
    !open
        && (rested
            || (goes_stale(draft, (policy, coverage), release) && since(now, coverage.measured_at) >= policy.retry_every()))
}

fn goes_stale(draft: &Draft<'_>, (policy, coverage): (&Policy, &Coverage), release: &Name) -> bool {
    let short = coverage.nodes.values().any(|ratio| ratio * 100.0 < policy.coverage);
    let needed = draft
        .snapshot
        .config
        .releases
        .get(release)
        .and_then(|release| policy.fresh_until.map(|until| until.at(release.launch_at)));
    let expires = coverage.fresh_until.zip(needed).is_some_and(|(fresh, needed)| fresh < needed);
    short || expires
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
