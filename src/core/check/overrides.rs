//! I6: an override in force beats automation, ends once and only when it is over or somebody says so.
//!
//! Not here: what it should cost. Invariant: what is in force is read from the state and the clock alone.

use super::{Broken, say};
use crate::core::decide::{Decision, Effect, Order, Snapshot};
use crate::core::load::{Override, OverrideKind, OverrideTo, ScheduledFloor, Turn};
use crate::core::words::{Capacity, Name, later};

/// Every override and every floor that is asked for.
pub(super) fn check(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    for one in &snapshot.state.overrides.list {
        let stays = decision.state.overrides.list.iter().any(|other| other.id == one.id);
        if !stays && snapshot.now < one.expires_at && !ordered(decision, snapshot, one) {
            say(broken, "I6", format!("the {} on {} is gone before its end", one.to.words(), one.group));
        }
    }
    for one in &decision.state.overrides.list {
        stands(decision, snapshot, one, broken);
    }
    for intent in &decision.intents {
        match &intent.effect {
            Effect::SetFloor { group, floor, .. } => obeyed(decision, snapshot, (group, *floor), broken),
            Effect::ScheduleFloors { group, restore, floors, .. } => {
                for kept in floors {
                    obeyed_ahead(decision, (snapshot, group, *restore), kept, broken);
                }
            }
            _ => {}
        }
    }
}

/// It has an end within bounds and a reason, it is alone of its kind, and if it is new or lasts longer, somebody said so.
fn stands(decision: &Decision, snapshot: &Snapshot, one: &Override, broken: &mut Vec<Broken>) {
    let what = format!("the {} on {}", one.to.words(), one.group);
    let before = snapshot.state.overrides.list.iter().find(|other| other.id == one.id);
    let same = |other: &&Override| other.group == one.group && other.to.kind() == one.to.kind();
    if one.expires_at <= snapshot.now {
        say(broken, "I6", format!("{what} is over and still counts"));
    }
    if one.reason.trim().is_empty() || decision.state.overrides.list.iter().filter(same).count() != 1 {
        say(broken, "I6", format!("{what} has no reason, or is there twice"));
    }
    let unchanged =
        before.is_some_and(|before| before.to == one.to && before.expires_at == one.expires_at && before.owner == one.owner);
    if unchanged {
        return;
    }
    if !ordered(decision, snapshot, one) {
        say(broken, "I6", format!("{what} is new or lasts longer, and nobody said so"));
    }
    let longest = snapshot.config.scalings.get(&one.group).map(|policy| policy.limits.override_for);
    if longest.is_some_and(|longest| one.expires_at > later(snapshot.now, longest)) {
        say(broken, "I6", format!("{what} lasts longer than its policy allows"));
    }
}

/// Whether somebody gave an accepted order about an override of this kind on this group in this very decision.
fn ordered(decision: &Decision, snapshot: &Snapshot, one: &Override) -> bool {
    let about = |order: &Order| match order {
        Order::Override { group, to, .. } => *group == one.group && to.kind() == one.to.kind(),
        Order::ExtendOverride { group, kind, .. } | Order::ClearOverride { group, kind } => {
            *group == one.group && *kind == one.to.kind()
        }
        _ => false,
    };
    snapshot.commands.iter().zip(&decision.replies).any(|(command, reply)| reply.is_ok() && about(&command.order))
}

/// No floor is set against what people impose.
fn obeyed(decision: &Decision, snapshot: &Snapshot, (group, floor): (&Name, Capacity), broken: &mut Vec<Broken>) {
    let Some(policy) = snapshot.config.scalings.get(group) else { return };
    let in_force = |kind: OverrideKind| {
        let mut of_group =
            decision.state.overrides.list.iter().filter(|one| one.group == *group && snapshot.now < one.expires_at);
        of_group.find(|one| one.to.kind() == kind).map(|one| one.to)
    };
    let number = |kind| in_force(kind).and_then(OverrideTo::instances);
    let before = snapshot.observed.groups.get(group).map(|seen| seen.floor);
    let before = before.or_else(|| snapshot.state.floors.get(group).map(|held| held.floor)).unwrap_or(policy.limits.floor);
    let restore = decision.state.floors.get(group).map_or(Capacity(0), |held| held.restore);
    let allowed = allowed(snapshot, group);
    if in_force(OverrideKind::Freeze).is_some() {
        say(broken, "I6", format!("{group} would change although it is frozen"));
    }
    let most = number(OverrideKind::Pin).or(number(OverrideKind::Ceiling));
    if most.is_some_and(|most| floor > before && floor > most.max(restore)) {
        say(broken, "I6", format!("{group} would be raised to {floor}, above what somebody imposed"));
    }
    let least =
        number(OverrideKind::Pin).or(number(OverrideKind::Floor)).map(|least| least.min(most.unwrap_or(least)).min(allowed));
    if least.is_some_and(|least| floor < before && floor < least) {
        say(broken, "I6", format!("{group} would be lowered to {floor}, below what somebody imposed"));
    }
}

/// Nothing is left to a provider that would come while people impose something else.
fn obeyed_ahead(
    decision: &Decision,
    (snapshot, group, restore): (&Snapshot, &Name, Capacity),
    kept: &ScheduledFloor,
    broken: &mut Vec<Broken>,
) {
    let imposed: Vec<OverrideTo> = {
        let all = decision.state.overrides.list.iter();
        all.filter(|one| one.group == *group && kept.at < one.expires_at).map(|one| one.to).collect()
    };
    let number = |kind| imposed.iter().find(|one| one.kind() == kind).and_then(|one| one.instances());
    if imposed.contains(&OverrideTo::Freeze) {
        say(broken, "I6", format!("{group} would change by itself at {} although it is frozen", kept.at));
    }
    let pin = number(OverrideKind::Pin);
    let most = pin.or(number(OverrideKind::Ceiling));
    if kept.turn == Turn::Raise && most.is_some_and(|most| kept.floor > most.max(restore)) {
        say(broken, "I6", format!("{group} would rise by itself to {}, above what somebody imposed", kept.floor));
    }
    let allowed = allowed(snapshot, group);
    let least = pin.or(number(OverrideKind::Floor)).map(|least| least.min(most.unwrap_or(least)).min(allowed));
    if kept.turn == Turn::Restore && least.is_some_and(|least| kept.floor < least) {
        say(broken, "I6", format!("{group} would fall by itself to {}, below what somebody imposed", kept.floor));
    }
}

/// What limits allow, whatever is imposed.
fn allowed(snapshot: &Snapshot, group: &Name) -> Capacity {
    let limits = snapshot.config.scalings.get(group).map(|policy| policy.limits);
    let seen = snapshot.observed.groups.get(group).map(|seen| seen.ceiling);
    let bounds = limits.into_iter().flat_map(|limits| [Some(limits.ceiling), limits.quota]).flatten().chain(seen);
    bounds.min().unwrap_or(Capacity(u32::MAX))
}
