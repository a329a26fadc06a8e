//! What a change of its document may do to a release that is launched: lower it, and raise nothing.
//!
//! A release stands at a percent, not at a place in a list: where steps were put in, taken out or changed, it stays at
//! what it lets through, and the next step is the first one above it. Not here: what an edit does to sign-offs (they bind
//! to content). Invariant: no edit lets more through than before it; that takes SAFE or a person (I4).

use std::time::Duration;

use jiff::Timestamp;

use super::{Active, Phase, Release, ReleaseState, percent};
use crate::core::words::Name;

/// The step after the one that a release stands at: the first above what it lets through; the number of steps if there is
/// none.
pub fn next_step(release: &Release, state: &ReleaseState) -> usize {
    let steps = &release.rollout.steps;
    let here = percent(release, state);
    steps.iter().position(|step| Some(step.percent) > here).unwrap_or(steps.len())
}

/// The step whose dwell counts: the last one that is not above what is let through, else the first; `None`: not rolling.
pub fn stands_at(release: &Release, state: &ReleaseState) -> Option<usize> {
    let Some(Active::Rolling { .. }) = state.phase.active() else { return None };
    let (steps, here) = (&release.rollout.steps, percent(release, state)?);
    steps.iter().rposition(|step| step.percent <= here).or((!steps.is_empty()).then_some(0))
}

/// Where a release stands after an edit of its steps; equal to the given state when they are as they were.
///
/// A step that was lowered lowers what is let through, and its evidence begins anew. A step that was raised, moved or
/// taken out leaves it as it is. The place in the list is kept where its percent is not in the list any more, so that a
/// later edit of that place is understood.
pub fn stand(release: &Release, state: &ReleaseState, now: Timestamp) -> ReleaseState {
    let (Some(Active::Rolling { step }), Some(before)) = (state.phase.active(), percent(release, state)) else {
        return state.clone();
    };
    let steps = &release.rollout.steps;
    let kept = steps.iter().position(|step| step.percent == before);
    let lowered = steps.get(step).map(|step| step.percent).filter(|here| kept.is_none() && *here < before);
    let at = Active::Rolling { step: kept.unwrap_or(step) };
    let phase = match &state.phase {
        Phase::Held { by, reason, .. } => Phase::Held { at, by: by.clone(), reason: reason.clone() },
        _ => Phase::Active(at),
    };
    let stands = ReleaseState { phase, percent: Some(lowered.unwrap_or(before)), ..state.clone() };
    if lowered.is_none() {
        return stands;
    }
    let dwell_from = stands.dwell_from.map(|_| now);
    ReleaseState { step_from: Some(now), dwelled: Duration::ZERO, dwell_from, ..stands }
}

/// What a document changes although its release is under way, as keys such as `version`: each would let something through
/// that no gate has seen, or take the ground from the evidence. Empty: it may change so.
///
/// A release that was out when tminus came is what its document says of it, and was never gated.
pub fn fixed(before: &Release, after: &Release, state: &ReleaseState) -> Vec<&'static str> {
    if before.released || matches!(state.phase, Phase::Planned | Phase::Scrubbed { .. }) {
        return Vec::new();
    }
    let launched = state.evidence_from.is_some() || state.phase == Phase::Complete;
    let early = |release: &Release| release.early.iter().flat_map(|entry| entry.channels.clone()).collect::<Vec<Name>>();
    let is_new = |channels: &[Name], known: &[Name]| channels.iter().any(|channel| !known.contains(channel));
    let changed = [
        ("released", after.released),
        ("app", launched && before.app != after.app),
        ("version", launched && before.version != after.version),
        ("from", launched && before.from != after.from),
        ("channels", launched && is_new(&after.channels, &before.channels)),
        ("early", launched && is_new(&early(after), &early(before))),
        ("shadow", launched && before.shadow && !after.shadow),
    ];
    changed.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
}
