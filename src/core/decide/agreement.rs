//! Applying a saved plan: the daemon carries out exactly that plan, or says what moved since it was made.
//!
//! The daemon is level-triggered, so nothing is handed over but consent: with everything as it was, what is due by the
//! plan is done by the very next decisions, and what they would do beyond it shows as a difference. Not here: comparing
//! ([`super::basis`]). Invariant: a plan is agreed only while nothing it was made from has moved, and once.

use super::basis::{Basis, Ground, peak};
use super::decision::Told;
use super::draft::Draft;
use super::snapshot::Command;
use crate::core::release::AgreedPlan;
use crate::core::words::Name;

/// Most differences that are named; the rest is counted.
const MOST_NAMED: usize = 5;

/// Agrees to a plan that was made from `made_from`.
pub(super) fn apply(draft: &mut Draft<'_>, (name, made_from): (&Name, &Basis), command: &Command) -> Result<Told, Told> {
    let unknown = || told("unknown_release", format!("there is no release {name}"));
    let release = draft.snapshot.config.releases.get(name).ok_or_else(unknown)?;
    let state = draft.state.releases.get(name).ok_or_else(unknown)?;
    let digest = made_from.digest();
    if let Some(agreed) = state.agreed.as_ref().filter(|agreed| agreed.digest == digest) {
        return Ok(told(
            "already_applied",
            format!("{} applied this plan of {name} already, and it is being carried out", agreed.by),
        ));
    }
    let ground =
        Ground { config: &draft.snapshot.config, state: &draft.state, observed: &draft.snapshot.observed, plans: &draft.plans };
    let moved = made_from.moved(&Basis::of(ground, release));
    if !moved.is_empty() {
        return Err(told("plan_moved", refusal(name, &moved)));
    }
    let peaks = release.scaling.iter().filter_map(|group| Some((group.clone(), peak(draft.plans.get(group)?)))).collect();
    let agreed =
        AgreedPlan { digest, by: command.by.name.clone(), at: draft.snapshot.now, documents: made_from.documents.clone(), peaks };
    if let Some(state) = draft.state.releases.get_mut(name) {
        state.agreed = Some(agreed);
    }
    Ok(told("applied", format!("the plan of {name} is applied: what is due by it starts now, the rest at its time")))
}

fn refusal(name: &Name, moved: &[String]) -> String {
    let named: Vec<&str> = moved.iter().take(MOST_NAMED).map(String::as_str).collect();
    let more = moved.len().saturating_sub(named.len());
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!(
        "the plan of {name} was not applied, since what it was made from has moved: {}{more}; make it anew with `tminus plan {name} --out FILE` and look at it again",
        named.join("; ")
    )
}

fn told(code: &str, message: String) -> Told {
    Told { code: code.into(), message }
}
