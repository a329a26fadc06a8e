//! What belongs to people: halts, sign-offs and waivers (I4, I7).
//!
//! Not here: how many voices lift a halt; they come over several decisions. Invariant: signatures are counted anew from the
//! state, without the checklist's code.

use std::collections::BTreeSet;

use super::{Broken, say};
use crate::core::checklist::{Demand, Item, ItemState, ItemStatus};
use crate::core::decide::{Decision, Order, Snapshot};
use crate::core::release::{Release, ReleaseState};
use crate::core::throttle::HaltTarget;
use crate::core::words::Name;

/// A halt that is ordered is in force in the same decision, and only an order takes one away.
pub(super) fn halts(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    let given = || snapshot.commands.iter().zip(&decision.replies).filter(|(_, reply)| reply.is_ok());
    let lifted = |target: &HaltTarget| {
        given().any(|(command, _)| matches!(&command.order, Order::Lift { target: lifted, .. } if lifted == target))
    };
    let stands = |target: &HaltTarget| decision.state.halts.iter().any(|halt| halt.target == *target);
    for (command, _) in given() {
        if let Order::Halt { target } = &command.order
            && !stands(target)
            && !lifted(target)
        {
            say(broken, "I4", format!("{} halted {target:?} and it is not halted", command.by.name));
        }
    }
    for halt in &snapshot.state.halts {
        if !stands(&halt.target) && !lifted(&halt.target) {
            say(broken, "I4", format!("the halt of {:?} is gone and nobody lifted it", halt.target));
        }
    }
    let in_force = |target: &HaltTarget| decision.halts.iter().any(|halt| halt.target == *target);
    if let Some(halt) = decision.state.halts.iter().find(|halt| !in_force(&halt.target)) {
        say(broken, "I4", format!("the halt of {:?} is not in force", halt.target));
    }
    if snapshot.observed.halt_file && !in_force(&HaltTarget::Everything) {
        say(broken, "I4", "the halt file exists and not everything is halted".into());
    }
}

/// I7: what counts as signed or waived is.
pub(super) fn signatures(decision: &Decision, snapshot: &Snapshot, broken: &mut Vec<Broken>) {
    for (name, view) in &decision.releases {
        let Some(release) = snapshot.config.releases.get(name) else { continue };
        let Some(state) = decision.state.releases.get(name) else { continue };
        for status in &view.readiness.items {
            let lists = release.checklists.iter().filter_map(|list| snapshot.config.checklists.get(list));
            let Some(item) = lists.flat_map(|list| &list.items).find(|item| item.id == status.id) else { continue };
            item_stands((snapshot, release, state), (item, status), broken);
        }
    }
}

fn item_stands(
    (snapshot, release, state): (&Snapshot, &Release, &ReleaseState),
    (item, status): (&Item, &ItemStatus),
    broken: &mut Vec<Broken>,
) {
    let key = format!("{}/{}", release.name.folded(), item.id.folded());
    let content = snapshot.config.contents.get(&key);
    let is_of = |item_of: &Name, of: &str| *item_of == item.id && content.is_some_and(|content| content == of);
    match (&status.state, &item.demand) {
        (ItemState::Waived, _) => {
            let mut waivers = state.waivers.iter().filter(|waiver| is_of(&waiver.item, &waiver.content));
            if !item.waivable || !waivers.any(|waiver| waiver.expires_at > snapshot.now) {
                say(broken, "I7", format!("{} of {} counts as waived, and no waiver of it holds", item.id, release.name));
            }
        }
        (ItemState::Green, Demand::SignOff { roles, count }) => {
            let signed = state.sign_offs.iter().filter(|signed| is_of(&signed.item, &signed.content));
            let may = signed.filter(|signed| roles.is_empty() || signed.roles.iter().any(|role| roles.contains(role)));
            let people: BTreeSet<&Name> =
                may.map(|signed| &signed.by).filter(|by| state.applied_by.as_ref() != Some(*by)).collect();
            if people.len() < (*count).max(1) as usize {
                say(
                    broken,
                    "I7",
                    format!("{} of {} counts as signed by {} of {count} people", item.id, release.name, people.len()),
                );
            }
        }
        _ => {}
    }
}
